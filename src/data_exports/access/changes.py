"""Two sets of grants → who gains, who loses, who keeps what longer or shorter, and which accounts are new.

In: the grants before and after, those that both share, and the datasets of which nobody can tell what they granted
before. Out: `AccessChanges`. Effects: none. Every difference between the two sets is in some change: what fits none of
the plainer kinds is `Kind.CHANGED`, with the rights themselves.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from data_exports.access.accesses import Access, accesses_of
from data_exports.access.grants import Grant, Role
from data_exports.names import AccountId, AccountRootArn, DatasetName


class Kind(StrEnum):
    """What happens to one access; what a reviewer should see first comes first."""

    GAINS = "gains"
    MORE = "more"
    """May do more with the same data."""
    LONGER = "longer"
    CHANGED = "changed"
    """Other data, another recipient or paperwork, or rights that are neither reading nor writing."""
    SHORTER = "shorter"
    LESS = "less"
    LOSES = "loses"


class Mark(StrEnum):
    """What a reviewer should not overlook."""

    NEW_ACCOUNT = "new account"
    WRITE = "write"
    """An outsider may write who could not before."""
    WHOLE_ACCOUNT = "whole account"
    NO_PAPERWORK = "no paperwork"
    ENDED = "has ended"
    """The access is over by the clock of IAM, whatever else is granted."""


@dataclass(frozen=True, slots=True)
class AccessChange:
    """What happens to one access; `before` is None when it is new, `after` when it goes."""

    kinds: tuple[Kind, ...]
    before: Access | None
    after: Access | None
    marks: tuple[Mark, ...] = ()

    @property
    def access(self) -> Access:
        """As it will be, or as it was when it goes."""
        found = self.after or self.before
        if found is None:
            raise AssertionError("a change has a before or an after")
        return found


@dataclass(frozen=True, slots=True)
class UnknownAccess:
    """A dataset of which nobody can tell what it granted before; never the same as "nothing"."""

    dataset: DatasetName
    reason: str
    after: tuple[Access, ...] = ()
    """What it will grant; empty when the dataset goes."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that is given access, or data, and had none before."""

    account: AccountId | None
    """None when a recipient's bucket is new and its account is not named."""
    where: str
    """The first place it gets at, or receives files in."""
    datasets: tuple[DatasetName, ...]


