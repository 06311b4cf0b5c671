"""Sums of receipts by day: what they count, what is kept and for how long, and what is read anew."""

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from data_exports.aws import Aws
from data_exports.contract.keys import card_key_of
from data_exports.contract.receipts import Damaged, receipt_of
from data_exports.operate.daily_sums import (
    MOST_CAUSES,
    SUMMED_DAYS,
    DailySums,
    DaySum,
    FileBudget,
    read_all_daily_sums,
    read_daily_sums,
    sum_of_day,
)
from tests.aws_answers import refusal
from tests.estates import PLATFORM, push
from tests.patience import PATIENCE_SECONDS
from tests.unit.operate.receipt_log import file_at, line, packed

TODAY = date(2031, 3, 31)
DAY = date(2031, 3, 20)
HEARINGS = push()


class LogBucket(Aws):
    """A log bucket, and the only thing of AWS that may be asked."""

    def __init__(self, files: dict[str, bytes], *, endpoint_url: str = "https://s3.example") -> None:
        self.files = files
        self.meta = SimpleNamespace(endpoint_url=endpoint_url)
        self.read: list[str] = []
        self.listed: list[str] = []
        self.refuses: str | None = None

    def client(self, service: str) -> Any:
        assert service == "s3"
        return self

    def caller(self) -> tuple[str, str]:
        return "593291632749", "arn:aws:iam::593291632749:role/reader"

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return self

    def paginate(
        self,
        *,
        Bucket: str,  # noqa: N803
        Prefix: str,  # noqa: N803
        ExpectedBucketOwner: str,  # noqa: N803
        StartAfter: str = "",  # noqa: N803
        Delimiter: str = "",  # noqa: N803
    ) -> Iterator[dict[str, Any]]:
        assert (Bucket, ExpectedBucketOwner) == (str(PLATFORM.log_bucket), "593291632749")
        if self.refuses:
            raise refusal(self.refuses)
        names = [name for name in sorted(self.files) if name.startswith(Prefix) and name > StartAfter]
        if Delimiter:
            days = dict.fromkeys(f"{Prefix}{name.removeprefix(Prefix).partition('/')[0]}/" for name in names)
            yield {"CommonPrefixes": [{"Prefix": each} for each in days]}
            return
        self.listed.append(StartAfter)
        for start in range(0, len(names), 2):
            yield {"Contents": [{"Key": name} for name in names[start : start + 2]]}

    def get_object(self, *, Bucket: str, Key: str, ExpectedBucketOwner: str) -> dict[str, Any]:  # noqa: N803
        self.read.append(Key)
        return {"Body": io.BytesIO(self.files[Key])}


def day_file(day: date, *lines: dict[str, Any], name: str = "x") -> dict[str, bytes]:
    own = lines or (line(f"hearings/{day}"),)
    return {file_at(f"{day:%Y%m%d}T120000Z", name): packed(*own)}


def read(aws: Aws, cache: Path, **given: Any) -> DailySums:
    return read_daily_sums(PLATFORM, HEARINGS, aws, cache, **({"today": TODAY} | given))


def one(day: date, **changes: Any) -> DaySum:
    return DaySum(day, **({"files": 1, "size_bytes": 3, "median_seconds": 1.0, "longest_seconds": 1.0} | changes))


def summed(*lines: dict[str, Any]) -> DaySum:
    return sum_of_day(DAY, map(receipt_of, lines))


def test_a_day_counts_each_upload_once_its_bytes_and_how_long_it_took() -> None:
    assert summed(
        line("hearings/a", size_bytes=10, delivered_at="2031-03-30T09:00:02.000Z"),
        line("hearings/a", size_bytes=10, delivered_at="2031-03-30T09:00:02.000Z", recorded_at="2031-03-30T10:00:00Z"),
        line("hearings/a", version_id="v2", size_bytes=5, delivered_at="2031-03-30T09:00:04.000Z"),
        line("hearings/b", size_bytes=1, delivered_at="2031-03-30T09:01:00.000Z"),
        line("hearings/c", outcome="superseded"),
        line("hearings/d", outcome="cancelled"),
        line("hearings/e", outcome="of a newer mover"),
    ) == DaySum(DAY, files=3, size_bytes=16, median_seconds=4.0, longest_seconds=60.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"uploaded_at": None},
        {"delivered_at": None},
        {"uploaded_at": "nonsense"},
        {"uploaded_at": "2031-03-30T09:00:02.000Z"},
    ],
    ids=str,
)
def test_of_times_that_tell_nothing_there_is_none(changes: dict[str, Any]) -> None:
    assert summed(line(**changes)) == DaySum(DAY, files=1, size_bytes=3)


