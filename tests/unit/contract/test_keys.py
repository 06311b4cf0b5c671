from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from data_exports.contract import keys

SUMMER_EVENING = datetime(2031, 7, 1, 1, 30, 5, 999_000, tzinfo=timezone(timedelta(hours=2)))


def test_everything_lies_where_policies_recipients_and_athena_look_for_it() -> None:
    assert {
        keys.hub_prefix_of("orders"): "senders write",
        keys.probe_key_of("orders"): "a probe leaves one object",
        keys.receipts_key_of("orders", SUMMER_EVENING, "0a1b"): "receipts, by the day in UTC",
        keys.sweep_notes_key_of("orders"): "notes of the sweep, with the checkpoints",
    } == {
        "orders/": "senders write",
        "orders/.exports-probe": "a probe leaves one object",
        "deliveries/dataset=orders/date=2031-06-30/20310630T233005Z-0a1b.jsonl.gz": "receipts, by the day in UTC",
        "checkpoints/dataset=orders/sweep.jsonl.gz": "notes of the sweep, with the checkpoints",
    }


def test_a_file_of_receipts_comes_after_all_that_was_written_in_earlier_seconds() -> None:
    key = keys.receipts_key_of("orders", SUMMER_EVENING, "0")
    start = keys.receipts_from("orders", SUMMER_EVENING)
    assert keys.receipts_key_of("orders", SUMMER_EVENING - timedelta(seconds=1), "~") < start < key
    assert key.startswith(keys.receipts_prefix_of("orders"))


def test_the_name_of_a_file_of_receipts_tells_when_it_was_written() -> None:
    key = keys.receipts_key_of("orders", SUMMER_EVENING, "0-a-b")
    assert keys.time_in(key) == SUMMER_EVENING.replace(microsecond=0)
    folder = f"{keys.receipts_days_of('orders')}2031-06-30/"
    assert (keys.day_in("orders", folder), key.startswith(folder)) == (date(2031, 6, 30), True)


@pytest.mark.parametrize("name", ["", "notes.txt", "20310631T000000Z-a", "date=2031-06-31/"])
def test_what_somebody_else_put_there_tells_no_time(name: str) -> None:
    assert keys.time_in(f"{keys.receipts_prefix_of('orders')}{name}") is None
    assert keys.day_in("orders", f"{keys.receipts_prefix_of('orders')}{name}") is None


def test_times_are_told_in_utc() -> None:
    at = keys.time_in(keys.receipts_key_of("orders", SUMMER_EVENING, ""))
    assert at is not None
    assert at.tzinfo is UTC
