"""Trying at once what fails and waits: a fresh message for each upload that is still in sight in the hub.

In: a dataset and an `Aws`. Out: the uploads that fail, and those handed over. Effects: reads receipts and the hub;
sends messages, shaped like S3's own, to the dataset's queue. The message that waits is left alone: when it comes
back the mover finds what became of the upload, as with every event that S3 repeats (docs/delivery.md). A fresh message
that fails has tries of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from data_exports.aws import Aws
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Receipt, receipts_in
from data_exports.deploy.apply.backlog import SENDER, send_messages, upload_message
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import queue_name_of
from data_exports.operate.failing import FAILURES_RECEIPT_FILES, TRIED_WITHIN, Outcomes
from data_exports.operate.queues import queue_url_of
from data_exports.operate.receipts import Period, list_receipt_files, read_files
from data_exports.operate.rights import needing
from data_exports.parallel import map_ordered


def read_failing(
    platform: Platform, push: PushDataset, aws: Aws, *, now: datetime | None = None
) -> tuple[Receipt, ...]:
    """The last receipt of each upload that fails and is tried again. Raises `AwsError`, `RefusedError`."""
    since, outcomes = (now or datetime.now(UTC)) - TRIED_WITHIN, Outcomes()
    s3, bucket, account = aws.client("s3"), platform.log_bucket, str(platform.account)
    with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
        keys = [file.key for file in list_receipt_files(s3, bucket, push.name, Period(since), account=account)]
        for key, body in read_files(s3, bucket, keys[-FAILURES_RECEIPT_FILES:], account=account):
            for each in receipts_in(key, body):
                if isinstance(each, Receipt):
                    outcomes.note(each)
    return tuple(receipt for receipt in outcomes.being_tried(since) if receipt.key)


def retry_now(platform: Platform, push: PushDataset, aws: Aws, failing: Sequence[Receipt]) -> tuple[Receipt, ...]:
    """Have those tried at once that are in sight in the hub; gives which. The others' messages settle what they find.

    Raises `AwsError`, also when SQS took only some: then it is harmless to do it again.
    """
    with needing(aws, "s3:ListBucketVersions", f"{platform.hub_bucket}/{push.prefix}"):
        current = list(map_ordered(lambda receipt: _current_version(platform, aws, receipt.key), failing))
    in_sight = [
        (receipt, version)
        for receipt, version in zip(failing, current, strict=True)
        if version and version["VersionId"] == receipt.version_id
    ]
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
