"""What Google's errors mean: one table of their codes, and whose it is to act.

In: a response that is no success, and what was being done. Out: a reply of `protocol`. No effects.
https://cloud.google.com/storage/docs/xml-api/reference-status
"""

from data_exports.contract.causes import Cause
from data_exports.mover.places.federation import no_token_reply
from data_exports.mover.rules.protocol import Failed, Forbidden, NoUpload, Reply
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.xml_answers import found_in

IS_THERE_ALREADY = "PreconditionFailed"
NO_SUCH_UPLOAD = ("NoSuchUpload", "InvalidPart")

_CODES: dict[tuple[Cause, str], tuple[str, ...]] = {
    (Cause.RECIPIENT_DENIED, "The role that may write is missing, or its condition is not met"): (
        *("AccessDenied", "403", "InvalidSecurity"),
    ),
    (Cause.RECIPIENT_DENIED, "A perimeter or a policy of the recipient's organisation keeps the mover out"): (
        *("SecurityPolicyViolated", "OrgPolicyConstraintFailed"),
    ),
    (Cause.RECIPIENT_FEDERATION, "The bucket does not know the token"): ("AuthenticationRequired", "401"),
    (Cause.RECIPIENT_BUCKET, "The bucket does not exist. Check its name with its owner"): (
        *("NoSuchBucket", "BucketNotFound", "404"),
    ),
    (Cause.RECIPIENT_BUCKET, "There is a problem with the bucket's project or its billing"): (
        *("AccountProblem", "UserProjectAccountProblem", "UserProjectMissing", "ProjectAccessDenied"),
    ),
    (Cause.RECIPIENT_KEY, "The bucket's key is disabled or gone, or Google may not use it"): (
        *("KmsKeyDisabled", "KmsKeyNotFound", "KmsPermissionDenied"),
    ),
    (Cause.RECIPIENT_NOT_ACCEPTED, "A retention policy or a hold protects what is there"): (
        *("RetentionPolicyNotMet", "ObjectUnderActiveHold", "ObjectRetained"),
    ),
    (Cause.UPLOAD_NOT_ACCEPTED, "Google does not take its name"): (
        *("InvalidObjectName", "KeyTooLong", "KeyTooLongError", "InvalidURI"),
    ),
    (Cause.UPLOAD_NOT_ACCEPTED, "Google does not take its metadata"): ("MetadataTooLarge", "InvalidMetadata"),
    (Cause.HUB_REQUEST, "No bucket and no file can be the reason: it is how the mover asks"): (
        *("InvalidArgument", "InvalidRequest", "MalformedXML", "EntityTooSmall", "InvalidPartOrder", "400"),
        *("MissingContentLength", "NotImplemented", "EntityTooLarge", "InvalidDigest"),
    ),
    (Cause.THROTTLED, ""): ("SlowDown", "TooManyRequests", "RateLimitExceeded", "ServiceUnavailable", "429", "503"),
    (Cause.CONFLICT, ""): ("OperationAborted", "409"),
    (Cause.UNWELL, ""): ("InternalError", "BackendError", "500"),
    (Cause.UNWELL, "What arrived was not what was sent"): ("BadDigest",),
}
_MEANINGS = {code: meaning for meaning, codes in _CODES.items() for code in codes}
# Every other code is taken for one that passes: rather some tries too many than a file given up early.


def google_code_in(response: Response) -> str:
    """The code of an error; of one without a code its status."""
    return found_in(response.body, "Code") or str(response.status or "")


def google_error_reply(response: Response, *, doing: str) -> Reply:
    """Tell what an error response means. `doing` names what was tried, for the reason."""
    if isinstance(response, NoToken):
        return no_token_reply(response)
    if response.status is None:
        reason = f"{doing}: no answer from Google ({response.fault}). It will be tried again"
        return Failed(reason, Cause.NO_ANSWER, under_way=True)
    code = google_code_in(response)
    if code in NO_SUCH_UPLOAD:
        return NoUpload()
    message, details = found_in(response.body, "Message"), found_in(response.body, "Details")
    request_id = response.headers.get("x-guploader-uploadid", "")
    facts = (code, message, details, f"request {request_id}" if request_id else "")
    said = ", ".join(fact for fact in facts if fact)
    cause, advice = _MEANINGS.get(code) or _MEANINGS.get(str(response.status)) or (Cause.UNWELL, "")
    if cause.is_permanent:
        reason = f"{doing} is refused ({said}). {advice}"
        return Forbidden(reason, cause) if cause is Cause.RECIPIENT_DENIED else Failed(reason, cause)
    return Failed(f"{doing} failed ({said}). {advice}{'. ' if advice else ''}It will be tried again", cause)
