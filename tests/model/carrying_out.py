"""What S3 does with one request of a delivery, at one moment.

In: S3 in memory, a request, and what a copy has read before. Out: S3 after it, the reply, and what the explorer has to
know of it. No effects.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from data_exports.mover.rules.protocol import (
    Call,
    CompleteUpload,
    CopiedPart,
    Copy,
    CopyPart,
    CopyParts,
    CopyVersion,
    Failed,
    Forbidden,
    Gone,
    NoUpload,
    OutOfTime,
    PartsDone,
    Reply,
    Request,
    Retire,
    Retired,
    WriteReceipts,
    Written,
)
from tests.model.memory_s3 import Memory, Stored, answer, etag_of, names_a_marker, read_for_copy, write_copy


@dataclass(frozen=True)
class Done:
    """What came of a request. Of a copy that has read and not written yet there is no reply."""

    memory: Memory
    reply: Reply | None
    read: Stored | None = None
    hides: str = ""  # the ETag of what is hidden
    writes: Stored | None = None  # what is written to the recipient by a copy in one piece
    overtaken: bool = False  # parts were copied of what was not on top any more


def carry_out(memory: Memory, request: Request, read: Stored | None, *, copied: int = 0, may_list: bool) -> Done:
    """Carry out a request, or one half of a copy; of parts those that are not copied already.

    Without leave to list, S3 answers 403 for what is missing.
    """
    done = _carry_out(memory, request, read, copied)
    if not may_list and done.reply == Gone() and not names_a_marker(memory, request):
        return Done(done.memory, Forbidden("AccessDenied"))
    return done


def _carry_out(memory: Memory, request: Request, read: Stored | None, copied: int = 0) -> Done:
    match request:
        case Copy() | CopyVersion() if read is None:
            found = read_for_copy(memory, request)
            return Done(memory, None, found) if isinstance(found, Stored) else Done(memory, found)
        case Copy() | CopyVersion():
            assert read is not None
            return Done(*write_copy(memory, request.key, read), writes=read)
        case WriteReceipts():
            return Done(memory, Written())
        case Retire():
            current = memory.hub_key(request.key).current
            after, reply = answer(memory, request)
            return Done(after, cast("Reply", reply), hides=current.etag if current and reply == Retired() else "")
        case CopyParts():
            after, replies = copy_parts(memory, request, len(request.parts), before=copied)
            current = memory.hub_key(request.key).current
            return Done(
                after, PartsDone(replies), overtaken=current is not None and current.version_id != request.version_id
            )
        case _:
            after, told = answer(memory, cast("Call", request))
            return Done(after, cast("Reply", told))


def copy_parts(memory: Memory, request: CopyParts, number: int, *, before: int = 0) -> tuple[Memory, tuple[Reply, ...]]:
    """Copy the first parts, so many; of these some were copied before."""
    upload = dict(memory.in_parts).get(request.upload_id)
    there = dict(upload.parts) if upload else {}
    replies: list[Reply] = [
        CopiedPart(part.number, etag_of(there[part.number])) if part.number in there else NoUpload()
        for part in request.parts[:before]
    ]
    for part in request.parts[before:number]:
        memory, told = answer(memory, CopyPart(request.key, request.version_id, request.upload_id, part, request.etag))
        replies.append(cast("Reply", told))
    return memory, tuple(replies)


def interrupted(memory: Memory, request: CopyParts) -> Iterator[tuple[str, Memory, PartsDone]]:
    """The ways in which something comes between the parts, or before the first one."""
    for number in range(len(request.parts)):
        after, replies = copy_parts(memory, request, number)
        interruptions: tuple[Reply, ...] = (OutOfTime(), Failed("unwell"))
        for interruption in interruptions:
            reply = PartsDone((*replies, interruption))
            yield f"after {number} {type(interruption).__name__}", after, reply


@dataclass(frozen=True)
class Late:
    """A request that S3 may still carry out, and what it has read.

    `on_condition`: any write to the recipient makes it fail.
    """

    request: Copy | CopyVersion | Retire | CompleteUpload
    read: Stored | None = None
    on_condition: bool = False

    def carry_out(self, memory: Memory) -> tuple[str, Done, "Late | None"]:
        """Carry it out, or one half of a copy: what it is called, what came of it, and what is left of it."""
        done = _carry_out(memory, self.request, self.read)
        if done.reply is None:
            return "a late copy reads", done, Late(self.request, done.read)
        return f"a late {type(self.request).__name__} -> {type(done.reply).__name__}", done, None
