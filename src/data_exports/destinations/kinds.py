"""The kinds of destination that a declaration may name: a kind more is a folder, and a line here."""

from collections.abc import Mapping
from typing import Any, get_args

from data_exports.destinations.azure.destination import AzureDestination
from data_exports.destinations.destination import Destination
from data_exports.destinations.google.destination import GoogleDestination
from data_exports.destinations.s3.destination import S3Destination
from data_exports.names import InvalidNameError

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
    if not isinstance(declared, Mapping) or len(declared) != 1:
        raise InvalidNameError("a destination is declared by one kind")
    ((name, parts),) = declared.items()
    kind = OUTSIDE_KINDS.get(name)
    if kind is None or not isinstance(parts, Mapping):
        raise InvalidNameError(f"there is no kind of destination {name!r}")
    required = {part for part, about in kind.parts.items() if about.is_required}
    if not required <= set(parts) <= set(kind.parts):
        raise InvalidNameError(f"the destination {name!r} has other parts than it must")
    values: dict[str, Any] = {part: kind.parts[part].parse(str(value)) for part, value in parts.items()}
    return kind(**values)
