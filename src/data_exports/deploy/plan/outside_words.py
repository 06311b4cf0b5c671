"""What a plan says of deliveries to other clouds: their price, what becomes of files that wait, what nobody asked.

In: an estate, or nothing. Out: words. Effects: none.
"""

from data_exports.destinations.destination import OUTBOUND_FEDERATION
from data_exports.destinations.federation import HOW_TO_TURN_ON
from data_exports.destinations.kinds import outside_destination_in
from data_exports.estate.models import Estate
from data_exports.prices import EGRESS_FREE_GB, EGRESS_GB_USD, EGRESS_TERABYTE_USD, EGRESS_TIER_TB

EGRESS_PRICE = (
    f"AWS bills what leaves it for the internet, which deliveries to another cloud do: ${EGRESS_GB_USD:.2f} for each GB"
    f" up to {EGRESS_TIER_TB} TB a month, after {EGRESS_FREE_GB} GB a month of the whole account that cost nothing; a"
    f" terabyte beyond them is about ${EGRESS_TERABYTE_USD:.0f}"
)
"""List price in N. Virginia and in Ireland; other regions differ."""
WAITING_FILES = (
    "what waits in the hub, or has failed, goes to the new destination from then on, and what has arrived at the old"
    " one stays there"
)


def federation_not_asked_for(estate: Estate) -> str:
    """What to say where AWS is not asked whether movers get outside it; "" where none has to."""
    if there := [push.name for push in estate.push_datasets if outside_destination_in(push.destination)]:
        return (
            f"{', '.join(there)}: delivered outside AWS once this account allows {OUTBOUND_FEDERATION}; nobody has "
            f"looked here whether it does: `exports check --live` tells, {HOW_TO_TURN_ON}"
        )
    return ""
