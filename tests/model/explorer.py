"""Drives delivery code through every interleaving of one key's uploads, events, handlers and crashes.

In: the contents that are uploaded to one key, one after the other, and bounds. Out: how many worlds there are, and each
way in which one of them ends wrong, with the steps that lead there.

A world is: what S3 holds, the events that wait in the queue, the handlers at work (each a delivery generator that
waits for the answer to a request), the receipts on disk, the crashes left. Every possible next step is taken from every
world: the next upload; SQS hands an event to a handler; S3 carries out the request of a handler (a copy in two steps:
it reads, and writes later); a handler dies. One that dies before its request is carried out is a request that never
arrived; one that dies before its next request is a request that arrived and whose answer was lost; one that dies at its
end is a message that was handled and not deleted. Its event comes back, as received before. Each upload has attributes
of its own, also where contents are equal. A handler may take two events together, and delivers as the batch does.

S3 may also carry out a request late: one whose handler died, or got no answer and went on. A late copy is carried out
at any moment, in its two steps, or never; but not after its event was received again, because that takes longer than S3
accepts a request for. That rests on the queue's visibility timeout: where an invocation may begin so late that its
message is visible again before it is over, the message goes back to the queue at once, and nothing waits for its late
copy. A retire, and a completion of an upload in parts, may be late without any bound. Where the mover reads and writes
by itself, only what it writes is late, and without any bound; any write since it was sent makes it fail.

Some contents are large and copied in parts, two of them. Among the faults is then that the time runs out. Where an
result says that an upload goes on, its event is queued, as received before, and then the handler's own one is done; in
between the handler may die.

The hub's versioning may be suspended and turned on, but not between a handler's look at it and the delete that follows,
nor while a delete may still be carried out late: that is the race that the rules leave open. What cannot be retired for
that reason is a dead letter in the end. S3 may lose an event, and a sweep may hand over, once, whatever upload is in
sight and has no receipt, at any moment. A listing may show nothing of what is there.

A step that no other handler can notice is taken before all others, as soon as it is possible: writing a receipt,
reading what describes a version, beginning an upload in parts, and ending. Taken later it would lead to the same
worlds, only by more ways.

Generators cannot be copied. A delivery is known by the replies that it was sent; a node of that tree is made once, by
replaying the replies into a fresh generator.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from sys import intern

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome
from data_exports.mover.rules.protocol import (
    CompleteUpload,
    Copied,
    CopiedPart,
    Copy,
    CopyParts,
    CopyVersion,
    Failed,
    ListVersions,
    OutOfTime,
    ReadAttributes,
    ReadVersioning,
    Request,
    Retire,
    StartUpload,
    Versions,
    WriteReceipts,
)
from data_exports.mover.rules.uploads import DeliveryResult
from tests.model.carrying_out import Late, carry_out, copy_parts, interrupted
from tests.model.contents import BEGUN_ELSEWHERE, KEY, Contents, number_of, rules_of
from tests.model.memory_s3 import ON, Memory, Stored
from tests.model.promise import broken, broken_receipts, invented, told_by
from tests.model.worlds import Bounds, Deliver, Event, Handler, Node, Numbers, Results, Told, World, in_turn

OVERTAKEN = -2  # what stands for what a copy has read: another upload is on top since the last parts were copied
HALF = -3  # one part of several is copied
NO_ANSWER = Failed("no answer", Cause.NO_ANSWER, under_way=True)
NOTHING_LISTED = Versions(None, current=False)
Step = tuple[str, World]


@dataclass(frozen=True)
class Made:
    """What a request of a handler leads to: S3, the delivery's next node, what a copy has read, what is hidden."""

    label: str
    memory: int
    node: int
    read: int = -1
    hides: str = ""  # the ETag of what is hidden
    writes: int = -1  # which upload is written to the recipient


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

    def run(self, *, stop_at: int | None = None, until: str = "") -> "Search":
        """Visit every world; or stop at the first so many violations, or at the first of this name."""
        self._memories, self._nodes = Numbers[Memory](), Numbers[Node]()
        self._reads, self._lates = Numbers[Stored](), Numbers[Late]()
        self._roots: dict[tuple[Event, ...], Node] = {}
        self._made: dict[tuple[int, int, int], Made] = {}
        self._told: dict[frozenset[Told], frozenset[Told]] = {}
        bounds, self._contents = self.bounds, Contents(self.contents)
        self._may_repeat_ids = bool(bounds.toggles) or bounds.versioning != ON
        writes = 0 if bounds.writes_itself else -1
        empty = Memory(completed=() if bounds.remembers else None, versioning=bounds.versioning, writes=writes)
        if bounds.moved:
            empty = empty._replace(checkpoints=((BEGUN_ELSEWHERE.upload_id, BEGUN_ELSEWHERE),))
        start = World(self._memories.of(empty), bounds.left)
        origin: dict[World, tuple[World, str] | None] = {start: None}
        todo, ends = [start], 0
        while todo and len(self.violations) != stop_at and (not until or until not in str(self.violations[-1:])):
            world = todo.pop()
            for label, after in self._steps(world):
                if "!" in label:
                    self._report(label.partition("!")[2], origin, world, label)
                if after not in origin:
                    origin[after] = (world, intern(label))
                    todo.append(after)
            if len(world.versions) == len(self.contents) and not world.events and not world.handlers:
                ends += 1
                for wrong in self._wrong(world):
                    self._report(wrong, origin, world)
        if not ends and not self.violations:
            self.violations.append("it never ends")
        self.worlds = len(origin)
        return self

    def _wrong(self, world: World) -> Iterator[str]:
        """What is wrong in a world in which nothing may happen any more, unless a sweep still finds something."""
        if self.bounds.sweeps and list(self._sweep_steps(world)):
            return
        memory, uploads = (
            self._memories[world.memory],
            [self._contents.stored(*each) for each in enumerate(world.versions)],
        )
        yield from broken(world, memory, uploads, self.bounds, keep_files=self.keep_files)
        if self.check_receipts:
            yield from broken_receipts(world, memory, uploads, self.bounds)

    # What may happen next

    def _steps(self, world: World) -> Iterator[Step]:
        for handler in world.handlers:
            if self._goes_unnoticed(world, self._nodes[handler.node].next):
                yield from self._handler_steps(world.without_handler(handler), handler)
                return
        yield from self._hub_steps(world)
        if len(world.handlers) < self.bounds.handlers_at_once:
            yield from self._start_steps(world)
        for handler in set(world.handlers):
            yield from self._handler_steps(world.without_handler(handler), handler)
        yield from self._late_steps(world)

    def _goes_unnoticed(self, world: World, request: Request | Results) -> bool:
        match request:
            case tuple() | StartUpload():
                return True
            case WriteReceipts():
                return not self.bounds.sweeps
            case ReadAttributes():
                return not world.left.cancels and not self._may_repeat_ids
            case ReadVersioning():
                return not world.left.toggles
            case _:
                return False

    def _hub_steps(self, world: World) -> Iterator[Step]:
        """What may happen to the hub without a handler."""
        memory, number = self._memories[world.memory], len(world.versions)
        if number < len(self.contents):
            after, version = self._contents.upload(memory, number)
            there = world._replace(memory=self._memories.of(after), versions=(*world.versions, version))
            copies = 1 + self.bounds.duplicates if number == 0 else 1
            queued = tuple(sorted((*world.events, *[Event(number, version)] * copies)))
            yield f"upload {number}", there._replace(events=queued)
            if world.left.losses:
                yield f"upload {number} whose event is lost", there.spend("losses")
        if world.left.cancels and number:
            after = memory.remove_versions(KEY)
            yield "cancel", world.spend("cancels")._replace(memory=self._memories.of(after))
        is_retiring = any(isinstance(self._nodes[each.node].next, Retire) for each in world.handlers)
        if world.left.toggles and not world.strays and not is_retiring:
            after = memory.toggle()
            yield f"versioning {after.versioning}", world.spend("toggles")._replace(memory=self._memories.of(after))
        if self.bounds.sweeps:
            yield from self._sweep_steps(world)

    def _sweep_steps(self, world: World) -> Iterator[Step]:
        """The sweep hands over what is in sight, if no receipt tells of it and no sweep has handed it over."""
        current = self._memories[world.memory].hub_key(KEY).current
        if current is None or number_of(current) in world.swept:
            return
        if not any((told.version, told.etag) == (current.version_id, current.etag) for told in world.receipts):
            number = number_of(current)
            after = world.with_event(Event(number, current.version_id, swept=True))
            yield f"sweep finds {number}", after._replace(swept=world.swept | {number})

    def _start_steps(self, world: World) -> Iterator[Step]:
        """A handler receives an event, or two; the late copies of these are carried out no more."""
        is_on = self._memories[world.memory].versioning == ON
        for event in {event for event in world.events if is_on or not event.waits or not world.left.toggles}:
            received = world.without_event(event)
            yield self._started(received, (event,))
            if self.bounds.events_at_once > 1:
                for other in {other for other in received.events if other >= event}:
                    yield self._started(received.without_event(other), (event, other))
                    yield self._started(received.without_event(other), (other, event))
            if world.left.late_starts and self.bounds.messages_overtake_late_starts:
                back = received.spend("late_starts").with_event(event._replace(again=True, late=-1))
                label, after = self._started(back, (event,), overdue=True)
                yield f"{label} long after it was received", after

    def _started(self, world: World, events: tuple[Event, ...], *, overdue: bool = False) -> Step:
        plain = tuple(event._replace(late=-1, waits=False) for event in events)
        root = self._root(plain)
        return root.name, world.with_handler(Handler(plain, self._nodes.of(root), overdue=overdue))

    def _handler_steps(self, world: World, handler: Handler) -> Iterator[Step]:
        """What this handler may do next; the world is without it."""
        node = self._nodes[handler.node]
        if world.left.crashes:
            dead = world.spend("crashes")
            yield f"{node.name} dies", self._received_again(dead, handler, handler.late)
            for label, after, left in self._left_under_way(dead, handler):
                yield f"{node.name} dies, {label}", self._received_again(after, handler, left)
        if isinstance(node.next, tuple):
            yield from self._end_steps(world, handler, node.next)
            return
        made = self._made.get((world.memory, handler.node, handler.read))
        if made is None:
            made = self._made[world.memory, handler.node, handler.read] = self._carried_out(world.memory, node, handler)
        label, receipts = made.label + self._hidden_too_early(world, made.hides), world.receipts
        if isinstance(node.next, WriteReceipts):
            label, told = label + invented(node.next), told_by(receipts, node.next)
            receipts = self._told.setdefault(told, told)
        done = self._with_memory(world, made.memory)._replace(receipts=receipts)
        if self.bounds.counts_copies and made.writes >= 0:
            label += self._copied_for_nothing(world, handler, self._nodes[made.node], made.writes)
            done = done._replace(copied=world.copied | {made.writes})
        yield label, done.with_handler(handler._replace(node=made.node, read=made.read))
        if world.left.faults:
            yield from self._fault_steps(world.spend("faults"), handler, made, label, receipts)
        if world.left.lies and isinstance(node.next, ListVersions) and self._memories[world.memory].hub_key(KEY)[0]:
            deceived = handler._replace(node=self._nodes.of(node.after(NOTHING_LISTED)), read=-1)
            yield f"{node.name}: ListVersions shows nothing", world.spend("lies").with_handler(deceived)
        for label, after, left in self._left_under_way(world, handler):
            # A retire without an answer is repeated by the store, and the delivery hears of the last one only.
            is_repeated = isinstance(node.next, Retire)
            node_after = handler.node if is_repeated else self._nodes.of(node.after(NO_ANSWER))
            yield f"{node.name}: {label}", after.with_handler(handler._replace(node=node_after, read=-1, late=left))

    def _received_again(self, world: World, handler: Handler, late: int) -> World:
        """The events of a handler that ended without a word are received once more, unless that takes too long."""
        if handler.overdue or self.bounds.dead_stay_away:
            return world.with_strays(late)
        for event in handler.events:
            world = world.with_event(event._replace(again=True, late=late))
        return world

    def _copied_for_nothing(self, world: World, handler: Handler, after: Node, number: int) -> str:
        """Where nothing goes wrong a handler writes each upload once, and a sweep none that was delivered."""
        copied = [reply for reply in after.replies if isinstance(reply, Copied)]
        if number in world.copied and handler.events[0].swept:
            return " !a sweep delivers once more"
        return " !one batch copies an upload twice" if len(set(copied)) < len(copied) else ""

    def _fault_steps(
        self, world: World, handler: Handler, made: Made, label: str, receipts: frozenset[Told]
    ) -> Iterator[Step]:
        """A request is answered with a failure, carried out or not, or the time runs out."""
        node = self._nodes[handler.node]
        if isinstance(node.next, CopyParts):
            for so, memory, reply in interrupted(self._memories[world.memory], node.next):
                stopped = handler._replace(node=self._nodes.of(node.after(reply)), read=-1)
                yield f"{label}, {so}", world._replace(memory=self._memories.of(memory)).with_handler(stopped)
        elif made.read < 0:
            cause = Cause.UNREADABLE if isinstance(node.next, StartUpload) else Cause.CREDENTIALS
            unwell = self._nodes.of(node.after(Failed("unwell", cause)))
            done = self._with_memory(world, made.memory)._replace(receipts=receipts)
            for so, after in (("carried out", done), ("not carried out", world)):
                failed = after.with_handler(handler._replace(node=unwell, read=-1))
                yield f"{label}, but answered with a fault, {so}", failed
        if isinstance(node.next, StartUpload | CompleteUpload):
            stopped = handler._replace(node=self._nodes.of(node.after(OutOfTime())), read=-1)
            yield f"{label}, out of time", world.with_handler(stopped)

    def _left_under_way(self, world: World, handler: Handler) -> Iterator[tuple[str, World, int]]:
        """A request of this handler stays without an answer: the world then, and the handler's late copy."""
        request = self._nodes[handler.node].next
        if not world.left.lates or not isinstance(request, Copy | CopyVersion | Retire | CompleteUpload):
            return
        after = world.spend("lates")
        read = self._reads[handler.read] if handler.read >= 0 else None
        label = f"{type(request).__name__} may be late"
        if self.bounds.writes_itself and not isinstance(request, Retire):
            # What was only read is not under way: the mover writes it, at once or late, in a request of its own.
            if read or isinstance(request, CompleteUpload):
                late = Late(request, read, self.bounds.on_condition)
                yield label, after.with_strays(self._lates.of(late)), handler.late
        elif isinstance(request, Retire | CompleteUpload):
            yield label, after.with_strays(self._lates.of(Late(request))), handler.late
        elif handler.late < 0:
            yield label, after, self._lates.of(Late(request, read))

    def _late_steps(self, world: World) -> Iterator[Step]:
        """S3 carries out a late request, or one half of a copy."""
        for event in set(world.events):
            if event.late >= 0:
                for label, after, left in self._carried_out_late(world.without_event(event), event.late):
                    yield label, after.with_event(event._replace(late=left))
        for handler in set(world.handlers):
            if handler.late >= 0:
                for label, after, left in self._carried_out_late(world.without_handler(handler), handler.late):
                    yield label, after.with_handler(handler._replace(late=left))
        for stray in set(world.strays):
            others = list(world.strays)
            others.remove(stray)
            for label, after, left in self._carried_out_late(world._replace(strays=tuple(others)), stray):
                yield label, after.with_strays(left)

    def _carried_out_late(self, world: World, late: int) -> Iterator[tuple[str, World, int]]:
        label, done, left = self._lates[late].carry_out(self._memories[world.memory])
        label += self._hidden_too_early(world, done.hides)
        yield label, self._with_memory(world, self._memories.of(done.memory)), self._lates.of(left) if left else -1

    def _with_memory(self, world: World, number: int) -> World:
        """The world with what S3 holds now. A write makes late ones fail whose condition is that there was none."""
        if self._memories[number].writes != self._memories[world.memory].writes:
            kept = tuple(each for each in world.strays if not self._lates[each].on_condition)
            world = world._replace(strays=kept)
        return world._replace(memory=number)

    def _hidden_too_early(self, world: World, etag: str) -> str:
        """The content that is hidden must be on record as delivered."""
        on_record = any(told.outcome is Outcome.DELIVERED and told.etag == etag for told in world.receipts)
        return " !hidden before its receipt" if etag and self.check_receipts and not on_record else ""

    def _end_steps(self, world: World, handler: Handler, results: Results) -> Iterator[Step]:
        name = self._nodes[handler.node].name
        for result in results:
            if result.continuation and result.outcome is not Outcome.FAILED:
                on = self._contents.event_of(world, result.continuation)
                world = world.with_event(on)
                if world.left.crashes:
                    dead = self._received_again(world.spend("crashes"), handler, handler.late)
                    yield f"{name} sends {on.upload} on and dies", dead
        label, late = f"{name} ends", handler.late
        for event, result in zip(handler.events, results, strict=True):
            if result.outcome is Outcome.FAILED and not self._comes_back(world, result):
                label += " as a dead letter"
            elif (result.outcome is Outcome.FAILED or result.under_way) and not handler.overdue:
                label += " and comes back"
                waits = result.cause is Cause.HUB_NOT_VERSIONED and self._contents.is_large(event.upload)
                world = world.with_event(event._replace(again=True, late=late, waits=waits))
                late = -1
            if result.outcome is Outcome.FAILED and not self._may_fail(result):
                label += f" !failed, {result.reason}"
        # Nobody waits for a late copy any more. The rules must see to it that there is none.
        yield label, world.with_strays(late)

    def _comes_back(self, world: World, result: DeliveryResult) -> bool:
        """Tell whether SQS hands out a failed event again until it is done, or it is given up some time."""
        if result.cause is Cause.HUB_NOT_VERSIONED:
            return bool(world.left.toggles) or self._memories[world.memory].versioning == ON
        return not self.dropped_when_failed

    def _may_fail(self, result: DeliveryResult) -> bool:
        bounds = self.bounds
        if result.cause is Cause.HUB_NOT_VERSIONED:
            return self._may_repeat_ids
        # An upload between a 403 and the look that follows makes it a refusal, this once.
        is_taken_for_refused = not bounds.may_list and len(self.contents) > 1
        return bool(self.dropped_when_failed or bounds.faults or bounds.lates or bounds.lies or is_taken_for_refused)

    def _carried_out(self, memory: int, node: Node, handler: Handler) -> Made:
        """Carry out a request, or one half of a copy."""
        request = node.next
        assert not isinstance(request, tuple)
        if isinstance(request, CopyParts) and self._may_repeat_ids and handler.read != HALF:
            # Between two parts the bytes of a version `null` may become others.
            one, (told,) = copy_parts(self._memories[memory], request, 1)
            if isinstance(told, CopiedPart):
                return Made(f"{node.name}: CopyParts copies one", self._memories.of(one), handler.node, HALF)
        read = self._reads[handler.read] if handler.read >= 0 else None
        copied = 1 if handler.read == HALF else 0
        done = carry_out(self._memories[memory], request, read, copied=copied, may_list=self.bounds.may_list)
        label = f"{node.name}: {type(request).__name__}"
        if done.reply is None:
            assert done.read is not None
            return Made(f"{label} reads", memory, handler.node, self._reads.of(done.read))
        label = f"{label} -> {type(done.reply).__name__}"
        if isinstance(request, CompleteUpload) and handler.read == OVERTAKEN:
            label += " !an overtaken upload is completed"
        after, writes = self._nodes.of(node.after(done.reply)), number_of(done.writes) if done.writes else -1
        overtaken = OVERTAKEN if done.overtaken else -1
        return Made(label, self._memories.of(done.memory), after, overtaken, done.hides, writes)

    def _report(self, wrong: str, origin: dict[World, tuple[World, str] | None], world: World, *last: str) -> None:
        path, at = list(last), origin[world]
        while at is not None:
            path.append(at[1])
            at = origin[at[0]]
        self.violations.append(f"{wrong.strip()}: " + ", ".join(reversed(path)))

    def _root(self, events: tuple[Event, ...]) -> Node:
        """The deliveries of these events, before they have asked for anything."""
        if events not in self._roots:
            uploads, rules = [self._contents.told_by(event) for event in events], rules_of(keep_files=self.keep_files)
            name = "+".join(f"{e.upload}" + ("'" if e.again else "") + ("s" if e.swept else "") for e in events)
            self._roots[events] = Node(name, lambda: in_turn(uploads, rules, self.deliver))
        return self._roots[events]
