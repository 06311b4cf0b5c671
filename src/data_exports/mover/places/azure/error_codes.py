"""What Azure's errors mean: one table of their codes, and whose it is to act.

In: a response that is no success, and what was being done. Out: a reply of `protocol`. No effects.

https://learn.microsoft.com/en-us/rest/api/storageservices/common-rest-api-error-codes
https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes
"""

from data_exports.contract.causes import Cause
from data_exports.mover.places.token_stores import StoreErrors, meanings_of
from data_exports.mover.places.told import told_text
from data_exports.mover.rules.protocol import Failed, Reply
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.xml_answers import found_in

IS_THERE = "BlobAlreadyExists"
WAS_WRITTEN_SINCE = "ConditionNotMet"
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
    (Cause.UPLOAD_NOT_ACCEPTED, "Azure does not take its name"): (
        "InvalidUri",
        "InvalidResourceName",
        "OutOfRangeInput",
    ),
    (Cause.RECIPIENT_NOT_ACCEPTED, "Azure holds the request for invalid, and does not say why"): (
        *("InvalidInput", "InvalidHeaderValue", "400"),
    ),
    (Cause.HUB_REQUEST, "No container and no file can be the reason: it is how the mover asks"): (
        *("MissingRequiredHeader", "UnsupportedHeader", "InvalidXmlDocument", "InvalidQueryParameterValue"),
        *("MissingRequiredQueryParameter", "MissingContentLengthHeader"),
        *("MultipleConditionHeadersNotSupported", "RequestBodyTooLarge", "InvalidBlockId", "UnsupportedHttpVerb"),
    ),
    (Cause.THROTTLED, ""): ("ServerBusy", "TooManyRequests", "429", "503"),
    (Cause.CONFLICT, "It was written to a moment ago"): (WAS_WRITTEN_SINCE, IS_THERE, "409", "412"),
    (Cause.UNWELL, ""): ("InternalError", "OperationTimedOut", "500"),
    (Cause.UNWELL, "What arrived was not what was sent"): ("Md5Mismatch",),
}


def read_azure_error(response: Response) -> tuple[str, str, str]:
    """What an answer tells of an error: code, what is said of it, the request's id."""
    headers, body = response.headers, response.body
    code = headers.get("x-ms-error-code") or found_in(body, "Code")
    message = found_in(body, "Message").partition("\n")[0]
    return told_text(code), told_text(message), told_text(headers.get("x-ms-request-id", ""))


AZURE_ERRORS = StoreErrors("Azure", read_azure_error, frozenset({"InvalidBlockList"}), meanings_of(_CODES))


def azure_error_reply(response: Response, *, doing: str) -> Reply:
    """Tell what an error response means. `doing` names what was tried, for the reason."""
    if not isinstance(response, NoToken) and any(mark in response.fault for mark in _NO_SUCH_NAME):
        advice = "There is no such storage account. Check its name with its owner"
        return Failed(f"{doing} is impossible ({told_text(response.fault)}). {advice}", Cause.RECIPIENT_BUCKET)
    return AZURE_ERRORS.reply(response, doing=doing)
