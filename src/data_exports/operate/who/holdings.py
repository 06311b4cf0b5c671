"""What somebody holds through one dataset, and the questions that can be asked about it.

In: grants, and who answers for each dataset. Out: `Holding` values, and those that a `Question` asks for.
Effects: none.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Literal

from data_exports.access.accesses import Access, accesses_of
from data_exports.access.grants import Grant, Role, grants_of
from data_exports.destinations.destination import Verb
from data_exports.destinations.kinds import OUTSIDE_KINDS, address_forms, outside_address_in
from data_exports.errors import UsageError
from data_exports.estate.dataset_lookup import advice_on_dash
from data_exports.estate.field_types import hint_on_dashes
from data_exports.estate.models import Estate
from data_exports.json_values import json_as
from data_exports.names import AccountId, BucketName, DatasetName, InvalidNameError
from data_exports.text import with_hyphens

_VERBS: dict[str, Verb] = {
    "s3:GetObject": "read",
    "s3:PutObject": "write",
    "s3:DeleteObject": "delete",
    **{action: verb for kind in OUTSIDE_KINDS.values() for action, verb in kind.verbs.items()},
}
_S3, _S3_ADDRESS = "arn:aws:s3:::", "s3://"


@json_as("verbs where=place")
@dataclass(frozen=True, slots=True)
class Permission:
    """What may be done with the objects of one place."""

    verbs: tuple[Verb, ...]
    place: str
    """``s3://bucket/`` or ``s3://bucket/prefix/``; outside AWS an address such as ``gs://bucket/prefix/``."""


@dataclass(frozen=True, slots=True)
class Holding:
    """An access, and who answers for it."""

    access: Access
    owner: str = ""
    """Who answers for the dataset."""

    @property
    def name(self) -> str:
        """The principal's name without account and path; of a whole account its id."""
        principal = self.access.principal
        return principal.rsplit("/", 1)[1] if "/" in principal else str(principal.account)

    @property
    def accounts(self) -> set[AccountId]:
        """The accounts that have a part in it: the principal's, and the recipient's."""
        return {account for account in (self.access.principal.account, self.access.recipient) if account}

    @property
    def is_to_unknown_account(self) -> bool:
        """Whether it delivers, and nobody has declared to whose account."""
        return self.access.role is Role.MOVER and not self.access.recipient and not self.access.destination

    @property
    def doings(self) -> tuple[Permission, ...]:
        """What may be done with objects, place by place."""
        return tuple(_doings(self.access.grants))


@dataclass(frozen=True, slots=True)
class Location:
    """An object, a folder of a bucket or container, or a whole one (`key` empty)."""

    uri: str
    """The bucket's or container's address, without a slash at its end."""
    key: str = ""

    def __str__(self) -> str:
        return f"{self.uri}/{self.key}"

    def is_reached_by(self, grant: Grant) -> bool:
        """Whether the grant is on this object, or on any in this folder or bucket."""
        place, start = _place_of(grant.resource), f"{self.uri}/"
        if not place.startswith(start):
            return False
        prefix = place.removeprefix(start).removesuffix("*")
        is_folder = not self.key or self.key.endswith("/")
        return self.key.startswith(prefix) or (is_folder and prefix.startswith(self.key))


@dataclass(frozen=True, slots=True)
class Question:
    """Which holdings are asked for; what is empty or None asks for all. Several are asked for together."""

    who: str = ""
    """The name of a role, a user or a dataset, or an ARN."""
    verb: Literal["read", "write", ""] = ""
    place: Location | None = None
    account: AccountId | None = None
    ends_within: timedelta | None = None
    without_paperwork: bool = False


def holdings_of(estate: Estate) -> tuple[Holding, ...]:
    """What everybody holds by the declarations, sorted by principal."""
    return held(grants_of(estate), {dataset.name: dataset.owner for dataset in estate.datasets()})


