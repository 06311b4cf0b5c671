"""A recipient's container of Azure Blob Storage as a destination: everything that is asked of one.

Effects: none; whose the container is, nobody at AWS knows.
"""

from data_exports.destinations.azure.advice import container_advice
from data_exports.destinations.azure.container import AzureContainer
from data_exports.destinations.azure.half import container_crowding, container_half_of
from data_exports.destinations.azure.probe import AZURE_TRIES, container_lacks
from data_exports.destinations.destination import Lookup, Misfit
from data_exports.destinations.federation import federation_misfit


class AzureDestination(AzureContainer):
    """A container of Azure; see `data_exports.destinations.destination.Destination`."""

    __slots__ = ()
    tries = AZURE_TRIES
    half = container_half_of
    crowding = container_crowding
    advice = container_advice
    lacks = container_lacks

    def misfit(self, lookup: Lookup, owner: str) -> Misfit | None:
        """Whether our own account lets movers get there."""
        del owner
        return federation_misfit(lookup, self.field)
