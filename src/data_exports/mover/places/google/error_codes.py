"""What Google's errors mean: one table of their codes, and whose it is to act.

In: a response that is no success, and what was being done. Out: a reply of `protocol`. No effects.
https://cloud.google.com/storage/docs/xml-api/reference-status
"""

from data_exports.contract.causes import Cause
from data_exports.mover.places.token_stores import StoreErrors, meanings_of
from data_exports.mover.places.told import told_text
from data_exports.mover.rules.protocol import Reply
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.xml_answers import found_in

IS_THERE_ALREADY = "PreconditionFailed"
NO_SUCH_UPLOAD = frozenset({"NoSuchUpload", "InvalidPart"})

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
        *("CloudKmsBadKey", "CloudKmsDisabledKey", "CloudKmsEncryptionKeyNotFound", "CloudKmsKeyLocationNotAllowed"),
    ),
    (Cause.RECIPIENT_NOT_ACCEPTED, "A retention policy or a hold protects what is there"): (
        *("RetentionPolicyNotMet", "ObjectUnderActiveHold", "ObjectRetained"),
    ),
    (Cause.UPLOAD_NOT_ACCEPTED, "Google does not take its name"): (
        *("InvalidObjectName", "KeyTooLong", "KeyTooLongError", "InvalidURI"),
    ),
    (Cause.UPLOAD_NOT_ACCEPTED, "Google does not take its metadata"): ("MetadataTooLarge", "InvalidMetadata"),
    (Cause.RECIPIENT_NOT_ACCEPTED, "Google holds the request for invalid, and does not say why"): (
        *("InvalidArgument", "InvalidRequest", "400"),
    ),
    (Cause.HUB_REQUEST, "No bucket and no file can be the reason: it is how the mover asks"): (
        *("MalformedXML", "EntityTooSmall", "InvalidPartOrder", "MissingContentLength", "NotImplemented"),
        *("EntityTooLarge", "InvalidDigest"),
    ),
    (Cause.THROTTLED, ""): ("SlowDown", "TooManyRequests", "RateLimitExceeded", "ServiceUnavailable", "429", "503"),
    (Cause.CONFLICT, ""): ("OperationAborted", "409"),
    (Cause.UNWELL, ""): ("InternalError", "BackendError", "500"),
    (Cause.UNWELL, "What arrived was not what was sent"): ("BadDigest",),
}


def read_google_error(response: Response) -> tuple[str, str, str]:
    """What an answer tells of an error: code, what is said of it, the request's id."""
    code, message, details = (told_text(found_in(response.body, name)) for name in ("Code", "Message", "Details"))
    said = ", ".join(text for text in (message, details) if text)
    return code, said, told_text(response.headers.get("x-guploader-uploadid", ""))


GOOGLE_ERRORS = StoreErrors("Google", read_google_error, NO_SUCH_UPLOAD, meanings_of(_CODES))


def google_error_reply(response: Response, *, doing: str) -> Reply:
    """Tell what an error response means. `doing` names what was tried, for the reason."""
    return GOOGLE_ERRORS.reply(response, doing=doing)
