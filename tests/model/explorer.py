"""Drives delivery code through every interleaving of one key's uploads, events, handlers and crashes.

In: the contents that are uploaded to one key, one after the other, and bounds. Out: how many worlds there are, and each
way in which one of them ends wrong, with the steps that lead there.

A world is: what S3 holds, the events that wait in the queue, the handlers at work (each a delivery generator that
waits for the answer to a request), the receipts on disk, the crashes left. Every possible next step is taken from every
world: the next upload; SQS hands an event to a handler; S3 carries out the request of a handler (a copy in two steps:
it reads, and writes later); a handler dies. One that dies before its request is carried out is a request that never
arrived; one that dies before its next request is a request that arrived and whose answer was lost; one that dies at its
end is a message that was handled and not deleted. Its event comes back, as received before.

S3 may also carry out a request late: one whose handler died, or got no answer and went on. A late copy is carried out
at any moment, in its two steps, or never; but not after its event was received again, because that takes longer than S3
accepts a request for. A retire may be late without any bound.

Some contents are large and copied in parts, two of them. Among the faults is then that the time runs out. Where an
outcome says that an upload goes on, its event is queued, as received before, and then the handler's own one is done; in
between the handler may die.

A step that no other handler can notice is taken before all others, as soon as it is possible: writing a receipt,
reading what describes a version, beginning an upload in parts, and ending. Taken later it would lead to the same
worlds, only by more ways.

Generators cannot be copied. A delivery is known by the replies that it was sent: the same replies, the same delivery. A
node of that tree is made once, by replaying the replies into a fresh generator.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from data_exports.mover.calls import (
    Call,
    CompleteUpload,
    Copy,
    CopyPart,
    CopyParts,
    CopyVersion,
    Failure,
    OutOfTime,
    PartsDone,
    ReadAttributes,
    Reply,
    Request,
    Retire,
    Retired,
    StartUpload,
    WriteReceipts,
    Written,
)
from data_exports.mover.causes import Cause
from data_exports.mover.delivery import Steps
from data_exports.mover.receipts import Fate
from data_exports.mover.uploads import Outcome, Rules, Upload
from tests.model.memory_s3 import HUB, Memory, Stored, answer, read_for_copy, write_copy

KEY = "orders/file"
LARGE = "LMN"  # letters of contents that are copied in parts
LARGEST_COPY_BYTES, PART_BYTES = 1, 2
Event = tuple[int, int, int]  # which upload; how often it was received before (1 stands for more); its late copy, or -1
Late = tuple[Request, Stored | None]  # a request that S3 may still carry out, and what it has read
Deliver = Callable[[Upload, Rules], Steps]


def body_of(letter: str) -> bytes:
    """What is uploaded: one byte, or enough for two parts."""
    return letter.encode() * (2 * PART_BYTES if letter in LARGE else 1)


@dataclass(eq=False)
class Node:
    """A delivery that has been sent these replies, and what it does next: ask, or end."""

    name: str  # of the upload; with a dash if its event was received before
    start: Callable[[], Steps]
    replies: tuple[Reply, ...] = ()
    next: Request | Outcome = field(init=False)
    _after: "dict[Reply, Node]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        steps = self.start()
        try:
            self.next = next(steps)
            for reply in self.replies:
                self.next = steps.send(reply)
        except StopIteration as end:
            self.next = end.value

    def after(self, reply: Reply) -> "Node":
        if reply not in self._after:
            self._after[reply] = Node(self.name, self.start, (*self.replies, reply))
        return self._after[reply]


Handler = tuple[
    int, int, int, int
]  # its upload, number of its node, of what its copy has read, of its late copy, or -1
Strays = tuple[int, ...]  # late requests that no event waits for


class World(NamedTuple):
    """Everything there is at one moment."""

    uploaded: int
    memory: int
    events: tuple[Event, ...]
    handlers: tuple[Handler, ...]
    receipts: frozenset[tuple[str, Fate]]
    crashes: int
    faults: int
    cancels: int
    lates: int
    strays: Strays = ()


Step = tuple[str, World]


@dataclass(frozen=True)
class Made:
    """What a request of a handler leads to: S3, the delivery's next node, what a copy has read, uploads it hides."""

    label: str
    memory: int
    node: int
    read: int
    hides: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Bounds:
    """How much may happen besides the uploads."""

    duplicates: int = 1  # how often the first upload's event is repeated
    crashes: int = 1
    handlers_at_once: int = 2
    faults: int = 0  # how many requests S3 may answer with a failure, carried out or not
    cancels: int = 0  # how often all versions of the key may be removed
    remembers: bool = False  # S3 answers a second completion of an upload in parts like the first
    lates: int = 0  # how many requests S3 may leave without an answer, to carry them out late or never


