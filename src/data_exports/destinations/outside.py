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


def confined_by_identity(acts_as: str, route: Route) -> str:
    """What a letter says, after what we ask for, of the identity as which our role acts; "" where there is none."""
    if not acts_as:
        return ""
    alone = f" There it acts as {acts_as}, and can do whatever else you let that one do: give it no other rights."
    if not route.also_acting:
        return alone
    return (
        f"{alone} So do our roles for {', '.join(route.also_acting)}: each of them can write wherever one of them can. "
        "One for each of our datasets keeps them apart; tell us if you would rather have it so."
    )


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
