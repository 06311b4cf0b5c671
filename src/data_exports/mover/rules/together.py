"""The deliveries of messages that came together.

In: uploads, and problems met in reading. Out: a delivery of each, and which of them must follow which. No effects.
"""

from collections.abc import Sequence

from data_exports.contract.causes import Cause
from data_exports.mover.rules.delivery import Delivery, Steps, deliver
from data_exports.mover.rules.same_key import SameKey
from data_exports.mover.rules.stopped import Stopped
from data_exports.mover.rules.uploads import Rules, Upload


def deliver_together(uploads: Sequence[Upload], rules: Rules) -> tuple[list[Steps], dict[int, int]]:
    """A delivery of each upload, and which of them must follow which.

    Of uploads of one key the last one goes first, as it is the newest more often than not. If it is, nothing has to be
    asked for the others.
    """
    last = {(upload.bucket, upload.key): number for number, upload in enumerate(uploads)}
    shared = {place: SameKey() for place in last}
    places = [(upload.bucket, upload.key) for upload in uploads]
    deliveries = [deliver(upload, rules, shared[place]) for upload, place in zip(uploads, places, strict=True)]
    return deliveries, {number: last[place] for number, place in enumerate(places) if last[place] != number}


def refuse(problem: str, rules: Rules, *, message_id: str, receive_count: int | None) -> Steps:
    """Leave a receipt of a message that tells of no upload: one without a key, by which its dead letter is known."""
    nothing = Upload("", "", "", "", None, None, None, receive_count, received_before=True, message_id=message_id)
    return Delivery(nothing, rules).fail(Stopped(problem, Cause.BAD_MESSAGE))
