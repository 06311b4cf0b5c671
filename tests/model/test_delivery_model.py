"""Proof of delivery: the mover's own rules, driven through every interleaving within bounds.

What is driven are the generators of `data_exports.mover.rules.delivery`, against S3 in memory (`memory_s3`), by the
explorer next to this file, which says what a world is. At the end of every world must hold: the recipient has the
newest upload, its content and its attributes, the hub shows nothing (or, with keep_files, the newest upload), every
upload has its receipt and the newest one a receipt of its delivery; nothing was ever hidden before its delivery was on
record, and nothing was destroyed.

EXPLORE_ALL=1 in the environment widens the searches to all bounds for up to 3 uploads, and to 4 uploads with a repeated
event and a crash; docs/delivery.md says how many worlds that are.
"""

import os
from dataclasses import replace

import pytest

from data_exports.contract.receipts import Outcome
from data_exports.mover.rules.delivery import Steps, deliver
from data_exports.mover.rules.protocol import Copied, Copy, Retire
from data_exports.mover.rules.same_key import SameKey
from data_exports.mover.rules.uploads import DeliveryResult, Rules, Upload
from tests.model.explorer import Search
from tests.model.memory_s3 import ANY, NEVER_ON, SUSPENDED
from tests.model.worlds import Bounds

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
CALM = Bounds(duplicates=0, crashes=0)
SMALLEST = [CALM]
VERSIONING = [
    ("A", Bounds(versioning=NEVER_ON, toggles=1)),
    ("A", Bounds(versioning=SUSPENDED, toggles=2)),
    *((contents, replace(CALM, versioning=SUSPENDED)) for contents in ("AA", "AB", "AAA", "ABA", "ABC")),
    *((contents, replace(CALM, versioning=SUSPENDED, events_at_once=2)) for contents in ("AA", "AB", "ABA")),
    *((contents, replace(CALM, crashes=1, toggles=1)) for contents in ("AA", "AB")),
    *((contents, replace(CALM, toggles=1)) for contents in ("AAB", "ABA", "ABC")),
]
MORE_VERSIONING = [
    *((contents, replace(CALM, crashes=1, toggles=2)) for contents in ("AA", "AB", "AAB", "ABC")),
    *((contents, replace(CALM, crashes=1, versioning=SUSPENDED, toggles=1)) for contents in ("AA", "AB", "ABA", "ABC")),
    *((contents, Bounds(versioning=SUSPENDED, toggles=1)) for contents in ("AA", "AB")),
]
SWEPT = Bounds(duplicates=0, sweeps=True)
SWEEPS = [
    ("A", replace(SWEPT, losses=1)),
    ("AB", replace(SWEPT, handlers_at_once=1, lates=1)),
    ("AB", replace(SWEPT, crashes=0, losses=1)),
    ("AA", replace(SWEPT, crashes=0)),
]
MORE_SWEEPS = [
    ("AB", replace(SWEPT, losses=1)),
    ("AA", SWEPT),
    ("A", replace(SWEPT, losses=1, lates=1)),
    ("ABC", replace(SWEPT, crashes=0, losses=1, handlers_at_once=1)),
    ("AB", replace(SWEPT, crashes=0, losses=1, versioning=SUSPENDED)),
]
TOGETHER = [(contents, Bounds(crashes=0, events_at_once=2)) for contents in ("AA", "AB")] + [
    (contents, replace(CALM, handlers_at_once=1, events_at_once=2, counts_copies=True)) for contents in ("AAB", "ABA")
]
MORE_TOGETHER = [(contents, Bounds(events_at_once=2)) for contents in ("AA", "AB")] + [
    (contents, replace(CALM, events_at_once=2)) for contents in ("AAB", "ABA", "ABC")
]
LIES = [(contents, replace(CALM, lies=1)) for contents in ("A", "AA", "AB")]
REFUSED = [(contents, replace(CALM, crashes=1, may_list=False)) for contents in ("A", "AA", "AB")]
LATE_STARTS = [(contents, Bounds(duplicates=0, lates=1, late_starts=1)) for contents in ("A", "AB")]
MORE_OF_ALL = MORE_VERSIONING + MORE_SWEEPS + MORE_TOGETHER
ALL = os.environ.get("EXPLORE_ALL") == "1"


def searches(*, keep_files: bool) -> list[tuple[str, Bounds]]:
    usual = USUAL + FAULTS + LATE
    bounds = {
        ("A", "AA", "AB"): usual + (LATER if ALL else []),
        ("ABC", "ABA", "AAB"): [*usual, LATEST] if ALL else USUAL[:1] if keep_files else SMALL,
        ("ABCA", "ABAB"): USUAL[:1] if ALL else [],
        ("ABCA",): SMALLEST if keep_files or not ALL else [],
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


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
@pytest.mark.parametrize(
    ("contents", "bounds"),
    VERSIONING + SWEEPS + TOGETHER + LIES + REFUSED + LATE_STARTS + (MORE_OF_ALL if ALL else []),
    ids=str,
)
def test_the_newest_upload_is_delivered_whatever_else_happens(contents: str, bounds: Bounds, keep_files: bool) -> None:
    assert Search(contents, deliver, bounds, keep_files=keep_files).run(stop_at=1).violations == []


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
@pytest.mark.parametrize("contents", ["A", "AB"])
def test_a_sweep_delivers_what_a_dead_function_left_before_its_message_is_visible_again(
    contents: str, keep_files: bool
) -> None:
    dead = replace(SWEPT, handlers_at_once=1, dead_stay_away=True)
    wrong = Search(contents, deliver, dead, keep_files=keep_files).run().violations
    # What died between receipt and retire is delivered, and taken out of sight when its message comes back. Then an
    # upload that was overtaken meanwhile gets its receipt, too.
    open_till_then = {"the hub still shows an upload", "upload 0 has no receipt"}
    assert {violation.partition(":")[0] for violation in wrong} <= open_till_then


def test_the_search_is_as_large_as_it_is_meant_to_be() -> None:
    """A search that sees little proves little: these figures change only with the rules or the bounds."""
    sizes = {contents: Search(contents, deliver, Bounds()).run().worlds for contents in ("A", "AA", "AB")}
    assert sizes == {"A": 275, "AA": 13265, "AB": 14035}


# The old mover: the search must notice. Each rule taken away: `test_rules_dropped`.


def old_mover(upload: Upload, rules: Rules, same_key: SameKey | None = None) -> Steps:
    """Copy the key, then delete the key, whatever is there. A failure is tried again, and at last dropped."""
    if not isinstance((yield Copy(upload.key, ANY)), Copied):
        return DeliveryResult(Outcome.FAILED, "NoSuchKey")
    yield Retire(upload.key, ANY)
    return DeliveryResult(Outcome.DELIVERED)


def test_the_old_mover_loses_an_upload_that_comes_between_its_copy_and_its_delete() -> None:
    bounds = Bounds(duplicates=0, crashes=0)
    search = Search("AB", old_mover, bounds, dropped_when_failed=True, check_receipts=False)
    assert (
        "the recipient does not hold the newest content: upload 0, 0, 0: Copy reads, 0: Copy -> Copied, upload 1, "
        "0: Retire -> Retired, 0 ends, 1, 1: Copy -> Gone, 1 ends as a dead letter"
    ) in search.run().violations
