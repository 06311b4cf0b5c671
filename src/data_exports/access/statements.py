"""Grants → IAM statements: sorted, stable Sids, conditions for time and prefix.

In: grants that stand for one document. Out: plain dicts in IAM's policy language, in a fixed order. Effects: none.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from data_exports.access.grants import Grant
from data_exports.names import AccountRootArn

KEY_ARNS = "arn:aws:kms:"
Statement = dict[str, Any]
Policy = dict[str, Any]


def policy_of(*statements: Statement) -> Policy:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def identity_statements(sids: Iterable[tuple[str, Grant]]) -> list[Statement]:
    """Statements of an identity policy; each grant with its Sid, the principal is whom the policy is attached to.

    Grants of one Sid, on resources of different services and with the same conditions, share its statement.
    """
    groups: dict[str, list[Grant]] = {}
    for sid, grant in sids:
        groups.setdefault(sid, []).append(grant)
    return [_identity_statement(sid, grants) for sid, grants in groups.items()]


def _identity_statement(sid: str, grants: Sequence[Grant]) -> Statement:
    resources = [grant.resource for grant in grants]
    condition = _conditions(grants[0])
    services = {":".join(resource.split(":")[:3]) for resource in resources}
    if len(services) < len(grants) or any(_conditions(grant) != condition for grant in grants):
        raise ValueError(f"the grants of {sid} cannot share a statement: it would allow more than they do")
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [action for grant in grants for action in grant.actions],
        "Resource": resources if len(resources) > 1 else resources[0],
        **condition,
    }


def resource_statements(sid: str, grants: Sequence[Grant]) -> list[Statement]:
    """Statements of a resource policy for grants that differ in their principal only.

    A role or user is written as its account's root plus a condition on `aws:PrincipalArn`: a `Principal` that names
    a role which no longer exists makes S3 refuse the whole policy ("Invalid principal"), so one leaver would block
    everybody. The condition's key is the role's own ARN, also in an assumed session.
    https://repost.aws/knowledge-center/s3-invalid-principal-in-policy-error
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    named = sorted({grant.principal for grant in grants if not isinstance(grant.principal, AccountRootArn)})
    whole = sorted({grant.principal for grant in grants if isinstance(grant.principal, AccountRootArn)})
    roots = sorted({AccountRootArn(f"arn:aws:iam::{arn.account}:root") for arn in named})
    statements = []
    for suffix, principals, arns in (("", roots, named), ("Account", whole, [])):
        if not principals:
            continue
        first = grants[0]
        statements.append(
            {
                "Sid": f"{sid}{suffix}",
                "Effect": "Allow",
                "Principal": {"AWS": [str(arn) for arn in principals]},
                "Action": list(first.actions),
                "Resource": first.resource,
                **_conditions(first, principal_arns=arns),
            }
        )
    return statements


def deny_weak_transport(service: str, resources: list[str], *, require_tls: bool) -> list[Statement]:
    """Refuse requests without TLS, and to S3 below TLS 1.2, whatever else allows them.

    `require_tls` is False on the local AWS only, which speaks plain HTTP.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html#example-object-tls-version
    """
    conditions: list[tuple[str, Any]] = []
    if require_tls:
        conditions.append(("DenyWithoutTls", {"Bool": {"aws:SecureTransport": "false"}}))
    if service == "s3":
        conditions.append(("DenyBelowTls12", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}))
    return [
        {
            "Sid": sid,
            "Effect": "Deny",
            "Principal": "*",
            "Action": f"{service}:*",
            "Resource": resources,
            "Condition": condition,
        }
        for sid, condition in conditions
    ]


def iso_moment(moment: datetime) -> str:
    """A moment as IAM's date conditions want it: ``2027-04-01T00:00:00Z``."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _conditions(grant: Grant, *, principal_arns: Sequence[str] = ()) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    if principal_arns:
        condition["ArnEquals"] = {"aws:PrincipalArn": [str(arn) for arn in principal_arns]}
    if grant.until:
        condition["DateLessThan"] = {"aws:CurrentTime": iso_moment(grant.until)}
    if grant.resource.startswith(KEY_ARNS):
        condition["StringEquals"] = {"kms:ViaService": _s3_of(grant.resource)}
    for operator, key, value in grant.conditions:
        condition[operator] = {**condition.get(operator, {}), key: value}
    if grant.key_prefix:
        condition["StringLike"] = {"s3:prefix": grant.key_prefix.pattern_below}
    return {"Condition": condition} if condition else {}


def _s3_of(key: str) -> str:
    """S3 in the key's region. A key is used through S3 alone: nobody decrypts with it what S3 did not encrypt for them.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    return f"s3.{key.split(':')[3]}.amazonaws.com"
