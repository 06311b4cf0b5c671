"""A proxy on 127.0.0.1 that sees every HTTP request on its way to S3, and may meddle with it.

In: where the requests go; a `Meddler` that decides what happens to each. Out: a `Wire` with the proxy's address and the
requests seen. Effects: a listening thread for the time of the block; the requests, passed on unchanged (the host they
were signed for included).

A meddler is a coroutine that is given the request and a way to pass it on, or another in its place; whatever it returns
goes back to the caller. `CutOff` in its place closes the connection without another byte. Who cuts is given the head of
a request, and says after how many bytes of its body the connection ends, if it does.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

_MOST_HEAD_BYTES = 256 * 1024


class CutOffError(Exception):
    """The connection ends here, after these bytes of an answer."""

    def __init__(self, sent: bytes = b"") -> None:
        super().__init__()
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> bytes:
        """What follows its head."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def operation(self) -> str:
        """Which operation of S3 it is, as S3's documentation calls it."""
        query = dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))
        for name, operation in _BY_QUERY.items():
            if (self.method, name) == (operation[0], name) and name in query:
                return operation[1]
        if self.method == "PUT" and "x-amz-copy-source" in self.headers:
            return "UploadPartCopy" if "partNumber" in query else "CopyObject"
        if self.method == "GET" and not urlsplit(self.target).path.strip("/").count("/"):
            return "ListObjectsV2"
        return f"{self.method.capitalize()}Object"


_BY_QUERY = {
    "delete": ("POST", "DeleteObjects"),
    "versions": ("GET", "ListObjectVersions"),
    "tagging": ("GET", "GetObjectTagging"),
    "versioning": ("GET", "GetBucketVersioning"),
    "uploads": ("POST", "CreateMultipartUpload"),
    "uploadId": ("POST", "CompleteMultipartUpload"),
}


class PassOn(Protocol):
    """Sends the request on, or another one in its place, and gives the whole answer."""

    def __call__(self, changed: Request | None = None, /) -> Awaitable[bytes]:
        """Nothing to change: the request as it came."""


Meddler = Callable[[Request, PassOn], Awaitable[bytes]]
Cut = Callable[[Request], int | None]


async def no_meddling(_: Request, pass_on: PassOn) -> bytes:
    """Pass every request on."""
    return await pass_on()


def no_cut(_: Request) -> int | None:
    """Let every body come to its end."""
    return None


@dataclass
class Wire:
    """A running proxy, and the requests that it has seen, without their bytes."""

    url: str = ""
    seen: list[Request] = field(default_factory=list)


@contextmanager
def wire(upstream_url: str, meddler: Meddler = no_meddling, cut: Cut = no_cut) -> Iterator[Wire]:
    """Run a proxy in front of `upstream_url` for the time of the block."""
    running = Wire()
    started = threading.Event()
    loop = asyncio.new_event_loop()
    parts = urlsplit(upstream_url)
    assert parts.hostname
    assert parts.port
    proxy = _Proxy(parts.hostname, parts.port, meddler, cut, running)

    serving_each: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = serving_each[writer] = loop.create_task(proxy.serve(reader, writer))
        # One that is cancelled before it begins closes nothing.
        task.add_done_callback(lambda _: serving_each.pop(writer) if writer.is_closing() else None)

    async def serve() -> None:
        server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=_MOST_HEAD_BYTES)
        running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        started.set()
        try:
            await server.serve_forever()
        finally:
            server.close()

    serving = loop.create_task(serve())

    def run() -> None:
        asyncio.set_event_loop(loop)
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(serving)
        while left := asyncio.all_tasks(loop):  # again: one that was accepted just now has a task since
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left))
        for writer in serving_each:
            writer.transport.abort()
        loop.run_until_complete(asyncio.sleep(0))  # what was aborted is closed in the loop's next round
        loop.close()

    thread = threading.Thread(target=run, name="wire")
    thread.start()
    started.wait()
    try:
        yield running
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()


@dataclass(frozen=True)
class _Proxy:
    host: str
    port: int
    meddler: Meddler
    cut: Cut
    running: Wire

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client's connection, one request after another."""
        upstream = _Upstream(self.host, self.port)
        try:
            while (request := await _read_request(reader, self.cut)) is not None:
                self.running.seen.append(replace(request, raw=b""))
                writer.write(await self.meddler(request, partial(_pass_on, upstream, request)))
                await writer.drain()
        except CutOffError as end:
            writer.write(end.sent)
        except asyncio.CancelledError:  # the whole proxy ends: nobody reads any more
            writer.transport.abort()
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two ends has gone: so does the other
        finally:
            await upstream.close()
            await _close(writer)


def _pass_on(upstream: "_Upstream", request: Request, changed: Request | None = None, /) -> Awaitable[bytes]:
    return upstream.ask(changed or request)


class _Upstream:
    """The connection to S3 that belongs to one client's connection."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: Request) -> bytes:
        """Send a request, return its whole answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address, limit=_MOST_HEAD_BYTES)
        reader, writer = self._streams
        writer.write(request.raw)
        await writer.drain()
        head, headers = await _read_head(reader)
        status = int(head.split(b" ", 2)[1])
        if status == 100:
            return await self.ask(request)
        body = b"" if request.method == "HEAD" or status in (204, 304) else await _read_body(reader, headers)
        if headers.get("connection", "").lower() == "close":
            await self.close()
        return head + body

    async def close(self) -> None:
        if self._streams is not None:
            _, writer = self._streams
            self._streams = None
            await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and wait until it is closed: a loop that ends before would leave it open."""
    with suppress(OSError):
        writer.close()
        await writer.wait_closed()


async def _read_request(reader: asyncio.StreamReader, cut: Cut) -> Request | None:
    try:
        head, headers = await _read_head(reader)
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    method, target, _ = head.split(b" ", 2)
    read = Request(method.decode(), target.decode(), headers, head)
    most = cut(read)
    if most is not None:
        await reader.readexactly(min(most, int(headers.get("content-length", "0"))))
        raise CutOffError
    body = await _read_body(reader, headers) if headers.keys() & {"content-length", "transfer-encoding"} else b""
    return replace(read, raw=head + body)


async def _read_head(reader: asyncio.StreamReader) -> tuple[bytes, dict[str, str]]:
    head = await reader.readuntil(b"\r\n\r\n")
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:] if line)
    return head, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    """Read a body to its end, as it is on the wire."""
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    if "chunked" not in headers.get("transfer-encoding", ""):
        return await reader.read()
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(line.split(b";")[0], 16) + 2)
        body += line + chunk
        if len(chunk) == 2:
            return body