def test_a_size_that_is_not_known_or_cannot_be_counts_as_nothing() -> None:
    assert summed(line("a", size_bytes=None), line("b", size_bytes=-5), line("c", size_bytes=7)).size_bytes == 7


def test_a_size_beyond_all_measure_is_kept_and_read_as_any_other(tmp_path: Path) -> None:
    aws = LogBucket(day_file(DAY, line("a", size_bytes=10**400)))
    assert [read(aws, tmp_path).days for _ in range(2)] == [(one(DAY, size_bytes=2**53),)] * 2
    assert len(aws.read) == 1


def test_failures_are_counted_by_upload_with_the_last_cause_and_what_was_given_up() -> None:
    found = summed(
        line("a", outcome="failed", cause="hub_denied"),
        line("a", outcome="failed", cause="recipient_denied"),
        line("a", outcome="given_up", cause="recipient_denied"),
        line("b", outcome="failed", cause="recipient_denied"),
        line("b"),
        line("c", outcome="failed", cause=None),
        line("", version_id="", message_id="m1", outcome="failed", cause="c" * 500),
        line("", version_id="", message_id="m2", outcome="failed", cause="c" * 500),
    )
    assert (found.files, found.failed, found.given_up) == (1, 5, 1)
    assert found.causes == (("c" * 50, 2), ("recipient_denied", 2), ("not told", 1))
    many = summed(*(line(f"{n}", outcome="failed", cause=f"c{n}") for n in range(50)))
    assert (many.failed, len(many.causes)) == (50, MOST_CAUSES)


def test_what_is_damaged_is_counted_and_in_no_other_figure() -> None:
    assert sum_of_day(DAY, [Damaged("f", 1, "why"), receipt_of(line()), Damaged("g", 0, "why")]) == one(DAY, damaged=2)


def test_whole_days_are_kept_and_today_and_yesterday_read_anew(tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=n) for n in (0, 1, 2, 30)]
    aws = LogBucket({name: body for day in days for name, body in day_file(day).items()})
    aws.files |= {card_key_of("hearings"): b"{}"}
    first = read(aws, tmp_path)
    assert first == DailySums(TODAY - timedelta(days=89), TODAY, tuple(map(one, reversed(days))))
    assert len(aws.read) == 4
    aws.read.clear()
    aws.listed.clear()
    assert read(aws, tmp_path) == first
    assert (len(aws.read), len(aws.listed)) == (2, 2)
    assert all(f"date={day}/" in key for day, key in zip(days, aws.read, strict=False))
    late = day_file(days[1], line("hearings/late"), name="y") | day_file(days[2], line("hearings/too late"), name="y")
    aws.files |= late
    assert [each.files for each in read(aws, tmp_path).days] == [1, 1, 2, 1]


def test_the_first_second_of_a_day_is_its_own(tmp_path: Path) -> None:
    moments = ("20310319T235959Z", "20310320T000000Z", "20310320T235959Z", "20310321T000000Z")
    aws = LogBucket({file_at(moment): packed(line(moment)) for moment in moments})
    assert [(each.day.day, each.files) for each in read(aws, tmp_path).days] == [(19, 1), (20, 2), (21, 1)]


def test_what_is_kept_is_for_its_user_alone_and_names_no_file(tmp_path: Path) -> None:
    read(LogBucket(day_file(DAY, line("hearings/secret name.csv"))), tmp_path / "cache")
    (path,) = (each for each in tmp_path.rglob("*") if each.is_file())
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert (path.name, path.parent.name) == ("2031-03.json", "hearings")
    assert path.parent.parent.name.startswith(f"{PLATFORM.log_bucket}-")
    assert all(secret not in path.read_text() for secret in ("secret", "AROAANA", "cp-hearings"))


