"""The Lambda function: one invocation delivers one batch of SQS messages.

In: an SQS event whose messages hold S3 ObjectCreated notifications; settings from the environment. Out: the messages
that must come back (ReportBatchItemFailures). Effects: copies to the recipient, receipts, delete markers in the hub;
when something fails, how long its message stays away, and an alert of what is given up; on stdout one JSON line for
each failure and one for the batch.

A large file whose copy is not finished when the time runs out goes on with a new message that the function sends to its
own queue, before the old one is done. Were the old one to come back instead, SQS would count it as one more receive,
and make a dead letter of a file that is on its way.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import functools
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome, Receipt, receipts_file
from data_exports.contract.tasks import Task, task_in
from data_exports.contract.timing import wait_seconds
from data_exports.mover.batch import Batch
from data_exports.mover.events import Message, body_to_go_on, read_messages
from data_exports.mover.followups import FollowUps
from data_exports.mover.metrics import batch_metrics, with_metrics
from data_exports.mover.places.alerts import Alert, GivenUp, alert_of
from data_exports.mover.places.store import Store, open_store
from data_exports.mover.rules.protocol import ObjectStore
from data_exports.mover.rules.together import deliver_together, refuse
from data_exports.mover.rules.uploads import DeliveryResult, Rules
from data_exports.mover.settings import Settings, read_settings
from data_exports.mover.time_left import (
    KEPT_AFTER_COPIES,
    KEPT_AFTER_S3,
    KEPT_FOR_THE_ANSWER,
    SecondsLeft,
    TimeLeft,
)
from data_exports.mover.wire.service import SendOn, ServiceError
from data_exports.mover.wire.transport import Transport

if TYPE_CHECKING:
    from data_exports.mover.tasks.survey import Survey

Log = Callable[[Mapping[str, object]], None]
DelayMessages = Callable[[Mapping[str, int]], Sequence[ServiceError]]  # seconds by receipt handle
SendAlert = Callable[[Alert], Sequence[ServiceError]]
BatchResponse = dict[str, list[dict[str, str]]]

_FAILED = (Outcome.FAILED, Outcome.GIVEN_UP)


class Context(Protocol):
    """What is used of the context object that Lambda hands over."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""


