"""Sends one HTTP request to a bucket, signed; and over the same connections what goes to others than S3.

In: an operation on a bucket. Out: a `Response`, handed to a callback from within `run_once`, which whoever waits
has to call. Effects: the request. A bucket that turns out to be in another region is asked again there, and remembered.

Each request is sent once. Were a copy sent again by itself after a lost connection, nobody would know that S3 may carry
out the first one later. A request that is not answered in time is given up (`http_connection.RequestLimits`).
"""

import base64
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from urllib.parse import quote, urlsplit

from data_exports.mover.wire.connections import Connections
from data_exports.mover.wire.endpoints import s3_host_of
from data_exports.mover.wire.http_connection import USUAL_LIMITS, OnResponse, RequestLimits
from data_exports.mover.wire.http_requests import Host, host_of, render_head, render_request
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.regions import may_be_elsewhere, region_in
from data_exports.mover.wire.signing import Credentials, signature_headers

_USER_AGENT = "data-exports-mover"


@dataclass(frozen=True, slots=True)
class S3Request:
    """One operation on a bucket: `key` is not encoded yet; empty, the operation is on the bucket itself.

    `checksum_of_body`: send one along; not where S3 would take it for that of an object.
    `limits`: how long S3 may take, and how much it may answer, if it is not as usual.
    """

    operation: str
    method: str
    bucket: str
    key: str = ""
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    checksum_of_body: bool = True
    limits: RequestLimits = USUAL_LIMITS


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request to somebody else than S3. The URL is encoded; headers and body may hold secrets, and are not shown.

    `headers_at_last`: what is known only when it is sent.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    limits: RequestLimits = USUAL_LIMITS
    headers_at_last: Callable[[], Mapping[str, str]] = dict


class HttpWay(Protocol):
    """What carries requests to others than S3: a `Transport`, or a stand-in."""

    @property
    def drops(self) -> int:
        """How often all that was under way was given up."""

    def send_http(self, request: HttpRequest, on_response: OnResponse) -> None:
        """Send a request."""

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Make a call after so many seconds."""


class Transport:
    """S3 as its HTTP interface. `send` is for all threads, `run_once` for one at a time."""

    service = "S3"

    def __init__(
        self,
        *,
        region: str,
        endpoint_url: str | None,
        connections: int,
        credentials: Credentials | None = None,
    ) -> None:
        """Connect to nothing yet. Lambda gives the role's credentials in the environment."""
        self._region = region
        self._endpoint_url = endpoint_url
        self._max_per_host = connections
        self._connections = Connections(max_per_host=connections)
        self._credentials = credentials or Credentials.of_environment()
        self._regions: dict[str, str] = {}
        self.drops = 0  # how often all that was under way was given up

    def send(self, request: S3Request, on_response: OnResponse, *, after_seconds: float = 0) -> None:
        """Start it, now or later; `on_response` gets its response, exactly once. Raises if it cannot be made."""
        if after_seconds:
            self._connections.call_later(after_seconds, lambda: send_or_fail(partial(self.send, request), on_response))
            return
        region = self._regions.get(request.bucket, self._region)
        self._send_to(request, region, lambda response: self._follow(request, region, response, on_response))

    def run_once(self) -> None:
        """Wait until something happens, and see to it: responses are handed over from within."""
        self._connections.run_once()

    def close_idle(self) -> None:
        """Close the connections that are idle."""
        self._connections.close_idle()

    def drop(self) -> None:
        """End all connections, and what is to be sent later: none of it gets an answer."""
        self.drops += 1
        self._connections.close()
        self._connections = Connections(max_per_host=self._max_per_host)

    def close(self) -> None:
        """End all connections."""
        self._connections.close()

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have `run_once` make a call after so many seconds, unless all is dropped before."""
        self._connections.call_later(seconds, call)

    def send_http(self, request: HttpRequest, on_response: OnResponse) -> None:
        """Send a request to somebody else than S3, once and to nobody but its host."""
        parts = urlsplit(request.url)
        headers = {"host": parts.netloc, **request.headers, **request.headers_at_last(), "user-agent": _USER_AGENT}
        if request.method in ("PUT", "POST"):
            headers["content-length"] = str(len(request.body))
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        self._connections.send(
            host_of(parts.scheme, parts.netloc),
            render_head(request.method, target, headers),
            on_response,
            is_head=request.method == "HEAD",
            limits=request.limits,
            body=request.body,
        )

    def _follow(self, request: S3Request, region: str, response: Response, on_response: OnResponse) -> None:
        """Ask again in the bucket's own region if it is another one; where S3 does not say, ask for that first."""
        if not may_be_elsewhere(response):
            on_response(response)
            return
        named = region_in(response)
        if named:
            self._send_again(request, region, named, response, on_response)
        elif self._regions.get(request.bucket) == region:  # asked before
            on_response(response)
        else:
            ask = partial(self._send_to, S3Request("HeadBucket", "HEAD", request.bucket), region)
            send_or_fail(ask, lambda told: self._send_again(request, region, region_in(told), response, on_response))

    def _send_again(
        self, request: S3Request, region: str, named: str, response: Response, on_response: OnResponse
    ) -> None:
        """Ask again in the named region; with no other one named, the response is the answer."""
        if named:
            self._regions[request.bucket] = named
        if named in ("", region):
            on_response(response)
        else:
            send_or_fail(partial(self._send_to, request, named), on_response)

    def _send_to(self, request: S3Request, region: str, on_response: OnResponse) -> None:
        host, data = signed_request(
            request, region=region, endpoint_url=self._endpoint_url, credentials=self._credentials
        )
        is_head, limits = request.method == "HEAD", request.limits
        self._connections.send(host, data, on_response, is_head=is_head, limits=limits)


