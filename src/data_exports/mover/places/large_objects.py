"""The calls of a large file's copy in parts, as requests to S3, and S3's answers as replies.

In: calls (`calls.LargeCall`). Out: their answers. Effects: uploads in parts at the target bucket, checkpoints in the
log bucket.

S3 is silent until a part is copied, so part copies have more patience than other calls.

Checkpoints: `checkpoints/dataset=<name>/<digest of key and version>/<digest of upload id>.json`, one for each upload in
parts, so that no two runs ever write over what another one has on record.
"""

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

from data_exports.contract.keys import checkpoints_prefix_of
from data_exports.contract.receipts import iso_time
from data_exports.mover.places.error_codes import Doing, Where
from data_exports.mover.places.replies import (
    abort_reply,
    complete_reply,
    error_reply,
    keys_reply,
    part_reply,
    put_reply,
    remove_reply,
    start_reply,
    tags_reply,
    uploads_reply,
)
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Answer,
    Attributes,
    Checkpoint,
    Checkpoints,
    CompleteUpload,
    CopiedPart,
    CopyPart,
    FindUploads,
    Forbidden,
    Gone,
    LargeCall,
    ReadAttributes,
    ReadCheckpoints,
    RemoveCheckpoint,
    SaveCheckpoint,
    StartUpload,
)
from data_exports.mover.settings import Settings
from data_exports.mover.wire.connections import USUAL_LIMITS, RequestLimits
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import RetryPolicy, Start
from data_exports.mover.wire.transport import S3Request

# A part copy is tried again within a minute, as long as there will be time to put on record what has been copied.
PART_LIMITS = RequestLimits(read_timeout_seconds=120)
PART_POLICY = RetryPolicy(most_tries=20, seconds_for_tries=60, seconds_kept=USUAL_LIMITS.read_timeout_seconds + 5)
# A start that may have begun an upload is not made again before that is looked for (`large`).
BEGIN_POLICY = RetryPolicy(most_tries=6, seconds_for_tries=300, only_if_refused=True)
# What describes a file and is not its content; a copy in parts carries none of it along by itself.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
_DESCRIBING = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
)
_XML = {"content-type": "application/xml"}
_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"


def headers_of_a_write(settings: Settings) -> dict[str, str]:
    """The headers of every write to the target bucket: who must own it, who shall own the file, how it is encrypted."""
    headers = {
        "x-amz-acl": "bucket-owner-full-control",  # else the file would belong to us in a bucket that uses ACLs
        "x-amz-server-side-encryption": "aws:kms" if settings.target_kms_key else "AES256",
    }
    if settings.target_kms_key:
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = settings.target_kms_key
    return headers | _owner(settings.target_account)


def source_of(bucket: str, key: str, version_id: str | None = None) -> str:
    """What a copy is made of, as its header names it."""
    version = "" if version_id is None else f"?versionId={quote(version_id, safe='')}"
    return f"/{bucket}/{quote(key, safe='/~')}{version}"


def copying(words: str, settings: Settings) -> Doing:
    """What is being done where S3 reads the hub and writes to the recipient in one request."""
    return Doing(words, Where.BOTH, hub_bucket=settings.hub_bucket, target_kms_key=settings.target_kms_key)


def _owner(account: str | None) -> dict[str, str]:
    return {"x-amz-expected-bucket-owner": account} if account else {}


