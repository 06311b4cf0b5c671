"""Two sets of grants → who gains, who loses, who keeps what longer or shorter, and which accounts are new.

In: the grants before and after, those that both share, the datasets of which nobody can tell what they granted
before, and who is told by e-mail. Out: `AccessChanges`, the most dangerous change first. Effects: none. Every
difference between the two sets is in some change: what fits none of the plainer kinds is `Kind.CHANGED`, with the
rights themselves. An access that has ended is none: when its end is put off, it is gained anew.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from data_exports.access.accesses import Access, accesses_of
from data_exports.access.grants import PULL_READERS, Grant, Role
from data_exports.access.kinds import GAINED, Kind, Mark, rank_of
from data_exports.access.mails import Mail, MailChange, mail_changes
from data_exports.json_values import json_as
from data_exports.names import AccountId, DatasetName


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


@json_as("account where who? datasets")
@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account, or somebody outside AWS, that is given access, or data, and had none before."""

    account: AccountId | None
    """None when a recipient's bucket is new and its account is not named, and of somebody outside AWS."""
    where: str
    """The first place it gets at, or receives files in."""
    datasets: tuple[DatasetName, ...]
    words: tuple[str, str] = ("", "")
    """Of somebody outside AWS: who it is, as `FederatedReader.party_words`."""

    @property
    def who(self) -> str:
        """The words as one text; "" where an account or a bucket tells who it is."""
        return " ".join(filter(None, self.words))


@dataclass(frozen=True, slots=True)
class AccessChanges:
    """All that changes in who may do what, and in who is told."""

    changes: tuple[AccessChange, ...] = ()
    """The most dangerous first."""
    unknown: tuple[UnknownAccess, ...] = ()
    new_accounts: tuple[NewAccount, ...] = ()
    widened: tuple[DatasetName, ...] = ()
    """The datasets that no outsider could write, or perhaps none, and some can now; new datasets are not among them."""
    mails: tuple[MailChange, ...] = ()
    count_before: int = 0
    """How many accesses there were, as far as is known, without those that had ended or that AWS has taken."""
    account_names: tuple[tuple[AccountId, str], ...] = ()
    """Names for accounts, for the sentences about these changes."""
    moment: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    """When this was told; what had ended by then is told as ended."""

    @property
    def lost(self) -> tuple[AccessChange, ...]:
        """The accesses that go, but for those that had ended before, and those that AWS itself has taken."""
        return tuple(
            change
            for change in self.changes
            if Kind.LOSES in change.kinds
            and Mark.ROLE_GONE not in change.marks
            and change.before
            and not change.before.has_ended(self.moment)
        )

    @property
    def whole_accounts(self) -> tuple[Access, ...]:
        """The accesses that whole accounts gain, or perhaps had before."""
        gained = [change.access for change in self.changes if Mark.WHOLE_ACCOUNT in change.marks]
        doubtful = (access for each in self.unknown for access in each.after if access.is_of_everybody)
        return (*gained, *doubtful)

    @property
    def gaining(self) -> tuple[Access, ...]:
        """The first access of each account, or of whoever else is outside, that gains something, or may."""
        gained = [change.access for change in self.changes if set(change.marks) & set(GAINED)]
        outside = [
            access for access in [*gained, *(a for each in self.unknown for a in each.after)] if access.is_outside
        ]
        found: dict[str, Access] = {}
        for access in outside:
            found.setdefault(access.party, access)
        return tuple(found.values())

    @property
    def marks(self) -> Mapping[Mark, int]:
        """How often each mark stands on a change."""
        access = (mark for change in self.changes for mark in change.marks)
        return Counter([*access, *(mark for change in self.mails for mark in change.marks)])

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.changes and not self.unknown and not self.mails


