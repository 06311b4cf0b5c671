"""What becomes of the buckets that outlive their stacks: wholly empty ones go, ones that hold data stay.

In: buckets that carry this product's tags, and no other estate's. Out: what each holds, and what became of it. Effects:
deletes the mover's code and our templates from the log bucket, delete markers of objects that are gone, and empty
buckets. Never an object of anybody else's: S3 itself refuses to delete a bucket with an object in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, code_of, reason_of, refusal_of
from data_exports.deploy.apply.role_ids import ROLE_IDS_KEY
from data_exports.deploy.remote import BucketContents, read_bucket_tags, read_contents, version_pages
from data_exports.estate.models import Estate, Platform
from data_exports.json_values import json_as
from data_exports.names import BucketName, DatasetName, pull_bucket_of
from data_exports.parallel import map_ordered
from data_exports.stacks.stack import DATASET_TAG, DIGEST_TAG, HUB_TAG

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

OWN_PREFIXES = ("code/", "keeper/", "templates/")
"""What we stored in the log bucket ourselves, and can store again."""


class BucketResult(StrEnum):
    """What became of one bucket."""

    REMOVED = "removed"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OwnBucket:
    """One bucket of ours, and what it holds besides what we stored ourselves."""

    name: BucketName
    contents: BucketContents


@json_as(
    "bucket=bucket.name result reason? versions=bucket.contents.objects",
    "delete_markers=bucket.contents.markers size_bytes=bucket.contents.size_bytes",
    "is_partial=bucket.contents.is_partial",
)
@dataclass(frozen=True, slots=True)
class BucketOutcome:
    """What became of one bucket, and why."""

    bucket: OwnBucket
    result: BucketResult
    reason: str = ""


def read_buckets(aws: Aws, estate: Estate, pull_buckets: Iterable[BucketName]) -> tuple[OwnBucket, ...]:
    """The hub, the log buckets and the pull buckets that exist and are ours, also those kept from removed datasets.

    Raises botocore's exceptions.
    """
    platform = estate.platform
    declared = [pull_bucket_of(platform.pull_bucket_prefix, pull.name) for pull in estate.pull_datasets]
    kept = _read_names(aws, platform.pull_bucket_prefix)
    names = dict.fromkeys(
        [*pull_buckets, *declared, *kept, platform.hub_bucket, platform.log_bucket, platform.evidence_bucket]
    )
    names.pop(platform.access_log_bucket, None)
    names[platform.access_log_bucket] = None  # the last: S3 logs what is done to the others
    return tuple(bucket for name in names if (bucket := read_bucket(aws, platform, name)))


@dataclass(frozen=True, slots=True)
class KeptBucket:
    """A bucket that a removed pull dataset has left."""

    dataset: DatasetName
    bucket: BucketName


def read_kept_buckets(aws: Aws, estate: Estate) -> Iterator[KeptBucket]:
    """The buckets of pull datasets that are not declared any more. Raises botocore's exceptions.

    A bucket that refuses us is none of ours, whose policies refuse nobody of the account; but if each of them does, it
    is us who may not look.
    """
    platform = estate.platform
    declared = {pull.bucket(platform) for pull in estate.pull_datasets}
    names = [name for name in _read_names(aws, platform.pull_bucket_prefix) if name not in declared]
    answers = list(map_ordered(partial(_read_tags, aws, platform), names))
    refusals = [each for each in answers if isinstance(each, Exception)]
    if names and len(refusals) == len(names):
        raise refusals[0]
    for name, answer in zip(names, answers, strict=True):
        tags = None if isinstance(answer, Exception) else answer
        dataset = (tags or {}).get(DATASET_TAG, "")
        if is_ours(tags, platform) and DatasetName.pattern.fullmatch(dataset):
            yield KeptBucket(DatasetName(dataset), name)


def _read_tags(aws: Aws, platform: Platform, name: BucketName) -> dict[str, str] | Exception | None:
    """The bucket's tags, or its refusal."""
    try:
        return read_bucket_tags(aws, name, account=platform.account)
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is not AwsAnswer.FORBIDDEN:
            raise
        return error


def _read_names(aws: Aws, prefix: str) -> Iterator[BucketName]:
    """The account's buckets whose names begin so; whether they are ours, their tags tell."""
    for page in aws.client("s3").get_paginator("list_buckets").paginate():
        names = (each["Name"] for each in page["Buckets"])
        yield from (
            BucketName(name) for name in names if name.startswith(prefix) and BucketName.pattern.fullmatch(name)
        )


