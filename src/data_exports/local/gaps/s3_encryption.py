"""S3: who may not decrypt with a file's key may not read the file, nor copy it.

Only keys that exist in the local AWS are asked; a file encrypted with a key that was never made there is read by all.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_region, request_scope
from ministack.core.router import extract_access_key_id
from ministack.services import kms, s3

from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.rights import policy_lets
from data_exports.local.gaps.s3_objects import copy_source_of, record_of

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"


def _denial(record: Mapping[str, Any], bucket: str, headers: Mapping[str, str], query: Mapping[str, Any]) -> Any:
    """The refusal when the caller may not decrypt what this record describes, or None."""
    kept = record.get("preserved_headers") or {}
    if record and "x-amz-server-side-encryption" not in kept:
        kept = s3._bucket_default_sse_headers(bucket)
    named = kept.get(_KEY_HEADER)
    access_key = extract_access_key_id(dict(headers), dict(query))
    if not named or not access_key:
        return None
    owner = named.split(":")[4] if named.startswith("arn:") else s3._bucket_owner_account(bucket)
    with request_scope(owner, get_region()):
        key = kms._resolve_key(named)
    if key is None:
        return None
    caller = iam_evaluator.caller_arn()
    reason = _why_not(key, owner, access_key, caller)
    if reason is None:
        return None
    said = f"User: {caller} is not authorized to perform: kms:Decrypt on resource: {key['Arn']} because {reason}"
    return s3._error("AccessDenied", said, 403)


def _why_not(key: Mapping[str, Any], owner: str, access_key: str, caller: str) -> str | None:
    """Why the caller may not decrypt with this key: by its own policies, or by the key's; None when it may.

    https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html
    """
    account = caller.split(":")[4]
    with request_scope(account, get_region()):
        denied = iam_evaluator.enforce(access_key, "kms:Decrypt", "kms", get_region(), resource_arn=key["Arn"])
    if denied:
        return "no identity-based policy allows the kms:Decrypt action"
    if account == owner:
        return None  # `enforce` has asked the key's policy already
    lets = policy_lets(key.get("Policy") or "{}", caller, "kms:Decrypt", key["Arn"])
    return None if lets else "no resource-based policy allows the kms:Decrypt action"


@mends(s3, "_get_object", "bucket_name key headers query_params")
def a_read_needs_the_right_to_decrypt(
    original: Callable[..., Any], bucket_name: str, key: str, headers: Mapping[str, str], *query: Any
) -> Any:
    """GetObject of a file under a KMS key needs `kms:Decrypt` with it.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html (permissions)
    """
    asked: Mapping[str, Any] = query[0] if query and query[0] else {}
    record = record_of(bucket_name, key, s3._qp(dict(asked), "versionId", ""))
    return _denial(record, bucket_name, headers, asked) or original(bucket_name, key, headers, *query)


@mends(s3, "_head_object", "bucket_name key headers query_params")
def a_look_at_checksums_needs_the_right_to_decrypt(
    original: Callable[..., Any], bucket_name: str, key: str, headers: Mapping[str, str] | None = None, *query: Any
) -> Any:
    """HeadObject of a file under a KMS key that asks for checksums needs `kms:Decrypt` with it, and has no body.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html (x-amz-checksum-mode)
    """
    asked: Mapping[str, Any] = query[0] if query and query[0] else {}
    record = record_of(bucket_name, key, s3._qp(dict(asked), "versionId", ""))
    denied = "x-amz-checksum-mode" in (headers or {}) and _denial(record, bucket_name, headers or {}, asked)
    return (*denied[:2], b"") if denied else original(bucket_name, key, headers, *query)


def _copies(name: str, parameters: str) -> None:
    """Mend one of the two ways to copy; `headers` is the last of its parameters."""

    @mends(s3, name, parameters)
    def a_copy_needs_the_right_to_decrypt_its_source(original: Callable[..., Any], *arguments: Any) -> Any:
        """CopyObject and UploadPartCopy of a file under a KMS key need `kms:Decrypt` with it.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (permissions)
        """
        headers = arguments[-1]
        source = copy_source_of(headers)
        denied = _denial(record_of(*source), source[0], headers, {}) if source else None
        return denied or original(*arguments)


_copies("_copy_object", "bucket_name dest_key headers")
_copies("_upload_part_copy", "bucket_name dest_key query_params headers")
