"""When senders last used what they were granted, by the receipts.

In: an `Aws`, a push dataset, and since when to look. Out: `Use` values, one for each sender, and one for each uploader
who is no sender any more. Effects: reads receipts and looks roles up. Pull buckets leave no receipts.
"""

from dataclasses import dataclass
from datetime import datetime

from data_exports.aws import Aws
from data_exports.contract.receipts import Damaged, moment_of
from data_exports.estate.models import Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.names import DatasetName
from data_exports.operate.history import Wanted, history_of
from data_exports.operate.people import read_role_ids
from data_exports.operate.receipts import Period


@json_as("dataset name=who is_granted is_known is_unused uploads last_upload_at=last_upload")
@dataclass(frozen=True, slots=True)
class Use:
    """How one person used one push dataset in the time that was looked at."""

    dataset: DatasetName
    who: str
    is_granted: bool
    """Whether the declarations name them as a sender."""
    uploads: int
    last_upload: datetime | None
    is_known: bool = True
    """Whether the role could be looked up; if not, nobody knows whether an upload was theirs."""

    @property
    def is_unused(self) -> bool:
        """Whether it is a grant that was certainly not used."""
        return self.is_granted and self.is_known and not self.uploads


@dataclass(frozen=True, slots=True)
class Uses:
    """The uses of one dataset, and what could not be read."""

    dataset: DatasetName
    uses: tuple[Use, ...]
    damaged: tuple[Damaged, ...]


def read_uses(platform: Platform, push: PushDataset, aws: Aws, *, since: datetime) -> Uses:
    """Who uploaded what since then. Raises `AwsError`; `RefusedError` when there are no receipts to read."""
    role_ids = read_role_ids(aws, push.users)
    history = history_of(platform, push, aws, Wanted(Period(since)), role_ids=role_ids)
    uploads: dict[str, dict[str, datetime | None]] = {}
    for entry in history:
        who = str((entry.by.role or entry.by.principal) if entry.by else "somebody whom S3 did not name")
        uploads.setdefault(who, {})[entry.receipt.version_id] = moment_of(entry.receipt.uploaded_at)
    known = {str(name) for name in role_ids.values()}
    names = [str(user) for user in push.users] + sorted(set(uploads) - {str(user) for user in push.users})
    uses = []
    for name in names:
        of_one = uploads.get(name, {})
        is_granted = name in push.users
        last = max((moment for moment in of_one.values() if moment), default=None)
        uses.append(Use(push.name, name, is_granted, len(of_one), last, not is_granted or name in known))
    return Uses(push.name, tuple(uses), tuple(history.damaged))
