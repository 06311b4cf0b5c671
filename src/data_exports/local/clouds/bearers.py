"""Bearer tokens that the stand-ins have given out: who bears one, for what, until when.

In: tokens. Out: who bears them. Effects: what was given out is kept in memory.
"""

import hmac
import secrets
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

OWNERS_SIDE = "owner"
"""Who may do everything in the stand-ins: the recipients' own side, in tests and scenes."""


@dataclass(frozen=True)
class CloudBearer:
    """`principal`: Azure's ``TENANT/CLIENT``, Google's ``principal://…`` or ``serviceAccount:…``, or `OWNERS_SIDE`."""

    principal: str
    scopes: frozenset[str] = frozenset()
    expires: float = field(default=float("inf"))


class Bearers:
    """All that were given out."""

    def __init__(self, owner_token: str) -> None:
        self._owner_token = owner_token
        self._by_token: dict[str, CloudBearer] = {}
        self._lock = threading.Lock()

    def give(self, principal: str, scopes: Collection[str], seconds: int, token: str | None = None) -> str:
        """A new token; or have this one be taken for one."""
        token = token or f"ya29.{secrets.token_urlsafe(48)}"
        with self._lock:
            self._by_token[token] = CloudBearer(principal, frozenset(scopes), time.time() + seconds)
        return token

    def bearer_of(self, headers: Mapping[str, str]) -> CloudBearer | None:
        """Who asks, by the header `Authorization`; None for nobody, or nobody any more."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        if hmac.compare_digest(token.encode(), self._owner_token.encode()):
            return CloudBearer(OWNERS_SIDE)
        with self._lock:
            found = self._by_token.get(token)
        return found if found and found.expires > time.time() else None
