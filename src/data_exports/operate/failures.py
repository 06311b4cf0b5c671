"""What could not be delivered: what was given up (each dead letter), and what still fails but is being tried.

In: an estate's push dataset and an `Aws`. Out: `Failures`. Effects: looks at dead letters without consuming them, reads
receipts. Of thousands only so many are looked at as are asked for; how many there are is told in any case.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from data_exports.aws import Aws
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Outcome, Receipt, moment_of
from data_exports.destinations.destination import Advice
from data_exports.errors import RefusedError
from data_exports.estate.models import Estate, Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.operate.advice import advice_on_cause
from data_exports.operate.dead_letters import DeadLetterUpload, uploads_in
from data_exports.operate.failing import FAILURES_RECEIPT_FILES, TRIED_WITHIN, NextTry, Outcomes, next_try_of
from data_exports.operate.follow import CLOCKS_APART, UploadId
from data_exports.operate.people import RoleIds, Uploader, read_role_ids, uploader_of
from data_exports.operate.queues import DeadLetter, Peeked, count_dead_letters, peek
from data_exports.operate.receipts import Period, list_receipt_files, read_receipts_in
from data_exports.operate.rights import NotAllowedError, needing
from data_exports.parallel import map_ordered
from data_exports.stacks.push import DEAD_LETTER_RETENTION_SECONDS

KEPT = timedelta(seconds=DEAD_LETTER_RETENTION_SECONDS)
LOOKED_AT = 1_000
"""Dead letters of one dataset that are looked at unless more are asked for."""
_NO_UPLOAD = "the message is no S3 upload event"


@json_as(
    "given_up message_id? key? version_id? size_bytes uploaded_at uploaded_by=by.principal",
    "uploaded_by_role=by.role since reason? cause settled? next_try",
)
@dataclass(frozen=True, slots=True)
class UploadFailure:
    """One upload that could not be delivered; its file is still in the hub."""

    given_up: bool
    """Whether it is a dead letter; otherwise it is tried again by itself."""
    message_id: str
    """The message that tells of it; ``""`` when it is not known."""
    key: str
    """``""`` when the message tells of no upload."""
    version_id: str
    size_bytes: int | None
    uploaded_at: str | None
    by: Uploader | None
    since: datetime | None
    """Since when: of a dead letter, when its last round of tries began; otherwise the last try."""
    reason: str
    """Why the last try failed; ``""`` when no receipt says so."""
    cause: str | None
    settled: str = ""
    """What became of it nevertheless (``delivered``, ``superseded``, ``cancelled``): then a redrive only tidies up."""
    last: Receipt | None = None
    """The receipt of the last try, if there is one."""
    next_try: NextTry | None = None
    """When it is tried again by itself; of a dead letter None."""


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures of one dataset: dead letters, longest waiting first, then what is being tried."""

    push: PushDataset
    found: tuple[UploadFailure, ...]
    dead_letters: int
    """About how many there are; more than were looked at, if there are that many."""
    looked_at: int
    """Dead letters that were looked at."""
    at: datetime
    not_looked_at: str = ""
    """Why no dead letter was looked at, where the caller may only count them: what was given up, receipts tell then."""

    def by_cause(self) -> dict[str | None, list[UploadFailure]]:
        """Those not settled yet, by what has to be done about them."""
        groups: dict[str | None, list[UploadFailure]] = {}
        for failure in self.found:
            if not failure.settled:
                groups.setdefault(failure.cause, []).append(failure)
        return groups

    @property
    def settled(self) -> list[UploadFailure]:
        """The dead letters whose uploads are through nevertheless."""
        return [failure for failure in self.found if failure.settled]

    @property
    def being_tried(self) -> int:
        """How many uploads fail and are tried again."""
        return sum(not failure.given_up for failure in self.found)


@dataclass(frozen=True, slots=True)
class NotLookedAt:
    """A dataset that has no queue, or one that the caller may not look at."""

    push: PushDataset
    error: RefusedError | NotAllowedError


def advice_for(failures: Failures, estate: Estate, cause: str | None) -> Advice:
    """What to do about the failures of this cause."""
    return advice_on_cause(cause, estate, failures.push)


