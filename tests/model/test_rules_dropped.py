"""No rule can be spared: each one is taken away in turn, and the explorer names what breaks.

A rule that can be dropped without a counterexample is none, and does not belong in the mover. Rules that guard against
a cost are dropped in worlds that count what is copied.
"""

from collections.abc import Generator
from dataclasses import dataclass, fields, replace

import pytest

from data_exports.contract.receipts import Outcome
from data_exports.contract.timing import VISIBILITY_TIMEOUT_SECONDS
from data_exports.mover.rules.delivery import Delivery, Steps, deliver
from data_exports.mover.rules.hub_version import HubVersion
from data_exports.mover.rules.large import LargeCopy
from data_exports.mover.rules.ledger import Ledger
from data_exports.mover.rules.protocol import (
    Checkpoint,
    Copy,
    CopyParts,
    CopyVersion,
    Failed,
    Forbidden,
    Part,
    Reply,
    Request,
)
from data_exports.mover.rules.same_key import SameKey
from data_exports.mover.rules.stopped import stopped_by
from data_exports.mover.rules.uploads import Rules, Upload
from tests.model.explorer import Search
from tests.model.memory_s3 import ANY, SUSPENDED
from tests.model.worlds import Bounds, Deliver

Outcomes = Generator[Request, Reply, Outcome]


class TakesEveryMessageForItsFirstReceipt(Delivery):
    def __init__(self, upload: Upload, rules: Rules, same_key: SameKey | None = None) -> None:
        super().__init__(replace(upload, received_before=False), rules, same_key)


class TakesGoneForDone(Delivery):
    def settle(self) -> Outcomes:
        yield from ()
        return Outcome.SUPERSEDED if not self.ledger.wrote else (yield from super().settle())


class RetiresWhateverIsThere(Delivery):
    def retire(self, etag: str) -> Generator[Request, Reply, bool]:
        return (yield from super().retire(ANY))


class TakesOvertakenForDone(Delivery):
    def settle(self) -> Outcomes:
        return self.ledger.outcome if self.ledger.wrote else (yield from super().settle())


class DoesNotLookAfterKeeping(Delivery):
    def is_current(self) -> Generator[Request, Reply, bool]:
        yield from ()
        return True


class RetiresBeforeItRecords(Delivery):
    is_late = False

    def record(self, outcome: Outcome = Outcome.SUPERSEDED) -> Generator[Request, Reply, None]:
        if self.is_late:
            yield from super().record(outcome)

    def copy(self) -> Outcomes:
        outcome = yield from super().copy()
        self.is_late = True
        return outcome


class SettlesWithoutLookingAgain(Delivery):
    def settle(self) -> Outcomes:
        versions = yield from self.list_versions()
        if versions.newest is None:
            return Outcome.CANCELLED
        if not self.is_written(versions.newest):
            yield from self.copy_version(versions.newest)
        if versions.current and not self.rules.keep_files and (yield from self.may_retire()):
            yield from self.retire(versions.newest.etag)
        return self.ledger.outcome


class TakesAFailedCopyForOneThatWasNeverMade(Delivery):
    def note_failed_copy(self, failure: Failed) -> None:
        """Neither now nor later."""


class DoesNotComeBackToWhatMayBeLate(Delivery):
    def steps(self) -> Steps:
        return replace((yield from super().steps()), under_way=False)


class SeesNoInterference(Ledger):
    def note_interference(self) -> None:
        """What was written is at the recipient for ever."""


class BelievesWhatItWroteThoughAnotherHidIt(Delivery):
    def __init__(self, upload: Upload, rules: Rules, same_key: SameKey | None = None) -> None:
        super().__init__(upload, rules, same_key)
        self.ledger = SeesNoInterference(upload)


class RetiresThoughVersioningIsOff(Delivery):
    def may_retire(self) -> Generator[Request, Reply, bool]:
        yield from super().may_retire()
        return True


class TellsVersionsByTheirIdAlone(Delivery):
    def is_written(self, version: HubVersion) -> bool:
        return self.ledger.written is not None and version.version_id == self.ledger.written.version_id


