"""Who may take on the role of a reader outside AWS: tokens of all kinds, right and wrong, and everybody without one.

In: an `Estate`. Out: `Question` values, each with the answer that the declared identities give. Effects: none. STS
looks at a token's signature, its times, and whether the account knows its issuer and audience: that is tried on the
local AWS (`tests/emulator/test_proof_for_readers.py`). Here each token is a right one, of somebody, and the trust alone
decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

from data_exports.access.grants import Grant, Role, grants_of
from data_exports.estate.models import Estate
from data_exports.readers.google import GOOGLE_ISSUER
from data_exports.readers.kinds import AnyReader
from tests.prove.questions import NOW, Question, administrator_of

BY_TOKEN, PLAINLY = "sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"
WITH_MORE = ("sts:SetSourceIdentity", "sts:TagSession")
"""What STS asks the trust for, besides, when a token names tags or a source identity.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp"""
OTHERS = "somebody-else"


@dataclass(frozen=True)
class Token:
    """The claims of a token that a trust can ask for."""

    issuer: str
    subject: str
    audience: str
    authorized_party: str = ""

    def provider_in(self, account: str) -> str:
        """What a role's trust names: a provider of the role's account, or Google."""
        if self.issuer == GOOGLE_ISSUER:
            return self.issuer.removeprefix("https://")
        return f"arn:aws:iam::{account}:oidc-provider/{self.issuer.removeprefix('https://')}"

    @property
    def condition_keys(self) -> dict[str, str]:
        """What IAM makes of the claims.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
        """
        host = self.issuer.removeprefix("https://")
        keys = {"aud": self.authorized_party or self.audience, "oaud": self.audience, "sub": self.subject}
        return {f"{host}:{claim}": value for claim, value in keys.items() if value}


def token_of(reader: AnyReader) -> Token:
    """What the reader's issuer gives it; an agent of Google's has an audience that nobody tells us."""
    party = reader.subject if reader.issuer == GOOGLE_ISSUER else ""
    return Token(reader.issuer, reader.subject, str(reader.audience or "theirs"), party)


def web_identity_questions(estate: Estate) -> Iterator[Question]:
    """For each role of a reader outside AWS: its own token, each claim of it changed, everybody else's, and none."""
    grants = {grant.principal: grant for grant in grants_of(estate) if grant.role is Role.FEDERATED}
    readers = sorted({grant.reader for grant in grants.values() if grant.reader}, key=lambda each: each.label)
    for grant in grants.values():
        if grant.reader is None:
            continue
        own, moment = token_of(grant.reader), _while_it_holds(grant)
        yield _with_token(estate, "its own token", grant, own, NOW, expected=grant.until is None or grant.until > NOW)
        if moment != NOW:
            yield _with_token(estate, "its own token", grant, own, moment, expected=True)
        if grant.until:
            yield _with_token(estate, "after its end", grant, own, grant.until, expected=False)
        for kind, token in _changed(own, has_audience=grant.reader.audience is not None):
            yield _with_token(estate, kind, grant, token, moment, expected=False)
        for reader in readers:
            is_own = (reader.issuer, reader.subject) == (own.issuer, own.subject)
            if not is_own:
                yield _with_token(estate, "another reader's token", grant, token_of(reader), moment, expected=False)
        yield from _without_token(estate, grant, own, moment)
    for push, reader in product(estate.push_datasets, readers):
        own = token_of(reader)
        provider, mover = own.provider_in(str(estate.platform.account)), str(push.mover_role_arn(estate.platform))
        yield _question("another role", provider, BY_TOKEN, mover, own.condition_keys, NOW, expected=False)


def _while_it_holds(grant: Grant) -> datetime:
    """Its end must not be all that refuses."""
    return NOW if grant.until is None or grant.until > NOW else grant.until - timedelta(seconds=1)


def _changed(own: Token, *, has_audience: bool) -> Iterator[tuple[str, Token]]:
    """The token with one thing wrong at a time."""
    for subject in (OTHERS, own.subject.swapcase(), f"{own.subject}x", f" {own.subject}", f"{own.subject}*", "*", ""):
        if subject != own.subject:  # digits have no case
            yield "another subject", replace(own, subject=subject)
    for issuer in (
        "https://issuer.example.org",
        own.issuer.removesuffix("/") if own.issuer.endswith("/") else f"{own.issuer}/",
        f"{own.issuer.removesuffix('/')}/other",
        own.issuer.replace("1b9e6a52", "2c9e6a52"),
    ):
        if issuer != own.issuer:
            yield "another issuer or tenant", replace(own, issuer=issuer)
    if has_audience:
        for audience in (OTHERS, own.audience.swapcase(), f"{own.audience}/", "*", ""):
            if audience != own.audience:
                yield "another audience", replace(own, audience=audience)
        for party in (OTHERS, own.audience.swapcase(), "*"):
            if party not in (own.audience, own.authorized_party):
                yield "another authorized party", replace(own, authorized_party=party)


def _without_token(estate: Estate, grant: Grant, own: Token, moment: datetime) -> Iterator[Question]:
    """Nobody comes in without a token, whatever they may do: our account, another, services; no token does more."""
    account, role, keys = str(estate.platform.account), str(grant.principal), own.condition_keys
    roles = sorted({str(each.principal) for each in grants_of(estate)})
    people = (administrator_of(estate), f"arn:aws:iam::{account}:root", "arn:aws:iam::999999999999:role/administrator")
    services = ("ec2.amazonaws.com", "lambda.amazonaws.com", "transfer.amazonaws.com", "cognito-identity.amazonaws.com")
    for who, action in product((*people, *services, *roles), (PLAINLY, BY_TOKEN, *WITH_MORE)):
        if action in WITH_MORE and who in roles:
            continue
        yield _question("without a token", who, action, role, keys, moment, expected=False)
    for provider in (f"{own.provider_in(account)}x", Token("https://issuer.example.org", "", "").provider_in(account)):
        yield _question("another provider", provider, BY_TOKEN, role, keys, moment, expected=False)
    for action in (PLAINLY, *WITH_MORE):
        yield _question("more than a token gives", own.provider_in(account), action, role, keys, moment, expected=False)


def _with_token(estate: Estate, kind: str, grant: Grant, token: Token, moment: datetime, *, expected: bool) -> Question:
    provider, role = token.provider_in(str(estate.platform.account)), str(grant.principal)
    return _question(kind, provider, BY_TOKEN, role, token.condition_keys, moment, expected=expected)


def _question(
    kind: str, who: str, action: str, role: str, keys: dict[str, str], moment: datetime, *, expected: bool
) -> Question:
    context = keys | {"aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return Question(kind, who, action, role, tuple(context.items()), expected)
