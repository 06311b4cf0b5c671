"""Whole batches of the mover over S3 in memory, where a schedule decides what happens next.

In: uploads, and a schedule. Out: what is wrong in the end. Whenever the engine (`data_exports.mover.batch`) waits, the
schedule chooses: which call is carried out (a copy in two steps), an upload, another batch that SQS hands out
meanwhile, the death of the function.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from data_exports.contract.receipts import Outcome, Receipt, receipts_file
from data_exports.mover.batch import Batch
from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.protocol import Call, Copy, CopyVersion, ObjectStore, StoreAnswer
from data_exports.mover.rules.together import deliver_together
from data_exports.mover.rules.uploads import Rules, Upload
from tests.model.memory_s3 import HUB, Memory, Stored, answer, read_for_copy, write_copy

Choose = Callable[[int], int]
THREE_AT_ONCE = replace(CAPABILITIES, calls_at_once=3)
RULES = Rules("orders", HUB, keep_files=False, largest_copy_bytes=1000, capabilities=CAPABILITIES)


class Died(BaseException):
    """The function's process is gone."""


@dataclass
class World:
    """S3, the queue, and a schedule that decides what happens next."""

    uploads: list[tuple[str, bytes]]
    choose: Choose
    duplicates: int = 1
    deaths: int = 1
    overlaps: int = 1
    rules: Rules = RULES
    memory: Memory = field(default_factory=Memory)
    queue: list[Upload] = field(default_factory=list)
    files: int = 0

    def run(self) -> list[str]:
        while self.uploads or self.queue:
            if self.uploads and (not self.queue or self.choose(2)):
                self.upload()
            else:
                self.run_batch()
        return list(self.wrong())

    def upload(self) -> None:
        key, body = self.uploads.pop(0)
        self.memory = self.memory.upload(key, body)
        stored = self.memory.hub_key(key).versions[-1]
        event = Upload(HUB, key, stored.version_id, stored.etag, len(body), None, None, 1, received_before=False)
        self.queue += [event] * (1 + self.duplicates)
        self.duplicates = 0

    def run_batch(self) -> None:
        size = 1 + self.choose(len(self.queue))
        messages, self.queue = self.queue[:size], self.queue[size:]
        deliveries, follows = deliver_together(messages, self.rules)
        batch = Batch(deliveries, self.store(), receipts_file=self.receipts_file, follows=follows)
        try:
            results = batch.run()
        except Died:
            self.queue += [replace(upload, received_before=True) for upload in messages]
        else:
            assert [result for result in results if result.outcome is Outcome.FAILED] == []
            self.queue += [result.continuation for result in results if result.continuation]

    def store(self) -> ObjectStore:
        return ScheduledStore(self)

    def delivered(self, key: str) -> bytes | None:
        stored = self.memory.delivered(key)
        return stored and stored.body

    def others(self) -> list[Callable[[], None]]:
        """What may happen while a batch waits."""
        others: list[Callable[[], None]] = []
        if self.uploads:
            others.append(self.upload)
        if self.overlaps and self.queue:
            others.append(self.overlap)
        if self.deaths:
            others.append(self.die)
        return others

    def overlap(self) -> None:
        self.overlaps -= 1
        self.run_batch()

    def die(self) -> None:
        self.deaths -= 1
        raise Died

    def receipts_file(self, receipts: Sequence[Receipt]) -> tuple[str, bytes]:
        self.files += 1
        now = datetime(2026, 11, 2, tzinfo=UTC)
        return receipts_file(
            receipts, dataset="orders", destination="s3://t", mover_version="1", now=now, identifier=f"{self.files:04}"
        )

    def wrong(self) -> Iterator[str]:
        receipts = {(receipt["version_id"], receipt["outcome"]) for receipt in self.memory.receipts()}
        for key, content in self.memory.hub:
            newest = content.versions[-1]
            if self.delivered(key) != newest.body:
                yield f"{key}: the recipient does not hold the newest content"
            if content.current:
                yield f"{key}: the hub still shows an upload"
            if (newest.version_id, "delivered") not in receipts:
                yield f"{key}: the newest upload has no receipt of its delivery"
            for version in content.versions:
                if version.version_id not in {version_id for version_id, _ in receipts}:
                    yield f"{key}: {version.version_id} has no receipt"


@dataclass
class ScheduledStore:
    """An ObjectStore whose answers come when the schedule says."""

    world: World
    capabilities: Capabilities = THREE_AT_ONCE
    calls: list[tuple[int, Call, Stored | None]] = field(default_factory=list)

    def send(self, call: Call, tag: int) -> None:
        self.calls.append((tag, call, None))

    def wait(self) -> tuple[int, StoreAnswer]:
        while True:
            others = self.world.others()
            chosen = self.world.choose(len(self.calls) + len(others))
            if chosen >= len(self.calls):
                others[chosen - len(self.calls)]()
            elif (result := self.step(chosen)) is not None:
                return result

    def step(self, number: int) -> tuple[int, StoreAnswer] | None:
        tag, call, read = self.calls.pop(number)
        if isinstance(call, Copy | CopyVersion):
            found = read or read_for_copy(self.world.memory, call)
            if not isinstance(found, Stored):
                return tag, found
            if read is None:
                self.calls.append((tag, call, found))
                return None
            self.world.memory, copied = write_copy(self.world.memory, call.key, found)
            return tag, copied
        self.world.memory, result = answer(self.world.memory, call)
        return tag, result


def every_schedule(run: Callable[[Choose], list[str]]) -> tuple[int, list[str]]:
    """Run once for each way in which the choices can fall. Return how many there are, or what is wrong in the first."""
    prefix: list[int] = []
    runs = 0
    while True:
        taken: list[tuple[int, int]] = []

        def choose(options: int, taken: list[tuple[int, int]] = taken, prefix: list[int] = prefix) -> int:
            choice = prefix[len(taken)] if len(taken) < len(prefix) else 0
            taken.append((choice, options))
            return choice

        wrong = run(choose)
        runs += 1
        if wrong:
            return runs, wrong
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return runs, []
        prefix = [choice for choice, _ in taken]
        prefix[-1] += 1
