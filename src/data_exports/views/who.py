"""Holdings for people at a terminal, and for programs.

In: holdings. Out: text, or plain facts. Effects: none.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import TypedDict

from data_exports.access.accesses import Access
from data_exports.estate.models import Platform
from data_exports.names import AccountRootArn, Outsider
from data_exports.operate.who.holdings import Doing, Holding, Question
from data_exports.operate.who.uses import Use, Uses
from data_exports.text import counted, moment_words, printable, quoted

KINDS = {"sender": "push", "mover": "push", "pull user": "pull", "outsider": "pull"}


def render_holdings(holdings: Sequence[Holding], platform: Platform, *, now: datetime) -> str:
    """Each principal, and below it what it may do, through which dataset, until when, on what paperwork."""
    return "\n".join(_lines(holdings, platform, now))


class DoingData(TypedDict):
    """What somebody may do, and where."""

    verbs: list[str]
    where: str


class GrantData(TypedDict):
    """A grant as policies hold it."""

    actions: list[str]
    resource: str
    key_prefix: str | None
    last_day: date | None
    until: datetime | None


class HoldingData(TypedDict):
    """What one principal may do through one dataset."""

    principal: str
    name: str
    role: str
    account: str
    account_name: str
    recipient_account: str | None
    dataset: str
    kind: str
    may: list[DoingData]
    last_day: date | None
    until: datetime | None
    has_ended: bool
    paperwork: list[str]
    owner: str
    grants: list[GrantData]


class WhoData(TypedDict):
    """Who can get at what."""

    accesses: list[HoldingData]


class UseData(TypedDict):
    """How one sender, or uploader who is none, used one dataset."""

    dataset: str
    name: str
    is_granted: bool
    is_known: bool
    is_unused: bool
    uploads: int
    last_upload_at: datetime | None


class UsesData(TypedDict):
    """Who did send, since when."""

    since: datetime
    uses: list[UseData]


def holdings_as_data(holdings: Sequence[Holding], platform: Platform, *, now: datetime) -> WhoData:
    """The same facts for programs."""
    return {"accesses": [holding_as_data(each, platform, now=now) for each in holdings]}


def holding_as_data(holding: Holding, platform: Platform, *, now: datetime) -> HoldingData:
    """One of them."""
    access = holding.access
    return {
        "principal": access.principal,
        "name": holding.name,
        "role": str(access.role),
        "account": access.principal.account,
        "account_name": dict(platform.account_names).get(access.principal.account, ""),
        "recipient_account": access.recipient,
        "dataset": access.dataset,
        "kind": KINDS[access.role],
        "may": [{"verbs": list(doing.verbs), "where": doing.place} for doing in holding.doings],
        "last_day": access.last_day,
        "until": access.until,
        "has_ended": access.has_ended(now),
        "paperwork": list(access.paperwork),
        "owner": holding.owner,
        "grants": [
            {
                "actions": list(grant.actions),
                "resource": grant.resource,
                "key_prefix": grant.key_prefix,
                "last_day": grant.last_day,
                "until": grant.until,
            }
            for grant in access.grants
        ],
    }


def who_words(principal: Outsider, platform: Platform) -> str:
    """A principal for people: a role of the platform by its name, everybody else with the account."""
    if isinstance(principal, AccountRootArn):
        return f"everybody whom {platform.name_of_account(principal.account)} lets"
    name = principal.rsplit("/", 1)[1]
    return name if principal.account == platform.account else f"{name} of {platform.name_of_account(principal.account)}"


def doing_words(doing: Doing) -> str:
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
    for principal, group in groupby(holdings, key=lambda holding: holding.access.principal):
        yield printable(who_words(principal, platform))
        for holding in group:
            access = holding.access
            kind = f"{KINDS[access.role]} dataset {access.dataset}"
            to = f", to {platform.name_of_account(access.recipient)}" if access.recipient else ""
            yield printable(f"  as {access.role} of {kind}{to}, {until_words(access, now)}, {_grounds(access)}")
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


def render_uses(uses: Uses, *, since: datetime) -> str:
    """Each sender of one dataset with the last upload; what was not used stands out."""
    width = max((len(use.who) for use in uses.uses), default=0)
    lines = [f"{uses.dataset}, since {moment_words(since)}"]
    for use in uses.uses:
        said = f"{counted(use.uploads, 'upload')}, last {moment_words(use.last_upload)}" if use.uploads else "NOT USED"
        if not use.is_known and not use.uploads:
            said = "not known: the role could not be looked up"
        if not use.is_granted:
            said += ", is no sender by the declarations"
        lines.append(f"  {printable(use.who):<{width}}  {said}")
    return "\n".join(lines)


def uses_as_data(found: Iterable[Uses], *, since: datetime) -> UsesData:
    """The same for programs."""
    return {"since": since, "uses": [_use_as_data(use) for uses in found for use in uses.uses]}


def _use_as_data(use: Use) -> UseData:
    return {
        "dataset": use.dataset,
        "name": use.who,
        "is_granted": use.is_granted,
        "is_known": use.is_known,
        "is_unused": use.is_unused,
        "uploads": use.uploads,
        "last_upload_at": use.last_upload,
    }
