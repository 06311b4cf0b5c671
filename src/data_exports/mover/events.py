"""Reads what SQS hands to the function: messages whose bodies are S3 event notifications.

In: the event of one invocation. Out: one Message for each SQS record, with the uploads it tells of and the problems met
in reading it. Nothing is raised for a malformed message: one bad message must not hold up the batch. And the other way
round: the body of a message that the function sends itself, for an upload that another run goes on with. No effects.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from .uploads import Upload

# A redriven message is a new message to SQS: its count starts again, though an earlier try may have written and died.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
# S3 sends its events within seconds; whatever was enqueued later than this may have been redriven.
LONGEST_FIRST_WAY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Message:
    """One SQS message: what it asks to deliver, and what could not be read of it."""

    message_id: str
    uploads: tuple[Upload, ...]
    problems: tuple[str, ...]
    receipt_handle: str
    receive_count: int | None


def read_messages(event: Mapping[str, Any]) -> list[Message]:
    """Read every message of an invocation's event. Raises KeyError if it does not come from SQS."""
    return [_read_message(record) for record in event["Records"]]


def body_to_go_on(upload: Upload) -> str:
    """Write the message for an upload that another run goes on with: like S3's own, and marked as not the first."""
    entry = {"key": quote_plus(upload.key), "versionId": upload.version_id, "eTag": upload.etag}
    notification = {
        "eventName": "ObjectCreated:Continued",
        "eventTime": upload.uploaded_at,
        "userIdentity": {"principalId": upload.uploaded_by},
        "s3": {"bucket": {"name": upload.bucket}, "object": {**entry, "size": upload.size_bytes}},
        "continued": True,
    }
    return json.dumps({"Records": [notification]})


def _read_message(record: Mapping[str, Any]) -> Message:
    uploads: list[Upload] = []
    problems: list[str] = []
    try:
        notifications = _notifications(record["body"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        notifications, problems = [], [f"the message is no S3 event notification: {_short(error)}"]
    for number, notification in enumerate(notifications, start=1):
        try:
            uploads.append(_read_upload(notification, record))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            problems.append(f"record {number} of the message is no S3 upload event: {_short(error)}")
    return Message(
        record["messageId"], tuple(uploads), tuple(problems), record.get("receiptHandle", ""), _receive_count(record)
    )


def _notifications(body: str) -> list[Any]:
    content = json.loads(body)
    if content.get("Event") == "s3:TestEvent":  # S3 sends one whenever the notification rules are set
        return []
    records = content["Records"]
    if not isinstance(records, list) or not records:
        raise ValueError("its Records are not a list of events")
    return records


def _read_upload(notification: Mapping[str, Any], record: Mapping[str, Any]) -> Upload:
    name = notification["eventName"]
    if not name.startswith("ObjectCreated:"):
        raise ValueError(f"its eventName is {name!r}")
    s3 = notification["s3"]
    entry = s3["object"]
    size = entry.get("size")
    uploaded_at, swept_at = _text_or_none(notification.get("eventTime")), notification.get("sweptAt")
    count = _receive_count(record)
    key = unquote_plus(_text(entry["key"]), errors="strict")
    key.encode()  # half a surrogate pair is no character, and no key holds one
    return Upload(
        bucket=_text(s3["bucket"]["name"]),
        key=key,
        # Without a version id the upload is older than the hub's versioning; S3 calls that version "null".
        version_id=_text(entry.get("versionId") or "null"),
        etag=_text(entry.get("eTag") or "").strip('"'),
        size_bytes=None if size is None else int(size),
        uploaded_by=_text_or_none(notification.get("userIdentity", {}).get("principalId")),
        uploaded_at=uploaded_at,
        receive_count=count,
        received_before=(
            count != 1 or "continued" in notification or not _came_straight(swept_at or uploaded_at, record)
        ),
        swept=swept_at is not None,
        message_id=record["messageId"],
    )


def _receive_count(record: Mapping[str, Any]) -> int | None:
    try:
        return int(record["attributes"]["ApproximateReceiveCount"])
    except (ValueError, KeyError, TypeError):
        return None


def _came_straight(sent_at: object, record: Mapping[str, Any]) -> bool:
    """Tell whether the message was enqueued so soon after the upload or the sweep that it cannot have been redriven."""
    try:
        sent = datetime.fromisoformat(_text(sent_at))
        enqueued = datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, tz=UTC)
        return abs((enqueued - sent).total_seconds()) <= LONGEST_FIRST_WAY_SECONDS
    except (ValueError, KeyError, TypeError, OverflowError):
        return False


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
