"""Whether the names in declarations stand for something: users' roles that do not exist, target buckets of others.

In: drafts, and an `Aws` with any rights. Out: findings at the names. Effects: reads AWS. AWS tells not everything to
everybody; what it does not tell is a warning of its own, and never taken for yes or no:

- ``HeadBucket`` answers 404 when nobody has the bucket and 403 when somebody has it and we may not list it.
- With ``x-amz-expected-bucket-owner`` it answers 403, too, when the owner is another one. So a 403 tells something
  about the owner only to somebody who may list the bucket.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

from collections.abc import Iterator
from difflib import SequenceMatcher
from enum import Enum, auto

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, aws_errors, call_or_none
from data_exports.deploy.remote import check_account, read_missing_roles
from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.field_types import Located
from data_exports.estate.findings import Finding, warning
from data_exports.estate.models import Platform
from data_exports.names import AccountId, BucketName, RoleName
from data_exports.parallel import map_ordered

SLIP_LETTERS = 2
"""How many letters a slip of the pen adds, drops or (counted twice) exchanges."""


class Ownership(Enum):
    """What AWS tells about a bucket and the account that should own it."""

    RIGHT = auto()
    """It exists; its owner is the account, or none was asked for."""
    WRONG = auto()
    MISSING = auto()
    NOT_TOLD = auto()
    """It exists, and AWS does not tell us whose it is."""


def check_existence(draft: EstateDraft, platform: Platform, aws: Aws) -> tuple[Finding, ...]:
    """Every finding that only AWS can tell, sorted. Raises `AwsError`, and `RefusedError` in another account."""
    check_account(aws, platform)
    return tuple(sorted([*_check_roles(draft, aws), *_check_targets(draft, platform, aws)]))


# --- users' roles --------------------------------------------------------------------------------------------------


def _check_roles(draft: EstateDraft, aws: Aws) -> Iterator[Finding]:
    users = list(draft.users())
    lookup = read_missing_roles(aws, (user.value for user in users))
    if lookup.not_checked and (patterns := draft.setting(f.USER_ROLES)):
        place = patterns[0].place
        message = f"whether the users' roles exist is not known: {lookup.not_checked}"
        yield warning(place, Code.NOT_TOLD, message, "use credentials that may do iam:GetRole")
    roles = _role_names(aws) if lookup.missing else []
    for user in users:
        if user.value in lookup.missing:
            message = f"there is no role {user.value}"
            yield Finding(user.place, Code.NO_SUCH_ROLE, message, _role_hint(user.value, roles))


def _role_hint(user: RoleName, roles: list[str]) -> str:
    near = min(roles, key=lambda role: _distance(user, role), default="")
    if near and _distance(user, near) <= SLIP_LETTERS:
        return f"did you mean {near!r}?"
    return "correct the name, or deploy again once the role exists"


def _distance(one: str, other: str) -> int:
    """Letters that are in one of the two only; upper and lower case are one."""
    alike = SequenceMatcher(None, one.lower(), other.lower()).get_matching_blocks()
    return len(one) + len(other) - 2 * sum(block.size for block in alike)


def _role_names(aws: Aws) -> list[str]:
    """The account's roles, for hints; none if we may not list them."""
    pages = aws.client("iam").get_paginator("list_roles").paginate()
    with aws_errors():
        return call_or_none(lambda: [r["RoleName"] for page in pages for r in page["Roles"]], AwsAnswer.FORBIDDEN) or []


# --- target buckets ------------------------------------------------------------------------------------------------


def _check_targets(draft: EstateDraft, platform: Platform, aws: Aws) -> Iterator[Finding]:
    declared = [(dataset[f.TARGET_BUCKET], dataset[f.TARGET_ACCOUNT]) for dataset in draft.push]
    targets = [(bucket, owner, owner.value if owner else None) for bucket, owner in declared if bucket]
    own = _own_buckets(aws)
    pairs = list({(bucket.value, account) for bucket, _, account in targets})
    found = map_ordered(lambda pair: _ownership_of(aws, *pair, own=own, platform=platform), pairs)
    answers = dict(zip(pairs, found, strict=True))
    for bucket, owner, account in targets:
        yield from _about_target(bucket, owner, answers[bucket.value, account], platform)


def _about_target(
    target: Located[BucketName], owner: Located[AccountId] | None, ownership: Ownership, platform: Platform
) -> Iterator[Finding]:
    bucket, bucket_place = target.value, target.place
    account, place = (owner.value, owner.place) if owner else (None, bucket_place)
    named = platform.name_of_account(account) if account else "the recipient"
    match ownership:
        case Ownership.MISSING:
            message = f"there is no bucket {bucket}"
            hint = "correct the name, or ask the recipient to make the bucket"
            yield Finding(bucket_place, Code.NO_SUCH_BUCKET, message, hint)
        case Ownership.WRONG:
            message = f"the bucket {bucket} does not belong to {named}"
            hint = "ask the recipient which bucket and which account are theirs; until then nothing is delivered"
            yield Finding(place, Code.OTHER_OWNER, message, hint)
        case Ownership.NOT_TOLD:
            message = f"the bucket {bucket} exists; whether it belongs to {named}, AWS does not tell us"
            hint = "no delivery goes to another owner; once deployed, `exports probe` tells whether it is right"
            yield warning(place, Code.NOT_TOLD, message, hint)
        case Ownership.RIGHT:
            pass


def _ownership_of(
    aws: Aws, bucket: BucketName, account: AccountId | None, *, own: frozenset[str], platform: Platform
) -> Ownership:
    if bucket in own and account is not None:
        return Ownership.RIGHT if account == platform.account else Ownership.WRONG
    match _head(aws, bucket, None):
        case AwsAnswer.NOT_FOUND:
            return Ownership.MISSING
        case None:
            if account is None or _head(aws, bucket, account) is None:
                return Ownership.RIGHT
            return Ownership.WRONG
        case _:
            return Ownership.RIGHT if account is None else Ownership.NOT_TOLD


def _head(aws: Aws, bucket: BucketName, owner: AccountId | None) -> AwsAnswer | None:
    """AWS's refusal to show us the bucket, or None when it shows it. Raises `AwsError` for refusals of another kind."""
    try:
        aws.client("s3").head_bucket(Bucket=str(bucket), **({"ExpectedBucketOwner": str(owner)} if owner else {}))
    except AWS_EXCEPTIONS as error:
        answer = answer_of(error)
        if answer in (AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN):
            return answer
        raise aws_error_of(error, where=f"bucket {bucket}") from error
    return None


def _own_buckets(aws: Aws) -> frozenset[str]:
    """The buckets of the platform's own account, as far as we may list them."""
    with aws_errors():
        found = call_or_none(aws.client("s3").list_buckets, AwsAnswer.FORBIDDEN)
    return frozenset(bucket["Name"] for bucket in found["Buckets"]) if found else frozenset()
