"""What goes on in a push dataset: what waits in the hub, what arrived in the last day, what fails.

In: a platform, a push dataset, an `Aws`. Out: `HubBacklog`, `Deliveries`, `Failing`. Effects: reads S3.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from data_exports.aws import Aws
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Outcome, Receipt, moment_of
from data_exports.estate.models import Platform, PushDataset
from data_exports.operate.failing import TRIED_WITHIN, Failing, Outcomes, failing_of
from data_exports.operate.receipts import Period, list_receipt_days, list_receipt_files, read_receipts_in
from data_exports.operate.rights import needing

LONG_AGO_FILES = 10
"""Files of an earlier day that are looked through for the last delivery."""


@dataclass(frozen=True, slots=True)
class HubBacklog:
    """What lies in the hub under a dataset's prefix and has not left it yet."""

    files: int
    oldest: datetime | None
    is_partial: bool
    """Whether there is more than one listing holds, so that there may be older ones."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What arrived."""

    last: datetime | None
    day_files: int
    day_bytes: int
    is_partial: bool
    """Whether the last day has more receipts than were read, so that the figures are the least."""


def read_backlog(platform: Platform, push: PushDataset, aws: Aws) -> HubBacklog:
    """What one listing of the hub says. Raises `NotAllowedError` and botocore's exceptions."""
    hub = platform.hub_bucket
    with needing(aws, "s3:ListBucket", f"{hub}/{push.prefix}"):
        page = aws.client("s3").list_objects_v2(
            Bucket=str(hub), Prefix=str(push.prefix), ExpectedBucketOwner=str(platform.account)
        )
    entries = [entry for entry in page.get("Contents", []) if entry["Key"] != push.prefix]  # a console's empty folder
    oldest = min((entry["LastModified"] for entry in entries), default=None)
    return HubBacklog(len(entries), oldest, bool(page.get("IsTruncated")))


def read_last_deliveries(
    platform: Platform, push: PushDataset, aws: Aws, *, now: datetime, budget: int
) -> tuple[Deliveries, Failing | None]:
    """What arrived, and what fails, by the newest `budget` files of the last day's receipts.

    Raises `NotAllowedError` and botocore's exceptions.
    """
    s3, bucket, account = aws.client("s3"), platform.log_bucket, str(platform.account)
    with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
        day = Period(now - timedelta(days=1))
        files = list(list_receipt_files(s3, bucket, push.name, day, account=account))
        read = files[-budget:]
        delivered, outcomes = dict[tuple[str, str], Receipt](), Outcomes()
        for receipt in read_receipts_in(s3, bucket, read, account=account):
            outcomes.note(receipt)
            if receipt.outcome == Outcome.DELIVERED and day.holds(receipt):
                delivered[receipt.key, receipt.version_id] = receipt
        last = max((moment for each in delivered.values() if (moment := _moment(each))), default=None)
        if last is None:
            last = _last_before(platform, push, aws)
        if missed := push.missed(last, now):
            last = _last_since(platform, push, aws, missed.opens) or last
    size = sum(receipt.size_bytes or 0 for receipt in delivered.values())
    deliveries = Deliveries(last, len(delivered), size, is_partial=len(files) > len(read))
    return deliveries, failing_of(outcomes.being_tried(now - TRIED_WITHIN))


def _last_before(platform: Platform, push: PushDataset, aws: Aws) -> datetime | None:
    """The last delivery, when the last day has none: in the newest files of the last day that has any."""
    s3, account = aws.client("s3"), str(platform.account)
    days = list_receipt_days(s3, platform.log_bucket, push.name, account=account)
    if not days:
        return None
    since = datetime.combine(days[-1], datetime.min.time(), UTC)
    files = list(list_receipt_files(s3, platform.log_bucket, push.name, Period(since), account=account))
    receipts = read_receipts_in(s3, platform.log_bucket, files[-LONG_AGO_FILES:], account=account)
    delivered = (receipt for receipt in receipts if receipt.outcome == Outcome.DELIVERED)
    return max((moment for each in delivered if (moment := _moment(each))), default=None)


def _last_since(platform: Platform, push: PushDataset, aws: Aws, since: datetime) -> datetime | None:
    """A delivery since then, the newest: before a promise is said to be broken, every receipt since then is looked at.

    What fails leaves receipts, too, so that the newest files alone may hold no delivery.
    """
    s3, account = aws.client("s3"), str(platform.account)
    files = list(list_receipt_files(s3, platform.log_bucket, push.name, Period(since), account=account))
    receipts = read_receipts_in(s3, platform.log_bucket, reversed(files), account=account)
    delivered = (receipt for receipt in receipts if receipt.outcome == Outcome.DELIVERED)
    moments = (moment for receipt in delivered if (moment := _moment(receipt)) and moment >= since)
    return next(moments, None)


def _moment(receipt: Receipt) -> datetime | None:
    return moment_of(receipt.delivered_at) or moment_of(receipt.recorded_at)
