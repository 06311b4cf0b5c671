"""The function end to end, over S3 in memory: from SQS's event to the messages that come back."""

import hashlib
import json
import random
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest

from data_exports.contract.causes import Cause
from data_exports.mover import handler
from data_exports.mover.handler import _log_to_stdout, handle_batch
from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Call,
    Copy,
    CopyPart,
    Failed,
    Forbidden,
    PutReceipts,
    Reply,
    RetireAll,
)
from data_exports.mover.settings import SettingsError
from data_exports.mover.wire.service import ServiceError
from tests.model.memory_s3 import HUB, MemoryStore
from tests.unit.mover.environment import ENVIRONMENT, SETTINGS
from tests.unit.mover.loopback import Played, serving
from tests.unit.mover.notifications import TEST_EVENT, message, notification

TOO_LARGE = (
    "the file has 60,000,000,000,000 bytes; S3 copies files of up to 53,687,091,200,000 bytes. Send it in several files"
)
NOT_YET = "2999-01-01T00:00:00Z"  # a time at which no test runs: an upload that is not late yet
NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


class Patient(random.Random):
    """Draws the longest waits."""

    def random(self) -> float:
        return 1.0


@dataclass
class Function:
    """A deployed mover: S3, and what it logs."""

    store: MemoryStore = field(default_factory=MemoryStore)
    seconds_left: float = 900
    lines: list[Mapping[str, object]] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    away: dict[str, int] = field(default_factory=dict)  # the wait of each receipt handle, in seconds
    trouble: list[str] = field(default_factory=list)  # what goes wrong when messages are kept away
    sent: list[str] = field(default_factory=list)  # bodies of the messages that the function sent itself
    refusal: str = ""  # why it cannot

    def send_on(self, bodies: Sequence[str]) -> None:
        self.sent += bodies
        if self.refusal:
            raise ServiceError(self.refusal)

    def delay_messages(self, seconds_by_handle: Mapping[str, int]) -> list[ServiceError]:
        self.away |= seconds_by_handle
        return [ServiceError(each) for each in self.trouble]

    def upload(self, key: str, body: bytes = b"A", **changes: Any) -> dict[str, Any]:
        """Upload, and return the notification of it."""
        self.store.memory = self.store.memory.upload(key, body)
        stored = self.store.memory.hub_key(key).versions[-1]
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return notification(key, **{"versionId": stored.version_id, "eTag": etag, **changes})

    def handle(self, *messages: dict[str, Any]) -> list[str]:
        """Hand messages over; return the ids of those that come back."""
        response = handle_batch(
            {"Records": list(messages)},
            settings=replace(SETTINGS, hub_bucket=HUB, largest_copy_bytes=100, part_bytes=60),
            store=self.store,
            seconds_left=lambda: self.seconds_left,
            log=self.lines.append,
            delay_messages=self.delay_messages,
            send_on=self.send_on,
            now=lambda: NOW,
            rng=Patient(),
        )
        assert list(response) == ["batchItemFailures"]
        assert all(list(item) == ["itemIdentifier"] for item in response["batchItemFailures"])
        return [item["itemIdentifier"] for item in response["batchItemFailures"]]

    def outcomes(self) -> list[tuple[str, str]]:
        return [(receipt["key"], receipt["outcome"]) for receipt in self.store.memory.receipts()]


def test_uploads_are_delivered_recorded_and_retired() -> None:
    function = Function()
    a, b = function.upload("orders/a", b"A"), function.upload("orders/b", b"B")
    assert function.handle(message(a, message_id="m1"), message(b, message_id="m2")) == []
    assert function.store.memory.delivered("orders/a").body == b"A"  # type: ignore[union-attr]
    assert function.store.memory.delivered("orders/b").body == b"B"  # type: ignore[union-attr]
    assert [content.current for _, content in function.store.memory.hub] == [None, None]
    assert function.outcomes() == [("orders/a", "delivered"), ("orders/b", "delivered")]
    (line,) = function.lines
    assert {name: value for name, value in line.items() if name.islower() and name != "_aws"} == (
        {
            "level": "INFO",
            "event": "batch done",
            "dataset": "orders",
            "messages": 2,
            "messages_coming_back": 0,
            "uploads": {
                "delivered": 2,
                "superseded": 0,
                "cancelled": 0,
                "unfinished": 0,
                "ignored": 0,
                "failed": 0,
                "given_up": 0,
            },
            "seconds": 0.0,
        }
    )


