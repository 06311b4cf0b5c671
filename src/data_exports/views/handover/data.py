"""The handover for programs.

In: halves of a handover. Out: values for JSON. Effects: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_exports.destinations.kinds import AnyHalf
from data_exports.json_values import json_as
from data_exports.operate.handover.halves import Half, Reading, Receiving, SftpReading, TokenReading

_AGREED = """
    dataset=half.dataset.name platform_account=half.platform.account region=half.platform.region
    contact?=half.platform.contact description?=half.dataset.description owner?=half.dataset.owner
    paperwork=half.dataset.paperwork last_day=half.dataset.expires until=half.dataset.until kind=half.kind
"""


@json_as(_AGREED, "*theirs")
@dataclass(frozen=True, slots=True)
class ReceivingData:
    """What the owner of a destination puts in place for a push dataset; what that is depends on its kind."""

    half: Receiving
    theirs: AnyHalf


@json_as(_AGREED, "account=half.account bucket=half.bucket may_write=half.dataset.allow_push readers=half.readers")
@dataclass(frozen=True, slots=True)
class ReadingData:
    """What one outside account puts in place for a pull dataset."""

    half: Reading


_OUTSIDE_AWS = """
    bucket=half.bucket may_write=half.dataset.allow_push role=half.role issuer=half.issuer subject=half.subject
    audience=half.audience reader=reader steps=half.steps
"""


@json_as(_AGREED, _OUTSIDE_AWS)
@dataclass(frozen=True, slots=True)
class TokenReadingData:
    """What the owner of a reader outside AWS needs, for a pull dataset."""

    half: TokenReading

    @property
    def reader(self) -> Mapping[str, Mapping[str, str]]:
        """As it is declared."""
        return self.half.reader.declaration


_BY_SFTP = """
    bucket=half.bucket may_write=half.dataset.allow_push user=half.user host=half.host host_key=half.host_key
    ssh_keys=half.keys steps=half.steps
"""


@json_as(_AGREED, _BY_SFTP)
@dataclass(frozen=True, slots=True)
class SftpReadingData:
    """What a reader with an SSH key needs, for a pull dataset; keys by their fingerprints."""

    half: SftpReading


HalfData = ReceivingData | ReadingData | TokenReadingData | SftpReadingData


@dataclass(frozen=True, slots=True)
class HandoverData:
    """One handover for a push dataset; for a pull dataset one for each outside account, and each reader outside AWS."""

    handovers: Sequence[HalfData]


def handover_as_data(halves: Sequence[Half]) -> HandoverData:
    """Everything the other forms say."""
    return HandoverData([_half_as_data(half) for half in halves])


def _half_as_data(half: Half) -> HalfData:
    match half:
        case Receiving():
            return ReceivingData(half, half.theirs.facts)
        case Reading():
            return ReadingData(half)
        case TokenReading():
            return TokenReadingData(half)
        case SftpReading():
            return SftpReadingData(half)
