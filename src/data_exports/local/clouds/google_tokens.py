"""Google's two token services: a bearer for a token that a provider takes, and another one for a service account.

In: requests. Out: answers. Effects: a request to the token's issuer; what is given out is kept in `Bearers`.
https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

from data_exports.local.clouds.assertions import (
    AssertionRefusedError,
    Assertions,
    Wrong,
    audiences_in,
    unverified_claims,
)
from data_exports.local.clouds.bearers import Bearers
from data_exports.local.clouds.conditions import subjects_let_in
from data_exports.local.clouds.declared import ActingAccount, Declared, WorkloadProvider
from data_exports.local.clouds.exchange import CloudAnswer, CloudRefusedError, CloudRequest

_ALGORITHMS = ("RS256", "ES256")
"""https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers#oidc (tokens' requirements)"""
_TOKEN = "/v1/token"  # noqa: S105 - an address
_GENERATE = re.compile(r"/v1/projects/-/serviceAccounts/(?P<email>[^/:]+):generateAccessToken")
_EXCHANGE = {
    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
    "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
}
_SUBJECT_TYPES = ("urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token")
_ANY_CLOUD = "https://www.googleapis.com/auth/cloud-platform"
_IMPERSONATING = {_ANY_CLOUD, "https://www.googleapis.com/auth/iam"}
"""Scopes with which a service account may be impersonated, as the page of generateAccessToken says."""
_MOST_SUBJECT_BYTES = 127
_WRONG = {
    Wrong.FORM: "The given token is not a valid JWT.",
    Wrong.KEYS: "Error connecting to the given credential's issuer.",
    Wrong.SIGNATURE: "Invalid JWT signature.",
    Wrong.TIME: "The given token is not valid at this time: expired, or issued in the future.",
}


