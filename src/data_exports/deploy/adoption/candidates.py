"""What exists before the stack that is to hold it: what a plan would adopt, and what it must not.

In: a plan. Out: the plan with what each new stack finds in place, blocked where that is another's. Effects: reads
buckets, roles, functions and log groups, for stacks that are still to be created only.

A bucket is adopted with its data, and a mover's role with its unique id: a recipient's bucket policy that names the
role is bound to that id, and would not let in a role made anew under the same name. A function holds nothing, so it is
made anew.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, aws_error_of, call_or_none
from data_exports.deploy.plan.planning import Action, Existing, ExistingBucket, ExistingKind, Plan, StackStep
from data_exports.deploy.remote import prefix_of_rule, read_bucket_tags
from data_exports.estate.models import Platform
from data_exports.names import BucketName
from data_exports.parallel import map_ordered
from data_exports.stacks.stack import DATASET_TAG, DIGEST_TAG, HUB_TAG, METADATA_KEY, Stack, Wave

_MAY_HOLD_RESOURCES = ("DELETE_FAILED", "CREATE_FAILED")
"""Statuses of a stack to be replaced whose resources may still be there: they go with it."""
_NONE_TO_SEE = (AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN)
"""What we may not look at counts as not there: CloudFormation says then what it finds."""


class AnothersError(Exception):
    """What exists under a name that we need belongs to somebody else; `next_step` says what to do."""

    def __init__(self, reason: str, *, next_step: str) -> None:
        super().__init__(reason)
        self.next_step = next_step


def with_takeovers(plan: Plan, aws: Aws, platform: Platform) -> Plan:
    """The plan, with what each stack that is to be created finds in place. Raises `AwsError`."""
    return replace(plan, steps=tuple(map_ordered(lambda step: _with_takeover(step, aws, platform), plan.steps)))


def _with_takeover(step: StackStep, aws: Aws, platform: Platform) -> StackStep:
    if step.action not in (Action.CREATE, Action.REPLACE) or not step.stack:
        return step
    is_held = step.deployed is not None and step.deployed.status in _MAY_HOLD_RESOURCES
    try:
        found = tuple(_read_existing(aws, platform, step.stack, buckets_only=is_held))
    except AnothersError as objection:
        return replace(step, action=Action.BLOCKED, reason=str(objection), next_step=objection.next_step)
    except AWS_EXCEPTIONS as error:
        raise aws_error_of(error, where=step.name) from error
    said = [_in_words(each) for each in found if each.kind is ExistingKind.BUCKET or each.needs_consent]
    opened = next(
        (each for each in found if step.dataset and each.kind is ExistingKind.BUCKET and not each.needs_consent), None
    )
    return replace(
        step,
        existing=found,
        takes_over=ExistingBucket(BucketName(opened.name), opened.holds_data) if opened else None,
        reason="; ".join(filter(None, [step.reason, *said])),
    )


def _in_words(existing: Existing) -> str:
    match existing.kind:
        case ExistingKind.BUCKET:
            verb = "adopts" if existing.needs_consent else "takes over"
            what = f"the bucket {existing.name}, which holds data" if existing.holds_data else existing.in_words
            if existing.lets_in:
                what += f" (its policy, which is replaced, lets in {', '.join(existing.lets_in)})"
            if existing.loses_rules:
                lost = ", ".join(prefix or "everything" for prefix in existing.loses_rules)
                what += f" (WARNING: no push dataset is declared that would deliver, as its rules do now: {lost})"
            return f"{verb} {what}"
        case ExistingKind.FUNCTION:
            return f"makes {existing.in_words} anew"
        case _:
            return f"adopts {existing.in_words}"


# --- what is there --------------------------------------------------------------------------------------------------


def _read_existing(aws: Aws, platform: Platform, stack: Stack, *, buckets_only: bool) -> Iterator[Existing]:
    """What of the stack's named resources is there already.

    Raises `AnothersError` for what belongs to somebody else, and botocore's exceptions.
    """
    for bucket in stack.buckets:
        found = _read_bucket(aws, platform, stack, bucket)
        if found:
            yield found
    if buckets_only:
        return
    for resource in json.loads(stack.body)["Resources"].values():
        named = _NAMED.get(resource["Type"])
        if named:
            kind, name_property, exists = named
            properties = resource["Properties"]
            if exists(aws, properties):
                yield Existing(kind, properties[name_property])


def _read_bucket(aws: Aws, platform: Platform, stack: Stack, bucket: BucketName) -> Existing | None:
    """The bucket, or None when this account has none of this name."""
    s3, where = aws.client("s3"), {"Bucket": str(bucket), "ExpectedBucketOwner": str(platform.account)}
    if call_or_none(lambda: s3.head_bucket(**where), *_NONE_TO_SEE) is None:  # 403: the bucket is another account's
        return None
    tags = read_bucket_tags(aws, bucket, account=platform.account) or {}
    _check_whose(stack, bucket, tags)
    tag = DATASET_TAG if stack.dataset else DIGEST_TAG
    policy = _read_policy(aws, platform, bucket)
    return Existing(
        ExistingKind.BUCKET,
        bucket,
        is_ours=tag in tags and policy is None,
        holds_data=_holds_data(aws, where),
        lets_in=tuple(sorted(_let_in_by(policy))) if policy else (),
        loses_rules=tuple(sorted(_rules_lost(aws, stack, where))) if stack.wave is Wave.HUB else (),
    )


def _check_whose(stack: Stack, bucket: BucketName, tags: Mapping[str, str]) -> None:
    """Raise `AnothersError` if the bucket's tags name another dataset or another estate."""
    dataset, hub = tags.get(DATASET_TAG), tags.get(HUB_TAG, stack.hub)
    if dataset and dataset != (stack.dataset or ""):
        raise AnothersError(
            f"the bucket {bucket} exists, and belongs to the dataset {dataset}",
            next_step=f"choose another name; or, to have it taken over, tag it {DATASET_TAG}={stack.dataset}",
        )
    if hub != stack.hub:
        raise AnothersError(
            f"the bucket {bucket} exists, and belongs to the estate whose hub is {hub}",
            next_step=f"choose another name; or, to have it taken over, tag it {HUB_TAG}={stack.hub}",
        )


