"""S3: which permissions a request needs, and how the owner of another account's bucket is asked for them."""
# ruff: noqa: SLF001 - the emulator offers no other way in

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope, set_request_account_id
from ministack.core.router import extract_access_key_id
from ministack.services import s3

from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.rights import policy_lets

_BUCKET_ARN = "arn:aws:s3:::"
_PLAIN_READ = {"x-id", "versionId", "partNumber"}
"""Query parameters of a GetObject or HeadObject; any other makes it another operation."""

Need = tuple[str, str]
"""A permission: action and resource ARN."""


def _split(arn: str) -> tuple[str, str]:
    bucket, _, key = arn.removeprefix(_BUCKET_ARN).partition("/")
    return bucket, key


@dataclass(frozen=True)
class _Request:
    """A request as the emulator hands it to its check of the bucket's owner."""

    method: str
    bucket: str
    key: str
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    body: bytes = b""
    internal: bool = False

    @property
    def arn(self) -> str:
        return f"{_BUCKET_ARN}{self.bucket}/{self.key}" if self.key else f"{_BUCKET_ARN}{self.bucket}"

    @property
    def deletes_many(self) -> bool:
        return self.method == "POST" and not self.key and "delete" in self.query


def _further_needs(request: _Request) -> list[Need]:
    """The permissions AWS asks for next to a request's own: tags, ACLs, and the read that a condition implies."""
    query = set(request.query) - {"x-id"}
    match request.method:
        case "DELETE" if request.key and not query - {"versionId"}:
            return [("s3:GetObject", request.arn)] if request.headers.get("if-match", "*").strip() != "*" else []
        case "PUT" if request.key and not query:
            return list(_needs_of_a_write(request.arn, request.headers))
        case "POST" if request.key and "uploads" in query:
            return list(_needs_of_a_write(request.arn, request.headers))
        case _:
            return []


def _needs_of_a_write(target: str, headers: Mapping[str, str]) -> Iterator[Need]:
    """PutObject, CopyObject and CreateMultipartUpload.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html (ACL, tags)
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (tags of the source)
    """
    if "x-amz-acl" in headers or any(name.startswith("x-amz-grant-") for name in headers):
        yield "s3:PutObjectAcl", target
    if headers.get("x-amz-tagging"):
        yield "s3:PutObjectTagging", target
    source = iam_actions._s3_source_object(headers)
    if source and headers.get("x-amz-tagging-directive", "COPY").upper() == "COPY":
        arn, version = source
        if _has_tags(*_split(arn), version):
            yield "s3:GetObjectVersionTagging" if version else "s3:GetObjectTagging", arn
            yield "s3:PutObjectTagging", target


def _has_tags(bucket: str, key: str, version: str) -> bool:
    owner = s3._bucket_owner_account(bucket)
    if owner is None:
        return False
    with request_scope(owner, get_region()):
        record = s3._buckets[bucket]["objects"].get(key) or {}
        return bool(s3._object_tags.get((bucket, key, version or record.get("version_id"))))


@mends(iam_actions, "s3_additional_checks", "method path headers body query_params")
def writes_need_rights_for_tags_and_acls_too(original: Callable[..., list[Need]], *arguments: Any) -> list[Need]:
    """Tags and ACLs on a write, tags of a copy and the ETag of a conditional delete need a permission each.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
    """
    method, path, headers, body, query = arguments
    bucket, _, key = path.lstrip("/").partition("/")
    return original(*arguments) + _further_needs(_Request(method, bucket, key, headers, query, body))


@mends(iam_actions, "_s3_object_context", "iam_action query_params path headers")
def a_policy_may_ask_for_conditional_writes(original: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """A write's If-None-Match and If-Match are condition keys.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    action, _query, _path, headers = arguments
    found = {f"s3:{name}": headers[name] for name in ("if-match", "if-none-match") if headers.get(name)}
    return original(*arguments) | (found if action == "s3:PutObject" else {})


def owner_allows(need: Need) -> bool:
    """Whether the bucket policy of another account allows the request's caller this."""
    bucket, _key = _split(need[1])
    policy = s3._bucket_policies.get_scoped(s3._bucket_owner_account(bucket), None, bucket)
    return bool(policy) and policy_lets(policy, iam_evaluator.caller_arn(), *need)


def _refused(bucket: str, key: str = "") -> Any:
    return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}" if key else f"/{bucket}")


