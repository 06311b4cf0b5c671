"""An upload is followed until its receipt settles it: not by clocks of ours, not by receipts of other uploads."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from data_exports.contract.receipts import Receipt, receipt_of
from data_exports.operate.follow import Followed, follow
from tests.estates import PLATFORM, push
from tests.unit.operate.receipt_log import Log, file_at, line, packed

SENT = datetime(2031, 3, 30, 9, 0, 0, tzinfo=UTC)


class World:
    """AWS with a log bucket that fills while somebody waits, and a clock that only waiting moves."""

    def __init__(self, *events: tuple[float, str, list[dict[str, Any]]]) -> None:
        self.log = Log({}, page=1000)
        self.events = sorted(events, key=lambda event: event[0])
        self.now = 0.0

    def client(self, service: str) -> "World":
        assert service == "s3"
        return self

    def get_paginator(self, operation: str) -> "World":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **arguments: Any) -> Any:
        assert arguments.pop("ExpectedBucketOwner") == PLATFORM.account
        return self.log.paginate(**arguments | {"Bucket": "hub-log"})

    def get_object(self, **arguments: Any) -> Any:
        assert arguments.pop("ExpectedBucketOwner") == PLATFORM.account
        return self.log.get_object(**arguments | {"Bucket": "hub-log"})

    def pause(self, seconds: float) -> None:
        self.now += seconds
        while self.events and self.events[0][0] <= self.now:
            _, name, lines = self.events.pop(0)
            self.log.files[name] = packed(*lines)

    def follow(
        self,
        *uploads: tuple[str, str],
        timeout: float = 60,
        on_receipt: Callable[[Receipt], None] = lambda _: None,
        known: Mapping[tuple[str, str], Receipt] | None = None,
    ) -> tuple[Followed, ...]:
        return follow(
            PLATFORM,
            push(),
            self,  # type: ignore[arg-type]
            uploads,
            since=SENT,
            timeout_seconds=timeout,
            on_receipt=on_receipt,
            known=known or {},
            clock=lambda: self.now,
            pause=self.pause,
        )


A, B = ("hearings/a.csv", "v1"), ("hearings/b.csv", "v2")


def told(receipt: Receipt | None) -> str | None:
    return receipt.outcome if receipt else None


def test_waiting_ends_with_the_last_receipt_and_reads_each_file_once() -> None:
    world = World(
        (1, file_at("20310330T090001Z"), [line(), line("hearings/others.csv")]),
        (20, file_at("20310330T090020Z"), [line(B[0], version_id=B[1])]),
    )
    found = world.follow(A, B)
    assert [(each.key, told(each.receipt), each.is_delivered) for each in found] == [
        ("hearings/a.csv", "delivered", True),
        ("hearings/b.csv", "delivered", True),
    ]
    assert 20 <= world.now < 26
    assert [name for name in world.log.asked if name != "list"] == list(world.log.files)


def test_a_receipt_of_another_version_settles_nothing() -> None:
    world = World((1, file_at("20310330T090001Z"), [line(version_id="older")]))
    (found,) = world.follow(A, timeout=30)
    assert (found.receipt, world.now) == (None, 30)


def test_a_file_named_for_an_earlier_second_is_found_although_later_ones_were_read() -> None:
    world = World(
        (1, file_at("20310330T090100Z"), [line(B[0], version_id=B[1])]), (5, file_at("20310330T085500Z"), [line()])
    )
    assert all(each.is_delivered for each in world.follow(A, B))


def test_a_failure_that_may_pass_is_told_and_waited_out() -> None:
    told: list[str] = []
    world = World(
        (1, file_at("20310330T090001Z"), [line(outcome="failed", reason="slow down", cause="throttled")]),
        (9, file_at("20310330T090009Z"), [line()]),
    )
    (found,) = world.follow(A, on_receipt=lambda receipt: told.append(receipt.outcome))
    assert (told, found.is_delivered) == (["failed", "delivered"], True)


def test_what_somebody_has_to_mend_and_what_was_given_up_is_not_waited_for() -> None:
    for settled in (
        {"outcome": "failed", "cause": "denied"},
        {"outcome": "given_up", "cause": "throttled"},
        {"outcome": "superseded"},
        {"outcome": "cancelled"},
    ):
        world = World((1, file_at("20310330T090001Z"), [line(**settled)]))
        (found,) = world.follow(A)
        assert (told(found.receipt), found.is_delivered, world.now < 3) == (settled["outcome"], False, True)


def test_what_was_known_before_is_no_news() -> None:
    before = line(outcome="failed", cause="denied", recorded_at="2031-03-30T08:59:00.000Z")
    world = World(
        (1, file_at("20310330T085900Z"), [before]),
        (9, file_at("20310330T090009Z"), [line(recorded_at="2031-03-30T09:00:09.000Z")]),
    )
    (found,) = world.follow(A, known={A: receipt_of(before)})
    assert found.is_delivered
