"""Reads S3's answers: which kind of reply a response is.

In: a Response (status, headers, body, or the fault that kept one from coming). Out: a reply of `protocol`. No effects.

A status of 200 proves nothing: a copy may answer 200 and tell of an error in the body, and a connection may end early.
So a success must hold, well-formed, what its operation promises. Errors are told apart by their code (`error_codes`).

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from data_exports.contract.causes import Cause
from data_exports.contract.digests import digest_column_of
from data_exports.contract.receipts import iso_time
from data_exports.mover.places.s3.error_codes import Attempt, Error, reply_to_error
from data_exports.mover.rules.hub_version import NULL, HubVersion
from data_exports.mover.rules.protocol import (
    Attributes,
    Copied,
    CopiedPart,
    Current,
    Failed,
    Gone,
    Removed,
    Reply,
    Retire,
    Retired,
    RetiredAll,
    Started,
    Uploads,
    Versioning,
    Versions,
    Written,
)
from data_exports.mover.wire.http_responses import UNANSWERED_STATUSES, Response
from data_exports.mover.wire.xml_answers import decoder_of, found_in, name_of, parse_xml, text_of

_CHECKSUM = "x-amz-checksum-"


def error_reply(response: Response, *, doing: Attempt) -> Reply:
    """Tell what an error response means. `doing` names what was tried, for the reason."""
    if response.status is None:
        reason = f"{doing}: no answer from S3 ({response.fault}). It will be tried again"
        return Failed(reason, Cause.NO_ANSWER, under_way=True)  # S3 may have carried it out, and may even now
    body = response.body
    if response.status in UNANSWERED_STATUSES and not found_in(body, "Code"):
        reason = f"{doing}: no answer from S3 ({response.status}). It will be tried again"
        return Failed(reason, Cause.NO_ANSWER, under_way=True)
    code, message = found_in(body, "Code") or str(response.status), found_in(body, "Message")
    facts = [code, message, _request_id(response)]
    error = Error(code, message, found_in(body, "BucketName"), said=", ".join(fact for fact in facts if fact))
    return reply_to_error(error, doing=doing)


def copy_reply(response: Response, *, doing: Attempt, at: str) -> Reply:
    """Read the answer to CopyObject. `at` is the time of the answer."""
    version_id = response.headers.get("x-amz-copy-source-version-id") or NULL
    return _copied(response, "CopyObjectResult", version_id, doing=doing, at=at)


def _copied(response: Response, name: str, version_id: str, *, doing: Attempt, at: str) -> Reply:
    root = _promised(response, name, doing=doing)
    if not isinstance(root, ET.Element):
        return root
    etag = text_of(root, "ETag").strip('"')
    if not etag:
        return _unreadable(response, doing=doing)
    told = ((child.tag.partition("Checksum"), child.text or "") for child in root)
    checksums = {name[2]: value for name, value in told if name[1]}
    digest = _digest_of(checksums, kind=checksums.pop("Type", ""))
    return Copied(version_id, response.headers.get("x-amz-version-id"), etag, at, digest)


def _digest_of(checksums: Mapping[str, str], *, kind: str) -> str:
    """The digests of a whole file in an answer; those that S3 calls composite are of its parts.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObjectResult.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    """
    return "" if kind == "COMPOSITE" else digest_column_of(checksums)


def head_reply(response: Response, *, doing: Attempt) -> Reply:
    """Read the answer to HeadObject. A delete marker that is asked for by its id answers 405 and when it was made.

    AWS promises Last-Modified there, and x-amz-delete-marker where a marker is on top; some S3s send that with the id,
    too. A 405 with neither proves nothing.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    headers = response.headers
    if response.status == 405 and ("last-modified" in headers or headers.get("x-amz-delete-marker") == "true"):
        return Gone()
    if response.status != 200:
        return error_reply(response, doing=doing)
    version_id = headers.get("x-amz-version-id") or NULL
    told = {name[len(_CHECKSUM) :].upper(): value for name, value in headers.items() if name.startswith(_CHECKSUM)}
    digest = _digest_of(told, kind=told.pop("TYPE", ""))
    length = headers.get("content-length", "")
    size = int(length) if length.isdecimal() else None
    if version_id != NULL:
        return Current(version_id, digest=digest, size_bytes=size)
    at = _iso_time_of(headers.get("last-modified", ""))
    return Current(NULL, headers.get("etag", "").strip('"'), at, digest, size)


