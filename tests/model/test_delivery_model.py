"""Proof of delivery: the mover's own rules, driven through every interleaving within bounds.

What is driven are the generators of `data_exports.mover.delivery`, against S3 in memory (`memory_s3`), by the explorer
next to this file, which says what a world is. At the end of every world must hold: the recipient has the newest
content, the hub shows nothing (or, with keep_files, the newest upload), every upload has its receipt and the newest one
a receipt of its delivery; and nothing was ever hidden before its delivery was on record.

The searches below take some 15 seconds and see a million worlds. EXPLORE_ALL=1 in the environment widens them to all
bounds for up to 3 uploads, and to 4 uploads with a repeated event and a crash: 40 million worlds, some 8 minutes, 3 GB.
"""

import os
from collections.abc import Callable, Generator
from dataclasses import replace

import pytest

from data_exports.mover.calls import Copied, Copy, Failure, Gone, Reply, Request, Retire
from data_exports.mover.delivery import Delivery, Steps, deliver
from data_exports.mover.receipts import Fate
from data_exports.mover.uploads import Outcome, Rules, Upload
from tests.model.explorer import Bounds, Search
from tests.model.memory_s3 import ANY

USUAL = [
    Bounds(duplicates=1, crashes=1, handlers_at_once=2),
    Bounds(duplicates=1, crashes=2, handlers_at_once=2),
    Bounds(duplicates=1, crashes=1, handlers_at_once=3),
    Bounds(duplicates=2, crashes=2, handlers_at_once=2),
]
FAULTS = [Bounds(crashes=0, faults=1)]
LATE = [Bounds(duplicates=1, crashes=0, lates=1), Bounds(duplicates=0, crashes=1, lates=1)]
LATER = [Bounds(duplicates=1, crashes=1, lates=1), Bounds(duplicates=0, crashes=0, lates=2), Bounds(faults=1, lates=1)]
SMALL = [Bounds(duplicates=0, crashes=1), Bounds(duplicates=1, crashes=0)]
LATEST = Bounds(duplicates=0, crashes=0, lates=1)
SMALLEST = [Bounds(duplicates=0, crashes=0)]
ALL = os.environ.get("EXPLORE_ALL") == "1"


def searches(*, keep_files: bool) -> list[tuple[str, Bounds]]:
    usual = USUAL + FAULTS + LATE + (LATER if ALL else [])
    bounds = {
        ("A", "AA", "AB"): usual,
        ("ABC", "ABA", "AAB"): [*usual, LATEST] if ALL else USUAL[:1] if keep_files else SMALL,
        ("ABCA", "ABAB"): USUAL[:1] if ALL else SMALLEST,
    }
    return [(contents, bound) for uploads, chosen in bounds.items() for contents in uploads for bound in chosen]


@pytest.mark.parametrize(("contents", "bounds"), searches(keep_files=False), ids=str)
def test_moving_delivers_the_newest_upload_in_every_world(contents: str, bounds: Bounds) -> None:
    assert Search(contents, deliver, bounds).run(stop_at=1).violations == []


@pytest.mark.parametrize(("contents", "bounds"), searches(keep_files=True), ids=str)
def test_keeping_delivers_the_newest_upload_in_every_world(contents: str, bounds: Bounds) -> None:
    assert Search(contents, deliver, bounds, keep_files=True).run(stop_at=1).violations == []


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
@pytest.mark.parametrize("contents", ["A", "AA", "AB"])
def test_cancelling_at_any_moment_leaves_a_receipt_and_later_uploads_arrive(contents: str, keep_files: bool) -> None:
    assert Search(contents, deliver, Bounds(cancels=1), keep_files=keep_files).run(stop_at=1).violations == []


def test_the_search_is_as_large_as_it_is_meant_to_be() -> None:
    """A search that sees little proves little: these figures change only with the rules or the bounds."""
    sizes = {contents: Search(contents, deliver, Bounds()).run().worlds for contents in ("A", "AA", "AB")}
    assert sizes == {"A": 212, "AA": 9191, "AB": 9979}


# The old mover, and each rule taken away: the search must notice.


def old_mover(upload: Upload, rules: Rules) -> Steps:
    """Copy the key, then delete the key, whatever is there. A failure is tried again, and at last dropped."""
    if not isinstance((yield Copy(upload.key, ANY)), Copied):
        return Outcome(Fate.FAILED, "NoSuchKey")
    yield Retire(upload.key, ANY)
    return Outcome(Fate.DELIVERED)


