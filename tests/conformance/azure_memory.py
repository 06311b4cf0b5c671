"""Azure Blob Storage in memory, with the way to a token, as far as the mover asks for it.

In: requests. Out: responses. No effects but on its own values. Its clock stands still unless a test moves it, and tells
whole seconds, as Azure's does.
"""

import json
import xml.etree.ElementTree as ET
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate, parsedate_to_datetime
from hashlib import md5
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from data_exports.contract.federation import AZURE_AUDIENCE
from data_exports.contract.settings import AzureSettings
from data_exports.mover.settings import Settings
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest
from tests.unit.mover.environment import SETTINGS

TENANT, CLIENT = "1b9e8c6a-0d3f-4b52-9d5e-2f3c4a5b6c7d", "8f2c1d3e-4a5b-4c6d-8e7f-9a0b1c2d3e4f"
TARGET = AzureSettings(storage_account="hjresearch", container="incoming", tenant=TENANT, client=CLIENT)
STS, LOGIN, BLOBS = "https://sts.test", "https://login.test", "https://hjresearch.blob.test"
AZURE_SETTINGS: Settings = replace(SETTINGS, destination=TARGET, sts_url=STS, login_url=LOGIN, store_url=BLOBS)
BEARER = "Bearer opens-the-container"
_TOLD = ("x-ms-meta-", "x-ms-blob-c")


class Blob(NamedTuple):
    """What is there. `blocks`: of which blocks it was made."""

    body: bytes
    headers: Mapping[str, str]
    written_at: float
    blocks: Mapping[str, bytes]


@dataclass
class AzureMemory:
    """One container, and who gives tokens for it. `refusals`: what is answered instead, by the URL's beginning."""

    now: float = 1_790_000_000.0
    blobs: dict[str, Blob] = field(default_factory=dict)
    uncommitted: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refusals: dict[str, Response] = field(default_factory=dict)
    asked: list[HttpRequest] = field(default_factory=list)
    knows_conditions: bool = True

    def clock(self) -> float:
        """What it is by its own clock."""
        return self.now

    def answer(self, request: HttpRequest) -> Response:
        """Answer a request."""
        self.asked.append(request)
        refusal = next((each for start, each in self.refusals.items() if request.url.startswith(start)), None)
        if refusal:
            return replace(refusal, headers={"date": self._date(), **refusal.headers})
        if request.url.startswith(STS):
            return self._sign(request)
        return self._exchange(request) if request.url.startswith(LOGIN) else self._store(request)

    def _sign(self, request: HttpRequest) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        assert form == {
            "Action": "GetWebIdentityToken",
            "Version": "2011-06-15",
            "Audience.member.1": AZURE_AUDIENCE,
            "SigningAlgorithm": "RS256",
            "DurationSeconds": "300",
        }
        assert "/sts/aws4_request" in request.headers["authorization"]
        told = "<WebIdentityToken>eyJ.mover.s</WebIdentityToken>"
        return Response(200, {}, f"<R><GetWebIdentityTokenResult>{told}</GetWebIdentityTokenResult></R>".encode())

    def _exchange(self, request: HttpRequest) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        assert request.url == f"{LOGIN}/{TENANT}/oauth2/v2.0/token"
        assert form == {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "scope": "https://storage.azure.com/.default",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": "eyJ.mover.s",
        }
        facts = {"token_type": "Bearer", "expires_in": 3599, "access_token": BEARER.removeprefix("Bearer ")}
        return Response(200, {}, json.dumps(facts).encode())

    def _store(self, request: HttpRequest) -> Response:
        parts, headers = urlsplit(request.url), request.headers
        key = unquote(parts.path).removeprefix("/incoming/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if headers.get("authorization") != BEARER or not headers.get("x-ms-version"):
            return self._error(401, "InvalidAuthenticationInfo")
        digest = b64encode(md5(request.body, usedforsecurity=False).digest()).decode()
        if headers.get("content-md5", digest) != digest:
            return self._error(400, "Md5Mismatch")
        if query.get("comp") == "block":
            names = {len(b64decode(name)) for name in (query["blockid"], *self.uncommitted.get(key, {}))}
            if len(names) > 1:
                return self._error(400, "InvalidBlobOrBlock")
            self.uncommitted.setdefault(key, {})[query["blockid"]] = request.body
            return Response(201, {"date": self._date(), "content-md5": digest}, b"")
        if refused := self.knows_conditions and self._refused_by_condition(key, headers):
            return refused
        blocks: Mapping[str, bytes] = {}
        body = request.body
        if query.get("comp") == "blocklist":
            there = {**(self.blobs[key].blocks if key in self.blobs else {}), **self.uncommitted.get(key, {})}
            names_listed = [each.text or "" for each in ET.fromstring(body).iter("Latest")]
            if not set(names_listed) <= there.keys():
                return self._error(400, "InvalidBlockList")
            blocks = {name: there[name] for name in names_listed}
            body = b"".join(blocks.values())
        told = {name: value for name, value in headers.items() if name.startswith(_TOLD)}
        self.blobs[key] = Blob(body, told, self.now, blocks)
        self.uncommitted.pop(key, None)
        return Response(201, {"date": self._date(), "etag": f'"0x{len(self.asked):X}"'}, b"")

    def _refused_by_condition(self, key: str, headers: Mapping[str, str]) -> Response | None:
        blob = self.blobs.get(key)
        if blob is None:
            return None
        if headers.get("if-none-match") == "*":
            return self._error(409, "BlobAlreadyExists")
        since = headers.get("if-unmodified-since")
        if since and parsedate_to_datetime(since).timestamp() < int(blob.written_at):
            return self._error(412, "ConditionNotMet")
        return None

    def _error(self, status: int, code: str) -> Response:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>It is refused.\nTime:x</Message></Error>"
        return Response(status, {"date": self._date(), "x-ms-error-code": code, "x-ms-request-id": "r1"}, body.encode())

    def _date(self) -> str:
        return formatdate(self.now, usegmt=True)


def arrived_in(azure: AzureMemory, key: str) -> tuple[bytes, Mapping[str, str]] | None:
    """What the recipient finds, told in S3's words."""
    blob = azure.blobs.get(key)
    if blob is None:
        return None
    properties = {n.removeprefix("x-ms-blob-"): v for n, v in blob.headers.items() if n.startswith("x-ms-blob-")}
    meta = {
        f"x-amz-meta-{n.removeprefix('x-ms-meta-').replace('_', '-')}": v
        for n, v in blob.headers.items()
        if n.startswith("x-ms-meta-")
    }
    return blob.body, properties | meta
