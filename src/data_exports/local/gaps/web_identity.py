"""Web identity tokens: what AWS believes of one, and which condition keys it makes of its claims.

In: a token, the account of the role. Out: a `WebIdentity`, or a `StsRefusedError` with AWS's code and words. No
effects.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from ministack.services import iam

from data_exports.local.issuers import published_key
from data_exports.names import AccountId, identity_provider_arn_of
from data_exports.readers.google import GOOGLE_ISSUER
from data_exports.text import printable

ALGORITHMS = ("RS256", "ES256")
"""RSA and, since 2024, ECDSA: https://aws.amazon.com/about-aws/whats-new/2024/11/aws-sts-ecdsa-based-signatures-oidc-tokens"""

LEEWAY_SECONDS = 300
"""For clocks that differ: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html (note on `exp`;
AWS says nothing of `nbf` and `iat`, which get the same)"""

_FURTHER_ACTIONS = {
    "https://aws.amazon.com/tags": "sts:TagSession",
    "https://aws.amazon.com/source_identity": "sts:SetSourceIdentity",
}
"""By the claim that asks for it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_permissions-required
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html"""
_REQUIRED = ("iss", "sub", "aud", "exp", "iat")
_NO_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
_NO_KEY = (
    "Couldn't retrieve verification key from your identity provider,  "
    "please reference AssumeRoleWithWebIdentity documentation for requirements"
)


class StsRefusedError(Exception):
    """What STS refuses, with its code and the status of the answer."""

    def __init__(self, message: str, code: str = "InvalidIdentityToken", *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class WebIdentity:
    """Somebody whom an issuer vouches for, as the account sees it."""

    provider: str
    """What a trust policy names: the ARN of the account's OIDC provider, or `accounts.google.com`."""
    subject: str
    audience: str
    condition_keys: Mapping[str, Any]
    """Names in lower case, as the emulator compares them."""
    further_actions: Sequence[str] = ()
    """What the trust must allow besides, for what the token says of the session."""


def web_identity_of(token: str, account: str) -> WebIdentity:
    """Whom the token stands for in this account; raises `StsRefusedError`.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    """
    header, claims = _parts_of(token)
    issuer = claims["iss"]
    provider, client_ids = _provider_of(issuer, account)
    _check_signature(token, header, issuer)
    _check_times(claims)
    audience = _audience_of(claims, client_ids)
    name = issuer.removeprefix("https://")
    found = {"aud": audience, "oaud": claims["aud"], "sub": claims["sub"]}
    found |= {name: claims[name] for name in ("amr", "email") if name in claims}
    keys = {f"{name}:{claim}".lower(): value for claim, value in found.items()}
    further = tuple(action for claim, action in _FURTHER_ACTIONS.items() if claims.get(claim))
    return WebIdentity(provider, claims["sub"], audience, keys, further)


def _parts_of(token: str) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """The header and the claims of a token, with those that AWS asks for; nothing of it is believed yet."""
    try:
        parsed = jws.extract_compact(token.encode())
        claims = json.loads(parsed.payload)
    except (JoseError, ValueError, RecursionError) as error:
        raise StsRefusedError(_NO_JWT) from error
    if not isinstance(claims, dict):
        raise StsRefusedError(_NO_JWT)
    for name in _REQUIRED:
        if claims.get(name) in (None, ""):
            raise StsRefusedError(f"Missing a required claim: {name}")
    if not (isinstance(claims["iss"], str) and isinstance(claims["sub"], str)):
        raise StsRefusedError(_NO_JWT)
    return parsed.headers(), claims


def _provider_of(issuer: str, account: str) -> tuple[str, Sequence[str] | None]:
    """What the account calls the issuer, and for which clients it takes its tokens; None: for any, which is Google's.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html (federated principals)
    """
    if issuer == GOOGLE_ISSUER:
        return GOOGLE_ISSUER.removeprefix("https://"), None
    arn = identity_provider_arn_of(AccountId(account), issuer.removeprefix("https://"))
    provider = iam._oidc_providers.get_scoped(account, None, arn) if issuer.startswith("https://") else None
    if provider is None:
        raise StsRefusedError(f"No OpenIDConnect provider found in your account for {printable(issuer)}")
    return arn, provider["ClientIDList"]


def _check_signature(token: str, header: Mapping[str, Any], issuer: str) -> None:
    key_id = header.get("kid")
    key = published_key(Path(os.environ["STATE_DIR"]).parent, issuer, key_id) if isinstance(key_id, str) else None
    if key is None:
        raise StsRefusedError(_NO_KEY)
    try:
        jwt.decode(token, key, algorithms=ALGORITHMS)
    except (JoseError, ValueError) as error:
        raise StsRefusedError("The signature of the ID Token is invalid") from error


def _check_times(claims: Mapping[str, Any]) -> None:
    now, at = int(time.time()), {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if not all(type(value) in (int, float) and math.isfinite(value) for value in at.values()):
        raise StsRefusedError(_NO_JWT)
    if at["exp"] + LEEWAY_SECONDS <= now:
        raise StsRefusedError(
            f"Token expired: current date/time {now} must be before the expiration date/time {int(at['exp'])}",
            "ExpiredTokenException",
        )
    for name in ("iat", "nbf"):
        if at.get(name, 0) > now + LEEWAY_SECONDS:
            raise StsRefusedError(f"The ID Token is not valid yet: {name} is {int(at[name])}, and now is {now}")


def _audience_of(claims: Mapping[str, Any], client_ids: Sequence[str] | None) -> str:
    """Which client the token is for: ``azp`` where the token has it, else the ``aud`` that the provider knows.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif says
    so of Google; of the others users report it (https://github.com/aws/aws-sdk-net/issues/3071, Entra's v2 tokens).
    """
    intended = claims.get("azp") or claims["aud"]
    named = [intended] if isinstance(intended, str) else intended
    if isinstance(named, list):
        for audience in named:
            if isinstance(audience, str) and (client_ids is None or audience in client_ids):
                return audience
    raise StsRefusedError("Incorrect token audience")
