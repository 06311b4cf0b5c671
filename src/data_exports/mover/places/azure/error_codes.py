"""What Azure's errors mean: one table of their codes, and whose it is to act.

In: a response that is no success, and what was being done. Out: a reply of `protocol`. No effects.

https://learn.microsoft.com/en-us/rest/api/storageservices/common-rest-api-error-codes
https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes
"""

from data_exports.contract.causes import Cause
from data_exports.mover.places.federation import no_token_reply
from data_exports.mover.rules.protocol import Failed, Forbidden, NoUpload, Reply
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.xml_answers import found_in

IS_THERE = "BlobAlreadyExists"
WAS_WRITTEN_SINCE = "ConditionNotMet"
_NO_SUCH_BLOCKS = "InvalidBlockList"
_NO_SUCH_NAME = ("[Errno -2]", "[Errno -5]")  # of getaddrinfo: https://man7.org/linux/man-pages/man3/getaddrinfo.3.html
_ROLE = "The role that may write blobs is missing, or its condition is not met; or it is not in force yet"

_CODES: dict[tuple[Cause, str], tuple[str, ...]] = {
    (Cause.RECIPIENT_DENIED, _ROLE): ("AuthorizationPermissionMismatch", "InsufficientAccountPermissions", "403"),
    (Cause.RECIPIENT_DENIED, "The role may add blobs, and not write over them"): ("UnauthorizedBlobOverwrite",),
    (Cause.RECIPIENT_DENIED, "The storage account's firewall or network rules keep the mover out"): (
        *("AuthorizationFailure", "AuthorizationSourceIPMismatch", "PublicAccessNotPermitted"),
    ),
    (Cause.RECIPIENT_FEDERATION, "The storage account does not know tokens of this tenant"): (
        *("InvalidAuthenticationInfo", "NoAuthenticationInformation", "AuthenticationFailed", "401"),
    ),
    (Cause.RECIPIENT_BUCKET, "The container does not exist. Check its name with its owner"): (
        *("ContainerNotFound", "ResourceNotFound", "404"),
    ),
    (Cause.RECIPIENT_BUCKET, "The container is being deleted"): ("ContainerBeingDeleted",),
    (Cause.RECIPIENT_BUCKET, "The container or its storage account is disabled"): (
        *("ContainerDisabled", "AccountIsDisabled", "AccountBeingCreated"),
    ),
    (Cause.RECIPIENT_KEY, "The storage account cannot use its key"): (
        *("KeyVaultEncryptionKeyNotFound", "KeyVaultAccessTokenCannotBeAcquired", "KeyVaultVaultNotFound"),
    ),
    (Cause.RECIPIENT_NOT_ACCEPTED, "An immutability policy or a legal hold protects what is there"): (
        *("BlobImmutableDueToPolicy", "BlobImmutableDueToLegalHold"),
    ),
    (Cause.RECIPIENT_NOT_ACCEPTED, "Somebody holds a lease on what is there"): (
        "LeaseIdMissing",
        "LeaseAlreadyPresent",
    ),
    (Cause.RECIPIENT_NOT_ACCEPTED, "What is there is archived"): ("BlobArchived", "BlobBeingRehydrated"),
    (Cause.RECIPIENT_NOT_ACCEPTED, "What is there was made by other means, and cannot be written over so"): (
        *("InvalidBlobType", "SnapshotsPresent", "BlobUsesCustomerSpecifiedEncryption"),
    ),
    (Cause.RECIPIENT_NOT_ACCEPTED, "Somebody else has begun to upload blocks of this name; they end after a week"): (
        *("InvalidBlobOrBlock", "UncommittedBlockCountExceedsLimit"),
    ),
    (Cause.UPLOAD_NOT_ACCEPTED, "Azure does not take its metadata"): (
        *("InvalidMetadata", "EmptyMetadataKey", "MetadataTooLarge"),
    ),
    (Cause.UPLOAD_NOT_ACCEPTED, "Azure does not take its name"): ("InvalidUri", "InvalidResourceName"),
    (Cause.HUB_REQUEST, "No container and no file can be the reason: it is how the mover asks"): (
        *("InvalidHeaderValue", "MissingRequiredHeader", "UnsupportedHeader", "InvalidXmlDocument", "InvalidInput"),
        *("InvalidQueryParameterValue", "MissingRequiredQueryParameter", "MissingContentLengthHeader", "400"),
        *("MultipleConditionHeadersNotSupported", "RequestBodyTooLarge", "InvalidBlockId", "UnsupportedHttpVerb"),
    ),
    (Cause.THROTTLED, ""): ("ServerBusy", "TooManyRequests", "429", "503"),
    (Cause.CONFLICT, "It was written to a moment ago"): (WAS_WRITTEN_SINCE, IS_THERE, "409", "412"),
    (Cause.UNWELL, ""): ("InternalError", "OperationTimedOut", "500"),
    (Cause.UNWELL, "What arrived was not what was sent"): ("Md5Mismatch",),
}
_MEANINGS = {code: meaning for meaning, codes in _CODES.items() for code in codes}
"""Every other code is taken for one that passes: rather some tries too many than a file given up early."""


def code_in(response: Response) -> str:
    """The code of an error; of one without a code its status."""
    return response.headers.get("x-ms-error-code") or found_in(response.body, "Code") or str(response.status or "")


def azure_error_reply(response: Response, *, doing: str) -> Reply:
    """Tell what an error response means. `doing` names what was tried, for the reason."""
    if isinstance(response, NoToken):
        return no_token_reply(response)
    if response.status is None:
        return _unanswered(response.fault, doing)
    code = code_in(response)
    if code == _NO_SUCH_BLOCKS:
        return NoUpload()
    message = found_in(response.body, "Message").partition("\n")[0]
    request_id = response.headers.get("x-ms-request-id", "")
    said = ", ".join(fact for fact in (code, message, f"request {request_id}" if request_id else "") if fact)
    cause, advice = _MEANINGS.get(code) or _MEANINGS.get(str(response.status)) or (Cause.UNWELL, "")
    if cause.is_permanent:
        reason = f"{doing} is refused ({said}). {advice}"
        return Forbidden(reason, cause) if cause is Cause.RECIPIENT_DENIED else Failed(reason, cause)
    return Failed(f"{doing} failed ({said}). {advice}{'. ' if advice else ''}It will be tried again", cause)


def _unanswered(fault: str, doing: str) -> Failed:
    if any(mark in fault for mark in _NO_SUCH_NAME):
        reason = f"{doing} is impossible ({fault}). There is no such storage account. Check its name with its owner"
        return Failed(reason, Cause.RECIPIENT_BUCKET)
    reason = f"{doing}: no answer from Azure ({fault}). It will be tried again"
    return Failed(reason, Cause.NO_ANSWER, under_way=True)
