"""Tokens of readers outside AWS for the proof of access: each reader's own, and all kinds of wrong ones.

In: the folder of a local AWS, readers. Out: tokens, each wrong one with what is wrong with it and how STS must refuse
it. Effects: keys of issuers that the local AWS knows.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey

from data_exports.local.issuers import LocalIssuer, local_issuer, token_claims_of, unknown_issuer
from data_exports.readers.google import GOOGLE_ISSUER
from data_exports.readers.kinds import AnyReader

OTHERS = "api://others"
"""An audience that every provider of the account takes, for somebody else's sake."""
BY_TRUST, BY_STS, EXPIRED = frozenset({"AccessDenied"}), frozenset({"InvalidIdentityToken"}), {"ExpiredTokenException"}
SAID_OF_SESSIONS = {
    "https://aws.amazon.com/tags": {"principal_tags": {"team": ["administrators"]}},
    "https://aws.amazon.com/source_identity": "administrator",
}
LATER, EARLIER = 600, 900
"""Seconds, beyond the clocks' leeway."""


@dataclass(frozen=True)
class WrongToken:
    """A token that must not open a role."""

    kind: str
    text: str = field(repr=False)
    codes: frozenset[str] | set[str]
    """With which of these STS refuses it."""


@dataclass(frozen=True)
class Issuers:
    """Who speaks for each issuer."""

    folder: Path
    known: dict[str, LocalIssuer] = field(default_factory=dict)

    def of(self, url: str) -> LocalIssuer:
        """The issuer of this address, whose key the local AWS knows."""
        if url not in self.known:
            self.known[url] = local_issuer(self.folder, url, algorithm="ES256" if len(self.known) % 2 else "RS256")
        return self.known[url]

    def token_of(self, reader: AnyReader, **claims: Any) -> str:
        """The reader's own, with other claims where they are named."""
        return self.of(reader.issuer).token({**token_claims_of(reader), **claims})

    def wrong_tokens(self, reader: AnyReader, others: Iterator[AnyReader] | tuple[AnyReader, ...]) -> list[WrongToken]:
        """Each with one thing wrong; then the right ones of others."""
        theirs = [other for other in others if other.identity != reader.identity]
        return [
            *self._of_other_claims(reader),
            *self._of_other_times(reader),
            *self._not_signed(reader),
            *self._of_other_issuers(reader, theirs),
            *(WrongToken(f"that of {other.label}", self.token_of(other), BY_TRUST) for other in theirs),
        ]

    def _of_other_claims(self, reader: AnyReader) -> Iterator[WrongToken]:
        subject = str(reader.subject)
        for other in (subject.swapcase(), f"{subject}x", f"{subject} ", f"{subject}*", "*", "stranger"):
            if other != subject:
                yield WrongToken(f"subject {other!r}", self.token_of(reader, sub=other), BY_TRUST)
        for claim in ("https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"):
            yield WrongToken(
                f"with {claim}", self.token_of(reader, **{claim: {"principal_tags": {"a": "b"}}}), BY_TRUST
            )
        if reader.audience is None:
            return
        claim = "aud" if reader.issuer == GOOGLE_ISSUER else "azp"
        party = {"azp": OTHERS} if reader.issuer == GOOGLE_ISSUER else {}
        yield WrongToken("audience of others", self.token_of(reader, aud=OTHERS), BY_TRUST)
        yield WrongToken("authorized party of others", self.token_of(reader, **{"azp": OTHERS} | party), BY_TRUST)
        for wrong in ("stranger", f"{reader.audience}x", [OTHERS, "stranger"]):
            yield WrongToken(f"{claim} {wrong!r}", self.token_of(reader, **{claim: wrong}), BY_TRUST | BY_STS)

    def _of_other_times(self, reader: AnyReader) -> Iterator[WrongToken]:
        now = int(time.time())
        yield WrongToken("expired", self.token_of(reader, iat=now - 2 * EARLIER, exp=now - EARLIER), EXPIRED)
        yield WrongToken("not valid yet", self.token_of(reader, nbf=now + LATER), BY_STS)
        yield WrongToken("not issued yet", self.token_of(reader, iat=now + LATER), BY_STS)

    def _not_signed(self, reader: AnyReader) -> Iterator[WrongToken]:
        issuer = self.of(reader.issuer)
        right = {"iss": issuer.url, "iat": int(time.time()), "exp": int(time.time()) + 900, **token_claims_of(reader)}
        for what, forger in (
            ("another key under its id", unknown_issuer(issuer.url, algorithm="ES256", key_id=issuer.key.kid)),
            ("a key that nobody knows", unknown_issuer(issuer.url, algorithm="ES256")),
            ("the key of another issuer", self.of("https://known.example.org")),
        ):
            yield WrongToken(f"signed with {what}", forger.token(right), BY_STS)
        header, claims, signature = issuer.token(right).split(".")
        unsigned = _part({"alg": "none", "kid": issuer.key.kid})
        yield WrongToken("alg: none", f"{unsigned}.{claims}.", BY_STS)
        yield WrongToken("alg: none, with a signature", f"{unsigned}.{claims}.{signature}", BY_STS)
        changed = _part({**right, "jti": "another"})
        yield WrongToken("changed after it was signed", f"{header}.{changed}.{signature}", BY_STS)
        secret = OctKey.import_key(json.dumps(issuer.key.as_dict(private=False)).encode())
        named = {"alg": "HS256", "kid": issuer.key.kid}
        yield WrongToken("signed with the public key as a secret", jwt.encode(named, right, secret), BY_STS)

    def _of_other_issuers(self, reader: AnyReader, others: list[AnyReader]) -> Iterator[WrongToken]:
        claims, url = token_claims_of(reader), reader.issuer
        urls = {"https://unknown.example.org", url.removesuffix("/") if url.endswith("/") else f"{url}/"}
        for other in sorted(urls | {each.issuer for each in others} - {url}):
            codes = BY_TRUST | BY_STS  # by STS where the account knows no such issuer, or none for this audience
            yield WrongToken(f"issued by {other}", self.of(other).token(claims), codes)


def _part(claims: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
