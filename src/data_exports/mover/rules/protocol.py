"""What a delivery asks for and what it may be answered: plain values, no behaviour.

In: nothing. Out: the requests that `delivery` yields, the replies it is sent, and the calls that `batch` makes of them:
of many requests one, or of one many. No effects.
"""

from dataclasses import dataclass, field
from typing import Protocol

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Receipt
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.hub_version import HubVersion


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy the hub's current version of `key` to the recipient, if its ETag is `etag`.

    `tries` says how often it was tried before: then the store waits a little first.
    """

    key: str
    etag: str
    tries: int = 0


@dataclass(frozen=True, slots=True)
class CopyVersion:
    """Copy this very version of `key` to the recipient, whatever lies on top of it; `tries` as for `Copy`.

    The version `null` if its ETag is `etag`.
    """

    key: str
    version_id: str
    etag: str | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class HeadObject:
    """Ask which version of `key` is current in the hub; or, with a version id, whether that version is there."""

    key: str
    version_id: str | None = None
    with_digest: bool = False  # whether to ask for what its sender said of the whole file, too


@dataclass(frozen=True, slots=True)
class ListVersions:
    """Ask for the newest version of `key` in the hub, and whether a delete marker hides it."""

    key: str


@dataclass(frozen=True, slots=True)
class Retire:
    """Put a delete marker on `key` in the hub, if the ETag of its current version is `etag`."""

    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class ReadVersioning:
    """Ask whether the hub keeps versions, so that a delete leaves a marker and removes nothing."""


@dataclass(frozen=True, slots=True)
class WriteReceipts:
    """Have these receipts on disk."""

    receipts: tuple[Receipt, ...]


# What the copy of a large file in parts asks for (`large`).


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a file; numbers count from 1, the last byte is part of it."""

    number: int
    first_byte: int
    last_byte: int


@dataclass(frozen=True, slots=True)
class CopiedPart:
    """A part that is at the recipient, under this ETag."""

    number: int
    etag: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the copy of one version has come: its upload in parts at the recipient, and the parts that are there."""

    key: str
    version_id: str
    upload_id: str
    size_bytes: int
    part_bytes: int
    copied: tuple[CopiedPart, ...] = ()
    etag: str = ""  # of a version `null`, as the time: which upload of that id it was
    last_modified: str | None = None
    destination: str = ""  # where it was begun, as `Rules` name it


@dataclass(frozen=True, slots=True)
class ReadCheckpoints:
    """Ask for the checkpoints of this version."""

    key: str
    version_id: str


@dataclass(frozen=True, slots=True)
class SaveCheckpoint:
    """Have this checkpoint on disk, in place of an older one of the same upload in parts."""

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class RemoveCheckpoint:
    """Take this checkpoint off the disk."""

    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class ReadAttributes:
    """Ask for what a copy in parts does not carry along by itself: content type, metadata, tags, storage class."""

    key: str
    version_id: str


@dataclass(frozen=True, slots=True)
class StartUpload:
    """Begin an upload in parts at the recipient, of a file with these attributes."""

    key: str
    attributes: "Attributes"


@dataclass(frozen=True, slots=True)
class FindUploads:
    """Ask for the uploads in parts of `key` that the mover itself has begun at the recipient."""

    key: str


@dataclass(frozen=True, slots=True)
class CopyParts:
    """Copy these parts of this very version into an upload at the recipient, many at once. `etag`: see CopyVersion."""

    key: str
    version_id: str
    upload_id: str
    parts: tuple[Part, ...]
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class CompleteUpload:
    """Make the file of its parts: now it is at the recipient."""

    key: str
    version_id: str
    upload_id: str
    parts: tuple[CopiedPart, ...]


@dataclass(frozen=True, slots=True)
class AbortUpload:
    """Remove an upload in parts, and all its parts, from the recipient."""

    key: str
    upload_id: str


LargeRequest = (
    ReadCheckpoints
    | SaveCheckpoint
    | RemoveCheckpoint
    | ReadAttributes
    | StartUpload
    | FindUploads
    | CompleteUpload
    | AbortUpload
)
Request = (
    Copy | CopyVersion | HeadObject | ListVersions | ReadVersioning | Retire | WriteReceipts | CopyParts | LargeRequest
)


@dataclass(frozen=True, slots=True)
class Copied:
    """The copy is at the recipient. The hub's version is `null` if S3 named none; `at` is UTC, ISO 8601."""

    source_version_id: str
    destination_version: str | None
    destination_etag: str
    at: str
    digest: str = ""  # of the whole file, a column of `contract.digests`


