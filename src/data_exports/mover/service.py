"""Signed requests to AWS services other than S3, one at a time: few are made, and only when something has failed.

In: a service's address, headers and a body. Out: a status and the answer's body, or `ServiceError`. Effects: the
request. It connects at the first one.
"""

import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from .signing import Credentials, signature_headers
from .time_left import SecondsLeft, endless

if TYPE_CHECKING:
    import http.client

MOST_TRIES = 3
TIMEOUT_SECONDS = 10


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
    ) -> None:
        """Connect to nothing yet; `name` is the service's in signatures. Lambda gives the role's credentials.

        When no time is left, nothing is asked and nothing is waited for any more.
        """
        self._seconds_left = seconds_left
        parts = urlsplit(url)
        self._scheme, self._host = parts.scheme, parts.netloc
        self._name = name
        self._region = region
        self._credentials = credentials or Credentials.of_environment()
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._disconnect()

    def ask(self, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
        """Make one call; again if the service is unwell or the connection is lost. Raises ServiceError."""
        import http.client  # a third of the function's start, and mostly nothing fails

        problem = "the function's time ran out before it was asked"
        for _ in range(MOST_TRIES):
            if self._seconds_left() <= 0:
                break
            try:
                status, answer = self._send(headers, body)
            except (OSError, http.client.HTTPException) as error:
                self._disconnect()
                problem = f"no answer ({type(error).__name__}: {error})"
                continue
            if status == 200:
                return answer
            problem = f"{status} {answer[:300].decode(errors='replace')}"
            if status < 500:
                break
        raise ServiceError(problem)

    def _send(self, headers: Sequence[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
        """Sign and send one request.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
        """
        named = {"host": self._host, **dict(headers)}
        signed = signature_headers(
            "POST", "/", named, credentials=self._credentials, region=self._region, service=self._name, body=body
        )
        connection = self._connect()
        connection.timeout = max(0.1, min(TIMEOUT_SECONDS, self._seconds_left()))
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        connection.request("POST", "/", body=body, headers=named | signed)
        response = connection.getresponse()
        return response.status, response.read()

    def _connect(self) -> "http.client.HTTPConnection":
        import http.client

        if self._connection is None:
            if self._scheme == "https":
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(self._host, timeout=TIMEOUT_SECONDS, context=context)
            else:
                self._connection = http.client.HTTPConnection(self._host, timeout=TIMEOUT_SECONDS)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