def _wrong_owner(bucket: str, expected: str | None) -> bool:
    return bool(expected) and s3._bucket_owner_account(bucket) not in (None, expected)


@mends(s3, "_apply_bucket_scope", "method bucket key headers query_params body internal")
def another_account_must_allow_every_part_of_a_request(original: Callable[..., Any], *arguments: Any) -> Any:
    """Across accounts the bucket policy must allow tags, ACLs and the read of a conditional delete too.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-walkthroughs-managing-access-example2.html
    """
    request = _Request(*arguments)
    if request.internal or not extract_access_key_id(request.headers, request.query):
        return original(*arguments)
    caller, owner = get_account_id(), s3._bucket_owner_account(request.bucket)
    if request.deletes_many and owner is not None:  # judged key by key, in `s3_deletes`
        set_request_account_id(owner)
        return None
    denied = original(*arguments)
    if denied is not None:
        return denied
    for action, arn in _further_needs(request):
        bucket, key = _split(arn)
        if s3._bucket_owner_account(bucket) not in (None, caller) and not owner_allows((action, arn)):
            return _refused(bucket, key)
    return None


@mends(s3, "_apply_bucket_scope", "method bucket key headers query_params body internal")
def the_expected_owner_is_checked(original: Callable[..., Any], *arguments: Any) -> Any:
    """A request that names another account as the bucket's owner, or as its source's owner, is refused with 403.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
    """
    request = _Request(*arguments)
    source = iam_actions._s3_source_object(request.headers)
    if _wrong_owner(request.bucket, request.headers.get("x-amz-expected-bucket-owner")):
        return _refused(request.bucket, request.key)
    if source and _wrong_owner(_split(source[0])[0], request.headers.get("x-amz-source-expected-bucket-owner")):
        return _refused(*_split(source[0]))
    return original(*arguments)


@mends(
    s3,
    "handle_request",
    "method path headers body query_params signed_path enforce_bucket_region internal access_point_region access_point",
)
async def who_may_not_list_learns_nothing_about_missing_keys(
    original: Callable[..., Any], method: str, path: str, headers: dict[str, str], *arguments: Any, **named: Any
) -> Any:
    """Without `s3:ListBucket` a missing key or version answers 403 and not 404: GET, HEAD, and the source of a copy.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """
    caller = get_account_id()
    _body, query, *_ = arguments
    response = await original(method, path, headers, *arguments, **named)
    bucket = _bucket_asked_for(method, path, headers, query)
    if response[0] != 404 or bucket is None or named.get("internal") or not _says_no_such_key(method, response[2]):
        return response
    access_key = extract_access_key_id(headers, query)
    if not access_key or iam_evaluator.is_root_access_key(access_key) or _may_list(bucket, access_key, caller):
        return response
    if method == "HEAD":
        return 403, {"Content-Type": "application/xml"}, b""
    return _refused(bucket)


def _bucket_asked_for(method: str, path: str, headers: Mapping[str, str], query: Mapping[str, Any]) -> str | None:
    """The bucket whose key a read or the source of a copy asks for; None for any other request."""
    if method == "PUT":
        source = iam_actions._s3_source_object(headers)
        return _split(source[0])[0] if source else None
    if method not in ("GET", "HEAD") or {q for q in query if not q.startswith("X-Amz-")} - _PLAIN_READ:
        return None
    bucket, key = s3._parse_bucket_key(path, headers)
    return bucket if key else None


def _says_no_such_key(method: str, body: bytes | None) -> bool:
    return method == "HEAD" or any(code in (body or b"") for code in (b"NoSuchKey", b"NoSuchVersion"))


def _may_list(bucket: str, access_key: str, caller: str) -> bool:
    need = ("s3:ListBucket", f"{_BUCKET_ARN}{bucket}")
    return allowed(need, access_key=access_key, caller=caller)


def allowed(need: Need, *, access_key: str, caller: str) -> bool:
    """Whether the request's caller may do this: by its own account's policies, and by the bucket's owner's."""
    action, arn = need
    owner = s3._bucket_owner_account(_split(arn)[0])
    with request_scope(caller, get_region()):
        if iam_evaluator.enforce(access_key, action, "s3", get_region(), resource_arn=arn):
            return False
        return owner in (None, caller) or owner_allows(need)
