"""When a failed upload is tried again is told from its receipt, as the mover waits."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome, Receipt, receipt_of
from data_exports.contract.timing import MOST_RECEIVES, wait_seconds
from data_exports.operate.failing import Failing, NextTry, Outcomes, failing_of, next_try_of
from tests.unit.operate.receipt_log import line

AT = datetime(2031, 3, 31, 12, tzinfo=UTC)


def failed(cause: str | None = "recipient_denied", count: int | None = 1, **changes: Any) -> Receipt:
    plain: dict[str, Any] = {
        "outcome": "failed",
        "cause": cause,
        "receive_count": count,
        "recorded_at": "2031-03-31T12:00:00.000Z",
    }
    return receipt_of(line(**(plain | changes)))


def wait_of(receipt: Receipt) -> tuple[float, float]:
    found = next_try_of(receipt)
    assert found
    return (found.earliest - AT).total_seconds() / 60, (found.latest - AT).total_seconds() / 60


def test_what_somebody_has_to_mend_waits_longer_and_longer_and_what_passes_is_tried_soon() -> None:
    assert [wait_of(failed(count=count)) for count in (1, 2, 5, 7)] == [(7.5, 15), (15, 30), (90, 180), (90, 180)]
    assert [wait_of(failed("throttled", count)) for count in (1, 2, 4)] == [(0.125, 0.25), (0.5, 1), (8, 16)]
    assert wait_of(failed("denied")) == (7.5, 15)  # as an earlier mover called it


def test_what_is_not_known_is_bounded() -> None:
    assert wait_of(failed(count=None)) == (0, 180)
    assert wait_of(failed("no_answer")) == (0.125, 16)  # S3 may carry it out until then, and the mover waits for that
    late = failed("no_answer", destination="gs://hj-incoming")  # where a token may be good for an hour
    assert wait_of(late) == (0.125, 61)
    assert next_try_of(failed(recorded_at=None)) is None
    assert next_try_of(replace(failed(), outcome=Outcome.GIVEN_UP)) is None


@pytest.mark.parametrize("cause", [each for each in Cause if not each.is_hopeless])
def test_the_mover_never_waits_outside_of_what_is_told(cause: Cause) -> None:
    for count in range(1, MOST_RECEIVES):
        found = next_try_of(failed(cause.value, count))
        assert found
        waits = [wait_seconds(cause, count, rng=random.Random(seed)) for seed in range(50)]
        second = timedelta(seconds=1)  # waits are whole seconds
        assert found.earliest - second <= AT + timedelta(seconds=min(waits))
        assert AT + timedelta(seconds=max(waits)) <= found.latest + second


def test_times_read_as_clocks_do() -> None:
    found = NextTry(AT, AT + timedelta(minutes=14, seconds=30))
    assert found.words(AT) == "next try by 12:15 UTC"
    assert found.words(AT - timedelta(days=1)) == "next try by 2031-03-31 12:15 UTC"
    assert found.words(found.latest) == "next try any moment now"
    assert Failing(2, ("recipient_denied",), found).words(AT) == (
        "2 files failing: recipient_denied, next try by 12:15 UTC"
    )
    assert Failing(1, (), None).words(AT) == "1 file failing: no receipt says why"


def test_the_newest_receipt_of_each_upload_counts() -> None:
    told = Outcomes()
    for receipt in [
        failed(key="hearings/a"),
        failed(key="hearings/b", count=3),
        failed(key="hearings/b", count=4, cause="no_answer"),
        failed(key="hearings/c"),
        failed(key="hearings/c", outcome="superseded"),
        failed(key="hearings/d"),
        failed(key="hearings/d", outcome="given_up"),
        failed(key="hearings/e", recorded_at="2031-03-30T11:59:59.000Z"),
    ]:
        told.note(receipt)
    since = AT - timedelta(days=1)
    assert [each.key for each in told.being_tried(since)] == ["hearings/a", "hearings/b"]
    assert failing_of(told.being_tried(since)) == Failing(
        2, ("no_answer", "recipient_denied"), NextTry(AT + timedelta(minutes=7.5), AT + timedelta(minutes=15))
    )
    assert failing_of([]) is None
