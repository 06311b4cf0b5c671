"""Google Cloud Storage in memory, with the way to a token, as far as the mover asks for it.

In: requests. Out: responses. No effects but on its own values.
"""

import json
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import md5
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from data_exports.contract.federation import google_audience_of
from data_exports.contract.settings import GoogleSettings
from data_exports.mover.settings import Settings
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest
from tests.unit.mover.environment import SETTINGS

PROVIDER = "projects/1234567/locations/global/workloadIdentityPools/moj/providers/exports"
ACCOUNT = "exporter@hj-data.iam.gserviceaccount.com"
TARGET = GoogleSettings(bucket="hj-incoming", provider=PROVIDER, service_account=ACCOUNT)
AWS, LOGIN, CREDENTIALS, OBJECTS = "https://sts.test", "https://exchange.test", "https://iam.test", "https://gcs.test"
GOOGLE_SETTINGS: Settings = replace(
    SETTINGS, destination=TARGET, sts_url=AWS, login_url=LOGIN, impersonation_url=CREDENTIALS, store_url=OBJECTS
)
FEDERATED, BEARER = "federated", "Bearer opens-the-bucket"
_DESCRIBING = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type")


class Stored(NamedTuple):
    """An object, or a part."""

    body: bytes
    headers: Mapping[str, str]
    generation: int = 0


@dataclass
class GoogleMemory:
    """One bucket, and who gives tokens for it. `refusals`: what is answered instead, by the URL's beginning."""

    objects: dict[str, Stored] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[str, str], dict[int, bytes]]] = field(default_factory=dict)
    refusals: dict[str, Response] = field(default_factory=dict)
    asked: list[HttpRequest] = field(default_factory=list)

    def answer(self, request: HttpRequest) -> Response:
        """Answer a request."""
        self.asked.append(request)
        refusal = next((each for start, each in self.refusals.items() if request.url.startswith(start)), None)
        if refusal:
            return refusal
        for start, answer in (
            (AWS, self._sign),
            (LOGIN, self._exchange),
            (CREDENTIALS, self._impersonate),
            (OBJECTS, self._store),
        ):
            if request.url.startswith(start):
                return answer(request)
        raise AssertionError(request.url)

    def _sign(self, request: HttpRequest) -> Response:
        form = _form_in(request)
        assert form["Audience.member.1"] == google_audience_of(PROVIDER)
        return Response(200, {}, b"<R><WebIdentityToken>eyJ.mover.s</WebIdentityToken></R>")

    def _exchange(self, request: HttpRequest) -> Response:
        assert request.url == f"{LOGIN}/v1/token"
        assert _form_in(request) == {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "audience": f"//iam.googleapis.com/{PROVIDER}",
            "scope": "https://www.googleapis.com/auth/iam",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "subject_token": "eyJ.mover.s",
        }
        facts = {"access_token": FEDERATED, "token_type": "Bearer", "expires_in": 3599}
        return Response(200, {}, json.dumps(facts).encode())

    def _impersonate(self, request: HttpRequest) -> Response:
        assert request.url == f"{CREDENTIALS}/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken"
        assert request.headers["authorization"] == f"Bearer {FEDERATED}"
        scope = "https://www.googleapis.com/auth/devstorage.read_write"
        assert json.loads(request.body) == {"scope": [scope], "lifetime": "900s"}
        return Response(200, {}, json.dumps({"accessToken": BEARER.removeprefix("Bearer ")}).encode())

    def _store(self, request: HttpRequest) -> Response:
        parts, headers = urlsplit(request.url), request.headers
        key = unquote(parts.path).removeprefix("/hj-incoming/")
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if headers.get("authorization") != BEARER:
            return _error(401, "AuthenticationRequired")
        if headers.get("content-md5", md5_of(request.body)) != md5_of(request.body):
            return _error(400, "BadDigest")
        if "uploads" in query:
            name = f"u{len(self.asked)}"
            self.uploads[name] = key, _described(headers), {}
            return Response(200, {}, f"<Begun><UploadId>{name}</UploadId></Begun>".encode())
        if "uploadId" in query:
            return self._in_parts(request, key, query)
        if request.method == "DELETE":
            return Response(204, {}, b"") if self.objects.pop(key, None) else _error(404, "NoSuchKey")
        if headers.get("x-goog-if-generation-match") == "0" and key in self.objects:
            return _error(412, "PreconditionFailed")
        return Response(200, self._keep(key, request.body, _described(headers), in_parts=False), b"")

    def _in_parts(self, request: HttpRequest, key: str, query: Mapping[str, str]) -> Response:
        upload = self.uploads.get(query["uploadId"])
        if upload is None or upload[0] != key:
            return _error(404, "NoSuchUpload")
        if request.method == "DELETE":
            del self.uploads[query["uploadId"]]
            return Response(204, {}, b"")
        _, described, there = upload
        if request.method == "PUT":
            there[int(query["partNumber"])] = request.body
            etag = f'"{md5(request.body, usedforsecurity=False).hexdigest()}"'
            return Response(200, {"etag": etag, "x-goog-hash": _hashes(request.body)}, b"")
        listed = [
            (int(part.findtext("PartNumber") or ""), (part.findtext("ETag") or "").strip('"'))
            for part in ET.fromstring(request.body)
        ]
        if any(md5(there.get(n, b"none"), usedforsecurity=False).hexdigest() != etag for n, etag in listed):
            return _error(400, "InvalidPart")
        del self.uploads[query["uploadId"]]
        told = self._keep(key, b"".join(there[number] for number, _ in listed), described, in_parts=True)
        etag = f"<ETag>&quot;{told['etag']}&quot;</ETag>"
        return Response(200, told, f"<CompleteMultipartUploadResult>{etag}</CompleteMultipartUploadResult>".encode())

    def _keep(self, key: str, body: bytes, headers: dict[str, str], *, in_parts: bool) -> dict[str, str]:
        generation = 1_700_000_000_000_000 + len(self.asked)
        self.objects[key] = Stored(body, headers, generation)
        hashes = _hashes(body).partition(",")[0] if in_parts else _hashes(body)
        return {"etag": f"e{generation}", "x-goog-generation": str(generation), "x-goog-hash": hashes}


def arrived_at(google: GoogleMemory, key: str) -> tuple[bytes, Mapping[str, str]] | None:
    """What the recipient finds, told in S3's words."""
    found = google.objects.get(key)
    return found and (found.body, {n.replace("x-goog-meta-", "x-amz-meta-"): v for n, v in found.headers.items()})


def _described(headers: Mapping[str, str]) -> dict[str, str]:
    return {n: v for n, v in headers.items() if n in _DESCRIBING or n.startswith("x-goog-meta-")}


def _form_in(request: HttpRequest) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def _error(status: int, code: str) -> Response:
    body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
    return Response(status, {"x-guploader-uploadid": "g1"}, body)


def md5_of(body: bytes) -> str:
    return b64encode(md5(body, usedforsecurity=False).digest()).decode()


def _hashes(body: bytes) -> str:
    return f"crc32c={b64encode(crc32c_of(body).to_bytes(4, 'big')).decode()},md5={md5_of(body)}"


@cache
def crc32c_of(body: bytes) -> int:
    """The CRC32C, worked out with a table."""
    crc = 0xFFFFFFFF
    table = _table()
    for byte in body:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    def entry(crc: int) -> int:
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        return crc

    return tuple(map(entry, range(256)))
