"""The SFTP server and its users against their templates: Transfer Family's answers given."""

import copy
import json
from typing import Any

import pytest

from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.difference import ByHand, DifferenceKind, LiveDifference, Revert, call
from data_exports.deploy.drift.sftp import check_sftp, check_undeclared_users, sftp_users_in
from data_exports.deploy.sftp_server import SftpServer, read_sftp_server
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.sftp import sftp_stack
from data_exports.stacks.stack import Stack, Surroundings
from tests import ssh_keys
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, SFTP_READER, pull

LISTS = pull("lists", sftp_readers=(SFTP_READER,))
SERVER_ID = "s-0123456789abcdef0"
ROLE = f"arn:aws:iam::593291632749:role/export_lists-pull-{SFTP_READER.short_id}"
NONE = refusal("ResourceNotFoundException")
WHO = {"ServerId": SERVER_ID, "UserName": "meridian"}


def _template(stack: Stack | None) -> DeployedTemplate:
    assert stack is not None
    arn = f"arn:aws:cloudformation:eu-west-1:593291632749:stack/{stack.name}/1"
    return DeployedTemplate(DeployedStack(stack.name, arn, "CREATE_COMPLETE", stack.tags), json.loads(stack.body))


SERVER = _template(sftp_stack(PLATFORM, [LISTS]))
USERS = _template(pull_stack(PLATFORM, LISTS, Surroundings(code_key="code/mover.zip")))


class Transfer:
    """A server with one user, as deployed to begin with."""

    def __init__(self) -> None:
        ((_, self.server),) = ((name, dict(each)) for name, each in SERVER.resources("AWS::Transfer::Server"))
        self.server |= {"State": "ONLINE", "HostKeyFingerprint": "SHA256:abc="}
        self.user: dict[str, Any] = {
            "Arn": f"arn:aws:transfer:eu-west-1:593291632749:user/{SERVER_ID}/meridian",
            "Role": ROLE,
            "HomeDirectoryType": "LOGICAL",
            "HomeDirectoryMappings": [{"Entry": "/", "Target": "/mojap-lists"}],
            "SshPublicKeys": [{"SshPublicKeyBody": f"{ssh_keys.ED25519} me", "SshPublicKeyId": "key-1"}],
        }
        self.names = ["meridian"]
        self.outputs = [{"OutputKey": "ServerId", "OutputValue": SERVER_ID}]
        self.is_gone = {"server": False, "user": False, "stack": False}
        self.aws = AwsAnswers(
            {
                "describe_stacks": lambda **_: (
                    refusal("ValidationError", "Stack with id exports-sftp does not exist")
                    if self.is_gone["stack"]
                    else {"Stacks": [{"Outputs": self.outputs}]}
                ),
                "describe_server": lambda **_: (
                    NONE if self.is_gone["server"] else {"Server": copy.deepcopy(self.server)}
                ),
                "describe_user": lambda **_: NONE if self.is_gone["user"] else {"User": copy.deepcopy(self.user)},
                "list_users": lambda **_: [{"Users": [{"UserName": name} for name in self.names]}],
            }
        )

    def told(self, what: str, answer: dict[str, Any]) -> Any:
        return NONE if self.is_gone[what] else copy.deepcopy(answer)

    def found(self, template: DeployedTemplate) -> list[LiveDifference]:
        return list(check_sftp(self.aws, template))


@pytest.fixture
def transfer() -> Transfer:
    return Transfer()


def test_what_is_as_deployed_is_no_difference(transfer: Transfer) -> None:
    assert transfer.found(SERVER) + transfer.found(USERS) == []
    assert list(sftp_users_in(USERS)) == ["meridian"]
    assert list(check_undeclared_users(transfer.aws, ours=["meridian"])) == []


def test_where_nobody_needs_a_server_nobody_asks_for_it(transfer: Transfer) -> None:
    plain = _template(pull_stack(PLATFORM, pull("plain"), Surroundings(code_key="code/mover.zip")))
    assert list(check_sftp(AwsAnswers({}), plain)) == []
    transfer.is_gone["stack"] = True
    assert transfer.found(USERS) == []
    assert list(check_undeclared_users(transfer.aws, ours=[])) == []


def test_a_server_that_is_gone_cannot_come_back_the_same(transfer: Transfer) -> None:
    transfer.is_gone["server"] = True
    (found,) = transfer.found(SERVER)
    assert (found.kind, found.what) == (
        DifferenceKind.SFTP_SERVER_GONE,
        f"the SFTP server {SERVER_ID} is gone, with its host name and its host key",
    )
    assert isinstance(found.repair, ByHand)
    assert read_sftp_server(transfer.aws) is None


