"""The rights that a stack gave roles, compared with what the roles have.

In: an `Aws` and a template. Out: sentences. Effects: reads roles and their policies.

CloudFormation does not look at the policies that it put on roles it did not make.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from data_exports.aws import Aws, call_or_none
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.policies import policy_differences_of, rights_of
from data_exports.estate.models import Platform


def check_roles(aws: Aws, template: DeployedTemplate) -> Iterator[str]:
    """What differs in the mover's role and in the users' policies. Raises botocore's exceptions."""
    for _, properties in template.resources("AWS::IAM::Role"):
        yield from _drift_of_own_role(aws, properties)
    for _, properties in template.resources("AWS::IAM::Policy"):
        name = properties["PolicyName"]
        for role in properties["Roles"]:
            found = _inline_policy(aws, role, name)
            if found is None:
                is_there = _role(aws, role) is not None
                yield f"the role {role}: its policy {name} is gone" if is_there else f"the role {role} is gone"
                continue
            for said in policy_differences_of(properties["PolicyDocument"], found):
                yield f"the role {role}: its policy {name} {said}"


def policies_given_by(template: DeployedTemplate) -> Iterator[tuple[str, str]]:
    """Role and policy name of each policy that the stack puts on users' roles."""
    for _, properties in template.resources("AWS::IAM::Policy"):
        for role in properties["Roles"]:
            yield str(role), str(properties["PolicyName"])


def check_undeclared_access(aws: Aws, platform: Platform, role: str, *, ours: Collection[str]) -> Iterator[str]:
    """Inline policies of a user's role that reach our buckets, and that no stack put there.

    Raises botocore's exceptions.
    """
    iam = aws.client("iam")
    buckets = (platform.hub_bucket.arn, platform.log_bucket.arn, f"arn:aws:s3:::{platform.pull_bucket_prefix}")
    pages = _pages(iam, "list_role_policies", role)
    names = call_or_none(lambda: [name for page in pages for name in page["PolicyNames"]]) or ()
    for name in sorted(set(names) - set(ours)):
        policy = _inline_policy(aws, role, name) or {}
        reached = {
            right.resource
            for right in rights_of(policy)
            if right.effect == "Allow" and right.resource.startswith(buckets)
        }
        if reached:
            yield f"the role {role}: its policy {name}, which no dataset declares, reaches {', '.join(sorted(reached))}"


def _drift_of_own_role(aws: Aws, properties: Mapping[str, Any]) -> Iterator[str]:
    name, iam = properties["RoleName"], aws.client("iam")
    role = _role(aws, name)
    if role is None:
        yield f"the role {name} is gone"
        return
    for said in policy_differences_of(properties["AssumeRolePolicyDocument"], role["AssumeRolePolicyDocument"]):
        yield f"the role {name}: its trust policy {said}"
    wanted = {policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies", [])}
    there = {each for page in _pages(iam, "list_role_policies", name) for each in page["PolicyNames"]}
    for policy in sorted(there - set(wanted)):
        yield f"the role {name}: it has another policy, {policy}"
    for policy, document in sorted(wanted.items()):
        found = _inline_policy(aws, name, policy)
        if found is None:
            yield f"the role {name}: its policy {policy} is gone"
            continue
        for said in policy_differences_of(document, found):
            yield f"the role {name}: its policy {policy} {said}"
    for page in _pages(iam, "list_attached_role_policies", name):
        for attached in page["AttachedPolicies"]:
            yield f"the role {name}: the policy {attached['PolicyArn']} is attached to it"


def _role(aws: Aws, name: str) -> dict[str, Any] | None:
    return call_or_none(lambda: dict(aws.client("iam").get_role(RoleName=name)["Role"]))


def _inline_policy(aws: Aws, role: str, name: str) -> dict[str, Any] | None:
    iam = aws.client("iam")
    found: Any = call_or_none(lambda: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    return None if found is None else dict(found)  # botocore has decoded it


def _pages(iam: Any, operation: str, role: str) -> Iterator[dict[str, Any]]:
    yield from iam.get_paginator(operation).paginate(RoleName=role)
