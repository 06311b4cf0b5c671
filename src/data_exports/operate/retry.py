"""Trying at once what fails and waits: a fresh message for each upload that is still in sight in the hub.

In: a dataset and an `Aws`. Out: the uploads that fail, and those handed over. Effects: reads receipts and the hub;
sends messages, shaped like S3's own, to the dataset's queue. The message that waits is left alone: when it comes
back the mover finds what became of the upload, as with every event that S3 repeats (docs/delivery.md). A fresh message
that fails has tries of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from data_exports.aws import Aws
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Receipt
from data_exports.deploy.apply.backlog import SENDER, send_messages, upload_message
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import queue_name_of
from data_exports.operate.failing import FAILURES_RECEIPT_FILES, TRIED_WITHIN, Outcomes
from data_exports.operate.queues import queue_url_of
from data_exports.operate.receipts import Period, list_receipt_files, read_receipts_in
from data_exports.operate.rights import needing
from data_exports.parallel import map_ordered


def read_failing(
    platform: Platform, push: PushDataset, aws: Aws, *, now: datetime | None = None
) -> tuple[Receipt, ...]:
    """The last receipt of each upload that fails and is tried again. Raises `AwsError`, `RefusedError`."""
    since, outcomes = (now or datetime.now(UTC)) - TRIED_WITHIN, Outcomes()
    s3, bucket, account = aws.client("s3"), platform.log_bucket, str(platform.account)
    with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
        files = list(list_receipt_files(s3, bucket, push.name, Period(since), account=account))
        for each in read_receipts_in(s3, bucket, files[-FAILURES_RECEIPT_FILES:], account=account):
            outcomes.note(each)
    return tuple(receipt for receipt in outcomes.being_tried(since) if receipt.key)


def retry_now(
    platform: Platform,
    push: PushDataset,
    aws: Aws,
    failing: Sequence[Receipt],
    *,
    counted: Callable[[int], None] = lambda _: None,
) -> tuple[Receipt, ...]:
    """Have those tried at once that are in sight in the hub; gives which. The others' messages settle what they find.

    `counted` hears how many were looked for: each takes a request. Raises `AwsError`, also when SQS took only some:
    then it is harmless to do it again.
    """
    with needing(aws, "s3:ListBucketVersions", f"{platform.hub_bucket}/{push.prefix}"):
        in_sight = []
        looked = map_ordered(lambda receipt: _current_version(platform, aws, receipt.key), failing)
        for count, (receipt, version) in enumerate(zip(failing, looked, strict=True), start=1):
            counted(count)
            if version and version["VersionId"] == receipt.version_id:
                in_sight.append((receipt, version))
    messages = (
        upload_message(platform, version, uploaded_by=receipt.uploaded_by or SENDER) for receipt, version in in_sight
    )
    name = queue_name_of(push.name)
    with needing(aws, "sqs:SendMessage", f"queue {name}"):
        send_messages(aws, queue_url_of(aws, platform, name), messages)
    return tuple(receipt for receipt, _ in in_sight)


def _current_version(platform: Platform, aws: Aws, key: str) -> Mapping[str, Any] | None:
    """What the hub shows under this key; None if nothing. A key is listed before longer ones, its newest version first.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    """
    page = aws.client("s3").list_object_versions(
        Bucket=str(platform.hub_bucket), Prefix=key, MaxKeys=1, ExpectedBucketOwner=str(platform.account)
    )
    return next((each for each in page.get("Versions", []) if each["Key"] == key and each["IsLatest"]), None)
