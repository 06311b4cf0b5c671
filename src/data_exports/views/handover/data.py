"""The handover for programs.

In: halves of a handover. Out: values for JSON. Effects: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args, get_type_hints

from data_exports.destinations.azure.half import ContainerHalf
from data_exports.destinations.google.half import GoogleBucketHalf
from data_exports.destinations.s3.half import BucketHalf
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
    """What the owner of a recipient's bucket puts in place for a push dataset."""

    half: Receiving
    theirs: BucketHalf


@json_as(_AGREED, "*theirs")
@dataclass(frozen=True, slots=True)
class ContainerReceivingData:
    """What the owner of a container of Azure puts in place for a push dataset."""

    half: Receiving
    theirs: ContainerHalf


@json_as(_AGREED, "*theirs")
@dataclass(frozen=True, slots=True)
class GoogleReceivingData:
    """What the owner of a bucket at Google puts in place for a push dataset."""

    half: Receiving
    theirs: GoogleBucketHalf


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


ReceivedData = ReceivingData | ContainerReceivingData | GoogleReceivingData
HalfData = ReceivedData | ReadingData | TokenReadingData | SftpReadingData


@dataclass(frozen=True, slots=True)
class HandoverData:
    """One handover for a push dataset; for a pull dataset one for each outside account, and each reader outside AWS."""

    handovers: Sequence[HalfData]


def handover_as_data(halves: Sequence[Half]) -> HandoverData:
    """Everything the other forms say."""
    return HandoverData([_half_as_data(half) for half in halves])


_RECEIVED: Mapping[type, type[ReceivedData]] = {get_type_hints(kind)["theirs"]: kind for kind in get_args(ReceivedData)}
"""By the facts that are theirs."""


def _half_as_data(half: Half) -> HalfData:
    match half:
        case Receiving():
            return _RECEIVED[type(half.theirs.facts)](half, half.theirs.facts)
        case Reading():
            return ReadingData(half)
        case TokenReading():
            return TokenReadingData(half)
        case SftpReading():
            return SftpReadingData(half)
