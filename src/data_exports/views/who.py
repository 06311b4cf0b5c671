"""Holdings for people at a terminal, and for programs.

In: holdings. Out: text, or values for JSON. Effects: none.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from data_exports.access.accesses import Access
from data_exports.access.grants import Role
from data_exports.estate.models import Platform
from data_exports.json_values import json_as, json_object_of
from data_exports.names import AccountRootArn
from data_exports.operate.who.holdings import Holding, Permission, Question
from data_exports.operate.who.uses import Use, Uses
from data_exports.text import counted, csv_line, moment_words, printable, quoted, size_words
from data_exports.views.tables import csv_cell, fitted

KINDS: dict[str, str] = {role: "push" if role in (Role.SENDER, Role.MOVER) else "pull" for role in Role}


def render_holdings(holdings: Sequence[Holding], platform: Platform, *, now: datetime, width: int | None = None) -> str:
    """Each principal, and below it what it may do, through which dataset, until when, on what paperwork.

    `width` is that of the terminal.
    """
    return "\n".join(part for line in _lines(holdings, platform, now) for part in fitted(line, width))


@json_as(
    "principal=holding.access.principal name=holding.name role=holding.access.role",
    "reader account=holding.access.principal.account account_name recipient_account=holding.access.recipient",
    "recipient?",
    "dataset=holding.access.dataset kind may=holding.doings last_day=holding.access.last_day",
    "until=holding.access.until has_ended paperwork=holding.access.paperwork owner?=holding.owner",
    "grants=holding.access.grants",
)
@dataclass(frozen=True, slots=True)
class HoldingData:
    """What one principal may do through one dataset."""

    holding: Holding
    kind: str
    reader: str | None
    """Of a reader outside AWS: who it is, in words."""
    recipient: str | None
    """Of a mover to a recipient outside AWS: who that is, in words."""
    account_name: str | None
    has_ended: bool


@dataclass(frozen=True, slots=True)
class WhoData:
    """Who can get at what."""

    accesses: Sequence[HoldingData]


@dataclass(frozen=True, slots=True)
class UsesData:
    """Who did send, since when."""

    since: datetime
    uses: Sequence[Use]


def holdings_as_data(holdings: Sequence[Holding], platform: Platform, *, now: datetime) -> WhoData:
    """The same facts for programs."""
    return WhoData([holding_as_data(each, platform, now=now) for each in holdings])


_COLUMNS = (
    *("principal", "role", "account", "account_name", "recipient_account", "dataset", "kind", "may"),
    *("last_day", "has_ended", "paperwork", "owner", "reader", "recipient"),
)


def holdings_as_csv(holdings: Iterable[Holding], platform: Platform, *, now: datetime) -> str:
    """A line for each access, below the names of the columns."""
    return "\n".join(map(csv_line, [_COLUMNS, *(_row(each, platform, now) for each in holdings)]))


def _row(holding: Holding, platform: Platform, now: datetime) -> tuple[str, ...]:
    access = holding.access
    return (
        *(str(access.principal), access.role, str(access.principal.account)),
        dict(platform.account_names).get(access.principal.account, ""),
        *(str(access.recipient or ""), str(access.dataset), KINDS[access.role]),
        "; ".join(map(doing_words, holding.doings)),
        *(str(access.last_day or ""), "yes" if access.has_ended(now) else "no"),
        *("; ".join(access.paperwork), holding.owner, " ".join(access.reader.words) if access.reader else ""),
        " ".join(access.party_words) if access.destination else "",
    )


def holding_as_data(holding: Holding, platform: Platform, *, now: datetime) -> HoldingData:
    """One of them."""
    access = holding.access
    account_name = dict(platform.account_names).get(access.principal.account)
    reader = " ".join(access.reader.words) if access.reader else None
    recipient = " ".join(access.party_words) if access.destination else None
    return HoldingData(holding, KINDS[access.role], reader, recipient, account_name, access.has_ended(now))


def who_words(access: Access, platform: Platform) -> str:
    """Whose access it is: a role of the platform by name, a reader outside AWS in words, others with account."""
    principal = access.principal
    if access.reader:
        return f"{' '.join(access.reader.words)}, through {principal.rsplit('/', 1)[1]}"
    if isinstance(principal, AccountRootArn):
        return f"everybody whom {platform.name_of_account(principal.account)} lets"
    name = principal.rsplit("/", 1)[1]
    return name if principal.account == platform.account else f"{name} of {platform.name_of_account(principal.account)}"


def recipient_words(access: Access, platform: Platform) -> str:
    """Of a mover: to whom it delivers, as far as that is declared; "" of others."""
    if access.destination:
        return " ".join(access.party_words)
    return platform.name_of_account(access.recipient) if access.recipient else ""


def doing_words(doing: Permission) -> str:
    """``read and write s3://bucket/``."""
    verbs = list(doing.verbs)
    said = verbs[0] if len(verbs) == 1 else f"{', '.join(verbs[:-1])} and {verbs[-1]}"
    return f"{said} {doing.place}"


