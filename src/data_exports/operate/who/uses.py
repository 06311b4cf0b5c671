"""When people last used what they were granted: of senders by the receipts.

In: an `Aws`, a push dataset, and since when to look. Out: `Use` values, one for each sender, and one for each uploader
who is no sender any more. Effects: reads receipts and looks roles up. Of pull datasets: `bucket_uses`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from data_exports.aws import Aws
from data_exports.contract.receipts import Damaged, moment_of
from data_exports.estate.models import Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.names import DatasetName
from data_exports.operate.history import HistoryEntry, Wanted, history_of
from data_exports.operate.people import Uploader, read_role_ids
from data_exports.operate.receipts import Period
from data_exports.text import counted

UNTOLD = "of {} it cannot be told whose they are"
NOT_LOOKED_UP = "the role could not be looked up"
UNNAMED = "somebody whom S3 did not name"

UploadKey = tuple[str, str]
"""What all receipts of one upload have in common: `Receipt.identity` without the outcome."""


@json_as(
    "dataset name=who is_granted is_known why_not_known? is_unused uploads last_upload_at=last_upload",
    "requests reads writes deletes bytes_read last_request_at=last_request last_listing_at=last_listing",
)
@dataclass(frozen=True, slots=True)
class Use:
    """How one person used one dataset in the time that was looked at: a push dataset's uploads, a bucket's requests."""

    dataset: DatasetName
    who: str
    is_granted: bool | None
    """Whether the declarations name them; None when it is not known who they are."""
    uploads: int | None
    last_upload: datetime | None
    why_not_known: str = ""
    """Why nobody can say whether they used it (more); ``""`` when it is certain, as far as S3's logs are."""
    requests: int | None = None
    """Of a pull dataset, as the next: requests that S3 carried out, listings included."""
    reads: int | None = None
    writes: int | None = None
    deletes: int | None = None
    bytes_read: int | None = None
    last_request: datetime | None = None
    """Of reads, writes and deletions."""
    last_listing: datetime | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is certain."""
        return not self.why_not_known

    @property
    def is_unused(self) -> bool:
        """Whether it is a grant of which nothing tells that it was used, and nothing is known to be missing."""
        return bool(self.is_granted) and self.is_known and not self.is_used

    @property
    def is_used(self) -> bool:
        """Whether anything tells of a use."""
        return bool(self.uploads or self.requests)


@dataclass(frozen=True, slots=True)
class Uses:
    """The uses of one dataset, and what could not be read."""

    dataset: DatasetName
    uses: tuple[Use, ...]
    damaged: tuple[Damaged, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known to be missing: of a grant that was used more uses change nothing."""
        return not self.damaged and all(use.is_known or use.is_used for use in self.uses if use.is_granted)


@dataclass(slots=True)
class _Uploads:
    """The uploads of one person."""

    is_known: bool
    count: int = 0
    last: datetime | None = None

    def note(self, moment: datetime | None) -> None:
        self.count += 1
        if moment and (self.last is None or moment > self.last):
            self.last = moment


def read_uses(platform: Platform, push: PushDataset, aws: Aws, *, since: datetime) -> Uses:
    """Who uploaded what since then. Raises `AwsError`; `RefusedError` when there are no receipts to read."""
    role_ids = read_role_ids(aws, platform, push.users)
    history = history_of(platform, push, aws, Wanted(Period(since)), role_ids=role_ids)
    by_person = _by_person(history)
    untold = sum(each.count for each in by_person.values() if not each.is_known)
    looked_up, senders = {str(name) for name in role_ids.values()}, [str(user) for user in push.users]
    uses = []
    for name in senders:
        own = by_person.pop(name, _Uploads(is_known=True))
        why = UNTOLD.format(counted(untold, "upload")) if untold and not own.count else ""
        if history.damaged and not own.count:
            why = f"{counted(len(history.damaged), 'receipt')} could not be read"
        if name not in looked_up and not own.count:
            why = NOT_LOOKED_UP
        uses.append(Use(push.name, name, True, own.count, own.last, why))  # noqa: FBT003 - a fact among facts
    for name, other in sorted(by_person.items()):
        why = "" if other.is_known else _why_untold(name)
        uses.append(Use(push.name, name, None if why else False, other.count, other.last, why))
    return Uses(push.name, tuple(uses), tuple(history.damaged))


def _why_untold(name: str) -> str:
    return "no receipt tells" if name == UNNAMED else "the id of a role that no deployment has recorded"


def _by_person(history: Iterable[HistoryEntry]) -> dict[str, _Uploads]:
    """The uploads of each person. Each is counted once, however many receipts tell of it, and is of whom any names."""
    uploads: dict[UploadKey, tuple[Uploader | None, datetime | None]] = {}
    for entry in history:
        key = entry.receipt.identity[:2]
        by, moment = uploads.get(key, (None, None))
        better = entry.by if entry.by and (entry.by.is_known or by is None) else by
        uploads[key] = (better, moment_of(entry.receipt.uploaded_at) or moment)
    found: dict[str, _Uploads] = {}
    for by, moment in uploads.values():
        name = str(by.role or by.principal) if by else UNNAMED
        found.setdefault(name, _Uploads(is_known=by is not None and by.is_known)).note(moment)
    return found