def test_the_receipt_says_all_that_is_known() -> None:
    function = Function()
    function.handle(message(function.upload("orders/a")))
    assert function.store.memory.receipts() == [
        {
            "dataset": "orders",
            "key": "orders/a",
            "version_id": "v1",
            "etag": "7fc56270e7a70fa81a5935b72eacbe29",
            "size_bytes": 1,
            "uploaded_by": "AWS:AROAEXAMPLE:alice@example.org",
            "uploaded_at": "2026-11-02T09:00:00.000Z",
            "outcome": "delivered",
            "reason": None,
            "cause": None,
            "delivered_at": "2026-11-02T10:00:00.000Z",
            "target_bucket": "recipient-bucket",
            "target_version_id": None,
            "target_etag": "7fc56270e7a70fa81a5935b72eacbe29",
            "destination": "s3://recipient-bucket",
            "destination_version": None,
            "destination_etag": "7fc56270e7a70fa81a5935b72eacbe29",
            "digest": None,
            "receive_count": 1,
            "message_id": "m1",
            "mover_version": "1.2.3",
            "recorded_at": "2026-11-02T10:00:00.000Z",
        }
    ]
    (key, _), *_ = function.store.memory.log
    assert key.startswith("deliveries/dataset=orders/date=2026-11-02/20261102T100000Z-")


def test_malformed_and_foreign_messages_come_back_and_the_rest_is_delivered() -> None:
    function = Function()
    messages = [
        message(body="not JSON", message_id="malformed"),
        message(function.upload("orders/a"), message_id="good"),
        message(notification("orders_private/a"), message_id="other prefix"),
        message(notification("orders/b", bucket="another-hub"), message_id="other bucket"),
        message(function.upload("orders/c", eTag=""), message_id="no etag"),
        message(body=json.dumps(TEST_EVENT), message_id="test event"),
        message(function.upload("orders/d", size=60_000_000_000_000), message_id="large"),
    ]
    assert function.handle(*messages) == ["malformed", "other prefix", "other bucket", "no etag", "large"]
    assert function.store.asked(Copy) == [Copy("orders/a", "7fc56270e7a70fa81a5935b72eacbe29")]
    assert sorted(function.outcomes()) == [
        ("", "failed"),
        ("orders/a", "delivered"),
        ("orders/b", "failed"),
        ("orders/c", "failed"),
        ("orders/d", "failed"),
        ("orders_private/a", "failed"),
    ]
    assert [(line["event"], line.get("message_id"), line.get("reason")) for line in function.lines[:5]] == [
        (
            "message not understood",
            "malformed",
            "the message is no S3 event notification: it is a text that is no JSON, and begins with 'not JSON'",
        ),
        ("delivery failed", "other prefix", "the key is outside orders/, the only prefix this mover serves"),
        ("delivery failed", "other bucket", "the event is about bucket 'another-hub'; this mover serves only 'hub'"),
        (
            "delivery failed",
            "no etag",
            "the event names no usable ETag (''); no copy could be tied to this upload",
        ),
        (
            "delivery failed",
            "large",
            TOO_LARGE,
        ),
    ]
    assert function.lines[5]["messages_coming_back"] == 5
    assert [(line["Cause"], line["Failures"], line.get("Refused")) for line in function.lines[6:]] == [
        ("bad_message", 4, 4),
        ("upload_too_large", 1, 1),
    ]
    assert {handle: function.away[handle] for handle in sorted(function.away)} == {
        "AQEB-large": 900,  # somebody has to act
        **dict.fromkeys(["AQEB-malformed", "AQEB-no etag", "AQEB-other bucket", "AQEB-other prefix"], 0),
    }


