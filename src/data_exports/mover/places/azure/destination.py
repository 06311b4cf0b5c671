"""Azure Blob Storage as a destination: what is read of the hub is written to one container.

In: calls. Out: operations. No effects.

A small file is one Put Blob; a large one is put in blocks, and is there with Put Block List. Each body goes with its
MD5, which Azure holds against what arrived. Blocks that are not listed vanish after a week, or with the next write of
the blob: so nothing is begun, and nothing has to be taken back.

Every write of a blob is on condition. A token opens the container for an hour, and a request that was never answered
might be carried out as late as that, over something newer. So each says: unless somebody has written since it was sent
(`If-Unmodified-Since`, by Azure's own clock; what is not there was not written). Any write after it makes it fail.
Before the clock is known, and where the time alone refuses, it says: unless something is there (`If-None-Match: *`).
https://learn.microsoft.com/en-us/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
"""

import json
import uuid
import zlib
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from urllib.parse import quote

from data_exports.contract.causes import Cause
from data_exports.contract.digests import digest_column_of
from data_exports.contract.settings import MIB, AzureSettings
from data_exports.contract.tasks import Try
from data_exports.mover.places.azure.blobs import (
    VERSION,
    ServerClock,
    block_id_of,
    described,
    moment_now,
)
from data_exports.mover.places.azure.error_codes import (
    AZURE_ERRORS,
    IS_THERE,
    WAS_WRITTEN_SINCE,
    azure_error_reply,
    read_azure_error,
)
from data_exports.mover.places.contents import HubContents, read_part, read_whole
from data_exports.mover.places.crc import CRC32, combined_crc
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.hub import Hub
from data_exports.mover.places.operation import ONCE, CallStep, Operation, Sender
from data_exports.mover.places.s3.destination import PART_POLICY
from data_exports.mover.places.token_stores import (
    STORE_LIMITS,
    STORE_PART_LIMITS,
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
    NoUpload,
    Removed,
    Started,
    StartUpload,
    StoreAnswer,
    Uploads,
)
from data_exports.mover.wire.http_connection import RequestLimits
from data_exports.mover.wire.http_requests import render_head
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest

# https://learn.microsoft.com/en-us/rest/api/storageservices/understanding-block-blobs--append-blobs--and-page-blobs
# Azure takes blocks of up to 4,000 MiB, and Put Blob 5,000; the smaller limits are those of the function's memory.
AZURE_CAPABILITIES = Capabilities(
    service="Azure Blob Storage",
    copies_by_itself=False,
    writes_on_condition=True,
    largest_copy_bytes=4 * MIB,
    smallest_part_bytes=1,
    largest_part_bytes=32 * MIB,
    most_parts=50_000,
    calls_at_once=16,
    parts_at_once=8,
    usual_part_bytes=8 * MIB,
    part_bytes_at_once=48 * MIB,
    parts_between_saves=64,  # 512 MiB of most files: each byte passes through the function
    begins_uploads=False,
)
_IF_NEW: Mapping[str, str] = {"if-none-match": "*"}


