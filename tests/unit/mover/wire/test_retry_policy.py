import random

from data_exports.mover.wire.retry_policy import retry_seconds


def test_repeats_follow_at_random_within_a_growing_time() -> None:
    draw = random.Random(7)
    longest = [max(retry_seconds(tries, rng=draw) for _ in range(1000)) for tries in range(1, 9)]
    assert [round(seconds, 1) for seconds in longest] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]
