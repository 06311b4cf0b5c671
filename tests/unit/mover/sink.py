"""A hub with one file of any size, and a container or a bucket that keeps nothing: for what large files cost.

In: the size of the file. Out: its URL, what was put. Effects: a port of 127.0.0.1. The file's bytes are made as they
are asked for; of what is put, the digest is worked out, and the rest forgotten.
"""

import hashlib
import json
import re
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from urllib.parse import parse_qs, unquote, urlsplit

from tests.patience import PATIENCE_SECONDS

PAGE = 1024 * 1024
ETAG = "5d41402abc4b2a76b9719d911017c592"


@dataclass
class Sink:
    """What the server answers, and what it was told."""

    size_bytes: int
    url: str = ""
    log: dict[str, bytes] = field(default_factory=dict)  # the log bucket
    parts: dict[str, int] = field(default_factory=dict)  # how often each block or part was put
    listed: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    holds_from: int | None = None  # once so many parts have been put, they are answered no more
    changed: Condition = field(default_factory=Condition)

    @property
    def receipts(self) -> list[bytes]:
        return [body for key, body in self.log.items() if key.startswith("deliveries/")]

    @contextmanager
    def holding_from(self, number: int) -> Iterator[None]:
        """Answer no part any more once so many have been put, until the block ends."""
        with self.changed:
            self.holds_from = number
        yield
        with self.changed:
            self.holds_from = None
            self.changed.notify_all()

    def take_part(self, part: str) -> None:
        """Take note of a part, and wait while parts are held."""
        with self.changed:
            self.parts[part] = self.parts.get(part, 0) + 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.holds_from is None or len(self.parts) < self.holds_from)

    def wait_for_parts(self, number: int) -> None:
        """Wait until so many parts have been put."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.parts) >= number, timeout=PATIENCE_SECONDS):
                raise TimeoutError(f"{len(self.parts)} parts of {number} after {PATIENCE_SECONDS:g} s")

    def complete(self, path: str, parts: list[str]) -> None:
        """Take note of a file that is whole, and of what it was made of."""
        with self.changed:
            self.written.append(path.lstrip("/").partition("/")[2])
            self.listed = parts


@lru_cache(maxsize=1024)
def page(number: int) -> bytes:
    """The bytes of one page of the file: no two of the first 65,536 are alike."""
    return number.to_bytes(2, "big") * (PAGE // 2)


def bytes_of(first: int, last: int) -> bytes:
    """A range of the file."""
    pages = b"".join(page(number % 65_536) for number in range(first // PAGE, last // PAGE + 1))
    start = first % PAGE
    return pages if (start, len(pages)) == (0, last - first + 1) else pages[start : start + last - first + 1]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has gone: tests kill some."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


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
        url, body = urlsplit(self.path), self._body().decode()
        form, query = parse_qs(body), parse_qs(url.query, keep_blank_values=True)
        if "uploads" in query:
            self._tell(200, b"<R><UploadId>u1</UploadId></R>")
        elif "uploadId" in query:
            self.sink.complete(unquote(url.path), re.findall("<PartNumber>(.*?)</PartNumber>", body))
            self._tell(200, b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>")
        elif "client_assertion" in form or "subject_token" in form:
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
        part = query.get("blockid") or query.get("partNumber")
        if part:
            sink.take_part(part[0])
        else:
            sink.complete(unquote(parts.path), re.findall(r"<Latest>(.*?)</Latest>", body.decode("latin-1")))
        # The CRC is none of these bytes; what Google tells of a whole file is left out, which it would be held against.
        status, told = (200, {"x_goog_hash": f"crc32c=AAAAAA==,md5={md5}"}) if "partNumber" in query else (201, {})
        self._tell(status, b"", Content_MD5=md5, ETag='"0x1"', **told)

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
            place = f"bytes {first}-{last}/{sink.size_bytes}"
            told = {"x_amz_version_id": "v1", "ETag": f'"{ETAG}"', "Content_Range": place}
            status = 206 if "range" in self.headers else 200
            self._tell(status, bytes_of(int(first), int(last)), **told)


@contextmanager
def serving_sink(size_bytes: int) -> Iterator[Sink]:
    """Serve until the block ends."""
    sink = Sink(size_bytes)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"sink": sink}))
    sink.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
