"""An SFTP server of Transfer Family: who gets in, and each operation done with the rights of the user's role.

In: SSH connections. Out: files as S3 has them; what S3 refuses is "permission denied". Effects: requests to S3,
sessions at STS, lines in the server's log. Importing this module imports asyncssh: only once a server is made.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, NoReturn, TypeVar

import asyncssh
from asyncssh import constants

from data_exports.aws import AWS_EXCEPTIONS, code_of
from data_exports.local.gaps.sftp_files import (
    MISSING,
    S3Entry,
    S3Files,
    S3Place,
    absolute_path,
    empty_file,
    mapped_below,
    s3_place_of,
)
from data_exports.local.gaps.transfer_users import TransferServer, UserSession, role_lets_in

Answered = TypeVar("Answered")

_WORKERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sftp")
_LAST_UPLOADS_SECONDS = 60.0
_DENIED = frozenset({"403", "AccessDenied"})
_FLAGS = {"READ": constants.FXF_READ, "WRITE": constants.FXF_WRITE, "APPEND": constants.FXF_APPEND}
_FLAGS |= {"CREATE": constants.FXF_CREAT, "TRUNCATE": constants.FXF_TRUNC, "EXCL": constants.FXF_EXCL}


class SftpLogin(asyncssh.SSHServer):
    """One connection to a server: nobody gets in but its users, each with one of the user's own keys."""

    def __init__(self, server: TransferServer, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._server = server
        self._connections = connections
        self._connection: asyncssh.SSHServerConnection | None = None
        self._key: asyncssh.SSHKey | None = None
        self.session: UserSession | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Keep the connection, so that it ends with its server."""
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the session of the user's role, once what was being written is sent.

        https://docs.aws.amazon.com/transfer/latest/userguide/API_WorkflowDetails.html (partial uploads)
        """
        if self._connection:
            self._connections.discard(self._connection)
        if self.session:
            self.session.write_log("DISCONNECTED")
            asyncio.get_running_loop().call_later(_LAST_UPLOADS_SECONDS, self.session.stop)

    def begin_auth(self, username: str) -> bool:
        """Everybody must show a key."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Users that the service manages have keys, and no passwords."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether the key is one of this very user's, and the user's role lets Transfer Family in."""
        user = self._server.user(username)
        keys = [record["SshPublicKeyBody"] for record in user["SshPublicKeys"]] if user else []
        if not any(asyncssh.import_public_key(body).public_data == key.public_data for body in keys):
            self._refuse(username, f"the key {key.get_fingerprint()} is none of the user's")
            return False
        assert user is not None  # it has a key
        if not role_lets_in(user):
            self._refuse(username, f"unable to assume the role {user['Role']}")
            return False
        self._key = key
        return True

    def auth_completed(self) -> None:
        """Begin the session of the user's role."""
        assert self._connection is not None  # it was made
        assert self._key is not None  # it was found valid
        said = self._connection.get_extra_info
        user = self._server.user(said("username"))
        if user is None:
            self._connection.abort()
            return
        self.session = UserSession(self._server, user)
        self.session.start()
        self.session.write_log(
            "CONNECTED",
            **{
                "user": user["UserName"],
                "role": user["Role"],
                "home-dir": absolute_path(user, "."),
                "source-ip": said("peername")[0],
                "client": said("client_version"),
                "ciphers": f"{said('recv_cipher')},{said('send_cipher')}",
                "ssh-public-key": self._key.export_public_key().decode().split()[1],
                "ssh-public-key-type": self._key.get_algorithm(),
                "ssh-public-key-fingerprint": self._key.get_fingerprint(),
            },
        )

    def _refuse(self, user: str, message: str) -> None:
        assert self._connection is not None  # it was made
        source = self._connection.get_extra_info("peername")[0]
        fields = {"user": user, "method": "publickey", "source-ip": source, "message": message}
        self._server.write_log("ERRORS", "AUTH_FAILURE", **fields)


@dataclass
class _Open:
    """A file that a client has open; what is written is sent to S3 when it is closed."""

    place: S3Place
    content: IO[bytes]
    is_written: bool
    bytes_read: int = 0

    @property
    def size_bytes(self) -> int:
        return self.content.seek(0, 2)


class SftpFiles(asyncssh.SFTPServer):
    """The files of one user, none of them this computer's."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel)
        login = channel.get_connection().get_owner()
        assert isinstance(login, SftpLogin)
        assert login.session is not None  # it is made before any channel opens
        self._session = login.session
        self._user = login.session.user
        self._files: S3Files | None = None

    async def _ask(self, asked: Callable[..., Answered], *arguments: Any) -> Answered:
        """Ask S3, in a thread: its answer comes through the event loop that this runs in."""
        return await asyncio.get_running_loop().run_in_executor(_WORKERS, partial(asked, *arguments))

    async def _s3(self) -> S3Files:
        if self._files is None:
            self._files = S3Files(await self._ask(self._session.s3))
        return self._files

    @contextmanager
    def _doing(self, operation: str, path: bytes) -> Iterator[None]:
        """What S3 refuses, in the words of SFTP; it is logged as well."""
        try:
            yield
        except AWS_EXCEPTIONS as error:
            code = code_of(error)
            self._session.write_log("ERROR", operation=operation, path=_text(path), message=code)
            if code in _DENIED:
                raise asyncssh.SFTPPermissionDenied("Access denied") from error
            if code in MISSING:
                raise asyncssh.SFTPNoSuchFile("No such file") from error
            raise asyncssh.SFTPFailure(code or "S3 did not answer") from error

    def _place(self, path: bytes) -> S3Place:
        """Where a path leads; what is above everything mapped cannot be changed or read."""
        place = s3_place_of(self._user, _text(path))
        if place is None:
            raise asyncssh.SFTPPermissionDenied("Access denied")
        return place

    def _file(self, path: bytes) -> S3Place:
        place = self._place(path)
        if not place.key:
            raise asyncssh.SFTPPermissionDenied("Access denied")
        return place

    def _log(self, activity: str, place: S3Place, **fields: str) -> None:
        self._session.write_log(activity, path=f"/{place.bucket}/{place.key}", **fields)

    def map_path(self, path: bytes) -> NoReturn:
        """Nothing that is not written here reaches this computer's own files."""
        raise asyncssh.SFTPOpUnsupported("Unsupported")

    def realpath(self, path: bytes) -> bytes:
        """The path from the user's root."""
        return absolute_path(self._user, _text(path)).encode()

    async def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """What is there."""
        place = s3_place_of(self._user, _text(path))
        if place is None:
            return _attributes_of(S3Entry(""))
        files = await self._s3()
        with self._doing("STAT", path):
            found = await self._ask(files.look_up, place)
        if found is None:
            raise asyncssh.SFTPNoSuchFile("No such file")
        return _attributes_of(found)

    async def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        """What is there; there are no links."""
        return await self.stat(path)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        """What is in a folder."""
        place = s3_place_of(self._user, _text(path))
        found = [S3Entry(name) for name in mapped_below(self._user, _text(path))]
        if place is not None:
            files = await self._s3()
            with self._doing("LIST", path):
                listed = await self._ask(lambda: list(files.listed(place)))
            if not listed and place.key:
                await self.stat(path)
            mapped = {each.name for each in found}
            found += [each for each in listed if each.name not in mapped]
        for each in (S3Entry("."), S3Entry(".."), *found):
            yield asyncssh.SFTPName(each.name.encode(), attrs=_attributes_of(each))

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> _Open:
        """Read a file, or begin to write one."""
        place, files = self._file(path), await self._s3()
        is_written = bool(pflags & (constants.FXF_WRITE | constants.FXF_APPEND))
        with self._doing("OPEN", path):
            if pflags & constants.FXF_EXCL and await self._ask(files.look_up, place) is not None:
                raise asyncssh.SFTPFailure("File exists")
            if is_written and pflags & constants.FXF_CREAT and pflags & (constants.FXF_TRUNC | constants.FXF_EXCL):
                content = empty_file()
            else:
                content = await self._ask(files.content, place)
        self._log("OPEN", place, mode="|".join(name for name, flag in _FLAGS.items() if pflags & flag))
        return _Open(place, content, is_written)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """A piece of a file."""
        opened = _opened(file_obj)
        opened.content.seek(offset)
        piece = opened.content.read(size)
        opened.bytes_read += len(piece)
        return piece

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Put a piece into a file."""
        opened = _opened(file_obj)
        if not opened.is_written:
            raise asyncssh.SFTPPermissionDenied("Access denied")
        opened.content.seek(offset)
        return opened.content.write(data)

    async def close(self, file_obj: object) -> None:
        """Send to S3 what was written."""
        opened = _opened(file_obj)
        with opened.content:
            if opened.is_written:
                files = await self._s3()
                sent = {"bytes-in": str(opened.size_bytes)}
                with self._doing("CLOSE", f"/{opened.place.bucket}/{opened.place.key}".encode()):
                    await self._ask(files.write, opened.place, opened.content)
                self._log("PARTIAL_CLOSE" if self.connection.is_closed() else "CLOSE", opened.place, **sent)
            else:
                self._log("CLOSE", opened.place, **{"bytes-out": str(opened.bytes_read)})

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        """The size of an open file."""
        return _attributes_of(S3Entry("", _opened(file_obj).size_bytes))

    async def remove(self, path: bytes) -> None:
        """Remove a file."""
        place, files = self._file(path), await self._s3()
        with self._doing("DELETE", path):
            await self._ask(files.remove, place)
        self._log("DELETE", place)

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Make a folder."""
        place, files = self._file(path), await self._s3()
        with self._doing("MKDIR", path):
            await self._ask(files.make_folder, place)
        self._log("MKDIR", place)

    async def rmdir(self, path: bytes) -> None:
        """Remove an empty folder."""
        place, files = self._file(path), await self._s3()
        with self._doing("RMDIR", path):
            if not await self._ask(files.remove_folder, place):
                raise asyncssh.SFTPFailure("Directory not empty")
        self._log("RMDIR", place)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file."""
        place, other, files = self._file(oldpath), self._file(newpath), await self._s3()
        with self._doing("RENAME", oldpath):
            await self._ask(files.replace, place, other)
        self._log("RENAME", place, **{"new-path": f"/{other.bucket}/{other.key}"})

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename a file."""
        await self.rename(oldpath, newpath)

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Times and modes cannot be set; a server may be told to say nothing about it.

        https://docs.aws.amazon.com/transfer/latest/userguide/API_ProtocolDetails.html (SetStatOption)
        """
        details = self._session.server.record.get("ProtocolDetails") or {}
        if details.get("SetStatOption") != "ENABLE_NO_OP":
            raise asyncssh.SFTPOpUnsupported("Unsupported")

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """As `setstat`."""
        self.setstat(path, attrs)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """As `setstat`."""
        self.setstat(b"", attrs)

    def fsync(self, file_obj: object) -> None:
        """What is written is kept when the file is closed."""

    def fstatvfs(self, file_obj: object) -> NoReturn:
        """S3 has no end."""
        raise asyncssh.SFTPOpUnsupported("Unsupported")

    def exit(self) -> None:
        """End as a program that went well: `scp` asks for that."""
        self.channel.exit(0)

    def symlink(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        """S3 knows no links."""
        raise asyncssh.SFTPOpUnsupported("Unsupported")

    def link(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        """S3 knows no links."""
        raise asyncssh.SFTPOpUnsupported("Unsupported")

    def readlink(self, path: bytes) -> NoReturn:
        """S3 knows no links."""
        raise asyncssh.SFTPOpUnsupported("Unsupported")


def _opened(file_obj: object) -> _Open:
    assert isinstance(file_obj, _Open)  # asyncssh gives back what `open` gave
    return file_obj


def _text(path: bytes) -> str:
    try:
        return path.decode()
    except UnicodeDecodeError:
        raise asyncssh.SFTPFailure("Names must be in UTF-8") from None


def _attributes_of(found: S3Entry) -> asyncssh.SFTPAttrs:
    """As SFTP tells them: who owns a file, and who may read it, is nothing S3 knows."""
    is_folder = found.size_bytes is None
    moment = int(found.changed.timestamp()) if found.changed else 0
    return asyncssh.SFTPAttrs(
        type=constants.FILEXFER_TYPE_DIRECTORY if is_folder else constants.FILEXFER_TYPE_REGULAR,
        size=found.size_bytes or 0,
        uid=0,
        gid=0,
        permissions=0o40755 if is_folder else 0o100644,
        atime=moment,
        mtime=moment,
        nlink=1,
    )
