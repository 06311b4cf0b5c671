"""What S3's errors mean: every row of the table, and of a copy, which asks two sides at once, whose it is to act."""

import pytest

from data_exports.contract.causes import Cause
from data_exports.mover.places.s3.error_codes import (
    FORBIDDEN,
    MEANINGS,
    RULES,
    Attempt,
    Error,
    Where,
    reply_to_error,
)
from data_exports.mover.rules.protocol import Failed, Forbidden, Gone, NoUpload, Overtaken

KEY = "arn:aws:kms:eu-west-1:754256621582:key/0d990263-018e-4e65-a703-eff731de951e"
SENDERS_KEY = "arn:aws:kms:eu-west-1:593291632749:key/7a1c2c3d-018e-4e65-a703-eff731de951e"
ALIAS = "arn:aws:kms:eu-west-1:754256621582:alias/incoming"
MOVER = "User: arn:aws:sts::593291632749:assumed-role/export_orders/export_orders is not authorized to perform: "
WITHHELD = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are "
    "not allowed to access."
)
SSE_C = (
    "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to "
    "retrieve the object."
)

BUCKET = (Cause.RECIPIENT_BUCKET, Cause.HUB_BUCKET)
ENCRYPTION_KEY = (Cause.RECIPIENT_KEY, Cause.HUB_BUCKET)
NOT_ACCEPTED = (Cause.RECIPIENT_NOT_ACCEPTED, Cause.HUB_REQUEST)
TABLE = {
    **dict.fromkeys(
        [
            *("NoSuchBucket", "InvalidBucketName", "InvalidBucketState", "AllAccessDisabled", "AccountProblem"),
            *("NotSignedUp", "InvalidPayer", "PermanentRedirect", "AuthorizationHeaderMalformed"),
            *("IllegalLocationConstraintException", "301"),
        ],
        BUCKET,
    ),
    **dict.fromkeys(
        [
            *("KMS.DisabledException", "KMS.NotFoundException", "KMS.InvalidStateException"),
            *("KMS.KMSInvalidStateException", "KMS.InvalidKeyUsageException"),
        ],
        ENCRYPTION_KEY,
    ),
    **dict.fromkeys(
        [
            *("AccessControlListNotSupported", "InvalidBucketAclWithObjectOwnership"),
            *("InvalidEncryptionAlgorithmError", "EncryptionTypeMismatch", "MethodNotAllowed", "405"),
            *("NotImplemented", "501", "InvalidRequest", "InvalidArgument", "BadRequest", "400"),
        ],
        NOT_ACCEPTED,
    ),
    **dict.fromkeys(
        ["InvalidTag", "MetadataTooLarge", "InvalidStorageClass", "KeyTooLongError"], (Cause.UPLOAD_NOT_ACCEPTED,) * 2
    ),
    **dict.fromkeys(["InvalidObjectState", "ObjectNotInActiveTierError"], (Cause.UPLOAD_ARCHIVED,) * 2),
    "EntityTooLarge": (Cause.UPLOAD_TOO_LARGE,) * 2,
    **dict.fromkeys(
        [
            *("SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidSecurity", "MissingSecurityHeader"),
            *("MissingAuthenticationToken", "InvalidURI", "InvalidDigest", "InvalidPartOrder", "InvalidRange"),
            *("EntityTooSmall", "MalformedXML", "MissingContentLength", "RequestHeaderSectionTooLarge", "411"),
        ],
        (Cause.HUB_REQUEST,) * 2,
    ),
    **dict.fromkeys(["ExpiredToken", "TokenRefreshRequired", "InvalidToken"], (Cause.CREDENTIALS,) * 2),
    **dict.fromkeys(["RequestTimeTooSkewed", "RequestExpired"], (Cause.CLOCK,) * 2),
    **dict.fromkeys(
        [
            *("SlowDown", "ServiceUnavailable", "TooManyRequests", "Throttling", "ThrottlingException"),
            *("KMS.ThrottlingException", "RequestLimitExceeded", "429", "503"),
        ],
        (Cause.THROTTLED,) * 2,
    ),
    **dict.fromkeys(["OperationAborted", "ConditionalRequestConflict", "409"], (Cause.CONFLICT,) * 2),
    "RequestTimeout": (Cause.NO_ANSWER,) * 2,
    **dict.fromkeys(["InternalError", "500", "TemporaryRedirect", "307"], (Cause.UNWELL,) * 2),
    "NeverHeardOf": (Cause.UNWELL,) * 2,
}
"""Code → its cause at the recipient, and at the platform's own buckets."""


