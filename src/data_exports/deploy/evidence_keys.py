"""Whose word the log is: the keys that the estate keeps beside its declarations, and the one that signs in AWS now.

In: the estate's folder, a platform, an `Aws`. Out: keys, and a sentence where they do not fit. Effects: reads a file,
and asks KMS for the public half of the key. Heads are believed by the file alone; KMS is asked only to tell of a
change: whoever could change the log could give another key.
"""

from pathlib import Path

from data_exports.aws import AWS_EXCEPTIONS, Aws, aws_errors, call_or_none, code_of
from data_exports.deploy.remote import check_account
from data_exports.errors import RefusedError, UsageError
from data_exports.estate.models import Platform
from data_exports.evidence.entries import origin_of
from data_exports.evidence.notes import KEYS_FILE, NotSignedError, VerifierKey, keys_in
from data_exports.names import EVIDENCE_KEY_ALIAS

OTHER_KEY_NEXT = "if you replaced it: `exports evidence key`, and commit; if not, CloudTrail tells who has"

NOT_ED25519 = "the log can be signed by nobody: what its alias in KMS names is no Ed25519 key"
_UNUSABLE = {
    "DisabledException": "is disabled",
    "InvalidKeyUsageException": "does not sign",
    "KMSInvalidStateException": "is disabled, or waits to be deleted",
    "UnsupportedOperationException": "has no public half",
}
"""https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html#API_GetPublicKey_Errors"""


def log_of(platform: Platform) -> str:
    """What the platform's log is called in its heads."""
    return origin_of(platform.evidence_bucket, platform.region)


def check_keeps_evidence(platform: Platform) -> None:
    """Raise `RefusedError` where there is no log."""
    if platform.evidence is None:
        next_step = "add `evidence: {lock_days: 3650}` to exports.yaml, and deploy"
        raise RefusedError("the platform keeps no evidence", where=str(platform.place.path), next_step=next_step)


def read_keys(folder: Path) -> tuple[VerifierKey, ...]:
    """The keys that the estate keeps. Raises `UsageError` where there are none, or one cannot be read."""
    path = folder / KEYS_FILE
    if not path.exists():
        what = "the estate keeps no key of its log, without which nobody can tell who signed it"
        raise UsageError(what, where=str(path), next_step="`exports evidence key` writes it; commit it")
    return read_keys_at(path)


def read_keys_at(path: Path) -> tuple[VerifierKey, ...]:
    """The keys in a file. Raises `UsageError`."""
    try:
        return keys_in(path.read_bytes())
    except (OSError, NotSignedError) as error:
        what = f"the keys cannot be read: {error.strerror if isinstance(error, OSError) else error}"
        raise UsageError(
            what,
            where=str(path),
            next_step="take it from the estate's repository, where `exports evidence key` wrote it",
        ) from error


def read_deployed_key(platform: Platform, aws: Aws) -> VerifierKey:
    """The key that signs now. Raises `AwsError`, and `RefusedError` for credentials of another account."""
    check_account(aws, platform)
    try:
        with aws_errors(where=EVIDENCE_KEY_ALIAS):
            return _deployed_key(platform, aws)
    except NotSignedError as error:
        next_step = "CloudTrail tells who replaced it"
        raise RefusedError(NOT_ED25519, where=EVIDENCE_KEY_ALIAS, next_step=next_step) from error


def said_of_deployed_key(folder: Path, platform: Platform, aws: Aws) -> str:
    """What is amiss with the key that signs now; "" when the estate keeps it, or none is deployed.

    Raises `UsageError` where the estate keeps no key that can be read, and botocore's exceptions.
    """
    try:
        deployed = call_or_none(lambda: _deployed_key(platform, aws))
    except NotSignedError:
        return NOT_ED25519
    except AWS_EXCEPTIONS as error:
        if code_of(error) in _UNUSABLE:
            return f"the log can be signed by nobody: its key in KMS {_UNUSABLE[code_of(error)]}"
        raise
    if deployed is None or deployed in read_keys(folder):
        return ""
    return f"the log is signed by the key {deployed.identifier.hex()}, which does not stand in {KEYS_FILE}"


def _deployed_key(platform: Platform, aws: Aws) -> VerifierKey:
    answer = aws.client("kms").get_public_key(KeyId=EVIDENCE_KEY_ALIAS)
    return VerifierKey.of_kms(log_of(platform), bytes(answer["PublicKey"]))
