"""The answer is returned in time, whatever S3, SQS and SNS do: the handler's own code over a virtual clock."""

import json
import random
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from data_exports.mover.followups import FollowUps
from data_exports.mover.handler import handle_batch
from data_exports.mover.places.alerts import Alert, publish
from data_exports.mover.places.queue import Queue
from data_exports.mover.places.store import open_store
from data_exports.mover.tasks.probe import probe
from data_exports.mover.tasks.survey import Survey, SweepError, UploadInSight
from data_exports.mover.time_left import KEPT_AFTER_S3, KEPT_FOR_THE_ANSWER, TimeLeft
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.service import Service, ServiceError, Wire
from data_exports.mover.wire.signing import Credentials
from data_exports.mover.wire.transport import S3Request
from tests.unit.mover.environment import SETTINGS
from tests.unit.mover.loopback import Played, serving
from tests.unit.mover.notifications import message, notification
from tests.unit.mover.virtual_time import (
    Answered,
    Clock,
    Trouble,
    VirtualConnections,
    VirtualTransport,
    endless_white_space,
    silent,
    slow,
    unwell,
)

HUB, LOG, RECIPIENT = SETTINGS.hub_bucket, SETTINGS.log_bucket, SETTINGS.bucket.target_bucket
LARGE = replace(
    SETTINGS,
    largest_copy_bytes=100,
    part_bytes=60,
    queue_url="https://sqs.eu-west-1.amazonaws.com/593291632749/export_orders",
    alert_topics=("arn:aws:sns:eu-west-1:593291632749:exports-alerts", "arn:aws:sns:eu-west-1:593291632749:orders"),
)
TROUBLES = [silent, endless_white_space, unwell, slow]
MOST_LATE = 1.5
"""Seconds: the wait during which the time runs out, and the few calls to SQS and SNS after it."""
OPERATIONS = [
    *("CopyObject", "HeadObject", "ListObjectVersions", "DeleteObjects", "PutObject", "ListObjectsV2"),
    *("GetObjectTagging", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload", "DeleteObject"),
]


DONE = Response(
    200, {}, json.dumps({"Successful": [{"Id": str(number)} for number in range(10)], "Failed": []}).encode()
)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-nobody")


@dataclass
class Invocation:
    """One invocation of the function, and when it ended."""

    trouble: Trouble
    seconds: float = 900
    keep_files: bool = False
    services: Response | None = DONE
    """What SQS and SNS answer; None: they stay silent."""
    services_after_seconds: float = 0.02
    clock: Clock = field(default_factory=Clock)
    lines: list[Any] = field(default_factory=list)
    connections: list[VirtualConnections] = field(default_factory=list)

    def handle(self, *messages: dict[str, Any]) -> list[str]:
        self.transport = VirtualTransport(self.clock, self.trouble)
        store = open_store(
            LARGE,
            way=self.transport,
            rng=random.Random(7),
            clock=lambda: self.clock.now,
        )
        time = TimeLeft(self.seconds_left)
        store.begin(time.before(KEPT_AFTER_S3))
        follow_ups = FollowUps(LARGE, time, wire=Wire(self._connect, lambda: self.clock.now, self.clock.sleep))
        response = handle_batch(
            {"Records": list(messages)},
            settings=replace(LARGE, keep_files=self.keep_files),
            store=store,
            seconds_left=self.seconds_left,
            log=self.lines.append,
            delay_messages=follow_ups.delay_messages,
            send_alert=follow_ups.send_alert,
            send_on=follow_ups.send_on,
        )
        return [item["itemIdentifier"] for item in response["batchItemFailures"]]

    def seconds_left(self) -> float:
        return self.seconds - self.clock.now

    def _connect(self) -> Any:
        self.connections.append(VirtualConnections(self.clock, self.services, self.services_after_seconds))
        return self.connections[-1]

    def asked_of_services(self) -> list[str]:
        """The operation of each request to SQS and SNS."""
        requests = [request.decode() for each in self.connections for request in each.asked]
        return [found[1] for request in requests if (found := re.search("(?:AmazonSQS.|Action=)([A-Za-z]+)", request))]


def messages(*, received: str = "1") -> list[dict[str, Any]]:
    small = [message(notification(f"orders/{n}", bucket=HUB), message_id=f"m{n}", received=received) for n in range(3)]
    large = notification("orders/large", bucket=HUB, size=200)
    return [*small, message(large, message_id="large", received=received)]


def at_operation(operation: str, what: Callable[[S3Request], Answered]) -> Trouble:
    return lambda request: what(request) if request.operation == operation else None


def at_bucket(bucket: str, what: Callable[[S3Request], Answered]) -> Trouble:
    return lambda request: what(request) if request.bucket == bucket else None


def test_where_all_goes_well_every_file_is_delivered() -> None:
    invocation = Invocation(lambda _: None)
    assert invocation.handle(*messages()) == []
    assert invocation.clock.now < 5
    assert {request.operation for request in invocation.transport.asked} >= {"CopyObject", "UploadPartCopy"}


@pytest.mark.parametrize("seconds", [900, 240, 30])
@pytest.mark.parametrize("keep_files", [False, True])
@pytest.mark.parametrize("received", ["1", "8"])
@pytest.mark.parametrize("what", TROUBLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_answer_comes_in_time_whichever_call_is_in_trouble(
    operation: str, what: Callable[[S3Request], Answered], received: str, keep_files: bool, seconds: float
) -> None:
    invocation = Invocation(at_operation(operation, what), seconds=seconds, keep_files=keep_files)
    invocation.handle(*messages(received=received))
    kept = KEPT_AFTER_S3 * seconds / 900
    assert invocation.seconds_left() >= kept - MOST_LATE


@pytest.mark.parametrize("bucket", [HUB, LOG, RECIPIENT])
@pytest.mark.parametrize("what", TROUBLES)
@pytest.mark.parametrize("received", ["1", "2"])
def test_the_answer_comes_in_time_whichever_bucket_is_in_trouble(
    bucket: str, what: Callable[[S3Request], Answered], received: str
) -> None:
    invocation = Invocation(at_bucket(bucket, what))
    invocation.handle(*messages(received=received))
    assert invocation.seconds_left() >= KEPT_AFTER_S3 - MOST_LATE


def refused(_: S3Request) -> Answered:
    return Answered(Response(404, {}, b"<Error><Code>NoSuchBucket</Code></Error>"))


@pytest.mark.parametrize("seconds", [900, 240])
@pytest.mark.parametrize(
    ("services", "after_seconds"),
    [(None, 0), (DONE, 9.9), (Response(500, {}, b""), 9.9), (Response(503, {}, b""), 0.1)],
)
@pytest.mark.parametrize("trouble", [refused, silent])
def test_the_answer_comes_in_time_though_sqs_and_sns_are_in_trouble_too(
    services: Response | None, after_seconds: float, trouble: Callable[[S3Request], Answered], seconds: float
) -> None:
    """Three hundred messages are given up: thirty calls to SQS, and two to SNS."""
    invocation = Invocation(
        at_operation("CopyObject", trouble), seconds, services=services, services_after_seconds=after_seconds
    )
    many = [message(notification(f"orders/{n}", bucket=HUB), message_id=f"m{n}", received="8") for n in range(300)]
    assert len(invocation.handle(*many)) == 300
    assert {"Publish", "ChangeMessageVisibilityBatch"} <= set(invocation.asked_of_services())
    assert invocation.seconds_left() >= KEPT_FOR_THE_ANSWER * seconds / 900 - 1
    assert {line["event"] for line in invocation.lines} >= {"messages come back late", "batch done"}


@pytest.mark.parametrize("services", [None, DONE])
def test_a_large_file_whose_time_runs_out_goes_on_or_comes_back_in_time(services: Response | None) -> None:
    """Its parts are slow, so that not all of them are copied."""

    def slow_parts(request: S3Request) -> Answered | None:
        return Answered(slow(request).response, 110) if request.operation == "UploadPartCopy" else None

    invocation = Invocation(slow_parts, services=services)
    event = message(notification("orders/large", bucket=HUB, size=60 * 32 * 12), message_id="large")
    assert invocation.handle(event) == ([] if services else ["large"])
    assert invocation.asked_of_services()[0] == "SendMessageBatch"
    assert invocation.seconds_left() >= KEPT_FOR_THE_ANSWER - 1


@pytest.mark.parametrize("bucket", [HUB, LOG, RECIPIENT])
def test_files_that_were_not_seen_through_come_back(bucket: str) -> None:
    invocation = Invocation(at_bucket(bucket, silent))
    assert set(invocation.handle(*messages())) == {"m0", "m1", "m2", "large"}


def test_a_log_bucket_that_falls_silent_late_is_not_waited_for_twice() -> None:
    """Each copy answers late, so that receipts are first written when little is left, to a bucket that is silent."""

    def late(request: S3Request) -> Answered | None:
        if request.bucket == LOG:
            return silent(request)
        return Answered(slow(request).response, 29) if request.operation == "CopyObject" else None

    many = [message(notification(f"orders/{n}", bucket=HUB), message_id=f"m{n}") for n in range(64 * 23)]
    invocation = Invocation(late)
    assert len(invocation.handle(*many)) == len(many)
    assert invocation.seconds_left() >= KEPT_FOR_THE_ANSWER


def test_the_next_invocation_hears_nothing_of_what_the_last_one_gave_up() -> None:
    clock = Clock()
    transport = VirtualTransport(clock, silent)
    store = open_store(LARGE, way=transport, clock=lambda: clock.now)
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
def test_a_sweep_ends_in_time_though_s3_is_in_trouble(what: Callable[[S3Request], Answered]) -> None:
    clock = Clock()
    transport = VirtualTransport(clock, what)
    survey = Survey(SETTINGS, transport, seconds_left=lambda: 100 - clock.now, rng=random.Random(7))
    uploads = [UploadInSight(f"orders/{n}", "e", 1, "2026-11-02T09:00:00.000Z") for n in range(1000)]
    with suppress(SweepError):
        list(survey.with_versions(uploads))
    assert clock.now <= 101


@pytest.mark.parametrize("what", TROUBLES)
def test_a_probe_ends_in_time_and_says_what_it_could_not_try(what: Callable[[S3Request], Answered]) -> None:
    clock = Clock()
    answer = probe(SETTINGS, VirtualTransport(clock, what), seconds_left=lambda: 40 - clock.now)
    assert clock.now <= 41
    assert "unknown" in {each.verdict for each in answer.tries}


def test_a_service_is_not_asked_when_no_time_is_left() -> None:
    credentials = Credentials("AKIDEXAMPLE", "secret-of-nobody")
    with serving(Played(200)) as server:
        service = Service(server.url, name="any", region="eu-west-1", credentials=credentials, seconds_left=lambda: 0)
        queue = Queue(server.url, service)
        out_of_time = "the function's time ran out before it was asked"
        with pytest.raises(ServiceError, match=f"^SendMessageBatch on {server.url} failed: {out_of_time}$"):
            queue.send(["body"])
        told = publish(Alert("subject", "text"), ["arn:1", "arn:2"], service)
    assert [str(problem) for problem in told] == [f"Publish to arn:{number} failed: {out_of_time}" for number in (1, 2)]
    assert server.asked == []


def test_each_kind_of_work_ends_before_what_follows_it_and_a_short_time_is_shared_out_alike() -> None:
    for seconds in (900.0, 90.0):
        time = TimeLeft(lambda: seconds)  # noqa: B023 read at once
        assert time.before(KEPT_FOR_THE_ANSWER)() == pytest.approx(seconds * (1 - KEPT_FOR_THE_ANSWER / 900))