def test_another_bucket_of_the_same_name_is_another_one(tmp_path: Path) -> None:
    read(LogBucket(day_file(DAY)), tmp_path)
    other = read(LogBucket(day_file(DAY, line("a"), line("b")), endpoint_url="http://127.0.0.1:4566"), tmp_path)
    assert [each.files for each in other.days] == [2]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: "[]",
        lambda text: "null",
        lambda text: "[" * 100_000,
        lambda text: text.replace('"version": 1', '"version": 2'),
        lambda text: text.replace('"files": 1', '"files": "1"'),
        lambda text: text.replace('"files": 1', '"files": -1'),
        lambda text: text.replace('"files": 1', '"files": true'),
        lambda text: text.replace('"median_seconds": 1.0', '"median_seconds": NaN'),
        lambda text: text.replace('"median_seconds": 1.0', '"median_seconds": null'),
        lambda text: text.replace('"longest_seconds": 1.0', '"longest_seconds": null'),
        lambda text: text.replace('"longest_seconds": 1.0', '"longest_seconds": 0.5'),
        lambda text: text.replace('"median_seconds": 1.0', '"median_seconds": -1.0'),
        lambda text: text.replace('"longest_seconds": 1.0', '"longest_seconds": Infinity'),
        lambda text: text.replace('"longest_seconds": 1.0', f'"longest_seconds": {"9" * 400}'),
        lambda text: text.replace('"longest_seconds": 1.0', '"longest_seconds": 1e300'),
        lambda text: text.replace('"size_bytes": 3', f'"size_bytes": {"9" * 400}'),
        lambda text: text.replace('"size_bytes": 3', f'"size_bytes": {"9" * 5_000}'),
        lambda text: text.replace("2031-03-20", "2031-02-20"),
        lambda text: text.replace('"causes": []', f'"causes": [["x", {"9" * 400}]]'),
        lambda text: text.replace('"causes": []', '"causes": [[1, 1]]'),
        lambda text: text.replace('"causes": []', '"causes": 3'),
        lambda text: text.replace("2031-03-20", "nonsense"),
        lambda text: text.replace('"damaged": 0', '"hurt": 0'),
    ],
)
def test_a_kept_file_that_is_none_is_read_and_written_anew(change: Any, tmp_path: Path) -> None:
    aws = LogBucket(day_file(DAY))
    read(aws, tmp_path)
    (path,) = (each for each in tmp_path.rglob("*.json"))
    whole = path.read_text()
    path.write_text(change(whole))
    assert path.read_text() != whole
    assert read(aws, tmp_path).days == (one(DAY),)
    assert (path.read_text(), len(aws.read)) == (whole, 2)


def test_days_of_one_month_are_kept_beside_one_another(tmp_path: Path) -> None:
    aws = LogBucket(day_file(DAY))
    read(aws, tmp_path, today=DAY + timedelta(days=2))
    aws.files |= day_file(DAY + timedelta(days=1))
    assert [each.day for each in read(aws, tmp_path).days] == [DAY, DAY + timedelta(days=1)]
    (path,) = tmp_path.rglob("*.json")
    assert [*json.loads(path.read_text())["days"]] == ["2031-03-20", "2031-03-21"]
    assert len(aws.read) == 2


def test_where_a_file_is_in_the_way_it_is_read_anew_each_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    aws = LogBucket(day_file(DAY))
    assert [read(aws, tmp_path / "cache").days for _ in range(2)] == [(one(DAY),)] * 2
    assert len(aws.read) == 2


def test_days_before_those_asked_for_are_counted_and_not_read(tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=n) for n in (SUMMED_DAYS - 1, SUMMED_DAYS, 400)]
    aws = LogBucket({name: body for day in days for name, body in day_file(day).items()})
    found = read(aws, tmp_path)
    assert ([each.day for each in found.days], found.earlier, len(aws.read)) == ([days[0]], 2, 1)
    assert [each.day for each in read(aws, tmp_path, days=500).days] == sorted(days)


def test_of_more_files_than_a_run_reads_the_newest_days_come_first_and_the_next_run_goes_on(tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=n) for n in range(6)]
    aws = LogBucket(
        {
            name: body
            for day in days
            for number in range(3)
            for name, body in day_file(day, line(f"{number}"), name=str(number)).items()
        }
    )
    first = read(aws, tmp_path, budget=FileBudget(4))
    assert ([each.day for each in first.days], first.not_summed) == (sorted(days[:4]), (days[5], days[4]))
    second = read(aws, tmp_path, budget=FileBudget(0))  # one day in any case
    assert ([each.day for each in second.days], second.not_summed) == (sorted(days[:5]), (days[5],))
    assert read(aws, tmp_path, budget=FileBudget(1)).not_summed == ()
    assert {each.files for each in read(aws, tmp_path, budget=FileBudget(0)).days} == {3}


def test_each_day_is_kept_before_the_next_is_read(tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=n) for n in (3, 4, 5, 40)]
    kept_when_asked: dict[date, list[str]] = {}

    class Watched(LogBucket):
        def get_object(self, **asked: Any) -> dict[str, Any]:
            (day,) = (day for day in days if f"date={day}" in asked["Key"])
            kept = [json.loads(path.read_text())["days"] for path in tmp_path.rglob("*.json")]
            kept_when_asked[day] = sorted(each for month in kept for each in month)
            return super().get_object(**asked)

    read(Watched({name: body for day in days for name, body in day_file(day).items()}), tmp_path)
    assert kept_when_asked == {day: sorted(map(str, days[:number])) for number, day in enumerate(days)}