class GoogleTokens:
    """Security Token Service and IAM Credentials; each answers at its own paths."""

    name = "google_tokens"

    def __init__(self, declared: Declared, assertions: Assertions, bearers: Bearers) -> None:
        self._declared, self._assertions, self._bearers = declared, assertions, bearers

    def refusal(self, status: int, code: str, words: str, headers: Mapping[str, str]) -> CloudAnswer:
        """The form of Google's APIs; that of OAuth is for what the exchange itself says."""
        told = {"error": {"code": status, "message": words, "status": code}}
        return CloudAnswer(status, {"Content-Type": "application/json; charset=UTF-8", **headers}, _body(told))

    def serve(self, request: CloudRequest) -> CloudAnswer:
        """A bearer, or why there is none."""
        named = _GENERATE.fullmatch(unquote(request.path))
        try:
            if request.method == "POST" and request.path == _TOKEN:
                return self._exchanged(_fields(request))
            if request.method == "POST" and named:
                return self._generated(named["email"], request)
        except CloudRefusedError as error:
            return error.answer
        return self.refusal(501, "UNIMPLEMENTED", "The local Google knows /v1/token and generateAccessToken alone", {})

    def _exchanged(self, fields: Mapping[str, str]) -> CloudAnswer:
        for name, expected in _EXCHANGE.items():
            if fields.get(name) != expected:
                raise _oauth(400, "invalid_request", f"Invalid value for {name}: it must be {expected}.")
        if fields.get("subject_token_type") not in _SUBJECT_TYPES:
            raise _oauth(400, "invalid_request", "Invalid value for subject_token_type.")
        scopes = fields.get("scope", "").split()
        if not scopes:
            raise _oauth(400, "invalid_scope", "Scopes are needed.")
        audience = fields.get("audience", "")
        provider = self._declared.find(WorkloadProvider, audience.removeprefix("//iam.googleapis.com/"))
        if provider is None or not audience.startswith("//iam.googleapis.com/"):
            words = (
                'The target service indicated by the "audience" parameters is invalid. This might either be because '
            )
            raise _oauth(400, "invalid_target", f"{words}the pool or provider is disabled or deleted or doesn't exist.")
        subject = self._subject_of(provider, fields.get("subject_token", ""))
        pool = provider.name.partition("/providers/")[0]
        principal = f"principal://iam.googleapis.com/{pool}/subject/{subject}"
        told = {
            "access_token": self._bearers.give(principal, scopes, provider.token_seconds),
            "issued_token_type": _EXCHANGE["requested_token_type"],
            "token_type": "Bearer",
            "expires_in": provider.token_seconds,
        }
        return CloudAnswer(200, {"Content-Type": "application/json; charset=UTF-8"}, _body(told))

    def _subject_of(self, provider: WorkloadProvider, token: str) -> str:
        """Whom the token stands for at the provider; raises `CloudRefusedError`."""
        try:
            presented, _key_id = unverified_claims(token)
            if presented["iss"] != provider.issuer:
                words = (
                    f"The issuer in ID Token {presented['iss']} does not match the expected ones: {provider.issuer}."
                )
                raise _oauth(400, "invalid_grant", words)
            expected = provider.audiences or (f"https://iam.googleapis.com/{provider.name}",)
            if not set(expected) & set(audiences_in(presented)):
                words = f"The audience in ID Token {audiences_in(presented)} does not match the expected audience."
                raise _oauth(400, "invalid_grant", words)
            claims = self._assertions.verified_claims(token, _ALGORITHMS, leeway_seconds=0)
        except AssertionRefusedError as error:
            raise _oauth(400, "invalid_grant", _WRONG[error.wrong]) from error
        let_in = subjects_let_in(provider.attribute_condition)
        if let_in is not None and claims["sub"] not in let_in:
            raise _oauth(401, "unauthorized_client", "The given credential is rejected by the attribute condition.")
        subject = str(claims["sub"])
        if len(subject.encode()) > _MOST_SUBJECT_BYTES:
            words = f"The size of mapped attribute google.subject exceeds the {_MOST_SUBJECT_BYTES} bytes limit."
            raise _oauth(400, "invalid_grant", words)
        return subject

    def _generated(self, email: str, request: CloudRequest) -> CloudAnswer:
        bearer = self._bearers.bearer_of(request.headers)
        if bearer is None:
            words = "Request had invalid authentication credentials. Expected OAuth 2 access token."
            return self.refusal(401, "UNAUTHENTICATED", words, {})
        if not bearer.scopes & _IMPERSONATING:
            words = "Request had insufficient authentication scopes."
            return self.refusal(403, "PERMISSION_DENIED", words, {})
        account = self._declared.find(ActingAccount, email)
        if account is None or bearer.principal not in account.users:
            words = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
            return self.refusal(403, "PERMISSION_DENIED", words, {})
        asked = _object(request.body)
        scopes, lifetime = asked.get("scope"), re.fullmatch(r"([0-9]{1,5})s", str(asked.get("lifetime", "3600s")))
        if not isinstance(scopes, list) or not scopes or lifetime is None or not 0 < int(lifetime[1]) <= 3600:
            return self.refusal(400, "INVALID_ARGUMENT", "Request contains an invalid argument.", {})
        seconds = int(lifetime[1])
        token = self._bearers.give(f"serviceAccount:{email}", [str(each) for each in scopes], seconds)
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        told = {"accessToken": token, "expireTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return CloudAnswer(200, {"Content-Type": "application/json; charset=UTF-8"}, _body(told))


def _fields(request: CloudRequest) -> Mapping[str, str]:
    """What is asked, as a form or as JSON, whose names are in camel case."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return dict(parse_qsl(request.body.decode("utf-8", "replace")))
    return {re.sub("([A-Z])", r"_\1", name).lower(): str(value) for name, value in _object(request.body).items()}


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _oauth(status: int, error: str, words: str) -> CloudRefusedError:
    """https://www.rfc-editor.org/rfc/rfc6749#section-5.2."""
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    return CloudRefusedError(CloudAnswer(status, headers, _body({"error": error, "error_description": words})))


def _body(told: Mapping[str, Any]) -> tuple[bytes]:
    return (json.dumps(told).encode(),)