def test_the_old_mover_loses_an_upload_that_comes_between_its_copy_and_its_delete() -> None:
    bounds = Bounds(duplicates=0, crashes=0)
    search = Search("AB", old_mover, bounds, dropped_when_failed=True, check_receipts=False)
    assert (
        "the recipient does not hold the newest content: upload 0, 0, 0: Copy reads, 0: Copy -> Copied, upload 1, "
        "0: Retire -> Retired, 0 ends, 1, 1: Copy -> Gone, 1 is dropped"
    ) in search.run().violations


def resumed(steps: Generator[Request, Reply, Fate], reply: Reply) -> Generator[Request, Reply, Fate]:
    """The rest of a generator that waits for this reply."""
    while True:
        try:
            request = steps.send(reply)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        reply = yield request


class TakesEveryMessageForItsFirstReceipt(Delivery):
    def __init__(self, upload: Upload, rules: Rules) -> None:
        super().__init__(replace(upload, received_before=False), rules)


class TakesGoneForDone(Delivery):
    def copy(self) -> Generator[Request, Reply, Fate]:
        steps = super().copy()
        reply = yield next(steps)
        return Fate.SUPERSEDED if reply == Gone() else (yield from resumed(steps, reply))


class RetiresWhateverIsThere(Delivery):
    def retire(self, etag: str) -> Generator[Request, Reply, bool]:
        return (yield from super().retire(ANY))


class TakesOvertakenForDone(Delivery):
    def settle(self) -> Generator[Request, Reply, Fate]:
        return (yield from super().settle()) if self.ledger.written is None else self.ledger.fate


class DoesNotLookAfterKeeping(Delivery):
    def is_current(self) -> Generator[Request, Reply, bool]:
        yield from ()
        return True


class RetiresBeforeItRecords(Delivery):
    def record(self, fate: Fate = Fate.SUPERSEDED, *, late: bool = False) -> Generator[Request, Reply, None]:
        if late:
            yield from super().record(fate)

    def copy(self) -> Generator[Request, Reply, Fate]:
        fate = yield from super().copy()
        yield from self.record(fate, late=True)
        return fate


class SettlesWithoutLookingAgain(Delivery):
    def settle(self) -> Generator[Request, Reply, Fate]:
        versions = yield from self.list_versions()
        if versions.newest is None:
            return Fate.CANCELLED
        if versions.newest.version_id != self.ledger.written:
            yield from self.copy_version(versions.newest)
        if versions.current and not self.rules.keep_files:
            yield from self.retire(versions.newest.etag)
        return self.ledger.fate


class TakesAFailedCopyForOneThatWasNeverMade(Delivery):
    def note_failed_copy(self, failure: Failure) -> None:
        """Neither now nor later."""


class DoesNotComeBackToWhatMayBeLate(Delivery):
    def steps(self) -> Steps:
        return replace((yield from super().steps()), under_way=False)


STALE = "the recipient does not hold the newest content"


@pytest.mark.parametrize(
    ("delivery", "contents", "keep_files", "wrong"),
    [
        (TakesEveryMessageForItsFirstReceipt, "AB", False, STALE),
        (TakesEveryMessageForItsFirstReceipt, "AB", True, STALE),
        (TakesGoneForDone, "AA", False, "the newest upload has no receipt of its delivery"),
        (TakesGoneForDone, "ABA", False, STALE),
        (RetiresWhateverIsThere, "AB", False, "hidden before its receipt"),
        (TakesOvertakenForDone, "AB", False, STALE),
        (DoesNotLookAfterKeeping, "AB", True, STALE),
        (RetiresBeforeItRecords, "A", False, "hidden before its receipt"),
        (SettlesWithoutLookingAgain, "AB", False, STALE),
    ],
)
def test_no_rule_can_be_spared(
    delivery: Callable[[Upload, Rules], Delivery], contents: str, keep_files: bool, wrong: str
) -> None:
    search = Search(contents, lambda upload, rules: delivery(upload, rules).steps(), Bounds(), keep_files=keep_files)
    assert wrong in {violation.partition(":")[0] for violation in search.run(stop_at=2000).violations}


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
@pytest.mark.parametrize(
    ("delivery", "bounds"),
    [
        (DoesNotComeBackToWhatMayBeLate, Bounds(duplicates=0, crashes=0, lates=1)),
        (TakesAFailedCopyForOneThatWasNeverMade, Bounds(duplicates=0, crashes=0, lates=1)),
    ],
)
def test_a_copy_without_an_answer_is_never_forgotten(
    delivery: Callable[[Upload, Rules], Delivery], bounds: Bounds, keep_files: bool
) -> None:
    search = Search("AB", lambda upload, rules: delivery(upload, rules).steps(), bounds, keep_files=keep_files)
    assert STALE in {violation.partition(":")[0] for violation in search.run(stop_at=2000).violations}
