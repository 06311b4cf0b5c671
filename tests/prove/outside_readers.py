"""Who may take on the role of a reader outside AWS: by tokens right and wrong, by SFTP, and everybody without either.

In: an `Estate`. Out: `Question` values, each with the answer that the declared identities give. Effects: none. STS
looks at a token's signature, its times, and whether the account knows its issuer and audience: that is tried on the
local AWS (`tests/emulator/test_proof_for_readers.py`). Here each token is a right one, of somebody, and the trust alone
decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product

from data_exports.access.grants import Grant, grants_of
from data_exports.estate.models import Estate
from data_exports.readers.google import GOOGLE_ISSUER
from data_exports.readers.kinds import AnyReader
from data_exports.readers.sftp import SftpReader
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


def outside_reader_questions(estate: Estate) -> Iterator[Question]:
    """For each role of a reader outside AWS: its own way in, each part of it changed, everybody else's, and none."""
    grants = {grant.principal: grant for grant in grants_of(estate)}.values()
    by_sftp = [(each, each.reader) for each in grants if isinstance(each.reader, SftpReader)]
    by_token = [(each, each.reader) for each in grants if each.reader and not isinstance(each.reader, SftpReader)]
    yield from _of_tokens(estate, by_token)
    for grant, reader in by_sftp:
        yield from _by_sftp(estate, grant, reader, [other for _, other in by_sftp if other != reader])


def _by_sftp(estate: Estate, grant: Grant, own: SftpReader, others: list[SftpReader]) -> Iterator[Question]:
    """AWS Transfer Family for this user of a server of the platform's own, and nobody else.

    https://docs.aws.amazon.com/transfer/latest/userguide/confused-deputy.html
    """
    platform, moment = estate.platform, _while_it_holds(grant)
    account, role, service = str(platform.account), str(grant.principal), "transfer.amazonaws.com"
    place, user = f"arn:aws:transfer:{platform.region}", f"user/s-0123456789abcdef0/{own.name}"
    right = {"aws:SourceArn": f"{place}:{account}:{user}", "aws:SourceAccount": account}
    now = grant.until is None or grant.until > NOW
    yield _question("its own user", service, PLAINLY, role, right, NOW, expected=now)
    yield _question("its own user", service, PLAINLY, role, right, moment, expected=True)
    if grant.until:
        yield _question("after its end", service, PLAINLY, role, right, grant.until, expected=False)
    for source in (
        *(f"{place}:{account}:user/s-0123456789abcdef0/{other.name}" for other in others),
        *(f"{place}:{account}:{user}{more}" for more in ("x", "*")),
        f"{place}:{account}:user/s-0123456789abcdef0/*",
        f"{place}:999999999999:{user}",
        f"arn:aws:transfer:us-east-1:{account}:{user}",
        f"{place}:{account}:server/s-0123456789abcdef0",
        "",
    ):
        keys = {key: value for key, value in {**right, "aws:SourceArn": source}.items() if value}
        yield _question("another user or server", service, PLAINLY, role, keys, moment, expected=False)
    for owner in ("999999999999", ""):
        keys = {key: value for key, value in {**right, "aws:SourceAccount": owner}.items() if value}
        yield _question("another account's server", service, PLAINLY, role, keys, moment, expected=False)
    yield from _without(estate, role, right, moment, services=("ec2.amazonaws.com", "lambda.amazonaws.com"))


def _of_tokens(estate: Estate, grants: list[tuple[Grant, AnyReader]]) -> Iterator[Question]:
    readers = sorted({reader for _, reader in grants}, key=lambda each: each.label)
    for grant, mine in grants:
        own, moment = token_of(mine), _while_it_holds(grant)
        yield _with_token(estate, "its own token", grant, own, NOW, expected=grant.until is None or grant.until > NOW)
        if moment != NOW:
            yield _with_token(estate, "its own token", grant, own, moment, expected=True)
        if grant.until:
            yield _with_token(estate, "after its end", grant, own, grant.until, expected=False)
        for kind, token in _changed(own, has_audience=mine.audience is not None):
            yield _with_token(estate, kind, grant, token, moment, expected=False)
        for reader in readers:
            if reader.identity != mine.identity:
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


def _without(
    estate: Estate, role: str, keys: dict[str, str], moment: datetime, *, services: tuple[str, ...]
) -> Iterator[Question]:
    """Nobody else comes in, whatever they may do: our account, another, services, roles that the estate names."""
    roles = sorted({str(each.principal) for each in grants_of(estate)})
    root = f"arn:aws:iam::{estate.platform.account}:root"
    people = (administrator_of(estate), root, "arn:aws:iam::999999999999:role/administrator")
    for who, action in product((*people, *services, *roles), (PLAINLY, BY_TOKEN, *WITH_MORE)):
        if action in WITH_MORE and who in roles:
            continue
        yield _question("anybody else", who, action, role, keys, moment, expected=False)


def _without_token(estate: Estate, grant: Grant, own: Token, moment: datetime) -> Iterator[Question]:
    """Nobody comes in without a token, and no token does more."""
    account, role, keys = str(estate.platform.account), str(grant.principal), own.condition_keys
    services = ("ec2.amazonaws.com", "lambda.amazonaws.com", "transfer.amazonaws.com", "cognito-identity.amazonaws.com")
    yield from _without(estate, role, keys, moment, services=services)
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
