"""What could not be delivered: what was given up (each dead letter), and what still fails but is being tried.

In: an estate's push dataset and an `Aws`. Out: `Failures`. Effects: looks at dead letters without consuming them, reads
receipts. Of thousands only so many are looked at as are asked for; how many there are is told in any case.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from data_exports.aws import Aws
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Outcome, Receipt, moment_of, receipts_in
from data_exports.destinations.destination import Advice
from data_exports.errors import RefusedError
from data_exports.estate.models import Estate, Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.operate.advice import advice_on_cause
from data_exports.operate.follow import CLOCKS_APART
from data_exports.operate.letters import LetterUpload, uploads_in
from data_exports.operate.people import RoleIds, Uploader, read_role_ids, uploader_of
from data_exports.operate.queues import Letter, peek
from data_exports.operate.receipts import Period, list_receipt_files, read_files
from data_exports.operate.rights import needing
from data_exports.parallel import map_ordered

LOOKED_AT = 1_000
"""Dead letters of one dataset that are looked at unless more are asked for."""
TRIED_WITHIN = timedelta(days=1)
"""The mover's waits between its tries are shorter than this (`data_exports.contract.causes`): a failure older than
this is a dead letter, or settled."""
FAILURES_RECEIPT_FILES = 1_000
"""Files of receipts that are looked through for uploads being tried, the newest."""
_FAILED = (Outcome.FAILED, Outcome.GIVEN_UP)
_NO_UPLOAD = "the message is no S3 upload event"


@json_as(
    "given_up message_id? key? version_id? size_bytes uploaded_at uploaded_by=by.principal",
    "uploaded_by_role=by.role since reason? cause settled?",
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


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures of one dataset: dead letters, longest waiting first, then what is being tried."""

    push: PushDataset
    found: tuple[UploadFailure, ...]
    dead_letters: int
    """About how many there are; more than were looked at, if there are that many."""
    looked_at: int
    """Dead letters that were looked at."""

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
class NotDeployed:
    """A dataset that has no queue."""

    push: PushDataset
    error: RefusedError


def advice_for(failures: Failures, estate: Estate, cause: str | None) -> Advice:
    """What to do about the failures of this cause."""
    return advice_on_cause(cause, estate, failures.push)


def failures_of(
    estate: Estate, push: PushDataset, aws: Aws, *, at_most: int = LOOKED_AT, now: datetime | None = None
) -> Failures:
    """What could not be delivered. Raises `AwsError`, or `RefusedError` when the dataset is not deployed."""
    platform = estate.platform
    peeked = peek(platform, push, aws, at_most=at_most)
    uploads = [(letter, upload) for letter in peeked.letters for upload in uploads_in(letter)]
    told = _Told({(u.key, u.version_id) for _, u in uploads}, {letter.message_id for letter in peeked.letters})
    since = (now or datetime.now(UTC)) - TRIED_WITHIN
    for receipt in _receipts(platform, push, aws, peeked.letters, since):
        told.note(receipt)
    role_ids = read_role_ids(aws, push.users) if uploads or told.has_failures else {}
    dead = [told.dead_letter(letter, upload, role_ids) for letter, upload in uploads]
    return Failures(push, (*dead, *told.being_tried(since, role_ids)), peeked.total, len(peeked.letters))


def failures_of_all(
    estate: Estate, pushes: Sequence[PushDataset], aws: Aws, *, at_most: int = LOOKED_AT
) -> Iterator[Failures | NotDeployed]:
    """What could not be delivered of each dataset, several looked at at once, in their order. Raises `AwsError`."""

    def look(push: PushDataset) -> Failures | NotDeployed:
        try:
            return failures_of(estate, push, aws, at_most=at_most)
        except RefusedError as error:
            return NotDeployed(push, error)

    yield from map_ordered(look, pushes, finish=True)  # what is looked at is put back


def _receipts(
    platform: Platform, push: PushDataset, aws: Aws, letters: Sequence[Letter], since: datetime
) -> Iterator[Receipt]:
    """The receipts of the last day, and those since the first of these dead letters."""
    s3, bucket, account = aws.client("s3"), platform.log_bucket, str(platform.account)
    period = Period(min([since, *(letter.sent_at - CLOCKS_APART for letter in letters)]))
    with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
        keys = [file.key for file in list_receipt_files(s3, bucket, push.name, period, account=account)]
        wanted = keys if letters else keys[-FAILURES_RECEIPT_FILES:]
        for key, body in read_files(s3, bucket, wanted, account=account):
            yield from (each for each in receipts_in(key, body) if isinstance(each, Receipt))


class _Told:
    """What the receipts tell of some uploads: the last failure, and what became of them nevertheless."""

    def __init__(self, uploads: set[tuple[str, str]], message_ids: set[str]) -> None:
        self._uploads = uploads
        self._message_ids = message_ids
        self._failed: dict[object, Receipt] = {}
        self._settled: dict[object, str] = {}

    @property
    def has_failures(self) -> bool:
        """Whether any failure was noted."""
        return bool(self._failed)

    def note(self, receipt: Receipt) -> None:
        """Take in one receipt, in the order in which they were recorded."""
        upload = (receipt.key, receipt.version_id)
        if receipt.outcome in _FAILED:
            self._failed[upload if receipt.key else receipt.message_id] = receipt
        elif self._settled.get(upload) != Outcome.DELIVERED:  # a repeated event may have come late
            self._settled[upload] = receipt.outcome

    def dead_letter(self, letter: Letter, upload: LetterUpload, role_ids: RoleIds) -> UploadFailure:
        """What is known of a dead letter."""
        known = (upload.key, upload.version_id)
        failed = self._failed.get(known) or self._failed.get(letter.message_id)
        return UploadFailure(
            given_up=True,
            message_id=letter.message_id,
            key=upload.key,
            version_id=upload.version_id,
            size_bytes=upload.size_bytes,
            uploaded_at=upload.uploaded_at,
            by=uploader_of(upload.uploaded_by, role_ids),
            since=letter.sent_at,
            reason=(failed.reason if failed else None) or ("" if upload.key else _NO_UPLOAD),
            cause=failed.cause if failed else (None if upload.key else "bad_message"),
            settled=self._settled.get(known, ""),
        )

    def being_tried(self, since: datetime, role_ids: RoleIds) -> Iterator[UploadFailure]:
        """The uploads whose last receipt of late is a failure that was not the last try."""
        for upload, receipt in self._failed.items():
            recorded = moment_of(receipt.recorded_at)
            tried = receipt.outcome == Outcome.FAILED and recorded is not None and recorded >= since
            dead = upload in self._uploads or receipt.message_id in self._message_ids
            if tried and not dead and upload not in self._settled:
                yield UploadFailure(
                    given_up=False,
                    message_id=receipt.message_id or "",
                    key=receipt.key,
                    version_id=receipt.version_id,
                    size_bytes=receipt.size_bytes,
                    uploaded_at=receipt.uploaded_at,
                    by=uploader_of(receipt.uploaded_by, role_ids),
                    since=recorded,
                    reason=receipt.reason or "",
                    cause=receipt.cause,
                )
