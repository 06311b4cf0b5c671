"""A recipient's bucket of Google Cloud Storage as a destination: everything that is asked of one.

Effects: none; whose the bucket is, nobody at AWS knows.
"""

from data_exports.destinations.destination import Lookup, Misfit
from data_exports.destinations.federation import federation_misfit
from data_exports.destinations.google.advice import google_advice
from data_exports.destinations.google.bucket import GoogleBucket
from data_exports.destinations.google.half import google_crowding, google_half_of
from data_exports.destinations.google.probe import GOOGLE_TRIES, google_lacks


class GoogleDestination(GoogleBucket):
    """A bucket at Google; see `data_exports.destinations.destination.Destination`."""

    __slots__ = ()
    tries = GOOGLE_TRIES
    half = google_half_of
    crowding = google_crowding
    advice = google_advice
    lacks = google_lacks

    def misfit(self, lookup: Lookup, owner: str) -> Misfit | None:
        """Whether our own account lets movers get there."""
        del owner
        return federation_misfit(lookup, self.field)
