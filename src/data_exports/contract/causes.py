"""Why deliveries fail, in classes: few enough to count by, and each says what waiting is worth.

In: nothing. Out: `Cause`, and how long a failed message stays away. No effects. Which answer of S3 belongs to which
class is told in `error_codes`.

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


class Side(StrEnum):
    """Whose it is to act."""

    SENDER = "sender's upload"
    HUB = "hub"  # the platform: the hub, the log bucket, the mover itself
    RECIPIENT = "recipient"


class Cause(StrEnum):
    """Why a delivery failed. Where somebody has to act, the first word of the value names the side."""

    UPLOAD_KEY = "upload_key"  # encrypted with a KMS key that the mover may not or cannot use
    UPLOAD_SSE_C = "upload_sse_c"  # encrypted with a key that only its sender has
    UPLOAD_ARCHIVED = "upload_archived"
    UPLOAD_TOO_LARGE = "upload_too_large"
    UPLOAD_NOT_ACCEPTED = "upload_not_accepted"  # its tags, metadata, storage class or name
    HUB_DENIED = "hub_denied"  # access to the hub or to the log bucket
    HUB_BUCKET = "hub_bucket"  # one of them is gone or closed
    HUB_NOT_VERSIONED = "hub_not_versioned"
    HUB_REQUEST = "hub_request"  # S3 holds what the mover sends for invalid, whatever the file
    RECIPIENT_DENIED = "recipient_denied"  # access to the recipient's bucket or key, or the bucket is not theirs
    RECIPIENT_BUCKET = "recipient_bucket"  # it is gone, closed, or not where it was
    RECIPIENT_KEY = "recipient_key"  # their KMS key is disabled or gone
    RECIPIENT_NOT_ACCEPTED = "recipient_not_accepted"  # their bucket does not take a copy such as this
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
    def side(self) -> Side | None:
        """Whose it is to act; None where nobody has to, or nobody can."""
        return _SIDES.get(self.value.partition("_")[0])

    @property
    def is_hopeless(self) -> bool:
        """Whether nothing can ever cure it."""
        return self is Cause.BAD_MESSAGE

    @property
    def is_permanent(self) -> bool:
        """Whether waiting alone does not cure it."""
        return self.side is not None or self.is_hopeless

    @property
    def is_refusal(self) -> bool:
        """Whether S3 said so before it did anything: the request was not carried out, and is not going to be."""
        return self.is_permanent or self in _REFUSALS

    @property
    def is_momentary(self) -> bool:
        """Whether the same request may well succeed within seconds."""
        return self in _MOMENTARY


_SIDES = {"upload": Side.SENDER, "hub": Side.HUB, "recipient": Side.RECIPIENT}
_REFUSALS = {Cause.THROTTLED, Cause.CONFLICT, Cause.CREDENTIALS, Cause.CLOCK}
_MOMENTARY = {Cause.THROTTLED, Cause.CONFLICT, Cause.UNWELL, Cause.NO_ANSWER, Cause.UNREADABLE}


def wait_seconds(
    cause: Cause, receive_count: int, *, longest_seconds: float = LONGEST_WAIT_SECONDS, rng: random.Random
) -> int:
    """Seconds that a message stays away which failed at its n-th receive: between half and the whole of its step."""
    if cause.is_hopeless:
        return 0
    first, factor = (900.0, 2.0) if cause.is_permanent else (15.0, 4.0)
    step = min(first * factor ** min(max(receive_count, 1) - 1, 20), longest_seconds)
    return round(step * rng.uniform(0.5, 1))


def retry_seconds(tries: int, *, rng: random.Random) -> float:
    """Seconds before a request is repeated that was tried so often already: up to 0.5, 1, 2, 4 ... 20, at random.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return rng.uniform(0, min(0.25 * 2**tries, LONGEST_PAUSE_SECONDS))
