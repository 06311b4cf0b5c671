"""Google Cloud Storage as a destination: what is read of the hub is written to one bucket, by the XML API.

In: calls. Out: operations. No effects.

A small file is one PUT: first on the condition that nothing is there; where something is, without a condition, since a
mover that may not read cannot know what it writes over. A large one is an upload in parts. Each body goes with its MD5,
which Google holds against what arrived; it tells the CRC32C of each part and may tell that of the whole, which must be
the one that the parts make together. (To work a CRC32C out here, byte by byte, takes too long.)

No condition bounds for how long a write without an answer may be carried out; the token does. That of a service account
is asked for 15 minutes, any other lives an hour: `under_way_seconds`.
https://cloud.google.com/storage/docs/request-preconditions
https://cloud.google.com/storage/docs/multipart-uploads
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from urllib.parse import quote

from data_exports.contract.causes import Cause
from data_exports.contract.digests import digest_column_of
from data_exports.contract.settings import MIB, GoogleSettings
from data_exports.contract.tasks import Try
from data_exports.mover.places.contents import HubContents, read_part, read_whole
from data_exports.mover.places.crc import CRC32C, combined_crc
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.google.error_codes import GOOGLE_ERRORS, google_error_reply
from data_exports.mover.places.google.objects import (
    crc_number_of,
    object_hashes_in,
    object_headers,
)
from data_exports.mover.places.hub import Hub
from data_exports.mover.places.operation import ONCE, CallStep, Operation, Sender
from data_exports.mover.places.s3.bucket import escape_xml
from data_exports.mover.places.s3.destination import BEGIN_POLICY, PART_POLICY
from data_exports.mover.places.token_stores import (
    STORE_LIMITS,
    STORE_PART_LIMITS,
    mark_in,
    packed_part,
    path_below,
    refusal_of_name,
    unpacked_part,
    written_now,
)
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.protocol import (
    AbortUpload,
    CompleteUpload,
    CopiedPart,
    Copy,
    CopyPart,
    CopyVersion,
    Failed,
    FindUploads,
    Forbidden,
    NoUpload,
    Removed,
    Started,
    StartUpload,
    StoreAnswer,
)
from data_exports.mover.wire.http_connection import RequestLimits
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import USUAL_POLICY, RetryPolicy
from data_exports.mover.wire.transport import HttpRequest
from data_exports.mover.wire.xml_answers import found_in, name_of, parse_xml, text_of

# https://cloud.google.com/storage/quotas
# Google takes parts of up to 5 GiB; the smaller limits are those of the function's memory.
GOOGLE_CAPABILITIES = Capabilities(
    service="Google Cloud Storage",
    copies_by_itself=False,
    writes_on_condition=True,
    largest_copy_bytes=4 * MIB,
    smallest_part_bytes=5 * MIB,
    largest_part_bytes=32 * MIB,
    most_parts=10_000,
    calls_at_once=16,
    parts_at_once=8,
    usual_part_bytes=8 * MIB,
    part_bytes_at_once=48 * MIB,
    parts_between_saves=64,  # 512 MiB of most files: each byte passes through the function
)
_IF_NEW = {"x-goog-if-generation-match": "0"}
_XML = {"content-type": "application/xml"}
# To make an object of many parts may take minutes: https://cloud.google.com/storage/docs/xml-api/post-object-complete
_COMPLETE_LIMITS = STORE_LIMITS._replace(read_timeout_seconds=120)


class GoogleDestinationPlace:
    """One recipient's bucket."""

    def __init__(self, target: GoogleSettings, hub: Hub, sender: Sender, url: str) -> None:
        """Take where files go, where they come from, what carries requests with a token, and Google's address."""
        self.target = target
        self.capabilities = replace(GOOGLE_CAPABILITIES, under_way_seconds=target.under_way_seconds)
        self._hub = hub
        self._sender = sender
        self._url = url
        self._writing = f"the copy from {hub.bucket} to {target.uri}"

    def copy(self, call: Copy) -> CallStep:
        """Write the current version on condition."""
        return self._copy(call)

    def copy_version(self, call: CopyVersion) -> CallStep:
        """Write a version."""
        return self._copy(call)

    def _copy(self, call: Copy | CopyVersion) -> CallStep:
        return self._refusal_of(call.key) or read_whole(
            self._hub, call, partial(self._put, call.key), most_bytes=GOOGLE_CAPABILITIES.largest_copy_bytes
        )

    def _put(self, key: str, contents: HubContents) -> CallStep:
        """Write it where nothing is; then, where something is.

        https://cloud.google.com/storage/docs/xml-api/put-object-upload
        """
        return self._put_on_condition(key, contents, contents.digests, _IF_NEW)

    def _put_on_condition(
        self, key: str, contents: HubContents, digests: Mapping[str, str], condition: Mapping[str, str]
    ) -> Operation[StoreAnswer]:
        headers = {"content-md5": digests["MD5"], **object_headers(contents.described), **condition}

        def read(response: Response) -> CallStep:
            if GOOGLE_ERRORS.is_done(response, 200):
                return self._copied(contents, digests, response)
            if condition and response.status == 412:
                return self._put_on_condition(key, contents, digests, {})
            return google_error_reply(response, doing=self._writing)

        return self._operation("PUT", key, "", headers, contents.body, read=read, retries=ONCE)

    def _copied(self, contents: HubContents, digests: Mapping[str, str], response: Response) -> StoreAnswer:
        hashes = object_hashes_in(response)
        if hashes.get("md5", digests["MD5"]) != digests["MD5"]:
            return Failed(f"{self._writing}: Google holds other bytes than were sent", Cause.UNWELL)
        column = {**digests, **({"CRC32C": hashes["crc32c"]} if "crc32c" in hashes else {})}
        return self._written(contents.version_id, response, response.headers.get("etag", ""), digest_column_of(column))

    def start_upload(self, call: StartUpload) -> CallStep:
        """Begin an upload, with what describes the file.

        https://cloud.google.com/storage/docs/xml-api/post-object-multipart
        """
        if refusal := self._refusal_of(call.key):
            return refusal

        def read(response: Response) -> CallStep:
            upload_id = mark_in(found_in(response.body, "UploadId")) if response.status == 200 else ""
            return Started(upload_id) if upload_id else self._error(response)

        headers = object_headers(dict(call.attributes.headers))
        return self._operation("POST", call.key, "uploads", headers, read=read, retries=BEGIN_POLICY)

    def find_uploads(self, _: FindUploads) -> CallStep:
        """Do not look: a list of uploads does not say whose they are, and to list is a right on the whole bucket."""
        return Forbidden("what has begun there is not listed: it could be anybody's")

    def copy_part(self, call: CopyPart) -> CallStep:
        """Write one part.

        https://cloud.google.com/storage/docs/xml-api/put-object-multipart
        """
        doing = f"part {call.part.number} of {self._writing}"

        def write(contents: HubContents) -> CallStep:
            md5, length = contents.md5, len(contents.body)

            def read(response: Response) -> CallStep:
                if not GOOGLE_ERRORS.is_done(response, 200):
                    return google_error_reply(response, doing=doing)
                hashes, etag = object_hashes_in(response), mark_in(response.headers.get("etag"))
                if not etag or not hashes.get("crc32c") or hashes.get("md5", md5) != md5:
                    return Failed(f"{doing}: Google does not tell that it holds what was sent", Cause.UNREADABLE)
                return CopiedPart(call.part.number, packed_part(etag, crc_number_of(hashes["crc32c"]), length))

            query = f"partNumber={call.part.number}&uploadId={quote(call.upload_id, safe='')}"
            return self._operation(
                "PUT",
                call.key,
                query,
                {"content-md5": md5},
                contents.body,
                read=read,
                retries=PART_POLICY,
                limits=STORE_PART_LIMITS,
            )

        return read_part(self._hub, call, write)

    def complete_upload(self, call: CompleteUpload) -> CallStep:
        """Make the file of its parts, and hold its CRC against theirs.

        What a checkpoint does not tell any more is as good as gone.

        https://cloud.google.com/storage/docs/xml-api/post-object-complete
        """
        try:
            facts = [unpacked_part(part.etag) for part in call.parts]
        except ValueError:
            return NoUpload()
        listed = "".join(
            f"<Part><PartNumber>{part.number}</PartNumber><ETag>&quot;{escape_xml(etag)}&quot;</ETag></Part>"
            for part, (etag, _, _) in zip(call.parts, facts, strict=True)
        )
        crc = combined_crc(((crc, length) for _, crc, length in facts), CRC32C)
        expected = b64encode(crc.to_bytes(4, "big")).decode()

        def read(response: Response) -> CallStep:
            root = parse_xml(response.body)
            if response.status != 200 or name_of(root) != "CompleteMultipartUploadResult":
                return self._error(response)
            told = object_hashes_in(response).get("crc32c")
            if told not in (None, expected):
                return Failed(f"{self._writing}: Google holds other bytes than its parts make", Cause.UNREADABLE)
            digest = digest_column_of({"CRC32C": told} if told else {})
            return self._written(call.version_id, response, text_of(root, "ETag"), digest)

        body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
        query = f"uploadId={quote(call.upload_id, safe='')}"
        return self._operation("POST", call.key, query, _XML, body, read=read, limits=_COMPLETE_LIMITS)

    def abort_upload(self, call: AbortUpload) -> CallStep:
        """Remove an upload and its parts.

        https://cloud.google.com/storage/docs/xml-api/delete-multipart
        """
        doing = f"removing an upload in parts from {self.target.uri}"

        def read(response: Response) -> CallStep:
            return Removed() if response.status == 204 else google_error_reply(response, doing=doing)

        query = f"uploadId={quote(call.upload_id, safe='')}"
        return self._operation("DELETE", call.key, query, {}, read=read)

    def probe(self, key: str, ask: Ask) -> list[Try]:
        """Try each request that a delivery makes."""
        from data_exports.mover.places.google.probing import google_tries  # an idle function starts sooner without it

        return google_tries(self._request, self.target, key, self._sender, ask)

    def _refusal_of(self, key: str) -> Failed | None:
        return refusal_of_name(self.capabilities.service, self.target.problem_of_name(key))

    def _written(self, version_id: str, response: Response, etag: str, digest: str) -> StoreAnswer:
        generation = response.headers.get("x-goog-generation")
        return written_now(version_id, generation, etag, digest, doing=self._writing)

    def _error(self, response: Response) -> StoreAnswer:
        """What an answer means that is no success, or not the promised one."""
        if response.status == 200:
            return Failed(f"{self._writing}: Google answered without the promised content", Cause.UNREADABLE)
        return google_error_reply(response, doing=self._writing)

    def _operation(
        self,
        method: str,
        key: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        read: Callable[[Response], CallStep],
        retries: RetryPolicy = USUAL_POLICY,
        limits: RequestLimits = STORE_LIMITS,
    ) -> Operation[StoreAnswer]:
        request = self._request(method, key, query, headers, body, limits=limits)
        return Operation(request, read, retries, sender=self._sender)

    def _request(
        self,
        method: str,
        key: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        limits: RequestLimits = STORE_LIMITS,
    ) -> HttpRequest:
        url = f"{self._url}{path_below(self.target.bucket, key)}{f'?{query}' if query else ''}"
        return HttpRequest(method, url, headers, body, limits)
