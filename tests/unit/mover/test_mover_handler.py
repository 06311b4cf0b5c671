"""The function end to end, over S3 in memory: from SQS's event to the messages that come back."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from data_exports.mover import handler
from data_exports.mover.calls import Copy, Failure, Forbidden, RetireAll
from data_exports.mover.handler import _log_to_stdout, handle_batch
from data_exports.mover.receipts import PutReceipts
from data_exports.mover.settings import SettingsError
from tests.model.memory_s3 import HUB, MemoryStore
from tests.unit.mover.loopback import Played, serving
from tests.unit.mover.notifications import TEST_EVENT, message, notification
from tests.unit.mover.test_mover_settings import ENVIRONMENT, SETTINGS

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


@dataclass
class Function:
    """A deployed mover: S3, and what it logs."""

    store: MemoryStore = field(default_factory=MemoryStore)
    seconds_left: float = 900
    lines: list[Mapping[str, object]] = field(default_factory=list)

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
            settings=replace(SETTINGS, hub_bucket=HUB, target_bucket="recipient-bucket"),
            store=self.store,
            seconds_left=lambda: self.seconds_left,
            log=self.lines.append,
            now=lambda: NOW,
        )
        assert list(response) == ["batchItemFailures"]
        assert all(list(item) == ["itemIdentifier"] for item in response["batchItemFailures"])
        return [item["itemIdentifier"] for item in response["batchItemFailures"]]

    def fates(self) -> list[tuple[str, str]]:
        return [(receipt["key"], receipt["outcome"]) for receipt in self.store.memory.receipts()]


def test_uploads_are_delivered_recorded_and_retired() -> None:
    function = Function()
    a, b = function.upload("orders/a", b"A"), function.upload("orders/b", b"B")
    assert function.handle(message(a, message_id="m1"), message(b, message_id="m2")) == []
    assert function.store.memory.delivered("orders/a").body == b"A"  # type: ignore[union-attr]
    assert function.store.memory.delivered("orders/b").body == b"B"  # type: ignore[union-attr]
    assert [content.current for _, content in function.store.memory.hub] == [None, None]
    assert function.fates() == [("orders/a", "delivered"), ("orders/b", "delivered")]
    assert function.lines == [
        {
            "level": "INFO",
            "event": "batch done",
            "dataset": "orders",
            "messages": 2,
            "failed_messages": 0,
            "uploads": {"delivered": 2, "superseded": 0, "cancelled": 0, "ignored": 0, "failed": 0},
            "seconds": 0.0,
        }
    ]


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
            "delivered_at": "2026-11-02T10:00:00.000Z",
            "target_bucket": "recipient-bucket",
            "target_version_id": None,
            "target_etag": "7fc56270e7a70fa81a5935b72eacbe29",
            "receive_count": 1,
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
        message(function.upload("orders/d", size=300_000_000), message_id="large"),
    ]
    assert function.handle(*messages) == ["malformed", "other prefix", "other bucket", "no etag", "large"]
    assert function.store.asked(Copy) == [Copy("orders/a", "7fc56270e7a70fa81a5935b72eacbe29")]
    assert sorted(function.fates()) == [
        ("orders/a", "delivered"),
        ("orders/b", "failed"),
        ("orders/c", "failed"),
        ("orders/d", "failed"),
        ("orders_private/a", "failed"),
    ]
    assert [(line["event"], line.get("message_id"), line.get("reason")) for line in function.lines[:-1]] == [
        (
            "message not understood",
            "malformed",
            "the message is no S3 event notification: JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
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
            "the file has 300,000,000 bytes; this mover delivers files of up to 268,435,456 bytes",
        ),
    ]
    assert function.lines[-1]["failed_messages"] == 5


def test_a_refusal_fails_the_message_and_keeps_the_upload() -> None:
    function = Function()
    function.store.refusals[Copy] = Forbidden("the copy is refused (AccessDenied)")
    assert function.handle(message(function.upload("orders/a"))) == ["m1"]
    assert function.store.memory.hub_key("orders/a").current is not None
    assert function.fates() == [("orders/a", "failed")]
    assert function.lines[0] == {
        "level": "ERROR",
        "event": "delivery failed",
        "dataset": "orders",
        "message_id": "m1",
        "key": "orders/a",
        "version_id": "v1",
        "receive_count": 1,
        "reason": "the copy is refused (AccessDenied)",
    }


def test_a_message_of_several_uploads_comes_back_if_one_of_them_fails() -> None:
    function = Function()
    good, large = function.upload("orders/a"), function.upload("orders/b", size=300_000_000)
    assert function.handle(message(good, large)) == ["m1"]
    assert function.store.memory.delivered("orders/a") is not None


def test_a_message_half_understood_comes_back_and_its_good_half_is_delivered() -> None:
    function = Function()
    assert function.handle(message({}, function.upload("orders/a"))) == ["m1"]
    assert function.store.memory.delivered("orders/a") is not None


def test_without_receipts_every_message_comes_back_and_every_upload_stays() -> None:
    function = Function()
    function.store.refusals[PutReceipts] = Failure("no room")
    assert function.handle(message(function.upload("orders/a"))) == ["m1"]
    assert function.store.memory.hub_key("orders/a").current is not None
    assert function.store.asked(RetireAll) == []


def test_an_overtaken_upload_is_superseded_and_its_message_done() -> None:
    function = Function()
    older, newer = function.upload("orders/a", b"A"), function.upload("orders/a", b"B")
    assert function.handle(message(older)) == []
    assert function.fates() == [("orders/a", "superseded")]
    assert function.handle(message(newer)) == []
    assert function.store.memory.delivered("orders/a").body == b"B"  # type: ignore[union-attr]


def test_an_upload_whose_versions_were_removed_is_cancelled() -> None:
    function = Function()
    event = function.upload("orders/a")
    function.store.memory = function.store.memory.remove_versions("orders/a")
    assert function.handle(message(event)) == []
    assert (function.store.memory.delivered("orders/a"), function.fates()) == (None, [("orders/a", "cancelled")])


def test_the_folder_of_the_dataset_stays_and_a_folder_below_it_is_a_file() -> None:
    function = Function()
    events = [function.upload("orders/", b"", size=0), function.upload("orders/sub/", b"", size=0)]
    assert function.handle(message(*events)) == []
    assert function.store.memory.hub_key("orders/").current is not None
    assert function.fates() == [("orders/sub/", "delivered")]


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


class Unhurried:
    """A context of the Lambda runtime."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@pytest.fixture
def fresh_process() -> Iterator[None]:
    handler._process.cache_clear()
    yield
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
    assert [json.loads(line)["event"] for line in written.splitlines()] == ["delivery failed", "batch done"]
    assert "secret-of-nobody" not in written


@pytest.mark.usefixtures("fresh_process")
def test_a_function_without_its_settings_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SettingsError, match="DATASET is missing; HUB_BUCKET is missing"):
        handler.handle({"Records": []}, Unhurried())


def test_a_log_line_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    _log_to_stdout({"event": "delivery failed", "key": "orders/a\nb"})
    assert capsys.readouterr().out == '{"event": "delivery failed", "key": "orders/a\\nb"}\n'
