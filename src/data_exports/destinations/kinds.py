"""The kinds of destination that a declaration may name: a kind more is a folder, and a line here."""

import re
from collections.abc import Mapping
from typing import get_args

from data_exports.declared import value_of_kind
from data_exports.destinations.azure.destination import AzureDestination
from data_exports.destinations.azure.half import ContainerHalf
from data_exports.destinations.destination import Destination
from data_exports.destinations.google.destination import GoogleDestination
from data_exports.destinations.google.half import GoogleBucketHalf
from data_exports.destinations.s3.destination import S3Destination
from data_exports.destinations.s3.half import BucketHalf

AnyDestination = S3Destination | AzureDestination | GoogleDestination
_PROVIDES: tuple[type[Destination], ...] = (
    S3Destination,
    AzureDestination,
    GoogleDestination,
)  # what is missing in a kind, the type checker tells
AnyHalf = BucketHalf | ContainerHalf | GoogleBucketHalf
"""What programs are told of the halves of their owners, a class a kind: the `facts` of a `RecipientHalf`."""
OutsideDestination = AzureDestination | GoogleDestination
"""Those outside AWS, where movers prove who they are by tokens of their own account."""
OUTSIDE_KINDS: Mapping[str, type[OutsideDestination]] = {kind.field: kind for kind in get_args(OutsideDestination)}
"""Each by the field that declares it."""


def address_forms() -> tuple[str, ...]:
    """How the addresses of places outside AWS are written: ``gs://BUCKET``."""
    return tuple(re.sub("{(.*?)}", lambda part: part[1].upper(), kind.address) for kind in OUTSIDE_KINDS.values())


def outside_address_in(text: str) -> tuple[str, str] | None:
    """The address of a place outside AWS with which the text begins, and what is below it; None of any other text.

    Raises `InvalidNameError` for an address whose names are none.
    """
    for kind in OUTSIDE_KINDS.values():
        pattern = re.sub(r"\\{(.*?)\\}", r"(?P<\1>[^/]*)", re.escape(kind.address))
        if found := re.match(f"{pattern}(?=/|$)", text):
            for name, value in found.groupdict().items():
                kind.parts[name].parse(value)
            return found[0], text[found.end() + 1 :]
    return None


def outside_destination_in(there: Destination) -> OutsideDestination | None:
    """The destination, if it is outside AWS."""
    return there if isinstance(there, OutsideDestination) else None


def outside_destination_of(declared: object) -> OutsideDestination:
    """The destination that a `declaration` was made of. Raises `InvalidNameError` for anything else."""
    return value_of_kind(declared, OUTSIDE_KINDS, "destination")
