"""What the probe asks of a recipient's bucket: each request that a delivery makes.

In: the recipient's bucket, the key of the probe's file, and what carries out operations. Out: what S3 answered to each
try. Effects: at most the file, which stays (to delete is not granted); it is written only if there is nothing yet, so
that a probe never replaces anything. An upload in parts is begun only if the mover may abort it, and is aborted.

What is allowed shows without success: S3 looks at rights before it looks at conditions and upload ids, so 412 (there is
an object) and NoSuchUpload mean that the caller may do it.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from data_exports.contract.settings import BucketSettings
from data_exports.contract.tasks import Try, Verdict
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.s3.bucket import Bucket, headers_of_a_write
from data_exports.mover.places.s3.error_codes import Attempt, Where
from data_exports.mover.places.s3.replies import error_reply
from data_exports.mover.places.tries import NO_SUCH_UPLOAD_ID, PROBE_BODY, last_answer_to, told
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.xml_answers import found_in

_TAGS = {"x-amz-tagging": "exports=probe"}


class Prober:
    """One probe of a bucket."""

    def __init__(self, target: BucketSettings, bucket: Bucket, key: str, ask: Ask) -> None:
        """Ask nothing yet."""
        self._target = target
        self._bucket = bucket
        self._key = key
        self._carry_out = ask

    def tries(self) -> list[Try]:
        """Try everything, as long as there is time."""
        puts, parts = self._puts(), self._parts()
        owner = self._owner() if puts[0].code == "AccessDenied" else []
        return [*puts, *parts, *owner]

    def _puts(self) -> list[Try]:
        """A write as a delivery makes it; only if it is refused, each of its rights by itself."""
        whole = self._put("put", {**_TAGS, **headers_of_a_write(self._target)})
        if whole.verdict is Verdict.ALLOWED:
            return [whole, Try("tag", whole.verdict), Try("acl", whole.verdict), *self._key_try(whole)]
        if whole.verdict is Verdict.UNKNOWN:
            return [whole]
        bare = headers_of_a_write(self._target, acl=False, with_key=False)
        plain = with_key = self._put("put", headers_of_a_write(self._target, acl=False))
        if self._target.target_kms_key and with_key.verdict is not Verdict.ALLOWED:
            plain = self._put("put", bare)
        if plain.verdict is not Verdict.ALLOWED:
            return [plain]
        acl = headers_of_a_write(self._target, with_key=False)
        return [plain, self._put("tag", {**_TAGS, **bare}), self._put("acl", acl), *self._key_try(with_key)]

    def _key_try(self, put: Try) -> list[Try]:
        return [replace(put, what="key")] if self._target.target_kms_key else []

    def _put(self, what: str, headers: Mapping[str, str]) -> Try:
        headers = {"if-none-match": "*", **headers}
        return _told(what, self._ask("PutObject", "PUT", headers=headers, body=PROBE_BODY), "PreconditionFailed")

    def _parts(self) -> list[Try]:
        """An upload in parts: first whether it could be aborted, then begun, with one part, and aborted."""
        abort = self._abort("abort", NO_SUCH_UPLOAD_ID)
        if abort.verdict is not Verdict.ALLOWED:
            return [abort]
        headers = {**_TAGS, **headers_of_a_write(self._target)}
        response = self._ask("CreateMultipartUpload", "POST", query={"uploads": ""}, headers=headers)
        start, upload_id = _told("start parts", response), found_in(response.body, "UploadId")
        if not upload_id:
            return [abort, start]
        query = {"partNumber": "1", "uploadId": upload_id}
        part = _told("part", self._ask("UploadPart", "PUT", query=query, body=PROBE_BODY))
        return [start, part, self._abort("abort", upload_id)]

    def _abort(self, what: str, upload_id: str, *, named_owner: bool = True) -> Try:
        query = {"uploadId": upload_id}
        response = self._ask("AbortMultipartUpload", "DELETE", query=query, named_owner=named_owner)
        return _told(what, response, "NoSuchUpload")

    def _owner(self) -> list[Try]:
        """Whether the bucket lets us in and is somebody else's: asked for what harms nobody, its owner not named."""
        if not self._target.target_account:
            return []
        named = self._abort("owner", NO_SUCH_UPLOAD_ID)
        if named.verdict is not Verdict.REFUSED:
            return [named]
        unnamed = self._abort("owner", NO_SUCH_UPLOAD_ID, named_owner=False)
        if unnamed.verdict is Verdict.ALLOWED:
            return [Try("owner", Verdict.REFUSED, "WrongOwner", "the bucket belongs to another account")]
        return [replace(named, verdict=Verdict.UNKNOWN)]

    def _ask(self, operation: str, method: str, *, named_owner: bool = True, **request: Any) -> Response:
        """Make a request, again if S3 is unwell, and return what it answered last.

        An upload in parts that may have begun is not begun once more.
        """
        bucket = self._bucket if named_owner else replace(self._bucket, account=None)
        return last_answer_to(
            bucket.request(operation, method, self._key, **request),
            self._carry_out,
            lambda response: error_reply(response, doing=Attempt(operation, Where.RECIPIENT)),
            only_if_refused=operation == "CreateMultipartUpload",
        )


def _told(what: str, response: Response, *as_good_as_done: str) -> Try:
    """What a response says of a try."""
    body = response.body
    error = found_in(body, "Code"), found_in(body, "Message"), response.headers.get("x-amz-request-id", "")
    return told(what, response, error, error_reply(response, doing=Attempt(what, Where.RECIPIENT)), as_good_as_done)
