import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import (
    COLUMNS,
    NUMBERS,
    Damaged,
    Outcome,
    Receipt,
    moment_of,
    receipt_of,
    receipts_file,
    receipts_in,
)

DELIVERED = Receipt(
    key="orders/café\n.csv",
    version_id="v1",
    etag="e1",
    size_bytes=7,
    uploaded_by="AWS:AROAEXAMPLE:alice",
    uploaded_at="2026-11-02T09:00:00.000Z",
    outcome=Outcome.DELIVERED,
    delivered_at="2026-11-02T09:00:01.500Z",
    destination_version="t1",
    destination_etag="e2",
    receive_count=1,
)
FAILED = Receipt(
    *("orders/b", "v2", "e3", None, None, None, Outcome.FAILED),
    reason="refused",
    cause=Cause.RECIPIENT_DENIED,
    receive_count=3,
    message_id="m2",
)


def test_a_file_of_receipts_is_one_json_line_for_each_under_its_dataset_and_day() -> None:
    key, body = receipts_file(
        [DELIVERED, FAILED],
        dataset="orders",
        destination="s3://recipient-bucket",
        mover_version="1.2.3",
        now=datetime(2026, 11, 3, 1, 0, 2, 250_000, tzinfo=timezone(timedelta(hours=2))),
        identifier="0a1b",
    )
    assert key == "deliveries/dataset=orders/date=2026-11-02/20261102T230002Z-0a1b.jsonl.gz"
    every = {
        "dataset": "orders",
        "destination": "s3://recipient-bucket",
        "target_bucket": "recipient-bucket",
        "mover_version": "1.2.3",
        "recorded_at": "2026-11-02T23:00:02.250Z",
    }
    lines = gzip.decompress(body).decode("ascii").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [
        {
            "key": "orders/café\n.csv",
            "version_id": "v1",
            "etag": "e1",
            "size_bytes": 7,
            "uploaded_by": "AWS:AROAEXAMPLE:alice",
            "uploaded_at": "2026-11-02T09:00:00.000Z",
            "outcome": "delivered",
            "reason": None,
            "cause": None,
            "delivered_at": "2026-11-02T09:00:01.500Z",
            "destination_version": "t1",
            "destination_etag": "e2",
            "target_version_id": "t1",
            "target_etag": "e2",
            "digest": None,
            "receive_count": 1,
            "message_id": None,
            **every,
        },
        {
            "key": "orders/b",
            "version_id": "v2",
            "etag": "e3",
            "size_bytes": None,
            "uploaded_by": None,
            "uploaded_at": None,
            "outcome": "failed",
            "reason": "refused",
            "cause": "recipient_denied",
            "delivered_at": None,
            "destination_version": None,
            "destination_etag": None,
            "target_version_id": None,
            "target_etag": None,
            "digest": None,
            "receive_count": 3,
            "message_id": "m2",
            **every,
        },
    ]
    assert lines[-1] == ""


def test_equal_receipts_make_equal_bytes() -> None:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    files = [
        receipts_file([FAILED], dataset="o", destination="s3://t", mover_version="1", now=now, identifier="i")
        for _ in range(2)
    ]
    assert files[0] == files[1]


TEXT = st.text(max_size=20)
MAYBE = st.none() | TEXT
RECEIPTS = st.builds(
    Receipt,
    *(TEXT, TEXT, TEXT, st.none() | st.integers(min_value=0), MAYBE, MAYBE),
    outcome=st.sampled_from([each.value for each in Outcome if each.has_receipt]) | TEXT,
    reason=MAYBE,
    cause=st.none() | st.sampled_from([each.value for each in Cause]) | TEXT,
    delivered_at=MAYBE,
    destination_version=MAYBE,
    destination_etag=MAYBE,
    digest=MAYBE,
    receive_count=st.none() | st.integers(min_value=1, max_value=100),
    message_id=MAYBE,
)


def file_of(receipts: list[Receipt], destination: str = "s3://recipient-bucket") -> bytes:
    now = datetime(2031, 3, 31, 12, tzinfo=UTC)
    facts = {"dataset": "orders", "destination": destination, "mover_version": "9"}
    return receipts_file(receipts, **facts, now=now, identifier="i")[1]


@given(st.lists(RECEIPTS, max_size=3), st.sampled_from(["s3://recipient-bucket", "file:///srv/in", "az://a/b"]))
def test_a_file_is_read_as_it_was_written(receipts: list[Receipt], destination: str) -> None:
    assert list(receipts_in("f", file_of(receipts, destination))) == [
        replace(
            each,
            dataset="orders",
            destination=destination,
            mover_version="9",
            recorded_at="2031-03-31T12:00:00.000Z",
        )
        for each in receipts
    ]


def columns_of(receipt: Receipt) -> dict[str, object]:
    return {name: getattr(receipt, name) for name in COLUMNS}


