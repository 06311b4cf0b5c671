"""What the other side must put in place, as policy documents: the other half of each grant.

In: an estate and a dataset. Out: the least that makes the grant work, nothing more. Effects: none.
"""

import hashlib
import re

from data_exports.access.grants import Role, grants_of_pull, grants_of_push
from data_exports.access.statements import (
    KEY_ARNS,
    Policy,
    Statement,
    identity_statements,
    policy_of,
    resource_statements,
)
from data_exports.destinations.destination import Route
from data_exports.estate.models import Estate, Platform, PullDataset, PushDataset
from data_exports.names import DatasetName, Outsider

IDENTITY_SIDS = ("ListPullBucket", "UsePullObjects")


def route_of(estate: Estate, push: PushDataset, *, issuer: str = "") -> Route:
    """The dataset's way to its destination, with the statements that let its mover in there.

    The mover's role is named by condition, so the statements can be put in place before the role exists. `issuer` is
    who issues the tokens of the platform's account, where AWS has told.
    """
    there, platform = push.destination, estate.platform
    together = [each for each in estate.push_datasets if each.destination.uri == there.uri]
    by_one_door = [each for each in estate.push_datasets if each.destination.door == there.door]
    acting = [each for each in estate.push_datasets if there.acts_as and each.destination.acts_as == there.acts_as]
    files = next(right for right in there.rights(push.prefix) if right.resource.endswith("/*"))
    statements = [each for one in together for each in _counterparts(platform, one).get(files.counterpart, ())]
    return Route(
        push.name,
        push.prefix,
        push.mover_role_arn(platform),
        platform.name_of_account(there.account) if there.account else "",
        _counterparts(platform, push),
        policy_of(*statements),
        tuple(each.name for each in together if each.name != push.name),
        tuple(each.mover_role_arn(platform) for each in by_one_door if each.name != push.name),
        tuple(each.name for each in acting if each.name != push.name),
        issuer,
    )


def _counterparts(platform: Platform, push: PushDataset) -> dict[str, tuple[Statement, ...]]:
    """For each counterpart of the mover's rights: the statements that the recipient adds to the resource's policy.

    A key policy's resource is the key itself: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
    """
    names = {right.resource: right.counterpart for right in push.destination.rights(push.prefix) if right.counterpart}
    found = {}
    for grant in grants_of_push(platform, push):
        if grant.role is Role.MOVER and (name := names.get(grant.resource)):
            said = resource_statements(f"{name}{_sid_of(push.name)}", [grant])
            is_key = grant.resource.startswith(KEY_ARNS)
            found[name] = tuple({**each, "Resource": "*"} if is_key else each for each in said)
    return found


def outsider_policy(estate: Estate, pull: PullDataset, outsider: Outsider) -> Policy:
    """The identity policy that an outside role needs in its own account to use the pull bucket."""
    grants = [
        grant
        for grant in grants_of_pull(estate.platform, pull)
        if grant.role is Role.OUTSIDER and grant.principal == outsider
    ]
    return policy_of(*identity_statements(zip(IDENTITY_SIDS, grants, strict=True)))


def _sid_of(name: DatasetName) -> str:
    """The dataset's name as a Sid allows it, letters and digits only, and no two names alike.

    A policy may not hold a Sid twice, and a recipient may put several datasets' statements into one policy. So where
    the letters alone do not tell the name (``a-1`` and ``a1``), a digest does.
    """
    camel = "".join(part.capitalize() for part in re.split("[_-]", name))
    told = re.sub("(?<!^)([A-Z])", r"_\1", camel).lower()
    return camel if told == name else f"{camel}Id{hashlib.sha256(name.encode()).hexdigest()[:6]}"
