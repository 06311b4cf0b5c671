"""Following uploads to their receipts.

In: uploads (key and version) and an `Aws`. Out: the receipt that settles each, or the last one it had. Effects: lists
and reads the dataset's receipts again and again, until every upload is settled or the time is up.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from data_exports.aws import Aws
from data_exports.contract.causes import needs_somebody
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Outcome, Receipt, receipts_in
from data_exports.estate.models import Platform, PushDataset
from data_exports.operate.receipts import Period, list_receipt_files
from data_exports.operate.rights import needing

CLOCKS_APART = timedelta(minutes=15)
"""AWS refuses requests of clocks that are further off, so no receipt is named for an earlier time.
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html"""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 5.0

UploadId = tuple[str, str]
"""Key and version."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How far an upload got."""

    key: str
    version_id: str
    receipt: Receipt | None
    """The receipt that settles it; if none does, the last one there is."""

    @property
    def is_delivered(self) -> bool:
        """Whether it is at the recipient."""
        return self.receipt is not None and self.receipt.outcome == Outcome.DELIVERED

    @property
    def is_settled(self) -> bool:
        """Whether waiting longer will not change it by itself."""
        return self.receipt is not None and is_settled(self.receipt)


def is_settled(receipt: Receipt) -> bool:
    """Whether no later try can be expected, or none that helps before somebody acts."""
    return receipt.outcome != Outcome.FAILED or needs_somebody(receipt.cause)


def follow(
    platform: Platform,
    push: PushDataset,
    aws: Aws,
    uploads: Sequence[UploadId],
    *,
    since: datetime,
    timeout_seconds: float,
    heard: Callable[[Receipt], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Followed, ...]:
    """Wait until each upload is settled; tells `heard` of every receipt of theirs as it is found.

    `since`: a moment before the first of them, by AWS's clock. Raises `AwsError` when the receipts cannot be read.
    """
    found: dict[UploadId, Receipt] = {}
    reader = _NewReceipts(platform, push, aws, since - CLOCKS_APART)
    wanted, deadline, seconds = set(uploads), clock() + timeout_seconds, FIRST_PAUSE_SECONDS
    while True:
        for receipt in reader.read(wanted):
            found[receipt.key, receipt.version_id] = receipt
            heard(receipt)
        wanted = {upload for upload in wanted if upload not in found or not is_settled(found[upload])}
        left = deadline - clock()
        if not wanted or left <= 0:
            return tuple(Followed(*upload, found.get(upload)) for upload in uploads)
        pause(min(seconds, left))
        seconds = min(seconds * 1.5, LONGEST_PAUSE_SECONDS)


class _NewReceipts:
    """The receipts of a dataset that were not read before."""

    def __init__(self, platform: Platform, push: PushDataset, aws: Aws, since: datetime) -> None:
        self._platform, self._push, self._aws = platform, push, aws
        self._since = since
        self._read: set[str] = set()

    def read(self, wanted: Iterable[UploadId]) -> list[Receipt]:
        """Read what is new; only the receipts of these uploads. A file is read once."""
        bucket, account = self._platform.log_bucket, str(self._platform.account)
        s3, wanted = self._aws.client("s3"), frozenset(wanted)
        receipts: list[Receipt] = []
        with needing(self._aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(self._push.name)}"):
            for file in list_receipt_files(s3, bucket, self._push.name, Period(self._since), account=account):
                if file.key not in self._read:
                    receipts += [each for each in self._parse(s3, file.key) if (each.key, each.version_id) in wanted]
                if file.written_at:  # names of files that are still to come may be as early as this
                    self._since = max(self._since, file.written_at - CLOCKS_APART)
        return receipts

    def _parse(self, s3: Any, key: str) -> list[Receipt]:
        body = s3.get_object(
            Bucket=str(self._platform.log_bucket), Key=key, ExpectedBucketOwner=str(self._platform.account)
        )["Body"].read()
        self._read.add(key)
        return [each for each in receipts_in(key, body) if isinstance(each, Receipt)]
