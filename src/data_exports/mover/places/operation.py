"""What a place makes of a call: a request, and what its response means.

In: nothing. Out: `Operation`. No effects: places describe what is to be done, and `in_flight` does it. So whatever is
the same for all of them, who waits for what, how often something is tried, when the time is up, is in one place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, Union

from data_exports.mover.rules.protocol import Failed, StoreAnswer
from data_exports.mover.wire.http_connection import OnResponse, RequestLimits
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import USUAL_POLICY, RetryPolicy

ONCE = RetryPolicy(most_tries=0, seconds_for_tries=0)
"""For what is only repeated by whoever has to know of it."""

T = TypeVar("T")


class TimedRequest(Protocol):
    """What is sent, in whatever protocol its sender speaks."""

    @property
    def limits(self) -> RequestLimits:
        """How long the response may take."""


class Sender(Protocol):
    """What carries requests of one kind."""

    @property
    def service(self) -> str:
        """Who is asked, in words."""

    def send(self, request: Any, on_response: OnResponse, /, *, after_seconds: float = 0) -> None:
        """Start the request, now or later; `on_response` gets its response, exactly once, from within `run_once`."""


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One request for a call. What is read of its response is the call's answer, or what has to be asked next for it.

    `tries_before`: how often it was tried already, so that this try waits its turn.
    `sender`: what carries it, if that is not the mover's way to S3.
    """

    request: TimedRequest
    read: Callable[[Response], Union[T, "Operation[T]"]]
    retries: RetryPolicy = USUAL_POLICY
    tries_before: int = 0
    sender: Sender | None = None


CallStep = StoreAnswer | Operation[StoreAnswer]
"""What a place makes of a call of a delivery: what it knows by itself needs no request."""


def is_momentary(answer: object) -> bool:
    """Whether the same request may well succeed within seconds."""
    return isinstance(answer, Failed) and answer.cause.is_momentary
