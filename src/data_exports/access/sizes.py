"""Declarations whose policies would outgrow what AWS stores: found before anything is deployed.

In: an `Estate`. Out: findings, at the dataset that fills the policy most. Effects: none.
"""

import json
from collections import defaultdict
from collections.abc import Iterator

from data_exports.access.grants import grants_of_pull, grants_of_push
from data_exports.access.policies import pull_bucket_policy, pull_user_policy, sender_policy
from data_exports.access.statements import Policy
from data_exports.estate.codes import Code
from data_exports.estate.findings import Finding
from data_exports.estate.loading import Loaded
from data_exports.estate.models import Dataset, Estate, PushDataset
from data_exports.limits import BUCKET_POLICY_BYTES, INLINE_POLICY_CHARACTERS_PER_ROLE
from data_exports.names import RoleName


def with_sizes_checked(loaded: Loaded) -> Loaded:
    """The estate as it was loaded, unless a policy would be too large: then there is none, and the findings say why."""
    if loaded.estate is None:
        return loaded
    found = check_policy_sizes(loaded.estate)
    return Loaded(None, tuple(sorted([*loaded.findings, *found]))) if found else loaded


def check_policy_sizes(estate: Estate) -> tuple[Finding, ...]:
    """Every user's role and every bucket whose policies would be refused for their size."""
    return tuple(sorted([*_check_roles(estate), *_check_buckets(estate)]))


def size_of(policy: Policy) -> int:
    """The policy's size as IAM counts it: characters without white space between tokens."""
    return len(json.dumps(policy, separators=(",", ":")))


def _check_roles(estate: Estate) -> Iterator[Finding]:
    shares: defaultdict[RoleName, list[tuple[int, Dataset]]] = defaultdict(list)
    for dataset in estate.datasets():
        policy = _user_policy(estate, dataset)
        for user in dataset.users:
            if policy:
                shares[user].append((size_of(policy), dataset))
    for user, parts in shares.items():
        total = sum(size for size, _ in parts)
        if total > INLINE_POLICY_CHARACTERS_PER_ROLE:
            largest = max(parts, key=lambda part: part[0])[1]
            yield Finding(
                largest.place,
                Code.ROLE_POLICIES_TOO_LARGE,
                f"role {user} would carry {total:,} characters of inline policies from {len(parts)} datasets; "
                f"IAM allows {INLINE_POLICY_CHARACTERS_PER_ROLE:,}",
                "share the datasets out over more than one role",
            )


def _user_policy(estate: Estate, dataset: Dataset) -> Policy | None:
    if isinstance(dataset, PushDataset):
        return sender_policy(grants_of_push(estate.platform, dataset))
    return pull_user_policy(grants_of_pull(estate.platform, dataset))


def _check_buckets(estate: Estate) -> Iterator[Finding]:
    for pull in estate.pull_datasets:
        grants = grants_of_pull(estate.platform, pull)
        size = size_of(pull_bucket_policy(pull.bucket(estate.platform), grants, require_tls=True))
        if size > BUCKET_POLICY_BYTES:
            yield Finding(
                pull.place,
                Code.BUCKET_POLICY_TOO_LARGE,
                f"the bucket policy of {pull.name} would have {size:,} bytes; S3 allows {BUCKET_POLICY_BYTES:,}",
                "name fewer outside roles: let each organisation use one role of its own",
            )
