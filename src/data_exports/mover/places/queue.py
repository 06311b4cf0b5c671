"""SQS, as the mover uses it: how long a failed message stays away, and messages to go on with a large file.

In: receipt handles of messages, and seconds; bodies of messages. Out: what went wrong. Effects: the messages'
visibility in the dataset's queue; new messages there. It connects at the first call, and a batch in which nothing fails
and nothing large is left to do never makes one.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibilityBatch.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from data_exports.mover.settings import Settings
from data_exports.mover.time_left import SecondsLeft
from data_exports.mover.wire.service import THE_WIRE, Service, ServiceError, Wire

MESSAGES_IN_ONE_CALL = 10


@contextmanager
def open_queue(settings: Settings, *, seconds_left: SecondsLeft, wire: Wire = THE_WIRE) -> Iterator["Queue"]:
    """The dataset's queue, until its connection ends. The URL's own host is asked, unless there is an endpoint."""
    url = settings.queue_url or ""
    at = settings.sqs_endpoint_url or url
    with Service(at, name="sqs", region=settings.region, seconds_left=seconds_left, wire=wire) as service:
        yield Queue(url, service)


class Queue:
    """The dataset's queue. For one thread at a time."""

    def __init__(self, url: str, service: Service) -> None:
        """Take its URL, and SQS, wherever it is asked."""
        self._url = url
        self._service = service

    def delay_messages(self, seconds_by_handle: Mapping[str, int]) -> list[ServiceError]:
        """Have SQS hand these messages out again after so many seconds; return what went wrong."""
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
            for number, (handle, seconds) in enumerate(seconds_by_handle.items())
        ]
        problems: list[ServiceError] = []
        for start in range(0, len(entries), MESSAGES_IN_ONE_CALL):
            try:
                self._ask_for_all("ChangeMessageVisibilityBatch", entries[start : start + MESSAGES_IN_ONE_CALL])
            except ServiceError as error:
                problems.append(error)
        return problems

    def send(self, bodies: Sequence[str]) -> None:
        """Put messages with these bodies into the queue. Raises ServiceError unless all are in.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
        """
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        for start in range(0, len(entries), MESSAGES_IN_ONE_CALL):
            self._ask_for_all("SendMessageBatch", entries[start : start + MESSAGES_IN_ONE_CALL])

    def waiting(self) -> int:
        """Return about how many messages wait to be received. Raises ServiceError."""
        name = "ApproximateNumberOfMessages"
        answer = self._ask("GetQueueAttributes", {"QueueUrl": self._url, "AttributeNames": [name]})
        try:
            return int(answer["Attributes"][name])
        except (KeyError, TypeError, ValueError):
            raise ServiceError(f"GetQueueAttributes on {self._url} answered without {name}") from None

    def _ask_for_all(self, operation: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """Make a batch call. Raises ServiceError unless SQS names every single entry as done."""
        answer = self._ask(operation, {"QueueUrl": self._url, "Entries": entries})
        refused = [f"{each.get('Code')}, {each.get('Message', '')}" for each in _entries(answer, "Failed")]
        if refused:
            raise ServiceError(f"{operation} refuses {len(refused)} of {len(entries)} messages: {refused[0]}")
        done = [each.get("Id") for each in _entries(answer, "Successful")]
        missing = sum(entry["Id"] not in done for entry in entries)
        if missing:
            count = f"{missing} of {len(entries)} messages"
            raise ServiceError(f"{operation} on {self._url} does not say what came of {count}")

    def _ask(self, operation: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make one call. Raises ServiceError.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
        """
        headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", f"AmazonSQS.{operation}")]
        try:
            answer = self._service.ask(headers, json.dumps(content).encode())
        except ServiceError as error:
            raise ServiceError(f"{operation} on {self._url} failed: {error}") from error
        try:
            parsed = json.loads(answer)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise ServiceError(
                f"{operation} on {self._url} was answered with what is no answer of SQS: {answer[:80]!r}"
            )
        return parsed


def _entries(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The entries of an answer under this name; nothing where there is no such list."""
    entries = answer.get(name)
    return [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
