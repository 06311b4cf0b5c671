"""Who may enter the local AWS: programs of this computer that sign with a secret of this very start, and nobody else.

But two things need no signature, as with AWS: `sts:AssumeRoleWithWebIdentity`, whose token proves who asks, and what an
issuer of tokens publishes.

The emulator's own door is open: it checks no signature of an account's root, serves paths that need no credentials
(``/_ministack/reset`` and its like), and lets every web page in. So each request passes here first.
In: an ASGI request. Out: the emulator's answer, or a refusal in the words of the service that was asked. Effects: none
of its own.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

import hashlib
import hmac
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack import app as emulator_app
from ministack.core import iam_evaluator, sigv4
from ministack.core.iam_evaluator import AuthError
from ministack.core.responses import _account_from_sts_session, get_account_id
from ministack.core.router import detect_service, extract_access_key_id

from data_exports.local.gaps.outbound_tokens import published_document
from data_exports.local.gaps.patching import mends
from data_exports.local.issuers import PUBLISHED_PATH
from data_exports.local.proof import CLIENT, NONCE_HEADER, PROOF_HEADER, PROOF_PATH, SERVER, proof_of
from data_exports.loopback import is_this_machine

AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
Application = Callable[[AsgiMessage, Receive, Send], Awaitable[None]]
GateAnswer = tuple[int, Mapping[str, str], bytes]

_ALGORITHM = "AWS4-HMAC-SHA256"
_FORM = "application/x-www-form-urlencoded"
_LONGEST_FORM_BYTES = 100_000
_MISSING = AuthError("MissingAuthenticationToken", "Request is missing Authentication Token")
_UNSUPPORTED = AuthError("UnsupportedSignature", f"One signature of the algorithm {_ALGORITHM} is needed")
_OTHER_BODY = AuthError(
    "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."
)


@dataclass(frozen=True)
class GateCall:
    """A request without its body, as its signature sees it."""

    method: str
    path: str
    raw_path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """Names in lower case; a header sent several times as its values joined by a comma."""

    @property
    def presigned(self) -> bool:
        """Whether the signature is in the query."""
        return "authorization" not in self.headers

    @property
    def body_hash(self) -> str:
        """What the caller says that the body's hash is, or how the body is signed; ``""`` when it says nothing."""
        return self.headers.get("x-amz-content-sha256", "")


def call_of(scope: Mapping[str, Any]) -> GateCall:
    """The request of an ASGI scope."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), sigv4.decode_header_value(raw_value)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return GateCall(scope["method"], scope["path"], scope["raw_path"].decode("latin-1"), query, headers)


def stranger_in(call: GateCall) -> str | None:
    """Why a request comes from where no client of the local AWS is, or None.

    The port of `Host` says nothing: a proxy of this computer has one of its own. Browsers add `Origin` or
    `Sec-Fetch-Site` to what pages ask for. https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site
    """
    if not is_this_machine(call.headers.get("host", "")):
        return "it answers as 127.0.0.1 or localhost only"
    if "origin" in call.headers or call.headers.get("sec-fetch-site", "none") != "none":
        return "it answers no web pages"
    if call.path.startswith("/_") and not call.path.startswith(
        PUBLISHED_PATH
    ):  # no bucket's name begins so: it is the emulator's administration
        return "its administration is closed"
    return None


def signature_of(call: GateCall) -> sigv4.HeaderSignature | AuthError:
    """The one signature of a request, parsed; an error when there is none, several, or another kind."""
    authorization = call.headers.get("authorization", "")
    in_query = {name.lower() for name in call.query} & {"x-amz-signature", "x-amz-credential", "awsaccesskeyid"}
    if not authorization and not in_query:
        return _MISSING
    algorithm = "".join(call.query.get("X-Amz-Algorithm", [])) if call.presigned else authorization.split(" ", 1)[0]
    if algorithm != _ALGORITHM or (authorization and in_query):
        return _UNSUPPORTED
    parse, source = (
        (sigv4.parse_query_signature, call.query) if call.presigned else (sigv4.parse_header_signature, call.headers)
    )
    found = parse(source)
    if isinstance(found, tuple):
        return AuthError(*found)
    # What the emulator takes for the caller must be whose signature was checked, and who is asked must be signed.
    claimed = extract_access_key_id(dict(call.headers), dict(call.query))
    if claimed != found.access_key_id or "host" not in found.signed_headers.split(";"):
        return _UNSUPPORTED
    return found


def _time_failure(call: GateCall, signature: sigv4.HeaderSignature) -> AuthError | None:
    """A signature that is too old, or not valid yet; a presigned one is valid for as long as it says."""
    if not (call.presigned and signature.service == "s3"):
        failure = sigv4.request_time_failure(signature)
        return AuthError(*failure) if failure else None
    try:
        expired = sigv4.presigned_request_is_expired(signature.amz_date, "".join(call.query.get("X-Amz-Expires", [])))
    except ValueError:
        expired = True
    return AuthError("RequestExpired", "Request has expired") if expired else None


def _credential_of(call: GateCall, access_key_id: str) -> iam_evaluator.ResolvedCredential | AuthError:
    """Whose key it is: an account's root by its 12 digits, a session, a user; with the session's own token."""
    token = "".join(call.query.get("X-Amz-Security-Token", [])) or call.headers.get("x-amz-security-token", "")
    root = access_key_id if iam_evaluator.is_root_access_key(access_key_id) else None
    try:
        user = None if root else iam_evaluator.find_iam_access_key_account(access_key_id)
    except iam_evaluator.AmbiguousAccessKeyError:
        user = None
    account = _account_from_sts_session(access_key_id) or user or root or get_account_id()
    found = iam_evaluator.resolve_credential(access_key_id, account, token)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        return AuthError(found.code, found.message)
    return found


def signature_failure(call: GateCall, body: bytes) -> AuthError | None:
    """Why the request's signature is not one of somebody's this local AWS knows, or None when it is.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
    """
    signature = signature_of(call)
    if isinstance(signature, AuthError):
        return signature
    failure = _time_failure(call, signature)
    if failure:
        return failure
    credential = _credential_of(call, signature.access_key_id)
    if isinstance(credential, AuthError):
        return credential
    refused = sigv4.header_signature_failure(
        signature,
        credential.secret_access_key,
        call.method,
        call.raw_path,
        call.query,
        call.headers,
        body,
        presigned=call.presigned,
    )
    return AuthError(*refused) if refused else None


def body_failure(call: GateCall, body: bytes) -> AuthError | None:
    """A body that is not the one whose hash was signed, or None."""
    said = call.body_hash
    return _OTHER_BODY if len(said) == 64 and hashlib.sha256(body).hexdigest() != said else None


def may_need_no_signature(call: GateCall) -> bool:
    """Whether it looks like the one call that needs no signature, AssumeRoleWithWebIdentity: its body must tell.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    """
    is_form = call.headers.get("content-type", "").startswith(_FORM)
    length = call.headers.get("content-length", "")
    is_short = length.isdecimal() and int(length) <= _LONGEST_FORM_BYTES
    return (call.method, call.path, dict(call.query)) == ("POST", "/", {}) and is_form and is_short


def needs_no_signature(call: GateCall, body: bytes) -> bool:
    """Whether the request is AssumeRoleWithWebIdentity, of which the emulator's mend checks the token, and no other."""
    fields = parse_qs(body.decode("latin-1"), keep_blank_values=True)
    is_this_one = fields.get("Action") == ["AssumeRoleWithWebIdentity"]
    return is_this_one and detect_service(call.method, call.path, dict(call.headers), fields) == "sts"


