"""Which side lacks what, told from a probe of a destination outside AWS. Effects: none."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from data_exports.contract.tasks import Try, Verdict
from data_exports.destinations.destination import Lack, Party, Route
from data_exports.destinations.federation import HOW_TO_TURN_ON, IS_OFF


@dataclass(frozen=True, slots=True)
class Doors:
    """What a kind calls those who decide there, and what must be there."""

    exchange: str
    """Who exchanges tokens, and what it must know."""
    store: str
    """Who writes files."""
    known: Mapping[str, str]
    """By the beginning of a code of theirs: what it means, and what to do."""


def outside_lacks(doors: Doors, tries: Sequence[Try], route: Route, *, is_ours_good: bool | None) -> Iterator[Lack]:
    """What is lacking; what comes after a try that was refused could not be tried."""
    refused = next((each for each in tries if each.verdict is Verdict.REFUSED), None)
    if refused is None:
        return
    send = f"send its owner `exports handover {route.dataset}`"
    if refused.what == "token":
        yield from _our_lack(refused, is_ours_good=is_ours_good)
        return
    who = doors.exchange if refused.what in ("exchange", "impersonate") else doors.store
    said = ", ".join(filter(None, (refused.code, refused.said)))
    means = next((text for code, text in doors.known.items() if refused.code.startswith(code)), "")
    what = f"{who} does not let {route.mover_role} in" if refused.what != "overwrite" else f"{who} lets it replace none"
    yield Lack(Party.THEIRS, f"{what}: {said}", f"{means}; {send}" if means else send)


def _our_lack(refused: Try, *, is_ours_good: bool | None) -> Iterator[Lack]:
    if "FederationDisabled" in refused.code:
        yield Lack(Party.OURS, IS_OFF, HOW_TO_TURN_ON)
    elif is_ours_good is not False:  # otherwise it has been said that our policy is another
        said = ", ".join(filter(None, (refused.code, refused.said)))
        yield Lack(
            Party.OURS,
            f"AWS gives the role no token: {said}",
            "look for a policy of the organisation or a permissions boundary that denies sts:GetWebIdentityToken",
        )