def until_words(access: Access, now: datetime) -> str:
    """The last day, in UTC; IAM refuses from the midnight after it."""
    if access.last_day is None:
        return "no end"
    return f"ENDED with {access.last_day}" if access.has_ended(now) else f"until {access.last_day}"


def _lines(holdings: Sequence[Holding], platform: Platform, now: datetime) -> Iterator[str]:
    for _, group in groupby(holdings, key=lambda holding: holding.access.principal):
        found = list(group)
        yield printable(who_words(found[0].access, platform))
        for holding in found:
            access = holding.access
            kind = f"{KINDS[access.role]} dataset {access.dataset}"
            to = recipient_words(access, platform)
            kind = f"{kind}, to {to}" if to else kind
            yield printable(f"  as {access.role} of {kind}, {until_words(access, now)}, {_grounds(access)}")
            yield from (printable(f"    {doing_words(doing)}") for doing in holding.doings)


def _grounds(access: Access) -> str:
    return f"paperwork: {', '.join(map(quoted, access.paperwork))}" if access.paperwork else "NO PAPERWORK"


def count_words(holdings: Iterable[Holding]) -> str:
    """How many holdings of how many principals."""
    found = list(holdings)
    principals = len({holding.access.principal for holding in found})
    return f"{len(found):,} access{'es' * (len(found) != 1)} of {principals:,} principal{'s' * (principals != 1)}"


def question_words(question: Question) -> str:
    """The question in words; "" when everything is asked for."""
    days = question.ends_within.total_seconds() / 86400 if question.ends_within is not None else None
    parts = [
        question.who,
        f"who can {question.verb} {question.place}" if question.place else "",
        f"account {question.account}" if question.account else "",
        f"what ends within {days:g} days" if days is not None else "",
        "what has no paperwork" if question.without_paperwork else "",
    ]
    return ", ".join(part for part in parts if part)


def render_uses(uses: Uses, *, since: datetime, width: int | None = None) -> str:
    """Everybody who may use one dataset, with the last use; what was not used stands out.

    Where a row is wider than the terminal's `width`, who it is has a line, and what is said of it others.
    """
    rows = [(printable(use.who), _use_in_words(use)) for use in uses.uses]
    column = max((len(who) for who, _ in rows), default=0)
    lines = [f"  {who:<{column}}  {said}" for who, said in rows]
    if width is not None and any(len(line) > width for line in lines):
        lines = [line for who, said in rows for line in (f"  {who}", *fitted(f"    {said}", width))]
    return "\n".join([f"{uses.dataset}, since {moment_words(since)}", *lines])


def _use_in_words(use: Use) -> str:
    said = _use_words(use) if use.is_used else "NOT USED"
    if not use.is_used and not use.is_known:
        said = f"not known: {use.why_not_known}"
    if use.is_granted is None:
        said += f"; whether it is a sender is not known: {use.why_not_known}"
    elif not use.is_granted:
        said += ", is no sender by the declarations" if use.requests is None else ", is not in the declarations"
    return said


def _use_words(use: Use) -> str:
    if use.requests is None:
        return f"{counted(use.uploads or 0, 'upload')}, last {moment_words(use.last_upload)}"
    parts = [
        f"{counted(use.reads or 0, 'read')} ({size_words(use.bytes_read)})" if use.reads else "",
        counted(use.writes or 0, "write") if use.writes else "",
        counted(use.deletes or 0, "deletion") if use.deletes else "",
    ]
    if use.last_request is None:
        return f"listed only, last {moment_words(use.last_listing)}"
    return f"{', '.join(filter(None, parts))}, last {moment_words(use.last_request)}"


_USE_COLUMNS = (
    *("dataset", "name", "is_granted", "is_known", "why_not_known", "is_unused", "uploads", "last_upload_at"),
    *("requests", "reads", "writes", "deletes", "bytes_read", "last_request_at", "last_listing_at"),
)


def uses_as_csv(found: Iterable[Uses]) -> str:
    """A line for each person and dataset, with what JSON has; nothing where that is not known, or of the other kind."""
    rows = (json_object_of(use) for uses in found for use in uses.uses)
    return "\n".join(
        map(csv_line, [_USE_COLUMNS, *([csv_cell(row.get(name)) for name in _USE_COLUMNS] for row in rows)])
    )


def uses_as_data(found: Iterable[Uses], *, since: datetime) -> UsesData:
    """The same for programs."""
    return UsesData(since, [use for uses in found for use in uses.uses])
