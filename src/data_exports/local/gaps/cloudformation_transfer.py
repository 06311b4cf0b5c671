"""CloudFormation: servers and users of Transfer Family, which the emulator's does not know."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import transfer
from ministack.services.cloudformation import drift, provisioners

from data_exports.local.gaps.cloudformation import TemplateProperties
from data_exports.local.gaps.s3_errors import Answer
from data_exports.local.gaps.transfer import SERVER_SETTINGS, USER_SETTINGS, update_server, update_user

_Made = tuple[str, dict[str, str]]

_SERVER, _USER = "AWS::Transfer::Server", "AWS::Transfer::User"

_SERVER_DEFAULTS: TemplateProperties = {
    "SecurityPolicyName": "TransferSecurityPolicy-2018-11",
    "StructuredLogDestinations": [],
    "ProtocolDetails": {},
}
_USER_DEFAULTS: TemplateProperties = {
    "HomeDirectoryType": "PATH",
    "HomeDirectoryMappings": [],
    "HomeDirectory": None,
    "Policy": None,
}


def _told(answer: Answer) -> dict[str, Any]:
    """What Transfer Family answers; raises `ValueError` with its reason when it refuses."""
    content: dict[str, Any] = json.loads(answer[2])
    if answer[0] >= 400:
        raise ValueError(f"{content['message']} (Service: Transfer, Status Code: {answer[0]})")
    return content


def _named_in(arn: str) -> dict[str, str]:
    """The server, and the user, that an ARN names as Transfer Family's requests name them."""
    return dict(zip(("ServerId", "UserName"), arn.split("/")[1:], strict=False))


def _server_made(server_id: str) -> _Made:
    arn = transfer._servers[server_id]["Arn"]
    return arn, {"Arn": arn, "ServerId": server_id, "State": transfer._servers[server_id]["State"]}


def _create_server(_logical_id: str, properties: TemplateProperties, _stack: str) -> _Made:
    return _server_made(_told(transfer._create_server(dict(properties)))["ServerId"])


def _update_server(arn: str, _old: TemplateProperties, new: TemplateProperties, _stack: str) -> _Made:
    named = _named_in(arn)
    settings = {name: new[name] for name in SERVER_SETTINGS if name in new}
    _told(update_server({**_SERVER_DEFAULTS, **settings, **named}))
    transfer._servers[named["ServerId"]]["Tags"] = list(new.get("Tags") or [])
    return _server_made(named["ServerId"])


def _delete_server(arn: str, _properties: TemplateProperties) -> None:
    transfer._delete_server(_named_in(arn))


def _user_made(named: Mapping[str, str]) -> _Made:
    arn = transfer._users[transfer._user_key(named["ServerId"], named["UserName"])]["Arn"]
    return arn, {"Arn": arn, **named}


def _settle_keys(named: Mapping[str, str], wanted: list[str]) -> None:
    """Give a user these keys and no others."""
    kept = transfer._users[transfer._user_key(named["ServerId"], named["UserName"])]["SshPublicKeys"]
    for record in [record for record in kept if record["SshPublicKeyBody"] not in wanted]:
        _told(transfer._delete_ssh_public_key({**named, "SshPublicKeyId": record["SshPublicKeyId"]}))
    known = {record["SshPublicKeyBody"] for record in kept}
    for body in wanted:
        if body not in known:
            _told(transfer._import_ssh_public_key({**named, "SshPublicKeyBody": body}))


def _keys_in(properties: TemplateProperties) -> list[str]:
    return [body.strip() for body in properties.get("SshPublicKeys") or []]


def _create_user(_logical_id: str, properties: TemplateProperties, _stack: str) -> _Made:
    named = {name: properties[name] for name in ("ServerId", "UserName")}
    _told(transfer._create_user(_as_requested(properties)))
    try:
        _settle_keys(named, _keys_in(properties))
    except ValueError:
        transfer._delete_user(named)
        raise
    return _user_made(named)


def _update_user(arn: str, _old: TemplateProperties, new: TemplateProperties, _stack: str) -> _Made:
    named = _named_in(arn)
    _told(update_user({**_USER_DEFAULTS, **_as_requested(new)}))
    _settle_keys(named, _keys_in(new))
    transfer._users[transfer._user_key(named["ServerId"], named["UserName"])]["Tags"] = list(new.get("Tags") or [])
    return _user_made(named)


def _as_requested(properties: TemplateProperties) -> dict[str, Any]:
    """A template may write a user's policy as text only, as requests do.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-transfer-user.html
    """
    return {name: value for name, value in properties.items() if name != "SshPublicKeys"}


def _delete_user(arn: str, _properties: TemplateProperties) -> None:
    transfer._delete_user(_named_in(arn))


# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-transfer-server.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-transfer-user.html
provisioners._RESOURCE_HANDLERS[_SERVER] = {
    "create": _create_server,
    "update": _update_server,
    "delete": _delete_server,
}
provisioners._RESOURCE_HANDLERS[_USER] = {"create": _create_user, "update": _update_user, "delete": _delete_user}
provisioners._REPLACING_PROPERTIES[_SERVER] = ("Domain",)
provisioners._REPLACING_PROPERTIES[_USER] = ("ServerId", "UserName")
provisioners._STACK_TAG_PROPERTY[_SERVER] = ("Tags", "list")
provisioners._STACK_TAG_PROPERTY[_USER] = ("Tags", "list")


def _server_now(arn: str, _expected: TemplateProperties) -> dict[str, Any] | None:
    """What a server is set to, as its template would write it; None when it is gone."""
    record = transfer._servers.get(_named_in(arn)["ServerId"])
    return {name: record[name] for name in SERVER_SETTINGS if name in record} if record else None


def _user_now(arn: str, _expected: TemplateProperties) -> dict[str, Any] | None:
    """What a user is set to, as its template would write it; None when it is gone."""
    named = _named_in(arn)
    record = transfer._users.get(transfer._user_key(named["ServerId"], named["UserName"]))
    if record is None:
        return None
    keys = [each["SshPublicKeyBody"] for each in record["SshPublicKeys"]]
    return {"SshPublicKeys": keys, **{name: record.get(name) for name in USER_SETTINGS}}


drift._DRIFT_READERS[_SERVER] = (_server_now, frozenset(SERVER_SETTINGS))
drift._DRIFT_READERS[_USER] = (_user_now, frozenset({"SshPublicKeys", *USER_SETTINGS}))
