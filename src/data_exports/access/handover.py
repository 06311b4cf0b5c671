"""What the other side must put in place, as policy documents: the other half of each grant.

In: an estate and a dataset. Out: the least that makes the grant work, nothing more. Effects: none.
"""

import hashlib
import re
from typing import Any

from data_exports.access.grants import Grant, Role, grants_of_pull, grants_of_push
from data_exports.access.statements import Policy, identity_statements, policy_of, resource_statements
from data_exports.estate.models import Estate, PullDataset, PushDataset
from data_exports.names import BucketName, DatasetName, Outsider

OUTSIDER_SIDS = ("ListPullBucket", "UsePullObjects")


def recipient_bucket_policy(estate: Estate, push: PushDataset) -> Policy:
    """The bucket policy that lets the dataset's mover write, for a bucket that has no policy yet."""
    return policy_of(*recipient_bucket_statements(estate, push))


def recipient_bucket_policies_of(estate: Estate) -> dict[BucketName, Policy]:
    """For each recipient's bucket, one policy for all datasets that are delivered to it."""
    statements: dict[BucketName, list[dict[str, Any]]] = {}
    for push in estate.push_datasets:
        statements.setdefault(push.destination.bucket, []).extend(recipient_bucket_statements(estate, push))
    return {bucket: policy_of(*parts) for bucket, parts in sorted(statements.items())}


def recipient_bucket_statements(estate: Estate, push: PushDataset) -> list[dict[str, Any]]:
    """The statements a recipient adds to the policy of the receiving bucket.

    The mover's role is named by condition, so the policy can be put in place before the role exists.
    """
    target = f"{push.destination.bucket.arn}/"
    grants = [grant for grant in _mover_grants(estate, push) if grant.resource.startswith(target)]
    return resource_statements(f"Receive{_sid_of(push.name)}", grants)


def recipient_key_statements(estate: Estate, push: PushDataset) -> list[dict[str, Any]]:
    """The statements a recipient adds to the policy of `target_kms_key`; none when there is no such key.

    A key policy's resource is the key itself: https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
    """
    grants = [grant for grant in _mover_grants(estate, push) if grant.resource == push.destination.kms_key]
    if not grants:
        return []
    return [{**each, "Resource": "*"} for each in resource_statements(f"Encrypt{_sid_of(push.name)}", grants)]


def outsider_policy(estate: Estate, pull: PullDataset, outsider: Outsider) -> Policy:
    """The identity policy that an outside role needs in its own account to use the pull bucket."""
    grants = [
        grant
        for grant in grants_of_pull(estate.platform, pull)
        if grant.role is Role.OUTSIDER and grant.principal == outsider
    ]
    return policy_of(*identity_statements(zip(OUTSIDER_SIDS, grants, strict=True)))


def _mover_grants(estate: Estate, push: PushDataset) -> list[Grant]:
    return [grant for grant in grants_of_push(estate.platform, push) if grant.role is Role.MOVER]


def _sid_of(name: DatasetName) -> str:
    """The dataset's name as a Sid allows it, letters and digits only, and no two names alike.

    A policy may not hold a Sid twice, and a recipient may put several datasets' statements into one policy. So where
    the letters alone do not tell the name (``a-1`` and ``a1``), a digest does.
    """
    camel = "".join(part.capitalize() for part in re.split("[_-]", name))
    told = re.sub("(?<!^)([A-Z])", r"_\1", camel).lower()
    return camel if told == name else f"{camel}Id{hashlib.sha256(name.encode()).hexdigest()[:6]}"