@dataclass(frozen=True, slots=True)
class Current:
    """The version that was asked for; of a version `null` also what tells its uploads apart."""

    version_id: str
    etag: str = ""
    last_modified: str | None = None
    digest: str = ""
    size_bytes: int | None = field(default=None, compare=False)  # which version it is, its size does not tell


@dataclass(frozen=True, slots=True)
class Versioning:
    """Whether the hub's versioning is on now; if not, it is suspended or was never turned on."""

    is_on: bool


@dataclass(frozen=True, slots=True)
class Versions:
    """The newest real version of the key, if any is left, and whether it is the current one (no marker hides it)."""

    newest: HubVersion | None
    current: bool


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoints that were asked for, in a fixed order."""

    found: tuple[Checkpoint, ...]


@dataclass(frozen=True, slots=True)
class Attributes:
    """What describes a version, as the headers that describe its copy in the same way."""

    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Started:
    """The upload in parts has begun, under this id."""

    upload_id: str


@dataclass(frozen=True, slots=True)
class Uploads:
    """The ids of the uploads in parts that were asked for."""

    upload_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartsDone:
    """What came of each part that was tried; of parts that come after a failure, none may have been."""

    replies: "tuple[Reply, ...]"


@dataclass(frozen=True, slots=True)
class NoUpload:
    """404: the recipient has no such upload in parts, or not with these parts. It was completed, or aborted."""


@dataclass(frozen=True, slots=True)
class OutOfTime:
    """Not started: the function's time runs out."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The copy in parts is on its way, with a checkpoint on disk; `progress` says how far it has come."""

    progress: str


@dataclass(frozen=True, slots=True)
class Removed:
    """It is not there any more."""


@dataclass(frozen=True, slots=True)
class Retired:
    """The version is out of sight, below a delete marker."""


@dataclass(frozen=True, slots=True)
class Written:
    """The receipts are on disk."""


@dataclass(frozen=True, slots=True)
class Gone:
    """404: a delete marker is on top, or there is no such version."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """412: another content is on top."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """403: refused, or missing. Without s3:ListBucket S3 does not say which.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """

    reason: str
    cause: Cause = Cause.RECIPIENT_DENIED


@dataclass(frozen=True, slots=True)
class Failed:
    """Not done, or not known to be done: S3 refused, is unwell, or did not answer.

    `under_way`: no answer came at all, so that S3 may carry out the request even now.
    """

    reason: str
    cause: Cause = Cause.UNWELL
    under_way: bool = False


def is_refusal(reply: "StoreAnswer") -> bool:
    """Whether S3 said that it did not carry out the request."""
    return not isinstance(reply, Failed) or reply.cause.is_refusal


LargeReply = (
    Checkpoints | Attributes | Started | Uploads | CopiedPart | PartsDone | NoUpload | OutOfTime | Unfinished | Removed
)
Reply = (
    Copied | Current | Versioning | Versions | Retired | Written | Gone | Overtaken | Forbidden | Failed | LargeReply
)


@dataclass(frozen=True, slots=True)
class RetireAll:
    """Many retires in one call: at most 1,000, no key twice, each key fit for XML (`travels_in_xml`)."""

    retires: tuple[Retire, ...]


@dataclass(frozen=True, slots=True)
class RetiredAll:
    """One reply for each retire of a `RetireAll`, in its order."""

    replies: tuple[Reply, ...]


@dataclass(frozen=True, slots=True)
class CopyPart:
    """One part of a `CopyParts`."""

    key: str
    version_id: str
    upload_id: str
    part: Part
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class PutReceipts:
    """Store one file of receipts under `key` in the log bucket."""

    key: str
    body: bytes


LargeCall = LargeRequest | CopyPart
Call = Copy | CopyVersion | HeadObject | ListVersions | ReadVersioning | Retire | RetireAll | PutReceipts | LargeCall
StoreAnswer = Reply | RetiredAll


class ObjectStore(Protocol):
    """Whatever carries out calls: the places themselves, or a stand-in."""

    @property
    def capabilities(self) -> Capabilities:
        """What the destination can do."""

    def send(self, call: Call, tag: int) -> None:
        """Start a call and return at once."""

    def wait(self) -> tuple[int, StoreAnswer]:
        """Return the tag and the answer of one started call, in whatever order they end. Every call is answered."""