def handle(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Deliver what the event's messages tell of; return the messages that failed, so that SQS sends them again.

    ``{"task": "sweep"}`` instead hands over the uploads whose event never came: see `sweep`. ``{"task": "probe"}``
    tries what a delivery needs and returns what came of it: see `probe`.
    """
    settings, store = _process()

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    time = TimeLeft(seconds_left)
    task = task_in(event)
    if task is Task.SWEEP:
        return _sweep(settings, time)
    if task is Task.PROBE:
        from data_exports.mover.tasks.probe import probe  # an idle function starts sooner without it

        with closing(Transport(region=settings.region, endpoint_url=settings.endpoint_url, connections=1)) as transport:
            return probe(settings, transport, seconds_left=time.before(KEPT_FOR_THE_ANSWER)).encode()
    store.begin(time.before(KEPT_AFTER_S3))
    follow_ups = FollowUps(settings, time)
    try:
        return handle_batch(
            event,
            settings=settings,
            store=store,
            seconds_left=seconds_left,
            log=_log_to_stdout,
            delay_messages=follow_ups.delay_messages,
            send_alert=follow_ups.send_alert,
            send_on=follow_ups.send_on,
        )
    finally:
        store.close_idle()


def _no_queue(_: Sequence[str]) -> None:
    raise ServiceError("there is no queue")


@functools.cache
def _process() -> tuple[Settings, Store]:
    """Make what lives as long as the process: its settings and its S3 client."""
    settings = read_settings(os.environ)
    return settings, open_store(settings)


def _sweep(settings: Settings, time: TimeLeft) -> dict[str, Any]:
    from data_exports.mover.places.queue import open_queue
    from data_exports.mover.tasks.survey import REQUESTS_AT_ONCE, Survey
    from data_exports.mover.tasks.sweep import sweep

    left = time.before(KEPT_FOR_THE_ANSWER)
    transport = Transport(region=settings.region, endpoint_url=settings.endpoint_url, connections=REQUESTS_AT_ONCE)
    with closing(transport), open_queue(settings, seconds_left=left) as queue:
        survey, waiting, now = Survey(settings, transport, seconds_left=left), queue.waiting(), datetime.now(UTC)
        if settings.receipts_days:
            _keep_card(settings, survey, now)
        summary = sweep(settings, survey, waiting=waiting, send=queue.send, seconds_left=left, now=now)
    counts = {"SweptInSight": summary.in_sight, "SweptLate": summary.late, "SweptHandedOver": summary.handed_over}
    metrics = {name: ("Count", count) for name, count in counts.items()}
    _log_to_stdout(with_metrics(_line("sweep done", settings, level="INFO", **asdict(summary)), metrics, now=now))
    return summary.encode()


def _keep_card(settings: Settings, survey: "Survey", now: datetime) -> None:
    """Keep the dataset's card from being deleted with the receipts beside it; what fails, the next hour tries again."""
    from data_exports.mover.tasks.survey import SweepError

    try:
        survey.renew_card(now - timedelta(days=settings.receipts_days or 0) / 2)
    except SweepError as error:
        _log_to_stdout(_line("card not renewed", settings, reason=str(error)))


def handle_batch(
    event: Mapping[str, Any],
    *,
    settings: Settings,
    store: ObjectStore,
    seconds_left: SecondsLeft,
    log: Log,
    delay_messages: DelayMessages = lambda _: [],
    send_alert: SendAlert = lambda _: [],
    send_on: SendOn = _no_queue,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    rng: random.Random | None = None,
) -> BatchResponse:
    """Deliver one batch, as `handle`, with everything it needs given. `rng` gives the jitter of the waits."""
    started = now()
    messages = read_messages(event)
    recorded: list[Receipt] = []
    results = _deliver(messages, settings=settings, store=store, seconds_left=seconds_left, recorded=recorded, now=now)
    rng = rng or random.Random()  # noqa: S311 it keeps no secret
    results = [_sent_on(ends, send_on) for ends in results]
    _report_failures(messages, results, settings=settings, log=log, send_alert=send_alert)
    late = store.capabilities.under_way_seconds
    pairs = zip(messages, results, strict=True)
    waits = [_seconds_away(*each, settings=settings, under_way_seconds=late, rng=rng) for each in pairs]
    away = [(message, seconds) for message, seconds in zip(messages, waits, strict=True) if seconds is not None]
    if away:
        for problem in delay_messages({message.receipt_handle: seconds for message, seconds in away}):
            log(_line("messages come back late", settings, reason=str(problem)))
    flat = [result for ends in results for result in ends]
    counts = Counter(result.outcome.value for result in flat)
    done = _line(
        "batch done",
        settings,
        level="INFO",
        messages=len(messages),
        messages_coming_back=len(away),
        uploads={outcome.value: counts[outcome.value] for outcome in Outcome},
        seconds=round((now() - started).total_seconds(), 3),
    )
    for line in batch_metrics(done, recorded, flat, now=now()):
        log(line)
    return {"batchItemFailures": [{"itemIdentifier": message.message_id} for message, _ in away]}


def _report_failures(
    messages: Sequence[Message],
    results: Sequence[Sequence[DeliveryResult]],
    *,
    settings: Settings,
    log: Log,
    send_alert: SendAlert,
) -> None:
    """Log each failure, and tell people of what was given up."""
    given_up: list[GivenUp] = []
    for message, ends in zip(messages, results, strict=True):
        for result, facts in zip(ends, _facts(message), strict=True):
            if result.reason:
                log(_result_line(settings, message, result, facts))
            if result.outcome is Outcome.GIVEN_UP:
                key = str(facts.get("key", ""))
                given_up.append(GivenUp(key, result.reason, result.cause, message.message_id))
    if given_up:
        for problem in send_alert(alert_of(settings.dataset, given_up)):
            log(_line("alert not sent", settings, reason=str(problem)))


def _deliver(
    messages: Sequence[Message],
    *,
    settings: Settings,
    store: ObjectStore,
    seconds_left: SecondsLeft,
    recorded: list[Receipt],
    now: Callable[[], datetime],
) -> list[list[DeliveryResult]]:
    """Deliver what the messages tell of. Return for each message the results of its uploads, then of its problems.

    The receipts of all that go into `recorded`.
    """
    left_for_copies = TimeLeft(seconds_left).before(KEPT_AFTER_COPIES)
    rules = Rules(
        settings.dataset,
        settings.hub_bucket,
        settings.keep_files,
        settings.largest_copy_bytes,
        store.capabilities,
        settings.most_receives,
        settings.part_bytes,
        settings.destination.name_in_checkpoints,
    )
    deliveries, follows = deliver_together([upload for message in messages for upload in message.uploads], rules)
    refusals = [
        refuse(problem, rules, message_id=message.message_id, receive_count=message.receive_count)
        for message in messages
        for problem in message.problems
    ]

    def file_of(receipts: Sequence[Receipt]) -> tuple[str, bytes]:
        recorded.extend(receipts)
        return receipts_file(
            receipts,
            dataset=settings.dataset,
            destination=settings.destination.uri,
            mover_version=settings.mover_version,
            now=now(),
            identifier=os.urandom(16).hex(),
        )

    results = Batch(
        [*deliveries, *refusals],
        store,
        follows=follows,
        receipts_file=file_of,
        may_start_copies=lambda: left_for_copies() > 0,
    ).run()
    of_uploads, of_problems = iter(results[: len(deliveries)]), iter(results[len(deliveries) :])
    return [
        [*islice(of_uploads, len(message.uploads)), *islice(of_problems, len(message.problems))] for message in messages
    ]


def _sent_on(results: list[DeliveryResult], send_on: SendOn) -> list[DeliveryResult]:
    """Send what another run goes on with, unless its message comes back anyway. What cannot be sent has failed.

    A message of which something is given up does not come back.
    """
    rest = [result.continuation for result in results if result.continuation]
    if not rest or any(result.outcome is Outcome.FAILED for result in results):
        return results
    try:
        send_on([body_to_go_on(upload) for upload in rest])
    except ServiceError as error:
        reason = f"the message to go on with it could not be sent: {error}"
        failed = DeliveryResult(Outcome.FAILED, reason, Cause.UNWELL)
        return [failed if result.continuation else result for result in results]
    return results


def _seconds_away(
    message: Message,
    results: Sequence[DeliveryResult],
    *,
    settings: Settings,
    under_way_seconds: int,
    rng: random.Random,
) -> int | None:
    """How long the message stays away until it is received again; None if it is done.

    At its last receive there is no other: then its next turn makes it a dead letter, or, if nothing failed, it is done.
    """
    failed = [result for result in results if result.outcome in _FAILED]
    under_way = any(result.under_way for result in results)
    count = message.receive_count or 1
    last = count >= settings.most_receives
    if not failed and (last or not under_way):
        return None
    longest = settings.longest_wait_seconds
    causes = () if last else (result.cause or Cause.FAULT for result in failed)
    waits = [wait_seconds(cause, count, longest_seconds=longest, rng=rng) for cause in causes]
    return max(min(waits, default=0), min(under_way_seconds, longest) if under_way else 0)


def _facts(message: Message) -> list[dict[str, object]]:
    """What is known of each thing that a message tells of, in the order of its results."""
    uploads: list[dict[str, object]] = [
        {"key": upload.key, "version_id": upload.version_id} for upload in message.uploads
    ]
    return uploads + [{} for _ in message.problems]


def _result_line(
    settings: Settings, message: Message, result: DeliveryResult, facts: dict[str, object]
) -> dict[str, object]:
    """The line of a failure, or a note of what goes on or is left behind."""
    about: dict[str, Any] = {"message_id": message.message_id, "outcome": result.outcome.value, **facts}
    about["reason"] = result.reason
    if result.outcome in _FAILED:
        event = "delivery failed" if facts else "message not understood"
        return _line(event, settings, receive_count=message.receive_count, cause=result.cause, **about)
    if result.outcome is Outcome.UNFINISHED:
        return _line("delivery goes on", settings, level="INFO", **about)
    return _line("something is left behind", settings, level="WARNING", **about)


def _line(event: str, settings: Settings, *, level: str = "ERROR", **facts: object) -> dict[str, object]:
    return {"level": level, "event": event, "dataset": settings.dataset, **facts}


def _log_to_stdout(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
