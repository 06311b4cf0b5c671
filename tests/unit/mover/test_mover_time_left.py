"""The answer is returned in time, whatever S3, SQS and SNS do: the handler's own code over a virtual clock."""

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from data_exports.mover.alerts import Alert, publish
from data_exports.mover.handler import handle_batch
from data_exports.mover.objects import S3Objects
from data_exports.mover.probe import probe
from data_exports.mover.queue import Queue
from data_exports.mover.signing import Credentials
from data_exports.mover.survey import Survey, SweepError, Waiting
from data_exports.mover.time_left import KEPT_AFTER_S3, KEPT_FOR_THE_ANSWER, TimeLeft
from data_exports.mover.transport import Exchange
from tests.unit.mover.loopback import Played, serving
from tests.unit.mover.notifications import message, notification
from tests.unit.mover.test_mover_settings import SETTINGS
from tests.unit.mover.virtual_time import (
    Answered,
    Clock,
    Trouble,
    VirtualTransport,
    endless_white_space,
    silent,
    slow,
    unwell,
)

HUB, LOG, RECIPIENT = SETTINGS.hub_bucket, SETTINGS.log_bucket, SETTINGS.target_bucket
LARGE = replace(SETTINGS, largest_copy_bytes=100, part_bytes=60)
TROUBLES = [silent, endless_white_space, unwell, slow]
OPERATIONS = [
    *("CopyObject", "HeadObject", "ListObjectVersions", "DeleteObjects", "PutObject", "ListObjectsV2"),
    *("GetObjectTagging", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload", "DeleteObject"),
]


@dataclass
class Invocation:
    """One invocation of the function, and when it ended."""

    trouble: Trouble
    seconds: float = 900
    keep_files: bool = False
    clock: Clock = field(default_factory=Clock)

    def handle(self, *messages: dict[str, Any]) -> list[str]:
        self.transport = VirtualTransport(self.clock, self.trouble)
        store = S3Objects(
            LARGE,
            calls_at_once=64,
            transport=self.transport,  # type: ignore[arg-type]
            draw=random.Random(7),
            clock=lambda: self.clock.now,
        )
        time = TimeLeft(self.seconds_left)
        store.begin(time.before(KEPT_AFTER_S3))
        response = handle_batch(
            {"Records": list(messages)},
            settings=replace(LARGE, keep_files=self.keep_files),
            store=store,
            seconds_left=self.seconds_left,
            log=lambda _: None,
            send_on=lambda _: "",
        )
        return [item["itemIdentifier"] for item in response["batchItemFailures"]]

    def seconds_left(self) -> float:
        return self.seconds - self.clock.now


def messages(*, received: str = "1") -> list[dict[str, Any]]:
    small = [message(notification(f"orders/{n}", bucket=HUB), message_id=f"m{n}", received=received) for n in range(3)]
    large = notification("orders/large", bucket=HUB, size=200)
    return [*small, message(large, message_id="large", received=received)]


def at_operation(operation: str, what: Callable[[Exchange], Answered]) -> Trouble:
    return lambda exchange: what(exchange) if exchange.operation == operation else None


def at_bucket(bucket: str, what: Callable[[Exchange], Answered]) -> Trouble:
    return lambda exchange: what(exchange) if exchange.bucket == bucket else None


def test_where_all_goes_well_every_file_is_delivered() -> None:
    invocation = Invocation(lambda _: None)
    assert invocation.handle(*messages()) == []
    assert invocation.clock.now < 5
    assert {exchange.operation for exchange in invocation.transport.asked} >= {"CopyObject", "UploadPartCopy"}


@pytest.mark.parametrize("seconds", [900, 240, 30])
@pytest.mark.parametrize("keep_files", [False, True])
@pytest.mark.parametrize("received", ["1", "8"])
@pytest.mark.parametrize("what", TROUBLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_answer_comes_in_time_whichever_call_is_in_trouble(
    operation: str, what: Callable[[Exchange], Answered], received: str, keep_files: bool, seconds: float
) -> None:
    invocation = Invocation(at_operation(operation, what), seconds=seconds, keep_files=keep_files)
    invocation.handle(*messages(received=received))
    kept = KEPT_AFTER_S3 * seconds / 900
    assert invocation.seconds_left() >= min(kept, seconds) - 1


@pytest.mark.parametrize("bucket", [HUB, LOG, RECIPIENT])
@pytest.mark.parametrize("what", TROUBLES)
@pytest.mark.parametrize("received", ["1", "2"])
def test_the_answer_comes_in_time_whichever_bucket_is_in_trouble(
    bucket: str, what: Callable[[Exchange], Answered], received: str
) -> None:
    invocation = Invocation(at_bucket(bucket, what))
    invocation.handle(*messages(received=received))
    assert invocation.seconds_left() >= KEPT_AFTER_S3 - 1


@pytest.mark.parametrize("bucket", [HUB, LOG, RECIPIENT])
def test_files_that_were_not_seen_through_come_back(bucket: str) -> None:
    invocation = Invocation(at_bucket(bucket, silent))
    assert set(invocation.handle(*messages())) == {"m0", "m1", "m2", "large"}


def test_a_log_bucket_that_falls_silent_late_is_not_waited_for_twice() -> None:
    """Each copy answers late, so that receipts are first written when little is left, to a bucket that is silent."""

    def late(exchange: Exchange) -> Answered | None:
        if exchange.bucket == LOG:
            return silent(exchange)
        return Answered(slow(exchange).response, 29) if exchange.operation == "CopyObject" else None

    many = [message(notification(f"orders/{n}", bucket=HUB), message_id=f"m{n}") for n in range(64 * 23)]
    invocation = Invocation(late)
    assert len(invocation.handle(*many)) == len(many)
    assert invocation.seconds_left() >= KEPT_AFTER_S3 - 1


def test_the_next_invocation_hears_nothing_of_what_the_last_one_gave_up() -> None:
    clock = Clock()
    transport = VirtualTransport(clock, silent)
    store = S3Objects(LARGE, calls_at_once=64, transport=transport, clock=lambda: clock.now)  # type: ignore[arg-type]
    for began in (0.0, 900.0):
        clock.now = began
        if began:
            transport.trouble = lambda _: None
        ends = began + 900
        store.begin(lambda ends=ends: ends - KEPT_AFTER_S3 - clock.now)  # type: ignore[misc]
        back = handle_batch(
            {"Records": [message(notification("orders/0", bucket=HUB))]},
            settings=LARGE,
            store=store,
            seconds_left=lambda ends=ends: ends - clock.now,  # type: ignore[misc]
            log=lambda _: None,
        )
        assert len(back["batchItemFailures"]) == (0 if began else 1)
    assert clock.now < 905


@pytest.mark.parametrize("what", TROUBLES)
def test_a_sweep_ends_in_time_though_s3_is_in_trouble(what: Callable[[Exchange], Answered]) -> None:
    clock = Clock()
    transport = VirtualTransport(clock, what)
    survey = Survey(SETTINGS, transport, seconds_left=lambda: 100 - clock.now, draw=random.Random(7))
    uploads = [Waiting(f"orders/{n}", "e", 1, "2026-11-02T09:00:00.000Z") for n in range(1000)]
    with suppress(SweepError):
        list(survey.with_versions(uploads))
    assert clock.now <= 101


@pytest.mark.parametrize("what", TROUBLES)
def test_a_probe_ends_in_time_and_says_what_it_could_not_try(what: Callable[[Exchange], Answered]) -> None:
    clock = Clock()
    facts = probe(SETTINGS, VirtualTransport(clock, what), seconds_left=lambda: 40 - clock.now)
    assert clock.now <= 41
    assert "unknown" in {each["verdict"] for each in facts["tries"]}


def test_a_service_is_not_asked_when_no_time_is_left() -> None:
    credentials = Credentials("AKIDEXAMPLE", "secret-of-nobody")
    with serving(Played(200)) as server:
        queue = Queue(server.url, region="eu-west-1", credentials=credentials, seconds_left=lambda: 0)
        out_of_time = "the function's time ran out before it was asked"
        assert queue.send(["body"]) == f"SendMessageBatch on {server.url} failed: {out_of_time}"
        told = publish(
            Alert("subject", "text"),
            ["arn:1", "arn:2"],
            url=server.url,
            region="eu-west-1",
            credentials=credentials,
            seconds_left=lambda: 0,
        )
    assert told == [f"Publish to arn:{number} failed: {out_of_time}" for number in (1, 2)]
    assert server.asked == []


def test_each_kind_of_work_ends_before_what_follows_it_and_a_short_time_is_shared_out_alike() -> None:
    for seconds in (900.0, 90.0):
        time = TimeLeft(lambda: seconds)  # noqa: B023 read at once
        assert time.before(KEPT_FOR_THE_ANSWER)() == pytest.approx(seconds * (1 - KEPT_FOR_THE_ANSWER / 900))
