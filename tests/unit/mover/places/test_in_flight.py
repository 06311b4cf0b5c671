"""What is under way: whom a call asks, what is asked next for it, and what it is told when the time is up."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from data_exports.contract.causes import Cause
from data_exports.mover.places.in_flight import InFlight
from data_exports.mover.places.operation import ONCE, Operation
from data_exports.mover.rules.protocol import Failed, Gone, Reply, Written
from data_exports.mover.wire.http_connection import OnResponse
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import S3Request
from tests.unit.mover.s3_alone import S3Alone

DONE, UNWELL = Response(200, {}, b""), Response(503, {}, b"")
REQUEST = S3Request("GetObject", "GET", "hub")
THROTTLED = Failed("throttled", Cause.THROTTLED)


@dataclass
class Way(S3Alone):
    """Answers each request, in its turn, with the next response."""

    responses: deque[Response]
    service: str = "S3"
    sent: list[float] = field(default_factory=list)
    pending: deque[Callable[[], None]] = field(default_factory=deque)

    def send(self, request: S3Request, on_response: OnResponse, /, *, after_seconds: float = 0) -> None:
        del request
        self.sent.append(after_seconds)
        self.pending.append(lambda: on_response(self.responses.popleft()))

    def run_once(self) -> None:
        self.pending.popleft()()

    def drop(self) -> None:
        self.pending.clear()

    def close_idle(self) -> None: ...
    def close(self) -> None: ...


def read(response: Response) -> Reply:
    return Written() if response.status == 200 else THROTTLED


def test_what_fails_for_a_moment_is_tried_again_and_what_is_for_once_is_not() -> None:
    way = Way(deque([UNWELL, DONE, UNWELL]))
    in_flight = InFlight[Reply](way)
    assert in_flight.ask(Operation(REQUEST, read)) == Written()
    assert in_flight.ask(Operation(REQUEST, read, ONCE)) == THROTTLED
    assert (len(way.sent), way.responses) == (3, deque())


def test_what_was_tried_before_waits_its_turn() -> None:
    way = Way(deque([DONE]))
    assert InFlight[Reply](way).ask(Operation(REQUEST, read, ONCE, tries_before=3)) == Written()
    (seconds,) = way.sent
    assert 0 < seconds <= 2


def test_what_is_read_may_be_what_is_asked_next_of_somebody_else() -> None:
    s3 = Way(deque([DONE]))
    theirs = Way(deque([UNWELL]), "the folder", pending=s3.pending)
    next_one: Operation[Reply] = Operation(REQUEST, lambda _: Gone(), ONCE, sender=theirs)
    assert InFlight[Reply](s3).ask(Operation(REQUEST, lambda _: next_one)) == Gone()
    assert (len(s3.sent), len(theirs.sent)) == (1, 1)


def test_what_needs_no_request_is_answered_though_no_time_is_left() -> None:
    in_flight = InFlight[Reply](Way(deque()), seconds_left=lambda: 0)
    in_flight.start(7, Gone())
    assert in_flight.wait() == (7, Gone())


def test_when_the_time_is_up_a_call_is_told_who_was_not_asked_and_who_did_not_answer() -> None:
    left, s3 = [60.0], Way(deque())
    theirs = Way(deque(), "the folder", pending=s3.pending)
    in_flight = InFlight[Reply](s3, seconds_left=lambda: left[0])
    in_flight.start(1, Operation(REQUEST, read))
    in_flight.start(2, Operation(REQUEST, read, sender=theirs))
    left[0] = 0
    in_flight.start(3, Operation(REQUEST, read, sender=theirs))
    out = "the function's time ran out before"
    assert [in_flight.wait() for _ in range(3)] == [
        (3, Failed(f"{out} this could be asked of the folder", Cause.OUT_OF_TIME)),
        (1, Failed(f"{out} S3 answered. It will be tried again", Cause.OUT_OF_TIME, under_way=True)),
        (2, Failed(f"{out} the folder answered. It will be tried again", Cause.OUT_OF_TIME, under_way=True)),
    ]
    assert s3.pending == deque()


def test_an_answer_that_cannot_be_read_is_a_failure_of_that_call() -> None:
    def broken(_: Response) -> Reply:
        raise ValueError("no number")

    answer = InFlight[Reply](Way(deque([DONE]))).ask(Operation(REQUEST, broken))
    assert answer == Failed("S3's answer could not be read: ValueError: no number", Cause.UNREADABLE)