def _iso_time_of(http_time: str) -> str | None:
    """Write the time of a header as listings do."""
    try:
        moment = datetime.strptime(http_time, "%a, %d %b %Y %H:%M:%S GMT")
    except ValueError:
        return None
    return iso_time(moment.replace(tzinfo=UTC))


def versioning_reply(response: Response, *, doing: Attempt) -> Reply:
    """Read the answer to GetBucketVersioning, which tells no status of a bucket that never kept versions.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
    """
    root = _promised(response, "VersioningConfiguration", doing=doing)
    if not isinstance(root, ET.Element):
        return root
    return Versioning(is_on=text_of(root, "Status") == "Enabled")


def delete_reply(response: Response, *, doing: Attempt) -> Reply:
    """Read the answer to DeleteObject."""
    return Retired() if response.status == 204 else error_reply(response, doing=doing)


def put_reply(response: Response, *, doing: Attempt) -> Reply:
    """Read the answer to PutObject."""
    if response.status != 200 or name_of(parse_xml(response.body)) == "Error":
        return error_reply(response, doing=doing)
    return Written() if response.headers.get("etag") else _unreadable(response, doing=doing)


def delete_all_reply(response: Response, retires: tuple[Retire, ...], *, doing: Attempt) -> Reply | RetiredAll:
    """Read the answer to DeleteObjects: one reply for each key, also for those that it leaves out."""
    root = parse_xml(response.body)
    if response.status != 200 or name_of(root) == "Error":
        return error_reply(response, doing=doing)
    replies: dict[str, Reply] = {}
    for item in root if root is not None and name_of(root) == "DeleteResult" else ():
        key, kind = text_of(item, "Key"), name_of(item)
        if kind == "Deleted":
            replies[key] = Retired()
        elif kind == "Error":
            code = text_of(item, "Code")
            message = text_of(item, "Message")
            replies[key] = reply_to_error(Error(code, message, said=f"{code}, {message}"), doing=doing)
    missing = _unreadable(response, doing=doing)
    return RetiredAll(tuple(replies.get(retire.key, missing) for retire in retires))


@dataclass(frozen=True, slots=True)
class MoreVersions:
    """A page that did not hold the newest version: ask again from these markers."""

    key_marker: str
    version_id_marker: str


def versions_reply(response: Response, key: str, *, doing: Attempt) -> Reply | MoreVersions:
    """Read a page of ListObjectVersions with prefix=key: versions of longer keys are on it too, after those of the key.

    The versions of a key come newest first, so the first one is the answer.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    """
    root = _promised(response, "ListVersionsResult", doing=doing)
    if not isinstance(root, ET.Element):
        return root
    decode = decoder_of(root)
    for item in root.iterfind("{*}Version"):
        if decode(text_of(item, "Key")) == key:
            return Versions(_hub_version(item), current=text_of(item, "IsLatest") == "true")
    next_key = decode(text_of(root, "NextKeyMarker"))
    if text_of(root, "IsTruncated") == "true" and next_key == key:
        return MoreVersions(next_key, text_of(root, "NextVersionIdMarker"))
    if text_of(root, "EncodingType") != "url":  # what was asked for: keys may stand there in some other way
        return _unreadable(response, doing=doing)
    return Versions(None, current=False)


# The copy of a large file in parts (`destination`).


