import gzip
import json
from datetime import UTC, datetime, timedelta, timezone

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome, Receipt, receipts_file

DELIVERED = Receipt(
    key="orders/café\n.csv",
    version_id="v1",
    etag="e1",
    size_bytes=7,
    uploaded_by="AWS:AROAEXAMPLE:alice",
    uploaded_at="2026-11-02T09:00:00.000Z",
    outcome=Outcome.DELIVERED,
    delivered_at="2026-11-02T09:00:01.500Z",
    target_version_id="t1",
    target_etag="e2",
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
    file = receipts_file(
        [DELIVERED, FAILED],
        dataset="orders",
        target_bucket="recipient-bucket",
        mover_version="1.2.3",
        now=datetime(2026, 11, 3, 1, 0, 2, 250_000, tzinfo=timezone(timedelta(hours=2))),
        identifier="0a1b",
    )
    assert file.key == "deliveries/dataset=orders/date=2026-11-02/20261102T230002Z-0a1b.jsonl.gz"
    every = {
        "dataset": "orders",
        "target_bucket": "recipient-bucket",
        "mover_version": "1.2.3",
        "recorded_at": "2026-11-02T23:00:02.250Z",
    }
    lines = gzip.decompress(file.body).decode("ascii").split("\n")
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
            "target_version_id": "t1",
            "target_etag": "e2",
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
            "target_version_id": None,
            "target_etag": None,
            "receive_count": 3,
            "message_id": "m2",
            **every,
        },
    ]
    assert lines[-1] == ""


def test_equal_receipts_make_equal_bytes() -> None:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    files = [
        receipts_file([FAILED], dataset="o", target_bucket="t", mover_version="1", now=now, identifier="i")
        for _ in range(2)
    ]
    assert files[0] == files[1]
