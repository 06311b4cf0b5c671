"""What the kinds of destination outside AWS have in common: what declares them, and how their letters begin.

In: a route. Out: values. Effects: none.
"""

from collections.abc import Iterator

from data_exports.destinations.destination import Route
from data_exports.destinations.federation import LOOK_UP
from data_exports.instructions import Instruction

NO_ISSUER = "ISSUER"
"""Stands in letters where nobody has asked AWS who issues our account's tokens."""
PREMISE = (
    "That takes no key and no password that somebody would have to keep: our role proves who it is with a token of "
    "AWS's, which is valid for five minutes, and your cloud lets in this one role, if you let it."
)
NOT_CARRIED = "its tags are left behind, for they would take more rights than we ask for"


def issuer_in(route: Route) -> str:
    """Who issues our account's tokens, or what stands for that."""
    return route.issuer or NO_ISSUER


def issuer_steps(route: Route) -> Iterator[Instruction]:
    """What stands for the issuer, where it is not known here."""
    if not route.issuer:
        yield Instruction(
            f"Wherever {NO_ISSUER} stands below, write who issues the tokens of our account, an address that ends in "
            ".tokens.sts.global.api.aws. Ask us for it. On our side this tells it:",
            lines=(f"{LOOK_UP} --query IssuerIdentifier --output text",),
        )
