"""Following uploads to their receipts.

In: uploads (key and version) and an `Aws`. Out: the receipt that settles each, or the last one it had. Effects: lists
and reads the dataset's receipts again and again, until every upload is settled or the time is up.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from data_exports.aws import Aws
from data_exports.contract.causes import needs_somebody
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Damaged, Outcome, Receipt, receipts_in
from data_exports.estate.models import Platform, PushDataset
from data_exports.operate.receipts import Period, list_receipt_files, read_files
from data_exports.operate.rights import needing

CLOCKS_APART = timedelta(minutes=15)
"""AWS refuses requests of clocks that are further off, so no receipt is named for an earlier time.
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html"""
_RIGHTS = "s3:ListBucket and s3:GetObject"
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
    on_receipt: Callable[[Receipt], None] = lambda _: None,
    known: Mapping[UploadId, Receipt] = MappingProxyType({}),
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Followed, ...]:
    """Wait until each upload is settled; tells `on_receipt` of every receipt of theirs as it is found.

    `since`: a moment before the first of them, by AWS's clock. What an upload had by then is `known`, and no news.
    Raises `AwsError` when the receipts cannot be read.
    """
    found: dict[UploadId, Receipt] = {}
    reader = NewReceipts(platform, push, aws, since)
    wanted, deadline, seconds = set(uploads), clock() + timeout_seconds, FIRST_PAUSE_SECONDS
    while True:
        for receipt in reader.read():
            upload = (receipt.key, receipt.version_id) if isinstance(receipt, Receipt) else None
            if isinstance(receipt, Receipt) and upload in wanted and _is_news(receipt, known.get(upload)):
                found[upload] = receipt
                on_receipt(receipt)
        wanted = {upload for upload in wanted if upload not in found or not is_settled(found[upload])}
        left = deadline - clock()
        if not wanted or left <= 0:
            return tuple(Followed(*upload, found.get(upload)) for upload in uploads)
        pause(min(seconds, left))
        seconds = min(seconds * 1.5, LONGEST_PAUSE_SECONDS)


def _is_news(receipt: Receipt, known: Receipt | None) -> bool:
    return known is None or (receipt.recorded_at or "") > (known.recorded_at or "")


class NewReceipts:
    """The receipts of a dataset that were not read before, from somewhat before a moment on."""

    def __init__(self, platform: Platform, push: PushDataset, aws: Aws, since: datetime) -> None:
        self._platform, self._push, self._aws = platform, push, aws
        self._since = since - CLOCKS_APART
        self._known: set[str] = set()

    def skip(self) -> None:
        """Take what is there by now for read."""
        list(self._new_files())

    def read(self) -> Iterator[Receipt | Damaged]:
        """What came since the last time. A file is read once."""
        bucket, account = self._platform.log_bucket, str(self._platform.account)
        with needing(self._aws, _RIGHTS, f"{bucket}/{receipts_prefix_of(self._push.name)}"):
            for key, body in read_files(self._aws.client("s3"), bucket, self._new_files(), account=account):
                yield from receipts_in(key, body)

    def _new_files(self) -> Iterator[str]:
        bucket, account = self._platform.log_bucket, str(self._platform.account)
        s3, period = self._aws.client("s3"), Period(self._since)
        with needing(self._aws, _RIGHTS, f"{bucket}/{receipts_prefix_of(self._push.name)}"):
            for file in list_receipt_files(s3, bucket, self._push.name, period, account=account):
                if file.key not in self._known:
                    self._known.add(file.key)
                    yield file.key
                if file.written_at:  # names of files that are still to come may be as early as this
                    self._since = max(self._since, file.written_at - CLOCKS_APART)