def copying(target_kms_key: str | None = None) -> Attempt:
    return Attempt("the copy", Where.BOTH, hub_bucket="hub", target_kms_key=target_kms_key)


def cause_of(code: str, message: str = "No.", *, doing: Attempt, bucket: str = "") -> Cause:
    reply = reply_to_error(Error(code, message, bucket, f"{code}, {message}"), doing=doing)
    assert isinstance(reply, Failed | Forbidden)
    return reply.cause


def test_every_row_of_the_table_is_stated_here() -> None:
    assert set(TABLE) - {"NeverHeardOf"} == set(MEANINGS)


@pytest.mark.parametrize("code", TABLE)
def test_each_code_has_a_cause_at_the_recipient_and_one_at_the_platform(code: str) -> None:
    recipient, platform = TABLE[code]
    assert cause_of(code, doing=Attempt("writing", Where.RECIPIENT)) is recipient
    assert cause_of(code, doing=Attempt("listing", Where.PLATFORM)) is platform
    assert cause_of(code, doing=copying(KEY)) is recipient  # an error that names nothing


@pytest.mark.parametrize("code", TABLE)
def test_what_passes_says_so_and_what_does_not_says_what_is_to_be_known(code: str) -> None:
    reply = reply_to_error(Error(code, said=code), doing=Attempt("writing", Where.RECIPIENT))
    assert isinstance(reply, Failed)
    if reply.cause.is_permanent:
        assert reply.reason.startswith(f"writing is refused ({code}). ")
        assert len(reply.reason) > len(f"writing is refused ({code}). ") + 20
    else:
        assert reply.reason.startswith(f"writing failed ({code}). ")
        assert reply.reason.endswith("It will be tried again")


def test_the_codes_that_the_rules_of_delivery_know() -> None:
    assert {
        **dict.fromkeys(["NoSuchKey", "NoSuchVersion", "NotFound", "Not Found", "404", "404 Not Found"], Gone()),
        **dict.fromkeys(["NoSuchUpload", "InvalidPart"], NoUpload()),
        **dict.fromkeys(["PreconditionFailed", "412", "412 Precondition Failed"], Overtaken()),
    } == RULES
    assert frozenset({"AccessDenied", "403", "403 Forbidden"}) == FORBIDDEN


@pytest.mark.parametrize(
    ("where", "cause"),
    [
        (Where.PLATFORM, Cause.HUB_DENIED),
        (Where.UPLOAD, Cause.HUB_DENIED),
        (Where.RECIPIENT, Cause.RECIPIENT_DENIED),
        (Where.BOTH, Cause.RECIPIENT_DENIED),
    ],
)
def test_a_denial_is_the_bucket_owners(where: Where, cause: Cause) -> None:
    for code in FORBIDDEN:
        assert reply_to_error(Error(code, said=code), doing=Attempt("it", where)) == Forbidden(
            f"it is refused ({code})", cause
        )