def test_what_was_summed_before_an_interruption_is_kept_although_nobody_waits_for_who_sums(tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=n) for n in (3, 4)]
    files = {name: body for day in days for name, body in day_file(day).items()}
    program = f"""
import sys, threading
from datetime import date
from pathlib import Path
from data_exports.operate.daily_sums import read_all_daily_sums
from tests.estates import PLATFORM
from tests.unit.operate.test_daily_sums import HEARINGS, LogBucket

class Slow(LogBucket):
    def get_object(self, **asked):
        if "date={days[1]}" in asked["Key"]:
            print("now", flush=True)
            threading.Event().wait()
        return super().get_object(**asked)

read_all_daily_sums(PLATFORM, [HEARINGS], Slow({files!r}), Path({str(tmp_path)!r}), today=date(2031, 3, 31))
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as running:
        try:
            assert running.stdout
            assert running.stdout.readline() == b"now\n"
            running.send_signal(signal.SIGINT)
            assert running.wait(PATIENCE_SECONDS) != 0
        finally:
            running.kill()
    aws = LogBucket(files)
    assert len(read(aws, tmp_path).days) == 2
    assert [f"date={days[1]}" in key for key in aws.read] == [True]


def test_what_is_kept_of_a_day_that_the_bucket_has_no_more_is_told_no_more(tmp_path: Path) -> None:
    aws = LogBucket(day_file(DAY) | day_file(DAY + timedelta(days=1)))
    assert len(read(aws, tmp_path).days) == 2
    aws.files = day_file(DAY)
    assert read(aws, tmp_path).days == (one(DAY),)


def test_files_that_idle_datasets_do_not_need_are_read_for_the_others(tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=n) for n in range(2, 12)]
    aws = LogBucket({name: body for day in days for name, body in day_file(day).items()})
    wanted = [HEARINGS, *(push(f"idle_{n}") for n in range(9))]
    sums, gaps = read_all_daily_sums(PLATFORM, wanted, aws, tmp_path, today=TODAY, files=10)
    assert (len(sums["hearings"].days), gaps) == (10, [])


def test_of_a_spent_budget_each_dataset_has_a_day_in_any_case(tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=n) for n in (2, 3, 4)]
    budget = FileBudget(1)
    aws = LogBucket({name: body for day in days for name, body in day_file(day).items()})
    found = [read(aws, tmp_path / cache, budget=budget) for cache in ("a", "b")]
    assert [(len(each.days), len(each.not_summed)) for each in found] == [(1, 2), (1, 2)]


def test_damaged_receipts_of_kept_days_are_still_told(tmp_path: Path) -> None:
    aws = LogBucket(day_file(DAY) | {file_at(f"{DAY:%Y%m%d}T120001Z"): b"no gzip"})
    assert [read(aws, tmp_path).damaged for _ in range(2)] == [1, 1]


def test_what_is_damaged_and_what_is_left_for_the_next_run_is_said(tmp_path: Path) -> None:
    days = [TODAY - timedelta(days=n) for n in (3, 4, 5)]
    aws = LogBucket({name: body for day in days for name, body in day_file(day).items()})
    aws.files |= {file_at(f"{days[0]:%Y%m%d}T120001Z"): b"no gzip"}
    _, gaps = read_all_daily_sums(PLATFORM, [HEARINGS], aws, tmp_path, today=TODAY, files=1)
    assert gaps == [
        "1 receipt of hearings since 2031-01-01: damaged",
        "the deliveries of hearings on 2 days up to 2031-03-27: the next run reads them",
    ]
    _, gaps = read_all_daily_sums(PLATFORM, [HEARINGS], aws, tmp_path, today=TODAY)
    assert gaps == ["1 receipt of hearings since 2031-01-01: damaged"]


def test_of_a_dataset_that_may_not_be_read_it_is_said_and_the_others_are_read(tmp_path: Path) -> None:
    aws = LogBucket(day_file(DAY))
    sums, unknown = read_all_daily_sums(PLATFORM, [HEARINGS, push("other")], aws, tmp_path, today=TODAY)
    assert ({name: len(each.days) for name, each in sums.items()}, unknown) == ({"hearings": 1, "other": 0}, [])
    aws.refuses = "AccessDenied"
    sums, unknown = read_all_daily_sums(PLATFORM, [HEARINGS], aws, tmp_path, today=TODAY)
    assert sums == {}
    (said,) = unknown
    assert "the deliveries of hearings by day: not known: " in said
    assert "may not do s3:ListBucket and s3:GetObject" in said
