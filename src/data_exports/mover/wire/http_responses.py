"""Reads HTTP/1.1 responses out of what a connection receives, strictly and as it comes.

In: the bytes, piece by piece. Out: a `Response`, or InvalidResponseError. No effects.

Whatever could be read in two ways is an error, and its connection is closed: lengths that are not digits alone or
contradict each other, line ends that are not CRLF, chunks that do not end where they said; and a success whose body
ends with its connection, as what was cut off does. An error whose body is too large is told by its status alone. Each
byte is looked at a bounded number of times, however it is cut up. https://www.rfc-editor.org/rfc/rfc9112
"""

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

# S3 takes at most 8 KB of headers with an object, and gives them back with it; encoded, a byte may take three.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
MAX_HEAD_BYTES = 64 * 1024
# The largest of S3's own answers is a page of 1,000 keys of 1,024 bytes, of which encoding makes three times as many.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
MAX_BODY_BYTES = 16 * 1024 * 1024
# Bad Gateway and Gateway Timeout tell that nothing was heard of whoever was asked, who may carry it out even now.
# https://www.rfc-editor.org/rfc/rfc9110#name-502-bad-gateway
UNANSWERED_STATUSES = (502, 504)
_MAX_CHUNK_LINE_BYTES = 4096  # a size, and extensions that nobody reads
_SMALL_PIECE_BYTES = 8192
_START = b"HTTP/1."
# No control character but the tab; bytes above ASCII are kept as they are.
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
_FIELD = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:" + _TEXT
_HEAD = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: " + _TEXT + rb")?((?:\r\n" + _FIELD + rb")*)")
_TRAILER = re.compile(_FIELD)
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*|;" + _TEXT + rb")")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_LENGTH = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, header names in lower case; or, with status None, the fault that kept one from coming."""

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    fault: str = ""


class InvalidResponseError(Exception):
    """What was received is no response, or not the whole of one; `str()` says why."""


class _TooLargeError(InvalidResponseError):
    """Its body has more bytes than it may."""


class Received(NamedTuple):
    """A whole response, and whether its connection may be used again."""

    response: Response
    keep_alive: bool


class _Head(NamedTuple):
    status: int
    headers: dict[str, str]
    is_chunked: bool
    length: int | None  # of the body, if it is told
    is_last: bool  # the connection ends after it


