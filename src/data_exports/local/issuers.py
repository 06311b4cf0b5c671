"""Who says who somebody is outside AWS, on a laptop: stand-ins for Google, Entra, a cluster, GitHub, with real keys.

In: the folder of a running local AWS, an issuer's address, claims. Out: tokens, signed. Effects: the public half of
each key, as a file in that folder (mode 0700): where the local AWS looks for the keys of an issuer, as AWS does at its
``jwks_uri``. The private half is made here, is never written, and ends with this process; its tokens outlive it.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_exports.readers.azure import AzurePrincipal
from data_exports.readers.google import GOOGLE_ISSUER, GoogleServiceAccount
from data_exports.readers.kinds import AnyReader

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, KeyParameters, RSAKey

SigningAlgorithm = Literal["RS256", "ES256"]

_VALID_SECONDS = 3600
PUBLISHED_PATH = "/_data-exports/issuers/"
"""Below it the local AWS serves what is at ``https://HOST/…`` of AWS: ``HOST/…``."""


@dataclass(frozen=True)
class LocalIssuer:
    """An issuer by its address, as its tokens' ``iss`` has it, and the key that it signs with."""

    url: str
    algorithm: SigningAlgorithm
    key: "RSAKey | ECKey" = field(repr=False)

    def token(self, claims: Mapping[str, Any], *, valid_seconds: int = _VALID_SECONDS) -> str:
        """A signed token with these claims, from now on and for so long.

        ``iss``, ``iat``, ``nbf`` and ``exp`` are added; those among the claims win, and one that is None is left out.
        """
        from joserfc import jwt

        now = int(time.time())
        all_claims = {"iss": self.url, "iat": now, "nbf": now, "exp": now + valid_seconds, **claims}
        given = {name: value for name, value in all_claims.items() if value is not None}
        return jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, given, self.key, algorithms=[self.algorithm])


def token_claims_of(reader: AnyReader) -> dict[str, Any]:
    """What a declared reader's own tokens say of it, as far as its declaration tells; see `LocalIssuer.token`.

    https://cloud.google.com/compute/docs/instances/verifying-instance-identity#payload
    https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
    """
    claims: dict[str, Any] = {"sub": str(reader.subject), "aud": str(reader.audience or reader.subject)}
    if reader.issuer == GOOGLE_ISSUER:
        claims["azp"] = str(reader.subject)
    if isinstance(reader, GoogleServiceAccount):
        claims |= {"email": str(reader.service_account), "email_verified": True}
    if isinstance(reader, AzurePrincipal):
        claims |= {"oid": str(reader.object), "tid": str(reader.tenant), "ver": f"{reader.version}.0"}
    return claims


def unknown_issuer(url: str, *, algorithm: SigningAlgorithm = "RS256", key_id: str | None = None) -> LocalIssuer:
    """An issuer with a key of its own that no AWS knows; with the id of another's key, a forger."""
    from joserfc.jwk import ECKey, RSAKey

    named: KeyParameters = {"kid": key_id or secrets.token_hex(8), "alg": algorithm, "use": "sig"}
    if algorithm == "RS256":
        return LocalIssuer(url, algorithm, RSAKey.generate_key(2048, named))
    return LocalIssuer(url, algorithm, ECKey.generate_key("P-256", named))


def local_issuer(folder: Path, url: str, *, algorithm: SigningAlgorithm = "RS256") -> LocalIssuer:
    """An issuer whose new key the local AWS of this folder knows from now on, beside those that it knew before."""
    issuer = unknown_issuer(url, algorithm=algorithm)
    published = _keys_folder(folder, url)
    published.mkdir(mode=0o700, parents=True, exist_ok=True)
    place, being_written = published / f"{issuer.key.kid}.json", published / f"{issuer.key.kid}.part"
    being_written.write_text(json.dumps(issuer.key.as_dict(private=False)), encoding="utf-8")
    being_written.replace(place)
    return issuer


def published_key(folder: Path, url: str, key_id: str) -> "RSAKey | ECKey | None":
    """The public key of this id that an issuer of the local AWS in this folder has published, or None."""
    from joserfc.jwk import ECKey, RSAKey

    for place in _keys_folder(folder, url).glob("*.json"):
        told = json.loads(place.read_text(encoding="utf-8"))
        if told["kid"] == key_id:
            return RSAKey.import_key(told) if told["kty"] == "RSA" else ECKey.import_key(told)
    return None


def published_address_of(url: str, endpoint_url: str) -> str:
    """Where a local AWS serves what an issuer of AWS has at this address: a name server, so to say."""
    return f"{endpoint_url}{PUBLISHED_PATH}{url.removeprefix('https://')}"


def _keys_folder(folder: Path, url: str) -> Path:
    """Below the local AWS's state, which goes with it."""
    return folder / "state" / "issuers" / hashlib.sha256(url.encode()).hexdigest()
