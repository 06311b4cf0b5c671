"""The SFTP server and its users, compared with the templates: who is let in by which key, to which bucket.

In: an `Aws` and a template. Out: differences. Effects: reads the server and its users.
https://docs.aws.amazon.com/transfer/latest/APIReference/API_Operations.html
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from data_exports.aws import Aws, call_or_none
from data_exports.deploy.drift.deployed import DeployedTemplate, ResourceProperties
from data_exports.deploy.drift.difference import ByHand, DifferenceKind, LiveDifference, Revert, call
from data_exports.deploy.sftp_server import read_sftp_server_id
from data_exports.names import InvalidNameError
from data_exports.readers.ssh_keys import SshPublicKey
from data_exports.text import shell_word

_SERVER, _USER = "AWS::Transfer::Server", "AWS::Transfer::User"
_OF_SERVER = ("EndpointType", "Protocols", "ProtocolDetails", "SecurityPolicyName", "StructuredLogDestinations")
_OF_USER = ("HomeDirectoryType", "HomeDirectoryMappings", "Role")
_NARROWING = ("Policy", "HomeDirectory")
"""What a user of ours does not have: each would show less, or something else, than is declared."""
MAKE_SERVER_ANEW = ByHand(
    "take every `sftp_readers` out and `exports deploy`, then put them back and deploy again: a new server gets another"
    " host name and another host key, which every reader must be told"
)


def check_sftp(aws: Aws, template: DeployedTemplate) -> Iterator[LiveDifference]:
    """What differs in the server, or in its users of one dataset. Raises botocore's exceptions."""
    servers, users = list(template.resources(_SERVER)), list(template.resources(_USER))
    server = read_sftp_server_id(aws) if servers or users else None
    if server is None:  # without users, or the server's stack, which is told of
        return
    for _, properties in servers:
        yield from _drift_of_server(aws, server, properties)
    for _, properties in users:
        yield from _drift_of_user(aws, server, template, properties)


def sftp_users_in(template: DeployedTemplate) -> Iterator[str]:
    """The users of the server that a stack has made."""
    yield from (str(properties["UserName"]) for _, properties in template.resources(_USER))


def check_undeclared_users(aws: Aws, *, ours: Collection[str]) -> Iterator[LiveDifference]:
    """The users of our server that no stack has made. Raises botocore's exceptions."""
    server = read_sftp_server_id(aws)
    if server is None:
        return
    pages = aws.client("transfer").get_paginator("list_users").paginate(ServerId=server)
    names = call_or_none(lambda: [str(user["UserName"]) for page in pages for user in page["Users"]]) or ()
    for name in sorted(set(names) - set(ours)):
        command = f"aws transfer delete-user --server-id {server} --user-name {shell_word(name)}"
        said = f"the SFTP server lets in {name}, whom no dataset declares"
        yield LiveDifference(DifferenceKind.UNDECLARED_SFTP_USER, said, ByHand(f"if it is not meant: {command}"))


def _drift_of_server(aws: Aws, server: str, properties: ResourceProperties) -> Iterator[LiveDifference]:
    found = call_or_none(lambda: aws.client("transfer").describe_server(ServerId=server)["Server"])
    if found is None:
        said = f"the SFTP server {server} is gone, with its host name and its host key"
        yield LiveDifference(DifferenceKind.SFTP_SERVER_GONE, said, MAKE_SERVER_ANEW)
        return
    if found["State"] != "ONLINE":
        said = f"the SFTP server {server} is {found['State']}: nobody gets in, and it is paid all the same"
        start = call("transfer", "start_server", ServerId=server)
        yield LiveDifference(DifferenceKind.SFTP_SERVER_OFF, said, start, returns_access=True)
    for name in _OF_SERVER:
        wanted, there = properties[name], found.get(name)
        if there != wanted:
            said = f"the SFTP server {server}: {name} is {_shown(there)}, deployed as {_shown(wanted)}"
            put = call("transfer", "update_server", ServerId=server, **{name: wanted})
            yield LiveDifference(DifferenceKind.SFTP_SERVER, said, put)


def _drift_of_user(
    aws: Aws, server: str, template: DeployedTemplate, properties: ResourceProperties
) -> Iterator[LiveDifference]:
    name = properties["UserName"]
    who = {"ServerId": server, "UserName": name}
    found = call_or_none(lambda: aws.client("transfer").describe_user(**who)["User"])
    if found is None:
        said = f"the user {name} of the SFTP server is gone"
        yield LiveDifference(DifferenceKind.SFTP_USER_GONE, said, Revert(), returns_access=True)
        return
    yield from _drift_of_keys(who, properties["SshPublicKeys"], found.get("SshPublicKeys", []))
    account = found["Arn"].split(":")[4]
    role = f"arn:aws:iam::{account}:role/{template.named(properties['Role'])['RoleName']}"
    wanted = {**{each: properties[each] for each in _OF_USER}, "Role": role}
    other = [each for each in _OF_USER if found.get(each) != wanted[each]]
    other += [each for each in _NARROWING if found.get(each)]
    for each in other:
        said = f"the user {name} of the SFTP server: {each} is {_shown(found.get(each))}, deployed as "
        put = call("transfer", "update_user", **who, **wanted, **{each: "" for each in _NARROWING if found.get(each)})
        yield LiveDifference(DifferenceKind.SFTP_USER, f"{said}{_shown(wanted.get(each))}", put, returns_access=True)


def _drift_of_keys(
    who: Mapping[str, str], wanted: Collection[str], there: Collection[Mapping[str, Any]]
) -> Iterator[LiveDifference]:
    of = f"the user {who['UserName']} of the SFTP server"
    found = {_key_of(each["SshPublicKeyBody"]): str(each["SshPublicKeyId"]) for each in there}
    for key in sorted(set(found) - set(wanted)):
        said = f"{of} is also let in by the SSH key {_fingerprint_of(key)}"
        taken = call("transfer", "delete_ssh_public_key", **who, SshPublicKeyId=found[key])
        yield LiveDifference(DifferenceKind.OTHER_SSH_KEY, said, taken)
    for key in sorted(set(wanted) - set(found)):
        said = f"{of} is no longer let in by the SSH key {_fingerprint_of(key)}"
        given = call("transfer", "import_ssh_public_key", **who, SshPublicKeyBody=key)
        yield LiveDifference(DifferenceKind.SSH_KEY_GONE, said, given, returns_access=True)


def _key_of(body: str) -> str:
    """The key without its comment; what is none of ours stays as it is."""
    try:
        return SshPublicKey(body)
    except InvalidNameError:
        return body


def _fingerprint_of(key: str) -> str:
    try:
        return SshPublicKey(key).fingerprint
    except InvalidNameError:
        return "of a kind that is not known here"


def _shown(value: object) -> str:
    match value:
        case None | "" | []:
            return "not set"
        case list():
            return ", ".join(map(_shown, value))
        case {"Entry": shown, "Target": place}:
            return f"{shown} at {place}"
        case dict():
            return " ".join(f"{name} {_shown(each)}" for name, each in value.items())
        case _:
            return str(value)
