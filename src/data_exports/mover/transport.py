"""Sends one HTTP request to a bucket, with AWS's C runtime: signing and connections are its, retries are ours.

In: an operation on a bucket. Out: a `replies.Response`, handed to a callback on one of the runtime's threads. Effects:
the request. A bucket that turns out to be in another region is asked again there, and remembered.

awscrt sends each request once. Were it to send a copy again by itself after a lost connection, nobody would know that
S3 may carry out the first one later. It gives up a request that is silent for about 30 s.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote, urlsplit

from awscrt.auth import AwsCredentialsProvider  # type: ignore[import-untyped]
from awscrt.http import HttpHeaders, HttpRequest  # type: ignore[import-untyped]
from awscrt.s3 import (  # type: ignore[import-untyped]
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3ChecksumLocation,
    S3Client,
    S3RequestTlsMode,
    S3RequestType,
    S3RetryConfig,
    S3RetryMode,
    create_default_s3_signing_config,
)

from .replies import Response

Then = Callable[[Response], None]

# DeleteObjects is refused without a checksum. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
_CHECKSUM = S3ChecksumConfig(algorithm=S3ChecksumAlgorithm.CRC32, location=S3ChecksumLocation.HEADER)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One operation on a bucket: `key` is not encoded yet; empty, the operation is on the bucket itself."""

    operation: str
    method: str
    bucket: str
    key: str = ""
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    body: bytes = b""


class Transport:
    """S3 as its HTTP interface. Safe to use from several threads."""

    def __init__(
        self,
        *,
        region: str,
        endpoint_url: str | None,
        connections: int,
        credentials: AwsCredentialsProvider | None = None,
    ) -> None:
        """Connect to nothing yet. Lambda gives the role's credentials in the environment."""
        self._region = region
        self._endpoint_url = endpoint_url
        self._connections = connections
        self._credentials = credentials or AwsCredentialsProvider.new_environment()
        self._clients: dict[str, Any] = {}
        self._regions: dict[str, str] = {}
        self._under_way: set[_Attempt] = set()
        self._lock = threading.Lock()

    def send(self, exchange: Exchange, then: Then) -> None:
        """Start the exchange; `then` gets its response, exactly once. Raises only if nothing could be started."""
        region = self._regions.get(exchange.bucket, self._region)
        self._try(exchange, region, lambda response: self._follow(exchange, region, response, then))

    def _follow(self, exchange: Exchange, region: str, response: Response, then: Then) -> None:
        """Ask again in the bucket's own region if S3 names another one.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
        """
        named = response.headers.get("x-amz-bucket-region", region)
        if response.status not in (301, 307, 400) or named == region or self._endpoint_url:
            then(response)
            return
        self._regions[exchange.bucket] = named
        try:
            self._try(exchange, named, then)
        except Exception as error:  # noqa: BLE001 this runs on a thread of awscrt, and `then` must be called
            then(Response(None, {}, b"", fault=f"{type(error).__name__}: {error}"))

    def _try(self, exchange: Exchange, region: str, then: Then) -> None:
        scheme, host, path = _address(exchange, region=region, endpoint_url=self._endpoint_url)
        headers = HttpHeaders([("host", host), *(exchange.headers or {}).items()])
        if exchange.method in ("PUT", "POST"):
            headers.set("content-length", str(len(exchange.body)))
        attempt = _Attempt(then, self._under_way)
        self._under_way.add(attempt)
        try:
            attempt.request = self._client(region, tls=scheme == "https").make_request(
                type=S3RequestType.DEFAULT,
                operation_name=exchange.operation,
                request=HttpRequest(exchange.method, path, headers, BytesIO(exchange.body) if exchange.body else None),
                checksum_config=_CHECKSUM if exchange.body else None,
                on_headers=attempt.on_headers,
                on_body=attempt.on_body,
                on_done=attempt.on_done,
            )
        except BaseException:
            self._under_way.discard(attempt)
            raise

    def _client(self, region: str, *, tls: bool) -> Any:
        with self._lock:
            if region not in self._clients:
                self._clients[region] = S3Client(
                    region=region,
                    tls_mode=S3RequestTlsMode.ENABLED if tls else S3RequestTlsMode.DISABLED,
                    signing_config=create_default_s3_signing_config(
                        region=region, credential_provider=self._credentials
                    ),
                    max_active_connections_override=self._connections,
                    retry_config=S3RetryConfig(retry_mode=S3RetryMode.NONE),
                )
            return self._clients[region]


class _Attempt:
    """Gathers what awscrt reports of one request. Kept in `under_way` until it ends, so that nothing is collected."""

    def __init__(self, then: Then, under_way: "set[_Attempt]") -> None:
        self.request: Any = None
        self._then = then
        self._under_way = under_way
        self._headers: list[tuple[str, str]] = []
        self._body = bytearray()

    def on_headers(self, headers: list[tuple[str, str]], **_: object) -> None:
        self._headers = headers

    def on_body(self, chunk: bytes, **_: object) -> None:
        self._body += chunk

    def on_done(
        self,
        error: Exception | None,
        status_code: int | None,
        error_headers: list[tuple[str, str]] | None,
        error_body: bytes | None,
        **_: object,
    ) -> None:
        self._under_way.discard(self)
        headers = {name.lower(): value for name, value in error_headers or self._headers}
        if error is None or error_headers is not None:
            self._then(Response(status_code, headers, bytes(error_body or self._body)))
        else:
            self._then(Response(None, {}, b"", fault=getattr(error, "name", type(error).__name__)))


def _address(exchange: Exchange, *, region: str, endpoint_url: str | None) -> tuple[str, str, str]:
    """Return scheme, host and path. A bucket name with dots does not fit AWS's TLS certificate, so it goes in the path.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    path = f"/{quote(exchange.key, safe='/~')}"
    if exchange.query is not None:
        path += "?" + "&".join(f"{name}={quote(value, safe='~')}" for name, value in exchange.query.items())
    if endpoint_url:
        parts = urlsplit(endpoint_url)
        return parts.scheme, parts.netloc, f"/{exchange.bucket}{path}"
    host = f"s3.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
    if "." in exchange.bucket:
        return "https", host, f"/{exchange.bucket}{path}"
    return "https", f"{exchange.bucket}.{host}", path