def test_a_refusal_fails_the_message_and_keeps_the_upload() -> None:
    function = Function()
    function.store.refusals[Copy] = Forbidden("the copy is refused (AccessDenied)")
    assert function.handle(message(function.upload("orders/a"))) == ["m1"]
    assert function.store.memory.hub_key("orders/a").current is not None
    assert function.outcomes() == [("orders/a", "failed")]
    assert function.lines[0] == {
        "level": "ERROR",
        "event": "delivery failed",
        "dataset": "orders",
        "message_id": "m1",
        "key": "orders/a",
        "version_id": "v1",
        "receive_count": 1,
        "outcome": "failed",
        "cause": "recipient_denied",
        "reason": "the copy is refused (AccessDenied)",
    }


CONFLICT = Failed("busy", Cause.CONFLICT)
DENIED = Forbidden("the copy is refused (AccessDenied)")
SILENCE = Failed("no answer", Cause.NO_ANSWER, under_way=True)


@pytest.mark.parametrize(
    ("refusal", "waits"),
    [
        (CONFLICT, [15, 60, 240, 960, 3840, 10800, 10800, 0]),
        (DENIED, [900, 1800, 3600, 7200, 10800, 10800, 10800, 0]),
        (SILENCE, [960, 960, 960, 960, 3840, 10800, 10800, 960]),
    ],
    ids=["passing", "permanent", "not answered"],
)
def test_a_failed_message_stays_away_longer_each_time(refusal: Reply, waits: list[int]) -> None:
    function = Function()
    event = function.upload("orders/a")
    function.store.refusals[Copy] = refusal
    seen = []
    for receive in range(1, 9):
        assert function.handle(message(event, received=str(receive))) == ["m1"]
        seen.append(function.away.pop("AQEB-m1"))
    assert seen == waits


def test_what_was_not_answered_stays_away_as_long_as_its_destination_may_still_carry_it_out() -> None:
    function = Function()
    event = function.upload("orders/a")
    function.store.refusals[Copy] = SILENCE
    function.store.capabilities = replace(CAPABILITIES, under_way_seconds=3660)
    assert function.handle(message(event)) == ["m1"]
    assert function.away == {"AQEB-m1": 3660}


def test_an_upload_that_fails_at_its_last_receive_is_given_up_with_its_reason_and_stays_in_the_hub() -> None:
    function = Function()
    function.store.refusals[Copy] = DENIED
    assert function.handle(message(function.upload("orders/a"), received="8")) == ["m1"]
    assert [(r["outcome"], r["cause"], r["reason"], r["message_id"]) for r in function.store.memory.receipts()] == [
        ("given_up", "recipient_denied", "the copy is refused (AccessDenied)", "m1")
    ]
    assert function.store.memory.hub_key("orders/a").current is not None
    assert function.lines[0]["outcome"] == "given_up"


def test_a_malformed_message_is_given_up_with_its_reason() -> None:
    function = Function()
    assert function.handle(message(body="not JSON", received="8")) == ["m1"]
    assert [(r["key"], r["outcome"], r["message_id"]) for r in function.store.memory.receipts()] == [
        ("", "given_up", "m1")
    ]
    assert function.away == {"AQEB-m1": 0}


def test_of_a_message_with_several_failures_the_soonest_to_be_cured_counts() -> None:
    function = Function()
    large, busy = function.upload("orders/a", size=60_000_000_000_000), function.upload("orders/b")
    function.store.refusals[Copy] = CONFLICT
    function.handle(message(large, busy))
    assert function.away == {"AQEB-m1": 15}


class AnswersTheFirstCopyWith(MemoryStore):
    """Does not answer the first copy as it should; whether that is carried out is told by the body of the failure."""

    failure: Failed

    def send(self, call: Call, tag: int) -> None:
        first = not self.asked(Copy)
        super().send(call, tag)
        if first and isinstance(call, Copy):
            self._answers[-1] = (tag, self.failure)


def after_a_first_failure(failure: Failed, *, received: str = "1") -> Function:
    store = AnswersTheFirstCopyWith()
    store.failure = failure
    function = Function(store)
    function.back = function.handle(message(function.upload("orders/a"), received=received))
    return function


def test_a_copy_that_fails_for_a_moment_is_tried_again_at_once() -> None:
    function = after_a_first_failure(CONFLICT)
    etag = "7fc56270e7a70fa81a5935b72eacbe29"
    assert function.store.asked(Copy) == [Copy("orders/a", etag), Copy("orders/a", etag, tries=1)]
    assert (function.back, function.away) == ([], {})
    assert function.outcomes() == [("orders/a", "delivered")]


