"""Receipts are read in the order of their files, only those of the period, and what is damaged is told, not lost."""

import gzip
import json
from datetime import UTC, datetime

import pytest

from data_exports.contract.receipts import LARGEST_FILE_BYTES, Damaged, Receipt, receipt_of, receipts_in
from data_exports.names import BucketName, DatasetName
from data_exports.operate.receipts import Period, iterate_receipts, read_receipts
from tests.unit.operate.receipt_log import Log, file_at, line, packed

LOG, HEARINGS = BucketName("hub-log"), DatasetName("hearings")


def test_files_come_in_the_order_in_which_they_were_written_and_repeats_are_dropped() -> None:
    log = Log(
        {
            file_at("20310331T090000Z"): packed(line("hearings/b.csv", recorded_at="2031-03-31T09:00:00.100Z")),
            file_at("20310330T090001Z"): packed(line("hearings/a.csv")),
            file_at("20310401T100000Z"): packed(line("hearings/a.csv", recorded_at="2031-04-01T10:00:00.000Z")),
        }
    )
    found = [each for each in iterate_receipts(log, LOG, HEARINGS) if isinstance(each, Receipt)]
    assert [each.key for each in found] == ["hearings/a.csv", "hearings/b.csv", "hearings/a.csv"]
    assert found[0] == receipt_of(line())
    assert [each.recorded_at for each in read_receipts(log, LOG, HEARINGS)] == [
        "2031-03-30T09:00:01.500Z",
        "2031-03-31T09:00:00.100Z",
    ]


def test_a_period_reads_its_own_files_only() -> None:
    days = [f"203103{day:02d}T120000Z" for day in range(1, 31)]
    log = Log(
        {
            file_at(day): packed(line(f"hearings/{day}", recorded_at=f"2031-03-{day[6:8]}T12:00:00.700Z"))
            for day in days
        },
        page=1000,
    )
    since, until = datetime(2031, 3, 10, 12, tzinfo=UTC), datetime(2031, 3, 12, 12, 0, 0, 500_000, tzinfo=UTC)
    found = [each for each in iterate_receipts(log, LOG, HEARINGS, Period(since, until)) if isinstance(each, Receipt)]
    assert [each.key for each in found] == ["hearings/20310310T120000Z", "hearings/20310311T120000Z"]
    assert sorted(log.asked) == [file_at(day) for day in days[9:12]] + ["list"]


def test_what_is_damaged_is_told_with_its_place_and_hides_nothing_else() -> None:
    good, file = line(), file_at("20310330T090001Z")
    body = gzip.compress(
        b"\n".join(
            [
                json.dumps(good).encode(),
                b'{"key": "cut o',
                b"[]",
                json.dumps(line(size_bytes="3")).encode(),
                json.dumps({"dataset": "hearings"}).encode(),
                json.dumps(line(unknown_field=1)).encode(),
            ]
        )
    )
    found = list(receipts_in(file, body))
    assert [each for each in found if isinstance(each, Receipt)] == [receipt_of(good), receipt_of(good)]
    places = [(each.line, each.why) for each in found if isinstance(each, Damaged)]
    assert [place for place, _ in places] == [2, 3, 4, 5]
    assert [why for _, why in places][1:] == ["it is no JSON object", 'its size_bytes is "3"', "its key is null"]


def test_a_file_that_is_cut_off_or_no_gzip_is_damaged_as_a_whole() -> None:
    whole = packed(*[line(f"hearings/{number}", etag=f"{number:09d}") for number in range(50)])
    for body in (whole[: len(whole) // 2], b"plain text"):
        (damaged,) = receipts_in("file", body)
        assert isinstance(damaged, Damaged)
        assert (damaged.file, damaged.line) == ("file", 0)


def test_a_file_that_unpacks_to_more_than_any_batch_writes_is_damaged_as_a_whole() -> None:
    lines = f"{json.dumps(line(reason='r' * 100_000))}\n".encode()
    body = gzip.compress(lines * (LARGEST_FILE_BYTES // len(lines)))
    assert len(list(receipts_in("file", body))) == LARGEST_FILE_BYTES // len(lines)
    body += gzip.compress(lines)
    assert list(receipts_in("file", body)) == [Damaged("file", 0, "it is no gzip file, or unpacks to more than 64 MiB")]


@pytest.mark.parametrize("name", ["dataset", "key", "version_id", "etag", "outcome"])
def test_a_receipt_without_what_makes_one_is_damaged(name: str) -> None:
    lines = (line() | {name: None}), {key: value for key, value in line().items() if key != name}, (line() | {name: 7})
    assert list(receipts_in("file", packed(*lines))) == [
        Damaged("file", 1, f"its {name} is null"),
        Damaged("file", 2, f"its {name} is null"),
        Damaged("file", 3, f"its {name} is 7"),
    ]


@pytest.mark.parametrize("name", ["size_bytes", "receive_count", "reason", "uploaded_by", "target_etag", "cause"])
def test_a_receipt_may_leave_the_rest_out_but_not_write_it_otherwise(name: str) -> None:
    absent = {key: value for key, value in line().items() if key != name}
    wrong = line() | {name: [1]}
    assert list(receipts_in("file", packed((line() | {name: None}), absent, wrong))) == [
        receipt_of(line() | {name: None}),
        receipt_of(line() | {name: None}),
        Damaged("file", 3, f"its {name} is [1]"),
    ]


def test_the_files_of_a_dataset_that_wrote_none_are_none() -> None:
    assert read_receipts(Log({}), LOG, HEARINGS) == []


def test_receipts_are_told_in_the_order_in_which_they_were_recorded_whatever_file_they_are_in() -> None:
    late, early = (f"2031-03-30T09:00:0{second}.000Z" for second in (9, 1))
    unknown = line("hearings/c.csv") | {"recorded_at": None}
    first = [line("hearings/a.csv", recorded_at=late), line("hearings/b.csv", recorded_at=early), unknown]
    log = Log({file_at("20310330T090001Z"): packed(*first)})
    assert [each.key for each in read_receipts(log, LOG, HEARINGS)] == [
        "hearings/c.csv",
        "hearings/b.csv",
        "hearings/a.csv",
    ]
