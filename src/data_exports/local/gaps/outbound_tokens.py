"""Tokens by which an account's own roles prove who they are outside AWS, and the account's switch for them.

In: calls of IAM and STS, and addresses of what an issuer publishes. Out: answers. Effects: an issuer for each account
that turned it on, with keys of its own, in memory alone: they end with this local AWS.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam, sts

from data_exports.local.gaps.iam import role_behind
from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.s3_errors import Answer
from data_exports.local.issuers import PUBLISHED_PATH

_ACTION = "GetWebIdentityToken"
_DEFAULT_SECONDS = 300
_HOST = "tokens.sts.global.api.aws"
_CLAIMS_OF_AWS = "https://sts.amazonaws.com/"
_FEDERATION = "OutboundWebIdentityFederation"


@dataclass
class _Issuer:
    """Who signs for an account: stays the same, and publishes its keys, when the account turns it off and on."""

    url: str
    enabled: bool = True
    keys: Mapping[str, RSAKey | ECKey] = field(
        default_factory=lambda: {
            "RS256": RSAKey.generate_key(2048, {"kid": "RSA_0", "use": "sig"}),
            "ES384": ECKey.generate_key("P-384", {"kid": "EC384_0", "alg": "ES384", "use": "sig"}),
        }
    )


_issuers: dict[str, _Issuer] = {}
"""By account."""


def _enabled(_params: Mapping[str, Any]) -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableOutboundWebIdentityFederation.html."""
    issuer = _issuers.get(get_account_id())
    if issuer is None:
        issuer = _issuers[get_account_id()] = _Issuer(f"https://{uuid.uuid4()}.{_HOST}")
    elif issuer.enabled:
        return _told(iam._error(409, "FeatureEnabled", "Outbound web identity federation is already enabled"))
    issuer.enabled = True
    return _done("Enable", f"<IssuerIdentifier>{issuer.url}</IssuerIdentifier>")


def _disabled(_params: Mapping[str, Any]) -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DisableOutboundWebIdentityFederation.html."""
    issuer = _issuers.get(get_account_id())
    if issuer is None or not issuer.enabled:
        return _is_off()
    issuer.enabled = False
    return _told(iam._xml(200, f"Disable{_FEDERATION}Response", ""))


def _described(_params: Mapping[str, Any]) -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOutboundWebIdentityFederationInfo.html."""
    issuer = _issuers.get(get_account_id())
    if issuer is None or not issuer.enabled:
        return _is_off()
    identifier = f"<IssuerIdentifier>{issuer.url}</IssuerIdentifier>"
    return _done("Get", f"{identifier}<JwtVendingEnabled>true</JwtVendingEnabled>", "Info")


def _is_off() -> Answer:
    return _told(iam._error(404, "FeatureDisabled", "Outbound web identity federation is not enabled"))


def _done(verb: str, result: str, suffix: str = "") -> Answer:
    name = f"{verb}{_FEDERATION}{suffix}"
    return _told(iam._xml(200, f"{name}Response", f"<{name}Result>{result}</{name}Result>"))


def _told(answer: Answer) -> Answer:
    return answer


iam._IAM_HANDLERS[f"Enable{_FEDERATION}"] = _enabled
iam._IAM_HANDLERS[f"Disable{_FEDERATION}"] = _disabled
iam._IAM_HANDLERS[f"Get{_FEDERATION}Info"] = _described


@mends(app.SERVICE_HANDLERS, "sts", "method path headers body query_params")
async def a_token_for_outside_is_signed_with_published_keys(
    original: Callable[..., Awaitable[Answer]], *asked: Any
) -> Answer:
    """A token names the role that asks, for whom it is and until when, signed by the account's own issuer.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
    """
    method, _path, headers, body, query = asked
    fields = {**query, **(parse_qs(body.decode("utf-8", errors="replace")) if method == "POST" else {})}
    if _ACTION in headers.get("x-amz-target", ""):  # of which AWS knows nothing
        return _refused(400, "InvalidAction", f"{_ACTION} is asked for by a form")
    if _first(fields, "Action") != _ACTION:
        return await original(*asked)
    if unknown := sorted(name for name in fields if name.startswith(("Tags.", "SubjectMode"))):
        return _refused(501, "NotImplemented", f"The local AWS knows no {unknown[0]} of {_ACTION}")
    if not _audiences(fields):
        return _refused(400, "ValidationError", "1 validation error detected: Value at 'audience' must not be null")
    checked = await original(*asked)
    return checked if checked[0] != 200 else _token(fields, sts._caller_identity(headers, query))


