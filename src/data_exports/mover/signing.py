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
    signed = sorted([*headers.items(), *added.items()])
    lines = "".join([f"{name}:{' '.join(value.split())}\n" for name, value in signed])
    names = ";".join([name for name, _ in signed])
    request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{body_hash}"
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode('latin-1')).hexdigest()}"
    key = _signing_key(credentials.secret_access_key, moment[:8], region, service)
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    added["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return added


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
