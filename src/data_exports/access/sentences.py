"""Accesses, and what changes in them, as sentences.

In: an `Access`, or changes. Out: `Sentence` values: words of ours, and `Quoted` values of somebody else's, which must
be escaped for where they are shown. Effects: none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from data_exports.access.accesses import Access
from data_exports.access.changes import AccessChange, AccessChanges, Kind, Mark, NewAccount, UnknownAccess
from data_exports.access.grants import Role
from data_exports.names import AccountId, AccountRootArn, RoleArn, UserArn
from data_exports.text import printable, quoted


class Quoted(str):
    """Text that somebody wrote into a declaration, or that AWS gave us."""

    __slots__ = ()


class Prose(Quoted):
    """Such text that may hold any words, which could read like ours: it stands in quotes."""

    __slots__ = ()


Sentence = tuple[str, ...]
AccountNames = Mapping[AccountId, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of a plan: what happens to one access, or to several that differ in their principal only."""

    kinds: tuple[Kind, ...]
    sentence: Sentence
    marks: tuple[Mark, ...]


def statements_of(changes: AccessChanges) -> tuple[Statement, ...]:
    """The changes as lines, in their order; principals with one and the same change share a line."""
    groups: dict[object, list[AccessChange]] = {}
    for change in changes.changes:
        groups.setdefault(_without_principal(change), []).append(change)
    names = dict(changes.account_names)
    return tuple(
        Statement(group[0].kinds, tuple(_change_in_words(group, names, changes.moment)), group[0].marks)
        for group in groups.values()
    )


def sentence_of_change(change: AccessChange, changes: AccessChanges) -> Sentence:
    """One of the changes by itself."""
    return tuple(_change_in_words([change], dict(changes.account_names), changes.moment))


def sentence_of_unknown(unknown: UnknownAccess, changes: AccessChanges) -> Sentence:
    """Of a dataset whose access before nobody can tell: why, and what it will be."""
    names = dict(changes.account_names)
    parts: list[str] = ["what ", Quoted(unknown.dataset), " granted before cannot be told: ", Quoted(unknown.reason)]
    if not unknown.after:
        return (*parts, ". It will grant nothing")
    groups: dict[object, list[Access]] = {}
    for access in unknown.after:
        groups.setdefault(_facts(access), []).append(access)
    for number, group in enumerate(groups.values()):
        parts += ["; " if number else ". After this: ", *_access_in_words(group, names, changes.moment)]
    return tuple(parts)


def sentence_of(access: Access, names: AccountNames, moment: datetime) -> Sentence:
    """The access as it is: who may do what where, until when, on what paperwork."""
    return tuple(_access_in_words([access], names, moment))


def sentence_of_new_account(new: NewAccount, names: AccountNames) -> Sentence:
    """The account with its name, or the bucket whose account nobody has named, and the datasets."""
    who = account_in_words(new.account, names) if new.account else ("whoever owns ", Quoted(new.where))
    return (*who, " through ", *listed([(Quoted(dataset),) for dataset in new.datasets], at_most=5))


def account_in_words(account: AccountId, names: AccountNames) -> Sentence:
    """``"Cloud Platform" (754256621582)``, or ``account 754256621582`` when it has no name."""
    return (Prose(names[account]), f" ({account})") if account in names else (f"account {account}",)


def principal_in_words(access: Access) -> Sentence:
    """Who it is: a user's role by name, an outsider with its kind and path."""
    match access.principal:
        case AccountRootArn():
            return ("as a whole",)
        case UserArn() as user:
            return ("user ", Quoted(user.split(":user/", 1)[1]))
        case RoleArn() as role if access.role is Role.OUTSIDER:
            return ("role ", Quoted(role.split(":role/", 1)[1]))
        case RoleArn() as role:
            return (Quoted(role.name),)


