"""Who may ask AWS for a token for another cloud: the mover of a recipient there, such tokens alone, nobody else.

In: an `Estate`. Out: `Question` values, each with the answer that the destination's right gives. Effects: none.
"""

from collections.abc import Iterator

from data_exports.contract.federation import AZURE_AUDIENCE, TOKEN_ALGORITHM, TOKEN_SECONDS, google_audience_of
from data_exports.contract.settings import AzureSettings, GoogleSettings
from data_exports.destinations.federation import GET_TOKEN
from data_exports.estate.models import Estate, PushDataset
from data_exports.names import keeper_role_arn_of, notary_role_arn_of
from tests.prove.questions import Question, grants_on_resources, principals_of, strangers_of

_OTHERS = ("sts.amazonaws.com", "https://elsewhere.example", f"{AZURE_AUDIENCE}/more")
_AUDIENCE, _SECONDS, _ALGORITHM = "sts:IdentityTokenAudience", "sts:DurationSeconds", "sts:SigningAlgorithm"

Asking = dict[str, str | tuple[str, ...]]


def token_questions(estate: Estate) -> Iterator[Question]:
    """Each mover by itself; then everybody else with the tokens that movers may ask for."""
    grants = grants_on_resources(estate)
    own = {str(push.mover_role_arn(estate.platform)): _audience_of(push) for push in estate.push_datasets}
    audiences = sorted({audience for audience in own.values() if audience})
    others = {principal for grant in grants for principal in principals_of(grant)} | strangers_of(grants)
    others |= {str(role(estate.platform.account)) for role in (keeper_role_arn_of, notary_role_arn_of)}
    for who in sorted(own.keys() | others):
        for audience in audiences:
            yield _asked(who, _asking(audience), expected=own.get(who) == audience)
        if its_own := own.get(who):
            yield from _otherwise(who, its_own, {*audiences, *_OTHERS} - {its_own})


def _otherwise(who: str, audience: str, others: set[str]) -> Iterator[Question]:
    """A mover's own way of asking, with one part of it changed at a time."""
    right = _asking(audience)
    for other in sorted(others):
        for asked in ((other,), (audience, other), (other, audience)):
            yield _asked(who, right | {_AUDIENCE: asked}, expected=False)
    for seconds, expected in (
        ("60", True),
        (str(TOKEN_SECONDS), True),
        (str(TOKEN_SECONDS + 1), False),
        ("3600", False),
    ):
        yield _asked(who, right | {_SECONDS: seconds}, expected=expected)
    yield _asked(who, right | {_ALGORITHM: "ES384"}, expected=False)
    for left_out in right:
        rest = {name: value for name, value in right.items() if name != left_out}
        yield _asked(who, rest, expected=False)


def _asking(audience: str) -> Asking:
    return {_AUDIENCE: (audience,), _SECONDS: str(TOKEN_SECONDS), _ALGORITHM: TOKEN_ALGORITHM}


def _asked(who: str, asking: Asking, *, expected: bool) -> Question:
    context = tuple({"aws:PrincipalArn": who, **asking}.items())
    return Question("a token for a cloud", who, GET_TOKEN, "*", context, expected)


def _audience_of(push: PushDataset) -> str | None:
    """For whom a mover's tokens are; None: it needs none."""
    match push.destination.settings:
        case AzureSettings():
            return AZURE_AUDIENCE
        case GoogleSettings(provider=provider):
            return google_audience_of(provider)
        case _:
            return None
