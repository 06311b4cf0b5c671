"""A stack made around what exists: first the bare stack that adopts it, then everything else by an update.

In: a `Stack` and what exists of it. Out: the bare stack; what stands in the update's way, taken away. Effects of
`remove_conflicts`: deletes the function, the bucket's policy, and every right of the mover's role that is not ours; it
is fine to run again.

CloudFormation adopts a resource without changing it: what the bare stack says of it must be what it is named by, no
more, so that the update applies all the rest. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data_exports.aws import Aws, call_or_none
from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.plan.planning import Existing, ExistingKind
from data_exports.estate.models import Platform
from data_exports.names import BucketName
from data_exports.stacks.stack import ADOPTING_KEY, ADOPTING_TAG, DIGEST_TAG, METADATA_KEY, Stack, body_of, digest_of

_BUCKET = "AWS::S3::Bucket"
_BUCKET_POLICY = "AWS::S3::BucketPolicy"
_ROLE = "AWS::IAM::Role"
_FUNCTION = "AWS::Lambda::Function"
_ADOPTED_BY: Mapping[str, tuple[ExistingKind, str, tuple[str, ...]]] = {
    _BUCKET: (ExistingKind.BUCKET, "BucketName", ()),
    _ROLE: (ExistingKind.ROLE, "RoleName", ("AssumeRolePolicyDocument", "Path")),
    _FUNCTION: (ExistingKind.FUNCTION, "FunctionName", ()),
    "AWS::Logs::LogGroup": (ExistingKind.LOG_GROUP, "LogGroupName", ()),
}
"""Type → its kind, the property that names it, and those that CloudFormation demands or cannot change later."""


def import_stack_of(stack: Stack, existing: Sequence[Existing]) -> Stack:
    """The stack with nothing but the names of what it adopts; what is made anew comes later, and what needs it.

    What needs an adopted role comes later, too: the role has no right of ours yet.
    """
    template = json.loads(stack.body)
    there = {(each.kind, each.name) for each in existing}
    resources: dict[str, Any] = template["Resources"]
    later: set[str] = set()
    roles: set[str] = set()
    for logical_id, resource in resources.items():
        kind, name, kept = _ADOPTED_BY.get(resource["Type"], (None, "", ()))
        if resource["Type"] == _BUCKET_POLICY:  # `remove_conflicts` takes whatever policy the stack's buckets have
            later.add(logical_id)
        elif kind and (kind, resource["Properties"][name]) in there:
            later |= {logical_id} if kind is ExistingKind.FUNCTION else set()
            roles |= {logical_id} if kind is ExistingKind.ROLE else set()
            resources[logical_id] = _bare(resource, keep={name, *kept})
    later = _with_dependents(resources, later | roles) - roles
    template["Resources"] = {key: value for key, value in resources.items() if key not in later}
    template.pop("Outputs", None)
    template["Metadata"][METADATA_KEY][ADOPTING_KEY] = True
    body = body_of(template)
    tags = dict(stack.tags) | {DIGEST_TAG: digest_of(body), ADOPTING_TAG: "true"}  # if we end here, deploy goes on
    return replace(stack, body=body, tags=tuple(sorted(tags.items())))


def _bare(resource: Mapping[str, Any], *, keep: set[str]) -> dict[str, Any]:
    properties = {key: value for key, value in resource["Properties"].items() if key in keep}
    return {
        "Type": resource["Type"],
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": properties,
    }


def _with_dependents(resources: Mapping[str, Any], gone: set[str]) -> set[str]:
    """These resources, and all that refer to one of them, directly or not."""
    found = set(gone)
    while True:
        more = {key for key, value in resources.items() if key not in found and found & set(_references_in(value))}
        if not more:
            return found
        found |= more


def _references_in(value: Any) -> Iterator[str]:
    """The logical ids that a piece of a template refers to."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case dict():
            depends = value.get("DependsOn", [])
            yield from [depends] if isinstance(depends, str) else depends
            for each in value.values():
                yield from _references_in(each)
        case list():
            for each in value:
                yield from _references_in(each)


# --- between the bare stack and the whole one -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemovedPolicies:
    """What was taken away and can be put back: the policies of buckets."""

    bucket_policies: Mapping[BucketName, str]


def is_adopting(aws: Aws, deployed: DeployedStack) -> bool:
    """Whether an adoption has begun and is not finished. Raises botocore's exceptions."""
    if not deployed.was_rolled_back:
        return deployed.is_adopting
    body: Any = aws.client("cloudformation").get_template(StackName=deployed.stack_id)["TemplateBody"]
    template = body if isinstance(body, dict) else json.loads(body)  # botocore reads JSON templates itself
    return ADOPTING_KEY in template.get("Metadata", {}).get(METADATA_KEY, {})


def remove_conflicts(aws: Aws, platform: Platform, stack: Stack) -> RemovedPolicies:
    """Take away what the whole stack will put in place itself. Raises botocore's exceptions."""
    policies = {}
    for resource in json.loads(stack.body)["Resources"].values():
        properties = resource["Properties"]
        if resource["Type"] == _FUNCTION:
            _delete_function(aws, properties["FunctionName"])
        elif resource["Type"] == _ROLE:
            _keep_only_our_rights(aws, properties)
    for bucket in stack.buckets:
        policy = _take_policy(aws, platform, bucket)
        if policy:
            policies[bucket] = policy
    return RemovedPolicies(policies)


def restore_policies(aws: Aws, platform: Platform, cleared: RemovedPolicies) -> None:
    """Give the buckets their policies back, where the whole stack has not put its own. Raises botocore's exceptions."""
    s3 = aws.client("s3")
    for bucket, policy in cleared.bucket_policies.items():
        where: dict[str, Any] = {"Bucket": str(bucket), "ExpectedBucketOwner": str(platform.account)}
        if _read_policy(s3, where) is None:
            s3.put_bucket_policy(**where, Policy=policy)


def _delete_function(aws: Aws, name: str) -> None:
    call_or_none(lambda: aws.client("lambda").delete_function(FunctionName=name))


def _keep_only_our_rights(aws: Aws, properties: Mapping[str, Any]) -> None:
    """Remove what others gave the role: policies that are not ours, and whoever else may take it on."""
    iam, name = aws.client("iam"), properties["RoleName"]
    ours = {policy["PolicyName"] for policy in properties.get("Policies", [])}
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=name):
        for policy in set(page["PolicyNames"]) - ours:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for attached_page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
        for attached in attached_page["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]))


def _take_policy(aws: Aws, platform: Platform, bucket: BucketName) -> str | None:
    """Remove the bucket's policy, which CloudFormation would not put its own over; what it was, or None.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucketpolicy.html
    """
    s3, where = aws.client("s3"), {"Bucket": str(bucket), "ExpectedBucketOwner": str(platform.account)}
    policy = _read_policy(s3, where)
    if policy is not None:
        s3.delete_bucket_policy(**where)
    return policy


def _read_policy(s3: Any, where: Mapping[str, str]) -> str | None:
    return call_or_none(lambda: str(s3.get_bucket_policy(**where)["Policy"]), "NoSuchBucketPolicy")
