"""Signs requests to AWS: Signature Version 4.

In: a request's method, path, query, headers and body, and the credentials. Out: the headers that have to be added. No
effects.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

_ALGORITHM = "AWS4-HMAC-SHA256"
_NO_BODY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whose requests they are."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""

    @classmethod
    def of_environment(cls) -> Self:
        """Those that Lambda gives a function: they are the role's, and valid as long as its process may live."""
        return cls(
            os.environ.get("AWS_ACCESS_KEY_ID", ""),
            os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
            os.environ.get("AWS_SESSION_TOKEN", ""),
        )

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id!r}, ...)"


def signature_headers(
    method: str,
    path: str,
    headers: Mapping[str, str],
    *,
    credentials: Credentials,
    region: str,
    service: str = "s3",
    query: str = "",
    body: bytes = b"",
    at: float | None = None,
) -> dict[str, str]:
    """Return the headers that sign a request, all its `headers` included, which must name the host.

    `path` and `query` are encoded as they are sent, the query's parameters sorted; header names are in lower case. `at`
    is the time in seconds since 1970, now unless given.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    body_hash = hashlib.sha256(body).hexdigest() if body else _NO_BODY
    added = {"x-amz-date": moment, "x-amz-content-sha256": body_hash}
    if credentials.session_token:
        added["x-amz-security-token"] = credentials.session_token
    request = canonical_request(method, path, query, {**headers, **added}, body_hash)
    added["authorization"] = authorization_of(
        request, moment=moment, credentials=credentials, region=region, service=service
    )
    return added


def canonical_request(method: str, path: str, query: str, headers: Mapping[str, str], body_hash: str) -> str:
    """Return the text that a signature is made of; all headers are signed.

    White space in a header's value counts as one space, and around it not at all. That is ASCII's alone: the bytes of
    other characters, which a header's value holds as Latin-1, are part of the value (0xA0 is no space in UTF-8).
    """
    signed = sorted(headers.items())
    lines = "".join([f"{name}:{_canonical_value(value)}\n" for name, value in signed])
    names = ";".join([name for name, _ in signed])
    return f"{method}\n{path}\n{query}\n{lines}\n{names}\n{body_hash}"


def _canonical_value(value: str) -> str:
    return b" ".join(value.encode("latin-1").split()).decode("latin-1")  # `bytes.split` knows ASCII's white space only


def authorization_of(request: str, *, moment: str, credentials: Credentials, region: str, service: str) -> str:
    """Return the authorization header of a canonical request."""
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode('latin-1')).hexdigest()}"
    key = _signing_key(credentials.secret_access_key, moment[:8], region, service)
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    names = request.rsplit("\n", 2)[1]
    return f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
