"""The hub, as deliveries and the sweep ask it: what is there, what describes it, out of sight with it.

In: calls. Out: operations. No effects. A destination that cannot copy by itself reads what it writes with `read`.
"""

from collections.abc import Mapping
from functools import partial

from data_exports.mover.places.operation import CallStep, Operation, is_momentary
from data_exports.mover.places.s3.bucket import XML, XMLNS, Bucket, escape_xml
from data_exports.mover.places.s3.error_codes import Attempt, Where
from data_exports.mover.places.s3.replies import (
    MoreVersions,
    delete_all_reply,
    delete_reply,
    head_reply,
    tags_reply,
    versioning_reply,
    versions_reply,
)
from data_exports.mover.rules.protocol import (
    HeadObject,
    ListVersions,
    Part,
    ReadAttributes,
    ReadVersioning,
    Reply,
    Retire,
    RetireAll,
    RetiredAll,
    StoreAnswer,
)
from data_exports.mover.wire.http_connection import USUAL_LIMITS, RequestLimits
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import USUAL_POLICY
from data_exports.mover.wire.transport import S3Request

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


class Hub:
    """The hub's bucket, in the platform's account."""

    def __init__(self, bucket: Bucket) -> None:
        """Take the bucket."""
        self.bucket = bucket
        self._retiring = Attempt(f"retiring from {bucket}", Where.PLATFORM)

    def head(self, call: HeadObject) -> CallStep:
        """Ask which version is current, or whether a version is there.

        Digests are told to whoever may decrypt the file, as a copy must.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        """
        query = None if call.version_id is None else {"versionId": call.version_id}
        headers = {"x-amz-checksum-mode": "ENABLED"} if call.with_digest else None
        request = self.bucket.request("HeadObject", "HEAD", call.key, query=query, headers=headers)
        return Operation(request, partial(head_reply, doing=reading(call.key)))

    def versioning(self, _: ReadVersioning) -> CallStep:
        """Ask whether versions are kept."""
        doing = Attempt(f"reading whether {self.bucket} keeps versions", Where.PLATFORM)
        request = self.bucket.request("GetBucketVersioning", "GET", query={"versioning": ""})
        return Operation(request, partial(versioning_reply, doing=doing))

    def versions(self, call: ListVersions, after: MoreVersions | None = None) -> Operation[StoreAnswer]:
        """Ask for the newest version of a key, page after page."""
        query = {"versions": "", "prefix": call.key, "encoding-type": "url", "max-keys": "100"}
        if after:
            query |= {"key-marker": after.key_marker, "version-id-marker": after.version_id_marker}
        doing = Attempt(f"listing the versions in {self.bucket}", Where.PLATFORM)

        def read(response: Response) -> CallStep:
            reply = versions_reply(response, call.key, doing=doing)
            return self.versions(call, reply) if isinstance(reply, MoreVersions) else reply

        return Operation(self.bucket.request("ListObjectVersions", "GET", query=query), read)

    def attributes(self, call: ReadAttributes) -> CallStep:
        """Ask for what describes a version: its headers, then its tags.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html
        """
        version = {"versionId": call.version_id}
        doing = reading(call.key)

        def read(response: Response) -> CallStep:
            if response.status != 200:
                return head_reply(response, doing=doing)
            headers = describing(response.headers)
            request = self.bucket.request("GetObjectTagging", "GET", call.key, query={"tagging": "", **version})
            return Operation(request, lambda tags: tags_reply(tags, headers, doing=doing))

        return Operation(self.bucket.request("HeadObject", "HEAD", call.key, query=version), read)

    def read(
        self,
        key: str,
        *,
        version_id: str | None = None,
        etag: str | None = None,
        part: Part | None = None,
        limits: RequestLimits = USUAL_LIMITS,
    ) -> S3Request:
        """What reads a version, or the current one: whole or a part, on condition of its ETag.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        """
        headers = {"if-match": f'"{etag}"'} if etag else {}
        if part:
            headers["range"] = f"bytes={part.first_byte}-{part.last_byte}"
        query = {"versionId": version_id} if version_id else None
        return self.bucket.request("GetObject", "GET", key, query=query, headers=headers, limits=limits)

    def retire(self, call: Retire) -> CallStep:
        """Hide a key, if it still has its ETag."""
        request = self.bucket.request("DeleteObject", "DELETE", call.key, headers={"if-match": f'"{call.etag}"'})
        return Operation(request, partial(delete_reply, doing=self._retiring))

    def retire_all(self, call: RetireAll) -> CallStep:
        """Hide many keys, each if it still has its ETag; those that fail for a moment once more, without the others.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        replies: dict[Retire, Reply] = {}

        def ask(due: tuple[Retire, ...], tries: int) -> Operation[StoreAnswer]:
            def read(response: Response) -> CallStep:
                answer = delete_all_reply(response, due, doing=self._retiring)
                if not isinstance(answer, RetiredAll):
                    return answer
                replies.update(zip(due, answer.replies, strict=True))
                unwell = tuple(retire for retire in due if is_momentary(replies[retire]))
                if not unwell or tries == USUAL_POLICY.most_tries:
                    return RetiredAll(tuple(replies[retire] for retire in call.retires))
                return ask(unwell, tries + 1)

            return Operation(self._deletion_of(due), read, tries_before=tries - 1)

        return ask(call.retires, 1)

    def _deletion_of(self, retires: tuple[Retire, ...]) -> S3Request:
        """What retires these keys. Their ETags go in quotes as everywhere.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ObjectIdentifier.html
        """
        objects = "".join(
            f"<Object><Key>{escape_xml(retire.key)}</Key><ETag>&quot;{escape_xml(retire.etag)}&quot;</ETag></Object>"
            for retire in retires
        )
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="{XMLNS}">{objects}</Delete>'.encode()
        return self.bucket.request("DeleteObjects", "POST", query={"delete": ""}, headers=XML, body=body)


def reading(key: str) -> Attempt:
    """What is being done where a file in the hub is read."""
    return Attempt(f"reading {key!r} in the hub", Where.UPLOAD)


def describing(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of the headers that describe the file."""
    return {name: value for name, value in headers.items() if name in _DESCRIBING or name.startswith("x-amz-meta-")}