@pytest.mark.parametrize(
    ("message", "target_key", "cause"),
    [
        (f'{MOVER}s3:GetObject on resource: "arn:aws:s3:::hub/orders/a"', None, Cause.HUB_DENIED),
        (f"{MOVER}s3:GetObjectVersionTagging on resource", None, Cause.HUB_DENIED),
        (f'{MOVER}s3:PutObject on resource: "arn:aws:s3:::recipient/orders/a"', None, Cause.RECIPIENT_DENIED),
        (f'{MOVER}s3:PutObject on resource: "arn:aws:s3:::hub-of-others/a"', None, Cause.RECIPIENT_DENIED),
        (f"{MOVER}kms:GenerateDataKey on resource: {KEY}", KEY, Cause.RECIPIENT_DENIED),
        (f"{MOVER}kms:GenerateDataKey on resource: {KEY}", ALIAS, Cause.RECIPIENT_DENIED),
        (f"{MOVER}kms:Decrypt on resource: {KEY}", KEY, Cause.RECIPIENT_DENIED),
        (f"{MOVER}kms:Decrypt on resource: {KEY}", ALIAS, Cause.RECIPIENT_DENIED),
        (f"{MOVER}kms:Decrypt on resource: {SENDERS_KEY}", KEY, Cause.UPLOAD_KEY),
        (f"{MOVER}kms:Decrypt on resource: {SENDERS_KEY}", ALIAS, Cause.UPLOAD_KEY),
        (f"{MOVER}kms:Decrypt on resource: {SENDERS_KEY}", None, Cause.UPLOAD_KEY),
        (f"{MOVER}kms:Decrypt", KEY, Cause.UPLOAD_KEY),
        (WITHHELD, None, Cause.UPLOAD_KEY),
        (WITHHELD, KEY, Cause.UPLOAD_KEY),
        ("Access Denied", KEY, Cause.RECIPIENT_DENIED),
    ],
)
def test_a_denied_copy_is_whose_bucket_or_key_it_names(message: str, target_key: str | None, cause: Cause) -> None:
    assert cause_of("AccessDenied", message, doing=copying(target_key)) is cause


@pytest.mark.parametrize(
    ("message", "target_key", "cause"),
    [
        (f"{SENDERS_KEY} is disabled.", KEY, Cause.UPLOAD_KEY),
        (f"{KEY} is disabled.", KEY, Cause.RECIPIENT_KEY),
        (f"{KEY} is disabled.", ALIAS, Cause.RECIPIENT_KEY),
        ("It is disabled.", KEY, Cause.RECIPIENT_KEY),
        ("It is disabled.", None, Cause.UPLOAD_KEY),  # the mover names no key
    ],
)
def test_a_key_that_cannot_be_used_is_whose_it_is(message: str, target_key: str | None, cause: Cause) -> None:
    assert cause_of("KMS.DisabledException", message, doing=copying(target_key)) is cause


def test_a_bucket_that_does_not_exist_is_whose_name_the_error_tells() -> None:
    assert cause_of("NoSuchBucket", doing=copying(), bucket="hub") is Cause.HUB_BUCKET
    assert cause_of("NoSuchBucket", doing=copying(), bucket="recipient") is Cause.RECIPIENT_BUCKET


def test_an_upload_under_a_key_that_only_its_sender_has_is_theirs_to_send_again() -> None:
    reply = reply_to_error(Error("InvalidRequest", SSE_C, said="InvalidRequest"), doing=copying(KEY))
    assert reply == Failed(
        "the copy is refused (InvalidRequest). The upload is encrypted with a key that only its sender has (SSE-C). "
        "Its sender sends it again without one",
        Cause.UPLOAD_SSE_C,
    )
    assert cause_of("400", "", doing=Attempt("reading", Where.UPLOAD)) is Cause.UPLOAD_SSE_C
    assert cause_of("InvalidRequest", SSE_C, doing=Attempt("starting", Where.RECIPIENT)) is Cause.RECIPIENT_NOT_ACCEPTED


def test_an_upload_under_its_senders_kms_key_is_theirs_to_send_again() -> None:
    message = f"{MOVER}kms:Decrypt on resource: {SENDERS_KEY}"
    assert reply_to_error(Error("AccessDenied", message, said="AccessDenied"), doing=copying()) == Forbidden(
        "the copy is refused (AccessDenied). The upload is encrypted with a KMS key that the mover may not use. "
        "Its sender sends it again without naming a key",
        Cause.UPLOAD_KEY,
    )