def test_after_a_copy_that_was_never_answered_the_message_comes_back_when_it_can_no_longer_be_carried_out() -> None:
    function = after_a_first_failure(SILENCE)
    assert function.outcomes() == [("orders/a", "delivered")]
    assert function.store.memory.hub_key("orders/a").current is None
    assert (function.back, function.away) == (["m1"], {"AQEB-m1": 960})


def test_a_delivery_that_succeeds_at_its_last_receive_is_no_dead_letter() -> None:
    function = after_a_first_failure(SILENCE, received="8")
    assert (function.back, function.away) == ([], {})


def test_a_message_that_cannot_be_kept_away_comes_back_after_the_queues_own_time() -> None:
    function = Function(trouble=["no such handle"])
    assert function.handle(message(body="not JSON")) == ["m1"]
    assert (function.lines[1]["event"], function.lines[1]["reason"]) == ("messages come back late", "no such handle")


def test_a_message_of_several_uploads_comes_back_if_one_of_them_fails() -> None:
    function = Function()
    good, large = function.upload("orders/a"), function.upload("orders/b", size=60_000_000_000_000)
    assert function.handle(message(good, large)) == ["m1"]
    assert function.store.memory.delivered("orders/a") is not None


def test_a_message_half_understood_comes_back_and_its_good_half_is_delivered() -> None:
    function = Function()
    assert function.handle(message({}, function.upload("orders/a"))) == ["m1"]
    assert function.store.memory.delivered("orders/a") is not None


def test_without_receipts_every_message_comes_back_and_every_upload_stays() -> None:
    function = Function()
    function.store.refusals[PutReceipts] = Failed("no room")
    assert function.handle(message(function.upload("orders/a"))) == ["m1"]
    assert function.store.memory.hub_key("orders/a").current is not None
    assert function.store.asked(RetireAll) == []


def test_an_overtaken_upload_is_superseded_and_its_message_done() -> None:
    function = Function()
    older, newer = function.upload("orders/a", b"A"), function.upload("orders/a", b"B")
    assert function.handle(message(older)) == []
    assert function.outcomes() == [("orders/a", "superseded")]
    assert function.handle(message(newer)) == []
    assert function.store.memory.delivered("orders/a").body == b"B"  # type: ignore[union-attr]


def test_an_upload_whose_versions_were_removed_is_cancelled() -> None:
    function = Function()
    event = function.upload("orders/a")
    function.store.memory = function.store.memory.remove_versions("orders/a")
    assert function.handle(message(event)) == []
    assert (function.store.memory.delivered("orders/a"), function.outcomes()) == (None, [("orders/a", "cancelled")])


def test_the_folder_of_the_dataset_stays_and_a_folder_below_it_is_a_file() -> None:
    function = Function()
    events = [function.upload("orders/", b"", size=0), function.upload("orders/sub/", b"", size=0)]
    assert function.handle(message(*events)) == []
    assert function.store.memory.hub_key("orders/").current is not None
    assert function.outcomes() == [("orders/sub/", "delivered")]


def test_a_function_without_time_starts_no_copies() -> None:
    function = Function()
    event = function.upload("orders/a")
    left = iter([40.0, 10.0])
    response = handle_batch(
        {"Records": [message(event)]},
        settings=replace(SETTINGS, hub_bucket=HUB),
        store=function.store,
        seconds_left=lambda: next(left),
        log=function.lines.append,
    )
    assert response == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert function.store.asked(Copy) == []


@dataclass
class Hurried(MemoryStore):
    """S3 over which the function's time runs out once a part is copied."""

    function: Function | None = None

    def send(self, call: Call, tag: int) -> None:
        super().send(call, tag)
        if self.function and isinstance(call, CopyPart):
            self.function.seconds_left = 0


