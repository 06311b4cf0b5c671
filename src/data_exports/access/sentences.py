"""Accesses, and what changes in them, as sentences.

In: an `Access`, or changes. Out: `Sentence` values: words of ours, and `Quoted` values of somebody else's, which must
be escaped for where they are shown. Effects: none.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from data_exports.access.accesses import Access
from data_exports.access.changes import AccessChange, AccessChanges, NewAccount, UnknownAccess
from data_exports.access.grants import Role
from data_exports.access.kinds import Kind, Mark, rank_of
from data_exports.access.mails import MailChange
from data_exports.names import AccountId, AccountRootArn, RoleArn, UserArn
from data_exports.readers.sftp import SftpReader
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
class PlanLine:
    """One line of a plan: what happens to one access, or to several that differ in their principal only."""

    kinds: tuple[Kind, ...]
    head: Sentence
    """What is done where, until when, what it was before, and the account: what nobody may cut."""
    rest: Sentence
    """Who it is by name, and on what paperwork."""
    marks: tuple[Mark, ...]
    account: AccountId | None = None
    """Of outsiders and recipients."""
    count: int = 1
    """How many accesses this is about."""
    about: str = ""
    """The dataset."""

    @property
    def sentence(self) -> Sentence:
        """All of it."""
        return (*self.head, *self.rest)


def statements_of(
    changes: AccessChanges, *, names: int | None = None, by_dataset: bool = False
) -> tuple[PlanLine, ...]:
    """The changes as lines, the most dangerous first; principals with one and the same change share a line.

    So many `names` are in a line, and the rest counted; None for all. With `by_dataset` the lines of a dataset stand
    together.
    """
    groups: dict[object, list[AccessChange]] = {}
    for change in changes.changes:
        groups.setdefault(_without_principal(change), []).append(change)
    accounts = dict(changes.account_names)
    found = [_statement(group, accounts, changes.moment, names) for group in groups.values()]
    found += _mail_statements(changes.mails, names)
    found.sort(key=lambda each: rank_of(each.marks))
    if by_dataset:
        first = {each.about: number for number, each in reversed(list(enumerate(found)))}
        found.sort(key=lambda each: first[each.about])
    return tuple(found)


def sentence_of_change(change: AccessChange, changes: AccessChanges) -> Sentence:
    """One of the changes by itself."""
    return _statement([change], dict(changes.account_names), changes.moment, None).sentence


def sentence_of_mail(change: MailChange) -> Sentence:
    """One address that is told of failures, or no longer."""
    (statement,) = _mail_statements([change], None)
    return statement.sentence


def sentence_of_unknown(unknown: UnknownAccess, changes: AccessChanges, *, most: int | None = None) -> Sentence:
    """Of a dataset whose access before nobody can tell: why, and what it will be, so much of it at `most`."""
    names = dict(changes.account_names)
    parts: list[str] = ["what ", Quoted(unknown.dataset), " granted before cannot be told: ", Quoted(unknown.reason)]
    if not unknown.after:
        return (*parts, ". It will grant nothing")
    groups: dict[object, list[Access]] = {}
    for access in sorted(unknown.after, key=lambda access: not access.is_outside):
        groups.setdefault(_facts(access), []).append(access)
    shown = list(groups.values())[:most]
    for number, group in enumerate(shown):
        parts += ["; " if number else ". After this: ", *_access_in_words(group, names, changes.moment, most)]
    if len(shown) < len(groups):
        parts.append(f"; and {len(unknown.after) - sum(map(len, shown)):,} more accesses")
    return tuple(parts)


def sentence_of_new_account(new: NewAccount, names: AccountNames) -> Sentence:
    """The account with its name, or the bucket whose account nobody has named, and the datasets."""
    who = party_in_words(new.account, new.where, new.words, names)
    return (*who, " through ", *listed([(Quoted(dataset),) for dataset in new.datasets], at_most=5))


def account_in_words(account: AccountId, names: AccountNames) -> Sentence:
    """``"Cloud Platform" (754256621582)``, or ``account 754256621582`` when it has no name."""
    return (Prose(names[account]), f" ({account})") if account in names else (f"account {account}",)


def party_in_words(account: AccountId | None, where: str, words: tuple[str, str], names: AccountNames) -> Sentence:
    """Whom data is opened to: who it is outside AWS, else the account, else whoever owns where it goes."""
    if any(words):
        return named_in_words(words)
    return account_in_words(account, names) if account else ("whoever owns ", Quoted(where))


def named_in_words(words: tuple[str, str]) -> Sentence:
    """What somebody is, which are our words, and what it is called."""
    return (f"{words[0]} ", Quoted(words[1]))


def principal_in_words(access: Access) -> Sentence:
    """Who it is: a user's role by name, an outsider with its kind and path, a reader outside AWS as it calls itself."""
    if access.reader:
        return named_in_words(access.reader.words)
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


