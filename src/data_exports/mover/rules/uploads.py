"""What a delivery is given, and what it ends with.

In: nothing. Out: `Upload`, `Rules`, `DeliveryResult`. No effects. How one becomes the other is told in `delivery`.
"""

import re
from dataclasses import dataclass

from data_exports.contract.causes import Cause
from data_exports.contract.keys import hub_prefix_of
from data_exports.contract.receipts import Outcome
from data_exports.contract.settings import USUAL_PART_BYTES
from data_exports.contract.timing import MOST_RECEIVES
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.hub_version import NULL, HubVersion

_ETAG = re.compile(r"[0-9A-Za-z_-]+")


@dataclass(frozen=True, slots=True)
class Upload:
    """One version of one key in the hub, as its event tells it."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size_bytes: int | None
    uploaded_by: str | None
    uploaded_at: str | None
    receive_count: int | None
    received_before: bool  # an earlier try may have written to the recipient; True whenever that cannot be excluded
    message_id: str | None = None
    swept: bool = False  # told by the sweep, to which the upload was in sight, and not by S3
    sequencer: str | None = None  # S3's mark of the event: the same mark, the same upload. It tells no order

    @property
    def version(self) -> HubVersion:
        """The version that the upload is."""
        return HubVersion(self.version_id, self.etag, self.size_bytes, None)

    def may_be(self, version: HubVersion) -> bool:
        """Tell whether a version is the upload. A version `null` of other content is another upload's."""
        return (self.version_id, self.etag) == (version.version_id, version.etag)

    def is_surely(self, other: "Upload") -> bool:
        """Tell whether two events are of one upload. Of two of the same content as `null` only S3's mark tells."""
        if not self.may_be(other.version):
            return False
        return self.version_id != NULL or (self.sequencer is not None and self.sequencer == other.sequencer)

    def of_same_key(self, version: HubVersion) -> "Upload":
        """Return what an event of another version of the key would tell."""
        return Upload(
            bucket=self.bucket,
            key=self.key,
            version_id=version.version_id,
            etag=version.etag,
            size_bytes=version.size_bytes,
            uploaded_by=None,
            uploaded_at=version.last_modified,
            receive_count=None,
            received_before=True,
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """What the dataset's declaration says about its deliveries, and what its destination can do."""

    dataset: str
    hub_bucket: str
    keep_files: bool
    largest_copy_bytes: int  # larger files are copied in parts
    capabilities: Capabilities
    most_receives: int = MOST_RECEIVES
    part_bytes: int = USUAL_PART_BYTES
    destination: str = ""  # what checkpoints call it; nothing is a bucket of S3, whichever

    def is_too_large_for_one_copy(self, version: HubVersion) -> bool:
        """Tell whether a version is copied in parts."""
        largest = min(self.largest_copy_bytes, self.capabilities.largest_copy_bytes)
        return version.size_bytes is not None and version.size_bytes > largest

    def is_folder_of_the_dataset(self, upload: Upload) -> bool:
        """Tell whether this is the empty `<dataset>/` that consoles create to show a folder: no file, nothing to do."""
        return (upload.bucket, upload.key, upload.size_bytes) == (self.hub_bucket, hub_prefix_of(self.dataset), 0)

    def problem_of(self, upload: Upload) -> str:
        """Tell why this mover may not copy the upload; nothing if it may.

        Either its event does not concern this dataset, or no condition could be made of it.
        """
        if upload.bucket != self.hub_bucket:
            return f"the event is about bucket {upload.bucket!r}; this mover serves only {self.hub_bucket!r}"
        if not upload.key.startswith(hub_prefix_of(self.dataset)):
            return f"the key is outside {self.dataset}/, the only prefix this mover serves"
        if not _ETAG.fullmatch(upload.etag):  # an empty one, or *, would let any content pass
            return f"the event names no usable ETag ({upload.etag!r}); no copy could be tied to this upload"
        return ""


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """How a delivery ended, and why if it failed (FAILED or GIVEN_UP).

    `under_way`: a copy that was never answered may be carried out even now, so the message has to come back.
    `continuation`: an upload that a message of its own must be sent for before this one's message may go.
    """

    outcome: Outcome
    reason: str = ""
    cause: Cause | None = None
    under_way: bool = False
    continuation: Upload | None = None