def day_in_words(moment: datetime) -> str:
    """The last day before a midnight (``31 March 2031``); any other moment with its time."""
    moment = moment.astimezone(UTC)
    if (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        return _day(moment - timedelta(days=1))
    return f"{_day(moment)} {moment:%H:%M} UTC"


def listed(parts: Sequence[Sentence], *, at_most: int | None = None) -> Sentence:
    """``a``, ``a and b``, ``a, b and c``; beyond `at_most` ``a, b and 7 more``."""
    rest = len(parts) - at_most if at_most else 0
    shown = [*parts[:at_most], (f"{rest:,} more",)] if rest > 0 else parts
    words: list[str] = []
    for number, part in enumerate(shown):
        if number:
            words.append(" and " if number == len(shown) - 1 else ", ")
        words += part
    return tuple(words)


def plain(sentence: Iterable[str]) -> str:
    """The sentence on one line of text; what would not show, or would move the cursor, is escaped."""
    return "".join(_as_text(part) for part in sentence)


def _as_text(part: str) -> str:
    match part:
        case Prose():
            return quoted(part)
        case Quoted():
            return printable(part)
        case _:
            return part


# --- pieces ---------------------------------------------------------------------------------------------------------


def _change_in_words(group: Sequence[AccessChange], names: AccountNames, moment: datetime) -> Iterator[str]:
    first = group[0]
    before = first.before
    if first.after is None:
        yield from _lost_in_words([change.access for change in group], names, moment)
        return
    yield from _access_in_words([change.access for change in group], names, moment)
    if before is None:
        return
    if first.kinds == (Kind.LOSES,):
        yield from ("; before: ", *_until_in_words(before.until, moment, or_else="without an end"))
        return
    differences = list(_differences(before, first.after, names, moment))
    for number, part in enumerate(differences):
        yield from ("; " if number else "; before: ", *part)


def _lost_in_words(group: Sequence[Access], names: AccountNames, moment: datetime) -> Iterator[str]:
    first = group[0]
    if first.role is Role.MOVER:
        yield from ("files of ", Quoted(first.dataset), " no longer go to ", *_recipient_in_words(first, names))
    else:
        yield from (*_who_in_words(group, names), " can no longer ", *_doing_in_words(first))
    if first.has_ended(moment):
        yield from (" (", *_until_in_words(first.until, moment), ")")


def _access_in_words(group: Sequence[Access], names: AccountNames, moment: datetime) -> Iterator[str]:
    first = group[0]
    if first.role is Role.MOVER:
        yield from ("files of ", Quoted(first.dataset), " go to ", *_recipient_in_words(first, names))
        if first.keeps:
            yield " and stay in the hub"
    else:
        may = " may " if first.role is Role.SENDER else " can "
        yield from (*_who_in_words(group, names), may, *_doing_in_words(first))
    if first.until:
        yield from (", but that " if first.has_ended(moment) else " ", *_until_in_words(first.until, moment))
    yield from (" (", *_paperwork_in_words(first.paperwork), ")")


def _who_in_words(group: Sequence[Access], names: AccountNames) -> Sentence:
    first = group[0]
    who = listed([principal_in_words(access) for access in group])
    return (*account_in_words(first.principal.account, names), " ", *who) if first.role is Role.OUTSIDER else who


def _doing_in_words(access: Access) -> Sentence:
    return (_verbs(access), " ", *(("under ",) if access.role is Role.SENDER else ()), Quoted(access.where))


def _verbs(access: Access) -> str:
    named = [word for word, fits in (("read", access.reads), ("write", access.writes)) if fits]
    return " and ".join(named) or "use"


def _recipient_in_words(access: Access, names: AccountNames) -> Iterator[str]:
    yield Quoted(access.where)
    yield from (
        (" of ", *account_in_words(access.recipient, names)) if access.recipient else (", whose account is not named",)
    )
    if access.key:
        yield from (", encrypted with ", Quoted(access.key))


def _until_in_words(until: datetime | None, moment: datetime, *, or_else: str = "") -> Sentence:
    if until is None:
        return (or_else,)
    return (f"{'ended with' if until <= moment else 'until'} {day_in_words(until)}",)


def _paperwork_in_words(paperwork: Sequence[str]) -> Sentence:
    if not paperwork:
        return ("no paperwork",)
    return ("paperwork ", *listed([(Prose(entry),) for entry in paperwork]))


def _differences(before: Access, after: Access, names: AccountNames, moment: datetime) -> Iterator[Sentence]:
    """Each thing that was otherwise before, as it was."""
    is_mover = after.role is Role.MOVER
    had_words = len(_plain_differences(before, after))
    if before.where != after.where or (is_mover and before.recipient != after.recipient):
        yield ("to ", *_recipient_in_words(before, names)) if is_mover else ("in ", Quoted(before.where))
    elif is_mover and before.key != after.key:
        yield (("encrypted with ", Quoted(before.key)) if before.key else ("encrypted with no key of theirs",))
    if not is_mover and _verbs(before) != _verbs(after):
        yield (f"could {_verbs(before)}{'' if before.reads and before.writes else ' only'}",)
    if is_mover and before.keeps != after.keeps:
        yield ("they stayed in the hub" if before.keeps else "they left the hub",)
    if is_mover and before.principal != after.principal:
        yield ("by ", Quoted(before.principal), "; the recipient must let in ", Quoted(after.principal))
    if before.until != after.until:
        yield _until_in_words(before.until, moment, or_else="without an end")
    if before.paperwork != after.paperwork:
        yield _paperwork_in_words(before.paperwork)
    if not had_words:
        yield from _rights_in_words(before, after)


def _plain_differences(before: Access, after: Access) -> list[str]:
    """The properties in which the two differ and for which there are words."""
    told = ("where", "recipient", "reads", "writes", "principal", "until", "paperwork", "key", "keeps")
    return [name for name in told if getattr(before, name) != getattr(after, name)]


def _rights_in_words(before: Access, after: Access) -> Iterator[Sentence]:
    """What there are no plainer words for: the actions themselves."""
    old = {action for grant in before.grants for action in grant.actions}
    new = {action for grant in after.grants for action in grant.actions}
    for word, actions in (("without ", new - old), ("with ", old - new)):
        if actions:
            yield (word, *listed([(Quoted(action),) for action in sorted(actions)]))
    if old == new:
        yield ("other conditions or resources for the same actions",)


def _without_principal(change: AccessChange) -> object:
    is_mover = change.access.role is Role.MOVER
    return (
        change.kinds,
        change.marks,
        change.access.principal if is_mover else None,
        _facts(change.before) if change.before else None,
        _facts(change.after) if change.after else None,
    )


def _facts(access: Access) -> object:
    """All of an access but whose it is, within one account and one kind of principal."""
    rights = tuple((grant.resource, grant.actions, grant.key_prefix, grant.until) for grant in access.grants)
    kind = type(access.principal)
    return (access.dataset, access.role, kind, access.principal.account, access.recipient, access.paperwork, rights)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
