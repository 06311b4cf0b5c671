"""Tokens of other issuers, verified as the clouds do: by the keys that the issuer publishes, fetched over HTTP.

In: a token, where the local AWS is. Out: its claims, or an `AssertionRefusedError`. Effects: requests to the issuer's
addresses, which the local AWS serves (`issuers.published_address_of`); what they answered is kept.
"""

import json
import math
import threading
import time
import urllib.request
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from data_exports.local.issuers import published_address_of

ENTRA_LEEWAY_SECONDS = 300
"""Entra's; for clocks that differ.
https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-lifetime"""

_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Wrong(StrEnum):
    """What is wrong with a token."""

    FORM = "it is no token"
    KEYS = "its issuer publishes no such key"
    SIGNATURE = "its signature is not its issuer's"
    TIME = "it is not valid now"


class AssertionRefusedError(Exception):
    """A token that is not taken."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(str(wrong))
        self.wrong = wrong


class Assertions:
    """Verifies tokens; the keys of an issuer are fetched once, and again for a key that is not among them."""

    def __init__(self, aws_url: str) -> None:
        self._aws_url = aws_url
        self._keys: dict[str, KeySet] = {}
        self._lock = threading.Lock()

    def verified_claims(self, token: str, algorithms: Collection[str], *, leeway_seconds: int) -> dict[str, Any]:
        """The claims of a token that its issuer has signed, and that is valid now; raises `AssertionRefusedError`."""
        claims, key_id = unverified_claims(token)
        keys = self._keys_of(claims["iss"], key_id)
        try:
            jwt.decode(token, keys, algorithms=list(algorithms))
        except (JoseError, ValueError) as error:
            raise AssertionRefusedError(Wrong.SIGNATURE) from error
        now = time.time()
        if claims["exp"] + leeway_seconds <= now or max(claims["iat"], claims.get("nbf", 0)) > now + leeway_seconds:
            raise AssertionRefusedError(Wrong.TIME)
        return claims

    def _keys_of(self, issuer: str, key_id: str) -> KeySet:
        with self._lock:
            known = self._keys.get(issuer)
            if known is None or key_id not in {key.kid for key in known.keys}:
                self._keys[issuer] = known = self._fetched_keys(issuer)
        if key_id not in {key.kid for key in known.keys}:
            raise AssertionRefusedError(Wrong.KEYS)
        return known

    def _fetched_keys(self, issuer: str) -> KeySet:
        """https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig."""
        try:
            document = self._fetched(f"{issuer.removesuffix('/')}/.well-known/openid-configuration")
            keys = KeySet.import_key_set(self._fetched(document["jwks_uri"]))
            is_its_own = document["issuer"] == issuer
        except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
            raise AssertionRefusedError(Wrong.KEYS) from error
        if not is_its_own:
            raise AssertionRefusedError(Wrong.KEYS)
        return keys

    def _fetched(self, url: str) -> Any:
        if not url.startswith("https://"):
            raise ValueError("both clouds take issuers by https alone")
        with _DIRECTLY.open(published_address_of(url, self._aws_url), timeout=10) as reply:
            return json.loads(reply.read(100_000))


def unverified_claims(token: str) -> tuple[dict[str, Any], str]:
    """The claims of a token and the id of its key; nothing of it is believed yet. Raises `AssertionRefusedError`."""
    try:
        parsed = jws.extract_compact(token.encode())
        claims, key_id = json.loads(parsed.payload), parsed.headers().get("kid")
    except (JoseError, ValueError, RecursionError) as error:
        raise AssertionRefusedError(Wrong.FORM) from error
    texts = isinstance(claims, dict) and all(isinstance(claims.get(name), str) for name in ("iss", "sub"))
    if not texts or not isinstance(key_id, str) or not _are_times(claims):
        raise AssertionRefusedError(Wrong.FORM)
    return claims, key_id


def _are_times(claims: Mapping[str, Any]) -> bool:
    times = [claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)]
    return all(type(each) in (int, float) and math.isfinite(each) for each in times)


def audiences_in(claims: Mapping[str, Any]) -> list[str]:
    """For whom a token is."""
    named = claims.get("aud")
    return [each for each in (named if isinstance(named, list) else [named]) if isinstance(each, str)]
