"""What ends a delivery that cannot go on, and which answers do.

In: a reply of S3. Out: an exception, which `delivery` turns into an outcome. No effects.
"""

from data_exports.contract.causes import Cause
from data_exports.mover.rules.protocol import Failed, Forbidden, Reply


class Stopped(Exception):  # noqa: N818 it ends a delivery, which turns it into an outcome
    """This delivery cannot go on; the message is its reason."""

    def __init__(self, reason: str, cause: Cause) -> None:
        super().__init__(reason)
        self.cause = cause


def stopped_by(reply: Reply, before: str = "") -> Stopped:
    """Say what an answer means that stops a delivery."""
    match reply:
        case Failed(reason, cause) | Forbidden(reason, cause):
            return Stopped(before + reason, cause)
        case _:
            reason = f"S3 answered {type(reply).__name__}, which no rule provides for here"
            return Stopped(before + reason, Cause.FAULT)