def test_a_server_that_is_off_is_started(transfer: Transfer) -> None:
    transfer.server["State"] = "OFFLINE"
    (found,) = transfer.found(SERVER)
    assert (found.repair, found.returns_access) == (call("transfer", "start_server", ServerId=SERVER_ID), True)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("SecurityPolicyName", "TransferSecurityPolicy-2018-11", "TransferSecurityPolicy-2018-11"),
        ("EndpointType", "VPC", "VPC"),
        ("Protocols", ["SFTP", "FTP"], "SFTP, FTP"),
        ("StructuredLogDestinations", [], "not set"),
        ("ProtocolDetails", None, "not set"),
    ],
)
def test_each_setting_of_the_server_is_put_back_alone(transfer: Transfer, name: str, value: Any, shown: str) -> None:
    wanted = transfer.server[name]
    transfer.server[name] = value
    (found,) = transfer.found(SERVER)
    assert found.what.startswith(f"the SFTP server {SERVER_ID}: {name} is {shown}, deployed as ")
    assert found.repair == call("transfer", "update_server", ServerId=SERVER_ID, **{name: wanted})


def test_a_user_that_is_gone_is_made_again_by_cloudformation(transfer: Transfer) -> None:
    transfer.is_gone["user"] = True
    (found,) = transfer.found(USERS)
    assert (found.kind, found.repair, found.returns_access) == (DifferenceKind.SFTP_USER_GONE, Revert(), True)


def test_another_key_is_taken_and_a_missing_one_given_back(transfer: Transfer) -> None:
    other = {"SshPublicKeyBody": f"{ssh_keys.OTHER} somebody", "SshPublicKeyId": "key-2"}
    strange = {"SshPublicKeyBody": "ssh-dss AAAA", "SshPublicKeyId": "key-3"}
    transfer.user["SshPublicKeys"] = [other, strange]
    found = transfer.found(USERS)
    of = "the user meridian of the SFTP server is"
    assert [(each.what, each.repair, each.returns_access) for each in found] == [
        (
            f"{of} also let in by the SSH key of a kind that is not known here",
            call("transfer", "delete_ssh_public_key", **WHO, SshPublicKeyId="key-3"),
            False,
        ),
        (
            f"{of} also let in by the SSH key {ssh_keys.FINGERPRINTS[ssh_keys.OTHER]}",
            call("transfer", "delete_ssh_public_key", **WHO, SshPublicKeyId="key-2"),
            False,
        ),
        (
            f"{of} no longer let in by the SSH key {ssh_keys.FINGERPRINTS[ssh_keys.ED25519]}",
            call("transfer", "import_ssh_public_key", **WHO, SshPublicKeyBody=ssh_keys.ED25519),
            True,
        ),
    ]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Role", "arn:aws:iam::593291632749:role/admin", f"arn:aws:iam::593291632749:role/admin, deployed as {ROLE}"),
        ("HomeDirectoryType", "PATH", "PATH, deployed as LOGICAL"),
        (
            "HomeDirectoryMappings",
            [{"Entry": "/", "Target": "/mojap-hub-exports"}],
            "/ at /mojap-hub-exports, deployed as / at /mojap-lists",
        ),
        ("HomeDirectory", "/mojap-hub-exports", "/mojap-hub-exports, deployed as not set"),
        ("Policy", "{}", "{}, deployed as not set"),
    ],
)
def test_each_setting_of_a_user_is_put_back_with_all_of_them(
    transfer: Transfer, name: str, value: Any, shown: str
) -> None:
    transfer.user[name] = value
    (found,) = transfer.found(USERS)
    assert found.what == f"the user meridian of the SFTP server: {name} is {shown}"
    wanted = {
        "HomeDirectoryType": "LOGICAL",
        "HomeDirectoryMappings": [{"Entry": "/", "Target": "/mojap-lists"}],
        "Role": ROLE,
        **({name: ""} if name in ("HomeDirectory", "Policy") else {}),
    }
    assert found.repair == call("transfer", "update_user", **WHO, **wanted)


def test_a_user_whom_no_dataset_declares_is_named(transfer: Transfer) -> None:
    transfer.names = ["meridian", "it's me"]
    (found,) = check_undeclared_users(transfer.aws, ours=["meridian"])
    assert found.what == "the SFTP server lets in it's me, whom no dataset declares"
    assert found.repair == ByHand(
        f"if it is not meant: aws transfer delete-user --server-id {SERVER_ID} --user-name 'it'\"'\"'s me'"
    )


def test_the_address_and_the_host_key_are_told_as_openssh_shows_them(transfer: Transfer) -> None:
    assert read_sftp_server(transfer.aws) == SftpServer(
        SERVER_ID, f"{SERVER_ID}.server.transfer.eu-west-1.amazonaws.com", "SHA256:abc", is_online=True
    )
    transfer.server["State"] = "STOPPING"
    server = read_sftp_server(transfer.aws)
    assert server is not None
    assert not server.is_online
