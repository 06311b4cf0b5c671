"""A hub with one file of any size, and a container that keeps nothing: for what delivering large files costs.

In: the size of the file. Out: its URL, what was put. Effects: a port of 127.0.0.1. The file's bytes are made as they
are asked for; of what is put, the digest is worked out, and the rest forgotten.
"""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 1024 * 1024
ETAG = "5d41402abc4b2a76b9719d911017c592"


@dataclass
class Sink:
    """What the server answers, and what it was told."""

    size_bytes: int
    url: str = ""
    log: dict[str, bytes] = field(default_factory=dict)  # the log bucket
    blocks: dict[str, int] = field(default_factory=dict)  # how often each block was put
    listed: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    @property
    def receipts(self) -> list[bytes]:
        return [body for key, body in self.log.items() if key.startswith("deliveries/")]


@lru_cache(maxsize=1024)
def page(number: int) -> bytes:
    """The bytes of one page of the file: no two of the first 65,536 are alike."""
    return number.to_bytes(2, "big") * (PAGE // 2)


def bytes_of(first: int, last: int) -> bytes:
    """A range of the file."""
    pages = b"".join(page(number % 65_536) for number in range(first // PAGE, last // PAGE + 1))
    start = first % PAGE
    return pages if (start, len(pages)) == (0, last - first + 1) else pages[start : start + last - first + 1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sink: Sink

    def log_message(self, *_: object) -> None: ...

    def _tell(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response_only(status)
        for name, value in {"Date": formatdate(usegmt=True), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def do_POST(self) -> None:
        form = parse_qs(self._body().decode())
        if "client_assertion" in form:
            self._tell(200, json.dumps({"access_token": "t", "expires_in": 3599}).encode())
        elif "Audience.member.1" in form:
            self._tell(200, b"<R><WebIdentityToken>a.b.c</WebIdentityToken></R>")
        else:  # DeleteObjects
            self._tell(200, b"<DeleteResult><Deleted><Key>orders/a</Key></Deleted></DeleteResult>")

    def do_PUT(self) -> None:
        parts, sink = urlsplit(self.path), self.sink
        body, query = self._body(), parse_qs(parts.query)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if bucket == "exports-logs":
            sink.log[key] = body
            self._tell(200, ETag='"e"')
            return
        md5 = b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        if self.headers.get("content-md5", md5) != md5:
            self._tell(400, b"", x_ms_error_code="Md5Mismatch")
            return
        with sink.lock:
            if "blockid" in query:
                sink.blocks[query["blockid"][0]] = sink.blocks.get(query["blockid"][0], 0) + 1
            else:
                sink.written.append(key)
                sink.listed = re.findall(r"<Latest>(.*?)</Latest>", body.decode("latin-1"))
        self._tell(201, Content_MD5=md5, ETag='"0x1"')

    def do_DELETE(self) -> None:
        self.sink.log.pop(unquote(urlsplit(self.path).path).partition("/exports-logs/")[2], None)
        self._tell(204)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts, sink = urlsplit(self.path), self.sink
        query = parse_qs(parts.query, keep_blank_values=True)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if "versions" in query:
            version = (
                f"<VersionId>v1</VersionId><IsLatest>true</IsLatest><ETag>{ETAG}</ETag><Size>{sink.size_bytes}</Size>"
            )
            version = f"<Version><Key>orders/a</Key>{version}<LastModified>x</LastModified></Version>"
            self._tell(
                200, f"<ListVersionsResult><EncodingType>url</EncodingType>{version}</ListVersionsResult>".encode()
            )
        elif "versioning" in query:
            self._tell(200, b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
        elif "tagging" in query:
            self._tell(200, b"<Tagging><TagSet/></Tagging>")
        elif "list-type" in query:
            names = "".join(
                f"<Contents><Key>{n}</Key></Contents>" for n in sink.log if n.startswith(query["prefix"][0])
            )
            self._tell(200, f"<ListBucketResult>{names}</ListBucketResult>".encode())
        elif bucket == "exports-logs":
            self._tell(200, sink.log[key])
        elif self.command == "HEAD":
            self._tell(200, x_amz_version_id="v1", ETag=f'"{ETAG}"', Content_Type="text/csv")
        else:
            first, last = re.fullmatch(
                r"bytes=(\d+)-(\d+)", self.headers.get("range", f"bytes=0-{sink.size_bytes - 1}")
            ).groups()  # type: ignore[union-attr]
            self._tell(206 if "range" in self.headers else 200, bytes_of(int(first), int(last)), x_amz_version_id="v1")


@contextmanager
def serving_sink(size_bytes: int) -> Iterator[Sink]:
    """Serve until the block ends."""
    sink = Sink(size_bytes)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"sink": sink}))
    server.daemon_threads = True
    sink.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
