"""What stores with tokens have in common: what is written there, what they tell, and what their errors mean.

In: keys, what was read of the hub, responses. Out: paths, limits, replies of `protocol`. No effects. What a store tells
is somebody else's word: it is repeated on one line, within a bound, and without tokens.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import iso_time
from data_exports.mover.places.federation import no_token_reply
from data_exports.mover.places.s3.destination import PART_LIMITS
from data_exports.mover.places.told import told_text
from data_exports.mover.rules.protocol import Copied, Failed, Forbidden, NoUpload, Reply
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_connection import USUAL_LIMITS
from data_exports.mover.wire.http_responses import UNANSWERED_STATUSES, Response

MOST_ANSWER_BYTES = 64 * 1024  # no answer to a write needs as much, and to look through a long one takes time
STORE_LIMITS = USUAL_LIMITS._replace(max_body_bytes=MOST_ANSWER_BYTES)
STORE_PART_LIMITS = PART_LIMITS._replace(max_body_bytes=MOST_ANSWER_BYTES)
CARRIED = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type")
"""What describes a file in S3, in Azure and at Google alike."""
S3_META = "x-amz-meta-"
_MARK = re.compile(r"[\x21-\x7e]{1,1024}")

Meanings = Mapping[str, tuple[Cause, str]]
"""By code, or by the status of what has none that is known: whose it is, and what is to be done or known."""


def meanings_of(codes: Mapping[tuple[Cause, str], tuple[str, ...]]) -> Meanings:
    """A table the other way round. A code that is in none is taken for one that passes: rather some tries too many."""
    return {code: meaning for meaning, of_it in codes.items() for code in of_it}


@dataclass(frozen=True, slots=True)
class StoreErrors:
    """How a store tells of errors, and what they mean."""

    service: str  # who answers, in words
    read: "ReadError"
    no_upload: AbstractSet[str]  # codes of what was to be gone on with, and is gone
    meanings: Meanings

    def is_done(self, response: Response, status: int) -> bool:
        """Tell whether a response is the promised success, and tells of no error all the same."""
        return response.status == status and not self.read(response)[0]

    def reply(self, response: Response, *, doing: str) -> Reply:
        """Tell what a response means that is no success; `doing` names what was tried, for the reason.

        Another success than the promised one, and a gateway that got no answer, leave open what becomes of a request.
        """
        if isinstance(response, NoToken):
            return no_token_reply(response)
        if response.status is None:
            reason = f"{doing}: no answer from {self.service} ({told_text(response.fault)}). It will be tried again"
            return Failed(reason, Cause.NO_ANSWER, under_way=True)
        code, said, request_id = self.read(response)
        facts = (code or str(response.status), said, f"request {request_id}" if request_id else "")
        told = ", ".join(fact for fact in facts if fact)
        if response.status < 300 or (response.status in UNANSWERED_STATUSES and code not in self.meanings):
            return self._left_open(response.status, told, doing=doing)
        if code in self.no_upload:
            return NoUpload()
        cause, advice = self.meanings.get(code) or self.meanings.get(str(response.status)) or (Cause.UNWELL, "")
        if cause.is_permanent:
            reason = f"{doing} is refused ({told}). {advice}"
            return Forbidden(reason, cause) if cause is Cause.RECIPIENT_DENIED else Failed(reason, cause)
        return Failed(f"{doing} failed ({told}). {advice}{'. ' if advice else ''}It will be tried again", cause)

    def _left_open(self, status: int, told: str, *, doing: str) -> Failed:
        if status < 300:
            reason = f"{doing}: {self.service} answered {status} otherwise than promised ({told})"
            return Failed(f"{reason}. It will be tried again", Cause.UNREADABLE, under_way=True)
        reason = f"{doing}: no answer from {self.service} ({told}). It will be tried again"
        return Failed(reason, Cause.NO_ANSWER, under_way=True)


class ReadError(Protocol):
    """What an answer tells of an error."""

    def __call__(self, response: Response, /) -> tuple[str, str, str]:
        """Its code, what is said of it, and the request's id; "" for what is not told."""


def path_below(place: str, key: str) -> str:
    """Where a file is, in a container or a bucket."""
    return f"/{place}/{quote(key, safe='/~')}"


def refusal_of_name(service: str, problem: str) -> Failed | None:
    """What becomes of a file whose name the store cannot hold; nothing if there is no problem."""
    if not problem:
        return None
    advice = "Its sender sends it again under another name"
    return Failed(f"{service} cannot hold a file of this name: {problem}. {advice}", Cause.UPLOAD_NOT_ACCEPTED)


def mark_in(text: str | None) -> str:
    """An ETag, a version, the id of an upload, as a store tells it, without quotes; nothing where it is no such thing.

    It goes into receipts and checkpoints as it is: so it is short, and holds nothing that may not be repeated.
    """
    mark = (text or "").strip('"')
    return mark if _MARK.fullmatch(mark) and told_text(mark[:300]) == mark[:300] else ""


def written_now(version_id: str, version: str | None, etag: str, digest: str, *, doing: str) -> Copied | Failed:
    """A version that is there now, under the store's own version, if it has one, and its ETag.

    Both stores tell the ETag of what they have written: an answer without one is none of theirs, whatever its status.
    https://learn.microsoft.com/en-us/rest/api/storageservices/put-blob#response-headers
    https://cloud.google.com/storage/docs/xml-api/reference-headers#etag
    """
    there, number = mark_in(etag), mark_in(version)
    if not there or (version and not number):
        reason = f"{doing}: the answer does not tell what is there now. It will be tried again"
        return Failed(reason, Cause.UNREADABLE, under_way=True)
    return Copied(version_id, number or None, there, iso_time(datetime.now(UTC)), digest)


_PART = re.compile(r"(?:(.*)\.)?([0-9a-f]{8})\.([0-9]+)")


def packed_part(etag: str, crc: int, length: int) -> str:
    """What a checkpoint keeps of a part: the store's ETag, if it has one, and of what the whole's CRC is made."""
    return ".".join(filter(None, (etag, f"{crc:08x}", str(length))))


def unpacked_part(text: str) -> tuple[str, int, int]:
    """ETag, CRC and length of a part. Raises ValueError if they are not there."""
    found = _PART.fullmatch(text)
    if found is None:
        raise ValueError("the checkpoint does not tell of what its parts are made")
    return found[1] or "", int(found[2], 16), int(found[3])
