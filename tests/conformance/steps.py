"""What scenarios are made of: plain values.

In: nothing. Out: `Scenario`, its steps, and the capabilities that not every S3 has. No effects.

Version ids are written v1, v2 ... in the order of the uploads, ids of uploads in parts u1, u2 ...; whoever plays a
scenario puts the real ones in their place. Times are all one fixed time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from data_exports.mover.rules.protocol import Call, StoreAnswer

NO_CHANGES: Mapping[str, object] = {}


class Capability(StrEnum):
    """What S3 can do and some servers cannot, in the words of the reasons that `make conformance` prints."""

    BUCKET_POLICIES = "a bucket's policy refuses"
    BUCKET_OWNER = "the bucket's owner is checked"
    REGIONS = "buckets are in regions"
    NAMES_REGION = "a bucket's region is named"
    MISSING_BUCKET = "a copy to a bucket that is not there says so"
    COPY_NAMES_VERSION = "a copy names the version that it read"
    CONDITIONAL_COPY = "a copy on condition of the source's ETag"
    CONDITIONAL_PARTS = "a part on condition of the source's ETag"
    CONDITIONAL_DELETE = "a delete on condition of an ETag"
    CONDITIONAL_DELETES = "many deletes, each on condition of an ETag"
    CONDITION_BELOW_MARKER = "a condition is not met by what a delete marker hides"
    LISTING_ENCODING = "a listing says how its keys are written"
    VERSIONING_STATUS = "the status of versioning is told"
    SUSPENDED_UPLOADS = "an upload while versioning is suspended lies on top"
    SUSPENDED_DELETES = "a delete while versioning is suspended spares versions with an id"
    MARKERS_BY_ID = "a delete marker that is asked for by its id says that it is one"
    PLAIN_BUCKETS = "a bucket without versions names none"
    TAGS_OF_A_VERSION = "tags come along, and are those of the version"
    ODD_CHARACTERS = "keys with a backslash"
    EMPTY_NAMES = "keys with empty names between slashes"
    CONTROL_CHARACTERS = "keys with control characters"
    LINE_ENDS = "keys with line ends"
    DOTS = "keys with names of dots"
    TRAILING_SLASH = "keys that end with a slash"
    LONG_KEYS = "keys of more than 1,000 bytes"
    ABORT_IS_FINAL = "an aborted upload in parts is gone"
    CHECKSUMS_OF_COPIES = "a copy keeps its source's checksum and tells it"
    CHECKSUMS_OF_PARTS = "a copy in parts tells the CRC of the whole"
    INITIATORS = "uploads in parts name the session that began them"


@dataclass(frozen=True, slots=True)
class Upload:
    """Somebody uploads to the hub. `headers`: what describes the file, by the names of S3's headers."""

    key: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delete:
    """Somebody deletes a key of the hub, so many times over, without naming a version."""

    key: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class RemoveVersions:
    """Somebody removes all versions of a key, and its markers."""

    key: str


@dataclass(frozen=True, slots=True)
class SetVersioning:
    """The hub's versioning is set: `Enabled` or `Suspended`."""

    status: str


@dataclass(frozen=True, slots=True)
class RefuseCopies:
    """The recipient refuses all writes from now on."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The mover's client makes a call and gets this answer; `changes`: with other settings than its own."""

    call: Call
    answer: "Expected"
    changes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrived:
    """This is what the recipient has under the key; None: nothing."""

    key: str
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Logged:
    """This is what the log bucket has under the key."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Deliver:
    """The mover gets one batch that tells of these uploads (key, version, content), and writes these receipts.

    A receipt: key, version, outcome, cause of a failure.
    """

    uploads: tuple[tuple[str, str, bytes], ...]
    receipts: frozenset[tuple[str, str, str, str]]
    changes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HubIsNamed:
    """S3 says in which region the hub is."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What S3 answers of a key that is not there: 404, or 403 to whoever may not list the bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    `or_404`: documentation leaves open which of them.
    """

    or_404: bool = False


@dataclass(frozen=True, slots=True)
class EachOf:
    """What a RetireAll is answered, key by key."""

    replies: "tuple[StoreAnswer | Missing, ...]"


Expected = StoreAnswer | Missing | EachOf
Deed = Upload | Delete | RemoveVersions | SetVersioning | RefuseCopies
Step = Deed | Ask | Arrived | Logged | Deliver | HubIsNamed


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done to an S3, and what it answers, step by step; `source`: where AWS says so.

    `versioning`: of the hub when it begins; empty: never turned on.
    `target_elsewhere`: the recipient's bucket is in another region.
    """

    name: str
    source: str
    steps: tuple[Step, ...]
    needs: frozenset[Capability] = frozenset()
    versioning: str = "Enabled"
    target_elsewhere: bool = False
