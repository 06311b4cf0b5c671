"""Buckets that exist before their stacks: which a plan would take over, and whether they may be.

In: a plan, or a stack and the names of buckets it would adopt. Out: the plan with what it takes over, or the reason
against adopting. Effects: reads buckets.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from botocore.exceptions import BotoCoreError, ClientError

from data_exports.aws import Aws, AwsAnswer, answer_of, aws_error_of, code_of
from data_exports.deploy.plan import Action, ExistingBucket, Plan, Step
from data_exports.deploy.remote import read_bucket_tags
from data_exports.estate.models import Platform
from data_exports.names import BucketName
from data_exports.stacks.stack import DATASET_TAG, DIGEST_TAG, HUB_TAG, Stack, body_of, digest_of


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a bucket is not adopted, and what to do."""

    reason: str
    next_step: str


def with_takeovers(plan: Plan, aws: Aws, platform: Platform) -> Plan:
    """The plan, with the bucket that each new pull dataset would take over. Raises `AwsError`."""
    return replace(plan, steps=tuple(_with_takeover(step, aws, platform) for step in plan.steps))


def objection_to_adopting(aws: Aws, platform: Platform, stack: Stack, buckets: Iterable[str]) -> Objection | None:
    """Why these buckets may not become the stack's own, or None when they may. Raises botocore's exceptions."""
    return next(filter(None, (_objection(aws, platform, stack, bucket) for bucket in buckets)), None)


def with_bare_resources(stack: Stack, adopted: Mapping[str, str]) -> Stack:
    """The same stack with nothing but the names of the buckets that are adopted (logical id → name)."""
    template = json.loads(stack.body)
    for logical_id, name in adopted.items():
        template["Resources"][logical_id]["Properties"] = {"BucketName": name}
    body = body_of(template)
    tags = dict(stack.tags) | {DIGEST_TAG: digest_of(body)}  # not the full template's: if we end here, deploy goes on
    return replace(stack, body=body, tags=tuple(sorted(tags.items())))


def _with_takeover(step: Step, aws: Aws, platform: Platform) -> Step:
    if step.action not in (Action.CREATE, Action.REPLACE) or not step.dataset or not step.stack:
        return step
    for bucket in step.stack.buckets:
        found = _read_existing(aws, platform, bucket)
        if found:
            what = f"the bucket {bucket}, which holds data" if found.holds_data else f"the empty bucket {bucket}"
            return replace(step, takes_over=found, reason="; ".join(filter(None, [step.reason, f"takes over {what}"])))
    return step


def _read_existing(aws: Aws, platform: Platform, bucket: BucketName) -> ExistingBucket | None:
    """The bucket, or None when this account has none of this name. Raises `AwsError`."""
    s3, where = aws.client("s3"), {"Bucket": str(bucket), "ExpectedBucketOwner": str(platform.account)}
    try:
        s3.head_bucket(**where)
    except (ClientError, BotoCoreError) as error:
        if answer_of(error) in (AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN):  # 403: the bucket is another account's
            return None
        raise aws_error_of(error, where=f"bucket {bucket}") from error
    try:
        page = s3.list_object_versions(**where, MaxKeys=1)
    except (ClientError, BotoCoreError) as error:
        if answer_of(error) is AwsAnswer.FORBIDDEN:
            return ExistingBucket(bucket, holds_data=True)
        raise aws_error_of(error, where=f"bucket {bucket}") from error
    return ExistingBucket(bucket, holds_data=bool(page.get("Versions") or page.get("DeleteMarkers")))


def _objection(aws: Aws, platform: Platform, stack: Stack, bucket: str) -> Objection | None:
    """Only what an earlier stack left is adopted: our policy would let outsiders at somebody's data."""
    tag, value = (DATASET_TAG, str(stack.dataset)) if stack.dataset else (DIGEST_TAG, "")
    tags = _tags_of(aws, platform, bucket)
    found, hub = tags.get(tag), tags.get(HUB_TAG, stack.hub)
    if found is None or (value and found != value):
        return Objection(
            f"the bucket {bucket} exists, and nothing shows that it was made for this",
            f"choose another name; or, to have it taken over, tag it {tag}={value or 'adopt'}",
        )
    if hub != stack.hub:
        return Objection(
            f"the bucket {bucket} exists, and belongs to the estate whose hub is {hub}",
            f"choose another name; or, to have it taken over, tag it {HUB_TAG}={stack.hub}",
        )
    # CloudFormation does not put its policy over one that it did not make.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucketpolicy.html
    if _has_policy(aws, platform, bucket):
        return Objection(
            f"the bucket {bucket} exists, and has a bucket policy of its own",
            f"look at that policy, then remove it: `aws s3api delete-bucket-policy --bucket {bucket}`",
        )
    return None


def _tags_of(aws: Aws, platform: Platform, bucket: str) -> dict[str, str]:
    """The bucket's tags; none when it is another account's."""
    try:
        return read_bucket_tags(aws, bucket, account=platform.account) or {}
    except ClientError as error:
        if answer_of(error) is not AwsAnswer.FORBIDDEN:
            raise
        return {}


def _has_policy(aws: Aws, platform: Platform, bucket: str) -> bool:
    try:
        aws.client("s3").get_bucket_policy(Bucket=bucket, ExpectedBucketOwner=str(platform.account))
    except ClientError as error:
        if code_of(error) == "NoSuchBucketPolicy":
            return False
        raise
    return True
