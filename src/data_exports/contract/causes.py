"""Why deliveries fail, in classes: few enough to count by, and each says what waiting is worth.

In: nothing, or a cause as a receipt tells it. Out: `Cause`, and whose it is to act. No effects. Which answer of S3
belongs to which class is told in `error_codes`; how long each is waited for, in `timing`.
"""

from enum import StrEnum


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
    HUB_REQUEST = "hub_request"  # what the mover sends is held for invalid, whatever the file
    HUB_FEDERATION = "hub_federation"  # our account gives no tokens for other clouds, or not to the mover
    RECIPIENT_DENIED = "recipient_denied"  # access to the recipient's bucket or key, or the bucket is not theirs
    RECIPIENT_BUCKET = "recipient_bucket"  # it is gone, closed, or not where it was
    RECIPIENT_KEY = "recipient_key"  # their KMS key is disabled or gone
    RECIPIENT_NOT_ACCEPTED = "recipient_not_accepted"  # their bucket does not take a copy such as this
    RECIPIENT_FEDERATION = "recipient_federation"  # their cloud does not take our tokens: tenant, provider, subject
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
        return side_of(self.value)

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


OLD_CAUSES = {
    "denied": Cause.RECIPIENT_DENIED,
    "no_bucket": Cause.RECIPIENT_BUCKET,
    "key_unusable": Cause.RECIPIENT_KEY,
    "not_accepted": Cause.RECIPIENT_NOT_ACCEPTED,
    "too_large": Cause.UPLOAD_TOO_LARGE,
}
"""What earlier movers recorded, who did not tell whose it is to act → what that mostly was. Receipts hold it still."""


def side_of(cause: str | None) -> Side | None:
    """Whose it is to act on a cause as recorded, also by a newer mover; None where nobody has to, or it is not told."""
    return _SIDES.get((cause or "").partition("_")[0])


def needs_somebody(cause: str | None) -> bool:
    """Whether a failure of this cause, as recorded, is only cured by somebody who acts."""
    return side_of(cause) is not None or cause in OLD_CAUSES or cause == Cause.BAD_MESSAGE