class LargeObjects:
    """The part of an ObjectStore that copies in parts."""

    def __init__(self, settings: Settings, *, start: Start) -> None:
        """Take what starts an exchange whose response, read, is the answer to a call."""
        self._settings = settings
        self._start = start

    def send(self, call: LargeCall, tag: int) -> None:
        """Start a call and return at once."""
        match call:
            case ReadCheckpoints():
                self._read_checkpoints(tag, call)
            case SaveCheckpoint(checkpoint):
                body = json.dumps(_written(checkpoint)).encode()
                exchange = self._on_log("PutObject", "PUT", _name_of(self._settings, checkpoint), body=body)
                self._start(tag, exchange, lambda r: put_reply(r, doing=self._saving()))
            case RemoveCheckpoint(checkpoint):
                exchange = self._on_log("DeleteObject", "DELETE", _name_of(self._settings, checkpoint))
                self._start(tag, exchange, lambda r: remove_reply(r, doing=self._saving()))
            case ReadAttributes():
                self._read_attributes(tag, call)
            case StartUpload(key, Attributes(headers)):
                described = {**dict(headers), **headers_of_a_write(self._settings)}
                exchange = self._on_target("CreateMultipartUpload", "POST", key, {"uploads": ""}, headers=described)
                read = partial(start_reply, doing=self._copying())
                self._start(tag, exchange, read, policy=BEGIN_POLICY)
            case FindUploads(key):
                self._find_uploads(tag, key)
            case CopyPart():
                self._copy_part(tag, call)
            case CompleteUpload():
                self._complete(tag, call)
            case AbortUpload(key, upload_id):
                exchange = self._on_target("AbortMultipartUpload", "DELETE", key, {"uploadId": upload_id})
                words = f"removing an upload in parts from s3://{self._settings.target_bucket}"
                doing = Doing(words, Where.RECIPIENT)
                self._start(tag, exchange, lambda r: abort_reply(r, doing=doing))

    def _read_checkpoints(self, tag: int, call: ReadCheckpoints) -> None:
        """List the checkpoints of a version, then read one after the other."""
        query = {"list-type": "2", "prefix": _folder_of(self._settings, call.key, call.version_id)}
        doing = Doing(f"looking for checkpoints in s3://{self._settings.log_bucket}", Where.PLATFORM)

        def read(response: Response) -> Answer | None:
            names = keys_reply(response, doing=doing)
            if not isinstance(names, tuple):
                return names
            return self._read_each(tag, names, ())

        self._start(tag, self._on_log("ListObjectsV2", "GET", query=query), read)

    def _read_each(self, tag: int, names: tuple[str, ...], found: tuple[Checkpoint, ...]) -> Answer | None:
        """Read the checkpoints of these names. One that has gone since it was listed, or is none, is left out."""
        if not names:
            return Checkpoints(found)

        def read(response: Response) -> Answer | None:
            if response.status == 200:
                return self._read_each(tag, names[1:], (*found, *_checkpoint_of(response.body)))
            doing = Doing(f"reading a checkpoint in s3://{self._settings.log_bucket}", Where.PLATFORM)
            reply = error_reply(response, doing=doing)
            # Without leave to list the whole bucket, S3 answers 403 for what has gone.
            return self._read_each(tag, names[1:], found) if isinstance(reply, Gone | Forbidden) else reply

        self._start(tag, self._on_log("GetObject", "GET", names[0]), read)
        return None

    def _read_attributes(self, tag: int, call: ReadAttributes) -> None:
        """Read what describes the version: its headers, then its tags.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
        """
        version = {"versionId": call.version_id}
        doing = Doing(f"reading {call.key!r} in the hub", Where.UPLOAD)

        def read_headers(response: Response) -> Answer | None:
            if response.status != 200:
                return error_reply(response, doing=doing)
            headers = {name: value for name, value in response.headers.items() if _describes(name)}
            exchange = self._on_hub("GetObjectTagging", "GET", call.key, {"tagging": "", **version})
            self._start(tag, exchange, lambda tags: tags_reply(tags, headers, doing=doing))
            return None

        self._start(tag, self._on_hub("HeadObject", "HEAD", call.key, version), read_headers)

    def _find_uploads(self, tag: int, key: str) -> None:
        """List the uploads in parts of a key that this function's role has begun; the recipient need not allow it.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
        """
        settings = self._settings
        query = {"uploads": "", "prefix": key, "encoding-type": "url"}
        exchange = self._on_target("ListMultipartUploads", "GET", "", query)
        # Function and role have one name, and Lambda names the role's sessions after the function.
        us = f"arn:aws:sts::{settings.hub_account}:assumed-role/{settings.function_name}/{settings.function_name}"
        doing = Doing(f"listing uploads in parts in s3://{settings.target_bucket}", Where.RECIPIENT)
        self._start(tag, exchange, lambda r: uploads_reply(r, key, us, doing=doing))

    def _copy_part(self, tag: int, call: CopyPart) -> None:
        """Copy a part of a version into an upload at the recipient.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
        """
        settings, part = self._settings, call.part
        headers = {
            "x-amz-copy-source": source_of(settings.hub_bucket, call.key, call.version_id),
            "x-amz-copy-source-range": f"bytes={part.first_byte}-{part.last_byte}",
            "x-amz-source-expected-bucket-owner": settings.hub_account,
            **({"x-amz-copy-source-if-match": f'"{call.etag}"'} if call.etag else {}),
        }
        query = {"partNumber": str(part.number), "uploadId": call.upload_id}
        exchange = self._on_target("UploadPartCopy", "PUT", call.key, query, headers=headers)
        words = f"the copy of part {part.number} from s3://{settings.hub_bucket} to s3://{settings.target_bucket}"
        doing = copying(words, settings)
        self._start(
            tag,
            replace(exchange, limits=PART_LIMITS),
            lambda r: part_reply(r, part.number, doing=doing),
            policy=PART_POLICY,
        )

    def _complete(self, tag: int, call: CompleteUpload) -> None:
        """Make the file of its parts. S3 takes its time and answers 200 at once: only the body tells how it ended.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
        """
        parts = "".join(
            f"<Part><ETag>&quot;{html.escape(part.etag, quote=False)}&quot;</ETag>"
            f"<PartNumber>{part.number}</PartNumber></Part>"
            for part in call.parts
        )
        body = f'<CompleteMultipartUpload xmlns="{_XMLNS}">{parts}</CompleteMultipartUpload>'.encode()
        exchange = self._on_target(
            "CompleteMultipartUpload", "POST", call.key, {"uploadId": call.upload_id}, headers=_XML, body=body
        )
        self._start(
            tag,
            exchange,
            lambda r: complete_reply(r, call.version_id, doing=self._copying(), at=iso_time(datetime.now(UTC))),
        )

    def _on_hub(self, operation: str, method: str, key: str, query: Mapping[str, str]) -> S3Request:
        settings = self._settings
        return S3Request(operation, method, settings.hub_bucket, key, query, _owner(settings.hub_account))

    def _on_log(
        self, operation: str, method: str, key: str = "", *, query: Mapping[str, str] | None = None, body: bytes = b""
    ) -> S3Request:
        settings = self._settings
        return S3Request(operation, method, settings.log_bucket, key, query, _owner(settings.hub_account), body)

    def _on_target(
        self,
        operation: str,
        method: str,
        key: str,
        query: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> S3Request:
        settings = self._settings
        named = {**(headers or {}), **_owner(settings.target_account)}
        # A checksum in the request to complete would be taken for that of the whole file.
        return S3Request(operation, method, settings.target_bucket, key, query, named, body, checksum_of_body=False)

    def _copying(self) -> Doing:
        words = f"the copy in parts from s3://{self._settings.hub_bucket} to s3://{self._settings.target_bucket}"
        return Doing(words, Where.RECIPIENT)

    def _saving(self) -> Doing:
        return Doing(f"keeping a checkpoint in s3://{self._settings.log_bucket}", Where.PLATFORM)


def _describes(header: str) -> bool:
    return header in _DESCRIBING or header.startswith("x-amz-meta-")


def _folder_of(settings: Settings, key: str, version_id: str) -> str:
    digest = hashlib.sha256(json.dumps([key, version_id]).encode()).hexdigest()[:32]
    return f"{checkpoints_prefix_of(settings.dataset)}{digest}/"


def _name_of(settings: Settings, checkpoint: Checkpoint) -> str:
    digest = hashlib.sha256(checkpoint.upload_id.encode()).hexdigest()[:32]
    return f"{_folder_of(settings, checkpoint.key, checkpoint.version_id)}{digest}.json"


def _checkpoint_of(body: bytes) -> tuple[Checkpoint, ...]:
    """The checkpoint in a file; nothing if it holds none."""
    try:
        fields = json.loads(body)
        copied = tuple(CopiedPart(part["number"], part["etag"]) for part in fields.pop("copied"))
        return (Checkpoint(**fields, copied=copied),)
    except (ValueError, KeyError, TypeError):
        return ()


def _written(checkpoint: Checkpoint) -> dict[str, object]:
    """The checkpoint as it is kept. What a version `null` alone has is left out of others: earlier movers read them."""
    facts = asdict(checkpoint)
    return {name: value for name, value in facts.items() if name not in ("etag", "last_modified") or value}
