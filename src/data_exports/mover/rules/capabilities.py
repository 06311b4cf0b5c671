"""What a kind of destination can do, as data.

In: nothing. Out: `Capabilities`. No effects. The rules plan by it, and the conformance suite holds each kind to it.
"""

from dataclasses import dataclass

from data_exports.contract.timing import UNDER_WAY_SECONDS


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Limits in bytes. What is copied by the mover itself, read and written, is in its memory for a while."""

    service: str  # who takes the files, in words
    copies_by_itself: bool  # on the server's side, without the content passing through the mover
    writes_on_condition: bool  # a write can be refused where something is already
    largest_copy_bytes: int  # in one request
    smallest_part_bytes: int  # but the last
    largest_part_bytes: int
    most_parts: int
    calls_at_once: int = 64
    parts_at_once: int = 32
    usual_part_bytes: int | None = None  # where larger ones are only for files that have too many parts otherwise
    part_bytes_at_once: int | None = None  # in memory; a single part may always be
    parts_between_saves: int = 256  # what a run that dies has copied for nothing, at most
    begins_uploads: bool = True  # an upload in parts is there from its start: it can be found, and aborted
    under_way_seconds: int = UNDER_WAY_SECONDS  # for which a request without an answer may still be carried out

    @property
    def largest_file_bytes(self) -> int:
        """How large a file in parts may be."""
        return self.most_parts * self.largest_part_bytes
