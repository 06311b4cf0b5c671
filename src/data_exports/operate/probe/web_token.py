"""A token of somebody outside AWS, as its holder has it in a file, and the reader whose role it fits.

In: a file, or a dataset and a token. Out: a `WebToken`, or the reader. Effects: reads the file. The claims are read
without trust, to say what is wrong before AWS does, and why; whether the token is genuine, AWS alone finds out. No
message holds the token, or a part of it that would do in its place.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_exports.errors import RefusedError, UsageError
from data_exports.estate.models import PullDataset
from data_exports.readers.kinds import AnyReader
from data_exports.text import age_words, moment_words, printable, quoted

MOST_CHARACTERS = 20_000
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"""
_GET_ONE = "write there what the issuer gave: three parts with dots between them, and nothing else"


@dataclass(frozen=True, slots=True)
class WebToken:
    """A JWT, and what it says of itself."""

    text: str = field(repr=False)
    issuer: str
    subject: str
    audiences: tuple[str, ...]
    party: str
    """Its `azp`, which AWS takes for the audience where there is one; "" where there is none.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif"""
    expires: datetime

    def values_of(self, condition: str) -> tuple[str, ...]:
        """What it has for a condition key of IAM."""
        match condition.rpartition(":")[2]:
            case "sub":
                return (self.subject,)
            case "aud" if self.party:
                return (self.party,)
            case _:
                return self.audiences


def read_web_token(file: Path) -> WebToken:
    """The token that a file holds. Raises `UsageError` for a file that cannot be read, or holds none."""
    where = f"--token-file {printable(str(file))}"
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_CHARACTERS + 3)  # with the end of a line
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        reason = getattr(error, "strerror", None) or "is no path"
        raise UsageError(
            f"it cannot be read: {reason}", where=where, next_step="name a file that you may read"
        ) from error
    text = content.decode("ascii", errors="replace").strip()
    if not text:
        raise UsageError("it is empty", where=where, next_step="get a token, and write it there")
    if len(text) > MOST_CHARACTERS:
        raise UsageError(
            f"it is longer than AWS takes: {MOST_CHARACTERS:,} characters", where=where, next_step=_GET_ONE
        )
    claims = _claims_of(text)
    if claims is None:
        raise UsageError("it holds no token that is a JWT", where=where, next_step=_GET_ONE)
    try:
        return _token_of(text, claims)
    except ValueError as error:
        next_step = "get an ID token, or an access token, for the audience that the letter of the handover names"
        raise UsageError(f"the token has no {error} that AWS can use", where=where, next_step=next_step) from None


def _claims_of(text: str) -> Mapping[str, Any] | None:
    """https://www.rfc-editor.org/rfc/rfc7519#section-7.2."""
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        return None
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(header, dict) and isinstance(claims, dict) else None


def _token_of(text: str, claims: Mapping[str, Any]) -> WebToken:
    """Raises `ValueError` with the name of the claim that is missing."""
    named = claims.get("aud")
    audiences = [named] if isinstance(named, str) else named
    if not isinstance(audiences, list) or not audiences or not all(isinstance(each, str) for each in audiences):
        raise ValueError("aud")
    for name in ("iss", "sub"):
        if not isinstance(claims.get(name), str) or not claims[name]:
            raise ValueError(name)
    try:
        expires = datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise ValueError("exp") from None
    party = claims.get("azp")
    return WebToken(
        text, claims["iss"], claims["sub"], tuple(audiences), party if isinstance(party, str) else "", expires
    )


def reader_of_token(pull: PullDataset, token: WebToken, now: datetime) -> AnyReader:
    """The reader of the dataset who comes with this token.

    Raises `RefusedError` when it is of nobody who is declared, is for another audience, or has expired.
    """
    if not pull.identities:
        raise RefusedError(
            f"{pull.name} has no readers with tokens", next_step="declare one under pull_identities, and deploy"
        )
    own = [reader for reader in pull.identities if reader.issuer == token.issuer]
    if not own:
        issuers = ", ".join(sorted({reader.issuer for reader in pull.identities}))
        raise RefusedError(
            f"{pull.name} names nobody whose tokens {quoted(token.issuer)} issues",
            next_step=f"get a token of one of these, to the letter: {issuers}",
        )
    named = [reader for reader in own if reader.subject == token.subject]
    if not named:
        subjects = ", ".join(sorted(quoted(reader.subject) for reader in own))
        raise RefusedError(
            f"the token is of {quoted(token.subject)}, whom {pull.name} does not name",
            next_step=f"get one of whom it names of this issuer: {subjects}; or declare this one, and deploy",
        )
    fitting = [reader for reader in named if not list(_misfits(reader, token))]
    if not fitting:
        claim, found, wanted = next(_misfits(named[0], token))
        raise RefusedError(
            f"the token has another audience ({claim}) than {pull.name} names: {found}",
            next_step=f"ask its issuer for one whose {claim} is {wanted}",
        )
    if token.expires <= now:
        raise RefusedError(
            f"the token has expired {age_words((now - token.expires).total_seconds())} ago, at "
            f"{moment_words(token.expires)}, by the clock of this machine",
            next_step="get a new one",
        )
    return fitting[0]


def _misfits(reader: AnyReader, token: WebToken) -> Iterator[tuple[str, str, str]]:
    """Each claim that the role's trust asks for otherwise: what it is called, what it is, what it must be."""
    for condition, wanted in reader.conditions.items():
        found = token.values_of(condition)
        if wanted not in found:
            key = condition.rpartition(":")[2]
            claim = "azp" if key == "aud" and token.party else key.removeprefix("o")
            yield claim, ", ".join(map(quoted, found)), quoted(wanted)
