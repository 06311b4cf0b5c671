import random

from data_exports.mover.wire.retry_policy import RetryPolicy, retry_seconds


def test_repeats_follow_at_random_within_a_growing_time() -> None:
    draw = random.Random(7)
    longest = [max(retry_seconds(tries, rng=draw) for _ in range(1000)) for tries in range(1, 9)]
    assert [round(seconds, 1) for seconds in longest] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]


class Longest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


POLICY = RetryPolicy(most_tries=3, seconds_for_tries=60, seconds_kept=10)


def pause(tries: int = 2, *, elapsed_seconds: float = 60, seconds_left: float = 41) -> float | None:
    return POLICY.pause_seconds(
        tries,
        elapsed_seconds=elapsed_seconds,
        is_refused=False,
        seconds_left=seconds_left,
        answer_seconds=30,
        rng=Longest(),
    )


def test_what_failed_for_a_moment_is_made_again_after_a_pause_that_leaves_time_for_its_answer() -> None:
    assert (pause(), pause(tries=1, seconds_left=40.5)) == (1.0, 0.5)


def test_it_is_given_up_when_it_took_too_long_or_its_answer_could_come_too_late() -> None:
    assert (pause(elapsed_seconds=60.1), pause(seconds_left=40.9)) == (None, None)


def test_it_is_made_so_many_times_and_no_more() -> None:
    assert (pause(tries=3, seconds_left=900), pause(tries=2, seconds_left=900)) == (None, 1.0)


def test_what_may_have_been_carried_out_is_not_made_again_where_that_would_make_two() -> None:
    once = RetryPolicy(most_tries=3, seconds_for_tries=60, only_if_refused=True)
    pauses = [
        once.pause_seconds(
            1, elapsed_seconds=0, is_refused=is_refused, seconds_left=100, answer_seconds=30, rng=Longest()
        )
        for is_refused in (True, False)
    ]
    assert pauses == [0.5, None]
