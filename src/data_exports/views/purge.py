"""What purging a removed dataset's bucket deletes, for people and for programs.

In: a `Purge`. Out: text, and values for JSON. Effects: none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from data_exports.deploy.removal.buckets import KeptBucket
from data_exports.deploy.removal.purge import Purge
from data_exports.json_values import json_as
from data_exports.text import counted, size_words


def render_purge(planned: Purge) -> str:
    """What the bucket holds."""
    contents = planned.contents
    holds = [
        counted(contents.objects, "version"),
        size_words(contents.size_bytes),
        counted(contents.markers, "delete marker"),
        counted(planned.uploads, "unfinished upload"),
    ]
    return f"the bucket {planned.bucket} of the removed dataset {planned.dataset} holds: {', '.join(holds)}"


@json_as(
    "dataset=planned.dataset bucket=planned.bucket versions=planned.contents.objects",
    "delete_markers=planned.contents.markers size_bytes=planned.contents.size_bytes",
    "unfinished_uploads=planned.uploads deleted",
)
@dataclass(frozen=True, slots=True)
class PurgeData:
    """What a bucket held, and how many versions and delete markers were deleted."""

    planned: Purge
    deleted: int


def render_kept(kept: Sequence[KeptBucket]) -> str:
    """The buckets that removed datasets have left, and what deletes them."""
    if not kept:
        return "No removed dataset has left a bucket"
    return "\n".join(
        f"{each.bucket} of the removed dataset {each.dataset}: exports purge {each.dataset}" for each in kept
    )


@dataclass(frozen=True, slots=True)
class KeptData:
    """The buckets that removed pull datasets have left."""

    kept: Sequence[KeptBucket]
