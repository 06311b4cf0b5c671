"""The probe of readers by SFTP: the server, and for each reader its user, its keys, its home and its role, read back.

In: an `Aws` and a pull dataset. Out: checks, and what is lacking. Effects: reads the server, its users and their roles.
Whether somebody gets in, only who holds the key can try.
https://docs.aws.amazon.com/transfer/latest/APIReference/API_DescribedUser.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from data_exports.access.grants import grants_of_pull
from data_exports.access.policies import sftp_reader_policy, sftp_trust_policy
from data_exports.aws import AWS_EXCEPTIONS, Aws
from data_exports.deploy.sftp_server import read_sftp_server
from data_exports.destinations.destination import Lack, Party
from data_exports.estate.models import Estate, PullDataset
from data_exports.names import InvalidNameError
from data_exports.operate.probe.federated import look_at_role, not_seen
from data_exports.operate.probe.findings import PUT_IN_PLACE, Check, CheckAnswer
from data_exports.operate.probe.tries import Found
from data_exports.readers.sftp import SftpReader
from data_exports.readers.ssh_keys import SshPublicKey


def look_at_sftp_readers(estate: Estate, pull: PullDataset, aws: Aws) -> Found:
    """The server, where the dataset has readers that need it, and what is deployed for each of them."""
    if not pull.sftp_readers:
        return
    text = "our half: the SFTP server lets people in"
    deploy = Lack(Party.OURS, "there is no SFTP server that lets anybody in", PUT_IN_PLACE)
    try:
        server = read_sftp_server(aws)
    except AWS_EXCEPTIONS as error:
        yield not_seen(error, text, "there is none", "transfer:DescribeServer", deploy)
        return
    if server is None:
        yield Check(text, CheckAnswer.LACKING, "there is none"), deploy
        return
    if server.is_online:
        yield Check(text, CheckAnswer.GOOD, f"{server.host_name}, host key {server.host_key}"), None
    else:
        yield Check(text, CheckAnswer.LACKING, f"{server.server_id} is not online"), deploy
    grants = grants_of_pull(estate.platform, pull)
    for reader in pull.sftp_readers:
        yield _user(estate, pull, reader, server.server_id, aws)
        trust, policy = sftp_trust_policy(estate.platform, reader, pull.until), sftp_reader_policy(grants, reader)
        yield from look_at_role(pull.role_arn_of(reader, estate.platform), reader.label, trust, policy, aws)


def _user(estate: Estate, pull: PullDataset, reader: SftpReader, server_id: str, aws: Aws) -> tuple[Check, Lack | None]:
    text = f"our half: the user {reader.name}, its keys and its home"
    deploy = Lack(Party.OURS, f"the SFTP server does not let in {reader.name} as declared", PUT_IN_PLACE)
    try:
        user = aws.client("transfer").describe_user(ServerId=server_id, UserName=str(reader.name))["User"]
    except AWS_EXCEPTIONS as error:
        return not_seen(error, text, "there is no such user", "transfer:DescribeUser", deploy)
    role = str(pull.role_arn_of(reader, estate.platform))
    other = "; ".join(_differences(user, reader, home=f"/{pull.bucket(estate.platform)}", role=role))
    return (Check(text, CheckAnswer.LACKING, other), deploy) if other else (Check(text, CheckAnswer.GOOD), None)


def _differences(user: Mapping[str, Any], reader: SftpReader, *, home: str, role: str) -> Iterator[str]:
    found = {_fingerprint_of(each["SshPublicKeyBody"]) for each in user.get("SshPublicKeys", [])}
    for fingerprint in sorted({*reader.fingerprints} - found):
        yield f"not let in by {fingerprint}"
    for fingerprint in sorted(found - {*reader.fingerprints}):
        yield f"also let in by {fingerprint}"
    mapped = [(each.get("Entry"), each.get("Target")) for each in user.get("HomeDirectoryMappings", [])]
    if user.get("HomeDirectoryType") != "LOGICAL" or mapped != [("/", home)]:
        yield "another home"
    if user.get("Role") != role:
        yield "another role"
    if user.get("Policy"):
        yield "a policy of its own, which nothing declares"


def _fingerprint_of(body: str) -> str:
    try:
        return SshPublicKey(body).fingerprint
    except InvalidNameError:
        return "a key of a kind that is not known here"