class ResponseReader:
    """Reads one response; interim ones before it are passed over."""

    def __init__(self, *, is_head: bool, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        """Take what the request decides: whether a body comes at all, and how large it may be."""
        self._is_head = is_head
        self._max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._pieces: list[bytes | bytearray] = []  # of what is being taken, first what was in the buffer
        self._received_bytes = 0
        self._ended = False
        self._steps = self._read()

    def feed(self, data: bytes) -> Received | None:
        """Read on; nothing means that the connection has ended. None if more has to come.

        Raises InvalidResponseError, after which neither reader nor connection is of use.
        """
        if self._pieces:
            self._keep(data)
        else:
            self._buffer += data
        self._received_bytes += len(data)
        self._ended = not data
        try:
            next(self._steps)
        except StopIteration as end:
            received: Received = end.value
            return received
        if self._ended:
            raise InvalidResponseError(f"connection closed after {self._received_bytes} bytes of an answer")
        return None

    def _read(self) -> Generator[None, None, Received]:
        head = yield from self._read_head()
        try:
            body = yield from self._read_body_of(head)
        except _TooLargeError:
            if head.status < 400:
                raise
            return Received(Response(head.status, head.headers, b""), keep_alive=False)
        keep_alive = not (head.is_last or self._ended or self._buffer)  # what is left over answers no request
        return Received(Response(head.status, head.headers, body), keep_alive)

    def _read_body_of(self, head: _Head) -> Generator[None, None, bytes]:
        if self._is_head or head.status in (204, 304):
            return b""
        if head.is_chunked:
            return (yield from self._read_chunks())
        if head.length is not None:
            return (yield from self._read_body(head.length))
        if head.status < 300:
            raise InvalidResponseError("a body of which nobody says where it ends")
        return (yield from self._read_to_the_end())

    def _read_head(self) -> Generator[None, None, _Head]:
        """Read the head of the final response.

        https://www.rfc-editor.org/rfc/rfc9110#name-informational-1xx
        """
        while True:
            while not self._buffer.startswith(_START):
                if not _START.startswith(bytes(self._buffer)):
                    raise InvalidResponseError(f"not HTTP: {_shown(self._buffer)}")
                yield
            block = yield from self._read_until(b"\r\n\r\n", MAX_HEAD_BYTES)
            head = _parse_head(block)
            if head.status == 101:
                raise InvalidResponseError("another protocol that nobody asked for")
            if head.status >= 200:
                return head

    def _read_chunks(self) -> Generator[None, None, bytes]:
        """Read a body in chunks, and the trailers behind it.

        https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding
        """
        body = bytearray()
        while size := (yield from self._read_chunk_size()):
            body += yield from self._read_body(size, before=len(body))
            if (yield from self._take(2)) != b"\r\n":
                raise InvalidResponseError("a chunk that does not end where it said")
        left = MAX_HEAD_BYTES
        while trailer := (yield from self._read_until(b"\r\n", left)):
            if not _TRAILER.fullmatch(trailer):
                raise InvalidResponseError(f"not a trailer: {_shown(trailer)}")
            left -= len(trailer)
        return bytes(body)

    def _read_chunk_size(self) -> Generator[None, None, int]:
        line = yield from self._read_until(b"\r\n", _MAX_CHUNK_LINE_BYTES)
        size = _CHUNK_LINE.fullmatch(line)
        if not size:
            raise InvalidResponseError(f"not the size of a chunk: {_shown(line)}")
        return int(size[1], 16)

    def _read_body(self, size: int, *, before: int = 0) -> Generator[None, None, bytes]:
        self._check_size(before + size)
        return (yield from self._take(size))

    def _read_to_the_end(self) -> Generator[None, None, bytes]:
        while not self._ended:
            self._check_size(len(self._buffer))
            yield
        return (yield from self._take(len(self._buffer)))

    def _check_size(self, size: int) -> None:
        if size > self._max_body_bytes:
            raise _TooLargeError(f"a body of more than {self._max_body_bytes:,} bytes")

    def _read_until(self, end: bytes, limit: int) -> Generator[None, None, bytes]:
        """What comes before `end`, which is taken off as well. Only what is new is searched."""
        searched = 0
        while (found := self._buffer.find(end, max(0, searched - len(end) + 1))) < 0:
            if len(self._buffer) >= limit + len(end):
                break
            if _BARE_LINE_FEED.search(self._buffer, searched):
                raise InvalidResponseError(f"a line that does not end with CRLF: {_shown(self._buffer)}")
            searched = len(self._buffer)
            yield
        if not 0 <= found <= limit:
            raise InvalidResponseError(f"more than {limit:,} bytes of headers")
        text = bytes(self._buffer[:found])
        del self._buffer[: found + len(end)]
        return text

    def _take(self, size: int) -> Generator[None, None, bytes]:
        """Take so many bytes. What comes meanwhile is kept as it came, and put together once: files come this way."""
        end = self._received_bytes - len(self._buffer) + size
        if self._received_bytes >= end:
            taken = bytes(self._buffer[:size])
            del self._buffer[:size]
            return taken
        self._pieces.append(self._buffer)
        while self._received_bytes < end:
            yield
        whole = b"".join(self._pieces)
        self._pieces.clear()
        self._buffer = bytearray(whole[size:])
        return whole[:size]

    def _keep(self, data: bytes) -> None:
        """Keep what belongs to what is being taken. Small pieces share one, or many would need more room than bytes."""
        last = self._pieces[-1]
        if len(data) < _SMALL_PIECE_BYTES and isinstance(last, bytearray):
            last += data
        else:
            self._pieces.append(bytearray(data) if len(data) < _SMALL_PIECE_BYTES else data)


def _parse_head(block: bytes) -> _Head:
    """Read status line and fields. A field that comes several times is joined with commas.

    https://www.rfc-editor.org/rfc/rfc9110#name-field-lines-and-combined-fi
    """
    parsed = _HEAD.fullmatch(block)
    if not parsed:
        raise InvalidResponseError(f"not HTTP: {_shown(block)}")
    headers: dict[str, str] = {}
    for line in parsed[3].decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")  # no other white space: 0xA0 may be part of a character
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    is_1_0 = parsed[1] == b"0"
    is_chunked, length = _framing_of(headers, is_1_0=is_1_0)
    is_last = is_1_0 or "close" in _items(headers.get("connection", "").lower())
    return _Head(int(parsed[2]), headers, is_chunked, length, is_last)


def _framing_of(headers: Mapping[str, str], *, is_1_0: bool) -> tuple[bool, int | None]:
    """Whether the body comes in chunks, and its length if that is told.

    https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length
    """
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None and (coding.lower() != "chunked" or length is not None or is_1_0):
        raise InvalidResponseError(f"transfer-encoding {coding[:60]!r} with content-length {(length or '')[:60]!r}")
    if length is None:
        return coding is not None, None
    first, *others = set(_items(length))
    if others or not _LENGTH.fullmatch(first):
        raise InvalidResponseError(f"content-length {length[:60]!r}")
    return False, int(first)


def _items(value: str) -> list[str]:
    return [item.strip(" \t") for item in value.split(",")]


def _shown(data: bytes | bytearray) -> str:
    return repr(bytes(data[:60]))
