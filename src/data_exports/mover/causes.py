"""Why deliveries fail, in classes: few enough to count by, and each says what waiting is worth.

In: nothing. Out: `Cause`, and how long a failed message stays away. No effects. Which answer of S3 belongs to which
class is told in `replies`.

Three kinds of failure are waited for differently, all with jitter, so that what failed together does not come back
together:

passing    S3 is unwell, throttles or does not answer. Soon, then less and less often: 15 s, 1 min, 4 min, 16 min, 64
           min, 3 h, 3 h. With the 8 receives of the queue an outage of 3 h is always outlived, one of 7 h often.
permanent  Somebody has to act: grant access, make the bucket, mend the key. No quick tries: 15 min, 30 min, 1 h, 2 h, 3
           h, 3 h, 3 h. Whoever acts within 6 h needs no redrive.
hopeless   No time and no act cures the message itself. It goes to the dead-letter queue at once.
"""

import random
from enum import StrEnum

LONGEST_WAIT_SECONDS = 3 * 3600  # SQS would allow 12 h; more than this, and a recovery goes unnoticed for too long
LONGEST_PAUSE_SECONDS = 20  # between two tries of one call
# How long a request may still be carried out whose answer never came. S3 accepts a signed request for 15 minutes:
# https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
# and a copy of the size that is made in one request takes less than one more.
UNDER_WAY_SECONDS = 16 * 60


class Cause(StrEnum):
    """Why a delivery failed."""

    DENIED = "denied"  # access to the recipient's bucket or key, or to the hub
    NO_BUCKET = "no_bucket"  # the recipient's bucket is gone, closed, or not where it was
    KEY_UNUSABLE = "key_unusable"  # the recipient's KMS key is disabled or gone
    NOT_ACCEPTED = "not_accepted"  # S3 holds the request for invalid
    TOO_LARGE = "too_large"
    BAD_MESSAGE = "bad_message"  # no S3 event, or one about what is not this dataset's
    THROTTLED = "throttled"
    CONFLICT = "conflict"  # another operation on the same key is under way
    UNWELL = "unwell"  # S3 met an error of its own
    NO_ANSWER = "no_answer"  # the connection was lost or stayed silent
    UNREADABLE = "unreadable"  # S3 answered something that its operation does not promise
    CREDENTIALS = "credentials"  # the function's credentials expired
    CLOCK = "clock"  # the function's clock is off
    OUT_OF_TIME = "out_of_time"  # the function's time ran out before the copy was started
    OVERWRITTEN = "overwritten"  # the key changes faster than it is copied
    FAULT = "fault"  # an error in the mover itself

    @property
    def is_hopeless(self) -> bool:
        """Whether nothing can ever cure it."""
        return self is Cause.BAD_MESSAGE

    @property
    def is_permanent(self) -> bool:
        """Whether waiting alone does not cure it."""
        return self in _PERMANENT

    @property
    def is_momentary(self) -> bool:
        """Whether the same request may well succeed within seconds."""
        return self in _MOMENTARY


_PERMANENT = {
    Cause.DENIED,
    Cause.NO_BUCKET,
    Cause.KEY_UNUSABLE,
    Cause.NOT_ACCEPTED,
    Cause.TOO_LARGE,
    Cause.BAD_MESSAGE,
}
_MOMENTARY = {Cause.THROTTLED, Cause.CONFLICT, Cause.UNWELL, Cause.NO_ANSWER, Cause.UNREADABLE}


def wait_seconds(
    cause: Cause, receive_count: int, *, longest_seconds: float = LONGEST_WAIT_SECONDS, draw: random.Random
) -> int:
    """Seconds that a message stays away which failed at its n-th receive: between half and the whole of its step."""
    if cause.is_hopeless:
        return 0
    first, factor = (900.0, 2.0) if cause.is_permanent else (15.0, 4.0)
    step = min(first * factor ** min(max(receive_count, 1) - 1, 20), longest_seconds)
    return round(step * draw.uniform(0.5, 1))


def retry_seconds(tries: int, *, draw: random.Random) -> float:
    """Seconds before a request is repeated that was tried so often already: up to 0.5, 1, 2, 4 ... 20, at random.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return draw.uniform(0, min(0.25 * 2**tries, LONGEST_PAUSE_SECONDS))