@dataclass(frozen=True, slots=True)
class AccessChanges:
    """All that changes in who may do what."""

    changes: tuple[AccessChange, ...] = ()
    unknown: tuple[UnknownAccess, ...] = ()
    new_accounts: tuple[NewAccount, ...] = ()
    count_before: int = 0
    """How many accesses there were that had not ended, as far as is known."""
    account_names: tuple[tuple[AccountId, str], ...] = ()
    """Names for accounts, for the sentences about these changes."""
    moment: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When this was told; what had ended by then is told as ended."""

    @property
    def lost(self) -> tuple[AccessChange, ...]:
        """The accesses that go, but for those that had ended before."""
        gone = (change for change in self.changes if Kind.LOSES in change.kinds)
        return tuple(change for change in gone if change.before and not change.before.has_ended(self.moment))

    @property
    def widened(self) -> tuple[DatasetName, ...]:
        """The datasets that could only be read from outside, or may have been, and can now be written."""
        read_only = {each.access.dataset for each in self.changes if each.before and not each.before.writes}
        written = {each.access.dataset for each in self.changes if Mark.WRITE in each.marks}
        doubtful = {
            each.dataset
            for each in self.unknown
            if any(access.role is Role.OUTSIDER and access.writes for access in each.after)
        }
        return tuple(sorted((read_only & written) | doubtful))

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.changes and not self.unknown


def changes_between(
    before: Iterable[Grant],
    after: Iterable[Grant],
    *,
    moment: datetime,
    unchanged: Iterable[Grant] = (),
    unknown: Mapping[DatasetName, str] | None = None,
    account_names: Mapping[AccountId, str] | None = None,
    is_first: bool = False,
) -> AccessChanges:
    """What changes in who may do what.

    `unchanged` are grants that both sides share; `unknown`: dataset → why nobody can tell what it granted before. With
    `is_first` every account would be new, so none is told as new.
    Raises `UnclearGrantsError` for grants that reach no data.
    """
    unknown = unknown or {}
    old = {access.identity: access for access in accesses_of(before)}
    will_be = accesses_of(after)
    new = {access.identity: access for access in will_be if access.dataset not in unknown}
    same = accesses_of(unchanged)
    opened = () if is_first else _new_accounts([*old.values(), *same], will_be)
    new_to = {(each.account, dataset) for each in opened for dataset in each.datasets}
    found = (_change(old.get(key), new.get(key), moment) for key in sorted({*old, *new}))
    return AccessChanges(
        tuple(sorted((_marked(change, new_to, moment) for change in found if change), key=_order)),
        tuple(_unknown(unknown, will_be)),
        opened,
        count_before=sum(not access.has_ended(moment) for access in [*old.values(), *same]),
        account_names=tuple(sorted((account_names or {}).items())),
        moment=moment,
    )


def _change(before: Access | None, after: Access | None, moment: datetime) -> AccessChange | None:
    """What happens to one access, or None when nothing does."""
    if before is None:
        return AccessChange((Kind.GAINS,), None, after)
    if after is None:
        return AccessChange((Kind.LOSES,), before, None)
    if before.grants == after.grants:
        return None
    return AccessChange(tuple(_kinds(before, after, moment)), before, after)


def _kinds(before: Access, after: Access, moment: datetime) -> list[Kind]:
    """The kinds of a difference, in the order of `Kind`; an access that comes back is a gain, one that ends a loss."""
    had_ended, has_ended = before.has_ended(moment), after.has_ended(moment)
    if had_ended != has_ended:
        return [Kind.GAINS if had_ended else Kind.LOSES]
    is_mover = after.role is Role.MOVER  # what it may do follows from what it is to do
    is_elsewhere = (before.where, before.principal) != (after.where, after.principal)  # then all rights differ
    gained, lost = _rights(after) - _rights(before), _rights(before) - _rights(after)
    other_grounds = (before.paperwork, before.recipient) != (after.paperwork, after.recipient)
    longer = _later(after.until, before.until)
    found = {
        Kind.MORE: bool(gained) and not is_elsewhere and not is_mover,
        Kind.LONGER: longer,
        Kind.CHANGED: is_elsewhere or other_grounds or (is_mover and bool(gained or lost)),
        Kind.SHORTER: before.until != after.until and not longer,
        Kind.LESS: bool(lost) and not is_elsewhere and not is_mover,
    }
    return [kind for kind, fits in found.items() if fits] or [Kind.CHANGED]


def _rights(access: Access) -> set[tuple[str, str, str]]:
    return {(action, grant.resource, grant.key_prefix or "") for grant in access.grants for action in grant.actions}


def _later(one: datetime | None, other: datetime | None) -> bool:
    return one != other and (one is None or (other is not None and one > other))


def _marked(change: AccessChange, new_to: set[tuple[AccountId | None, DatasetName]], moment: datetime) -> AccessChange:
    return AccessChange(change.kinds, change.before, change.after, tuple(_marks(change, new_to, moment)))


def _marks(change: AccessChange, new_to: set[tuple[AccountId | None, DatasetName]], moment: datetime) -> Iterator[Mark]:
    before, after = change.before, change.after
    if after is None:
        return
    if after.is_outside and (after.account, after.dataset) in new_to:
        yield Mark.NEW_ACCOUNT
    if after.role is Role.OUTSIDER and after.writes and not (before and before.writes):
        yield Mark.WRITE
    if isinstance(after.principal, AccountRootArn):
        yield Mark.WHOLE_ACCOUNT
    if not after.paperwork:
        yield Mark.NO_PAPERWORK
    if after.has_ended(moment):
        yield Mark.ENDED


def _new_accounts(before: Sequence[Access], after: Sequence[Access]) -> tuple[NewAccount, ...]:
    """The accounts that had nothing before. A recipient's account that is not named is as new as its bucket."""
    outside = [access for access in before if access.is_outside]
    seen = {access.account for access in outside}
    named = {_bucket(access): access.account for access in outside if access.role is Role.MOVER}
    opened: dict[str, list[Access]] = {}
    for access in after:
        bucket = _bucket(access)
        is_known_bucket = access.role is Role.MOVER and bucket in named and not (access.account and named[bucket])
        if access.is_outside and not is_known_bucket and (access.account is None or access.account not in seen):
            opened.setdefault(access.account or bucket, []).append(access)
    return tuple(
        NewAccount(accesses[0].account, accesses[0].where, tuple(dict.fromkeys(each.dataset for each in accesses)))
        for _, accesses in sorted(opened.items())
    )


def _bucket(access: Access) -> str:
    return access.where.removeprefix("s3://").partition("/")[0]


def _unknown(unknown: Mapping[DatasetName, str], after: Iterable[Access]) -> Iterator[UnknownAccess]:
    by_dataset: dict[DatasetName, list[Access]] = {}
    for access in after:
        if access.dataset in unknown:
            by_dataset.setdefault(access.dataset, []).append(access)
    for dataset, reason in sorted(unknown.items()):
        yield UnknownAccess(dataset, reason, tuple(by_dataset.get(dataset, ())))


def _order(change: AccessChange) -> tuple[object, ...]:
    kinds = list(Kind)
    access = change.access
    return (kinds.index(change.kinds[0]), not change.marks, access.dataset, access.role, access.principal)