def _statement(group: Sequence[AccessChange], names: AccountNames, moment: datetime, most: int | None) -> PlanLine:
    first = group[0]
    accesses = [change.access for change in group]
    verb = "may no longer " if first.after is None else "may "
    head = [*_head_in_words(first.access, names, moment, verb=verb, lost=first.after is None)]
    if first.before and first.after:
        differences = list(_differences(first.before, first.after, names, moment))
        for number, part in enumerate(differences):
            head += ["; " if number else " (before: ", *part]
        head += [")"] if differences else []
    head += _account_in_words(first.access, names)
    rest = [*_who_in_words(accesses, most)]
    if first.after:
        rest += [" (", *_paperwork_in_words(first.after.paperwork, most)]
        if first.before and first.before.paperwork != first.after.paperwork:
            rest += ["; before: ", *_paperwork_in_words(first.before.paperwork, most)]
        rest.append(")")
    account = first.access.account if first.access.is_outside else None
    return PlanLine(first.kinds, tuple(head), tuple(rest), first.marks, account, len(group), str(first.access.dataset))


def _mail_statements(changes: Iterable[MailChange], most: int | None) -> list[PlanLine]:
    """Addresses with one and the same change share a line."""
    groups: dict[object, list[MailChange]] = {}
    for change in changes:
        groups.setdefault((change.kind, change.marks, change.mail.dataset), []).append(change)
    found = []
    for group in groups.values():
        kind, dataset = group[0].kind, group[0].mail.dataset
        verb = "is no longer mailed" if kind is Kind.LOSES else "is mailed"
        of = ("of every push dataset",) if dataset is None else ("of ", Quoted(dataset))
        head = (f"{verb} the failures ", *of, ", with the names of files: ")
        if dataset and group[0].mail.is_pull:
            head = (f"{verb} before the access of ", Quoted(dataset), " ends: ")
        rest = listed([(Quoted(change.mail.address),) for change in group], at_most=most)
        found.append(PlanLine((kind,), head, rest, group[0].marks, None, len(group), str(dataset or "")))
    return found


def _access_in_words(
    group: Sequence[Access], names: AccountNames, moment: datetime, most: int | None = None
) -> Iterator[str]:
    first = group[0]
    yield from _head_in_words(first, names, moment)
    yield from _account_in_words(first, names)
    yield from (*_who_in_words(group, most), " (", *_paperwork_in_words(first.paperwork, most), ")")


def _head_in_words(
    access: Access, names: AccountNames, moment: datetime, *, verb: str = "may ", lost: bool = False
) -> Iterator[str]:
    """What is done where, and until when; of a mover also to whom."""
    if access.role is Role.MOVER:
        goes = "no longer go" if lost else "go"
        yield from ("files of ", Quoted(access.dataset), f" {goes} to ", *_recipient_in_words(access, names))
        if access.keeps_files and not lost:
            yield " and stay in the hub"
    else:
        under = ("under ",) if access.role is Role.SENDER else ()
        if access.role is Role.SFTP and access.writes:
            yield from (verb, "read ", Quoted(access.where), " and add files under ", Quoted(access.where_written))
        else:
            yield from (verb, _verbs(access), " ", *under, Quoted(access.where))
    if access.until and (not lost or access.has_ended(moment)):
        link = (", which " if lost else ", but that ") if access.has_ended(moment) else " "
        yield from (link, *_until_in_words(access.until, moment))


def _account_in_words(access: Access, names: AccountNames) -> Iterator[str]:
    """The account of an outsider, and what leads to the names; a mover's recipient has been named already."""
    if access.role is not Role.MOVER:
        yield ": "
        if access.role is Role.OUTSIDER:
            yield from (*account_in_words(access.principal.account, names), " ")


def _who_in_words(group: Sequence[Access], most: int | None) -> Sentence:
    if group[0].role is Role.MOVER:
        return ()
    return listed([principal_in_words(access) for access in group], at_most=most)


def _verbs(access: Access) -> str:
    named = [word for word, fits in (("read", access.reads), ("write", access.writes)) if fits]
    return " and ".join(named) or "use"


