"""What the other side of an export is told: the letter about that export alone.

In: declarations. Out: letters; a `SharedDestination` where several exports go to one destination, with the policy that
lets all of them in; a `KeyRequest` for whoever owns the key of somebody else's destination, and is to be told of no
more. Effects: none. A letter that held the policy of its whole destination would grow with every export that goes
there, and the pages with the square of them. Outside AWS there is no such policy: there a letter knows of the others
that come in by the same door, or act as the same identity, which can be few.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data_exports.access.handover import route_of
from data_exports.access.statements import KEY_ARNS, Statement
from data_exports.destinations.destination import Right
from data_exports.destinations.kinds import outside_destination_in
from data_exports.estate.models import Dataset, Estate, Platform, PullDataset, PushDataset
from data_exports.names import AccountId, DatasetName
from data_exports.operate.handover.halves import halves_of
from data_exports.views.handover.letter import letter_of


@dataclass(frozen=True, slots=True)
class SharedDestination:
    """A destination that several exports go to."""

    uri: str
    name: str
    accounts: tuple[AccountId, ...]
    """Those that the declarations name as its owner."""
    datasets: tuple[DatasetName, ...]
    statements: tuple[Statement, ...]
    """Of the one policy that lets all of them in."""

    @property
    def path(self) -> str:
        """Its page, by a digest, as those of recipients."""
        return f"destinations/{hashlib.sha256(self.uri.encode()).hexdigest()[:16]}.html"


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What an export asks of the owner of a key who is not its recipient: nothing here tells who that is."""

    dataset: DatasetName
    key: str
    statements: tuple[Statement, ...]
    """For the policy of the key."""


def letters_about(estate: Estate, dataset: Dataset) -> tuple[str, ...]:
    """The letters to the export's other side; of a bucket of S3 as if nothing else went there."""
    platform = estate.platform
    if isinstance(dataset, PullDataset):
        alone = Estate(platform, (), (dataset,))
    elif outside_destination_in(dataset.destination) is None:
        alone = Estate(platform, (dataset,), ())
    else:
        alone = estate
    return tuple(letter_of(half) for half in halves_of(alone, dataset))


def shared_destinations_of(estate: Estate) -> Mapping[DatasetName, SharedDestination]:
    """The destinations with a policy that several exports go to, by the name of each of these."""
    groups: dict[str, list[PushDataset]] = {}
    for push in estate.push_datasets:
        groups.setdefault(push.destination.uri, []).append(push)
    shared = (_shared(estate.platform, together) for together in groups.values() if len(together) > 1)
    return {name: each for each in shared if each.statements for name in each.datasets}


def key_requests_of(estate: Estate, account: AccountId) -> tuple[KeyRequest, ...]:
    """What is asked of the account about its keys, for exports that go to somebody else."""
    return tuple(
        KeyRequest(push.name, right.resource, _statements_about(estate.platform, push, right))
        for push in estate.push_datasets
        if push.destination.account != account
        for right in push.destination.rights(push.prefix)
        if account == account_of_key(right.resource)
    )


def account_of_key(resource: str | None) -> str:
    """The account whose key this is; ``""`` of what is no key."""
    return resource.split(":")[4] if resource and resource.startswith(KEY_ARNS) else ""


def _statements_about(platform: Platform, push: PushDataset, right: Right) -> tuple[Statement, ...]:
    return tuple(route_of(Estate(platform, (push,), ()), push).statements.get(right.counterpart, ()))


def _shared(platform: Platform, together: Iterable[PushDataset]) -> SharedDestination:
    pushes = tuple(together)
    there = pushes[0].destination
    accounts = sorted({push.destination.account for push in pushes if push.destination.account})
    policy = route_of(Estate(platform, pushes, ()), pushes[0]).policy
    return SharedDestination(
        there.uri, there.name, tuple(accounts), tuple(push.name for push in pushes), tuple(policy["Statement"])
    )