@dataclass
class Search:
    """All worlds of one key, within bounds."""

    contents: str  # one letter for each upload; equal letters, equal contents
    deliver: Deliver
    bounds: Bounds
    keep_files: bool = False
    dropped_when_failed: bool = False  # an event that failed is dropped; or else it comes back until it is done
    check_receipts: bool = True
    worlds: int = field(default=0, init=False)
    violations: list[str] = field(default_factory=list, init=False)

    def run(self, *, stop_at: int | None = None) -> "Search":
        """Visit every world, or stop at the first so many violations."""
        self._memories: list[Memory] = []
        self._memory_numbers: dict[Memory, int] = {}
        self._nodes: list[Node] = []
        self._node_numbers: dict[Node, int] = {}
        self._roots: dict[tuple[int, int], Node] = {}
        self._reads: list[Stored] = []
        self._lates: list[Late] = []
        self._made: dict[tuple[int, int, int], Made] = {}
        bounds = self.bounds
        budget = (bounds.crashes, bounds.faults, bounds.cancels, bounds.lates)
        empty = Memory(completed=() if bounds.remembers else None)
        start = World(0, self._memory_number(empty), (), (), frozenset(), *budget)
        origin: dict[World, tuple[World, str] | None] = {start: None}
        todo = [start]
        while todo and (stop_at is None or len(self.violations) < stop_at):
            world = todo.pop()
            for label, after in self._steps(world):
                if "!" in label:
                    self._report(label.partition("!")[2], origin, world, label)
                if after not in origin:
                    origin[after] = (world, label)
                    todo.append(after)
            if world.uploaded == len(self.contents) and not world.events and not world.handlers:
                for wrong in self._wrong(self._memories[world.memory], world):
                    self._report(wrong, origin, world)
        self.worlds = len(origin)
        return self

    # What may happen next

    def _steps(self, world: World) -> Iterator[Step]:
        for handler in world.handlers:
            if isinstance(self._nodes[handler[1]].next, Outcome | WriteReceipts | StartUpload) or (
                isinstance(self._nodes[handler[1]].next, ReadAttributes) and not world.cancels
            ):
                yield from self._handler_steps(_without_handler(world, handler), handler)
                return
        if world.uploaded < len(self.contents):
            number = world.uploaded
            memory = self._memory_number(self._memories[world.memory].upload(KEY, body_of(self.contents[number])))
            copies = 1 + self.bounds.duplicates if number == 0 else 1
            queued = tuple(sorted((*world.events, *[(number, 0, -1)] * copies)))
            yield f"upload {number}", world._replace(uploaded=number + 1, memory=memory, events=queued)
        if world.cancels and world.uploaded:
            memory = self._memory_number(self._memories[world.memory].remove_versions(KEY))
            yield "cancel", world._replace(memory=memory, cancels=world.cancels - 1)
        if len(world.handlers) < self.bounds.handlers_at_once:
            for event in set(world.events):
                root = self._root(event[0], event[1])
                received = _without_event(world, event)  # and its late copy is carried out no more
                yield root.name, _with_handler(received, (event[0], self._node_number(root), -1, -1))
        for handler in set(world.handlers):
            yield from self._handler_steps(_without_handler(world, handler), handler)
        yield from self._late_steps(world)

    def _handler_steps(self, world: World, handler: Handler) -> Iterator[Step]:
        """What this handler may do next; the world is without it."""
        number, node_number, read, late = handler
        node = self._nodes[node_number]
        if world.crashes:
            dead = world._replace(crashes=world.crashes - 1)
            yield f"{number} dies", _with_event(dead, (number, 1, late))
            for label, after, again in self._left_under_way(dead, handler):
                yield f"{number} dies, {label}", _with_event(after, (number, 1, again))
        if isinstance(node.next, Outcome):
            yield from self._end_steps(world, handler, node.next)
            return
        made = self._made.get((world.memory, node_number, read))
        if made is None:
            made = self._made[world.memory, node_number, read] = self._carried_out(world.memory, node, read)
        receipts = _told(world.receipts, node.next) if isinstance(node.next, WriteReceipts) else world.receipts
        label = made.label + self._hidden_too_early(world, made.hides)
        done = world._replace(memory=made.memory, receipts=receipts)
        yield label, _with_handler(done, (number, made.node, made.read, late))
        if world.faults:
            yield from self._fault_steps(world._replace(faults=world.faults - 1), handler, made, label, receipts)
        for label, after, again in self._left_under_way(world, handler):
            silence = Failure("no answer", Cause.NO_ANSWER, under_way=True)
            # A retire without an answer is repeated by the store, and the delivery hears of the last one only.
            node_after = node_number if isinstance(node.next, Retire) else self._node_number(node.after(silence))
            yield f"{node.name}: {label}", _with_handler(after, (number, node_after, -1, again))

    def _fault_steps(
        self, world: World, handler: Handler, made: Made, label: str, receipts: frozenset[tuple[str, Fate]]
    ) -> Iterator[Step]:
        """A request is answered with a failure, carried out or not, or the time runs out."""
        number, node_number, _, late = handler
        node = self._nodes[node_number]
        if isinstance(node.next, CopyParts):
            for so, memory, reply in self._interrupted(world.memory, node.next):
                after = world._replace(memory=memory)
                yield f"{label}, {so}", _with_handler(after, (number, self._node_number(node.after(reply)), -1, late))
        elif made.read < 0:
            cause = Cause.UNREADABLE if isinstance(node.next, StartUpload) else Cause.CREDENTIALS
            unwell = (number, self._node_number(node.after(Failure("unwell", cause))), -1, late)
            done = world._replace(memory=made.memory, receipts=receipts)
            for so, after in (("carried out", done), ("not carried out", world)):
                yield f"{label}, but answered with a fault, {so}", _with_handler(after, unwell)
        if isinstance(node.next, StartUpload | CompleteUpload):
            out_of_time = (number, self._node_number(node.after(OutOfTime())), -1, late)
            yield f"{label}, out of time", _with_handler(world, out_of_time)

    def _left_under_way(self, world: World, handler: Handler) -> Iterator[tuple[str, World, int]]:
        """A request of this handler stays without an answer: the world then, and the handler's late copy."""
        _, node_number, read, late = handler
        request = self._nodes[node_number].next
        if not world.lates or late >= 0 or not isinstance(request, Copy | CopyVersion | Retire):
            return
        after = world._replace(lates=world.lates - 1)
        left = self._late_number((request, self._reads[read] if read >= 0 else None))
        label = f"{type(request).__name__} may be late"
        if isinstance(request, Retire):
            yield label, after._replace(strays=tuple(sorted((*after.strays, left)))), late
        else:
            yield label, after, left

    def _late_steps(self, world: World) -> Iterator[Step]:
        """S3 carries out a late request, or one half of a copy."""
        for event in set(world.events):
            if event[2] >= 0:
                for label, after, left in self._carried_out_late(_without_event(world, event), event[2]):
                    yield label, _with_event(after, (*event[:2], left))
        for handler in set(world.handlers):
            if handler[3] >= 0:
                for label, after, left in self._carried_out_late(_without_handler(world, handler), handler[3]):
                    yield label, _with_handler(after, (*handler[:3], left))
        for stray in set(world.strays):
            others = list(world.strays)
            others.remove(stray)
            for label, after, left in self._carried_out_late(world._replace(strays=tuple(others)), stray):
                yield label, after if left < 0 else after._replace(strays=tuple(sorted((*others, left))))

    def _carried_out_late(self, world: World, late: int) -> Iterator[tuple[str, World, int]]:
        request, read = self._lates[late]
        memory = self._memories[world.memory]
        match request:
            case Copy() | CopyVersion() if read is None:
                found = read_for_copy(memory, request)
                left = self._late_number((request, found)) if isinstance(found, Stored) else -1
                yield "a late copy reads", world, left
            case Copy() | CopyVersion():
                assert read is not None
                after, _ = write_copy(memory, request.key, read)
                yield "a late copy writes", world._replace(memory=self._memory_number(after)), -1
            case Retire():
                reply, hides = self._retired(memory, request)
                label = f"a late retire -> {type(reply).__name__}" + self._hidden_too_early(world, hides)
                after = memory.delete(KEY) if reply == Retired() else memory
                yield label, world._replace(memory=self._memory_number(after)), -1
            case _:
                raise AssertionError(request)

    def _hidden_too_early(self, world: World, hides: frozenset[str]) -> str:
        if hides and self.check_receipts and not any((v, Fate.DELIVERED) in world.receipts for v in hides):
            return " !hidden before its receipt"
        return ""

    def _end_steps(self, world: World, handler: Handler, outcome: Outcome) -> Iterator[Step]:
        number, _, _, late = handler
        if outcome.goes_on and outcome.fate is not Fate.FAILED:
            goes_on = (int(outcome.goes_on.version_id.removeprefix("v")) - 1, 1, -1)
            world = _with_event(world, goes_on)
            if world.crashes:
                dead = world._replace(crashes=world.crashes - 1)
                yield f"{number} sends {goes_on[0]} on and dies", _with_event(dead, (number, 1, late))
        back = _with_event(world, (number, 1, late))
        if outcome.fate is not Fate.FAILED and not outcome.under_way:
            # Nobody waits for a late copy any more. The rules must see to it that there is none.
            strays = world.strays if late < 0 else tuple(sorted((*world.strays, late)))
            yield f"{number} ends", world._replace(strays=strays)
        elif outcome.fate is not Fate.FAILED:
            yield f"{number} ends and comes back", back
        elif self.dropped_when_failed:
            yield f"{number} is dropped", world
        elif self.bounds.faults or self.bounds.lates:
            yield f"{number} fails", back
        else:
            yield f"{number} ends !failed, {outcome.reason}", _with_handler(world, handler)

    def _carried_out(self, memory_number: int, node: Node, read: int) -> "Made":
        """Carry out a request, or one half of a copy."""
        memory, request = self._memories[memory_number], node.next
        label, hides = f"{node.name}: {type(request).__name__}", frozenset[str]()
        reply: Reply
        match request:
            case Copy() | CopyVersion() if read < 0:
                found = read_for_copy(memory, request)
                if isinstance(found, Stored):
                    return Made(f"{label} reads", memory_number, self._node_number(node), self._read_number(found))
                reply = found
            case Copy() | CopyVersion():
                memory, reply = write_copy(memory, request.key, self._reads[read])
            case WriteReceipts():
                reply = Written()
            case Retire():
                reply, hides = self._retired(memory, request)
                memory = memory.delete(KEY) if reply == Retired() else memory
            case CopyParts():
                memory, reply = self._copy_parts(memory, request, len(request.parts))
            case _:
                memory, told = answer(memory, cast("Call", request))
                reply = cast("Reply", told)
        label = f"{label} -> {type(reply).__name__}"
        return Made(label, self._memory_number(memory), self._node_number(node.after(reply)), -1, hides)

    def _copy_parts(self, memory: Memory, request: CopyParts, number: int) -> tuple[Memory, PartsDone]:
        """Copy so many parts."""
        replies: list[Reply] = []
        for part in request.parts[:number]:
            memory, told = answer(memory, CopyPart(request.key, request.version_id, request.upload_id, part))
            replies.append(cast("Reply", told))
        return memory, PartsDone(tuple(replies))

    def _interrupted(self, memory_number: int, request: CopyParts) -> Iterator[tuple[str, int, PartsDone]]:
        """The ways in which something comes between the parts, or before the first one."""
        for number in range(len(request.parts)):
            memory, done = self._copy_parts(self._memories[memory_number], request, number)
            interruptions: tuple[Reply, ...] = (OutOfTime(), Failure("unwell"))
            for interruption in interruptions:
                reply = PartsDone((*done.replies, interruption))
                yield f"after {number} {type(interruption).__name__}", self._memory_number(memory), reply

    def _retired(self, memory: Memory, request: Retire) -> tuple[Reply, frozenset[str]]:
        """Return the reply, and the uploads of which one must be on record as delivered: those of equal content."""
        content = memory.hub_key(KEY)
        reply = cast("Reply", answer(memory, request)[1])
        if content.current is None or reply != Retired():
            return reply, frozenset()
        body = content.current.body
        return reply, frozenset(f"v{n}" for n, other in enumerate(self.contents, start=1) if body_of(other) == body)

    # What must be true at the end

    def _wrong(self, memory: Memory, world: World) -> Iterator[str]:
        receipts, cancels = world.receipts, world.cancels
        content, delivered = memory.hub_key(KEY), memory.delivered(KEY)
        uploads = [f"v{number + 1}" for number in range(len(self.contents))]
        if cancels < self.bounds.cancels and uploads[-1] not in {stored.version_id for stored in content.versions}:
            if delivered is None and any(fate is Fate.DELIVERED for _, fate in receipts):
                yield "a receipt of a delivery that never was"
        else:
            if delivered is None or delivered.body != body_of(self.contents[-1]):
                yield "the recipient does not hold the newest content"
            if self.check_receipts and (uploads[-1], Fate.DELIVERED) not in receipts:
                yield "the newest upload has no receipt of its delivery"
        if self.keep_files and cancels == self.bounds.cancels and content.hidden:
            yield "the hub does not show the newest upload"
        if not self.keep_files and content.current:
            yield "the hub still shows an upload"
        yield from self._left_behind(memory)
        if self.check_receipts:
            final = {Fate.DELIVERED, Fate.SUPERSEDED, Fate.CANCELLED}
            recorded = {version_id for version_id, fate in receipts if fate in final}
            yield from (f"upload {version_id} has no receipt" for version_id in uploads if version_id not in recorded)
        if (
            not self.bounds.crashes
            and not self.bounds.faults
            and not self.bounds.lates
            and delivered
            and (delivered.version_id, Fate.DELIVERED) not in receipts
        ):
            yield "the recipient holds what no receipt tells of"

    def _left_behind(self, memory: Memory) -> Iterator[str]:
        """What nobody will ever remove. An empty upload costs nothing; it is there if its maker died at once."""
        if memory.checkpoints and not self.bounds.faults:
            yield "a checkpoint is left"
        if any(upload.parts or not (self.bounds.crashes or self.bounds.faults) for _, upload in memory.in_parts):
            yield "an upload in parts is left at the recipient"

    def _report(self, wrong: str, origin: dict[World, tuple[World, str] | None], world: World, *last: str) -> None:
        path, at = list(last), origin[world]
        while at is not None:
            path.append(at[1])
            at = origin[at[0]]
        self.violations.append(f"{wrong.strip()}: " + ", ".join(reversed(path)))

    # Numbers instead of large values, so that worlds compare quickly

    def _root(self, number: int, received: int) -> Node:
        if (number, received) not in self._roots:
            body = body_of(self.contents[number])
            version = Stored(f"v{number + 1}", body)
            upload = Upload(
                bucket=HUB,
                key=KEY,
                version_id=version.version_id,
                etag=version.etag,
                size_bytes=len(body),
                uploaded_by="AWS:AROA:sender",
                uploaded_at="2026-11-02T09:00:00.000Z",
                receive_count=received + 1,
                received_before=received > 0,
            )
            rules = Rules("orders", HUB, self.keep_files, LARGEST_COPY_BYTES, part_bytes=PART_BYTES)
            name = f"{number}" + ("'" if received else "")
            self._roots[number, received] = Node(name, lambda: self.deliver(upload, rules))
        return self._roots[number, received]

    def _read_number(self, stored: Stored) -> int:
        if stored not in self._reads:
            self._reads.append(stored)
        return self._reads.index(stored)

    def _late_number(self, late: Late) -> int:
        if late not in self._lates:
            self._lates.append(late)
        return self._lates.index(late)

    def _memory_number(self, memory: Memory) -> int:
        number = self._memory_numbers.setdefault(memory, len(self._memories))
        if number == len(self._memories):
            self._memories.append(memory)
        return number

    def _node_number(self, node: Node) -> int:
        number = self._node_numbers.setdefault(node, len(self._nodes))
        if number == len(self._nodes):
            self._nodes.append(node)
        return number


def _with_event(world: World, event: Event) -> World:
    return world._replace(events=tuple(sorted((*world.events, event))))


def _without_event(world: World, event: Event) -> World:
    left = list(world.events)
    left.remove(event)
    return world._replace(events=tuple(left))


def _with_handler(world: World, handler: Handler) -> World:
    return world._replace(handlers=tuple(sorted((*world.handlers, handler))))


def _without_handler(world: World, handler: Handler) -> World:
    left = list(world.handlers)
    left.remove(handler)
    return world._replace(handlers=tuple(left))


def _told(receipts: frozenset[tuple[str, Fate]], request: WriteReceipts) -> frozenset[tuple[str, Fate]]:
    """Add receipts; one of a delivery makes void that the same upload was superseded."""
    more = receipts | {(receipt.version_id, receipt.outcome) for receipt in request.receipts}
    delivered = {version_id for version_id, fate in more if fate is Fate.DELIVERED}
    return frozenset(r for r in more if r[1] is Fate.DELIVERED or r[0] not in delivered)
