"""A dataset's two queues: how much is in them, what the dead letters are, and the way back out.

In: a dataset and an `Aws`. Out: figures, `DeadLetter` values, the state of a move. Effects: reads attributes; `peek`
hides what it looks at for as long as it looks; `start_move` has SQS move dead letters back; `delete_dead_letter`
removes one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data_exports.access.grants import dead_letter_queue_arn_of, queue_arn_of
from data_exports.aws import AWS_EXCEPTIONS, Aws
from data_exports.estate.models import Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.names import dead_letter_queue_name_of, queue_name_of
from data_exports.operate.rights import needing

HIDDEN_SECONDS = 60
"""How long a dead letter that is looked at stays hidden from others, should we die before we put it back."""
_AT_ONCE = 10  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """How many messages the queues hold; approximate, as SQS counts. Of the dead letters alone senders may know."""

    waiting: int | None
    in_flight: int | None
    dead_letters: int


@json_as("message_id sent_at body")
@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of a dead-letter queue."""

    message_id: str
    body: str
    sent_at: datetime
    """When it was sent to the dataset's queue: for the first time, or at the last redrive."""


@dataclass(frozen=True, slots=True)
class Peeked:
    """Dead letters that were looked at, and about how many there are in all."""

    dead_letters: tuple[DeadLetter, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Move:
    """A move of dead letters back to their queue, as SQS tells of it."""

    status: str
    """RUNNING, COMPLETED, FAILED, CANCELLING or CANCELLED."""
    moved: int
    to_move: int
    reason: str = ""

    @property
    def is_over(self) -> bool:
        """Whether SQS has stopped working on it."""
        return self.status in ("COMPLETED", "FAILED", "CANCELLED")


def read_figures(platform: Platform, push: PushDataset, aws: Aws) -> QueueFigures:
    """What is in the dataset's queues: two requests. Raises `AwsError`, or `RefusedError` when they do not exist."""
    queue = _read_counts(platform, queue_name_of(push.name), aws)
    dead = _read_counts(platform, dead_letter_queue_name_of(push.name), aws)
    return QueueFigures(queue[0], queue[1], sum(dead))


def count_dead_letters(platform: Platform, push: PushDataset, aws: Aws) -> int:
    """About how many dead letters there are, those included that somebody looks at. Raises as `read_figures`."""
    return sum(_read_counts(platform, dead_letter_queue_name_of(push.name), aws))


def _read_counts(platform: Platform, name: str, aws: Aws) -> tuple[int, int]:
    with needing(aws, "sqs:GetQueueAttributes", f"queue {name}"):
        sqs = aws.client("sqs")
        found = sqs.get_queue_attributes(
            QueueUrl=_url_of(sqs, platform, name),
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
    return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])


@dataclass(frozen=True, slots=True)
class Held:
    """A dead letter that is hidden from others for as long as it is looked at."""

    dead_letter: DeadLetter
    receipt_handle: str


def peek(platform: Platform, push: PushDataset, aws: Aws, *, at_most: int) -> Peeked:
    """Look at dead letters without consuming them: each is put back before this returns, also when interrupted.

    While it is being looked at, a dead letter is in flight: a move that starts just then takes it a moment later.
    Raises as `read_figures`.
    """
    total = count_dead_letters(platform, push, aws)
    dead_letters: dict[str, DeadLetter] = {}
    with dead_letters_one_by_one(platform, push, aws) as held:
        while len(dead_letters) < min(at_most, total) and (each := next(held, None)) is not None:
            dead_letters[each.dead_letter.message_id] = each.dead_letter
    found = sorted(dead_letters.values(), key=lambda dead_letter: dead_letter.sent_at)
    return Peeked(tuple(found), max(total, len(found)))


