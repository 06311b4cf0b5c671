"""What is looked at again and again: only news is told, and each receipt once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from data_exports.contract.receipts import Damaged
from data_exports.errors import AwsError
from data_exports.names import DatasetName
from data_exports.operate.history import Wanted
from data_exports.operate.queues import QueueFigures
from data_exports.operate.receipts import Period
from data_exports.operate.status import DatasetStatus, Status
from data_exports.operate.traffic import HubBacklog
from data_exports.operate.watch import follow_history, watch_status
from data_exports.views.status import changed_since, render_change
from tests.estates import PLATFORM, push
from tests.unit.operate.failing_world import World
from tests.unit.operate.receipt_log import file_at, line, packed

NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)
ROW = DatasetStatus(DatasetName("hearings"), "push", "as declared", queues=QueueFigures(0, 0, 0))


def test_a_look_that_fails_ends_nothing_unless_it_is_the_first() -> None:
    looks: list[Any] = [Status(NOW, ()), AwsError("throttled"), Status(NOW, ())]

    def look() -> Status:
        found = looks.pop(0)
        if isinstance(found, AwsError):
            raise found
        return found  # type: ignore[no-any-return]

    pauses: list[float] = []
    seen = list(islice(watch_status(look, every_seconds=7, pause=pauses.append), 3))
    assert [type(each) for each in seen] == [Status, AwsError, Status]
    assert pauses == [7, 7]
    looks[:] = [AwsError("no credentials")]
    with pytest.raises(AwsError):
        next(watch_status(look, every_seconds=7))


def test_time_alone_is_no_news_until_something_deserves_a_look() -> None:
    waits = replace(ROW, waiting=HubBacklog(1, NOW - timedelta(minutes=10), is_partial=False))
    before = Status(NOW, (waits,))
    assert not changed_since(before, replace(before, at=NOW + timedelta(minutes=4)))
    assert changed_since(before, replace(before, at=NOW + timedelta(minutes=6)))  # it is late now
    assert changed_since(before, Status(NOW, (ROW,)))
    assert changed_since(before, replace(before, notes=("the hub: not known",)))


def test_a_change_is_told_by_the_rows_that_changed() -> None:
    other = replace(ROW, name=DatasetName("letters"))
    gone = replace(ROW, name=DatasetName("gone"))
    before = Status(NOW, (ROW, other, gone), (("exports-hub", "different"),), ("the hub: not known",))
    dead = replace(ROW, queues=QueueFigures(0, 0, 1))
    after = Status(
        NOW + timedelta(seconds=9), (dead, other), (("exports-hub", "as declared"),), ("the roles: not known",)
    )
    assert render_change(before, after).splitlines() == [
        "2031-03-31 12:00:09 UTC",
        "dataset   kind  state        in hub  queued  flying  dead  oldest  last delivery  last day",
        "hearings  push  as declared  -       0       0       1     -       -              -",
        "gone: gone",
        "hub as declared",
        "! hearings: 1 dead letter: exports failures hearings",
        "? the roles: not known",
    ]


class Filling(World):
    """A log bucket that gets a file with each pause."""

    def __init__(self, files: dict[str, bytes], *later: tuple[str, bytes]) -> None:
        super().__init__(files, [])
        self.later = list(later)

    def pause(self, seconds: float) -> None:
        assert seconds == 5
        name, body = self.later.pop(0)
        self.log.files[name] = body

    def follow(self, since: datetime | None = None) -> Iterator[str]:
        wanted = Wanted(Period(since))
        found = follow_history(
            *(PLATFORM, [push()], self, wanted),  # type: ignore[arg-type]
            role_ids={},
            every_seconds=5,
            pause=self.pause,
        )
        return (each.file if isinstance(each, Damaged) else each.receipt.key for each in found)


def stamp(ahead: timedelta = timedelta()) -> str:
    return f"{datetime.now(UTC) + ahead:%Y%m%dT%H%M%SZ}"


def test_receipts_come_once_and_those_before_are_left_out() -> None:
    old, new, torn = file_at(stamp()), file_at(stamp(), "y"), file_at(stamp(), "z")
    world = Filling(
        {old: packed(line("hearings/old"))},
        (new, packed(line("hearings/new"), line("hearings/old", outcome="superseded"))),
        (torn, b"torn"),
        (file_at(stamp(timedelta(minutes=-9))), packed(line("hearings/new"), line("hearings/late"))),
    )
    assert list(islice(world.follow(), 4)) == ["hearings/new", "hearings/old", torn, "hearings/late"]
    assert old not in world.log.asked


def test_those_before_come_first_when_asked_for() -> None:
    begins = datetime(2031, 3, 30, 9, tzinfo=UTC)
    world = Filling(
        {
            file_at("20310330T085959Z"): packed(line("hearings/before", recorded_at="2031-03-30T08:59:59.000Z")),
            file_at("20310330T090001Z"): packed(line("hearings/a")),
        },
        (file_at("20310330T090002Z"), packed(line("hearings/a"), line("hearings/b"))),
    )
    assert list(islice(world.follow(begins), 2)) == ["hearings/a", "hearings/b"]