class AzureDestinationPlace:
    """One recipient's container."""

    capabilities = AZURE_CAPABILITIES

    def __init__(
        self,
        target: AzureSettings,
        hub: Hub,
        sender: Sender,
        url: str,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Take where files go, where they come from, what carries requests with a token, and the account's address."""
        self.target = target
        self._hub = hub
        self._sender = sender
        self._url = url
        self._clock = ServerClock(clock)
        self._writing = f"the copy from {hub.bucket} to {target.uri}"

    def copy(self, call: Copy) -> CallStep:
        """Write the current version on condition."""
        return self._copy(call)

    def copy_version(self, call: CopyVersion) -> CallStep:
        """Write a version."""
        return self._copy(call)

    def _copy(self, call: Copy | CopyVersion) -> CallStep:
        if refusal := self._refusal_of(call.key):
            return refusal

        def write(contents: HubContents) -> CallStep:
            digests = contents.digests
            md5 = digests["MD5"]
            headers = {"x-ms-blob-type": "BlockBlob", "content-md5": md5, **described(contents.described)}

            def copied(response: Response) -> StoreAnswer:
                if response.headers.get("content-md5", md5) != md5:
                    return Failed(f"{self._writing}: Azure holds other bytes than were sent", Cause.UNWELL)
                return self._copied(contents.version_id, response, digest_column_of(digests))

            return self._write(call.key, "", headers, contents.body, copied)

        return read_whole(self._hub, call, write, most_bytes=AZURE_CAPABILITIES.largest_copy_bytes)

    def start_upload(self, call: StartUpload) -> CallStep:
        """Nothing has to be begun there. The id names the blocks, and keeps what describes the file until the end."""
        if refusal := self._refusal_of(call.key):
            return refusal
        packed = zlib.compress(json.dumps(dict(call.attributes.headers)).encode())
        return Started(f"{uuid.uuid4().hex}.{urlsafe_b64encode(packed).decode()}")

    def find_uploads(self, _: FindUploads) -> CallStep:
        """There are none: blocks that nobody lists are nothing."""
        return Uploads(())

    def copy_part(self, call: CopyPart) -> CallStep:
        """Put one block.

        https://learn.microsoft.com/en-us/rest/api/storageservices/put-block
        """
        block = block_id_of(_name_in(call.upload_id), call.part.number)

        def write(contents: HubContents) -> CallStep:
            md5 = contents.md5
            part = CopiedPart(call.part.number, packed_part("", contents.crc32, len(contents.body)))
            query = f"comp=block&blockid={quote(block, safe='')}"
            request = self._request(call.key, query, {"content-md5": md5}, contents.body, limits=STORE_PART_LIMITS)
            doing = f"part {call.part.number} of {self._writing}"

            def read(response: Response) -> CallStep:
                self._clock.note(response)
                if not AZURE_ERRORS.is_done(response, 201):
                    return azure_error_reply(response, doing=doing)
                if response.headers.get("content-md5", md5) != md5:
                    return Failed(f"{doing}: Azure holds other bytes than were sent", Cause.UNWELL)
                return part

            return Operation(request, read, PART_POLICY, sender=self._sender)

        return read_part(self._hub, call, write)

    def complete_upload(self, call: CompleteUpload) -> CallStep:
        """Make the file of its blocks.

        They may be those that are there already: it is the same file then, and written again. What a checkpoint
        does not tell any more is as good as gone.
        https://learn.microsoft.com/en-us/rest/api/storageservices/put-block-list
        """
        name = _name_in(call.upload_id)
        blocks = "".join(f"<Latest>{block_id_of(name, part.number)}</Latest>" for part in call.parts)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{blocks}</BlockList>'.encode()
        try:
            crc = combined_crc((unpacked_part(part.etag)[1:] for part in call.parts), CRC32)
            describing = described(_described_in(call.upload_id))
            render_head("PUT", "/", describing)  # what no request can hold is damaged, too
        except (ValueError, zlib.error):
            return NoUpload()
        digest = digest_column_of({"CRC32": b64encode(crc.to_bytes(4, "big")).decode()})
        headers = {"content-type": "application/xml", **describing}
        return self._write(
            call.key, "comp=blocklist", headers, body, lambda r: self._copied(call.version_id, r, digest)
        )

    def abort_upload(self, _: AbortUpload) -> CallStep:
        """Blocks vanish by themselves; a list that is late does not pass its condition once anything is written."""
        return Removed()

    def probe(self, key: str, ask: Ask) -> list[Try]:
        """Try each request that a delivery makes."""
        from data_exports.mover.places.azure.probing import azure_tries  # an idle function starts sooner without it

        return azure_tries(lambda query, headers, body: self._request(key, query, headers, body), self._sender, ask)

    def _refusal_of(self, key: str) -> Failed | None:
        return refusal_of_name(self.capabilities.service, self.target.problem_of_name(key))

    def _write(
        self, key: str, query: str, headers: Mapping[str, str], body: bytes, copied: Callable[[Response], StoreAnswer]
    ) -> Operation[StoreAnswer]:
        """Write, unless somebody has written since; and once more, unless something is there."""
        request = partial(self._request, key, query, headers, body)
        return self._write_on_condition(request, copied, if_new=not self._clock.is_known, is_last=False)

    def _write_on_condition(
        self,
        request_of: Callable[..., HttpRequest],
        copied: Callable[[Response], StoreAnswer],
        *,
        if_new: bool,
        is_last: bool,
    ) -> Operation[StoreAnswer]:
        request = request_of(at_last=(lambda: _IF_NEW) if if_new else self._clock.unmodified_since)

        def read(response: Response) -> CallStep:
            self._clock.note(response)
            if AZURE_ERRORS.is_done(response, 201):
                return copied(response)
            is_refused_by_condition = read_azure_error(response)[0] in (IS_THERE, WAS_WRITTEN_SINCE)
            if is_refused_by_condition and not is_last and self._clock.is_known:
                return self._write_on_condition(request_of, copied, if_new=not if_new, is_last=True)
            return azure_error_reply(response, doing=self._writing)

        return Operation(request, read, ONCE, sender=self._sender)

    def _copied(self, version_id: str, response: Response, digest: str) -> StoreAnswer:
        headers = response.headers
        etag = headers.get("etag", "")
        return written_now(version_id, headers.get("x-ms-version-id"), etag, digest, doing=self._writing)

    def _request(
        self,
        key: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        limits: RequestLimits = STORE_LIMITS,
        at_last: Callable[[], Mapping[str, str]] = dict,
    ) -> HttpRequest:
        url = f"{self._url}{path_below(self.target.container, key)}{f'?{query}' if query else ''}"
        return HttpRequest(
            "PUT",
            url,
            {"x-ms-version": VERSION, **headers},
            body,
            limits,
            lambda: {"x-ms-date": moment_now(), **at_last()},
        )


def _name_in(upload_id: str) -> str:
    return upload_id.partition(".")[0]


def _described_in(upload_id: str) -> dict[str, str]:
    """What describes the file. Raises `ValueError` and `zlib.error` if it is not there."""
    packed = upload_id.partition(".")[2]
    headers = json.loads(zlib.decompressobj().decompress(urlsafe_b64decode(packed), MIB)) if packed else {}
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise ValueError("the checkpoint does not tell what describes the file")
    return headers