def held(grants: Iterable[Grant], owners: Mapping[DatasetName, str]) -> tuple[Holding, ...]:
    """What these grants amount to, sorted by principal. Raises `UnclearGrantsError`."""
    found = [Holding(access, owners.get(access.dataset, "")) for access in accesses_of(grants)]
    return tuple(sorted(found, key=lambda each: (each.access.principal, each.access.dataset, each.access.role)))


def find_holdings(holdings: Iterable[Holding], question: Question, *, now: datetime) -> tuple[Holding, ...]:
    """The holdings that the question asks for. Raises `UsageError` when nobody has the name that it gives."""
    everything = tuple(holdings)
    if question.who:
        _check_is_known(question.who, everything)
    return tuple(holding for holding in everything if _is_asked_for(holding, question, now))


def parse_location(text: str) -> Location:
    """A place as it is written: ``s3://bucket``, ``s3://bucket/folder/``, ``gs://bucket/key``. Raises `UsageError`."""
    forms = ("s3://BUCKET/KEY", *(f"{form}/KEY" for form in address_forms()))
    next_step = f"write {' or '.join(forms)}, without /KEY for all of it"
    bucket, _, key = text.removeprefix(_S3_ADDRESS).partition("/")
    try:
        if outside := outside_address_in(text):
            return Location(*outside)
        if not text.startswith(_S3_ADDRESS):
            raise UsageError(f"{text!r} is no address of a bucket or a container", next_step=next_step)
        return Location(f"{_S3_ADDRESS}{BucketName(bucket)}", key)
    except InvalidNameError as error:
        plain = hint_on_dashes(bucket, BucketName)
        raise UsageError(str(error), next_step=f"{plain}: {next_step}" if plain else next_step) from error


def _place_of(resource: str) -> str:
    """The address of what a grant is on."""
    return f"{_S3_ADDRESS}{resource.removeprefix(_S3)}" if resource.startswith(_S3) else resource


def _is_asked_for(holding: Holding, question: Question, now: datetime) -> bool:
    access = holding.access
    if question.who and question.who not in _names_of(holding):
        return False
    if question.account and question.account not in holding.accounts:
        return False
    if question.without_paperwork and access.paperwork:
        return False
    if question.ends_within is not None and (access.until is None or access.until > now + question.ends_within):
        return False
    return question.place is None or any(_reaches(grant, question.place, question.verb) for grant in access.grants)


def _reaches(grant: Grant, place: Location, verb: str) -> bool:
    wanted = {"read": {"read"}, "write": {"write", "delete"}}.get(verb, {"read", "write", "delete"})
    return place.is_reached_by(grant) and any(_VERBS.get(action) in wanted for action in grant.actions)


def _doings(grants: Iterable[Grant]) -> Iterator[Permission]:
    for grant in grants:
        verbs = tuple(verb for action, verb in _VERBS.items() if action in grant.actions)
        if verbs and grant.destination:
            yield Permission(verbs, grant.resource.removesuffix("*"))
        elif verbs and grant.resource.startswith(_S3) and "/" in grant.resource:
            yield Permission(verbs, _place_of(grant.resource).removesuffix("*"))


def _check_is_known(who: str, holdings: Iterable[Holding]) -> None:
    known = {name for holding in holdings for name in _names_of(holding)}
    if who in known:
        return
    near = get_close_matches(with_hyphens(who), sorted(known), n=1)
    choice = f"did you mean {near[0]}?" if near else "give the name of a role or a dataset, or an ARN"
    raise UsageError(
        f"{who!r} is no dataset, and nobody is granted anything under that name", next_step=advice_on_dash(who) + choice
    )


def _names_of(holding: Holding) -> tuple[str, ...]:
    """Under which names it is asked for; of a reader outside AWS also what its declaration says of it."""
    told = holding.access.reader.known_as if holding.access.reader else ()
    return holding.name, str(holding.access.principal), str(holding.access.dataset), *told
