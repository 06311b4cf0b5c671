"""What has changed for the other side of a dataset since an earlier state of the declarations.

In: the estate as it was and as it is, and a dataset's name. Out: one `HandoverChange` for each owner who has, or had, a
part in it. Effects: none. An owner who is named anew has a whole handover to put in place; one who is named no longer
may take away what they put in place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from data_exports.errors import UsageError
from data_exports.estate.dataset_lookup import dataset_of
from data_exports.estate.models import Estate
from data_exports.instructions import Instruction
from data_exports.json_values import json_as
from data_exports.names import AccountId, DatasetName
from data_exports.operate.handover.halves import (
    Half,
    Reading,
    Receiving,
    SftpReading,
    TokenReading,
    halves_of,
    owner_of,
)
from data_exports.readers.sftp import SftpAddress


class Change(StrEnum):
    """What has become of the half of one owner."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class FactChange:
    """One fact that is otherwise now; empty where there was, or is, none."""

    fact: str
    """As JSON calls it."""
    before: tuple[str, ...]
    after: tuple[str, ...]


@json_as("dataset account place change facts steps")
@dataclass(frozen=True, slots=True)
class HandoverChange:
    """What has changed for one owner."""

    before: Half | None
    after: Half | None

    @property
    def half(self) -> Half:
        """As it is, or as it was when it is gone."""
        found = self.after or self.before
        if found is None:
            raise AssertionError("a change has a before or an after")
        return found

    @property
    def dataset(self) -> DatasetName:
        """The dataset."""
        return self.half.dataset.name

    @property
    def account(self) -> AccountId | None:
        """The owner's account, where the declaration names it."""
        return owner_of(self.half)

    @property
    def place(self) -> str:
        """What is theirs: a bucket, or an account; or who they are, outside AWS."""
        return _place_of(self.half)

    @property
    def change(self) -> Change:
        """Of which kind it is."""
        if self.before is None:
            return Change.NEW
        if self.after is None:
            return Change.GONE
        return Change.CHANGED if self.facts or self.steps else Change.UNCHANGED

    @property
    def facts(self) -> tuple[FactChange, ...]:
        """What is otherwise, where there was something before and is something now."""
        return tuple(_fact_changes(self.before, self.after)) if self.before and self.after else ()

    @property
    def steps(self) -> tuple[Instruction, ...]:
        """What the owner is asked to do that they were not asked before."""
        done = self.before.steps if self.before else ()
        return tuple(step for step in (self.after.steps if self.after else ()) if step not in done)


def changes_for(
    before: Estate | None,
    after: Estate,
    name: str,
    *,
    account: str = "",
    server: SftpAddress | None = None,
    issuer: str = "",
) -> tuple[HandoverChange, ...]:
    """What has changed for each owner, or for one account alone; `before` is None where nothing was declared.

    Raises `UsageError` when neither has the dataset, or the account has and had no part in it.
    """
    was, will_be = _halves(before, name, server, issuer), _halves(after, name, server, issuer)
    if not was and not will_be:
        dataset_of(after, name)
    found = [HandoverChange(was.get(key), will_be.get(key)) for key in sorted({*was, *will_be})]
    chosen = tuple(each for each in found if account in ("", each.account))
    if not chosen:
        raise UsageError(
            f"account {account!r} has no part in {name}, and had none then", next_step="leave --account out to see all"
        )
    return chosen


def _halves(
    estate: Estate | None, name: str, server: SftpAddress | None, issuer: str
) -> Mapping[tuple[str, str], Half]:
    """The halves of the dataset, by its kind and by what is theirs."""
    if estate is None or name not in {dataset.name for dataset in estate.datasets()}:
        return {}
    halves = halves_of(estate, dataset_of(estate, name), server=server, issuer=issuer)
    return {(half.kind, _key_of(half)): half for half in halves}


def _key_of(half: Half) -> str:
    """What tells it from others of its kind; a reader's stays when what only people know it by changes."""
    return half.reader.short_id if isinstance(half, TokenReading | SftpReading) else _place_of(half)


def _place_of(half: Half) -> str:
    match half:
        case Receiving():
            return half.theirs.name
        case Reading():
            return str(half.account)
        case TokenReading() | SftpReading():
            return half.reader.label


def _fact_changes(before: Half, after: Half) -> Iterator[FactChange]:
    old, new = dict(_facts_of(before)), dict(_facts_of(after))
    for fact in dict.fromkeys([*old, *new]):
        if old.get(fact, ()) != new.get(fact, ()):
            yield FactChange(fact, old.get(fact, ()), new.get(fact, ()))


def _facts_of(half: Half) -> Iterator[tuple[str, tuple[str, ...]]]:
    dataset, platform = half.dataset, half.platform
    yield "description", _some(dataset.description)
    yield "owner", _some(dataset.owner)
    yield "paperwork", dataset.paperwork
    yield "contact", _some(platform.contact)
    yield "last_day", _some(dataset.expires)
    yield "region", _some(platform.region)
    if isinstance(half, Receiving):
        theirs = half.theirs.facts
        named = {field.name: getattr(theirs, field.name) for field in fields(theirs)}
        yield from ((name, _some(value)) for name, value in named.items() if value is None or isinstance(value, str))
        return
    yield "bucket", _some(half.bucket)
    yield "may", ("read", "write") if half.dataset.allow_push else ("read",)
    match half:
        case Reading():
            yield "readers", tuple(str(reader.arn) for reader in half.readers)
        case TokenReading():
            yield "reader", _some(half.reader.label)
            yield "role", _some(half.role)
            yield "issuer", _some(half.issuer)
            yield "subject", _some(half.subject)
            yield "audience", _some(half.audience)
        case SftpReading():
            yield "ssh_keys", half.keys


def _some(value: object) -> tuple[str, ...]:
    return (str(value),) if value else ()