def test_a_large_file_goes_on_with_messages_of_its_own_and_never_fails() -> None:
    function = Function()
    event = function.upload("orders/a b+c", b"A" * 200)
    event["s3"]["object"] |= {"key": quote_plus("orders/a b+c"), "size": 200}
    body = json.dumps({"Records": [event]})
    for parts in (1, 2, 3):
        function.store, function.seconds_left = Hurried(function.store.memory, function=function), 900
        assert function.handle(message(body=body, message_id=f"m{parts}")) == []
        assert [line["event"] for line in function.lines[-2:]] == ["delivery goes on", "batch done"]
        assert function.lines[-2]["reason"] == f"{parts} of 4 parts are copied"
        body = function.sent.pop()
    function.store, function.seconds_left = MemoryStore(function.store.memory), 900
    assert function.handle(message(body=body)) == []
    delivered = function.store.memory.delivered("orders/a b+c")
    assert delivered is not None
    assert delivered.body == b"A" * 200
    (receipt,) = function.store.memory.receipts()
    told = {name: receipt[name] for name in ("key", "outcome", "uploaded_by", "uploaded_at", "receive_count")}
    assert told == {
        "key": "orders/a b+c",
        "outcome": "delivered",
        "uploaded_by": "AWS:AROAEXAMPLE:alice@example.org",
        "uploaded_at": "2026-11-02T09:00:00.000Z",
        "receive_count": 1,
    }
    assert (function.store.memory.in_parts, function.store.memory.checkpoints, function.away) == ((), (), {})


def test_a_message_that_cannot_be_sent_on_comes_back_itself() -> None:
    function = Function(refusal="SendMessageBatch on the queue failed: 403 AccessDenied")
    event = function.upload("orders/a", b"A" * 200, size=200)
    function.store = Hurried(function.store.memory, function=function)
    assert function.handle(message(event)) == ["m1"]
    assert function.lines[0]["reason"] == (
        "the message to go on with it could not be sent: SendMessageBatch on the queue failed: 403 AccessDenied"
    )
    assert function.away == {"AQEB-m1": 15}


def test_a_message_that_comes_back_anyway_is_not_sent_on_as_well() -> None:
    function = Function()
    event, refused = function.upload("orders/a", b"A" * 200, size=200), function.upload("orders/b", eTag="")
    function.store = Hurried(function.store.memory, function=function)
    assert function.handle(message(event, refused)) == ["m1"]
    assert function.sent == []


def test_a_message_of_which_something_is_given_up_does_not_come_back_so_the_rest_of_it_is_sent_on() -> None:
    function = Function()
    event, refused = function.upload("orders/a", b"A" * 200, size=200), function.upload("orders/b", eTag="")
    function.store = Hurried(function.store.memory, function=function)
    assert function.handle(message(event, refused, received="8")) == ["m1"]
    (body,) = function.sent
    assert json.loads(body)["Records"][0]["s3"]["object"]["key"] == "orders%2Fa"


def test_a_large_newer_upload_that_has_to_be_settled_is_sent_on() -> None:
    function = Function()
    older, _ = function.upload("orders/a"), function.upload("orders/a", b"A" * 200)
    assert function.handle(message(older, received="2")) == []
    assert function.outcomes() == [("orders/a", "superseded")]
    (body,) = function.sent
    assert function.handle(message(body=body)) == []
    assert sorted(function.outcomes()) == [("orders/a", "delivered"), ("orders/a", "superseded")]


def test_what_may_be_left_at_the_recipient_is_a_warning() -> None:
    function = Function()
    event = function.upload("orders/a", b"A" * 200, size=200)
    function.store = Hurried(function.store.memory, function=function)
    function.handle(message(event))
    function.upload("orders/a")
    function.store = MemoryStore(function.store.memory, refusals={AbortUpload: Forbidden("the recipient refuses")})
    function.seconds_left = 900
    assert function.handle(message(body=function.sent.pop())) == []
    assert [line["level"] for line in function.lines[-2:]] == ["WARNING", "INFO"]
    assert function.lines[-2]["reason"] == "parts of it may be left at the recipient: the recipient refuses"


