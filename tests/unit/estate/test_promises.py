"""Promises of deliveries: what is read, the moments that follow, both changes of clocks, and what is overdue."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from data_exports.estate.promises import HINT, Due, Promise, parse_promise
from data_exports.names import InvalidNameError
from tests.estates import push

DAILY = parse_promise("daily by 06:00 Europe/London")
SPRING, AUTUMN = date(2031, 3, 30), date(2031, 10, 26)
"""On these days of 2031 clocks change in London, at 01:00 UTC."""


def utc(day: str, moment: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{moment}:00+00:00")


@pytest.mark.parametrize("rhythm", ["daily", "weekdays", "weekly on Monday", "monthly on 3", "monthly on 28"])
def test_every_rhythm_is_read_and_written_as_it_is_declared(rhythm: str) -> None:
    text = f"{rhythm} by 06:05 Europe/London"
    assert parse_promise(text) == Promise(rhythm, time(6, 5), "Europe/London")
    assert str(parse_promise(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "daily",
        "daily by 06:00",
        "daily by 6:00 UTC",
        "daily by 24:00 UTC",
        "daily by 06:00 Europe/London\n",
        "Daily by 06:00 UTC",
        "weekly by 06:00 UTC",
        "weekly on monday by 06:00 UTC",
        "monthly on 0 by 06:00 UTC",
        "monthly on 03 by 06:00 UTC",
        "monthly on 29 by 06:00 UTC",
        "daily by ٠٦:٠٠ UTC",
        "daily by 06:00 ../UTC",
    ],
)
def test_what_is_no_promise_is_refused(text: str) -> None:
    with pytest.raises(InvalidNameError) as refused:
        parse_promise(text)
    assert (str(refused.value), refused.value.hint) == (
        f"{text!r} is not a time by which a delivery is promised",
        HINT,
    )


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Londn", "did you mean 'Europe/London'?"),
        ("europe/london", "did you mean 'Europe/London'?"),
        ("BST", None),
        ("Europe", None),
        ("Q", "write it as Europe/London or UTC"),
    ],
)
def test_a_zone_that_is_none_is_refused(zone: str, hint: str | None) -> None:
    with pytest.raises(InvalidNameError, match=rf"^there is no time zone '{zone}'$") as refused:
        parse_promise(f"daily by 06:00 {zone}")
    assert hint in (None, refused.value.hint)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("daily", [3, 4, 5, 6, 7, 8, 9]),
        ("weekdays", [3, 4, 5, 6, 7]),
        ("weekly on Monday", [3]),
        ("weekly on Sunday", [9]),
        ("monthly on 5", [5]),
    ],
)
def test_a_rhythm_names_its_days(text: str, days: list[int]) -> None:
    promise = parse_promise(f"{text} by 06:00 UTC")
    assert [day for day in range(3, 10) if promise.is_on(date(2031, 3, day))] == days  # 3 March 2031 is a Monday


@pytest.mark.parametrize(
    ("day", "opens", "at"),
    [
        (SPRING - timedelta(days=1), utc("2031-03-29", "00:00"), utc("2031-03-29", "06:00")),
        (SPRING, utc("2031-03-30", "00:00"), utc("2031-03-30", "05:00")),
        (SPRING + timedelta(days=1), utc("2031-03-30", "23:00"), utc("2031-03-31", "05:00")),
        (AUTUMN - timedelta(days=1), utc("2031-10-24", "23:00"), utc("2031-10-25", "05:00")),
        (AUTUMN, utc("2031-10-25", "23:00"), utc("2031-10-26", "06:00")),
        (AUTUMN + timedelta(days=1), utc("2031-10-27", "00:00"), utc("2031-10-27", "06:00")),
    ],
)
def test_the_clocks_of_the_zone_decide_on_both_days_of_a_change(day: date, opens: datetime, at: datetime) -> None:
    assert DAILY.due_on(day) == Due(day, opens, at)


def test_an_hour_that_is_left_out_exists_not_and_one_that_comes_twice_is_the_second() -> None:
    night = parse_promise("daily by 01:30 Europe/London")
    assert [night.exists_on(SPRING + timedelta(days=days)) for days in (-1, 0, 1)] == [True, False, True]
    assert night.exists_on(AUTUMN)
    assert night.due_on(SPRING).at == utc("2031-03-30", "01:30")
    assert night.due_on(AUTUMN).at == utc("2031-10-26", "01:30")  # 00:30 UTC is the first


@pytest.mark.parametrize(
    ("last", "now", "missed"),
    [
        (utc("2031-03-29", "05:00"), utc("2031-03-30", "04:59"), None),
        (utc("2031-03-29", "05:00"), utc("2031-03-30", "05:00"), SPRING),
        (utc("2031-03-29", "23:59"), utc("2031-03-30", "05:00"), SPRING),
        (utc("2031-03-30", "00:00"), utc("2031-03-30", "22:00"), None),
        (utc("2031-03-30", "09:00"), utc("2031-03-30", "22:00"), None),  # late, and here
        (utc("2031-03-20", "05:00"), utc("2031-03-30", "05:00"), date(2031, 3, 21)),
        (utc("2021-03-20", "05:00"), utc("2031-03-30", "05:00"), date(2030, 2, 23)),  # no further than it looks back
        (None, utc("2031-03-30", "04:59"), SPRING - timedelta(days=1)),
        (None, utc("2031-03-30", "05:00"), SPRING),
    ],
)
def test_the_first_that_is_overdue_since_the_last_delivery_is_missed(
    last: datetime | None, now: datetime, missed: date | None
) -> None:
    found = DAILY.missed(last, now)
    assert (found.day if found else None) == missed


def test_days_that_are_left_out_and_those_behind_the_end_promise_nothing() -> None:
    monday = date(2031, 3, 31)
    dataset = push(due=parse_promise("weekdays by 06:00 UTC"), no_delivery_on=(monday,), expires=date(2031, 4, 1))
    friday = datetime(2031, 3, 28, 5, tzinfo=UTC)
    assert dataset.missed(friday, utc("2031-03-31", "12:00")) is None
    tuesday = dataset.missed(friday, utc("2031-04-01", "12:00"))
    assert tuesday
    assert tuesday.at == utc("2031-04-01", "06:00")
    assert dataset.missed(friday, utc("2031-04-02", "00:00")) is None
    assert push().missed(None, utc("2031-04-01", "12:00")) is None
