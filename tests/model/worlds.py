"""What the explorer explores: worlds, and how much may happen in them.

In: nothing. Out: `World`, `Event`, `Handler`, `Bounds`. No effects. What they mean is told in `explorer`.
"""

from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from data_exports.contract.receipts import Outcome
from data_exports.contract.timing import (
    FUNCTION_TIMEOUT_SECONDS,
    LATEST_START_SECONDS,
    UNDER_WAY_SECONDS,
    VISIBILITY_TIMEOUT_SECONDS,
)
from data_exports.mover.rules.delivery import Steps
from data_exports.mover.rules.protocol import Reply, Request
from data_exports.mover.rules.same_key import SameKey
from data_exports.mover.rules.uploads import DeliveryResult, Rules, Upload
from tests.model.memory_s3 import ON

Results = tuple[DeliveryResult, ...]
T = TypeVar("T", bound=Hashable)


class Deliver(Protocol):
    """What is explored: a delivery's rules."""

    def __call__(self, upload: Upload, rules: Rules, same_key: SameKey | None = None) -> Steps: ...


class Event(NamedTuple):
    """A message in the queue."""

    upload: int
    version: str
    again: bool = False  # whether it was received before
    late: int = -1  # number of a copy of its handler that S3 may still carry out
    swept: bool = False  # sent by the sweep
    waits: bool = False  # for versioning to be on: each try of a large one before that would be a world of its own


class Handler(NamedTuple):
    """An invocation at work on events that it received together."""

    events: tuple[Event, ...]
    node: int
    read: int = -1  # number of what its copy has read; OVERTAKEN: see `explorer`
    late: int = -1  # number of a copy of its own that S3 may still carry out
    overdue: bool = False  # its messages became visible again meanwhile: they do not come back because of it


class Told(NamedTuple):
    """A receipt. Two uploads as `null` of one content are told apart by which one's message it was."""

    version: str
    etag: str
    outcome: Outcome
    upload: int = -1


class Left(NamedTuple):
    """How often each of these may still happen."""

    crashes: int
    faults: int
    cancels: int
    lates: int
    toggles: int
    losses: int
    lies: int
    late_starts: int


class World(NamedTuple):
    """Everything there is at one moment."""

    memory: int
    left: Left
    versions: tuple[str, ...] = ()  # the version id of each upload so far
    events: tuple[Event, ...] = ()
    handlers: tuple[Handler, ...] = ()
    receipts: frozenset[Told] = frozenset()
    strays: tuple[int, ...] = ()  # late requests that no event waits for
    swept: frozenset[int] = frozenset()  # uploads that a sweep has handed over
    copied: frozenset[int] = frozenset()  # uploads that were written to the recipient, where that is counted

    def spend(self, kind: str) -> "World":
        return self._replace(left=_spent(self.left, kind))

    def with_event(self, event: Event) -> "World":
        return self._replace(events=_with(self.events, event))

    def without_event(self, event: Event) -> "World":
        return self._replace(events=_without(self.events, event))

    def with_handler(self, handler: Handler) -> "World":
        return self._replace(handlers=_with(self.handlers, handler))

    def without_handler(self, handler: Handler) -> "World":
        return self._replace(handlers=_without(self.handlers, handler))

    def with_strays(self, *strays: int) -> "World":
        return self._replace(strays=tuple(sorted((*self.strays, *(stray for stray in strays if stray >= 0)))))


# Worlds share their parts: a search holds millions of them.


@cache
def _spent(left: Left, kind: str) -> Left:
    return left._replace(**{kind: getattr(left, kind) - 1})


@cache
def _with(items: tuple[Any, ...], item: object) -> tuple[Any, ...]:
    return tuple(sorted((*items, item)))


@cache
def _without(items: tuple[Any, ...], item: object) -> tuple[Any, ...]:
    left = list(items)
    left.remove(item)
    return tuple(left)


@dataclass(frozen=True)
class Bounds:
    """How much may happen besides the uploads."""

    duplicates: int = 1  # how often the first upload's event is repeated
    crashes: int = 1
    handlers_at_once: int = 2
    events_at_once: int = 1  # how many events of the key one handler may take
    faults: int = 0  # how many requests S3 may answer with a failure, carried out or not
    cancels: int = 0  # how often all versions of the key may be removed
    remembers: bool = False  # S3 answers a second completion of an upload in parts like the first
    lates: int = 0  # how many requests S3 may leave without an answer, to carry them out late or never
    versioning: str = ON  # of the hub, at first
    toggles: int = 0  # how often it may be suspended or turned on
    losses: int = 0  # how many events S3 may lose
    sweeps: bool = False
    dead_stay_away: bool = False  # the messages of a handler that died are not visible again in time
    may_list: bool = True  # without that S3 answers 403 where it would answer 404
    lies: int = 0  # how many listings may show nothing of what is there
    late_starts: int = 0  # how many invocations may begin long after their message was received
    visibility_seconds: int = VISIBILITY_TIMEOUT_SECONDS
    writes_itself: bool = False  # the mover reads and writes, and a request may be late without any bound
    on_condition: bool = True  # then: what is written fails if anything was written since it was sent
    under_way_seconds: int = UNDER_WAY_SECONDS
    moved: bool = False  # a copy of the first upload was begun while the destination was another one
    counts_copies: bool = False  # no upload may be copied twice where nothing calls for it

    def __str__(self) -> str:
        usual = Bounds()
        return " ".join(f"{n}={v}" for n, v in vars(self).items() if v != getattr(usual, n)) or "usual"

    @property
    def left(self) -> Left:
        names = Left._fields
        return Left(**{name: getattr(self, name) for name in names})

    @property
    def messages_overtake_late_starts(self) -> bool:
        """Whether a message may be visible again before a late invocation, and all that it asked for, is over."""
        takes = LATEST_START_SECONDS + FUNCTION_TIMEOUT_SECONDS + self.under_way_seconds
        return takes > self.visibility_seconds


class Numbers(Generic[T]):
    """Numbers instead of large values, so that worlds compare quickly."""

    def __init__(self) -> None:
        self._values: list[T] = []
        self._numbers: dict[T, int] = {}

    def of(self, value: T) -> int:
        number = self._numbers.setdefault(value, len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return number

    def __getitem__(self, number: int) -> T:
        return self._values[number]


@dataclass(eq=False)
class Node:
    """Deliveries that have been sent these replies, and what they do next: ask, or end."""

    name: str  # of the uploads; with a dash if the event was received before
    start: Callable[[], Generator[Request, Reply, Results]]
    replies: tuple[Reply, ...] = ()
    next: Request | Results = field(init=False)
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


def in_turn(uploads: Sequence[Upload], rules: Rules, deliver: Deliver) -> Generator[Request, Reply, Results]:
    """Carry out deliveries that are made together, as the batch does: the last one first."""
    same_key = SameKey()
    results = {}
    for number in reversed(range(len(uploads))):
        results[number] = yield from deliver(uploads[number], rules, same_key)
    return tuple(results[number] for number in range(len(uploads)))