class CopiesWhateverTheVersionHasBecome(Delivery):
    def try_copy(self, request: Copy | CopyVersion) -> Generator[Request, Reply, Reply]:
        return (yield from super().try_copy(request if isinstance(request, Copy) else replace(request, etag=None)))


class BelievesAnEmptyListing(Delivery):
    def prove_removal(self) -> Generator[Request, Reply, None]:
        yield from ()


class TakesA403ForARefusal(Delivery):
    def look_before_judging(self, refusal: Forbidden) -> Generator[Request, Reply, None]:
        yield from ()
        raise stopped_by(refusal)


class IgnoresWhatOthersHaveSettled(Delivery):
    def __init__(self, upload: Upload, rules: Rules, same_key: SameKey | None = None) -> None:
        super().__init__(upload, rules)


class SettlesWhatASweepFindsGone(Delivery):
    def is_repeated_by_the_sweep(self) -> bool:
        return False


class NeverSettlesForASweep(Delivery):
    def is_repeated_by_the_sweep(self) -> bool:
        return self.upload.swept


class SettlesLargeOnesOfOthers(Delivery):
    def is_for_a_message_of_its_own(self, newest: HubVersion) -> bool:
        return False


class SendsNothingOn(Delivery):
    def steps(self) -> Steps:
        return replace((yield from super().steps()), continuation=None)


class ForgetsNothing(Delivery):
    def abort_unfinished_copies(self) -> Generator[Request, Reply, None]:
        yield from ()


class ForgetsWhenTheNewerOneIsWritten(Delivery):
    def settle(self) -> Outcomes:
        may_leave_parts, self.may_leave_parts = self.may_leave_parts, False
        outcome = yield from super().settle()
        self.may_leave_parts = may_leave_parts
        return outcome


class BeginsAnewEachTime(LargeCopy):
    def take_up(self) -> Generator[Request, Reply, Checkpoint | Reply]:
        return (yield from self.begin())


class TakesNothingBack(LargeCopy):
    def take_back(self, failed: Failed) -> Generator[Request, Reply, Failed]:
        yield from ()
        return failed


class CompletesWithoutLookingAgain(LargeCopy):
    def look_again(self) -> Generator[Request, Reply, Reply | None]:
        yield from ()
        return None


class CopiesPartsOfWhateverThereIs(LargeCopy):
    def parts_of_now(self, now: Checkpoint, parts: tuple[Part, ...]) -> CopyParts:
        return replace(super().parts_of_now(now, parts), etag=None)


class TakesARecordForProof(LargeCopy):
    def unproven(self, checkpoint: Checkpoint) -> Checkpoint:
        return checkpoint


class GoesOnWithAnothersCopy(LargeCopy):
    def may_go_on(self, checkpoint: Checkpoint) -> bool:
        return True


class GoesOnWithWhatWasBegunElsewhere(LargeCopy):
    def was_begun_here(self, checkpoint: Checkpoint) -> bool:
        return True


def by(delivery: type[Delivery]) -> Deliver:
    """Deliver by other rules."""

    def changed(upload: Upload, rules: Rules, same_key: SameKey | None = None) -> Steps:
        return delivery(upload, rules, same_key).steps()

    changed.__name__ = delivery.__name__
    return changed


def copying_by(copy: type[LargeCopy]) -> Deliver:
    """Copy in parts by other rules."""
    return by(type(copy.__name__, (Delivery,), {"large_copy": copy}))


@dataclass(frozen=True, slots=True)
class AnyOfItsContent(Upload):
    """An upload that does not look at S3's mark."""

    def is_surely(self, other: Upload) -> bool:
        return self.may_be(other.version)


@dataclass(frozen=True, slots=True)
class AnyOfItsId(Upload):
    """An upload that is known by its version id alone."""

    def may_be(self, version: HubVersion) -> bool:
        return self.version_id == version.version_id


