"""The kinds of destination that a declaration may name: a kind more is a folder, and a line here."""

from collections.abc import Mapping
from typing import get_args

from data_exports.declared import value_of_kind
from data_exports.destinations.azure.destination import AzureDestination
from data_exports.destinations.destination import Destination
from data_exports.destinations.google.destination import GoogleDestination
from data_exports.destinations.s3.destination import S3Destination

AnyDestination = S3Destination | AzureDestination | GoogleDestination
_PROVIDES: tuple[type[Destination], ...] = (
    S3Destination,
    AzureDestination,
    GoogleDestination,
)  # what is missing in a kind, the type checker tells
OutsideDestination = AzureDestination | GoogleDestination
"""Those outside AWS, where movers prove who they are by tokens of their own account."""
OUTSIDE_KINDS: Mapping[str, type[OutsideDestination]] = {kind.field: kind for kind in get_args(OutsideDestination)}
"""Each by the field that declares it."""


def outside_destination_in(there: Destination) -> OutsideDestination | None:
    """The destination, if it is outside AWS."""
    return there if isinstance(there, OutsideDestination) else None


def outside_destination_of(declared: object) -> OutsideDestination:
    """The destination that a `declaration` was made of. Raises `InvalidNameError` for anything else."""
    return value_of_kind(declared, OUTSIDE_KINDS, "destination")