def start_reply(response: Response, *, doing: Attempt) -> Reply:
    """Read the answer to CreateMultipartUpload."""
    root = _promised(response, "InitiateMultipartUploadResult", doing=doing)
    if not isinstance(root, ET.Element):
        return root
    upload_id = text_of(root, "UploadId")
    return Started(upload_id) if upload_id else _unreadable(response, doing=doing)


def uploads_reply(response: Response, key: str, initiator: str, *, doing: Attempt) -> Reply:
    """Read the answer to ListMultipartUploads with prefix=key: those of this very key that this principal began."""
    root = _promised(response, "ListMultipartUploadsResult", doing=doing)
    if not isinstance(root, ET.Element):
        return root
    decode = decoder_of(root)
    return Uploads(
        tuple(
            text_of(item, "UploadId")
            for item in root.iterfind("{*}Upload")
            if decode(text_of(item, "Key")) == key and text_of(item.find("{*}Initiator"), "ID") == initiator
        )
    )


def complete_reply(response: Response, version_id: str, *, doing: Attempt, at: str) -> Reply:
    """Read the answer to CompleteMultipartUpload of an upload that holds this version of the hub."""
    return _copied(response, "CompleteMultipartUploadResult", version_id, doing=doing, at=at)


def part_reply(response: Response, number: int, *, doing: Attempt) -> Reply:
    """Read the answer to UploadPartCopy."""
    root = _promised(response, "CopyPartResult", doing=doing)
    if not isinstance(root, ET.Element):
        return root
    etag = text_of(root, "ETag").strip('"')
    return CopiedPart(number, etag) if etag else _unreadable(response, doing=doing)


def removal_reply(response: Response, *, doing: Attempt) -> Reply:
    """Read the answer to a DELETE that removes what nobody else needs."""
    return Removed() if response.status == 204 else error_reply(response, doing=doing)


def keys_reply(response: Response, *, doing: Attempt) -> Reply | tuple[str, ...]:
    """Read the keys of a page of ListObjectsV2."""
    root = _promised(response, "ListBucketResult", doing=doing)
    if not isinstance(root, ET.Element):
        return root
    return tuple(text_of(item, "Key") for item in root.iterfind("{*}Contents"))


def tags_reply(response: Response, headers: Mapping[str, str], *, doing: Attempt) -> Reply:
    """Read the answer to GetObjectTagging; the tags complete the headers that describe a file."""
    root = _promised(response, "Tagging", doing=doing)
    if not isinstance(root, ET.Element):
        return root
    tags = "&".join(f"{_quoted(tag, 'Key')}={_quoted(tag, 'Value')}" for tag in root.iterfind("{*}TagSet/{*}Tag"))
    described = {**headers, "x-amz-tagging": tags} if tags else headers
    return Attributes(tuple(sorted(described.items())))


def _quoted(element: ET.Element, name: str) -> str:
    return quote(text_of(element, name), safe="")


def _hub_version(item: ET.Element) -> HubVersion:
    return HubVersion(
        version_id=text_of(item, "VersionId"),
        etag=text_of(item, "ETag").strip('"'),
        size_bytes=int(text_of(item, "Size")),
        last_modified=text_of(item, "LastModified"),
    )


def _unreadable(response: Response, *, doing: Attempt) -> Failed:
    return Failed(
        f"{doing}: S3 answered {response.status} without the promised content "
        f"({', '.join(filter(None, [f'{len(response.body)} bytes', _request_id(response)]))}). It will be tried again",
        Cause.UNREADABLE,
    )


def _promised(response: Response, name: str, *, doing: Attempt) -> ET.Element | Reply:
    """Return the root element of this name that a success holds, else what was answered instead."""
    root = parse_xml(response.body) if response.status == 200 else None
    if root is not None and name_of(root) == name:
        return root
    if response.status != 200 or name_of(root) == "Error":
        return error_reply(response, doing=doing)
    return _unreadable(response, doing=doing)


def _request_id(response: Response) -> str:
    identifier = response.headers.get("x-amz-request-id", "")
    return f"request {identifier}" if identifier else ""
