"""An SFTP client for tests: asyncssh's, which trusts nothing but the host key that Transfer Family's API tells."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Protocol, TypeVar

import asyncssh

from data_exports.local.emulator import LocalAws
from data_exports.local.sftp_ports import sftp_port_of

Answered = TypeVar("Answered")


@cache
def key_named(name: str) -> asyncssh.SSHKey:
    """A key pair of this name, the same throughout a run."""
    return asyncssh.generate_private_key("ssh-ed25519", comment=name)


def public_text(key: asyncssh.SSHKey) -> str:
    """A public key as people write it down."""
    return key.export_public_key().decode().strip()


class Reached(Protocol):
    """A local AWS that somebody reaches: `Steps`, or a `Ground`."""

    @property
    def local(self) -> LocalAws:
        """It."""

    def client(self, service: str) -> Any:
        """A client of one service."""


@dataclass(frozen=True)
class SftpClient:
    """Who connects where: a user of a server with a key, and the host key that is trusted (None: the server's own)."""

    steps: Reached
    server_id: str
    user: str
    key: asyncssh.SSHKey
    host_key: asyncssh.SSHKey | None = None

    @property
    def port(self) -> int:
        """Where the server listens."""
        return sftp_port_of(self.steps.local.folder, self.server_id)

    def server_key(self) -> asyncssh.SSHKey:
        """The key that the server showed first, which is the one whose fingerprint the API tells."""
        server = self.steps.client("transfer").describe_server(ServerId=self.server_id)["Server"]
        return _server_key_of(self.port, server["HostKeyFingerprint"])

    def pinning(self, host_key: asyncssh.SSHKey) -> "SftpClient":
        """The same client, which trusts this host key alone."""
        return replace(self, host_key=host_key)

    def does(self, *operations: Callable[[asyncssh.SFTPClient], Awaitable[Any]]) -> list[Any]:
        """What each operation gave, in one session: its answer, or the name of asyncssh's error.

        Raises asyncssh's error when nobody is let in.
        """

        async def use(connection: asyncssh.SSHClientConnection) -> list[Any]:
            async with connection.start_sftp_client() as sftp:
                return [await _answer_of(operation(sftp)) for operation in operations]

        return self.connected(use)

    def connected(self, use: Callable[[asyncssh.SSHClientConnection], Awaitable[Answered]]) -> Answered:
        """What comes of a connection; raises asyncssh's error when nobody is let in."""
        trusted = self.host_key or self.server_key()

        async def run() -> Answered:
            async with asyncssh.connect(
                "127.0.0.1",
                self.port,
                username=self.user,
                client_keys=[self.key],
                known_hosts=([trusted], [], []),
                config=None,
                agent_path=None,
            ) as connection:
                return await use(connection)

        return asyncio.run(run())

    def do(self, operation: Callable[[asyncssh.SFTPClient], Awaitable[Any]]) -> Any:
        """What one operation gave in a session of its own."""
        (answer,) = self.does(operation)
        return answer

    def read(self, path: str) -> Any:
        """A file's content, or the name of an error."""
        return self.do(lambda sftp: read_of(sftp, path))

    def write(self, path: str, content: bytes = b"1") -> Any:
        """None when the file is written, or the name of an error."""
        return self.do(lambda sftp: _write(sftp, path, content))

    def names(self, path: str) -> Any:
        """The names in a folder, sorted, or the name of an error."""
        return self.do(lambda sftp: _names(sftp, path))

    def login(self) -> str:
        """``""`` when the user gets in, or the name of asyncssh's error."""
        try:
            self.does()
        except asyncssh.Error as error:
            return type(error).__name__
        return ""


@cache
def _server_key_of(port: int, told: str) -> asyncssh.SSHKey:
    shown = asyncio.run(asyncssh.get_server_host_key("127.0.0.1", port))
    assert shown is not None
    assert f"{shown.get_fingerprint()}=" == told
    return shown


async def _answer_of(asked: Awaitable[Answered]) -> Answered | str:
    try:
        return await asked
    except asyncssh.SFTPError as error:
        return type(error).__name__


async def read_of(sftp: asyncssh.SFTPClient, path: str) -> bytes:
    """A file's content."""
    async with sftp.open(path, "rb", encoding=None) as file:
        content: Any = await file.read()  # asyncssh's types know text alone
    return bytes(content)


async def _write(sftp: asyncssh.SFTPClient, path: str, content: bytes) -> None:
    async with sftp.open(path, "wb") as file:
        await file.write(content)


async def _names(sftp: asyncssh.SFTPClient, path: str) -> Sequence[str]:
    return sorted(str(name) for name in await sftp.listdir(path) if name not in (".", ".."))
