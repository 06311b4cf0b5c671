"""The promise of the demo: due a minute ago, whatever the hour, on a day that has begun long before."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from data_exports.estate.promises import parse_promise
from data_exports.local.demo.promising import promise_of_a_minute_ago


@pytest.mark.parametrize("time", ["00:00:00", "00:00:59", "00:59:59", "01:00:00", "12:30:30", "23:59:59"])
@pytest.mark.parametrize("day", ["2031-03-30", "2031-12-31", "2032-02-29"])
def test_what_was_due_a_minute_ago_is_missed_now_and_a_delivery_of_now_settles_it(day: str, time: str) -> None:
    now = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)
    promise = parse_promise(promise_of_a_minute_ago(now))
    missed = promise.missed(None, now, frozenset())
    assert missed is not None
    assert timedelta(minutes=1) <= now - missed.at < timedelta(minutes=2)
    assert missed.opens <= now - timedelta(hours=1, minutes=-1)
    assert now.astimezone(ZoneInfo(promise.zone)).hour > 0
    assert promise.missed(now, now + timedelta(minutes=5), frozenset()) is None
