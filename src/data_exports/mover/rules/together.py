"""Deliveries of uploads whose messages came together.

In: uploads. Out: a delivery of each, and which of them must follow which. No effects.
"""

from collections.abc import Sequence

from data_exports.mover.rules.delivery import Steps, deliver
from data_exports.mover.rules.same_key import SameKey
from data_exports.mover.rules.uploads import Rules, Upload


def deliver_together(uploads: Sequence[Upload], rules: Rules) -> tuple[list[Steps], dict[int, int]]:
    """Deliver uploads whose messages came together: a delivery of each, and which of them must follow which.

    Of uploads of one key the last one goes first, as it is the newest more often than not. If it is, nothing has to be
    asked for the others.
    """
    last = {(upload.bucket, upload.key): number for number, upload in enumerate(uploads)}
    shared = {place: SameKey() for place in last}
    places = [(upload.bucket, upload.key) for upload in uploads]
    deliveries = [deliver(upload, rules, shared[place]) for upload, place in zip(uploads, places, strict=True)]
    return deliveries, {number: last[place] for number, place in enumerate(places) if last[place] != number}
