"""The rules for a large file: it is copied in parts, over as many runs of the function as it takes.

In: one version of a key. Out: the reply that a copy in one piece would have got, or Unfinished. In between generators:
like `delivery`, they yield requests, are sent the replies, and perform no effect themselves.

Nothing is at the recipient before its parts are completed; that moment is the write, and all that matters to the other
rules. What this module answers for: parts that were copied are not copied again, the right version is written with all
that describes it, and nothing is left behind.

- A start without a readable answer is not made again blindly: what it may have begun is looked for, and aborted.
- The upload in parts is on record, in a checkpoint, before its first part is copied. Whoever takes the version up again
  finds it there, goes on with it, or aborts it.
- Parts are pinned to the version (of a version `null` to its ETag, too), so they fit each other whatever is uploaded in
  the meantime.
- Now and then, and before the parts are completed, the key is looked at again: a newer upload may have come.
- An upload that was begun at another destination is not gone on with, nor aborted: whoever owns that is not asked any
  more. Its record is dropped.
- What S3 tells of the whole copy is held against what it tells of the upload. A digest that no copy in parts can have,
  such as the sender's SHA-256, goes into the receipt.
- An upload is completed only by a run that has seen it open, by copying at least its last part into it. S3 may answer
  a second completion like the first, without writing anything.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from collections.abc import Callable, Generator
from dataclasses import replace

from data_exports.contract.causes import Cause
from data_exports.contract.digests import digest_column_of, digests_in
from data_exports.contract.settings import MIB, USUAL_PART_BYTES
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.hub_version import HubVersion
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Attributes,
    Checkpoint,
    Checkpoints,
    CompleteUpload,
    Copied,
    CopiedPart,
    CopyParts,
    Failed,
    FindUploads,
    Forbidden,
    Gone,
    ListVersions,
    NoUpload,
    OutOfTime,
    Overtaken,
    Part,
    PartsDone,
    ReadAttributes,
    ReadCheckpoints,
    RemoveCheckpoint,
    Removed,
    Reply,
    Request,
    SaveCheckpoint,
    Started,
    StartUpload,
    Unfinished,
    Uploads,
    Versions,
    Written,
    is_refusal,
)
from data_exports.mover.rules.uploads import Rules

MOST_TRIES_TO_REMOVE = 3  # of what is left of a finished copy
MOST_BEGINNINGS = 5  # an upload that vanishes again and again: somebody removes it

CopySteps = Generator[Request, Reply, Reply]


def part_bytes_of(size_bytes: int, capabilities: Capabilities, *, usual: int = USUAL_PART_BYTES) -> int:
    """How large the parts of a file are: as usual, or, if they were too many, as many whole MiB as it takes."""
    usual = min(usual, capabilities.usual_part_bytes or capabilities.largest_part_bytes)
    least = -(-size_bytes // capabilities.most_parts)
    return usual if least <= usual else -(-least // MIB) * MIB


def parts_of(size_bytes: int, part_bytes: int) -> tuple[Part, ...]:
    """The parts of a file; all but the last are equally large."""
    starts = range(0, size_bytes, part_bytes)
    return tuple(
        Part(number, start, min(start + part_bytes, size_bytes) - 1) for number, start in enumerate(starts, start=1)
    )


def abort_copies(key: str, version: HubVersion, destination: str) -> CopySteps:
    """Remove what unfinished copies of a version have left at the recipient, and their checkpoints.

    Returns Removed, or what stands in the way. An upload that could not be aborted stays on record.
    """
    reply = yield ReadCheckpoints(key, version.version_id)
    if not isinstance(reply, Checkpoints):
        return reply
    return (yield from _abort(_copies_of(version, reply.found), destination))


def _copies_of(version: HubVersion, found: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
    """Those that may be of this version: with the id `null`, those of other contents are not."""
    return tuple(checkpoint for checkpoint in found if checkpoint.etag in ("", version.etag))


def _abort(checkpoints: tuple[Checkpoint, ...], destination: str) -> CopySteps:
    for checkpoint in checkpoints:
        reply: Reply = Removed()
        if checkpoint.destination == destination:
            reply = yield AbortUpload(checkpoint.key, checkpoint.upload_id)
        if isinstance(reply, Removed | NoUpload):
            reply = yield from _remove_record(checkpoint)
        if not isinstance(reply, Removed):
            return reply
    return Removed()


def _remove_record(checkpoint: Checkpoint) -> CopySteps:
    return (yield RemoveCheckpoint(checkpoint))


def _insist(remove: Callable[[], CopySteps]) -> CopySteps:
    """Remove something, once more if it cannot be removed. Return the last answer."""
    reply = yield from remove()
    for _ in range(MOST_TRIES_TO_REMOVE - 1):
        if isinstance(reply, Removed):
            break
        reply = yield from remove()
    return reply


class LargeCopy:
    """One version on its way in parts. Each rule is a method, so that tests can show what breaks without it."""

    def __init__(self, key: str, version: HubVersion, rules: Rules, *, digest: str = "") -> None:
        self.key = key
        self.capabilities = rules.capabilities
        self.version = version
        self.size_bytes = version.size_bytes or 0
        self.usual_part_bytes = rules.part_bytes
        self.destination = rules.destination
        self.digest = digest  # what the hub tells of the upload
        self.parts_before = 0  # how many parts earlier runs have copied
        self.others: tuple[Checkpoint, ...] = ()  # uploads of repeated events: one is enough
        self.left_behind = ""  # what may be left of a finished copy, and why

    def steps(self) -> CopySteps:
        """Copy the version, or as much of it as this run can. Return what a CopyVersion would get, or Unfinished.

        Overtaken and Gone say that it is not the newest version any more; then nothing was written.
        """
        can = self.capabilities
        if self.size_bytes > can.largest_file_bytes:
            return Failed(
                f"the file has {self.size_bytes:,} bytes; {can.service} copies files of up to "
                f"{can.largest_file_bytes:,} bytes. Send it in several files",
                Cause.UPLOAD_TOO_LARGE,
            )
        for _ in range(MOST_BEGINNINGS):
            begun = yield from self.take_up()
            if not isinstance(begun, Checkpoint):
                return begun
            reply = yield from self.go_on(begun)
            if not isinstance(reply, NoUpload):
                return reply
            yield AbortUpload(self.key, begun.upload_id)  # whatever the answer: it may be there with other parts
            yield RemoveCheckpoint(begun)
        reason = f"the upload in parts vanished {MOST_BEGINNINGS} times from the recipient. Somebody removes it"
        return Failed(reason, Cause.CONFLICT)

    def take_up(self) -> Generator[Request, Reply, Checkpoint | Reply]:
        """Return the checkpoint to go on from, or why there is none."""
        reply = yield ReadCheckpoints(self.key, self.version.version_id)
        if not isinstance(reply, Checkpoints):
            return reply
        of_version = _copies_of(self.version, reply.found)
        first = next((checkpoint for checkpoint in of_version if self.may_go_on(checkpoint)), None)
        self.others = tuple(checkpoint for checkpoint in of_version if checkpoint is not first)
        if first is None:
            return (yield from self.begin())
        self.parts_before = len(first.copied)
        return self.unproven(first)

    def may_go_on(self, checkpoint: Checkpoint) -> bool:
        """Tell whether a copy that was begun here is of this very upload, whose attributes it has."""
        begun = HubVersion(checkpoint.version_id, checkpoint.etag, None, checkpoint.last_modified)
        return self.was_begun_here(checkpoint) and begun.is_surely(self.version) and self.makes_the_file(checkpoint)

    def makes_the_file(self, checkpoint: Checkpoint) -> bool:
        """Tell whether what is on record can be gone on with to all of the file, and to no more than that."""
        can, numbers = self.capabilities, [part.number for part in checkpoint.copied]
        total = -(-self.size_bytes // checkpoint.part_bytes)
        fits = checkpoint.part_bytes <= can.largest_part_bytes and total <= can.most_parts
        is_of_it = len(set(numbers)) == len(numbers) and all(number <= total for number in numbers)
        return checkpoint.size_bytes == self.size_bytes and fits and is_of_it

    def was_begun_here(self, checkpoint: Checkpoint) -> bool:
        """Tell whether a copy was begun at this destination: what it has copied is of no use at another."""
        return checkpoint.destination == self.destination

    def unproven(self, checkpoint: Checkpoint) -> Checkpoint:
        """Take the last part for not copied if all are: copying it shows whether the upload is still open."""
        last = len(parts_of(checkpoint.size_bytes, checkpoint.part_bytes))
        if len(checkpoint.copied) < last:
            return checkpoint
        return replace(checkpoint, copied=tuple(part for part in checkpoint.copied if part.number != last))

    def begin(self) -> Generator[Request, Reply, Checkpoint | Reply]:
        """Begin an upload in parts, and have it on record before anything is in it."""
        attributes = yield ReadAttributes(self.key, self.version.version_id)
        if not isinstance(attributes, Attributes):
            return attributes
        started = yield StartUpload(self.key, attributes)
        match started:
            case Started(upload_id):
                pass
            case OutOfTime():
                return Failed("the function's time ran out before the copy was started", Cause.OUT_OF_TIME)
            case Failed() if not is_refusal(started):
                return (yield from self.take_back(started))
            case _:
                return started
        part_bytes = part_bytes_of(self.size_bytes, self.capabilities, usual=self.usual_part_bytes)
        where = (self.key, self.version.version_id, upload_id)
        begun = Checkpoint(*where, self.size_bytes, part_bytes, destination=self.destination)
        if not self.version.has_an_id:
            begun = replace(begun, etag=self.version.etag, last_modified=self.version.last_modified)
        saved = yield SaveCheckpoint(begun)
        if not isinstance(saved, Written):
            yield AbortUpload(self.key, upload_id)
            return _not_saved(saved)
        return begun

    def take_back(self, failed: Failed) -> Generator[Request, Reply, Failed]:
        """Abort what a start has begun whose answer is missing or unreadable, and say what may be left.

        Another run's upload of the same key may go with it: that run finds it gone, and begins anew.
        """
        found = yield FindUploads(self.key)
        left = "" if isinstance(found, Uploads) else _words_of(found)
        for upload_id in found.upload_ids if isinstance(found, Uploads) else ():
            reply = yield AbortUpload(self.key, upload_id)
            if not isinstance(reply, Removed | NoUpload):
                left = _words_of(reply)
        if failed.under_way and not left:
            left = "S3 may begin it even now"
        if not left:
            return failed
        may = "An empty upload in parts may be left at the recipient, until a lifecycle rule removes it"
        return replace(failed, reason=f"{failed.reason}. {may} ({left})")

    def go_on(self, now: Checkpoint) -> CopySteps:
        """Copy the parts that are missing, and complete them; or save how far this run has come."""
        at_once = self.capabilities.parts_between_saves
        while missing := _missing_parts(now):
            reply = yield self.parts_of_now(now, missing[:at_once])
            if not isinstance(reply, PartsDone):
                return reply
            before, now = now, _with_parts(now, reply.replies)
            stopped = next((part for part in reply.replies if not isinstance(part, CopiedPart)), None)
            if stopped is not None:
                return (yield from self.stop(now, stopped, is_new=now != before))
            if len(missing) > at_once:
                saved = yield SaveCheckpoint(now)
                if not isinstance(saved, Written):
                    return _not_saved(saved)
            seen = yield from self.look_again()
            if seen is not None:
                return seen
        completed = yield CompleteUpload(self.key, now.version_id, now.upload_id, now.copied)
        if isinstance(completed, Copied):
            yield from self.clear_up(now)
            return self.compared(completed)
        return (yield from self.stop(now, completed, is_new=True))

    def compared(self, copied: Copied) -> Copied | Failed:
        """The copy with what is known of the upload beside what S3 tells of the copy, which must not differ."""
        sent, arrived = digests_in(self.digest), digests_in(copied.digest)
        for name in sent.keys() & arrived.keys():
            if sent[name] != arrived[name]:
                reason = f"the copy is not the upload: its {name} is {arrived[name]} instead of {sent[name]}"
                return Failed(f"{reason}. It will be copied again", Cause.FAULT)
        return replace(copied, digest=digest_column_of(sent | arrived))

    def parts_of_now(self, now: Checkpoint, parts: tuple[Part, ...]) -> CopyParts:
        """Ask for parts of this very upload, also where another one may take the place of its version."""
        etag = None if self.version.has_an_id else self.version.etag
        return CopyParts(self.key, now.version_id, now.upload_id, parts, etag)

    def clear_up(self, done: Checkpoint) -> Generator[Request, Reply, None]:
        """Remove the record of the finished upload, then the uploads of repeated events.

        The file is delivered, so what cannot be removed holds up nothing: it is tried a few times, and told.
        """
        record = yield from _insist(lambda: _remove_record(done))
        others = yield from _insist(lambda: _abort(self.others, self.destination))
        if not isinstance(others, Removed):
            self.left_behind = f"parts of a repeated copy may be left at the recipient: {_words_of(others)}"
        elif not isinstance(record, Removed):
            self.left_behind = f"the record of its copy in parts is left in the log bucket: {_words_of(record)}"

    def stop(self, now: Checkpoint, reply: Reply, *, is_new: bool) -> CopySteps:
        """End this run with a reply; if another one may go on, with what has been copied on record."""
        if is_new and isinstance(reply, OutOfTime | Failed | Forbidden):
            saved = yield SaveCheckpoint(now)
            if not isinstance(saved, Written):
                return _not_saved(saved)
        return self.unfinished(now) if isinstance(reply, OutOfTime) else reply

    def look_again(self) -> Generator[Request, Reply, Reply | None]:
        """Return None if the version is still the newest one."""
        reply = yield ListVersions(self.key)
        match reply:
            case Versions(None):
                return Gone()
            case Versions(HubVersion() as newest):
                return None if newest.is_surely(self.version) else Overtaken()
            case _:
                return reply

    def unfinished(self, now: Checkpoint) -> Unfinished | Failed:
        """Say how far the copy has come; a run that brought it no further has failed, or it might go on forever."""
        total = len(parts_of(now.size_bytes, now.part_bytes))
        if len(now.copied) > self.parts_before:
            return Unfinished(f"{len(now.copied):,} of {total:,} parts are copied")
        reason = f"the function's time ran out before it had copied one more of {total:,} parts"
        return Failed(reason, Cause.OUT_OF_TIME)


def _missing_parts(checkpoint: Checkpoint) -> tuple[Part, ...]:
    copied = {part.number for part in checkpoint.copied}
    parts = parts_of(checkpoint.size_bytes, checkpoint.part_bytes)
    return tuple(part for part in parts if part.number not in copied)


def _with_parts(checkpoint: Checkpoint, replies: tuple[Reply, ...]) -> Checkpoint:
    new = [part for part in replies if isinstance(part, CopiedPart)]
    return replace(checkpoint, copied=tuple(sorted((*checkpoint.copied, *new), key=lambda part: part.number)))


def _not_saved(reply: Reply) -> Failed:
    cause = reply.cause if isinstance(reply, Failed | Forbidden) else Cause.FAULT
    return Failed(f"the checkpoint could not be written: {_words_of(reply)}", cause)


def _words_of(reply: Reply) -> str:
    """Why something was not done."""
    return reply.reason if isinstance(reply, Failed | Forbidden) else f"S3 answered {type(reply).__name__}"
