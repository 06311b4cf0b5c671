"""Operations under way: which call waits for which, what is tried again, and what happens when the time is up.

In: operations, each with the tag of its call. Out: the answers, in the order in which they come. Effects: the requests,
through the senders.

An operation that fails for a moment is made again, a little later each time, if its policy says so. Whatever S3 does,
every call is answered before the time that it is given ends.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Generic, Protocol

from data_exports.contract.causes import Cause
from data_exports.mover.places.operation import Operation, Sender, T, is_momentary
from data_exports.mover.rules.protocol import Failed, is_refusal
from data_exports.mover.time_left import SecondsLeft, endless
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import retry_seconds
from data_exports.mover.wire.transport import HttpWay

_NO_TIME = "the function's time ran out"


class Way(Sender, HttpWay, Protocol):
    """The mover's way to S3, over whose connections all other senders send as well: a `Transport`, or a stand-in."""

    def run_once(self) -> None:
        """Wait until something happens, and see to it."""

    def drop(self) -> None:
        """End all connections, and what is to be sent later: none of it gets an answer."""

    def close_idle(self) -> None:
        """Close the connections that are idle."""

    def close(self) -> None:
        """End all connections."""


class InFlight(Generic[T]):
    """Operations that answer calls. For one thread at a time."""

    def __init__(
        self,
        way: Way,
        *,
        rng: random.Random | None = None,
        seconds_left: SecondsLeft = endless,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send nothing yet. `rng` gives the jitter of repeated requests."""
        self._way = way
        self._rng = rng or random.Random()  # noqa: S311 it keeps no secret
        self._clock = clock
        self._seconds_left = seconds_left
        self._under_way: dict[int, str] = {}  # whom the call with this tag asks
        self._answers: deque[tuple[int, T | Failed]] = deque()

    def begin(self, seconds_left: SecondsLeft) -> None:
        """Take the time of one invocation: when none is left, every call is answered, whatever S3 does.

        Should an invocation have ended by an error of ours, its calls are forgotten: tags begin anew with this one, and
        an answer to one of those would be taken for another's.
        """
        self._seconds_left = seconds_left
        if self._under_way or self._answers:
            self._way.drop()
            self._under_way.clear()
            self._answers.clear()

    def start(self, tag: int, step: T | Operation[T]) -> None:
        """Start what answers a call, and return at once. Raises if it cannot even be made."""
        if not isinstance(step, Operation):
            self._answers.append((tag, step))
            return
        service = (step.sender or self._way).service
        if self._seconds_left() <= 0:
            reason = f"{_NO_TIME} before this could be asked of {service}"
            self._answers.append((tag, Failed(reason, Cause.OUT_OF_TIME)))
            return
        self._under_way[tag] = service
        try:
            self._run(tag, step)
        except Exception:
            del self._under_way[tag]
            raise

    def wait(self) -> tuple[int, T | Failed]:
        """Return the tag and the answer of the next call that ends."""
        while not self._answers:
            if self._seconds_left() > 0:
                self._way.run_once()
            else:
                self._give_up()
        return self._answers.popleft()

    def ask(self, operation: Operation[T]) -> T | Failed:
        """Carry out one operation, with none other under way, and return the answer."""
        self.start(0, operation)
        return self.wait()[1]

    def _give_up(self) -> None:
        """Answer what was not answered. It may be carried out all the same."""
        self._way.drop()
        for tag, service in self._under_way.items():
            reason = f"{_NO_TIME} before {service} answered. It will be tried again"
            self._answers.append((tag, Failed(reason, Cause.OUT_OF_TIME, under_way=True)))
        self._under_way.clear()

    def close_idle(self) -> None:
        """Close the connections that are idle, before the function sleeps."""
        self._way.close_idle()

    def close(self) -> None:
        """End all connections."""
        self._way.close()

    def _run(self, tag: int, operation: Operation[T]) -> None:
        """Send the request; again if it fails for a moment; and then what is to be asked next."""
        sender, before = operation.sender or self._way, operation.tries_before
        take = partial(self._take, tag, operation, before + 1, self._clock())
        if before:
            sender.send(operation.request, take, after_seconds=retry_seconds(before, rng=self._rng))
        else:
            sender.send(operation.request, take)

    def _take(self, tag: int, operation: Operation[T], tries: int, started: float, response: Response) -> None:
        """Take a response. Nothing here refers to itself: what was sent may be large, and is not kept any longer."""
        sender = operation.sender or self._way
        try:
            answer = operation.read(response)
            if isinstance(answer, Operation):
                self._run(tag, answer)
                return
        except Exception as error:  # noqa: BLE001 somebody waits for an answer
            reason = f"{sender.service}'s answer could not be read: {type(error).__name__}: {error}"
            self._end(tag, Failed(reason, Cause.UNREADABLE))
            return
        pause = self._pause_before_retry(operation, answer, tries, started)
        if pause is None:
            self._end(tag, answer)
            return
        sender.send(operation.request, partial(self._take, tag, operation, tries + 1, started), after_seconds=pause)

    def _pause_before_retry(
        self, operation: Operation[T], answer: T | Failed, tries: int, started: float
    ) -> float | None:
        """For how long to wait before the request is made once more; None if it is not."""
        if not is_momentary(answer):
            return None
        return operation.retries.pause_seconds(
            tries,
            elapsed_seconds=self._clock() - started,
            is_refused=not isinstance(answer, Failed) or is_refusal(answer),
            seconds_left=self._seconds_left(),
            answer_seconds=operation.request.limits.read_timeout_seconds,
            rng=self._rng,
        )

    def _end(self, tag: int, answer: T | Failed) -> None:
        self._under_way.pop(tag, None)
        self._answers.append((tag, answer))
