"""The Lambda function: one invocation delivers one batch of SQS messages.

In: an SQS event whose messages hold S3 ObjectCreated notifications; settings from the environment. Out: the messages
that must come back (ReportBatchItemFailures). Effects: copies to the recipient, receipts, delete markers in the hub; on
stdout one JSON line for each failure and one for the batch.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import functools
import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from .batch import Batch
from .calls import ObjectStore
from .delivery import Outcome, Rules, Upload, deliver
from .events import Message, read_messages
from .objects import S3Objects
from .probe import probe
from .receipts import Fate, receipts_file
from .settings import Settings, read_settings
from .transport import Transport

CALLS_AT_ONCE = 64
# No copy starts in this last part of the function's time (of a short time at most a quarter): one to a server that
# stays silent took awscrt 195 s to give up, all its tries together, and receipts still have to be written after it.
SECONDS_KEPT_FOR_THE_END = 225.0

Log = Callable[[Mapping[str, object]], None]


class Context(Protocol):
    """What is used of the context object that Lambda hands over."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""


def handle(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Deliver what the event's messages tell of; return the messages that failed, so that SQS sends them again.

    ``{"task": "probe"}`` instead tries what a delivery needs and returns what came of it: see `probe`.
    """
    settings, store = _process()
    if event.get("task") == "probe":
        return probe(settings, Transport(region=settings.region, endpoint_url=settings.endpoint_url, connections=1))
    return handle_batch(
        event,
        settings=settings,
        store=store,
        seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
        log=_log_to_stdout,
    )


@functools.cache
def _process() -> tuple[Settings, ObjectStore]:
    """Make what lives as long as the process: its settings and its S3 client."""
    settings = read_settings(os.environ)
    return settings, S3Objects(settings, calls_at_once=CALLS_AT_ONCE)


def handle_batch(
    event: Mapping[str, Any],
    *,
    settings: Settings,
    store: ObjectStore,
    seconds_left: Callable[[], float],
    log: Log,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> dict[str, list[dict[str, str]]]:
    """Deliver one batch, as `handle`, with everything it needs given."""
    started = now()
    kept = min(SECONDS_KEPT_FOR_THE_END, seconds_left() / 4)
    messages = read_messages(event)
    rules = Rules(settings.dataset, settings.hub_bucket, settings.keep_files, settings.largest_copy_bytes)
    uploads = [(message, upload) for message in messages for upload in message.uploads]
    outcomes = Batch(
        [deliver(upload, rules) for _, upload in uploads],
        store,
        receipts_file=lambda receipts: receipts_file(
            receipts,
            dataset=settings.dataset,
            target_bucket=settings.target_bucket,
            mover_version=settings.mover_version,
            now=now(),
            identifier=uuid.uuid4().hex,
        ),
        calls_at_once=CALLS_AT_ONCE,
        may_start_copies=lambda: seconds_left() > kept,
    ).run()
    failed = {message.message_id: None for message in messages if message.problems}
    for message in messages:
        for problem in message.problems:
            log(_line("message not understood", settings, message_id=message.message_id, reason=problem))
    for (message, upload), outcome in zip(uploads, outcomes, strict=True):
        if outcome.fate is Fate.FAILED:
            failed[message.message_id] = None
            log(_failure_line(settings, message, upload, outcome))
    counts = Counter(outcome.fate.value for outcome in outcomes)
    log(
        _line(
            "batch done",
            settings,
            level="INFO",
            messages=len(messages),
            failed_messages=len(failed),
            uploads={fate.value: counts[fate.value] for fate in Fate},
            seconds=round((now() - started).total_seconds(), 3),
        )
    )
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _failure_line(settings: Settings, message: Message, upload: Upload, outcome: Outcome) -> dict[str, object]:
    return _line(
        "delivery failed",
        settings,
        message_id=message.message_id,
        key=upload.key,
        version_id=upload.version_id,
        receive_count=upload.receive_count,
        reason=outcome.reason,
    )


def _line(event: str, settings: Settings, *, level: str = "ERROR", **facts: object) -> dict[str, object]:
    return {"level": level, "event": event, "dataset": settings.dataset, **facts}


def _log_to_stdout(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
