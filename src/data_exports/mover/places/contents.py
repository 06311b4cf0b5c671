"""What a destination that cannot copy by itself reads of the hub, before it writes it.

In: calls. Out: operations that read a version, pinned to version and ETag, and go on with what was read. No effects.
"""

import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import md5, sha256

from data_exports.contract.causes import Cause
from data_exports.contract.settings import MIB
from data_exports.mover.places.hub import Hub, describing, reading
from data_exports.mover.places.operation import ONCE, CallStep, Operation
from data_exports.mover.places.s3.destination import PART_LIMITS, PART_POLICY
from data_exports.mover.places.s3.replies import error_reply
from data_exports.mover.places.told import told_text
from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.protocol import Copy, CopyPart, CopyVersion, Failed, Part, StoreAnswer
from data_exports.mover.wire.http_connection import USUAL_LIMITS
from data_exports.mover.wire.http_responses import Response


@dataclass(frozen=True, slots=True)
class HubContents:
    """What was read: the version, what describes it as S3's headers do, its bytes."""

    version_id: str
    described: Mapping[str, str]
    body: bytes

    @property
    def md5(self) -> str:
        """In Base64, as stores are told it and tell it."""
        return b64encode(md5(self.body, usedforsecurity=False).digest()).decode()

    @property
    def digests(self) -> dict[str, str]:
        """Of all of the file, for its receipt: what the store has checked, and what nobody can forge."""
        return {"MD5": self.md5, "SHA256": b64encode(sha256(self.body).digest()).decode()}

    @property
    def crc32(self) -> int:
        """The number that those of parts are combined of."""
        return zlib.crc32(self.body)


Write = Callable[[HubContents], CallStep]


def read_whole(hub: Hub, call: Copy | CopyVersion, write: Write, *, most_bytes: int) -> Operation[StoreAnswer]:
    """Read a version for a copy in one request, then write it."""
    version_id = call.version_id if isinstance(call, CopyVersion) else None
    limits = USUAL_LIMITS._replace(max_body_bytes=most_bytes)
    request = hub.read(call.key, version_id=version_id, etag=call.etag, limits=limits)
    return Operation(request, _reader(call, 200, write), ONCE, call.tries)


def read_part(hub: Hub, call: CopyPart, write: Write) -> Operation[StoreAnswer]:
    """Read a part of a version, then write it."""
    size = call.part.last_byte - call.part.first_byte + 1
    limits = PART_LIMITS._replace(max_body_bytes=max(size, MIB))  # an error tells more than a short last part
    request = hub.read(call.key, version_id=call.version_id, etag=call.etag, part=call.part, limits=limits)

    def write_all(contents: HubContents) -> CallStep:
        if len(contents.body) == size:
            return write(contents)
        return _not_so(call, f"S3 answered with {len(contents.body):,} bytes instead of {size:,}")

    return Operation(request, _reader(call, 206, write_all, part=call.part), PART_POLICY)


def _not_so(call: Copy | CopyVersion | CopyPart, said: str) -> Failed:
    return Failed(f"{reading(call.key)}: {said}. It will be tried again", Cause.UNREADABLE)


def _reader(
    call: Copy | CopyVersion | CopyPart, status: int, write: Write, *, part: Part | None = None
) -> Callable[[Response], CallStep]:
    """What goes on with an answer: what is no object, or another one than was asked for, is not written anywhere.

    S3 tells the ETag of each object that it gives, and of a range which it is. Another success is not read for an
    error: what it holds may be a file's.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_ResponseElements
    """
    doing = reading(call.key)

    def read(response: Response) -> CallStep:
        if response.status == status:
            told_range = response.headers.get("content-range", "")
            if part and not told_range.startswith(f"bytes {part.first_byte}-{part.last_byte}/"):
                wanted_range = f"bytes {part.first_byte}-{part.last_byte}"
                return _not_so(call, told_text(f"S3 gave {told_range or 'no range'} instead of {wanted_range}"))
            etag = response.headers.get("etag", "").strip('"')
            version_id = response.headers.get("x-amz-version-id") or NULL
            wanted = version_id if isinstance(call, Copy) else call.version_id
            if not etag or etag != (call.etag or etag) or version_id != wanted:
                said = told_text(f"S3 gave version {version_id} with {f'ETag {etag}' if etag else 'no ETag'}")
                return _not_so(call, f"{said}, another than was asked for")
            return write(HubContents(version_id, describing(response.headers), response.body))
        if response.status is not None and response.status < 300:
            return _not_so(call, f"S3 answered {response.status} instead of {status}")
        reply = error_reply(response, doing=doing)
        # What was not read was not written: nothing of it is under way.
        return replace(reply, under_way=False) if isinstance(reply, Failed) else reply

    return read