def test_a_destination_that_is_no_bucket_has_no_columns_of_a_bucket() -> None:
    (receipt,) = receipts_in("f", file_of([DELIVERED], "file:///srv/in"))
    assert isinstance(receipt, Receipt)
    columns = columns_of(receipt)
    assert [columns[name] for name in COLUMNS if name.startswith("target_")] == [None] * 3
    assert [columns[name] for name in COLUMNS if name.startswith("destination")] == ["file:///srv/in", "t1", "e2"]


BEFORE = (
    ("cause", "message_id"),
    {
        "dataset": "orders",
        "key": "orders/a",
        "version_id": "v1",
        "etag": "e1",
        "size_bytes": 3,
        "outcome": "delivered",
        "reason": None,
        "uploaded_by": None,
        "uploaded_at": None,
        "delivered_at": "2031-03-30T09:00:01.000Z",
        "target_bucket": "recipient-bucket",
        "target_version_id": "t1",
        "target_etag": "e2",
        "receive_count": 1,
        "mover_version": "m1",
        "recorded_at": "2031-03-30T09:00:01.500Z",
    },
)
"""The columns that readers before `destination` knew: those that might be missing, and a line with the others."""


def test_receipts_of_movers_that_knew_buckets_alone_are_read() -> None:
    may_be_missing, line = BEFORE
    receipt = receipt_of(line)
    assert columns_of(receipt) == {
        **line,
        **dict.fromkeys(may_be_missing),
        "destination": "s3://recipient-bucket",
        "destination_version": "t1",
        "destination_etag": "e2",
        "digest": None,
    }


def test_new_receipts_are_read_by_readers_that_know_buckets_alone() -> None:
    """Such a reader takes the columns it knows, whatever else there is, each a text, a number or null."""
    may_be_missing, line = BEFORE
    for line_now in map(json.loads, gzip.decompress(file_of([DELIVERED, FAILED])).splitlines()):
        found = {name: line_now.get(name) for name in (*line, *may_be_missing)}
        kinds = {name: int if name in NUMBERS else str for name in found}
        assert [name for name, value in found.items() if value is not None and not isinstance(value, kinds[name])] == []
        assert [name for name in ("dataset", "key", "version_id", "etag", "outcome") if found[name] is None] == []
        assert found["target_bucket"] == "recipient-bucket"
        told = DELIVERED if found["outcome"] == "delivered" else FAILED
        assert (found["target_version_id"], found["target_etag"]) == (told.destination_version, told.destination_etag)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"outcome": None}, "its outcome is null"),
        ({"outcome": 3}, "its outcome is 3"),
        ({"dataset": None}, "its dataset is null"),
        ({"size_bytes": "3"}, 'its size_bytes is "3"'),
        ({"target_bucket": 7}, "its target_bucket is 7"),
        ({"destination": ["s3://a"]}, 'its destination is ["s3://a"]'),
        ({"digest": 1}, "its digest is 1"),
    ],
)
def test_a_line_that_is_no_receipt_says_why(change: dict[str, object], why: str) -> None:
    body = gzip.compress(json.dumps(BEFORE[1] | change).encode())
    assert list(receipts_in("f", body)) == [Damaged("f", 1, why)]


def test_a_line_without_an_outcome_is_no_receipt() -> None:
    line = {name: value for name, value in BEFORE[1].items() if name != "outcome"}
    body = gzip.compress(f"{json.dumps(line)}\n[]\n".encode())
    assert list(receipts_in("f", body)) == [
        Damaged("f", 1, "its outcome is null"),
        Damaged("f", 2, "it is no JSON object"),
    ]


@pytest.mark.parametrize("text", [None, "", "yesterday", "2031-02-30T00:00:00Z"])
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert moment_of(text) is None


def test_times_are_utc_where_they_do_not_say() -> None:
    assert (
        moment_of("2031-03-31T12:00:00")
        == moment_of("2031-03-31T14:00:00+02:00")
        == datetime(2031, 3, 31, 12, tzinfo=UTC)
    )


def test_the_outcomes_that_receipts_tell() -> None:
    told = [each.value for each in Outcome if each.has_receipt]
    assert told == ["delivered", "superseded", "cancelled", "failed", "given_up"]


@pytest.mark.parametrize(
    ("receipt", "identity"),
    [
        (DELIVERED, ("orders/café\n.csv", "v1", "delivered")),
        (replace(DELIVERED, version_id="null"), ("orders/café\n.csv", "null e1", "delivered")),
        (replace(FAILED, key="", version_id=""), ("", "m2", "failed")),
        (replace(FAILED, version_id="", message_id=None), ("orders/b", "", "failed")),
    ],
)
def test_repeats_of_a_receipt_are_known_by_key_version_or_message_and_outcome(
    receipt: Receipt, identity: tuple[str, str, str]
) -> None:
    assert receipt.identity == identity
