"""The rules hold for a destination that cannot copy by itself: what is read is written later, and anything may come
between: a newer upload, another batch, the death of the function before the write, after it, or in the midst of parts.
"""

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from data_exports.mover.rules.protocol import Call, ObjectStore
from data_exports.mover.rules.uploads import Rules
from tests.conformance.folder import CAPABILITIES
from tests.conformance.folder_world import DestinationCall, FolderStore
from tests.model.memory_s3 import HUB, Memory, answer
from tests.model.schedules import Choose, World, every_schedule

SMALL = Rules("orders", HUB, keep_files=False, largest_copy_bytes=1000, capabilities=CAPABILITIES)
IN_PARTS = replace(SMALL, largest_copy_bytes=1, part_bytes=2)


@dataclass
class FolderWorld(World):
    """A World whose recipient is a folder."""

    folder: Path = field(default_factory=Path)

    def store(self) -> ObjectStore:
        return ScheduledFolder(self)

    def delivered(self, key: str) -> bytes | None:
        arrived = FolderStore(self.folder, self.memory).destination.arrived(key)
        return arrived and arrived[0]

    def wrong(self) -> Iterator[str]:
        """Nothing may be left, either, but empty uploads in parts whose maker died before they were on record."""
        yield from super().wrong()
        for pattern in (".new-*", ".uploads/*/0*"):
            yield from (f"{each.name} is left" for each in self.folder.glob(pattern))


class ScheduledFolder(FolderStore):
    """A store whose requests are carried out when the schedule says."""

    def __init__(self, world: FolderWorld) -> None:
        super().__init__(world.folder, Memory())
        self.world = world
        self.way.memory = lambda: world.memory
        self.way.run_once = self.run_once  # type: ignore[method-assign]

    def send(self, call: Call, tag: int) -> None:
        if isinstance(call, DestinationCall):
            super().send(call, tag)
        else:
            self.way.pending.append(lambda: self.carry_out(call, tag))

    def carry_out(self, call: Call, tag: int) -> None:
        self.world.memory, told = answer(self.world.memory, call)
        self.in_flight.start(tag, told)

    def run_once(self) -> None:
        pending, others = self.way.pending, self.world.others()
        chosen = self.world.choose(len(pending) + len(others))
        if chosen >= len(pending):
            others[chosen - len(pending)]()
            return
        happens = pending[chosen]
        del pending[chosen]
        happens()


def run_in(folder: Path, world: FolderWorld) -> list[str]:
    shutil.rmtree(folder, ignore_errors=True)
    return world.run()


@pytest.mark.parametrize(
    ("contents", "duplicates", "deaths", "schedules"), [("A", 1, 1, 144), ("AB", 1, 0, 293), ("AA", 1, 0, 235)]
)
def test_small_files_keep_the_promise_under_every_schedule(
    contents: str, duplicates: int, deaths: int, schedules: int, tmp_path: Path
) -> None:
    folder = tmp_path / "to"

    def run(choose: Choose) -> list[str]:
        uploads = [("orders/a", letter.encode()) for letter in contents]
        world = FolderWorld(uploads, choose, duplicates=duplicates, deaths=deaths, rules=SMALL, folder=folder)
        return run_in(folder, world)

    assert every_schedule(run) == (schedules, [])


@pytest.mark.parametrize("rules", [SMALL, IN_PARTS], ids=["whole", "in parts"])
@pytest.mark.parametrize("contents", ["ABA", "AAB"])
def test_files_keep_the_promise_under_schedules_drawn_at_random(contents: str, rules: Rules, tmp_path: Path) -> None:
    folder = tmp_path / "to"
    for seed in range(50):
        rng = random.Random(seed)
        uploads = [("orders/a", letter.encode() * 5) for letter in contents] + [("orders/b", b"BBBBB")]
        rng.shuffle(uploads)
        world = FolderWorld(uploads, rng.randrange, duplicates=2, deaths=2, overlaps=2, rules=rules, folder=folder)
        assert (seed, run_in(folder, world)) == (seed, [])