def knowing(kind: type[Upload]) -> Deliver:
    """Deliver uploads that are told apart by other marks."""

    def changed(upload: Upload, rules: Rules, same_key: SameKey | None = None) -> Steps:
        return deliver(kind(**{each.name: getattr(upload, each.name) for each in fields(Upload)}), rules, same_key)

    changed.__name__ = kind.__name__
    return changed


def remembering_for_ever() -> Deliver:
    """Tell what was settled also to deliveries that are not made together."""
    one = SameKey()

    def remembering(upload: Upload, rules: Rules, same_key: SameKey | None = None) -> Steps:
        return deliver(upload, rules, one)

    return remembering


CALM = Bounds(duplicates=0, crashes=0)
ALONE = replace(CALM, handlers_at_once=1, counts_copies=True)
LATE = replace(CALM, lates=1)
NULL_UPLOADS = replace(CALM, versioning=SUSPENDED)
CRASH = replace(CALM, crashes=1)

STALE = "the recipient does not hold the newest content"
OTHER_ATTRIBUTES = "the recipient does not hold the newest upload's attributes"
TOO_EARLY = "hidden before its receipt"
NO_RECEIPT = "the newest upload has no receipt of its delivery"
LEFT = "an upload in parts is left at the recipient"
DESTROYED = "the newest upload was destroyed"
INVENTED = "a receipt of what was not written"

ONE_BATCH = replace(ALONE, events_at_once=2)
TWICE = "one batch copies an upload twice"
SWEPT_TWICE = "a sweep delivers once more"
OUTDATED = "an overtaken upload is completed"
LOST_AND_LATE = replace(CRASH, sweeps=True, losses=1, lates=1)
REMEMBERS = replace(CALM, faults=1, remembers=True)

MOVING: list[tuple[Deliver, str, Bounds, str]] = [
    (by(TakesEveryMessageForItsFirstReceipt), "AB", Bounds(), STALE),
    (by(TakesGoneForDone), "AA", Bounds(), NO_RECEIPT),
    (by(TakesGoneForDone), "ABA", Bounds(), STALE),
    (by(TakesA403ForARefusal), "A", Bounds(crashes=0, may_list=False), "failed"),
    (by(RetiresWhateverIsThere), "AB", Bounds(), TOO_EARLY),
    (by(RetiresBeforeItRecords), "A", Bounds(), TOO_EARLY),
    (by(TakesOvertakenForDone), "AB", Bounds(), STALE),
    (by(SettlesWithoutLookingAgain), "AB", Bounds(), STALE),
    (by(TakesAFailedCopyForOneThatWasNeverMade), "AB", LATE, STALE),
    (by(DoesNotComeBackToWhatMayBeLate), "AB", LATE, STALE),
    (by(BelievesWhatItWroteThoughAnotherHidIt), "AA", CALM, OTHER_ATTRIBUTES),
    (by(RetiresThoughVersioningIsOff), "A", NULL_UPLOADS, DESTROYED),
    (by(RetiresThoughVersioningIsOff), "AA", replace(CALM, toggles=1), DESTROYED),
    (by(TellsVersionsByTheirIdAlone), "AB", NULL_UPLOADS, STALE),
    (knowing(AnyOfItsId), "AB", replace(NULL_UPLOADS, crashes=1), "upload 0 has no receipt"),
    (by(CopiesWhateverTheVersionHasBecome), "AB", NULL_UPLOADS, INVENTED),
    (by(BelievesAnEmptyListing), "AA", replace(CALM, lies=1), NO_RECEIPT),
    (by(IgnoresWhatOthersHaveSettled), "AB", ONE_BATCH, TWICE),
    (remembering_for_ever(), "AB", CALM, STALE),
    (by(SettlesWhatASweepFindsGone), "A", replace(ALONE, sweeps=True), SWEPT_TWICE),
    (by(NeverSettlesForASweep), "AB", LOST_AND_LATE, STALE),
    (by(SettlesLargeOnesOfOthers), "ALB", CALM, LEFT),
    (by(SendsNothingOn), "AL", CALM, STALE),
    (by(ForgetsNothing), "LA", CRASH, LEFT),
    (by(ForgetsWhenTheNewerOneIsWritten), "LA", LATE, STALE),
    (copying_by(BeginsAnewEachTime), "L", CRASH, LEFT),
    (copying_by(TakesNothingBack), "L", replace(CALM, faults=1), LEFT),
    (copying_by(CompletesWithoutLookingAgain), "LA", CALM, OUTDATED),
    (copying_by(CopiesPartsOfWhateverThereIs), "LA", NULL_UPLOADS, "failed"),
    (copying_by(GoesOnWithAnothersCopy), "LL", replace(NULL_UPLOADS, crashes=1), OTHER_ATTRIBUTES),
    (copying_by(GoesOnWithWhatWasBegunElsewhere), "L", replace(CALM, moved=True), "failed"),
]
KEEPING: list[tuple[Deliver, str, Bounds, str]] = [
    (by(TakesEveryMessageForItsFirstReceipt), "AB", Bounds(), STALE),
    (by(DoesNotLookAfterKeeping), "AB", Bounds(), STALE),
    (by(TakesAFailedCopyForOneThatWasNeverMade), "AB", LATE, STALE),
    (by(DoesNotComeBackToWhatMayBeLate), "AB", LATE, STALE),
    (by(TellsVersionsByTheirIdAlone), "AA", NULL_UPLOADS, OTHER_ATTRIBUTES),
    (knowing(AnyOfItsContent), "AA", replace(NULL_UPLOADS, events_at_once=2), "no receipt of its own"),
    (copying_by(TakesARecordForProof), "AL", REMEMBERS, STALE),
]


