"""Entra's token endpoint: a bearer for whoever comes with a token that an application takes for its own.

In: requests. Out: answers. Effects: a request to the token's issuer; what is given out is kept in `Bearers`.
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#third-case-access-token-request-with-a-federated-credential
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import json
import re
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.jwk import OctKey

from data_exports.local.clouds.assertions import (
    ENTRA_LEEWAY_SECONDS,
    AssertionRefusedError,
    Assertions,
    Wrong,
    audiences_in,
    unverified_claims,
)
from data_exports.local.clouds.bearers import Bearers
from data_exports.local.clouds.declared import Declared, EntraApplication
from data_exports.local.clouds.exchange import CloudAnswer, CloudRefusedError, CloudRequest

AZURE_STORAGE = "https://storage.azure.com"
_ALGORITHMS = ("RS256",)
"""https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations (reported: RS256 alone)"""
_ADDRESS = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token")
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_WRONG = {
    Wrong.FORM: (400, "invalid_request", 50027, "JWT token is invalid or malformed."),
    Wrong.KEYS: (
        401,
        "invalid_client",
        700027,
        "The key that signed the client assertion was not found at its issuer.",
    ),
    Wrong.SIGNATURE: (401, "invalid_client", 700027, "Client assertion contains an invalid signature."),
    Wrong.TIME: (401, "invalid_client", 700024, "Client assertion is not within its valid time range."),
}
_CHECK = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion."


class EntraTokens:
    """The service."""

    name = "entra"

    def __init__(self, declared: Declared, assertions: Assertions, bearers: Bearers) -> None:
        self._declared, self._assertions, self._bearers = declared, assertions, bearers
        self._key = OctKey.generate_key(256)

    def refusal(self, status: int, code: str, words: str, headers: Mapping[str, str]) -> CloudAnswer:
        """OAuth's form, with Entra's fields."""
        return _json(status, {"error": code, "error_description": words, "error_codes": []}, headers)

    def serve(self, request: CloudRequest) -> CloudAnswer:
        """A bearer, or why there is none."""
        named = _ADDRESS.fullmatch(request.path)
        if named is None or request.method != "POST":
            return self.refusal(
                501, "not_here", "The local Entra gives tokens alone: POST /TENANT/oauth2/v2.0/token", {}
            )
        fields = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            return self._token(named["tenant"], fields)
        except CloudRefusedError as error:
            return error.answer

    def _token(self, tenant: str, fields: Mapping[str, str]) -> CloudAnswer:
        for name in ("grant_type", "client_id", "scope", "client_assertion", "client_assertion_type"):
            if not fields.get(name):
                raise _refused(
                    400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'."
                )
        if (fields["grant_type"], fields["client_assertion_type"]) != ("client_credentials", _ASSERTION_TYPE):
            raise _refused(501, "not_here", 0, "The local Entra knows client_credentials with a jwt-bearer alone")
        client = fields["client_id"]
        application = self._declared.find(EntraApplication, tenant, client)
        if application is None and not self._declared.has_tenant(tenant):
            raise _refused(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if application is None:
            words = f"Application with identifier '{client}' was not found in the directory '{tenant}'."
            raise _refused(400, "unauthorized_client", 700016, words)
        _check_scope(fields["scope"])
        self._check_assertion(application, fields["client_assertion"])
        seconds, now = application.token_seconds, int(time.time())
        claims = {
            "aud": AZURE_STORAGE,
            "iss": f"https://sts.windows.net/{tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "appid": client,
            "oid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{tenant}/{client}")),
            "tid": tenant,
            "uti": secrets.token_urlsafe(16),
            "ver": "1.0",
        }
        token = jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, self._key)
        self._bearers.give(f"{tenant}/{client}", {AZURE_STORAGE}, seconds, token)
        told = {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
        return _json(200, told, {})

    def _check_assertion(self, application: EntraApplication, assertion: str) -> None:
        """Raise `CloudRefusedError` unless it is what one of the application's credentials says, signed and valid."""
        try:
            presented, _key_id = unverified_claims(assertion)
            credentials = application.credentials
            issuer, subject, audiences = presented["iss"], presented["sub"], audiences_in(presented)
            _check_found(credentials, 70025, "The client has no configured federated identity credentials.")
            credentials = tuple(each for each in credentials if each.issuer == issuer)
            _check_found(credentials, 700211, _unmatched("issuer", issuer))
            credentials = tuple(each for each in credentials if each.subject == subject)
            _check_found(credentials, 700213, _unmatched("subject", subject))
            credentials = tuple(each for each in credentials if set(each.audiences) & set(audiences))
            _check_found(credentials, 700212, _unmatched("audience", " ".join(audiences)))
            self._assertions.verified_claims(assertion, _ALGORITHMS, leeway_seconds=ENTRA_LEEWAY_SECONDS)
        except AssertionRefusedError as error:
            raise _refused(*_WRONG[error.wrong]) from error


def _check_found(credentials: tuple[object, ...], number: int, words: str) -> None:
    if not credentials:
        raise _refused(401, "invalid_client", number, words)


def _unmatched(what: str, presented: str) -> str:
    found = f"No matching federated identity record found for presented assertion {what} '{presented}'."
    return f"{found} {_CHECK} https://learn.microsoft.com/entra/workload-id/workload-identity-federation"


def _check_scope(scope: str) -> None:
    if not scope.endswith("/.default"):
        words = f"The provided value for scope {scope} is not valid. It must be suffixed with /.default."
        raise _refused(400, "invalid_scope", 1002012, words)
    if scope != f"{AZURE_STORAGE}/.default":
        words = f"The resource principal named {scope.removesuffix('/.default')} was not found in the tenant."
        raise _refused(400, "invalid_resource", 500011, words)


def _refused(status: int, error: str, number: int, words: str) -> CloudRefusedError:
    at, trace = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ"), str(uuid.uuid4())
    told: dict[str, Any] = {
        "error": error,
        "error_description": f"AADSTS{number}: {words} Trace ID: {trace} Correlation ID: {trace} Timestamp: {at}",
        "error_codes": [number],
        "timestamp": at,
        "trace_id": trace,
        "correlation_id": trace,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    return CloudRefusedError(_json(status, told, {}))


def _json(status: int, told: Mapping[str, Any], headers: Mapping[str, str]) -> CloudAnswer:
    named = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", **headers}
    return CloudAnswer(status, named, (json.dumps(told).encode(),))