class Gate:
    """What every request to the emulator passes first."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def close(self) -> None:
        """Note this gate as a mend of the emulator."""
        mends(emulator_app, "app", "scope receive send")(self.serve)

    async def serve(self, emulator: Application, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        """Let the emulator serve one request, or refuse it."""
        if scope["type"] == "lifespan":
            await emulator(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(emulator, scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, emulator: Application, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        call = call_of(scope)
        if call.path == PROOF_PATH and self._proven(call):
            proof = proof_of(self._secret, SERVER, call.headers[NONCE_HEADER])
            await _answer(send, (200, {"Content-Type": "text/plain"}, proof.encode()))
            return
        stranger = stranger_in(call)
        if stranger:
            said = f"this is a local AWS for development: {stranger}\n"
            await _answer(send, (403, {"Content-Type": "text/plain"}, said.encode()))
            return
        document = published_document(call.path) if call.method == "GET" else None
        if document:
            await _answer(send, document)
            return
        # Refused before its body is read when the signature alone tells.
        failure = signature_failure(call, b"") if call.body_hash else _known(signature_of(call))
        read: Sequence[AsgiMessage] = ()
        if failure is None or (failure is _MISSING and may_need_no_signature(call)):
            read = await _read(receive)
            body = b"".join(message.get("body", b"") for message in read)
            if failure is _MISSING:
                failure = None if needs_no_signature(call, body) else failure
            else:
                failure = body_failure(call, body) if call.body_hash else signature_failure(call, body)
        if failure:
            await _answer(send, _refusal(call, failure))
            return
        await emulator(scope, _replayed(list(read), receive), send)

    def _proven(self, call: GateCall) -> bool:
        """Whether our own client asks, which knows the secret."""
        nonce, given = call.headers.get(NONCE_HEADER, ""), call.headers.get(PROOF_HEADER, "")
        return hmac.compare_digest(given.encode(), proof_of(self._secret, CLIENT, nonce).encode())


def _known(signature: sigv4.HeaderSignature | AuthError) -> AuthError | None:
    return signature if isinstance(signature, AuthError) else None


async def _read(receive: Receive) -> list[AsgiMessage]:
    """Every message of the request's body."""
    read = [await receive()]
    while read[-1]["type"] == "http.request" and read[-1].get("more_body"):
        read.append(await receive())
    return read


def _replayed(read: list[AsgiMessage], receive: Receive) -> Receive:
    """What was read already, once more, and then what else comes."""
    read.reverse()

    async def again() -> AsgiMessage:
        return read.pop() if read else await receive()

    return again


def _refusal(call: GateCall, failure: AuthError) -> GateAnswer:
    """A failed authentication in the words of the service that was asked."""
    service = detect_service(call.method, call.path, dict(call.headers), dict(call.query))
    status, headers, body = emulator_app._credential_failure(
        service, "", str(uuid.uuid4()), failure, dict(call.headers)
    )
    return 400 if failure is _OTHER_BODY else status, headers, body


async def _answer(send: Send, answer: GateAnswer) -> None:
    status, headers, body = answer
    named = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    named += [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": named})
    await send({"type": "http.response.body", "body": body})
