"""Carries many deliveries at once, with as few calls as their rules allow.

In: the deliveries of one invocation (generators of `delivery`) and an ObjectStore. Out: one result each, in their
order. Effects: only through the store.

Copies, listings and heads run concurrently. Once none is left to run, the receipts of all deliveries that wait for one
are stored as one file; once no delivery waits for a receipt, the retires that are due go out together, many keys a
DeleteObjects, right after one look at the hub's versioning. So 1,000 new files cost 1,000 copies, one file of receipts,
one look and ten DeleteObjects, and no retire overtakes its receipt: each delivery asks for them in that order, and is
answered only when its receipt is on disk.

The parts of large files take minutes. They run beside all this (`large_parts`), and nothing waits for them but the
delivery that they belong to.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import cast

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome, Receipt
from data_exports.mover.large_parts import PartCopies
from data_exports.mover.rules.delivery import Steps
from data_exports.mover.rules.protocol import (
    Call,
    CompleteUpload,
    Copy,
    CopyPart,
    CopyParts,
    CopyVersion,
    Failed,
    ObjectStore,
    OutOfTime,
    PutReceipts,
    ReadVersioning,
    Reply,
    Request,
    Retire,
    RetireAll,
    RetiredAll,
    StartUpload,
    StoreAnswer,
    WriteReceipts,
)
from data_exports.mover.rules.uploads import DeliveryResult

# S3 takes up to 1,000 (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html), and longer for more of
# them; several requests at once are quicker, and none is billed (https://aws.amazon.com/s3/pricing/).
KEYS_IN_ONE_DELETE = 100


class Batch:
    """Deliveries under way together. An error inside one of them fails that one alone."""

    def __init__(
        self,
        deliveries: Sequence[Steps],
        store: ObjectStore,
        *,
        receipts_file: Callable[[Sequence[Receipt]], tuple[str, bytes]],
        may_start_copies: Callable[[], bool] = lambda: True,
        follows: Mapping[int, int] | None = None,
    ) -> None:
        """Take the deliveries, not started yet. `may_start_copies` says no when the function's time runs out.

        `follows`: which delivery starts only when which other one has ended, by their places in the sequence.
        """
        self._deliveries = deliveries
        self._store = store
        self._receipts_file = receipts_file
        self._calls_at_once = store.capabilities.calls_at_once
        self._may_start_copies = may_start_copies
        self._results: dict[int, DeliveryResult] = {}
        self._followers: dict[int, list[int]] = {}
        for follower, leader in (follows or {}).items():
            self._followers.setdefault(leader, []).append(follower)
        self._calls: deque[tuple[int, Call]] = deque()
        self._receipts: dict[int, WriteReceipts] = {}
        self._looks: list[int] = []  # deliveries that wait to hear whether the hub keeps versions
        self._retires: dict[int, Retire] = {}
        self._running = 0  # calls under way, without parts
        can = store.capabilities
        self._parts = PartCopies(
            first_tag=len(deliveries), at_once=can.parts_at_once, bytes_at_once=can.part_bytes_at_once
        )

    def run(self) -> list[DeliveryResult]:
        """Carry every delivery to its end."""
        following = {follower for followers in self._followers.values() for follower in followers}
        for number in range(len(self._deliveries)):
            if number not in following:
                self._advance(number, None)
        while len(self._results) < len(self._deliveries):
            self._run_calls()
            if self._receipts:
                self._write_receipts()
            elif self._looks:
                self._look()
            elif self._retires:
                self._retire()
            elif self._parts:
                self._take_answer()
        return [self._results[number] for number in range(len(self._deliveries))]

    def _advance(self, number: int, reply: Reply | None) -> None:
        """Give one delivery its reply, and file what it asks for next."""
        steps = self._deliveries[number]
        try:
            request = next(steps) if reply is None else steps.send(reply)
        except StopIteration as end:
            self._end(number, end.value)
        except Exception as error:  # noqa: BLE001 a fault in one delivery must not hurt the others
            reason = f"unexpected {type(error).__name__}: {error}"
            self._end(number, DeliveryResult(Outcome.FAILED, reason, Cause.FAULT, under_way=True))
        else:
            self._file(number, request)

    def _end(self, number: int, result: DeliveryResult) -> None:
        """Keep the result of one delivery, and start those that waited for it."""
        self._results[number] = result
        for follower in self._followers.pop(number, ()):
            self._advance(follower, None)

    def _file(self, number: int, request: Request) -> None:
        match request:
            case WriteReceipts():
                self._receipts[number] = request
            case ReadVersioning():
                self._looks.append(number)
            case Retire(key) if travels_in_xml(key):
                self._retires[number] = request
            case CopyParts():
                self._parts.add(number, request)
            case _:
                self._calls.append((number, request))

    def _run_calls(self) -> None:
        """Run single calls, those that they lead to as well, until none is left. Parts may be under way still."""
        self._start_calls()
        while self._running:
            self._take_answer()
            self._start_calls()

    def _start_calls(self) -> None:
        """Start what waits, as far as it may be under way at once."""
        while self._calls and self._running < self._calls_at_once:
            number, call = self._calls.popleft()
            self._running += 1
            self._start(number, call)
        while (part := self._parts.next()) is not None:
            self._start(*part)

    def _start(self, tag: int, call: Call) -> None:
        """Start one call. One that cannot be started is answered at once."""
        if isinstance(call, Copy | CopyVersion) and not self._may_start_copies():
            self._answer(tag, Failed("the function's time ran out before the copy was started", Cause.OUT_OF_TIME))
        elif isinstance(call, StartUpload | CopyPart | CompleteUpload) and not self._may_start_copies():
            self._answer(tag, OutOfTime())
        else:
            try:
                self._store.send(call, tag)
            except Exception as error:  # noqa: BLE001 a call that cannot even be made must not hurt the others
                self._answer(tag, _not_made(error))

    def _take_answer(self) -> None:
        """Wait for the next answer, and file what it leads to."""
        tag, answer = self._store.wait()
        self._answer(tag, cast("Reply", answer))

    def _answer(self, tag: int, reply: Reply) -> None:
        """Give the answer to a call to the delivery that waits for it."""
        if self._parts.is_under_way(tag):
            done = self._parts.take(tag, reply)
            if done is not None:
                self._advance(*done)
        else:
            self._running -= 1
            self._advance(tag, reply)

    def _write_receipts(self) -> None:
        """Store the receipts of all deliveries that wait for one, as one file."""
        waiting, self._receipts = self._receipts, {}
        receipts = [receipt for request in waiting.values() for receipt in request.receipts]
        self._ask_for(waiting, lambda: PutReceipts(*self._receipts_file(receipts)))

    def _look(self) -> None:
        """Look at the hub's versioning once for all deliveries that are about to retire: they come next."""
        waiting, self._looks = self._looks, []
        self._ask_for(waiting, ReadVersioning)

    def _ask_for(self, waiting: Iterable[int], make: Callable[[], Call]) -> None:
        """Make one call, and give its answer to all deliveries that wait for it."""
        (answer,) = self._ask([make])
        for number in waiting:
            self._advance(number, cast("Reply", answer))

    def _retire(self) -> None:
        """Retire what is due, many keys a call, all calls at once.

        Of two deliveries of one key the second waits for the next time. It then meets the marker that the first left,
        as a handler of its own would.
        """
        first_of_key: dict[str, int] = {}
        for number, request in self._retires.items():
            first_of_key.setdefault(request.key, number)
        due = [(number, self._retires.pop(number)) for number in first_of_key.values()]
        groups = [due[start : start + KEYS_IN_ONE_DELETE] for start in range(0, len(due), KEYS_IN_ONE_DELETE)]
        answers = self._ask([partial(RetireAll, tuple(retire for _, retire in group)) for group in groups])
        for group, answer in zip(groups, answers, strict=True):
            replies = answer.replies if isinstance(answer, RetiredAll) else [answer] * len(group)
            for (number, _), reply in zip(group, replies, strict=True):
                self._advance(number, reply)

    def _ask(self, calls: Sequence[Callable[[], Call]]) -> list[StoreAnswer]:
        """Make calls for the whole batch, all at once, and wait for their answers."""
        answers: dict[int, StoreAnswer] = {}
        for number, make in enumerate(calls):
            try:
                self._store.send(make(), -1 - number)
            except Exception as error:  # noqa: BLE001 the deliveries that wait for it learn why
                answers[number] = _not_made(error)
        while len(answers) < len(calls):
            tag, answer = self._store.wait()
            if tag < 0:
                answers[-1 - tag] = answer
            else:
                self._answer(tag, cast("Reply", answer))
        return [answers[number] for number in range(len(calls))]


def _not_made(error: Exception) -> Failed:
    return Failed(f"the call could not be made: {type(error).__name__}: {error}", Cause.FAULT)


def travels_in_xml(key: str) -> bool:
    """Tell whether XML carries the key unchanged.

    A key may hold any Unicode character; XML 1.0 has no way to write most control characters, and its readers alter
    line ends. https://www.w3.org/TR/xml/#charsets
    """
    return not any(c < " " or c in "\x7f\ufffe\uffff" for c in key)
