"""Delete for good what a removed pull dataset left: its bucket, with every version in it.

In: an `Estate`, an `Aws` and the dataset's name. Out: a `Purge` to show and confirm, then its result. Effects of
`purge`: aborts multipart uploads, deletes every version and delete marker, and then the bucket. Refuses while the
dataset is declared or deployed, and any bucket that is not ours and this dataset's own. Interrupted, run it again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, aws_errors, call_or_none, code_of
from data_exports.deploy.apply.outcomes import InterruptedWorkError
from data_exports.deploy.remote import (
    BucketContents,
    check_account,
    contents_of,
    read_bucket_tags,
    read_stack,
    version_pages,
)
from data_exports.deploy.removal.buckets import delete_page, is_ours, versions_on
from data_exports.errors import AwsError, RefusedError, UsageError
from data_exports.estate.models import Estate
from data_exports.names import BucketName, DatasetName, pull_bucket_of, pull_stack_of
from data_exports.parallel import map_ordered
from data_exports.stacks.stack import DATASET_TAG
from data_exports.text import counted

PASSES = 3
"""How often a bucket is emptied in which something appears while we are at it."""


@dataclass(frozen=True, slots=True)
class Purge:
    """What purging would delete."""

    dataset: DatasetName
    bucket: BucketName
    contents: BucketContents
    uploads: int
    """Multipart uploads that nobody has finished."""

    @property
    def count(self) -> int:
        """Versions and delete markers."""
        return self.contents.objects + self.contents.markers


OnCount = Callable[[int], None]
"""Hears how many versions and markers have been counted, or deleted, so far."""


def read_purge(estate: Estate, aws: Aws, dataset: DatasetName, *, heard: OnCount) -> Purge:
    """What is in the dataset's bucket, counted in full.

    Raises `RefusedError` when this is not a bucket to purge, `UsageError` when there is none, `AwsError` when AWS
    cannot be asked.
    """
    check_account(aws, estate.platform)
    bucket = pull_bucket_of(estate.platform.pull_bucket_prefix, dataset)
    _check_not_declared(estate, dataset, bucket)
    with aws_errors(f"bucket {bucket}"):
        _check_not_deployed(aws, dataset)
        _check_ours(estate, aws, dataset, bucket)
        contents = BucketContents()
        for page in version_pages(aws, bucket):
            contents = contents_of(page, before=contents)
            heard(contents.objects + contents.markers)
        return Purge(dataset, bucket, contents, sum(1 for _ in _uploads(aws, bucket)))


def purge(estate: Estate, aws: Aws, planned: Purge, *, heard: OnCount) -> int:
    """Delete all that is in the bucket, and the bucket; how many versions and markers were deleted.

    Looks first whether the dataset has been deployed again. Raises as `read_purge`, and `InterruptedWorkError` on
    Ctrl-C: what is deleted then is gone, and another run deletes the rest.
    """
    bucket, deleted = planned.bucket, 0
    where = {"Bucket": str(bucket), "ExpectedBucketOwner": str(estate.platform.account)}
    try:
        _check_not_deployed(aws, planned.dataset)
        _check_ours(estate, aws, planned.dataset, bucket)
        for _ in range(PASSES):
            _abort_uploads(aws, where)
            for count in _delete_all(aws, bucket):
                deleted += count
                heard(deleted)
            if _is_deleted(aws, where):
                return deleted
    except AWS_EXCEPTIONS as error:
        said = aws_error_of(error, where=f"bucket {bucket}")
        so_far = f"{said.what} ({counted(deleted, 'version')} deleted before that)" if deleted else said.what
        raise AwsError(so_far, code=said.code, where=said.where, next_step=said.next_step) from error
    except KeyboardInterrupt:
        raise InterruptedWorkError(
            f"interrupted: {counted(deleted, 'version')} deleted, and the bucket {bucket} is still there",
            next_step=f"run `exports purge {planned.dataset}` again: it deletes the rest",
        ) from None
    raise RefusedError(
        f"the bucket {bucket} is still there: somebody goes on writing to it",
        next_step="find out who, take that access away, then purge again",
    )


# --- what is not purged ---------------------------------------------------------------------------------------------


def _check_not_declared(estate: Estate, dataset: DatasetName, bucket: BucketName) -> None:
    platform = estate.platform
    users = [pull.name for pull in estate.pull_datasets if pull.bucket(platform) == bucket]
    if users:
        raise RefusedError(
            f"the bucket {bucket} belongs to the dataset {users[0]}, which is declared",
            next_step="to be rid of it, remove its file, `exports deploy --allow removal`, then purge",
        )
    if any(push.name == dataset for push in estate.push_datasets):
        raise UsageError(
            f"{dataset} is a push dataset, which has no bucket of its own", next_step="name a removed pull dataset"
        )


def _check_not_deployed(aws: Aws, dataset: DatasetName) -> None:
    stack = read_stack(aws, pull_stack_of(dataset))
    if stack and stack.status != "DELETE_COMPLETE":
        raise RefusedError(
            f"its stack {stack.name} is still there: {stack.status}",
            next_step="`exports deploy --allow removal`, then purge",
        )


def _check_ours(estate: Estate, aws: Aws, dataset: DatasetName, bucket: BucketName) -> None:
    try:
        tags = read_bucket_tags(aws, bucket, account=estate.platform.account)
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is not AwsAnswer.FORBIDDEN:
            raise
        raise RefusedError(
            f"the bucket {bucket} is another account's, or we may not look at it",
            next_step="check the name, and that your role has s3:GetBucketTagging",
        ) from error
    if tags is None:
        raise UsageError(f"there is no bucket {bucket} in this account", next_step="check the dataset's name")
    if not is_ours(tags, estate.platform) or tags.get(DATASET_TAG) != dataset:
        raise RefusedError(
            f"the bucket {bucket} exists, and its tags do not show that it was made for {dataset} of this estate",
            next_step="look at who uses it; if it is to go, delete it by hand",
        )


# --- deleting -------------------------------------------------------------------------------------------------------


def _uploads(aws: Aws, bucket: BucketName) -> Iterator[dict[str, str]]:
    """Multipart uploads that are not finished: they hold data, and no listing of versions shows them."""
    for page in aws.client("s3").get_paginator("list_multipart_uploads").paginate(Bucket=str(bucket)):
        for upload in page.get("Uploads", []):
            yield {"Key": upload["Key"], "UploadId": upload["UploadId"]}


def _abort_uploads(aws: Aws, where: Mapping[str, Any]) -> None:
    abort = partial(aws.client("s3").abort_multipart_upload, **where)
    for upload in _uploads(aws, BucketName(where["Bucket"])):
        call_or_none(partial(abort, **upload))  # none: finished or aborted meanwhile


def _delete_all(aws: Aws, bucket: BucketName) -> Iterator[int]:
    """Delete every version and marker, several pages at once; yields how many went with each page."""
    yield from map_ordered(
        lambda page: delete_page(aws, bucket, versions_on(page)), version_pages(aws, bucket), finish=True
    )


def _is_deleted(aws: Aws, where: Mapping[str, str]) -> bool:
    """Delete the bucket; False when something is in it again."""
    try:
        aws.client("s3").delete_bucket(**where)
    except AWS_EXCEPTIONS as error:
        if code_of(error) == "BucketNotEmpty":
            return False
        raise
    return True
