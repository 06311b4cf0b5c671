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

from data_exports.contract.tasks import Task
from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.uploads import Upload

# A redriven message is a new message to SQS: its count starts again, though an earlier try may have written and died.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
# S3 sends its events within seconds; whatever was enqueued later than this may have been redriven.
LONGEST_FIRST_WAY_SECONDS = 30
_LONGEST_PROBLEM = 400  # characters


@dataclass(frozen=True, slots=True)
class Message:
    """One SQS message: what it asks to deliver, and what could not be read of it."""

    message_id: str
    uploads: tuple[Upload, ...]
    problems: tuple[str, ...]
    receipt_handle: str
    receive_count: int | None


def read_messages(event: Mapping[str, Any]) -> list[Message]:
    """Read every message of an invocation's event. Raises ValueError if it does not come from SQS."""
    records = event.get("Records")
    if not isinstance(records, list):
        raise ValueError(  # noqa: TRY004 an event is a value from outside
            f"the function is invoked by its queue, or with {' or '.join(task.request for task in Task)}"
        )
    return [_read_message(record) for record in records]


def body_to_go_on(upload: Upload) -> str:
    """Write the message for an upload that another run goes on with: marked as not the first."""
    return event_body_of(upload, eventName="ObjectCreated:Continued", continued=True)


def event_body_of(upload: Upload, *, safe: str = "", **marks: object) -> str:
    """Write a message of an upload as S3 does, with these marks on its event."""
    entry = {"key": quote_plus(upload.key, safe=safe), "versionId": upload.version_id, "eTag": upload.etag}
    if upload.sequencer is not None:
        entry["sequencer"] = upload.sequencer
    notification = {
        **marks,
        "eventTime": upload.uploaded_at,
        **({"userIdentity": {"principalId": upload.uploaded_by}} if upload.uploaded_by else {}),
        "s3": {"bucket": {"name": upload.bucket}, "object": {**entry, "size": upload.size_bytes}},
    }
    return json.dumps({"Records": [notification]})


def _read_message(record: Mapping[str, Any]) -> Message:
    uploads: list[Upload] = []
    problems: list[str] = []
    try:
        notifications = _notifications(record.get("body"))
    except ValueError as error:
        notifications, problems = [], [f"the message is no S3 event notification: {_short(error)}"]
    for number, notification in enumerate(notifications, start=1):
        try:
            uploads.append(_read_upload(notification, record))
        except ValueError as error:
            problems.append(f"record {number} of the message is no S3 upload event: {_short(error)}")
    return Message(
        record["messageId"], tuple(uploads), tuple(problems), record.get("receiptHandle", ""), _receive_count(record)
    )


def _notifications(body: object) -> list[Any]:
    """The events in a message. Raises ValueError that says what the message is instead."""
    try:
        content = json.loads(str(body))
    except (ValueError, RecursionError):
        raise ValueError(f"it is a text that is no JSON, and begins with {str(body)[:60]!r}") from None
    if isinstance(content, dict) and content.get("Event") == "s3:TestEvent":
        return []  # S3 sends one whenever the notification rules are set
    records = content.get("Records") if isinstance(content, dict) else None
    if isinstance(records, list) and records:
        return records
    raise ValueError(_stranger_in(content))


def _stranger_in(content: object) -> str:
    """What a message is that holds no S3 events. Wrapped events are not unwrapped: S3 itself has to send them here.

    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    """
    if not isinstance(content, dict):
        return f"it is JSON, but {type(content).__name__} where an object is expected"
    if content.get("Type") in ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return f"it is a message of the SNS topic {content.get('TopicArn')!r}; S3 has to notify the queue itself"
    if "detail-type" in content:
        source = f"{content.get('detail-type')!r} from {content.get('source')!r}"
        return f"it is an EventBridge event ({source}); S3 has to notify the queue itself"
    if "Records" in content:
        return "its Records are not a list of events"
    return f"it is a JSON object without Records; it has {', '.join(sorted(content)[:5]) or 'nothing'}"


def _read_upload(notification: object, record: Mapping[str, Any]) -> Upload:
    """Read one event. Raises ValueError that names the field which is missing or wrong."""
    name = _text_at(notification, "eventName")
    if not name.startswith("ObjectCreated:"):
        raise ValueError(f"its eventName is {name!r}")
    size = _at(notification, "s3", "object", "size")
    uploaded_at, swept_at = _text_or_none(_at(notification, "eventTime")), _at(notification, "sweptAt")
    count = _receive_count(record)
    key = unquote_plus(_text_at(notification, "s3", "object", "key"), errors="strict")
    key.encode()  # half a surrogate pair is no character, and no key holds one
    came_straight = count == 1 and _at(notification, "continued") is None
    return Upload(
        bucket=_text_at(notification, "s3", "bucket", "name"),
        key=key,
        # None is named while versioning is not on.
        version_id=_text_at(notification, "s3", "object", "versionId", default=NULL),
        etag=_text_at(notification, "s3", "object", "eTag", default="").strip('"'),
        size_bytes=None if size is None else _whole_number(size),
        uploaded_by=_text_or_none(_at(notification, "userIdentity", "principalId")),
        uploaded_at=uploaded_at,
        receive_count=count,
        received_before=not came_straight or not _came_straight(swept_at or uploaded_at, record),
        swept=swept_at is not None,
        message_id=record["messageId"],
        sequencer=_text_or_none(_at(notification, "s3", "object", "sequencer")),
    )


def _receive_count(record: Mapping[str, Any]) -> int | None:
    try:
        return int(record["attributes"]["ApproximateReceiveCount"])
    except (ValueError, KeyError, TypeError):
        return None


def _came_straight(sent_at: object, record: Mapping[str, Any]) -> bool:
    """Tell whether the message was enqueued so soon after the upload or the sweep that it cannot have been redriven."""
    try:
        sent = datetime.fromisoformat(str(sent_at))
        enqueued = datetime.fromtimestamp(int(record["attributes"]["SentTimestamp"]) / 1000, tz=UTC)
        return abs((enqueued - sent).total_seconds()) <= LONGEST_FIRST_WAY_SECONDS
    except (ValueError, KeyError, TypeError, OverflowError):
        return False


def _at(content: object, *path: str) -> object:
    """What stands there; None if nothing does, or what is around it is no object."""
    for name in path:
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _text_at(content: object, *path: str, default: str | None = None) -> str:
    value = _at(content, *path) or default
    if not isinstance(value, str):
        problem = "missing" if value is None else f"{value!r}, which is no text"
        raise ValueError(f"its {'.'.join(path)} is {problem}")  # noqa: TRY004 a value from outside
    return value


def _whole_number(value: Any) -> int:
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"its size is {value!r}, which is no number of bytes") from None


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _short(error: Exception) -> str:
    return str(error)[:_LONGEST_PROBLEM]
