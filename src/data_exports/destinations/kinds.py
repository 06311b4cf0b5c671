"""The kinds of destination that a declaration may name: a kind more is a folder, and a line here."""

from data_exports.destinations.destination import Destination
from data_exports.destinations.s3.destination import S3Destination

AnyDestination = S3Destination
_PROVIDES: tuple[type[Destination], ...] = (S3Destination,)  # what is missing in a kind, the type checker tells