def _name_of(each: object) -> str:
    return getattr(each, "__name__", "") or str(each)


@pytest.mark.parametrize(("rules", "contents", "bounds", "wrong"), MOVING, ids=_name_of)
def test_a_rule_that_is_dropped_is_missed(rules: Deliver, contents: str, bounds: Bounds, wrong: str) -> None:
    assert counterexample(Search(contents, rules, bounds), wrong)


@pytest.mark.parametrize(("rules", "contents", "bounds", "wrong"), KEEPING, ids=_name_of)
def test_a_rule_that_is_dropped_is_missed_where_files_are_kept(
    rules: Deliver, contents: str, bounds: Bounds, wrong: str
) -> None:
    assert counterexample(Search(contents, rules, bounds, keep_files=True), wrong)


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
def test_a_shorter_visibility_timeout_leaves_old_content_for_good(keep_files: bool) -> None:
    late = Bounds(duplicates=0, crashes=1, lates=1, late_starts=1)
    for seconds, is_stale in ((1800, True), (VISIBILITY_TIMEOUT_SECONDS, False)):
        search = Search("AB", deliver, replace(late, visibility_seconds=seconds), keep_files=keep_files)
        assert (seconds, counterexample(search, STALE) != "") == (seconds, is_stale)


@pytest.mark.parametrize("keep_files", [False, True], ids=["move", "keep"])
def test_without_the_sweep_a_lost_event_is_a_lost_upload(keep_files: bool) -> None:
    lost = Bounds(duplicates=0, crashes=0, losses=1)
    for sweeps, is_stale in ((False, True), (True, False)):
        search = Search("AB", deliver, replace(lost, sweeps=sweeps), keep_files=keep_files)
        assert (sweeps, counterexample(search, STALE) != "") == (sweeps, is_stale)


def counterexample(search: Search, wrong: str) -> str:
    """The first violation of this name, with the steps that lead there; nothing if there is none."""
    violations = search.run(until=wrong).violations
    return next((violation for violation in violations if wrong in violation.partition(":")[0]), "")


DROPPING = [each for base in (Delivery, LargeCopy, Upload, Ledger, HubVersion) for each in base.__subclasses__()]


@pytest.mark.parametrize("changed", DROPPING, ids=_name_of)
def test_whatever_drops_a_rule_changes_methods_that_the_rules_have(changed: type) -> None:
    own = {name for name, value in vars(changed).items() if callable(value)}
    assert own - set(dir(changed.__base__)) == set()