@mends(iam_actions, "request_tag_context", "service iam_action body params")
def a_right_may_say_for_whom_tokens_are_and_how_long(original: Callable[..., Any], *asked: Any) -> dict[str, Any]:
    """What may be asked of a token: for whom it is, how long it is valid, how it is signed.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html (keys of STS)
    """
    _service, action, _body, fields = asked
    keys: dict[str, Any] = dict(original(*asked))
    if action == f"sts:{_ACTION}":
        keys["sts:IdentityTokenAudience"] = _audiences(fields)
        for name in ("DurationSeconds", "SigningAlgorithm"):
            if value := _first(fields, name):
                keys[f"sts:{name}"] = value
    return keys


def _audiences(fields: Mapping[str, Any]) -> list[str]:
    named = re.compile(r"Audience\.member\.[0-9]+")
    return [_first(fields, name) for name in fields if named.fullmatch(name)]


def _first(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


def _token(fields: Mapping[str, Any], caller: Any) -> Answer:
    """The answer with a token for who asks; the fields are as they must be."""
    account, seconds = caller["accountId"], int(_first(fields, "DurationSeconds") or _DEFAULT_SECONDS)
    issuer, session = _issuers.get(account), sts._sessions.get(caller["accessKey"]) or {}
    if issuer is None or not issuer.enabled:
        words = "Outbound web identity federation is not enabled for this account"
        return _refused(403, "OutboundWebIdentityFederationDisabledException", words)
    now, ends = int(time.time()), session.get("Expiration")
    if ends is not None and now + seconds > ends:
        words = "The requested token duration would extend the session beyond its original expiration time"
        return _refused(403, "SessionDurationEscalationException", words)
    audiences, algorithm = _audiences(fields), _first(fields, "SigningAlgorithm")
    claims = {
        "iss": issuer.url,
        "aud": audiences[0] if len(audiences) == 1 else audiences,
        "sub": role_behind(caller["userArn"]),
        "iat": now,
        "exp": now + seconds,
        "jti": str(uuid.uuid4()),
        _CLAIMS_OF_AWS: _claims_of_aws(account, role_behind(caller["userArn"]), session),
    }
    key = issuer.keys[algorithm]
    made = jwt.encode({"alg": algorithm, "kid": key.kid, "typ": "JWT"}, claims, key, algorithms=[algorithm])
    told = f"<WebIdentityToken>{made}</WebIdentityToken><Expiration>{sts._future(seconds)}</Expiration>"
    answer: Answer = sts._xml(200, f"{_ACTION}Response", f"<{_ACTION}Result>{told}</{_ACTION}Result>", ns="sts")
    return answer


def _claims_of_aws(account: str, principal: str, session: Mapping[str, Any]) -> dict[str, Any]:
    """What AWS says besides of who asks, as far as there are such things here.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html
    """
    told = {
        "aws_account": account,
        "source_region": get_region(),
        "principal_id": principal,
        "principal_tags": _tags_of(principal),
        "lambda_source_function_arn": session.get("FunctionArn"),
    }
    if ends := session.get("Expiration"):
        told["original_session_exp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    return {name: value for name, value in told.items() if value}


def _tags_of(principal: str) -> dict[str, str]:
    store = iam._roles if ":role/" in principal else iam._users
    found = store.get_scoped(principal.split(":")[4], None, principal.rsplit("/", 1)[-1]) or {}
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags") or []}


def _refused(status: int, code: str, words: str) -> Answer:
    answer: Answer = sts._error(status, code, escape(words), ns="sts")
    return answer


def published_document(path: str) -> tuple[int, Mapping[str, str], bytes] | None:
    """What an issuer publishes at a path of the local AWS, by who it is and where it would be there; None: not one.

    https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig
    """
    named = re.fullmatch(f"{PUBLISHED_PATH}(?P<host>[^/]+)/[.]well-known/(?P<name>[a-z.-]+)", unquote(path))
    if named is None:
        return None
    issuer = next((each for each in _issuers.values() if each.url == f"https://{named['host']}"), None)
    documents = _documents_of(issuer) if issuer else {}
    if named["name"] not in documents:
        return 404, {"Content-Type": "text/plain"}, b"no issuer of this local AWS publishes this\n"
    return 200, {"Content-Type": "application/json"}, json.dumps(documents[named["name"]]).encode()


def _documents_of(issuer: _Issuer) -> dict[str, Mapping[str, Any]]:
    """Seen at an issuer of AWS in November 2025, and written alike."""
    told = {
        "issuer": issuer.url,
        "jwks_uri": f"{issuer.url}/.well-known/jwks.json",
        "id_token_signing_alg_values_supported": list(issuer.keys),
        "subject_types_supported": ["public"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "jti", _CLAIMS_OF_AWS],
    }
    keys = [key.as_dict(private=False) for key in issuer.keys.values()]
    return {"openid-configuration": told, "jwks.json": {"keys": keys}}
