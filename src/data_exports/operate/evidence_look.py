"""How the log of receipts and deployments stands, looked at cheaply: its last head, since when, and what waits.

In: a platform, its push datasets, the keys that the estate keeps, an `Aws`. Out: an `EvidenceStatus`. Effects: reads
the last head and the first entries, and asks for one receipts file of each dataset. `exports verify` reads it all.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from data_exports.aws import Aws, call_or_none
from data_exports.contract.keys import receipts_days_of, receipts_from
from data_exports.contract.receipts import moment_of
from data_exports.deploy.evidence_keys import log_of
from data_exports.estate.models import Platform, PushDataset
from data_exports.evidence.checking import BEHIND_AFTER
from data_exports.evidence.entries import HEAD, entry_in
from data_exports.evidence.heads import Head, head_in
from data_exports.evidence.notes import NotSignedError, VerifierKey
from data_exports.evidence.tiles import ENTRIES, TILE_WIDTH, NotATileError, entries_in, tile_path
from data_exports.json_values import json_as
from data_exports.operate.rights import needing
from data_exports.parallel import map_ordered
from data_exports.text import age_words, ago_words, counted

ONE_SECOND = timedelta(seconds=1)
"""Names of receipts hold no more: what was written in the second of the head may be in it."""


@json_as("log size head_at signed_by? began waiting_since amiss?")
@dataclass(frozen=True, slots=True)
class EvidenceStatus:
    """How the log stands, as its last head says, by a key that the estate keeps."""

    log: str
    size: int = 0
    """Leaves."""
    head_at: datetime | None = None
    """When S3 took the last head; None: there is none yet, or nobody who is known has signed it."""
    signed_by: str = ""
    """Its key, by its id."""
    began: datetime | None = None
    """When the log began: what was delivered before was logged as it was found then."""
    waiting_since: datetime | None = None
    """Since when the oldest receipts that came after the last head have been there; None: there are none."""
    amiss: str = ""
    """What is wrong with the last head."""

    def words(self, now: datetime) -> str:
        """The log in one line."""
        if self.head_at is None:
            return "Evidence: nothing is logged yet" if not self.amiss else "Evidence: not known"
        leaves = counted(self.size, "leaf", "leaves")
        waits = "every receipt is logged"
        if self.waiting_since:
            waits = f"receipts wait since {age_words((now - self.waiting_since).total_seconds())}"
        return f"Evidence: {leaves}, last head {ago_words(self.head_at, now)} by key {self.signed_by}; {waits}"

    def concerns(self, now: datetime) -> Iterator[str]:
        """What somebody should look at."""
        if self.amiss:
            yield f"the evidence: {self.amiss}: exports verify"
        if self.waiting_since and now - self.waiting_since > BEHIND_AFTER:
            age = age_words((now - self.waiting_since).total_seconds())
            yield f"the evidence is behind: receipts have waited {age} for the notary: exports verify"


def look_at_evidence(
    platform: Platform, pushes: Sequence[PushDataset], keys: Collection[VerifierKey], aws: Aws
) -> EvidenceStatus:
    """How the log stands. Raises `NotAllowedError`, `AwsError`, and `RefusedError` where it is not deployed."""
    s3, bucket, log = aws.client("s3"), platform.evidence_bucket, log_of(platform)
    account = str(platform.account)

    def read(key: str) -> Any:
        get = partial(s3.get_object, Bucket=str(bucket), Key=key, ExpectedBucketOwner=account)
        with needing(aws, "s3:GetObject", f"{bucket}/{key}"):
            return call_or_none(get, "NoSuchKey")

    found = read(HEAD)
    head: Head | None = None
    if found:
        try:
            head = head_in(found["Body"].read(), keys)
        except NotSignedError as error:
            return EvidenceStatus(log, amiss=f"its last head is not to be believed: {error}")
    head_at = found["LastModified"] if found else None
    first_waiting = partial(_first_after, s3, platform, head_at)
    with needing(aws, "s3:ListBucket", str(platform.log_bucket)):
        waiting = [each for each in map_ordered(first_waiting, pushes) if each]
    if head is None or not head.size:
        return EvidenceStatus(log, waiting_since=min(waiting, default=None))
    first = read(tile_path(ENTRIES, 0, min(TILE_WIDTH, head.size)))
    began = _began(first["Body"].read(), min(TILE_WIDTH, head.size)) if first else None
    return EvidenceStatus(log, head.size, head_at, head.key.identifier.hex(), began, min(waiting, default=None))


def _first_after(s3: Any, platform: Platform, head_at: datetime | None, push: PushDataset) -> datetime | None:
    """When the oldest receipts of a dataset were written that are named after the head."""
    after = {"StartAfter": receipts_from(push.name, head_at + ONE_SECOND)} if head_at else {}
    where = {"Bucket": str(platform.log_bucket), "ExpectedBucketOwner": str(platform.account)}
    listed = s3.list_objects_v2(**where, Prefix=receipts_days_of(push.name), MaxKeys=1, **after)
    found: list[datetime] = [each["LastModified"] for each in listed.get("Contents", [])]
    return found[0] if found else None


def _began(bundle: bytes, width: int) -> datetime | None:
    try:
        return moment_of(entry_in(entries_in(bundle, width)[0]).at)
    except (NotATileError, ValueError, LookupError):
        return None