def failures_of(
    estate: Estate, push: PushDataset, aws: Aws, *, at_most: int = LOOKED_AT, now: datetime | None = None
) -> Failures:
    """What could not be delivered. Raises `AwsError`, or `RefusedError` when the dataset is not deployed.

    Who may count the dead letters and not look at them, as senders, is told from receipts what was given up.
    """
    platform, not_looked_at = estate.platform, ""
    try:
        peeked = peek(platform, push, aws, at_most=at_most)
    except NotAllowedError as error:
        peeked, not_looked_at = Peeked((), count_dead_letters(platform, push, aws)), error.what
    uploads = [(dead_letter, upload) for dead_letter in peeked.dead_letters for upload in uploads_in(dead_letter)]
    told = _Told({(u.key, u.version_id) for _, u in uploads}, {each.message_id for each in peeked.dead_letters})
    now = now or datetime.now(UTC)
    since = now - TRIED_WITHIN
    from_receipts = bool(not_looked_at and peeked.total)
    for receipt in _receipts(platform, push, aws, peeked.dead_letters, now - KEPT if from_receipts else since):
        told.note(receipt)
    role_ids = read_role_ids(aws, platform, push.users) if uploads or told.failed else {}
    dead = [told.dead_letter(dead_letter, upload, role_ids) for dead_letter, upload in uploads]
    given_up = told.given_up(role_ids) if from_receipts else ()
    found = (*dead, *given_up, *told.failing(since, role_ids))
    return Failures(push, found, peeked.total, len(peeked.dead_letters), now, not_looked_at)


def failures_of_all(
    estate: Estate, pushes: Sequence[PushDataset], aws: Aws, *, at_most: int = LOOKED_AT
) -> Iterator[Failures | NotLookedAt]:
    """What could not be delivered of each dataset, several looked at at once, in their order. Raises `AwsError`."""

    def look(push: PushDataset) -> Failures | NotLookedAt:
        try:
            return failures_of(estate, push, aws, at_most=at_most)
        except (RefusedError, NotAllowedError) as error:
            return NotLookedAt(push, error)

    yield from map_ordered(look, pushes, finish=True)  # what is looked at is put back


def _receipts(
    platform: Platform, push: PushDataset, aws: Aws, dead_letters: Sequence[DeadLetter], since: datetime
) -> Iterator[Receipt]:
    """The receipts of the last day, and those since the first of these dead letters."""
    s3, bucket, account = aws.client("s3"), platform.log_bucket, str(platform.account)
    period = Period(min([since, *(dead_letter.sent_at - CLOCKS_APART for dead_letter in dead_letters)]))
    with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
        files = list(list_receipt_files(s3, bucket, push.name, period, account=account))
        wanted = files if dead_letters else files[-FAILURES_RECEIPT_FILES:]
        yield from read_receipts_in(s3, bucket, wanted, account=account)


class _Told(Outcomes):
    """What the receipts tell of some uploads, of which some are dead letters."""

    def __init__(self, uploads: set[UploadId], message_ids: set[str]) -> None:
        super().__init__()
        self._uploads = uploads
        self._message_ids = message_ids

    def dead_letter(self, dead_letter: DeadLetter, upload: DeadLetterUpload, role_ids: RoleIds) -> UploadFailure:
        """What is known of a dead letter."""
        known = (upload.key, upload.version_id)
        failed = self.failed.get(known) or self.failed.get(dead_letter.message_id)
        return UploadFailure(
            given_up=True,
            message_id=dead_letter.message_id,
            key=upload.key,
            version_id=upload.version_id,
            size_bytes=upload.size_bytes,
            uploaded_at=upload.uploaded_at,
            by=uploader_of(upload.uploaded_by, role_ids),
            since=dead_letter.sent_at,
            reason=(failed.reason if failed else None) or ("" if upload.key else _NO_UPLOAD),
            cause=failed.cause if failed else (None if upload.key else "bad_message"),
            settled=self.settled.get(known, ""),
            last=failed,
        )

    def failing(self, since: datetime, role_ids: RoleIds) -> Iterator[UploadFailure]:
        """The uploads that fail and are no dead letters."""
        for receipt in self.being_tried(since):
            upload = (receipt.key, receipt.version_id)
            if upload not in self._uploads and receipt.message_id not in self._message_ids:
                yield _failure_of(receipt, role_ids)

    def given_up(self, role_ids: RoleIds) -> Iterator[UploadFailure]:
        """The uploads whose last receipt says that they were given up, and that are not through by now."""
        for upload, receipt in self.failed.items():
            if receipt.outcome == Outcome.GIVEN_UP and upload not in self.settled:
                yield _failure_of(receipt, role_ids)


def _failure_of(receipt: Receipt, role_ids: RoleIds) -> UploadFailure:
    """What the last receipt of an upload tells of its failure."""
    return UploadFailure(
        given_up=receipt.outcome == Outcome.GIVEN_UP,
        message_id=receipt.message_id or "",
        key=receipt.key,
        version_id=receipt.version_id,
        size_bytes=receipt.size_bytes,
        uploaded_at=receipt.uploaded_at,
        by=uploader_of(receipt.uploaded_by, role_ids),
        since=moment_of(receipt.recorded_at),
        reason=receipt.reason or "",
        cause=receipt.cause,
        last=receipt,
        next_try=next_try_of(receipt),
    )
