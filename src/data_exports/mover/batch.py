"""Carries many deliveries at once, with as few calls as their rules allow.

In: the deliveries of one invocation (generators of `delivery`) and an ObjectStore. Out: one outcome each, in their
order. Effects: only through the store.

Copies, listings and heads run concurrently. Once none is left to run, the receipts of all deliveries that wait for one
are stored as one file; once no delivery waits for a receipt, the retires that are due go out as one DeleteObjects. So
1,000 new files cost 1,000 copies, one file of receipts and one DeleteObjects, and no retire overtakes its receipt: each
delivery asks for them in that order, and is answered only when its receipt is on disk.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import cast

from .calls import (
    Answer,
    Call,
    Copy,
    CopyVersion,
    Failure,
    ObjectStore,
    Reply,
    Request,
    Retire,
    RetireAll,
    RetiredAll,
    WriteReceipts,
    travels_in_xml,
)
from .causes import Cause
from .delivery import Outcome, Steps
from .receipts import Fate, PutReceipts, Receipt

MOST_KEYS_IN_ONE_DELETE = 1_000  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
_WHOLE_BATCH = -1


class Batch:
    """Deliveries under way together. An error inside one of them fails that one alone."""

    def __init__(
        self,
        deliveries: Sequence[Steps],
        store: ObjectStore,
        *,
        receipts_file: Callable[[Sequence[Receipt]], PutReceipts],
        calls_at_once: int,
        may_start_copies: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take the deliveries, not started yet. `may_start_copies` says no when the function's time runs out."""
        self._deliveries = deliveries
        self._store = store
        self._receipts_file = receipts_file
        self._calls_at_once = calls_at_once
        self._may_start_copies = may_start_copies
        self._outcomes: dict[int, Outcome] = {}
        self._calls: deque[tuple[int, Call]] = deque()
        self._receipts: dict[int, WriteReceipts] = {}
        self._retires: dict[int, Retire] = {}

    def run(self) -> list[Outcome]:
        """Carry every delivery to its end."""
        for number in range(len(self._deliveries)):
            self._advance(number, None)
        while len(self._outcomes) < len(self._deliveries):
            self._run_calls()
            if self._receipts:
                self._write_receipts()
            elif self._retires:
                self._retire()
        return [self._outcomes[number] for number in range(len(self._deliveries))]

    def _advance(self, number: int, reply: Reply | None) -> None:
        """Give one delivery its reply, and file what it asks for next."""
        steps = self._deliveries[number]
        try:
            request = next(steps) if reply is None else steps.send(reply)
        except StopIteration as end:
            self._outcomes[number] = end.value
        except Exception as error:  # noqa: BLE001 a fault in one delivery must not hurt the others
            self._outcomes[number] = Outcome(
                Fate.FAILED, f"unexpected {type(error).__name__}: {error}", Cause.FAULT, under_way=True
            )
        else:
            self._file(number, request)

    def _file(self, number: int, request: Request) -> None:
        match request:
            case WriteReceipts():
                self._receipts[number] = request
            case Retire(key) if travels_in_xml(key):
                self._retires[number] = request
            case _:
                self._calls.append((number, request))

    def _run_calls(self) -> None:
        """Run single calls, those that they lead to as well, until none is left."""
        running = 0
        while self._calls or running:
            while self._calls and running < self._calls_at_once:
                running += self._start(*self._calls.popleft())
            if running:
                number, answer = self._store.wait()
                running -= 1
                self._advance(number, cast("Reply", answer))

    def _start(self, number: int, call: Call) -> bool:
        """Start one call; return False, and tell the delivery, if it cannot be started."""
        if isinstance(call, Copy | CopyVersion) and not self._may_start_copies():
            reason = "the function's time ran out before the copy was started"
            self._advance(number, Failure(reason, Cause.OUT_OF_TIME))
            return False
        try:
            self._store.send(call, number)
        except Exception as error:  # noqa: BLE001 a call that cannot even be made must not hurt the others
            self._advance(number, _not_made(error))
            return False
        return True

    def _write_receipts(self) -> None:
        """Store the receipts of all deliveries that wait for one, as one file."""
        waiting, self._receipts = self._receipts, {}
        receipts = [receipt for request in waiting.values() for receipt in request.receipts]
        answer = self._ask(lambda: self._receipts_file(receipts))
        for number in waiting:
            self._advance(number, cast("Reply", answer))

    def _retire(self) -> None:
        """Retire in one call what is due. Of two deliveries of one key the second waits for the next call.

        It then meets the marker that the first left, as a handler of its own would.
        """
        first_of_key = {request.key: number for number, request in reversed(self._retires.items())}
        numbers = list(islice(first_of_key.values(), MOST_KEYS_IN_ONE_DELETE))
        retires = tuple(self._retires.pop(number) for number in numbers)
        answer = self._ask(lambda: RetireAll(retires))
        replies = answer.replies if isinstance(answer, RetiredAll) else [answer] * len(numbers)
        for number, reply in zip(numbers, replies, strict=True):
            self._advance(number, reply)

    def _ask(self, make_call: Callable[[], Call]) -> Answer:
        """Make one call for the whole batch and wait for its answer."""
        try:
            self._store.send(make_call(), _WHOLE_BATCH)
        except Exception as error:  # noqa: BLE001 the deliveries that wait for it learn why
            return _not_made(error)
        return self._store.wait()[1]


def _not_made(error: Exception) -> Failure:
    return Failure(f"the call could not be made: {type(error).__name__}: {error}", Cause.FAULT)
