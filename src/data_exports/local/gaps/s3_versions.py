"""S3: the version `null`, of files from before versioning was turned on or from while it was suspended.

What AWS answers was recorded there: tests of LocalStack, `copy-in-place-versioned-re-enabled`,
`put_object_on_suspended_bucket` and others in https://github.com/localstack/localstack/tree/main/tests/aws/services/s3.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import s3

from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.s3_objects import copy_source_of, record_of

S3Answer = tuple[int, dict[str, str], Any]


def _named_null(bucket: str, answer: S3Answer) -> S3Answer:
    """The answer, of the version `null` if it names none; a bucket that never kept versions names none."""
    status, headers, body = answer
    if status < 300 and s3._bucket_versioning.get(bucket):
        headers = {"x-amz-version-id": "null", **headers}
    return status, headers, body


def _names_null_when_read(name: str) -> None:
    @mends(s3, name, "bucket_name key headers query_params")
    def a_read_names_the_version_null(original: Callable[..., S3Answer], bucket: str, *arguments: Any) -> S3Answer:
        """Where versions are kept, or were, a read of a file without a version id of its own names it `null`.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html
        """
        return _named_null(bucket, original(bucket, *arguments))


for _name in ("_get_object", "_head_object"):
    _names_null_when_read(_name)


@mends(s3, "_copy_object", "bucket_name dest_key headers")
def a_copy_names_the_version_null_it_wrote(
    original: Callable[..., S3Answer], bucket_name: str, dest_key: str, headers: Mapping[str, str]
) -> S3Answer:
    """A copy into a bucket whose versioning is suspended is `null`, and says so (a PutObject does not).

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html
    """
    return _named_null(bucket_name, original(bucket_name, dest_key, headers))


def _copies_null(name: str, parameters: str) -> None:
    """Mend one of the two ways to copy; `headers` is the last of its parameters."""

    @mends(s3, name, parameters)
    def a_copy_reads_the_version_null_and_names_it_not(original: Callable[..., S3Answer], *arguments: Any) -> S3Answer:
        """The version `null` can be named as a source; the answer names no copied version then.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        *others, headers = arguments
        source = copy_source_of(headers)
        if source and source[2] == "null" and not record_of(*source).get("version_id"):  # on top, so not in the index
            headers = {**headers, "x-amz-copy-source": headers["x-amz-copy-source"].partition("?")[0]}
        status, answered, body = original(*others, headers)
        if answered.get("x-amz-copy-source-version-id") == "null":
            answered = {name: value for name, value in answered.items() if name != "x-amz-copy-source-version-id"}
        return status, answered, body


_copies_null("_copy_object", "bucket_name dest_key headers")
_copies_null("_upload_part_copy", "bucket_name dest_key query_params headers")


@mends(s3, "_record_object_version", "bucket_name key prior_obj obj data")
def what_is_written_over_null_begins_without_its_tags(original: Callable[..., Any], *arguments: Any) -> Any:
    """Tags belong to a version: what replaces `null` has its own, which are noted after this.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    """
    if s3._bucket_versioning.get(arguments[0]) != "Enabled":
        _forget_tags_of_null(*arguments[:2])
    return original(*arguments)


@mends(s3, "_record_delete_marker", "bucket_name key prior_obj")
def a_marker_in_place_of_null_takes_its_tags_away(original: Callable[..., str], *arguments: Any) -> str:
    """A delete while versioning is suspended takes `null` away for good, and its tags with it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html
    """
    marker = original(*arguments)
    if marker == "null":
        _forget_tags_of_null(*arguments[:2])
    return marker


@mends(s3, "_delete_object_version", "bucket bucket_name key version_id")
def a_deleted_null_takes_its_tags_away(original: Callable[..., Any], *arguments: Any) -> Any:
    """The tags of a version go with it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
    """
    _, bucket, key, version_id = arguments
    if version_id == "null":
        _forget_tags_of_null(bucket, key)
    return original(*arguments)


def _forget_tags_of_null(bucket: str, key: str) -> None:
    s3._object_tags.pop((bucket, key, None), None)
