"""SQS, as the mover uses it: how long a failed message stays away.

In: receipt handles of messages, and seconds. Out: what went wrong, in words. Effects: the messages' visibility in the
dataset's queue. It connects at the first call, and a batch in which nothing fails never makes one.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
"""

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, Self
from urllib.parse import urlsplit

from awscrt.auth import (  # type: ignore[import-untyped]
    AwsCredentialsProvider,
    AwsSigningConfig,
    aws_sign_request,
)
from awscrt.http import HttpHeaders, HttpRequest  # type: ignore[import-untyped]

MESSAGES_IN_ONE_CALL = 10
MOST_TRIES = 3
TIMEOUT_SECONDS = 10

Entry = dict[str, Any]


class QueueError(Exception):
    """SQS did not do what it was asked to."""


class Queue:
    """The dataset's queue: a context that ends with its connection. For one thread at a time."""

    def __init__(self, url: str, *, region: str, credentials: AwsCredentialsProvider | None = None) -> None:
        """Connect to nothing yet. Lambda gives the role's credentials in the environment."""
        self._url = url
        self._region = region
        self._credentials = credentials or AwsCredentialsProvider.new_environment()
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._disconnect()

    def keep_away(self, seconds_by_handle: Mapping[str, int]) -> list[str]:
        """Have SQS hand these messages out again after so many seconds; return what went wrong, in words."""
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
            for number, (handle, seconds) in enumerate(seconds_by_handle.items())
        ]
        problems: list[str] = []
        for start in range(0, len(entries), MESSAGES_IN_ONE_CALL):
            try:
                self._ask_for_all("ChangeMessageVisibilityBatch", entries[start : start + MESSAGES_IN_ONE_CALL])
            except QueueError as error:
                problems.append(str(error))
        return problems

    def _ask_for_all(self, operation: str, entries: Sequence[Entry]) -> None:
        """Make a batch call. Raises QueueError, also if SQS refuses one of the entries."""
        answer = self._ask(operation, {"QueueUrl": self._url, "Entries": entries})
        refused = [f"{each.get('Code')}, {each.get('Message', '')}" for each in answer.get("Failed", [])]
        if refused:
            raise QueueError(f"{operation} refuses {len(refused)} of {len(entries)} messages: {refused[0]}")

    def _ask(self, operation: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make one call; again if SQS is unwell or the connection is lost. Raises QueueError."""
        body = json.dumps(content).encode()
        problem = ""
        for _ in range(MOST_TRIES):
            try:
                status, answer = self._send(operation, body)
            except (OSError, http.client.HTTPException) as error:
                self._disconnect()
                problem = f"no answer ({type(error).__name__}: {error})"
                continue
            if status == 200:
                return _parsed(answer)
            problem = f"{status} {answer[:300].decode(errors='replace')}"
            if status < 500:
                break
        raise QueueError(f"{operation} on {self._url} failed: {problem}")

    def _send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """Sign and send one request.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
        """
        parts = urlsplit(self._url)
        headers = [
            ("host", parts.netloc),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", f"AmazonSQS.{operation}"),
        ]
        request = HttpRequest("POST", "/", HttpHeaders(headers), BytesIO(body))
        config = AwsSigningConfig(credentials_provider=self._credentials, region=self._region, service="sqs")
        signed = aws_sign_request(request, config).result(TIMEOUT_SECONDS)
        connection = self._connect(parts.scheme, parts.netloc)
        connection.request("POST", "/", body=body, headers=dict(signed.headers))
        response = connection.getresponse()
        return response.status, response.read()

    def _connect(self, scheme: str, host: str) -> http.client.HTTPConnection:
        if self._connection is None:
            if scheme == "https":
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(host, timeout=TIMEOUT_SECONDS, context=context)
            else:
                self._connection = http.client.HTTPConnection(host, timeout=TIMEOUT_SECONDS)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _parsed(answer: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(answer)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
