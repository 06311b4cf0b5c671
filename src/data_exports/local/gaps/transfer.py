"""Transfer Family: servers that listen while they are on, what they and their users are set to, keys that are keys."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response, now_iso
from ministack.services import transfer

from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.s3_errors import Answer
from data_exports.local.gaps.sftp_listeners import host_fingerprint, remove_listener, start_listening, stop_listening
from data_exports.local.gaps.transfer_users import TransferServer

TransferInput = Mapping[str, Any]

_OLDEST_SECURITY_POLICY = "TransferSecurityPolicy-2018-11"
_SECURITY_POLICY = re.compile(r"Transfer[A-Za-z]*SecurityPolicy-.+")
_USER_NAME = re.compile(r"\w[\w@.-]{2,99}", re.ASCII)
_KEY_TYPES = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
SERVER_SETTINGS = ("SecurityPolicyName", "StructuredLogDestinations", "LoggingRole", "ProtocolDetails", "Protocols")
USER_SETTINGS = ("Role", "Policy", "HomeDirectory", "HomeDirectoryType", "HomeDirectoryMappings")


def _here(server_id: str) -> TransferServer:
    return TransferServer(get_account_id(), get_region(), server_id)


def _unknown(server_id: str) -> Answer:
    answer: Answer = transfer._error("ResourceNotFoundException", f"Unknown server: {server_id}", 404)
    return answer


def _answered(content: Mapping[str, Any]) -> Answer:
    answer: Answer = json_response(content)
    return answer


def _invalid(message: str) -> Answer:
    answer: Answer = transfer._error("InvalidRequestException", message, 400)
    return answer


def _wrong_setting_of_server(asked: TransferInput) -> str | None:
    policy = asked.get("SecurityPolicyName", _OLDEST_SECURITY_POLICY)
    if not _SECURITY_POLICY.fullmatch(policy):
        return f"Security Policy {policy} does not exist"
    if asked.get("IdentityProviderType", "SERVICE_MANAGED") != "SERVICE_MANAGED" or asked.get("Domain", "S3") != "S3":
        return "this local AWS knows service-managed users of S3 only"
    return None


@mends(transfer, "_create_server", "data")
def a_server_listens_at_an_endpoint_of_its_own(_original: Callable[..., Any], data: TransferInput) -> Answer:
    """A server has a port and a host key of its own, and keeps its security policy and where it logs.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_CreateServer.html
    """
    wrong = _wrong_setting_of_server(data)
    if wrong:
        return _invalid(wrong)
    server_id = transfer._server_id()
    transfer._servers[server_id] = {
        "Arn": transfer._server_arn(server_id),
        "ServerId": server_id,
        "State": "ONLINE",
        "EndpointType": data.get("EndpointType", "PUBLIC"),
        "IdentityProviderType": "SERVICE_MANAGED",
        "Domain": "S3",
        "Protocols": ["SFTP"],
        "SecurityPolicyName": _OLDEST_SECURITY_POLICY,
        "Tags": data.get("Tags", []),
        "UserCount": 0,
        "DateCreated": now_iso(),
        **{name: data[name] for name in SERVER_SETTINGS if name in data},
    }
    start_listening(_here(server_id))
    return _answered({"ServerId": server_id})


def update_server(data: TransferInput) -> Answer:
    """UpdateServer: https://docs.aws.amazon.com/transfer/latest/APIReference/API_UpdateServer.html."""
    server_id, wrong = data["ServerId"], _wrong_setting_of_server(data)
    if server_id not in transfer._servers:
        return _unknown(server_id)
    if wrong:
        return _invalid(wrong)
    transfer._servers[server_id].update({name: data[name] for name in SERVER_SETTINGS if name in data})
    return _answered({"ServerId": server_id})


@mends(transfer, "_describe_server", "data")
def a_server_tells_all_it_is_set_to(original: Callable[..., Answer], data: TransferInput) -> Answer:
    """A server tells its security policy, where it logs, and its host key's fingerprint.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_DescribedServer.html
    """
    answer = original(data)
    if answer[0] >= 400:
        return answer
    record = transfer._servers[data["ServerId"]]
    settings = {name: record[name] for name in SERVER_SETTINGS if name in record}
    told = {**json.loads(answer[2])["Server"], **settings}
    return _answered({"Server": {**told, "HostKeyFingerprint": host_fingerprint(data["ServerId"])}})


@mends(transfer, "_start_server", "data")
def a_started_server_listens(original: Callable[..., Answer], data: TransferInput) -> Answer:
    """A server that is started again is reached where it was, with the host key it had.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_StartServer.html
    """
    answer = original(data)
    if answer[0] < 400:
        start_listening(_here(data["ServerId"]))
    return answer