def send_or_fail(send: Callable[[OnResponse], None], on_response: OnResponse) -> None:
    """Send, where nobody would catch an exception: it is an answer then."""
    try:
        send(on_response)
    except Exception as error:  # noqa: BLE001 nobody is there to catch it, and `on_response` must be called
        on_response(Response(None, {}, b"", fault=f"{type(error).__name__}: {error}"))


def signed_request(
    request: S3Request, *, region: str, endpoint_url: str | None, credentials: Credentials, at: float | None = None
) -> tuple[Host, bytes]:
    """Return whom a request is sent to and what is sent, signed. `at`: when, in seconds since 1970, if not now."""
    scheme, host, path = _address(request, region=region, endpoint_url=endpoint_url)
    query = "&".join(f"{name}={quote(value, safe='~')}" for name, value in sorted((request.query or {}).items()))
    headers = {"host": host, **(request.headers or {})}
    if request.body and request.checksum_of_body:  # DeleteObjects is refused without a checksum
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        headers["x-amz-checksum-crc32"] = base64.b64encode(zlib.crc32(request.body).to_bytes(4, "big")).decode()
    headers |= signature_headers(
        request.method, path, headers, credentials=credentials, region=region, query=query, body=request.body, at=at
    )
    headers["user-agent"] = _USER_AGENT
    target = f"{path}?{query}" if query else path
    return host_of(scheme, host), render_request(request.method, target, headers, request.body)


def _address(request: S3Request, *, region: str, endpoint_url: str | None) -> tuple[str, str, str]:
    """Return scheme, host and path. A bucket name with dots does not fit AWS's TLS certificate, so it goes in the path.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    path = f"/{quote(request.key, safe='/~')}"
    if endpoint_url:
        parts = urlsplit(endpoint_url)
        return parts.scheme, parts.netloc, f"/{request.bucket}{path}"
    host = s3_host_of(region)
    if "." in request.bucket:
        return "https", host, f"/{request.bucket}{path}"
    return "https", f"{request.bucket}.{host}", path
