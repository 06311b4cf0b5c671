"""How the end of an invocation is shared out, so that its answer is returned in time whatever S3, SQS and SNS do.

In: the time that Lambda leaves the function. Out: how much of it is left for whom. No effects.

Each kind of work ends at a moment of its own, told in seconds before the function's end; what follows has its time
whatever came before it. A function that is stopped has answered nothing: all its messages come back, also those of
files that were delivered, and no alert was sent.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html
"""

from collections.abc import Callable
from math import inf

SecondsLeft = Callable[[], float]

USUAL_SECONDS = 900.0
"""The time of a whole invocation for which the figures below are made; a shorter one has its shares of it."""
# No copy starts in this last part of the function's time: one to a server that stays silent is given up after 30 s, a
# part after 120 s, and receipts still have to be written after it, in up to six tries.
KEPT_AFTER_COPIES = 225.0
KEPT_AFTER_S3 = 40.0
KEPT_AFTER_SENDING_ON = 28.0
KEPT_AFTER_ALERTS = 16.0
KEPT_FOR_THE_ANSWER = 4.0


def endless() -> float:
    """The time left where nobody stops the work."""
    return inf


class TimeLeft:
    """The time of one invocation."""

    def __init__(self, seconds_left: SecondsLeft) -> None:
        """Begin now: the share of what is left now decides when each kind of work ends."""
        self._seconds_left = seconds_left
        self._scale = min(1.0, seconds_left() / USUAL_SECONDS)

    def before(self, kept_seconds: float) -> SecondsLeft:
        """The time that is left if so much of it is kept for what follows."""
        kept = kept_seconds * self._scale
        return lambda: self._seconds_left() - kept
