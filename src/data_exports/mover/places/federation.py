"""How a token for another cloud is got without a secret, and what it means if it is not.

In: settings. Out: the steps (`wire.bearer`); of a step that failed, a reply of `protocol`. No effects.

`token`        AWS signs who the mover's role is: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
`exchange`     Entra takes that for an application's assertion, Google's STS for a subject's token:
               https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
               https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
`impersonate`  Google, if a service account is named:
               https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from data_exports.contract.causes import Cause
from data_exports.contract.federation import (
    AZURE_AUDIENCE,
    FEDERATED_SECONDS,
    IMPERSONATION_SECONDS,
    TOKEN_ALGORITHM,
    TOKEN_SECONDS,
    TURN_ON,
    google_audience_of,
)
from data_exports.contract.settings import AzureSettings, GoogleSettings
from data_exports.mover.places.told import told_text
from data_exports.mover.rules.protocol import Failed
from data_exports.mover.settings import Settings
from data_exports.mover.wire.bearer import NoToken, Token, TokenStep
from data_exports.mover.wire.http_connection import RequestLimits
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.signing import Credentials, signature_headers
from data_exports.mover.wire.transport import HttpRequest
from data_exports.mover.wire.xml_answers import found_in

TOKEN, EXCHANGE, IMPERSONATE = "token", "exchange", "impersonate"
_AZURE_SCOPE = "https://storage.azure.com/.default"
# The narrowest that writes: https://cloud.google.com/storage/docs/oauth-scopes
_GOOGLE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_IMPERSONATION_SCOPE = "https://www.googleapis.com/auth/iam"
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_JSON = {"content-type": "application/json"}
_LIMITS = RequestLimits(read_timeout_seconds=10, timeout_seconds=20, max_body_bytes=64 * 1024)


def azure_token_steps(settings: Settings, target: AzureSettings) -> tuple[TokenStep, ...]:
    """What leads to a token for Azure Storage."""
    return (
        _aws_step(settings, AZURE_AUDIENCE),
        TokenStep(EXCHANGE, partial(_to_entra, settings, target), _access_token),
    )


def google_token_steps(settings: Settings, target: GoogleSettings) -> tuple[TokenStep, ...]:
    """What leads to a token for Google Cloud Storage."""
    scope = _IMPERSONATION_SCOPE if target.service_account else _GOOGLE_SCOPE
    exchange = TokenStep(EXCHANGE, partial(_to_google, settings, target, scope), _access_token)
    impersonate = TokenStep(IMPERSONATE, partial(_to_credentials, settings, target), _impersonation_token)
    return (
        _aws_step(settings, google_audience_of(target.provider)),
        exchange,
        *([impersonate] if target.service_account else []),
    )


def _aws_step(settings: Settings, audience: str) -> TokenStep:
    form = {
        "Action": "GetWebIdentityToken",
        "Version": "2011-06-15",
        "Audience.member.1": audience,
        "SigningAlgorithm": TOKEN_ALGORITHM,
        "DurationSeconds": str(TOKEN_SECONDS),
    }

    def request_of(_: str) -> HttpRequest:
        body, headers = urlencode(form).encode(), {"host": urlsplit(settings.sts_url).netloc, **_FORM}
        signed = signature_headers(
            "POST",
            "/",
            headers,
            credentials=Credentials.of_environment(),
            region=settings.region,
            service="sts",
            body=body,
        )
        return HttpRequest("POST", f"{settings.sts_url}/", headers | signed, body, _LIMITS)

    def token_in(response: Response) -> Token | None:
        return Token(found_in(response.body, "WebIdentityToken"), TOKEN_SECONDS)

    return TokenStep(TOKEN, request_of, token_in)


def _to_entra(settings: Settings, target: AzureSettings, assertion: str) -> HttpRequest:
    form = {
        "grant_type": "client_credentials",
        "client_id": target.client,
        "scope": _AZURE_SCOPE,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    url = f"{settings.login_url}/{target.tenant}/oauth2/v2.0/token"
    return HttpRequest("POST", url, _FORM, urlencode(form).encode(), _LIMITS)


def _to_google(settings: Settings, target: GoogleSettings, scope: str, subject_token: str) -> HttpRequest:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"//iam.googleapis.com/{target.provider}",
        "scope": scope,
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "subject_token": subject_token,
    }
    return HttpRequest("POST", f"{settings.login_url}/v1/token", _FORM, urlencode(form).encode(), _LIMITS)


def _to_credentials(settings: Settings, target: GoogleSettings, token: str) -> HttpRequest:
    account = quote(target.service_account or "", safe="@")
    url = f"{settings.impersonation_url}/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
    body = json.dumps({"scope": [_GOOGLE_SCOPE], "lifetime": f"{IMPERSONATION_SECONDS}s"}).encode()
    return HttpRequest("POST", url, {**_JSON, "authorization": f"Bearer {token}"}, body, _LIMITS)


def _access_token(response: Response) -> Token | None:
    facts = _facts_of(response)
    text, seconds = facts.get("access_token"), facts.get("expires_in", FEDERATED_SECONDS)
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return Token(text, seconds) if isinstance(text, str) and is_number else None


def _impersonation_token(response: Response) -> Token | None:
    text = _facts_of(response).get("accessToken")
    return Token(text, IMPERSONATION_SECONDS) if isinstance(text, str) else None


def _facts_of(response: Response) -> Mapping[str, Any]:
    try:
        facts = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


# What it means that there is no token


def no_token_reply(refused: NoToken) -> Failed:
    """Tell why there is no token, and whose it is to act. Nothing was sent to the store."""
    code, said = no_token_words(refused)
    doing = _DOING.get(refused.step, refused.step)
    told = ", ".join(part for part in (code, said) if part)
    status = refused.told.status
    if status is None:
        return Failed(f"{doing}: no answer ({told_text(refused.told.fault)}). It will be tried again", Cause.NO_ANSWER)
    if status < 300:
        return Failed(f"{doing}: the answer holds no token. It will be tried again", Cause.UNREADABLE)
    if status == 429 or code.startswith(("Throttling", "RequestLimitExceeded", "temporarily_unavailable")):
        return Failed(f"{doing} failed ({told}). It will be tried again", Cause.THROTTLED)
    if status >= 500:
        return Failed(f"{doing} failed ({told}). It will be tried again", Cause.UNWELL)
    if code.startswith(("ExpiredToken", "InvalidClientTokenId")):
        return Failed(f"{doing} failed ({told}). The function's credentials are not valid any more", Cause.CREDENTIALS)
    cause = Cause.HUB_FEDERATION if refused.step == TOKEN else Cause.RECIPIENT_FEDERATION
    return Failed(f"{doing} is refused ({told}). {_advice_on(refused.step, code, said)}", cause)


def no_token_words(refused: NoToken) -> tuple[str, str]:
    """The code and the message of an answer without a token, in whichever form its service has. No token is in them."""
    facts = _facts_of(refused.told)
    error = facts.get("error", "")
    if isinstance(error, dict):  # https://cloud.google.com/apis/design/errors#http_mapping
        code, said = str(error.get("status", "")), str(error.get("message", ""))
    else:
        code, said = str(error), str(facts.get("error_description", ""))
    body = refused.told.body
    code, said = found_in(body, "Code") or code, found_in(body, "Message") or said
    return told_text(code) or str(refused.told.status or ""), told_text(said)


_DOING = {
    TOKEN: "asking AWS for a token for the recipient's cloud",
    EXCHANGE: "exchanging AWS's token at the recipient's cloud",
    IMPERSONATE: "acting as the recipient's service account",
}


def _advice_on(step: str, code: str, said: str) -> str:
    """What is to be done about a refusal."""
    if step == TOKEN:
        if code.startswith("OutboundWebIdentityFederationDisabled"):
            return f"Our account gives no tokens for other clouds: {TURN_ON}"
        return "The mover's role may not ask for it. Deploy the dataset's stack again"
    if step == IMPERSONATE:
        return (
            "The role that may act as the service account (Workload Identity User) is missing, or the account is gone"
        )
    if code == "invalid_target":
        return "There is no such provider, or it is disabled. Check target_google's provider with the recipient"
    return next((advice for mark, advice in _ENTRA.items() if mark in said), _AT_THE_EXCHANGE)


_AT_THE_EXCHANGE = "What the recipient trusts is not what the mover shows: issuer, subject or audience differ"
# https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
_ENTRA = {
    "AADSTS90002": "There is no such tenant. Check target_azure's tenant with the recipient",
    "AADSTS700016": "The tenant has no such application. Check target_azure's client with the recipient",
    "AADSTS7002": "The application has no federated credential for the mover: issuer, subject or audience differ",
    "AADSTS7000112": "The recipient has disabled the application",
    "AADSTS53003": "A conditional access policy of the recipient's blocks the application",
}
