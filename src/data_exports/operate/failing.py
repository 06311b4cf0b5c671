"""What fails and is tried again by itself: told from receipts, with the time at which its next try comes.

In: receipts, in the order in which they were recorded. Out: those of uploads that fail, `NextTry`, `Failing`. Effects:
none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from data_exports.contract.causes import Cause, needs_somebody
from data_exports.contract.receipts import Outcome, Receipt, moment_of
from data_exports.contract.settings import longest_under_way_seconds
from data_exports.contract.timing import LONGEST_WAIT_SECONDS, step_seconds
from data_exports.text import counted, printable

TRIED_WITHIN = timedelta(days=1)
"""The mover's waits between its tries are shorter than this (`data_exports.contract.timing`): a failure older than
this is a dead letter, or settled."""
FAILURES_RECEIPT_FILES = 1_000
"""Files of receipts that are looked through for uploads being tried, the newest."""

_MAY_BE_UNDER_WAY = (Cause.NO_ANSWER, Cause.OUT_OF_TIME)
"""The store may still carry out what failed so, and the mover then waits until it no longer can."""


@dataclass(frozen=True, slots=True)
class NextTry:
    """Between when and when a failed upload is tried again: the mover draws its waits, and SQS may be a little late."""

    earliest: datetime
    latest: datetime

    def words(self, now: datetime) -> str:
        """``next try by 16:15 UTC``."""
        if self.latest <= now:
            return "next try any moment now"
        by = self.latest.astimezone(UTC) + timedelta(seconds=59)
        return f"next try by {by:%H:%M} UTC" if by.date() == now.date() else f"next try by {by:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class Failing:
    """How many uploads of a dataset fail and are tried again, why, and when the first of them is."""

    files: int
    causes: tuple[str, ...]
    next_try: NextTry | None

    def words(self, now: datetime) -> str:
        """``2 files failing: recipient_denied, next try by 16:15 UTC``."""
        said = [*map(printable, self.causes), *([self.next_try.words(now)] if self.next_try else [])]
        return f"{counted(self.files, 'file')} failing: {', '.join(said) or 'no receipt says why'}"


class Outcomes:
    """What receipts tell of uploads: the last failure of each, and what became of it nevertheless."""

    def __init__(self) -> None:
        self.failed: dict[object, Receipt] = {}
        """By key and version; of a message that tells of no upload, by its id."""
        self.settled: dict[object, str] = {}

    def note(self, receipt: Receipt) -> None:
        """Take in one receipt, in the order in which they were recorded."""
        upload = (receipt.key, receipt.version_id)
        if receipt.outcome in (Outcome.FAILED, Outcome.GIVEN_UP):
            self.failed[upload if receipt.key else receipt.message_id] = receipt
        elif self.settled.get(upload) != Outcome.DELIVERED:  # a repeated event may have come late
            self.settled[upload] = receipt.outcome

    def being_tried(self, since: datetime) -> Iterator[Receipt]:
        """The last receipts of uploads that failed since then, and not for the last time."""
        for upload, receipt in self.failed.items():
            recorded = moment_of(receipt.recorded_at)
            tried = receipt.outcome == Outcome.FAILED and recorded is not None and recorded >= since
            if tried and upload not in self.settled:
                yield receipt


def next_try_of(receipt: Receipt) -> NextTry | None:
    """When an upload is tried again whose last receipt this is; None when it is not, or the receipt has no time."""
    recorded = moment_of(receipt.recorded_at)
    if recorded is None or receipt.outcome != Outcome.FAILED:
        return None
    if receipt.receive_count is None:
        return NextTry(recorded, recorded + timedelta(seconds=LONGEST_WAIT_SECONDS))
    step = timedelta(seconds=step_seconds(receipt.receive_count, is_permanent=needs_somebody(receipt.cause)))
    late = timedelta(seconds=longest_under_way_seconds(receipt.destination))
    latest = max(step, late) if receipt.cause in _MAY_BE_UNDER_WAY else step
    return NextTry(recorded + step / 2, recorded + latest)


def failing_of(receipts: Iterable[Receipt]) -> Failing | None:
    """The uploads that fail, of these last receipts; None when there are none."""
    found = list(receipts)
    if not found:
        return None
    tries = [each for receipt in found if (each := next_try_of(receipt))]
    causes = tuple(sorted({receipt.cause for receipt in found if receipt.cause}))
    return Failing(len(found), causes, min(tries, key=lambda each: each.latest, default=None))
