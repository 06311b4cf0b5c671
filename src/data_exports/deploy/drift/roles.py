"""The rights that a stack gave roles, compared with what the roles have.

In: an `Aws` and a template. Out: differences. Effects: reads roles and their policies.

CloudFormation does not look at the policies that it put on roles it did not make.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-policy.html
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from data_exports.aws import Aws, call_or_none
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.difference import ByHand, DifferenceKind, LiveDifference, Revert, call, document_text
from data_exports.deploy.drift.policies import policy_differences_of, rights_of
from data_exports.estate.models import Platform
from data_exports.text import shell_word

ROLE_IS_GONE = ByHand("make the role again, or take the user out of the declaration; then `exports deploy`")


def check_roles(aws: Aws, template: DeployedTemplate) -> Iterator[LiveDifference]:
    """What differs in the roles of movers and readers, and in the users' policies. Raises botocore's exceptions."""
    for _, properties in template.resources("AWS::IAM::Role"):
        yield from _drift_of_own_role(aws, properties)
    for _, properties in template.resources("AWS::IAM::Policy"):
        name = properties["PolicyName"]
        for role in properties["Roles"]:
            found, wanted = _inline_policy(aws, role, name), properties["PolicyDocument"]
            if found is None and _role(aws, role) is None:
                yield LiveDifference(DifferenceKind.USERS_ROLE_GONE, f"the role {role} is gone", ROLE_IS_GONE)
                continue
            yield from _drift_of_inline_policy(role, name, wanted, found)


def policies_given_by(template: DeployedTemplate) -> Iterator[tuple[str, str]]:
    """Role and policy name of each policy that the stack puts on users' roles."""
    for _, properties in template.resources("AWS::IAM::Policy"):
        for role in properties["Roles"]:
            yield str(role), str(properties["PolicyName"])


def check_undeclared_access(
    aws: Aws, platform: Platform, role: str, *, ours: Collection[str]
) -> Iterator[LiveDifference]:
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
            reaches = f"which no dataset declares, reaches {', '.join(sorted(reached))}"
            command = f"aws iam delete-role-policy --role-name {shell_word(role)} --policy-name {shell_word(name)}"
            yield LiveDifference(
                DifferenceKind.UNDECLARED_ACCESS,
                f"the role {role}: its policy {name}, {reaches}",
                ByHand(f"if it is not meant: {command}"),
            )


def _drift_of_own_role(aws: Aws, properties: Mapping[str, Any]) -> Iterator[LiveDifference]:
    name, iam = properties["RoleName"], aws.client("iam")
    trust = properties["AssumeRolePolicyDocument"]
    lets_in = any("Federated" in statement["Principal"] for statement in trust["Statement"])  # a reader outside AWS
    role = _role(aws, name)
    if role is None:
        yield LiveDifference(DifferenceKind.OWN_ROLE_GONE, f"the role {name} is gone", Revert(), returns_access=lets_in)
        return
    trusted = call("iam", "update_assume_role_policy", RoleName=name, PolicyDocument=document_text(trust))
    found = role["AssumeRolePolicyDocument"]
    yield from policy_differences_of(
        trust,
        found,
        kind=DifferenceKind.TRUST_POLICY,
        of=f"the role {name}: its trust policy",
        repair=trusted,
        lets_in=lets_in,
    )
    wanted = {policy["PolicyName"]: policy["PolicyDocument"] for policy in properties.get("Policies", [])}
    there = {each for page in _pages(iam, "list_role_policies", name) for each in page["PolicyNames"]}
    for policy in sorted(there - set(wanted)):
        taken = call("iam", "delete_role_policy", RoleName=name, PolicyName=policy)
        yield LiveDifference(
            DifferenceKind.OTHER_OWN_POLICY, f"the role {name}: it has another policy, {policy}", taken
        )
    for policy, document in sorted(wanted.items()):
        there_now = _inline_policy(aws, name, policy)
        yield from _drift_of_inline_policy(name, policy, document, there_now, is_ours=True, lets_in=lets_in)
    for page in _pages(iam, "list_attached_role_policies", name):
        for attached in page["AttachedPolicies"]:
            arn = attached["PolicyArn"]
            taken = call("iam", "detach_role_policy", RoleName=name, PolicyArn=arn)
            yield LiveDifference(
                DifferenceKind.ATTACHED_POLICY, f"the role {name}: the policy {arn} is attached to it", taken
            )


def _drift_of_inline_policy(
    role: str,
    name: str,
    wanted: Mapping[str, Any],
    found: Mapping[str, Any] | None,
    *,
    is_ours: bool = False,
    lets_in: bool = True,
) -> Iterator[LiveDifference]:
    gone, changed = DifferenceKind.USERS_POLICY_GONE, DifferenceKind.USERS_POLICY
    if is_ours:
        gone, changed = DifferenceKind.OWN_POLICY_GONE, DifferenceKind.OWN_POLICY
    of = f"the role {role}: its policy {name}"
    put = call("iam", "put_role_policy", RoleName=role, PolicyName=name, PolicyDocument=document_text(wanted))
    if found is None:
        yield LiveDifference(gone, f"{of} is gone", put, returns_access=lets_in)
        return
    yield from policy_differences_of(wanted, found, kind=changed, of=of, repair=put, lets_in=lets_in)


def _role(aws: Aws, name: str) -> dict[str, Any] | None:
    return call_or_none(lambda: dict(aws.client("iam").get_role(RoleName=name)["Role"]))


def _inline_policy(aws: Aws, role: str, name: str) -> dict[str, Any] | None:
    iam = aws.client("iam")
    found: Any = call_or_none(lambda: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    return None if found is None else dict(found)  # botocore has decoded it


def _pages(iam: Any, operation: str, role: str) -> Iterator[dict[str, Any]]:
    yield from iam.get_paginator(operation).paginate(RoleName=role)
