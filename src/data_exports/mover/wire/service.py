"""Signed requests to AWS services other than S3, one at a time: few are made, and only when something has failed.

In: a service's address, headers and a body. Out: the answer's body, or `ServiceError`. Effects: the request. It
connects at the first one.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Self
from urllib.parse import urlsplit

from data_exports.mover.time_left import SecondsLeft, endless
from data_exports.mover.wire.connections import Connections
from data_exports.mover.wire.http_connection import RequestLimits
from data_exports.mover.wire.http_requests import host_of, render_request
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import RetryPolicy
from data_exports.mover.wire.signing import Credentials, signature_headers

TIMEOUT_SECONDS = 10.0
SERVICE_POLICY = RetryPolicy(most_tries=3, seconds_for_tries=2 * TIMEOUT_SECONDS + 5)


def _one_connection() -> Connections:
    return Connections(max_per_host=1)


@dataclass(frozen=True)
class Wire:
    """What services are asked over, and the time that passes meanwhile, in seconds."""

    connect: Callable[[], Connections] = _one_connection
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


THE_WIRE = Wire()


SendOn = Callable[[Sequence[str]], None]
"""Puts messages with these bodies into the dataset's own queue; raises ServiceError unless all are in."""


class ServiceError(Exception):
    """The service did not do what it was asked to; `str()` says what it answered."""


class Service:
    """One AWS service at one address: a context that ends with its connection. For one thread at a time."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        region: str,
        credentials: Credentials | None = None,
        seconds_left: SecondsLeft = endless,
        wire: Wire = THE_WIRE,
    ) -> None:
        """Connect to nothing yet; `name` is the service's in signatures. Lambda gives the role's credentials.

        When no time is left, nothing is asked and nothing is waited for any more.
        """
        self._seconds_left = seconds_left
        self._wire = wire
        parts = urlsplit(url)
        self._scheme, self._netloc = parts.scheme, parts.netloc
        self._name = name
        self._region = region
        self._credentials = credentials or Credentials.of_environment()
        self._connections: Connections | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connections is not None:
            self._connections.close()

    def ask(self, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
        """Make one call; again if the service is unwell or the connection is lost. Raises ServiceError."""
        started, rng = self._wire.clock(), random.Random()  # noqa: S311 it keeps no secret
        problem = "the function's time ran out before it was asked"
        for tries in count(1):
            if self._seconds_left() <= 0:
                break
            response = self._send(headers, body)
            if response.status == 200:
                return response.body
            said = f"{response.status} {response.body[:300].decode(errors='replace')}"
            problem = f"no answer ({response.fault})" if response.status is None else said
            pause = SERVICE_POLICY.pause_seconds(
                tries,
                elapsed_seconds=self._wire.clock() - started,
                is_refused=False,
                seconds_left=self._seconds_left(),
                answer_seconds=0,  # what is left of the time is all that is waited for
                rng=rng,
            )
            if pause is None or (response.status is not None and response.status < 500):
                break
            self._wire.sleep(pause)
        raise ServiceError(problem)

    def _send(self, headers: Sequence[tuple[str, str]], body: bytes) -> Response:
        """Sign and send one request, and wait for its response.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
        """
        named = {"host": self._netloc, **dict(headers)}
        signed = signature_headers(
            "POST", "/", named, credentials=self._credentials, region=self._region, service=self._name, body=body
        )
        seconds = min(TIMEOUT_SECONDS, self._seconds_left())
        limits = RequestLimits(read_timeout_seconds=seconds, timeout_seconds=seconds)
        responses: list[Response] = []
        data = render_request("POST", "/", named | signed, body)
        connections = self._connections = self._connections or self._wire.connect()
        connections.send(host_of(self._scheme, self._netloc), data, responses.append, limits=limits)
        while not responses:
            connections.run_once()
        return responses[0]
