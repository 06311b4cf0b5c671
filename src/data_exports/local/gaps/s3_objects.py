"""S3: copies between accounts, how large one may be, its ETag; tags of uploads in parts, of versions; their ranges."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from ministack.core import iam_actions
from ministack.core.responses import AccountScopedDict, get_account_id
from ministack.services import s3

from data_exports.local.gaps.patching import mends

S3ObjectAnswer = tuple[int, dict[str, str], Any]

_COPY_LIMIT_BYTES = 5 * 1024**3
_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
"""In an answer that echoes a key, which no parser may read when it holds control characters."""


class _ScopedToTheOwner(AccountScopedDict):  # type: ignore[misc]  # the emulator carries no types
    """What belongs to a bucket is looked up in the account of the bucket's owner, whoever asks.

    So a CopyObject or UploadPartCopy finds its source in another account. Keys are bucket names or tuples that begin
    with one. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """

    __slots__ = ()

    def _scoped(self, key: Any) -> tuple[str, Any]:
        bucket = key if isinstance(key, str) else key[0]
        return (s3._bucket_owner_account(bucket) or get_account_id(), key)


for _store in (s3._buckets, s3._object_versions, s3._object_tags):
    _store.__class__ = _ScopedToTheOwner


def copy_source_of(headers: Mapping[str, str]) -> tuple[str, str, str] | None:
    """Bucket, key and version id (``""`` for the current one) of what a copy reads; None when it is no copy."""
    source = iam_actions._s3_source_object(headers)
    if source is None:
        return None
    bucket, _, key = source[0].removeprefix("arn:aws:s3:::").partition("/")
    return bucket, key, source[1]


def record_of(bucket: str, key: str, version_id: str = "") -> Mapping[str, Any]:
    """What the emulator keeps about an object or a version of it; empty when there is none."""
    versions = s3._object_versions.get((bucket, key), [])
    found = next((version for version in versions if version["version_id"] == version_id), None)
    if version_id and (found or version_id != "null"):
        return found or {}
    current = ((s3._buckets.get(bucket) or {}).get("objects") or {}).get(key) or {}
    return {} if version_id and current.get("version_id") else current


@mends(s3, "_copy_object", "bucket_name dest_key headers")
def a_copy_holds_up_to_5_gib(
    original: Callable[..., Any], bucket_name: str, dest_key: str, headers: Mapping[str, str]
) -> Any:
    """CopyObject of a source above 5 GiB is refused; such a source is copied in parts.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    source = copy_source_of(headers)
    if source and (record_of(*source).get("size") or 0) > _COPY_LIMIT_BYTES:
        return s3._error(
            "InvalidRequest",
            "The specified copy source is larger than the maximum allowable size for a copy source: "
            f"{_COPY_LIMIT_BYTES}",
            400,
        )
    return original(bucket_name, dest_key, headers)


@mends(s3, "_copy_object", "bucket_name dest_key headers")
def a_copy_of_an_upload_in_parts_has_an_etag_of_its_own(
    original: Callable[..., Any], bucket_name: str, dest_key: str, headers: Mapping[str, str]
) -> Any:
    """CopyObject writes one part, so the copy of an object uploaded in parts has another ETag than its source.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    """
    status, reply_headers, reply = original(bucket_name, dest_key, headers)
    if status != 200:
        return status, reply_headers, reply
    record = s3._buckets[bucket_name]["objects"][dest_key]
    old = record["etag"]
    if "-" not in old:
        return status, reply_headers, reply
    new = f'"{hashlib.md5(record["body"], usedforsecurity=False).hexdigest()}"'
    for kept in (record, *s3._object_versions.get((bucket_name, dest_key), [])):
        if kept is record or kept["version_id"] == record.get("version_id"):
            kept["etag"] = new
    return status, reply_headers, reply.replace(old.strip('"').encode(), new.strip('"').encode())


@mends(s3, "_create_multipart_upload", "bucket_name key headers")
def an_upload_in_parts_remembers_its_tags(
    original: Callable[..., Any], bucket_name: str, key: str, headers: Mapping[str, str]
) -> Any:
    """The tags given to CreateMultipartUpload are those of the finished object.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
    """
    response = original(bucket_name, key, headers)
    if response[0] == 200 and headers.get("x-amz-tagging"):
        upload_id = _UPLOAD_ID.search(response[2])[1].decode()  # type: ignore[index]  # a 200 always names it
        s3._multipart_uploads[upload_id]["tags"] = dict(parse_qsl(headers["x-amz-tagging"], keep_blank_values=True))
    return response


@mends(s3, "_complete_multipart_upload", "bucket_name key body query_params headers")
def a_finished_upload_carries_its_tags(
    original: Callable[..., Any], bucket_name: str, key: str, body: bytes, query_params: Mapping[str, Any], *more: Any
) -> Any:
    """The tags given to CreateMultipartUpload are those of the finished object.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
    """
    upload = s3._multipart_uploads.get(s3._qp(query_params, "uploadId"))
    response = original(bucket_name, key, body, query_params, *more)
    if response[0] == 200 and upload is not None:
        s3._object_tags[(bucket_name, key, response[1].get("x-amz-version-id"))] = upload.get("tags", {})
    return response


@mends(s3, "_get_object_tagging", "bucket_name key query_params")
def the_tags_of_a_version_are_told_below_a_marker_too(
    original: Callable[..., Any], bucket_name: str, key: str, query_params: Mapping[str, Any] | None = None
) -> Any:
    """GetObjectTagging of a version answers whatever is on top of it.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
    """
    status, headers, body = original(bucket_name, key, query_params)
    version_id = s3._qp(query_params or {}, "versionId", "")
    versions = s3._object_versions.get((bucket_name, key), [])
    if status != 404 or not any(v["version_id"] == version_id and not v.get("is_delete_marker") for v in versions):
        return status, headers, body
    tags = s3._object_tags.get((bucket_name, key, None if version_id == "null" else version_id), {})
    told = "".join(f"<Tag><Key>{escape(k)}</Key><Value>{escape(v)}</Value></Tag>" for k, v in tags.items())
    told = f'<Tagging xmlns="{s3.S3_NS}"><TagSet>{told}</TagSet></Tagging>'
    return 200, {"Content-Type": "application/xml", "x-amz-version-id": version_id}, told.encode()


@mends(s3, "_get_object", "bucket_name key headers query_params")
def a_part_of_a_version_may_be_read(
    original: Callable[..., S3ObjectAnswer], bucket_name: str, key: str, headers: Mapping[str, str], *query: Any
) -> S3ObjectAnswer:
    """A range is a range of the version that is named, too; the emulator sends all of it.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    status, told, body = original(bucket_name, key, headers, *query)
    if status != 200 or not headers.get("range"):
        return status, told, body
    found = s3._parse_range(headers["range"], len(body))
    if found is None:
        refused = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
        return 416, refused, s3._xml_body(s3._range_error_xml(bucket_name, key))
    start, end = found
    told = {name: value for name, value in told.items() if not name.lower().startswith("x-amz-checksum-")}
    told |= {"Content-Length": str(end - start + 1), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
    return 206, told, body[start : end + 1]
