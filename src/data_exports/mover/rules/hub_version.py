"""One version of a key in the hub, and what tells it from others.

In: nothing. Out: `HubVersion`. No effects.
"""

from dataclasses import dataclass

# The version id of whatever is uploaded while versioning is suspended, or was before it was turned on. Each such upload
# takes the place of the one before it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
NULL = "null"
_SECONDS = len("2026-11-02T10:00:00")  # what headers and listings of S3 have in common


@dataclass(frozen=True, slots=True)
class HubVersion:
    """One version of a key in the hub. ETags carry no quotes; `last_modified` is S3's own UTC text, if known."""

    version_id: str
    etag: str
    size_bytes: int | None
    last_modified: str | None

    @property
    def has_an_id(self) -> bool:
        """Whether its id is its own: `null` is used again and again."""
        return self.version_id != NULL

    def is_surely(self, other: "HubVersion | None") -> bool:
        """Tell whether both are one upload. Two of the version id `null` are told apart by content and time."""
        if other is None or self.version_id != other.version_id:
            return False
        if self.has_an_id:
            return True
        at, other_at = self.last_modified, other.last_modified
        return bool(at and other_at and at[:_SECONDS] == other_at[:_SECONDS] and self.etag == other.etag)
