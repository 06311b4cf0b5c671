"""The listeners of Transfer Family's servers: a port of 127.0.0.1 and a host key for each, from its making to its end.

In: servers that start, stop and go. Out: host keys' fingerprints. Effects: sockets, and a file that tells the port.
asyncssh is imported with the first server: it takes a third of a second, which nobody without SFTP waits for.
"""

import asyncio
import os
import socket
from contextvars import Context
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from data_exports.local.gaps.transfer_users import TransferServer
from data_exports.local.sftp_ports import write_sftp_port

if TYPE_CHECKING:
    import asyncssh


@dataclass
class _Listener:
    """What stays the same of a server while it is stopped and started: its host key, and its port."""

    host_key: "asyncssh.SSHKey"
    port: int = 0
    listening: "asyncio.Task[asyncssh.SSHAcceptor] | None" = None
    connections: "set[asyncssh.SSHServerConnection]" = field(default_factory=set)


_listeners: dict[str, _Listener] = {}


def start_listening(server: TransferServer) -> None:
    """Listen for a server, on its own port and with its own host key; nothing when it listens already."""
    import asyncssh

    if server.server_id not in _listeners:
        _listeners[server.server_id] = _Listener(asyncssh.generate_private_key("ssh-ed25519"))
    listener = _listeners[server.server_id]
    if listener.listening:
        return
    bound = socket.create_server(("127.0.0.1", listener.port))
    listener.port = bound.getsockname()[1]
    listener.listening = asyncio.get_running_loop().create_task(
        _listen(server, listener, bound),
        context=Context(),  # and not that of the request which made the server
    )
    write_sftp_port(Path(os.environ["STATE_DIR"]), server.server_id, listener.port)


async def _listen(server: TransferServer, listener: _Listener, bound: socket.socket) -> "asyncssh.SSHAcceptor":
    import asyncssh

    from data_exports.local.gaps.sftp_server import SftpFiles, SftpLogin

    return await asyncssh.listen(
        sock=bound,
        server_factory=lambda: SftpLogin(server, listener.connections),
        server_host_keys=[listener.host_key],
        sftp_factory=SftpFiles,
        allow_scp=False,
    )


def stop_listening(server_id: str) -> None:
    """Close a server's port, and every connection to it."""
    listener = _listeners.get(server_id)
    if listener is None or listener.listening is None:
        return
    task, listener.listening = listener.listening, None
    if task.done():
        task.result().close()
    else:
        task.add_done_callback(lambda done: done.result().close())
    for connection in list(listener.connections):
        connection.abort()
    write_sftp_port(Path(os.environ["STATE_DIR"]), server_id, None)


def remove_listener(server_id: str) -> None:
    """Close a server's port for good, and forget its host key."""
    stop_listening(server_id)
    _listeners.pop(server_id, None)


def host_fingerprint(server_id: str) -> str:
    """The fingerprint of a server's host key as Transfer Family tells it: SHA-256 in base 64, padded.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_DescribedServer.html
    """
    return f"{_listeners[server_id].host_key.get_fingerprint()}="
