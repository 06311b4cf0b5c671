"""What purging a removed dataset's bucket deletes, for people and for programs.

In: a `Purge`. Out: text and plain data. Effects: none.
"""

from typing import TypedDict

from data_exports.deploy.removal.purge import Purge
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


class PurgeData(TypedDict):
    """What a bucket held, and how many versions and delete markers were deleted."""

    dataset: str
    bucket: str
    versions: int
    delete_markers: int
    size_bytes: int
    unfinished_uploads: int
    deleted: int


def purged_as_data(planned: Purge, deleted: int) -> PurgeData:
    """The same for programs."""
    return {
        "dataset": planned.dataset,
        "bucket": planned.bucket,
        "versions": planned.contents.objects,
        "delete_markers": planned.contents.markers,
        "size_bytes": planned.contents.size_bytes,
        "unfinished_uploads": planned.uploads,
        "deleted": deleted,
    }