def _recipient_in_words(access: Access, names: AccountNames) -> Iterator[str]:
    yield Quoted(access.where)
    if access.destination:
        for words, name in access.destination.whose:
            yield from (words, Quoted(name))
        yield ", for whoever is let in there to read"
    elif access.recipient:
        yield from (" of ", *account_in_words(access.recipient, names))
    elif access.where.startswith("s3://"):
        yield ", whose account is not named"
    if access.key:
        yield from (", encrypted with ", Quoted(access.key))


def _until_in_words(until: datetime | None, moment: datetime, *, or_else: str = "") -> Sentence:
    if until is None:
        return (or_else,)
    return (f"{'ended with' if until <= moment else 'until'} {day_in_words(until)}",)


def _paperwork_in_words(paperwork: Sequence[str], most: int | None = None) -> Sentence:
    if not paperwork:
        return ("no paperwork",)
    return ("paperwork ", *listed([(Prose(entry),) for entry in paperwork], at_most=most))


def _differences(before: Access, after: Access, names: AccountNames, moment: datetime) -> Iterator[Sentence]:
    """Each thing that was otherwise before, as it was."""
    is_mover = after.role is Role.MOVER
    if before.where != after.where or (is_mover and _differs_in(before, after, "recipient", "destination")):
        yield ("to ", *_recipient_in_words(before, names)) if is_mover else ("in ", Quoted(before.where))
    elif is_mover and before.key != after.key:
        yield (("encrypted with ", Quoted(before.key)) if before.key else ("encrypted with no key of theirs",))
    if before.reader and after.reader and before.reader.words != after.reader.words:
        yield named_in_words(before.reader.words)
    if (old := _tokens_in_words(before)) != (new := _tokens_in_words(after)):
        yield (*old, "; now ", *new)
    if not is_mover and _verbs(before) != _verbs(after):
        yield (f"could {_verbs(before)}{'' if before.reads and before.writes else ' only'}",)
    if is_mover and before.keeps_files != after.keeps_files:
        yield ("they stayed in the hub" if before.keeps_files else "they left the hub",)
    if is_mover and before.principal != after.principal:
        yield ("by ", Quoted(before.principal), "; the recipient must let in ", Quoted(after.principal))
    if before.until != after.until:
        yield _until_in_words(before.until, moment, or_else="without an end")
    told = ("where", "recipient", "destination", "reads", "writes", "principal", "key", "keeps_files", "reader")
    if not _differs_in(before, after, *told):
        yield from _rights_in_words(before, after)


def _tokens_in_words(access: Access) -> Sentence:
    """Which tokens a reader comes with, besides whom they are of; nothing of one that has none."""
    match access.reader:
        case None | SftpReader():
            return ()
        case reader:
            audience: Sentence = (" for ", Quoted(reader.audience)) if reader.audience else ()
            return ("with tokens of ", Quoted(reader.issuer), *audience)


def _differs_in(before: Access, after: Access, *properties: str) -> bool:
    return any(getattr(before, name) != getattr(after, name) for name in properties)


def _rights_in_words(before: Access, after: Access) -> Iterator[Sentence]:
    """What there are no plainer words for: the actions themselves, or else what they are allowed on."""
    old, new = ({action for grant in each.grants for action in grant.actions} for each in (before, after))
    if old == new:
        old, new = ({grant.resource for grant in each.grants} for each in (before, after))
    for word, rights in (("without ", new - old), ("with ", old - new)):
        if rights:
            yield (word, *listed([(Quoted(right),) for right in sorted(rights)]))
    if old == new and not _differs_in(before, after, "until", "paperwork"):
        yield ("other conditions or resources for the same actions",)


def _without_principal(change: AccessChange) -> object:
    is_mover = change.access.role is Role.MOVER
    return (
        change.kinds,
        change.marks,
        change.access.principal if is_mover or _is_of_another_reader(change) else None,
        _facts(change.before) if change.before else None,
        _facts(change.after) if change.after else None,
    )


def _is_of_another_reader(change: AccessChange) -> bool:
    """Whether the reader has other keys, or comes with other tokens, than before: a line of its own says which."""
    return bool(change.before and change.after and change.before.reader != change.after.reader)


def _facts(access: Access) -> object:
    """All of an access but whose it is, within one account and one kind of principal."""
    rights = tuple((grant.resource, grant.actions, grant.key_prefix, grant.until) for grant in access.grants)
    kind = type(access.principal)
    return (access.dataset, access.role, kind, access.principal.account, access.recipient, access.paperwork, rights)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