class Unhurried:
    """A context of the Lambda runtime."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def fresh_process() -> Iterator[None]:
    handler._process.cache_clear()
    yield
    if handler._process.cache_info().currsize:
        handler._process()[1].close()
    handler._process.cache_clear()


@pytest.mark.usefixtures("fresh_process")
def test_the_functions_entry_point_takes_its_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Played(403, b"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>")) as server:
        variables = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-of-nobody"}
        for name, value in {**ENVIRONMENT, **variables, "AWS_ENDPOINT_URL_S3": server.url}.items():
            monkeypatch.setenv(name, value)
        event = {"Records": [message(notification(bucket="mojap-hub-exports"))]}
        assert handler.handle(event, Unhurried()) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert [asked.method for asked in server.asked] == ["PUT", "GET", "PUT"]  # the copy, the listing, the receipt
    written = capsys.readouterr().out
    assert [json.loads(line)["event"] for line in written.splitlines()] == [
        *("delivery failed", "batch done", "deliveries failed"),
    ]
    assert "secret-of-nobody" not in written


class Ends:
    """A context of a function that is stopped so many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(1000 * (self.end - time.monotonic()))


@pytest.mark.usefixtures("fresh_process")
def test_a_function_answers_though_no_service_answers_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system takes connections in; nobody ever answers
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        variables = {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret-of-nobody",
            "AWS_ENDPOINT_URL": url,
            "QUEUE_URL": f"{url}/593291632749/export_orders",
            "ALERT_TOPICS": "arn:aws:sns:eu-west-1:593291632749:exports-alerts",
        }
        for name, value in {**ENVIRONMENT, **variables}.items():
            monkeypatch.setenv(name, value)
        event = {"Records": [message(notification(bucket="mojap-hub-exports"), received="8")]}
        assert handler.handle(event, Ends(seconds=2)) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    lines = {line["event"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert "the function's time ran out before S3 answered" in lines["delivery failed"]["reason"]
    assert lines["alert not sent"]["reason"].startswith("Publish to arn:aws:sns:eu-west-1:593291632749:exports-alerts")
    assert lines["messages come back late"]["reason"].startswith("ChangeMessageVisibilityBatch on ")


@pytest.mark.usefixtures("fresh_process")
def test_a_sweep_counts_what_is_in_sight_what_is_late_and_what_it_handed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def listing(*keys: tuple[str, str]) -> Played:
        items = "".join(
            f"<Contents><Key>{key}</Key><LastModified>{time}</LastModified><ETag>e</ETag><Size>1</Size></Contents>"
            for key, time in keys
        )
        return Played(200, f"<ListBucketResult>{items}</ListBucketResult>".encode())

    answers = (
        Played(200, b'{"Attributes": {"ApproximateNumberOfMessages": "0"}}'),
        listing(),  # no notes yet
        listing(("orders/a", "2026-11-02T09:00:00Z"), ("orders/b", "2026-11-02T09:00:01Z"), ("orders/c", NOT_YET)),
        Played(200, b"", (("etag", '"e"'), ("x-amz-version-id", "v1"))),
        Played(404),  # `orders/b` was delivered meanwhile
        listing(),  # no receipts
        Played(200, b'{"Successful": [{"Id": "0"}]}'),
        Played(200),  # the notes
    )
    with serving(*answers) as server:
        variables = {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret-of-nobody",
            "AWS_ENDPOINT_URL": server.url,
            "QUEUE_URL": f"{server.url}/593291632749/export_orders",
        }
        for name, value in {**ENVIRONMENT, **variables}.items():
            monkeypatch.setenv(name, value)
        summary = {"in_sight": 3, "late": 2, "handed_over": 1, "finished": True, "skipped": ""}
        assert handler.handle({"task": "sweep"}, Unhurried()) == {"task": "sweep", **summary}
    line = json.loads(capsys.readouterr().out)
    told = {name: value for name, value in line.items() if name != "_aws"}
    counts = {"SweptInSight": 3, "SweptLate": 2, "SweptHandedOver": 1}
    plain = {"level": "INFO", "event": "sweep done", "dataset": "orders", "Dataset": "orders"}
    assert told == {**plain, **summary, **counts}
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "DataExports",
        "Dimensions": [["Dataset"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }


@pytest.mark.usefixtures("fresh_process")
def test_a_function_without_its_settings_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="DATASET is missing; HUB_BUCKET is missing"):
        handler.handle({"Records": []}, Unhurried())


def test_a_log_line_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    _log_to_stdout({"event": "delivery failed", "key": "orders/a\nb"})
    assert capsys.readouterr().out == '{"event": "delivery failed", "key": "orders/a\\nb"}\n'
