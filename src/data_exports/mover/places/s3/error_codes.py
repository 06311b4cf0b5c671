"""What S3's errors mean: one table of their codes, and whose it is to act.

In: an error as S3 tells it, and what was being done. Out: a reply of `protocol`. No effects.

The same code means something else for each bucket: NoSuchBucket in the answer to a copy is the recipient's, in the
answer to a listing of the hub the platform's. A copy asks for both in one request; there the error itself tells whom it
is about, by the bucket, the key or the action that it names. One that names nothing is taken for the recipient's: to
callers of the same account S3 gives reasons, and the hub is in the mover's own.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from data_exports.contract.causes import Cause, Side
from data_exports.mover.rules.protocol import Failed, Forbidden, Gone, NoUpload, Overtaken, Reply


class Where(Enum):
    """Whose buckets a request goes to."""

    PLATFORM = auto()  # the hub or the log bucket
    UPLOAD = auto()  # one upload in the hub
    RECIPIENT = auto()
    BOTH = auto()  # it reads the hub and writes to the recipient


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is being done, in words for a reason, and where; of a copy also by what errors tell the two sides apart."""

    words: str
    where: Where
    hub_bucket: str = ""
    target_kms_key: str | None = None

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Error:
    """An error: its code (of an answer without a body its status), S3's message, the bucket it names, and all of it."""

    code: str
    message: str = ""
    bucket: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means: its cause, of whatever side it is, and what is to be done or known."""

    recipient: Cause
    hub: Cause
    sender: Cause
    advice: str = ""

    def of(self, side: Side) -> Cause:
        """The cause if it is this side's."""
        return {Side.RECIPIENT: self.recipient, Side.HUB: self.hub, Side.SENDER: self.sender}[side]


def _always(cause: Cause, advice: str = "") -> Meaning:
    return Meaning(cause, cause, cause, advice)


def _bucket(advice: str) -> Meaning:
    return Meaning(Cause.RECIPIENT_BUCKET, Cause.HUB_BUCKET, Cause.HUB_BUCKET, advice)


def _key(advice: str) -> Meaning:
    return Meaning(Cause.RECIPIENT_KEY, Cause.HUB_BUCKET, Cause.UPLOAD_KEY, advice)


def _invalid(advice: str) -> Meaning:
    return Meaning(Cause.RECIPIENT_NOT_ACCEPTED, Cause.HUB_REQUEST, Cause.UPLOAD_NOT_ACCEPTED, advice)


_DENIED = Meaning(Cause.RECIPIENT_DENIED, Cause.HUB_DENIED, Cause.UPLOAD_KEY)
_UNWELL = _always(Cause.UNWELL)
_INVALID = "S3 holds the request for invalid"

