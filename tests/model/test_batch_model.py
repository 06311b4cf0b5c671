"""The batch engine adds nothing wrong to the rules: deliveries of many keys, in batches that overlap and die.

Whole batches run (`data_exports.mover.batch`) over S3 in memory. Whenever the engine waits, a schedule decides what
happens next: which call S3 carries out (a copy in two steps), an upload, another batch that SQS hands out meanwhile,
the death of the function. Small cases run under every schedule, larger ones under schedules drawn at random.
"""

import random

import pytest

from tests.model.schedules import Choose, World, every_schedule


@pytest.mark.parametrize(
    ("contents", "duplicates", "deaths", "schedules"),
    [("A", 1, 1, 144), ("A", 2, 0, 25), ("AB", 1, 0, 293), ("AA", 1, 0, 235), ("AB", 0, 1, 1221), ("AA", 0, 1, 634)],
)
def test_a_batch_keeps_the_promise_under_every_schedule(
    contents: str, duplicates: int, deaths: int, schedules: int
) -> None:
    def run(choose: Choose) -> list[str]:
        uploads = [("orders/a", letter.encode()) for letter in contents]
        return World(uploads, choose, duplicates=duplicates, deaths=deaths).run()

    assert every_schedule(run) == (schedules, [])


@pytest.mark.parametrize("contents", ["ABC", "ABA", "AAB", "ABCA"])
def test_a_batch_keeps_the_promise_under_schedules_drawn_at_random(contents: str) -> None:
    for seed in range(1000):
        draw = random.Random(seed)
        uploads = [("orders/a", letter.encode()) for letter in contents] + [("orders/b", b"B"), ("orders/b", b"B")]
        draw.shuffle(uploads)
        world = World(uploads, draw.randrange, duplicates=2, deaths=2, overlaps=3)
        assert (seed, world.run()) == (seed, [])