def changes_between(
    before: Iterable[Grant],
    after: Iterable[Grant],
    *,
    moment: datetime,
    unchanged: Iterable[Grant] = (),
    unknown: Mapping[DatasetName, str] | None = None,
    account_names: Mapping[AccountId, str] | None = None,
    is_first: bool = False,
    gone: Collection[tuple[DatasetName, str]] = (),
    mails: tuple[Collection[Mail], Collection[Mail]] = ((), ()),
    mail_domains: Collection[str] = (),
) -> AccessChanges:
    """What changes in who may do what.

    `unchanged` are grants that both sides share; `unknown`: dataset → why nobody can tell what it granted before. With
    `is_first` every account would be new, so none is told as new. `gone`: dataset and principal, of roles that do not
    exist any more. `mails`: who was told, and who will be, outside these `mail_domains` or inside.
    Raises `UnclearGrantsError` for grants that reach no data.
    """
    unknown = unknown or {}
    old = {access.identity: access for access in accesses_of(before)}
    will_be = accesses_of(after)
    new = {access.identity: access for access in will_be if access.dataset not in unknown}
    had = [*old.values(), *accesses_of(unchanged)]
    live = [access for access in had if not access.has_ended(moment) and (access.dataset, access.principal) not in gone]
    opened = {} if is_first else _opened_to(live, [access for access in will_be if not access.has_ended(moment)])
    new_to = frozenset((party, each.dataset) for party, accesses in opened.items() for each in accesses)
    about = _About(moment, new_to, frozenset(gone))
    found = (_change(old.get(key), new.get(key), moment) for key in sorted({*old, *new}))
    changes = tuple(sorted((about.marked(change) for change in found if change), key=_order))
    cannot_be_told = tuple(_unknown(unknown, will_be))
    return AccessChanges(
        changes,
        cannot_be_told,
        tuple(map(_new_account, opened.values())),
        _widened(changes, cannot_be_told, had, live),
        tuple(mail_changes(*mails, domains=mail_domains)),
        count_before=len(live),
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
    other_grounds = (before.paperwork, before.recipient, before.destination) != (
        *(after.paperwork, after.recipient, after.destination),
    )
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


@dataclass(frozen=True)
class _About:
    """What marks depend on besides the change itself."""

    moment: datetime
    new_to: frozenset[tuple[str, DatasetName]]
    gone: frozenset[tuple[DatasetName, str]]

    def marked(self, change: AccessChange) -> AccessChange:
        """The change with its marks, the most dangerous first."""
        fits = self._marks(change)
        return AccessChange(change.kinds, change.before, change.after, tuple(mark for mark in Mark if fits.get(mark)))

    def _marks(self, change: AccessChange) -> dict[Mark, bool]:
        before, after = change.before, change.after
        if after is None:
            return {Mark.ROLE_GONE: (change.access.dataset, change.access.principal) in self.gone}
        if after.has_ended(self.moment):
            return {Mark.ENDED: True}
        had = before if before and not before.has_ended(self.moment) else None
        # An account that is named from now on narrows a delivery; one that no longer is, or is another, does not.
        is_anew = had is None or had.where != after.where or had.recipient not in (None, after.recipient)
        is_anew = is_anew or (had is not None and not after.ssh_keys <= had.ssh_keys)  # who holds the new one gets in
        is_anew = is_anew or (had is not None and had.destination != after.destination)
        is_longer = Kind.LONGER in change.kinds
        is_more = is_anew or is_longer or Kind.MORE in change.kinds
        is_delivered = after.role is Role.MOVER
        return {
            Mark.WHOLE_ACCOUNT: is_more and after.is_of_everybody,
            Mark.WRITE: after.role in PULL_READERS and after.writes and (had is None or is_anew or not had.writes),
            Mark.NEW_ACCOUNT: after.is_outside and (after.party, after.dataset) in self.new_to,
            Mark.LONGER: is_longer,
            Mark.READ: (is_anew and (after.reads or is_delivered))
            or (after.reads and not is_delivered and had is not None and not had.reads),
            Mark.NO_PAPERWORK: not after.paperwork and (is_more or Kind.CHANGED in change.kinds),
        }


def _widened(
    changes: Iterable[AccessChange], unknown: Iterable[UnknownAccess], had: Iterable[Access], live: Iterable[Access]
) -> tuple[DatasetName, ...]:
    was_there = {access.dataset for access in had}
    was_written = {access.dataset for access in live if access.role in PULL_READERS and access.writes}
    written = {change.access.dataset for change in changes if Mark.WRITE in change.marks}
    doubtful = {
        each.dataset for each in unknown if any(access.role in PULL_READERS and access.writes for access in each.after)
    }
    return tuple(sorted((written & was_there - was_written) | doubtful))


def _opened_to(before: Sequence[Access], after: Sequence[Access]) -> dict[str, list[Access]]:
    """What is given to each party that had nothing before; an account that is not named is as new as its bucket.

    So an account that is named for a bucket of nobody's is new: it would count as known from then on.
    """
    outside = [access for access in before if access.is_outside]
    seen = {access.party for access in outside} | {access.bucket for access in outside if access.role is Role.MOVER}
    opened: dict[str, list[Access]] = {}
    for access in after:
        if access.is_outside and access.party not in seen:
            opened.setdefault(access.party, []).append(access)
    return dict(sorted(opened.items()))


def _new_account(accesses: Sequence[Access]) -> NewAccount:
    first = accesses[0]
    datasets = tuple(dict.fromkeys(each.dataset for each in accesses))
    return NewAccount(first.account, first.where, datasets, first.party_words)


def _unknown(unknown: Mapping[DatasetName, str], after: Iterable[Access]) -> Iterator[UnknownAccess]:
    by_dataset: dict[DatasetName, list[Access]] = {}
    for access in after:
        if access.dataset in unknown:
            by_dataset.setdefault(access.dataset, []).append(access)
    for dataset, reason in sorted(unknown.items()):
        yield UnknownAccess(dataset, reason, tuple(by_dataset.get(dataset, ())))


def _order(change: AccessChange) -> tuple[object, ...]:
    kinds, access = list(Kind), change.access
    danger = (rank_of(change.marks), not access.is_outside, kinds.index(change.kinds[0]))
    return (*danger, access.dataset, access.role, access.principal)
