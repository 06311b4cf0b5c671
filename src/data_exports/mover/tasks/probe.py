"""Proves the recipient's half on the real thing: the mover, with its own role, tries each call that a delivery makes.

In: settings and a transport. Out: what S3 answered to each try, as plain facts; who has to do what about it is judged
by whoever asked. Effects: at most one object in the recipient's bucket, `<dataset>/.exports-probe`, which stays (to
delete is not granted); it is written only if there is nothing yet, so that a probe never replaces anything. An upload
in parts is begun only if the mover may abort it, and is aborted.

What is allowed shows without success: S3 looks at rights before it looks at conditions and upload ids, so 412 (there is
an object) and NoSuchUpload mean that the caller may do it.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Protocol

from data_exports.contract.causes import Side
from data_exports.contract.keys import probe_key_of
from data_exports.contract.tasks import ProbeAnswer, Try, Verdict
from data_exports.mover.places.error_codes import Doing, Error, Where, reply_to_error
from data_exports.mover.rules.protocol import Failure, Forbidden
from data_exports.mover.settings import Settings
from data_exports.mover.time_left import SecondsLeft, endless
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import S3Request
from data_exports.mover.wire.xml_answers import found_in

_NO_SUCH_UPLOAD = "exports-probe-no-such-upload"
_BODY = b"Left by `exports probe`, to prove that files can be delivered here. It may be removed.\n"
_MOST_ASKED = 3


class Asks(Protocol):
    """Whatever carries out requests: a `Transport`, or a stand-in."""

    def ask(self, request: S3Request, *, seconds_left: SecondsLeft) -> Response:
        """Make the request and wait for its response, as long as there is time for that."""


def probe(settings: Settings, transport: Asks, *, seconds_left: SecondsLeft = endless) -> ProbeAnswer:
    """Try everything, as long as there is time."""
    return ProbeAnswer(
        settings.dataset,
        settings.mover_version,
        settings.target_bucket,
        settings.target_account,
        settings.target_kms_key,
        probe_key_of(settings.dataset),
        tuple(_Prober(settings, transport, seconds_left).tries()),
    )


class _Prober:
    def __init__(self, settings: Settings, transport: Asks, seconds_left: SecondsLeft) -> None:
        self._settings = settings
        self._seconds_left = seconds_left
        self._transport = transport
        self._key = probe_key_of(settings.dataset)

    def tries(self) -> list[Try]:
        puts, parts = self._puts(), self._parts()
        owner = self._owner() if puts[0].code == "AccessDenied" else []
        return [*puts, *parts, *owner]

    def _puts(self) -> list[Try]:
        """A write as a delivery makes it; only if it is refused, each of its rights by itself."""
        whole = self._put("put", {**self._tags(), **self._acl()}, key=True)
        if whole.verdict is Verdict.ALLOWED:
            return [whole, Try("tag", whole.verdict), Try("acl", whole.verdict), *self._key_try(whole)]
        if whole.verdict is Verdict.UNKNOWN:
            return [whole]
        plain = with_key = self._put("put", {}, key=True)
        if self._settings.target_kms_key and with_key.verdict is not Verdict.ALLOWED:
            plain = self._put("put", {})
        if plain.verdict is not Verdict.ALLOWED:
            return [plain]
        return [plain, self._put("tag", self._tags()), self._put("acl", self._acl()), *self._key_try(with_key)]

    def _key_try(self, put: Try) -> list[Try]:
        if not self._settings.target_kms_key:
            return []
        return [Try("key", put.verdict, put.code, put.said, put.request_id)]

    def _put(self, what: str, headers: Mapping[str, str], *, key: bool = False) -> Try:
        headers = {"if-none-match": "*", **headers, **self._encryption(key=key)}
        return self._told(what, self._ask("PutObject", "PUT", headers=headers, body=_BODY), {"PreconditionFailed"})

    def _parts(self) -> list[Try]:
        """An upload in parts: first whether it could be aborted, then begun, with one part, and aborted."""
        abort = self._abort("abort", _NO_SUCH_UPLOAD)
        if abort.verdict is not Verdict.ALLOWED:
            return [abort]
        headers = {**self._tags(), **self._acl(), **self._encryption(key=True)}
        response = self._ask("CreateMultipartUpload", "POST", query={"uploads": ""}, headers=headers)
        start, upload_id = self._told("start parts", response), found_in(response.body, "UploadId")
        if not upload_id:
            return [abort, start]
        query = {"partNumber": "1", "uploadId": upload_id}
        part = self._told("part", self._ask("UploadPart", "PUT", query=query, body=_BODY))
        return [start, part, self._abort("abort", upload_id)]

    def _abort(self, what: str, upload_id: str, *, named_owner: bool = True) -> Try:
        query = {"uploadId": upload_id}
        response = self._ask("AbortMultipartUpload", "DELETE", query=query, named_owner=named_owner)
        return self._told(what, response, {"NoSuchUpload"})

    def _owner(self) -> list[Try]:
        """Whether the bucket lets us in and is somebody else's: asked for what harms nobody, its owner not named."""
        if not self._settings.target_account:
            return []
        named = self._abort("owner", _NO_SUCH_UPLOAD)
        if named.verdict is not Verdict.REFUSED:
            return [named]
        unnamed = self._abort("owner", _NO_SUCH_UPLOAD, named_owner=False)
        if unnamed.verdict is Verdict.ALLOWED:
            return [Try("owner", Verdict.REFUSED, "WrongOwner", "the bucket belongs to another account")]
        return [Try("owner", Verdict.UNKNOWN, named.code, named.said, named.request_id)]

    def _tags(self) -> dict[str, str]:
        return {"x-amz-tagging": "exports=probe"}

    def _acl(self) -> dict[str, str]:
        return {"x-amz-acl": "bucket-owner-full-control"}

    def _encryption(self, *, key: bool) -> dict[str, str]:
        arn = self._settings.target_kms_key
        if arn is None or not key:
            return {"x-amz-server-side-encryption": "AES256"}
        return {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": arn}

    def _ask(
        self,
        operation: str,
        method: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        named_owner: bool = True,
    ) -> Response:
        """Make a request, again if S3 is unwell, and wait for its answer."""
        account = self._settings.target_account
        owner = {"x-amz-expected-bucket-owner": account} if account and named_owner else {}
        request = S3Request(
            operation, method, self._settings.target_bucket, self._key, query, {**(headers or {}), **owner}, body
        )
        response = Response(None, {}, b"")
        for _ in range(_MOST_ASKED):
            response = self._transport.ask(request, seconds_left=self._seconds_left)
            if response.status is not None and response.status < 500:
                break
            if operation == "CreateMultipartUpload" and response.status != 503:
                break  # it may have begun: another one would leave two
        return response

    def _told(self, what: str, response: Response, as_good_as_done: AbstractSet[str] = frozenset()) -> Try:
        status = response.status
        if status is None:
            return Try(what, Verdict.UNKNOWN, said=response.fault or "no answer")
        code = found_in(response.body, "Code")
        if (status < 300 and not code) or code in as_good_as_done:
            return Try(what, Verdict.ALLOWED)
        said, request_id = found_in(response.body, "Message"), response.headers.get("x-amz-request-id", "")
        code = code or str(status)
        reply = reply_to_error(Error(code, said), doing=Doing(what, Where.RECIPIENT))
        is_theirs = isinstance(reply, Failure | Forbidden) and reply.cause.side is Side.RECIPIENT
        return Try(what, Verdict.REFUSED if is_theirs else Verdict.UNKNOWN, code, said, request_id)