@mends(transfer, "_stop_server", "data")
def a_stopped_server_does_not_listen(original: Callable[..., Answer], data: TransferInput) -> Answer:
    """A server that is stopped lets nobody in.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_StopServer.html
    """
    answer = original(data)
    if answer[0] < 400:
        stop_listening(data["ServerId"])
    return answer


@mends(transfer, "_delete_server", "data")
def a_deleted_server_is_gone_with_its_users(_original: Callable[..., Any], data: TransferInput) -> Answer:
    """A server that is deleted does not listen any more, and its host key is gone.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_DeleteServer.html
    """
    server_id = data.get("ServerId", "")
    if server_id not in transfer._servers:
        return _unknown(server_id)
    for key in [key for key in transfer._users if key.startswith(f"{server_id}/")]:
        del transfer._users[key]
    del transfer._servers[server_id]
    remove_listener(server_id)
    return _answered({})


@mends(transfer, "_validate_ssh_key", "key_body")
def a_key_is_a_public_key(_original: Callable[..., Any], key_body: Any) -> bool:
    """A user's key is one that SSH can read, of a type that Transfer Family takes.

    https://docs.aws.amazon.com/transfer/latest/userguide/key-management.html
    """
    import asyncssh  # a server is there already

    try:
        return str(asyncssh.import_public_key(key_body).get_algorithm()) in _KEY_TYPES
    except (asyncssh.KeyImportError, TypeError, ValueError):
        return False


def _wrong_setting_of_user(name: str, settings: TransferInput) -> str | None:
    mappings = settings.get("HomeDirectoryMappings") or []
    is_logical = settings.get("HomeDirectoryType") == "LOGICAL"
    if not _USER_NAME.fullmatch(name):
        return f"Value '{name}' at 'userName' failed to satisfy constraint"
    if not settings.get("Role", "").startswith("arn:"):
        return "Role is not valid"
    if is_logical != bool(mappings) or (is_logical and settings.get("HomeDirectory")):
        return "HomeDirectoryMappings go with HomeDirectoryType LOGICAL, and HomeDirectory with PATH"
    if not all(each["Entry"].startswith("/") and each["Target"].startswith("/") for each in mappings):
        return "Entry and Target of a mapping begin with a slash"
    return None


@mends(transfer, "_create_user", "data")
def a_user_keeps_its_session_policy(original: Callable[..., Answer], data: TransferInput) -> Answer:
    """A user has a role, a name of the right form, a home that is one, and a policy that narrows the role's rights.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_CreateUser.html
    """
    name = data.get("UserName", "")
    wrong = _wrong_setting_of_user(name, data)
    if wrong:
        return _invalid(wrong)
    answer = original(data)
    if answer[0] < 400 and data.get("Policy"):
        transfer._users[transfer._user_key(data["ServerId"], name)]["Policy"] = data["Policy"]
    return answer


def update_user(data: TransferInput) -> Answer:
    """UpdateUser: https://docs.aws.amazon.com/transfer/latest/APIReference/API_UpdateUser.html."""
    server_id, name = data["ServerId"], data["UserName"]
    record = transfer._users.get(transfer._user_key(server_id, name))
    if record is None:
        answer: Answer = transfer._error("ResourceNotFoundException", f"Unknown user: {name}", 404)
        return answer
    asked = {each: data[each] for each in USER_SETTINGS if each in data}
    gone = "HomeDirectory" if asked.get("HomeDirectoryType") == "LOGICAL" else "HomeDirectoryMappings"
    settings = {**record, **({gone: None} if "HomeDirectoryType" in asked else {}), **asked}
    wrong = _wrong_setting_of_user(name, settings)
    if wrong:
        return _invalid(wrong)
    record.update(settings)
    return _answered({"ServerId": server_id, "UserName": name})


@mends(transfer, "_describe_user", "data")
def a_user_tells_its_session_policy(original: Callable[..., Answer], data: TransferInput) -> Answer:
    """A user tells the policy that narrows its role's rights.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_DescribedUser.html
    """
    answer = original(data)
    policy = (transfer._users.get(transfer._user_key(data["ServerId"], data["UserName"])) or {}).get("Policy")
    if answer[0] >= 400 or not policy:
        return answer
    told = json.loads(answer[2])
    return _answered({**told, "User": {**told["User"], "Policy": policy}})


_MORE_ACTIONS = {"UpdateServer": update_server, "UpdateUser": update_user}


@mends(transfer, "handle_request", "method path headers body query_params")
async def servers_and_users_can_be_changed(original: Callable[..., Awaitable[Answer]], *asked: Any) -> Answer:
    """UpdateServer and UpdateUser, which the emulator does not know.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_Operations.html
    """
    _method, _path, headers, body, _query = asked
    action = _MORE_ACTIONS.get(headers.get("x-amz-target", "").rpartition(".")[2])
    return action(json.loads(body)) if action else await original(*asked)
