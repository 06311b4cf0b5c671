"""What AWS says before and after: whose account, which stacks, which users' roles, what is in a bucket.

In: an `Aws`. Out: plain values. Effects: reads, except `upload_once`, which writes one object.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from data_exports.aws import (
    AWS_EXCEPTIONS,
    Aws,
    AwsAnswer,
    answer_of,
    aws_error_of,
    aws_errors,
    call_or_none,
    code_of,
    reason_of,
)
from data_exports.deploy.deployed import STACK_PREFIX, Deployed, DeployedStack
from data_exports.errors import RefusedError
from data_exports.estate.models import Platform
from data_exports.names import BucketName, RoleName
from data_exports.parallel import map_ordered

ROLES_WORTH_A_LISTING = 100
"""Above so many users, listing the account's roles (1,000 a call) takes fewer calls than asking for each."""


@dataclass(frozen=True, slots=True)
class RoleLookup:
    """Which users' roles do not exist; `not_checked` says why we could not look, and then none counts as missing."""

    missing: frozenset[RoleName] = frozenset()
    not_checked: str = ""
    ids: Mapping[str, RoleName] = field(default_factory=dict, compare=False)
    """The id of each role that was found, by which S3 names uploaders."""


@dataclass(frozen=True, slots=True)
class BucketContents:
    """What a bucket holds; with `is_partial` at least so much."""

    objects: int = 0
    """Versions, each counted."""
    markers: int = 0
    size_bytes: int = 0
    is_partial: bool = False


def check_account(aws: Aws, platform: Platform) -> None:
    """Raise `RefusedError` unless the credentials are of the platform's own account."""
    with aws_errors():
        account, arn = aws.caller()
    if account != platform.account:
        wanted = platform.name_of_account(platform.account)
        raise RefusedError(
            f"the credentials are of account {account} ({arn}); the platform is {wanted}",
            where=str(platform.place.path),
            next_step=f"use credentials of account {platform.account}, or correct platform.account",
        )


def read_deployed(aws: Aws) -> Deployed:
    """The stacks of this region whose names this product uses; raises `AwsError`."""
    with aws_errors():
        found = [
            each for page in stack_pages(aws) for each in page["Stacks"] if each["StackName"].startswith(STACK_PREFIX)
        ]
    return Deployed(tuple(sorted((deployed_stack_of(each) for each in found), key=lambda stack: stack.name)))


def stack_pages(aws: Aws) -> Iterator[Mapping[str, Any]]:
    """Pages of DescribeStacks: every stack of the region that is not deleted."""
    yield from aws.client("cloudformation").get_paginator("describe_stacks").paginate()


def read_stack(aws: Aws, name_or_id: str) -> DeployedStack | None:
    """One stack, or None when AWS has none; a deleted one is found by its id only. Raises botocore's exceptions."""
    answer = call_or_none(lambda: aws.client("cloudformation").describe_stacks(StackName=name_or_id))
    return deployed_stack_of(answer["Stacks"][0]) if answer else None


def deployed_stack_of(description: Mapping[str, Any]) -> DeployedStack:
    """CloudFormation's description of a stack as ours."""
    return DeployedStack(
        name=description["StackName"],
        stack_id=description["StackId"],
        status=description["StackStatus"],
        tags=tuple(sorted((tag["Key"], tag["Value"]) for tag in description.get("Tags", []))),
        status_reason=description.get("StackStatusReason", ""),
    )


def read_missing_roles(aws: Aws, users: Iterable[RoleName]) -> RoleLookup:
    """Look each user's role up; raises `AwsError` for anything but "there is none" and "you may not ask"."""
    names = sorted(set(users))
    if len(names) > ROLES_WORTH_A_LISTING and (existing := _list_roles(aws)) is not None:
        ids = {existing[name]: name for name in names if name in existing}
        return RoleLookup(frozenset(names) - set(existing), ids=ids)
    answers = dict(zip(names, map_ordered(lambda name: _lookup_role(aws, name), names), strict=True))
    forbidden = next(
        (each for each in answers.values() if isinstance(each, Exception) and answer_of(each) is AwsAnswer.FORBIDDEN),
        None,
    )
    if forbidden:
        return RoleLookup(not_checked=reason_of(forbidden))
    ids = {identifier: name for name, identifier in answers.items() if isinstance(identifier, str) and identifier}
    return RoleLookup(frozenset(name for name, each in answers.items() if isinstance(each, Exception)), ids=ids)


def _list_roles(aws: Aws) -> dict[str, str] | None:
    """Name → id of the account's roles, or None when we may not list them."""
    pages = aws.client("iam").get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 1000})
    with aws_errors():
        return call_or_none(
            lambda: {role["RoleName"]: role.get("RoleId", "") for page in pages for role in page["Roles"]},
            AwsAnswer.FORBIDDEN,
        )


