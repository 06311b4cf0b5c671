"""Requests to the local AWS as they go over the wire, signed or not."""

import http.client
import http.server
from collections.abc import Mapping
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from data_exports.local import clients
from data_exports.local.clients import LocalCredentials
from data_exports.local.emulator import LocalAws
from tests.emulator.steps import ACCOUNT, REGION

Answer = tuple[int, str]


def ask(
    local: LocalAws,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    host: str | None = None,
) -> Answer:
    """One request as it is; gives the status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", local.port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host or f"127.0.0.1:{local.port}")
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def signed(
    local: LocalAws,
    method: str,
    path: str,
    body: bytes = b"",
    *,
    service: str = "s3",
    who: LocalCredentials | None = None,
    host: str | None = None,
) -> dict[str, str]:
    """The headers of a request that its account's root (or `who`) really signed."""
    who = who or clients.root_of(local, ACCOUNT)
    keys = ReadOnlyCredentials(who.access_key_id, who.secret_access_key, who.session_token or None)
    request = AWSRequest(method, f"http://{host or urlsplit(local.endpoint_url).netloc}{path}", data=body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(keys, service, REGION).add_auth(request)
    return dict(request.headers.items())
