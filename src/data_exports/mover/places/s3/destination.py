"""S3 as a destination: a bucket that copies from the hub by itself.

In: calls. Out: operations. No effects.

S3 is silent until a part is copied, so part copies have more patience than other calls.
"""

from datetime import UTC, datetime
from functools import partial

from data_exports.contract.receipts import iso_time
from data_exports.contract.settings import MIB, BucketSettings
from data_exports.contract.tasks import Try
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.operation import ONCE, CallStep, Operation
from data_exports.mover.places.s3.bucket import XML, XMLNS, Bucket, escape_xml, headers_of_a_write
from data_exports.mover.places.s3.error_codes import Attempt, Where
from data_exports.mover.places.s3.replies import (
    complete_reply,
    copy_reply,
    part_reply,
    removal_reply,
    start_reply,
    uploads_reply,
)
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.protocol import (
    AbortUpload,
    CompleteUpload,
    Copy,
    CopyPart,
    CopyVersion,
    FindUploads,
    StartUpload,
)
from data_exports.mover.wire.http_connection import USUAL_LIMITS, RequestLimits
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import RetryPolicy

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
CAPABILITIES = Capabilities(
    service="S3",
    copies_by_itself=True,
    writes_on_condition=True,
    largest_copy_bytes=5 * 1024 * MIB,
    smallest_part_bytes=5 * MIB,
    largest_part_bytes=5 * 1024 * MIB,
    most_parts=10_000,
)
# A part copy is tried again within a minute, as long as there will be time to put on record what has been copied.
PART_LIMITS = RequestLimits(read_timeout_seconds=120)
PART_POLICY = RetryPolicy(most_tries=20, seconds_for_tries=60, seconds_kept=USUAL_LIMITS.read_timeout_seconds + 5)
# A start that may have begun an upload is not made again before that is looked for (`large`).
BEGIN_POLICY = RetryPolicy(most_tries=6, seconds_for_tries=300, only_if_refused=True)


class S3DestinationPlace:
    """One recipient's bucket."""

    capabilities = CAPABILITIES

    def __init__(self, target: BucketSettings, hub: Bucket, function_name: str) -> None:
        """Take where files go, where they come from, and the function's name, by which its uploads are known."""
        self.target = target
        self.bucket = Bucket(target.target_bucket, target.target_account)
        self._hub = hub
        # Function and role have one name, and Lambda names the role's sessions after the function.
        self._us = f"arn:aws:sts::{hub.account}:assumed-role/{function_name}/{function_name}"
        way = f"from {hub} to {self.bucket}"
        self._copying = self._from_hub(f"the copy {way}")
        self._copying_in_parts = Attempt(f"the copy in parts {way}", Where.RECIPIENT)
        self._headers = headers_of_a_write(target)
        self._source_owner = {"x-amz-source-expected-bucket-owner": hub.account} if hub.account else {}
        self._headers_of_a_copy = {
            "x-amz-object-annotation-directive": "EXCLUDE",  # S3 bills each annotation that it copies
            **self._source_owner,
            **self._headers,
        }

    def copy(self, call: Copy) -> CallStep:
        """Copy the current version on condition."""
        return self._copy(call.key, None, call.etag, call.tries)

    def copy_version(self, call: CopyVersion) -> CallStep:
        """Copy a version."""
        return self._copy(call.key, call.version_id, call.etag, call.tries)

    def _copy(self, key: str, version_id: str | None, etag: str | None, tries: int) -> CallStep:
        """Copy within S3. Content type, metadata and tags come along, which is S3's default; annotations do not.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        headers = {"x-amz-copy-source": self._hub.source(key, version_id), **self._headers_of_a_copy}
        if etag is not None:
            headers["x-amz-copy-source-if-match"] = f'"{etag}"'
        request = self.bucket.request("CopyObject", "PUT", key, headers=headers)

        def read(response: Response) -> CallStep:
            return copy_reply(response, doing=self._copying, at=_now())

        return Operation(request, read, ONCE, tries)

    def start_upload(self, call: StartUpload) -> CallStep:
        """Begin an upload, with what describes the file."""
        headers = {**dict(call.attributes.headers), **self._headers}
        request = self.bucket.request("CreateMultipartUpload", "POST", call.key, query={"uploads": ""}, headers=headers)
        return Operation(request, partial(start_reply, doing=self._copying_in_parts), BEGIN_POLICY)

    def find_uploads(self, call: FindUploads) -> CallStep:
        """List the uploads of a key that this function's role has begun; the recipient need not allow it.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
        """
        query = {"uploads": "", "prefix": call.key, "encoding-type": "url"}
        doing = Attempt(f"listing uploads in parts in {self.bucket}", Where.RECIPIENT)
        request = self.bucket.request("ListMultipartUploads", "GET", query=query)
        return Operation(request, lambda response: uploads_reply(response, call.key, self._us, doing=doing))

    def copy_part(self, call: CopyPart) -> CallStep:
        """Copy a part of a version into an upload.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
        """
        part = call.part
        headers = {
            "x-amz-copy-source": self._hub.source(call.key, call.version_id),
            **self._source_owner,
            "x-amz-copy-source-range": f"bytes={part.first_byte}-{part.last_byte}",
            **({"x-amz-copy-source-if-match": f'"{call.etag}"'} if call.etag else {}),
        }
        query = {"partNumber": str(part.number), "uploadId": call.upload_id}
        request = self.bucket.request(
            "UploadPartCopy", "PUT", call.key, query=query, headers=headers, limits=PART_LIMITS
        )
        doing = self._from_hub(f"the copy of part {part.number} from {self._hub} to {self.bucket}")
        return Operation(request, lambda r: part_reply(r, part.number, doing=doing), PART_POLICY)

    def complete_upload(self, call: CompleteUpload) -> CallStep:
        """Make the file of its parts. S3 takes its time and answers 200 at once: only the body tells how it ended.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
        """
        parts = "".join(
            f"<Part><ETag>&quot;{escape_xml(part.etag)}&quot;</ETag><PartNumber>{part.number}</PartNumber></Part>"
            for part in call.parts
        )
        request = self.bucket.request(
            "CompleteMultipartUpload",
            "POST",
            call.key,
            query={"uploadId": call.upload_id},
            headers=XML,
            body=f'<CompleteMultipartUpload xmlns="{XMLNS}">{parts}</CompleteMultipartUpload>'.encode(),
            checksum_of_body=False,  # it would be taken for that of the whole file
        )
        return Operation(request, lambda r: complete_reply(r, call.version_id, doing=self._copying_in_parts, at=_now()))

    def abort_upload(self, call: AbortUpload) -> CallStep:
        """Remove an upload and its parts."""
        request = self.bucket.request("AbortMultipartUpload", "DELETE", call.key, query={"uploadId": call.upload_id})
        doing = Attempt(f"removing an upload in parts from {self.bucket}", Where.RECIPIENT)
        return Operation(request, partial(removal_reply, doing=doing))

    def probe(self, key: str, ask: Ask) -> list[Try]:
        """Try each request that a delivery makes."""
        from data_exports.mover.places.s3.probing import Prober  # an idle function starts sooner without it

        return Prober(self.target, self.bucket, key, ask).tries()

    def _from_hub(self, words: str) -> Attempt:
        """What is being done where S3 reads the hub and writes to the recipient in one request."""
        return Attempt(words, Where.BOTH, hub_bucket=self._hub.name, target_kms_key=self.target.target_kms_key)


def _now() -> str:
    return iso_time(datetime.now(UTC))