@contextmanager
def dead_letters_one_by_one(platform: Platform, push: PushDataset, aws: Aws) -> Iterator[Iterator[Held]]:
    """Look at dead letters one after the other, each once, until there are no more; all are put back at the end.

    Raises as `read_figures`.
    """
    name = dead_letter_queue_name_of(push.name)
    sqs = aws.client("sqs")
    url = _url_of(sqs, platform, name)
    held: dict[str, Held] = {}

    def look() -> Iterator[Held]:
        while True:
            with needing(aws, "sqs:ReceiveMessage", f"queue {name}"):
                received = [Held(_dead_letter_of(message), message["ReceiptHandle"]) for message in _receive(sqs, url)]
            new = [each for each in received if each.dead_letter.message_id not in held]
            held.update({each.dead_letter.message_id: each for each in received})
            yield from new
            if not new:
                return

    try:
        yield look()
    finally:
        with needing(aws, "sqs:ChangeMessageVisibility", f"queue {name}"):
            _put_back(sqs, url, [each.receipt_handle for each in held.values()])


def delete_dead_letter(platform: Platform, push: PushDataset, aws: Aws, held: Held) -> None:
    """Remove a dead letter for good. To put it back afterwards does nothing. Raises as `read_figures`."""
    name = dead_letter_queue_name_of(push.name)
    sqs = aws.client("sqs")
    with needing(aws, "sqs:DeleteMessage", f"queue {name}"):
        sqs.delete_message(QueueUrl=_url_of(sqs, platform, name), ReceiptHandle=held.receipt_handle)


def _receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    # Without a wait SQS asks a sample of its servers only, and may find nothing where there is something.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=_AT_ONCE,
        VisibilityTimeout=HIDDEN_SECONDS,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def _put_back(sqs: Any, url: str, handles: list[str]) -> None:
    for start in range(0, len(handles), _AT_ONCE):
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for number, handle in enumerate(handles[start : start + _AT_ONCE])
        ]
        sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _dead_letter_of(message: dict[str, Any]) -> DeadLetter:
    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, tz=UTC)
    return DeadLetter(message["MessageId"], message["Body"], sent)


def start_move(platform: Platform, push: PushDataset, aws: Aws) -> Move:
    """Have SQS move every dead letter back to the dataset's queue; joins a move that is under way.

    Raises `AwsError`, or `RefusedError` when there is no such queue.
    """
    under_way = read_move(platform, push, aws)
    if under_way and not under_way.is_over:
        return under_way
    name, source = dead_letter_queue_name_of(push.name), dead_letter_queue_arn_of(platform, push)
    with needing(aws, "sqs:StartMessageMoveTask", f"queue {name}"):
        try:
            aws.client("sqs").start_message_move_task(
                SourceArn=source, DestinationArn=queue_arn_of(platform, queue_name_of(push.name))
            )
        except AWS_EXCEPTIONS:
            started = read_move(platform, push, aws)  # somebody else may have been faster
            if started and not started.is_over:
                return started
            raise
    return read_move(platform, push, aws) or Move("RUNNING", 0, 0)


def read_move(platform: Platform, push: PushDataset, aws: Aws) -> Move | None:
    """The dataset's latest move, or None when there was none of late. Raises as `start_move`."""
    source = dead_letter_queue_arn_of(platform, push)
    with needing(aws, "sqs:ListMessageMoveTasks", f"queue {dead_letter_queue_name_of(push.name)}"):
        found = aws.client("sqs").list_message_move_tasks(SourceArn=source, MaxResults=1).get("Results", [])
    if not found:
        return None
    task = found[0]
    return Move(
        task["Status"],
        task.get("ApproximateNumberOfMessagesMoved", 0),
        task.get("ApproximateNumberOfMessagesToMove", 0),
        task.get("FailureReason", ""),
    )


def queue_url_of(aws: Aws, platform: Platform, name: str) -> str:
    """The URL of a queue of the platform."""
    return _url_of(aws.client("sqs"), platform, name)


def _url_of(sqs: Any, platform: Platform, name: str) -> str:
    """The queue's URL, which is made of what we know: asking for it would be one more request, and one more right.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
    """
    return f"{sqs.meta.endpoint_url.rstrip('/')}/{platform.account}/{name}"