def _lookup_role(aws: Aws, user: RoleName) -> Exception | str:
    """The role's id; AWS's refusal when there is none, or we may not ask."""
    try:
        return str(aws.client("iam").get_role(RoleName=str(user))["Role"]["RoleId"])
    except AWS_EXCEPTIONS as error:
        if answer_of(error) in (AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN):
            return error
        raise aws_error_of(error, where=f"role {user}") from error


def upload_once(aws: Aws, bucket: BucketName, key: str, body: bytes, *, account: str) -> bool:
    """Store the object unless the key exists; its name holds its digest, so what is there is right. Whether it was new.

    Raises botocore's exceptions.
    """
    s3 = aws.client("s3")
    where: dict[str, Any] = {"Bucket": str(bucket), "Key": key, "ExpectedBucketOwner": account}
    may_be_none = (AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN)  # 403: may not list, so may not know
    if call_or_none(lambda: s3.head_object(**where)["ContentLength"], *may_be_none) == len(body):
        return False
    s3.put_object(**where, Body=body)
    return True


def write_if_other(aws: Aws, bucket: BucketName, key: str, body: bytes, *, account: str) -> None:
    """Store JSON under a key that keeps its name, unless it holds these very bytes. Raises botocore's exceptions."""
    if read_stored(aws, bucket, key, AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN, account=account) != body:
        aws.client("s3").put_object(
            Bucket=str(bucket), Key=key, ExpectedBucketOwner=account, Body=body, ContentType="application/json"
        )


def read_stored(
    aws: Aws, bucket: BucketName, key: str, *refused: AwsAnswer, account: str, most: int | None = None
) -> bytes | None:
    """What lies under a key, the first `most` bytes; None when nothing does, or AWS answers so.

    Raises botocore's exceptions.
    """
    where: dict[str, Any] = {"Bucket": str(bucket), "Key": key, "ExpectedBucketOwner": account}
    answers = refused or (AwsAnswer.NOT_FOUND,)
    found = call_or_none(lambda: aws.client("s3").get_object(**where), *answers)
    body: bytes | None = None if found is None else found["Body"].read(most)
    return body


def read_bucket_tags(aws: Aws, bucket: str, *, account: str) -> dict[str, str] | None:
    """The bucket's tags, or None when this account has no such bucket. Raises botocore's exceptions."""
    try:
        answer = aws.client("s3").get_bucket_tagging(Bucket=bucket, ExpectedBucketOwner=account)
    except AWS_EXCEPTIONS as error:
        if code_of(error) == "NoSuchTagSet":
            return {}
        if answer_of(error) is AwsAnswer.NOT_FOUND:
            return None
        raise
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def prefix_of_rule(rule: Mapping[str, Any]) -> str:
    """The prefix that a notification rule of a bucket is for; ``""`` when it is for every key."""
    filters = rule.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return next((str(each["Value"]) for each in filters if each["Name"].lower() == "prefix"), "")


def read_contents(aws: Aws, bucket: str, *, prefix: str = "", at_most: int = 50_000) -> BucketContents | None:
    """What the bucket holds under a prefix, or None when there is no such bucket; stops at so many versions.

    Raises botocore's exceptions.
    """
    contents = BucketContents()
    try:
        for page in version_pages(aws, bucket, prefix=prefix):
            contents = contents_of(page, before=contents)
            if contents.objects + contents.markers >= at_most:
                return replace(contents, is_partial=bool(page.get("IsTruncated")))
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is AwsAnswer.NOT_FOUND:
            return None
        raise
    return contents


def contents_of(page: Mapping[str, Any], *, before: BucketContents) -> BucketContents:
    """What is on this page of ListObjectVersions, and on those before it."""
    versions = page.get("Versions", [])
    return BucketContents(
        before.objects + len(versions),
        before.markers + len(page.get("DeleteMarkers", [])),
        before.size_bytes + sum(version["Size"] for version in versions),
    )


def version_pages(aws: Aws, bucket: str, *, prefix: str = "") -> Iterator[Mapping[str, Any]]:
    """Pages of ListObjectVersions."""
    yield from aws.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)


def count_current(aws: Aws, bucket: str, prefix: str, *, at_most: int = 10_000) -> int:
    """How many objects are visible under the prefix, counted up to `at_most`; 0 when there is no such bucket."""
    count = 0
    try:
        pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            count += page["KeyCount"]
            if count >= at_most:
                break
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is not AwsAnswer.NOT_FOUND:
            raise
    return count
