"""The SFTP server that AWS has: its address, and the host key by which readers tell it from any other.

In: an `Aws`. Out: an `SftpServer`, or None. Effects: reads the server's stack, and the server.
"""

from dataclasses import dataclass

from data_exports.aws import Aws, call_or_none
from data_exports.names import SFTP_STACK


@dataclass(frozen=True, slots=True)
class SftpServer:
    """The server of readers with an SSH key."""

    server_id: str
    host_name: str
    """Its address on the internet, port 22."""
    host_key: str
    """The fingerprint of its host key as `ssh-keygen -l` shows it: ``SHA256:`` and 43 characters."""
    is_online: bool
    """Whether it lets anybody in; one that is offline is paid all the same."""


def read_sftp_server_id(aws: Aws) -> str | None:
    """The server's id as its stack tells it; None when there is no such stack. Raises botocore's exceptions."""
    answer = call_or_none(lambda: aws.client("cloudformation").describe_stacks(StackName=SFTP_STACK))
    outputs = answer["Stacks"][0].get("Outputs", []) if answer else []
    return next((str(each["OutputValue"]) for each in outputs if each["OutputKey"] == "ServerId"), None)


def read_sftp_server(aws: Aws) -> SftpServer | None:
    """The server; None when there is none. Raises botocore's exceptions.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_DescribedServer.html
    https://docs.aws.amazon.com/transfer/latest/userguide/transfer-file.html
    """
    server_id = read_sftp_server_id(aws)
    if server_id is None:
        return None
    answer = call_or_none(lambda: aws.client("transfer").describe_server(ServerId=server_id)["Server"])
    if answer is None:
        return None
    fingerprint = str(answer.get("HostKeyFingerprint", "")).rstrip("=")  # OpenSSH shows it without padding
    host_name = f"{server_id}.server.transfer.{aws.region}.amazonaws.com"
    return SftpServer(server_id, host_name, fingerprint, is_online=answer.get("State") == "ONLINE")