def read_bucket(aws: Aws, platform: Platform, name: BucketName) -> OwnBucket | None:
    """The bucket, or None when there is none or it is not ours. Raises botocore's exceptions."""
    tags = read_bucket_tags(aws, name, account=platform.account)
    if not is_ours(tags, platform):
        return None
    contents = read_contents(aws, name) or BucketContents()
    if name != platform.log_bucket:
        return OwnBucket(name, contents)
    own = [read_contents(aws, name, prefix=prefix) or BucketContents() for prefix in (*OWN_PREFIXES, ROLE_IDS_KEY)]
    return OwnBucket(
        name,
        BucketContents(
            contents.objects - sum(each.objects for each in own),
            contents.markers - sum(each.markers for each in own),
            contents.size_bytes - sum(each.size_bytes for each in own),
            is_partial=contents.is_partial,
        ),
    )


def stop_notifications(aws: Aws, platform: Platform) -> None:
    """Take every rule off the hub, which outlives its stack: the queues they name are about to go.

    Does nothing when the hub does not exist or is not ours. Raises botocore's exceptions.
    """
    tags = read_bucket_tags(aws, platform.hub_bucket, account=platform.account)
    if is_ours(tags, platform):
        aws.client("s3").put_bucket_notification_configuration(
            Bucket=str(platform.hub_bucket), NotificationConfiguration={}, ExpectedBucketOwner=str(platform.account)
        )


def remove_if_empty(aws: Aws, platform: Platform, name: BucketName) -> BucketOutcome | None:
    """Remove what is ours from the bucket, then the bucket if nothing is left; None when it is gone already.

    Delete markers without a version behind them hold no data: they go with an otherwise empty bucket.
    """
    try:
        if name == platform.log_bucket:
            for prefix in OWN_PREFIXES:
                _delete_versions(aws, name, prefix=prefix)
        bucket = read_bucket(aws, platform, name)
        if bucket is None:
            return None
        if bucket.contents.objects:
            return BucketOutcome(bucket, BucketResult.KEPT, "holds data")
        if name == platform.log_bucket:  # without receipts nobody asks whose role is whose
            _delete_versions(aws, name, prefix=ROLE_IDS_KEY)
        _delete_versions(aws, name, markers_only=True)
        aws.client("s3").delete_bucket(Bucket=str(name), ExpectedBucketOwner=str(platform.account))
    except AWS_EXCEPTIONS as error:
        unknown = OwnBucket(name, BucketContents())
        if code_of(error) == "BucketNotEmpty":  # somebody wrote to it since we looked
            return BucketOutcome(unknown, BucketResult.KEPT, "holds data")
        return BucketOutcome(unknown, BucketResult.FAILED, reason_of(error))
    return BucketOutcome(bucket, BucketResult.REMOVED)


def is_ours(tags: Mapping[str, str] | None, platform: Platform) -> bool:
    """Whether a bucket was made by this product, and for no other estate."""
    return tags is not None and DIGEST_TAG in tags and tags.get(HUB_TAG, platform.hub_bucket) == platform.hub_bucket


def _delete_versions(aws: Aws, bucket: BucketName, *, prefix: str = "", markers_only: bool = False) -> None:
    """Delete each version and marker under the prefix by its id, a page at a time."""
    for page in version_pages(aws, bucket, prefix=prefix):
        delete_page(aws, bucket, versions_on(page, markers_only=markers_only))


def versions_on(page: Mapping[str, Any], *, markers_only: bool = False) -> list["ObjectIdentifierTypeDef"]:
    """The versions and markers of a page of ListObjectVersions (at most 1,000), as DeleteObjects names them."""
    found = [*page.get("DeleteMarkers", []), *([] if markers_only else page.get("Versions", []))]
    return [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]


def delete_page(aws: Aws, bucket: BucketName, doomed: list["ObjectIdentifierTypeDef"]) -> int:
    """Delete these versions for good; how many. Raises botocore's exceptions, also when S3 keeps a single one."""
    if doomed:
        answer = aws.client("s3").delete_objects(Bucket=str(bucket), Delete={"Objects": doomed, "Quiet": True})
        for refusal in answer.get("Errors", []):
            raise refusal_of(refusal.get("Code", ""), f"{refusal['Key']}: {refusal.get('Message')}", "DeleteObjects")
    return len(doomed)