# Codes that the rules of delivery know. A HEAD response has no body, so its status stands in for the code. Within
# DeleteObjects the codes are worded differently in places.
RULES: dict[str, Reply] = {
    code: reply
    for codes, reply in (
        (("NoSuchKey", "NoSuchVersion", "NotFound", "Not Found", "404", "404 Not Found"), Gone()),
        (("NoSuchUpload", "InvalidPart"), NoUpload()),
        (("PreconditionFailed", "412", "412 Precondition Failed"), Overtaken()),
    )
    for code in codes
}
FORBIDDEN = frozenset({"AccessDenied", "403", "403 Forbidden"})
# Every other code. One that is not here is taken for one that passes: rather some tries too many than a file given up
# early. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
_CODES: dict[Meaning, tuple[str, ...]] = {
    # The bucket
    _bucket("The bucket does not exist. Check its name with its owner"): ("NoSuchBucket",),
    _bucket("The bucket's name is none that S3 allows"): ("InvalidBucketName",),
    _bucket("The bucket is in a state that does not allow it"): ("InvalidBucketState",),
    _bucket("The bucket's owner or AWS has disabled all access to it"): ("AllAccessDisabled",),
    _bucket("There is a problem with the bucket owner's AWS account"): ("AccountProblem",),
    _bucket("The bucket owner's AWS account is not signed up for S3"): ("NotSignedUp",),
    _bucket("All access to the bucket has been disabled"): ("InvalidPayer",),
    _bucket("The bucket is in another region, and S3 did not say in which"): (
        *("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"),
    ),
    # The key that encrypts: https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html
    _key("The KMS key is disabled"): ("KMS.DisabledException",),
    _key("The KMS key does not exist"): ("KMS.NotFoundException",),
    _key("The KMS key is not usable"): ("KMS.InvalidStateException", "KMS.KMSInvalidStateException"),
    _key("The KMS key is not made for encryption"): ("KMS.InvalidKeyUsageException",),
    # What the bucket takes
    _invalid("The bucket refuses the ACL bucket-owner-full-control"): (
        *("AccessControlListNotSupported", "InvalidBucketAclWithObjectOwnership"),
    ),
    _invalid("The bucket does not take this encryption"): ("InvalidEncryptionAlgorithmError", "EncryptionTypeMismatch"),
    _invalid("S3 does not allow the operation there"): ("MethodNotAllowed", "405"),
    _invalid("This S3 does not know a condition that the mover relies on"): ("NotImplemented", "501"),
    _invalid(_INVALID): ("InvalidRequest", "InvalidArgument", "BadRequest"),
    _invalid(f"{_INVALID}, and does not say why"): ("400",),
    # What was uploaded: its copy would have the same tags, metadata, storage class, name and size.
    _always(Cause.UPLOAD_NOT_ACCEPTED, "The recipient's S3 does not take its tags"): ("InvalidTag",),
    _always(Cause.UPLOAD_NOT_ACCEPTED, "Its metadata is larger than S3 allows"): ("MetadataTooLarge",),
    _always(Cause.UPLOAD_NOT_ACCEPTED, "The recipient's S3 does not know its storage class"): ("InvalidStorageClass",),
    _always(Cause.UPLOAD_NOT_ACCEPTED, "The key is longer than S3 allows"): ("KeyTooLongError",),
    _always(Cause.UPLOAD_TOO_LARGE, "The file is too large for one copy"): ("EntityTooLarge",),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/archived-objects.html
    _always(Cause.UPLOAD_ARCHIVED): ("InvalidObjectState", "ObjectNotInActiveTierError"),
    _always(Cause.HUB_REQUEST, "No bucket and no file can be the reason: it is how the mover asks"): (
        *("SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidSecurity", "MissingSecurityHeader"),
        *("MissingAuthenticationToken", "InvalidURI", "InvalidDigest", "InvalidPartOrder", "InvalidRange"),
        *("EntityTooSmall", "MalformedXML", "MissingContentLength", "RequestHeaderSectionTooLarge", "411"),
    ),
    # What passes
    _always(Cause.CREDENTIALS, "The function's credentials are not valid any more"): (
        *("ExpiredToken", "TokenRefreshRequired", "InvalidToken"),
    ),
    _always(Cause.CLOCK, "The function's clock is off by more than 15 minutes"): (
        *("RequestTimeTooSkewed", "RequestExpired"),
    ),
    _always(Cause.THROTTLED): (
        *("SlowDown", "ServiceUnavailable", "TooManyRequests", "Throttling", "ThrottlingException"),
        *("KMS.ThrottlingException", "RequestLimitExceeded", "429", "503"),
    ),
    _always(Cause.CONFLICT): ("OperationAborted", "ConditionalRequestConflict", "409"),
    _always(Cause.NO_ANSWER): ("RequestTimeout",),
    _UNWELL: ("InternalError", "500", "TemporaryRedirect", "307"),  # a redirect is of a bucket made a moment ago
}
MEANINGS = {code: meaning for meaning, codes in _CODES.items() for code in codes}
# What the sender has to mend, whatever the code was.
_SENDERS = {
    Cause.UPLOAD_KEY: "The upload is encrypted with a KMS key that the mover may not use. Its sender sends it again "
    "without naming a key",
    Cause.UPLOAD_SSE_C: "The upload is encrypted with a key that only its sender has (SSE-C). Its sender sends it "
    "again without one",
    Cause.UPLOAD_ARCHIVED: "The upload is archived. Its sender sends it again in the storage class STANDARD",
}


