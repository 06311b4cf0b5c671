"""Plays a delivery without a store.

In: replies, one after the other. Out: what it asks for, and how it ends. No effects.
"""

from collections.abc import Sequence

from data_exports.mover.rules.delivery import deliver
from data_exports.mover.rules.protocol import Reply, Request
from data_exports.mover.rules.uploads import DeliveryResult, Rules, Upload


def play_delivery(
    replies: Sequence[Reply], *, upload: Upload, rules: Rules
) -> tuple[list[Request], DeliveryResult | None]:
    """What a delivery asks for when it is answered so, and how it ends (None: it would ask on)."""
    steps = deliver(upload, rules)
    asked: list[Request] = []
    try:
        asked.append(next(steps))
        for reply in replies:
            asked.append(steps.send(reply))
    except StopIteration as end:
        return asked, end.value
    return asked, None
