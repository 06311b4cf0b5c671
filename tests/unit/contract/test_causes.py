"""How long what failed stays away, and before a request is repeated."""

import random

import pytest

from data_exports.contract.causes import OLD_CAUSES, Cause, Side, needs_somebody, side_of
from data_exports.contract.timing import wait_seconds


def waits(cause: Cause, **more: float) -> list[list[int]]:
    """For each receive, the shortest and the longest of a thousand waits."""
    draw = random.Random(7)
    drawn = [[wait_seconds(cause, count, rng=draw, **more) for _ in range(1000)] for count in range(1, 9)]
    return [[min(each), max(each)] for each in drawn]


def test_a_passing_failure_is_waited_out_a_few_seconds_first_and_hours_at_last() -> None:
    steps = [[8, 15], [30, 60], [120, 240], [480, 960], [1920, 3840], *[[5400, 10800]] * 3]
    drawn = waits(Cause.UNWELL)
    assert all(low <= least and most <= high for (least, most), (low, high) in zip(drawn, steps, strict=True))
    assert all(
        most - least > (high - low) * 0.9 for (least, most), (low, high) in zip(drawn[1:], steps[1:], strict=True)
    )


def test_a_permanent_failure_has_no_quick_tries() -> None:
    assert min(least for least, _ in waits(Cause.RECIPIENT_DENIED)) >= 450


def test_what_is_hopeless_does_not_wait() -> None:
    assert waits(Cause.BAD_MESSAGE) == [[0, 0]] * 8


def test_no_wait_is_longer_than_the_longest_one_set() -> None:
    assert {most for _, most in waits(Cause.RECIPIENT_DENIED, longest_seconds=1)} == {1}


@pytest.mark.parametrize("count", [-1, 0, 10_000])
def test_an_odd_receive_count_is_no_obstacle(count: int) -> None:
    assert 0 < wait_seconds(Cause.UNWELL, count, rng=random.Random(7)) <= 10_800


def test_a_cause_names_the_side_that_has_to_act_and_is_permanent_if_it_does() -> None:
    sides: dict[Side | None, set[str]] = {}
    for cause in Cause:
        sides.setdefault(cause.side, set()).add(cause.value)
        assert cause.is_permanent is (cause.side is not None or cause is Cause.BAD_MESSAGE)
    assert sides == {
        Side.SENDER: {"upload_key", "upload_sse_c", "upload_archived", "upload_too_large", "upload_not_accepted"},
        Side.HUB: {"hub_denied", "hub_bucket", "hub_not_versioned", "hub_request", "hub_federation"},
        Side.RECIPIENT: {
            *("recipient_denied", "recipient_bucket", "recipient_key", "recipient_not_accepted"),
            "recipient_federation",
        },
        None: {
            *("bad_message", "throttled", "conflict", "unwell", "no_answer", "unreadable", "credentials", "clock"),
            *("out_of_time", "overwritten", "fault"),
        },
    }


def test_only_what_may_pass_within_seconds_is_repeated_at_once() -> None:
    momentary = {cause for cause in Cause if cause.is_momentary}
    assert momentary == {Cause.THROTTLED, Cause.CONFLICT, Cause.UNWELL, Cause.NO_ANSWER, Cause.UNREADABLE}
    assert not any(cause.is_permanent for cause in momentary)


def test_what_an_older_mover_recorded_needs_somebody_and_names_no_side() -> None:
    assert [(needs_somebody(cause), side_of(cause)) for cause in OLD_CAUSES] == [(True, None)] * 5
    assert not needs_somebody(None)


def test_what_a_newer_mover_recorded_is_of_the_side_that_its_first_word_names() -> None:
    assert (side_of("recipient_away"), needs_somebody("recipient_away")) == (Side.RECIPIENT, True)
    assert (side_of("moonstruck"), needs_somebody("moonstruck")) == (None, False)
