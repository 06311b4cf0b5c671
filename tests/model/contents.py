"""What is uploaded to the key that the explorer explores, and the events that tell of it.

In: one letter for each upload. Out: uploads as S3 keeps them and as events tell them. No effects.
"""

from dataclasses import dataclass

from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.rules.protocol import Checkpoint, CopiedPart
from data_exports.mover.rules.uploads import Rules, Upload
from tests.model.memory_s3 import ELSEWHERE, HUB, Memory, Stored, etag_of
from tests.model.worlds import Event, World

KEY = "orders/file"
LARGE = "LMN"  # letters of contents that are copied in parts
LARGEST_COPY_BYTES, PART_BYTES = 1, 2
BEGUN_ELSEWHERE = Checkpoint(
    KEY, "v1", ELSEWHERE, 2 * PART_BYTES, PART_BYTES, (CopiedPart(1, "e"),), destination="gs://b"
)


@dataclass(frozen=True)
class Contents:
    """One letter for each upload, one after the other; equal letters, equal contents."""

    letters: str

    def is_large(self, number: int) -> bool:
        return self.letters[number] in LARGE

    def body(self, number: int) -> bytes:
        """One byte, or enough for two parts."""
        return self.letters[number].encode() * (2 * PART_BYTES if self.is_large(number) else 1)

    def upload(self, memory: Memory, number: int) -> tuple[Memory, str]:
        """Put the next upload into the hub: S3 after it, and the version id."""
        stored = self.stored(number, "")
        after = memory.upload(KEY, stored.body, stored.attributes, at=stored.at)
        return after, after.hub_key(KEY).versions[-1].version_id

    def stored(self, number: int, version: str) -> Stored:
        """An upload, as it is when it has arrived."""
        attributes = (("x-amz-meta-number", str(number)),)
        return Stored(version, self.body(number), attributes, f"2026-11-02T10:00:0{number}.000Z")

    def told_by(self, event: Event) -> Upload:
        body = self.body(event.upload)
        return Upload(
            bucket=HUB,
            key=KEY,
            version_id=event.version,
            etag=etag_of(body),
            size_bytes=len(body),
            uploaded_by=None if event.swept else f"{event.upload}",
            uploaded_at="2026-11-02T09:00:00.000Z",
            receive_count=1 + event.again,
            received_before=event.again,
            swept=event.swept,
            sequencer=None if event.swept else f"{event.upload}",
        )

    def event_of(self, world: World, upload: Upload) -> Event:
        """The event of an upload that goes on with a message of its own."""
        for number in reversed(range(len(world.versions))):
            if (world.versions[number], etag_of(self.body(number))) == (upload.version_id, upload.etag):
                return Event(number, upload.version_id, again=True)
        raise AssertionError(upload)


def number_of(stored: Stored) -> int:
    """Which upload this is a copy of."""
    return int(dict(stored.attributes)["x-amz-meta-number"])


def rules_of(*, keep_files: bool) -> Rules:
    return Rules("orders", HUB, keep_files, LARGEST_COPY_BYTES, CAPABILITIES, part_bytes=PART_BYTES)