def reply_to_error(error: Error, *, doing: Attempt) -> Reply:
    """Tell what an error means."""
    if error.code in RULES:
        return RULES[error.code]
    forbidden = error.code in FORBIDDEN
    meaning = _DENIED if forbidden else MEANINGS.get(error.code, _UNWELL)
    is_sse_c = _is_about_sse_c(error, doing)
    cause = Cause.UPLOAD_SSE_C if is_sse_c else meaning.of(_side_of(error, doing))
    advice = _SENDERS.get(cause, meaning.advice)
    if forbidden:
        return Forbidden(f"{doing} is refused ({error.said})" + (f". {advice}" if advice else ""), cause)
    if cause.is_permanent:
        return Failed(f"{doing} is refused ({error.said}). {advice}", cause)
    advice = f"{advice}. " if advice else ""
    return Failed(f"{doing} failed ({error.said}). {advice}It will be tried again", cause)


def _is_about_sse_c(error: Error, doing: Attempt) -> bool:
    """Tell whether the source is encrypted with a key of its sender. A HEAD of it is answered 400 without a word.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    if doing.where is Where.UPLOAD and error.code == "400":
        return True
    reads = doing.where in (Where.BOTH, Where.UPLOAD)
    return reads and error.code == "InvalidRequest" and "Server Side Encryption" in error.message


def _side_of(error: Error, doing: Attempt) -> Side:
    """Tell whose it is to act, if the code leaves that open."""
    if _is_about_the_sources_key(error, doing):
        return Side.SENDER
    if doing.where in (Where.PLATFORM, Where.UPLOAD):
        return Side.HUB
    if doing.where is Where.BOTH and (_names_the_hub(error, doing) or _action_in(error).startswith(_READS)):
        return Side.HUB
    return Side.RECIPIENT


_READS = ("s3:Get", "s3:List", "s3:Head")
_KEY_ARN = re.compile(r"arn:aws[\w-]*:kms:[\w-]*:\d*:(?:key|alias)/[\w/-]+")


def _is_about_the_sources_key(error: Error, doing: Attempt) -> bool:
    """Tell whether the key that encrypts the source is meant.

    S3 decrypts with that, and encrypts with the recipient's; only parts are decrypted with the recipient's as well.
    Without a key of the recipient's the mover names none (AES256), so that any key is the source's.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    if doing.where not in (Where.BOTH, Where.UPLOAD):
        return False
    action = _action_in(error)
    # Of a key in another account KMS says no more than this.
    decrypts = action == "kms:Decrypt" or error.message.startswith("The ciphertext refers to")
    if action == "kms:GenerateDataKey" or not (decrypts or error.code.startswith("KMS.")):
        return False
    if doing.target_kms_key is None:
        return True
    named = _KEY_ARN.search(error.message)
    if named is None:
        return decrypts
    return not _may_be_the_same_key(named[0], doing.target_kms_key)


def _may_be_the_same_key(named: str, declared: str) -> bool:
    """Tell whether an error may mean the declared key: it names keys by id, where an alias may be declared."""
    return named == declared or (":alias/" in declared and named.split(":")[:5] == declared.split(":")[:5])


def _names_the_hub(error: Error, doing: Attempt) -> bool:
    return bool(doing.hub_bucket) and (
        error.bucket == doing.hub_bucket
        or re.search(rf"arn:aws[\w-]*:s3:::{re.escape(doing.hub_bucket)}(?![\w.-])", error.message) is not None
    )


def _action_in(error: Error) -> str:
    """The action that an error says is denied; nothing if it does not say."""
    found = re.search(r"not authorized to perform: ([\w-]+:\w+)", error.message)
    return found[1] if found else ""
