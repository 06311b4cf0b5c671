"""The handover for programs.

In: halves of a handover. Out: values for JSON. Effects: none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from data_exports.destinations.s3.half import BucketHalf
from data_exports.json_values import json_as
from data_exports.operate.handover.halves import Half, Reading, Receiving

_AGREED = """
    dataset=half.dataset.name platform_account=half.platform.account region=half.platform.region
    contact?=half.platform.contact description?=half.dataset.description owner?=half.dataset.owner
    paperwork=half.dataset.paperwork last_day=half.dataset.expires until=half.dataset.until kind=half.kind
"""


@json_as(_AGREED, "*theirs")
@dataclass(frozen=True, slots=True)
class ReceivingData:
    """What the owner of a recipient's bucket puts in place for a push dataset."""

    half: Receiving
    theirs: BucketHalf


@json_as(_AGREED, "account=half.account bucket=half.bucket may_write=half.dataset.allow_push readers=half.readers")
@dataclass(frozen=True, slots=True)
class ReadingData:
    """What one outside account puts in place for a pull dataset."""

    half: Reading


@dataclass(frozen=True, slots=True)
class HandoverData:
    """One handover for a push dataset; for a pull dataset one for each outside account."""

    handovers: Sequence[ReceivingData | ReadingData]


def handover_as_data(halves: Sequence[Half]) -> HandoverData:
    """Everything the other forms say."""
    return HandoverData([_half_as_data(half) for half in halves])


def _half_as_data(half: Half) -> ReceivingData | ReadingData:
    return ReadingData(half) if isinstance(half, Reading) else ReceivingData(half, half.theirs.facts)
