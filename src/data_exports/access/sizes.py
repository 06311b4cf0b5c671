"""Declarations whose policies would outgrow what AWS, or a recipient's cloud, takes: found before anything is deployed.

In: an `Estate`. Out: findings, at the dataset that fills the policy most. Effects: none.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from data_exports.access.grants import grants_of_pull, grants_of_push
from data_exports.access.handover import route_of
from data_exports.access.policies import pull_bucket_policy, pull_user_policy, sender_policy
from data_exports.access.statements import Policy
from data_exports.destinations.kinds import OutsideDestination, outside_destination_in
from data_exports.estate.codes import Code
from data_exports.estate.findings import Finding, Severity, warning
from data_exports.estate.loader import Loaded
from data_exports.estate.models import Dataset, Estate, Platform, PullDataset, PushDataset
from data_exports.limits import BUCKET_POLICY_BYTES, INLINE_POLICY_CHARACTERS_PER_ROLE
from data_exports.names import RoleName


def with_sizes_checked(loaded: Loaded) -> Loaded:
    """The estate as it was loaded, unless AWS would refuse a policy: then there is none, and the findings say why."""
    if loaded.estate is None:
        return loaded
    found = check_policy_sizes(loaded.estate)
    findings = tuple(sorted([*loaded.findings, *found]))
    is_refused = any(each.severity is Severity.ERROR for each in found)
    return replace(loaded, estate=None if is_refused else loaded.estate, findings=findings)


def check_policy_sizes(estate: Estate) -> tuple[Finding, ...]:
    """Every user's role, every bucket and every door of recipients whose policies would be refused for their size."""
    found: list[Finding] = []
    for pull in estate.pull_datasets:
        if bucket_policy_bound(pull) > BUCKET_POLICY_BYTES:
            found += _check_bucket(pull, bucket_policy_size(estate.platform, pull))
    return tuple(sorted([*found, *_check_roles(_shares_of(estate)), *_check_doors(estate)]))


@dataclass(frozen=True, slots=True, order=True)
class RoleLoad:
    """How much of what IAM allows a role's policies is taken."""

    characters: int
    role: RoleName
    datasets: int

    @property
    def more(self) -> int:
        """How many more datasets fit whose policies are as large as those that it has, on average."""
        return (INLINE_POLICY_CHARACTERS_PER_ROLE - self.characters) * self.datasets // self.characters


def fullest_role(estate: Estate) -> RoleLoad | None:
    """The user's role whose policies take most; None when there is no user."""
    loads = (RoleLoad(sum(size for size, _ in parts), role, len(parts)) for role, parts in _shares_of(estate).items())
    return max(loads, default=None)


def _shares_of(estate: Estate) -> Mapping[RoleName, Sequence[tuple[int, Dataset]]]:
    """The datasets of each user's role, each with the size of its policy."""
    shares: defaultdict[RoleName, list[tuple[int, Dataset]]] = defaultdict(list)
    sizes: dict[tuple[object, ...], int] = {}
    for dataset in estate.datasets():
        if dataset.users:
            lengths = _lengths(estate.platform, dataset)
            if lengths not in sizes:
                sizes[lengths] = user_policy_size(estate.platform, dataset)
            for user in dataset.users:
                shares[user].append((sizes[lengths], dataset))
    return shares


def _lengths(platform: Platform, dataset: Dataset) -> tuple[object, ...]:
    """All that the size of a user's policy depends on: its kind, the lengths of the names in it, whether it ends."""
    bucket = 0 if isinstance(dataset, PushDataset) else len(dataset.bucket(platform))
    return (type(dataset), len(dataset.name), bucket, dataset.until is None)


def user_policy_size(platform: Platform, dataset: Dataset) -> int:
    """The size of the policy that each user of the dataset carries: all the same one, so that of the first tells it."""
    one_user = replace(dataset, users=dataset.users[:1])
    if isinstance(one_user, PushDataset):
        policy = sender_policy(grants_of_push(platform, one_user))
    else:
        policy = pull_user_policy(grants_of_pull(platform, one_user))
    return size_of(policy) if policy else 0


def bucket_policy_size(platform: Platform, pull: PullDataset) -> int:
    """The size of the policy of a pull dataset's bucket."""
    nobody = replace(pull, users=())
    return size_of(pull_bucket_policy(pull.bucket(platform), grants_of_pull(platform, nobody), require_tls=True))


def bucket_policy_bound(pull: PullDataset) -> int:
    """What the policy of the bucket is certainly not larger than; quick to tell.

    It names each outsider, and its account, in two statements, and holds at most six statements of fixed text.
    """
    return 6_000 + sum(2 * (len(outsider) + 40) for outsider in pull.outsiders)


def size_of(policy: Policy) -> int:
    """The policy's size as IAM counts it: characters without white space between tokens."""
    return len(json.dumps(policy, separators=(",", ":")))


def _check_roles(shares: Mapping[RoleName, Sequence[tuple[int, Dataset]]]) -> Iterator[Finding]:
    for user, parts in shares.items():
        total = sum(size for size, _ in parts)
        if total > INLINE_POLICY_CHARACTERS_PER_ROLE:
            largest = max(parts, key=lambda part: part[0])[1]
            yield Finding(
                largest.place,
                Code.ROLE_POLICIES_TOO_LARGE,
                f"role {user} would carry {total:,} characters of inline policies from {len(parts)} datasets; "
                f"IAM allows {INLINE_POLICY_CHARACTERS_PER_ROLE:,}, which is enough for "
                f"{INLINE_POLICY_CHARACTERS_PER_ROLE * len(parts) // total}",
                "share the datasets out over more than one role",
            )


def _check_bucket(pull: PullDataset, size_bytes: int) -> Iterator[Finding]:
    if size_bytes > BUCKET_POLICY_BYTES:
        yield Finding(
            pull.place,
            Code.BUCKET_POLICY_TOO_LARGE,
            f"the bucket policy of {pull.name} would have {size_bytes:,} bytes; S3 allows {BUCKET_POLICY_BYTES:,}",
            "name fewer outside roles: let each organisation use one role of its own",
        )


def _check_doors(estate: Estate) -> Iterator[Finding]:
    """A warning: whoever owns the door may let our roles in by other means than our letter's."""
    by_door: defaultdict[str, list[tuple[PushDataset, OutsideDestination]]] = defaultdict(list)
    for push in estate.push_datasets:
        if there := outside_destination_in(push.destination):
            by_door[there.door].append((push, there))
    for push, there in (together[-1] for together in by_door.values() if len(together) > 1):
        if said := there.crowding(route_of(estate, push)):
            hint = "ask the recipient for another one for some of the datasets"
            yield warning(push.place, Code.CROWDED_DOOR, said, hint)