def _holds_data(aws: Aws, where: Mapping[str, Any]) -> bool:
    s3 = aws.client("s3")
    page = call_or_none(lambda: s3.list_object_versions(**where, MaxKeys=1), AwsAnswer.FORBIDDEN)
    return page is None or bool(page.get("Versions") or page.get("DeleteMarkers"))


def _read_policy(aws: Aws, platform: Platform, bucket: BucketName) -> dict[str, Any] | None:
    s3, where = aws.client("s3"), {"Bucket": str(bucket), "ExpectedBucketOwner": str(platform.account)}
    answer = call_or_none(lambda: s3.get_bucket_policy(**where), "NoSuchBucketPolicy")
    return None if answer is None else dict(json.loads(answer["Policy"]))


def _rules_lost(aws: Aws, stack: Stack, where: Mapping[str, Any]) -> set[str]:
    """The prefixes of the hub's rules that its stack has none for."""
    answer: Mapping[str, Any] = aws.client("s3").get_bucket_notification_configuration(**where)
    kinds = ("LambdaFunctionConfigurations", "QueueConfigurations", "TopicConfigurations")
    now = {prefix_of_rule(rule) for kind in kinds for rule in answer.get(kind, [])}
    template = json.loads(stack.body)
    return now - {f"{name}/" for name in template["Metadata"][METADATA_KEY].get("push_datasets", [])}


def _let_in_by(policy: Mapping[str, Any]) -> set[str]:
    """Everybody whom a statement of the policy allows anything, as it names them."""
    found: set[str] = set()
    for statement in _listed(policy["Statement"]):
        if statement["Effect"] == "Allow":
            principal = statement.get("Principal", "everybody but some")
            groups = principal.values() if isinstance(principal, dict) else [principal]
            found.update(name for group in groups for name in _listed(group))
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _role_exists(aws: Aws, properties: Mapping[str, Any]) -> bool:
    """Whether the role is there. Raises `AnothersError` when it stands under another path: its ARN is another, too."""
    name, path = properties["RoleName"], properties["Path"]
    role = call_or_none(lambda: aws.client("iam").get_role(RoleName=name)["Role"], *_NONE_TO_SEE)
    if role is None:
        return False
    if role["Path"] != path:
        raise AnothersError(
            f"a role {name} exists under the path {role['Path']}; recipients name it under {path}",
            next_step=f"delete or rename the role {role['Arn']}, then deploy again",
        )
    return True


def _function_exists(aws: Aws, properties: Mapping[str, Any]) -> bool:
    client, name = aws.client("lambda"), properties["FunctionName"]
    return call_or_none(lambda: client.get_function_configuration(FunctionName=name), *_NONE_TO_SEE) is not None


def _log_group_exists(aws: Aws, properties: Mapping[str, Any]) -> bool:
    logs, name = aws.client("logs"), properties["LogGroupName"]
    found = call_or_none(lambda: logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"], *_NONE_TO_SEE)
    return any(group["logGroupName"] == name for group in found or ())


_NAMED = {
    "AWS::IAM::Role": (ExistingKind.ROLE, "RoleName", _role_exists),
    "AWS::Lambda::Function": (ExistingKind.FUNCTION, "FunctionName", _function_exists),
    "AWS::Logs::LogGroup": (ExistingKind.LOG_GROUP, "LogGroupName", _log_group_exists),
}
"""Type of resource → what we call it, the property that names it, and whether one of that name exists."""
