"""What the other side of an export is told: the letter about that export alone.

In: declarations. Out: letters, and a `SharedDestination` where several exports go to one destination, with the policy
that lets all of them in. Effects: none. A letter that held the policy of its whole
destination would grow with every export that goes there, and the pages with the square of them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from data_exports.access.handover import route_of
from data_exports.access.statements import Statement
from data_exports.estate.models import Dataset, Estate, Platform, PushDataset
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


def letters_about(platform: Platform, dataset: Dataset) -> tuple[str, ...]:
    """The letters to the export's other side, as if nothing else went there."""
    estate = Estate(platform, (dataset,), ()) if isinstance(dataset, PushDataset) else Estate(platform, (), (dataset,))
    return tuple(letter_of(half) for half in halves_of(estate, dataset))


def shared_destinations_of(estate: Estate) -> Mapping[DatasetName, SharedDestination]:
    """The destinations that several exports go to, by the name of each of these."""
    groups: dict[str, list[PushDataset]] = {}
    for push in estate.push_datasets:
        groups.setdefault(push.destination.uri, []).append(push)
    shared = (_shared(estate.platform, together) for together in groups.values() if len(together) > 1)
    return {name: each for each in shared for name in each.datasets}


def _shared(platform: Platform, together: Iterable[PushDataset]) -> SharedDestination:
    pushes = tuple(together)
    there = pushes[0].destination
    accounts = sorted({push.destination.account for push in pushes if push.destination.account})
    policy = route_of(Estate(platform, pushes, ()), pushes[0]).policy
    return SharedDestination(
        there.uri, there.name, tuple(accounts), tuple(push.name for push in pushes), tuple(policy["Statement"])
    )
