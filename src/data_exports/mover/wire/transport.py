"""Sends one HTTP request to a bucket, signed.

In: an operation on a bucket. Out: a `Response`, handed to a callback from within `work`, which whoever waits
has to call. Effects: the request. A bucket that turns out to be in another region is asked again there, and remembered.

Each request is sent once. Were a copy sent again by itself after a lost connection, nobody would know that S3 may carry
out the first one later. A request that is not answered in time is given up (`http_connection.RequestLimits`).
"""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from data_exports.mover.time_left import SecondsLeft, endless
from data_exports.mover.wire.connections import USUAL_LIMITS, Connections, RequestLimits, Then
from data_exports.mover.wire.http_requests import Host, host_of, render_request
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.regions import may_be_elsewhere, region_in
from data_exports.mover.wire.signing import Credentials, signature_headers

__all__ = ["Exchange", "Then", "Transport"]

_USER_AGENT = "data-exports-mover"


@dataclass(frozen=True, slots=True)
class Exchange:
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


class Transport:
    """S3 as its HTTP interface. `send` is for all threads, `work` for one at a time."""

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

    def send(self, exchange: Exchange, then: Then, *, after_seconds: float = 0) -> None:
        """Start the exchange, now or later; `then` gets its response, exactly once. Raises if it cannot be made."""
        if after_seconds:
            self._connections.call_later(after_seconds, lambda: self._send_or_tell(exchange, then))
            return
        region = self._regions.get(exchange.bucket, self._region)
        self._try(exchange, region, lambda response: self._follow(exchange, region, response, then))

    def ask(self, exchange: Exchange, *, seconds_left: SecondsLeft = endless) -> Response:
        """Make the exchange and wait for its response, as long as there is time for that."""
        answers: list[Response] = []
        if seconds_left() > 0:
            self.send(exchange, answers.append)
        while not answers and seconds_left() > 0:
            self.work()
        return answers[0] if answers else Response(None, {}, b"", fault="the function's time ran out")

    def work(self) -> None:
        """Wait until something happens, and see to it: responses are handed over from within."""
        self._connections.work()

    def wake(self) -> None:
        """Have `work` return soon."""
        self._connections.wake()

    def rest(self) -> None:
        """Close the connections that are idle."""
        self._connections.rest()

    def drop(self) -> None:
        """End all connections, and what is to be sent later: none of it gets an answer."""
        self._connections.close()
        self._connections = Connections(max_per_host=self._max_per_host)

    def close(self) -> None:
        """End all connections."""
        self._connections.close()

    def _send_or_tell(self, exchange: Exchange, then: Then) -> None:
        try:
            self.send(exchange, then)
        except Exception as error:  # noqa: BLE001 nobody is there to catch it, and `then` must be called
            then(Response(None, {}, b"", fault=f"{type(error).__name__}: {error}"))

    def _follow(self, exchange: Exchange, region: str, response: Response, then: Then) -> None:
        """Ask again in the bucket's own region if it is another one; where S3 does not say, ask for that first."""
        if not may_be_elsewhere(response):
            then(response)
            return
        named = region_in(response)
        if named:
            self._again(exchange, region, named, response, then)
        elif self._regions.get(exchange.bucket) == region:  # asked before
            then(response)
        else:
            asked = Exchange("HeadBucket", "HEAD", exchange.bucket)
            self._try_or_tell(
                asked, region, lambda told: self._again(exchange, region, region_in(told), response, then)
            )

    def _again(self, exchange: Exchange, region: str, named: str, response: Response, then: Then) -> None:
        """Ask again in the named region; with no other one named, the response is the answer."""
        if named:
            self._regions[exchange.bucket] = named
        if named in ("", region):
            then(response)
        else:
            self._try_or_tell(exchange, named, then)

    def _try_or_tell(self, exchange: Exchange, region: str, then: Then) -> None:
        try:
            self._try(exchange, region, then)
        except Exception as error:  # noqa: BLE001 nobody is there to catch it, and `then` must be called
            then(Response(None, {}, b"", fault=f"{type(error).__name__}: {error}"))

    def _try(self, exchange: Exchange, region: str, then: Then) -> None:
        host, request = request_of(
            exchange, region=region, endpoint_url=self._endpoint_url, credentials=self._credentials
        )
        is_head, limits = exchange.method == "HEAD", exchange.limits
        self._connections.send(host, request, then, is_head=is_head, limits=limits)


def request_of(
    exchange: Exchange, *, region: str, endpoint_url: str | None, credentials: Credentials, at: float | None = None
) -> tuple[Host, bytes]:
    """Return whom an exchange is sent to and what is sent, signed. `at`: when, in seconds since 1970, if not now."""
    scheme, host, path = _address(exchange, region=region, endpoint_url=endpoint_url)
    query = _query(exchange)
    headers = {"host": host, **(exchange.headers or {})}
    if exchange.body and exchange.checksum_of_body:  # DeleteObjects is refused without a checksum
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        headers["x-amz-checksum-crc32"] = base64.b64encode(zlib.crc32(exchange.body).to_bytes(4, "big")).decode()
    headers |= signature_headers(
        exchange.method, path, headers, credentials=credentials, region=region, query=query, body=exchange.body, at=at
    )
    headers["user-agent"] = _USER_AGENT
    target = f"{path}?{query}" if query else path
    return host_of(scheme, host), render_request(exchange.method, target, headers, exchange.body)


def _query(exchange: Exchange) -> str:
    return "&".join(f"{name}={quote(value, safe='~')}" for name, value in sorted((exchange.query or {}).items()))


def _address(exchange: Exchange, *, region: str, endpoint_url: str | None) -> tuple[str, str, str]:
    """Return scheme, host and path. A bucket name with dots does not fit AWS's TLS certificate, so it goes in the path.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    path = f"/{quote(exchange.key, safe='/~')}"
    if endpoint_url:
        parts = urlsplit(endpoint_url)
        return parts.scheme, parts.netloc, f"/{exchange.bucket}{path}"
    host = f"s3.{region}.amazonaws.com"
    if "." in exchange.bucket:
        return "https", host, f"/{exchange.bucket}{path}"
    return "https", f"{exchange.bucket}.{host}", path
