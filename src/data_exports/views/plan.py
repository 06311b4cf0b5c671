"""A plan for people: access first, then stacks, then what was found.

In: a `Plan`, its platform, and the findings about the declarations. Out: lines of text. `views.plan_markdown` and, for
programs, `deploy.plan.plan_data` say the same. Effects: none. No boto3: plans against a revision are shown, too.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from data_exports.access.kinds import GAINED, Kind, Mark
from data_exports.access.sentences import (
    Sentence,
    listed,
    party_in_words,
    plain,
    sentence_of_new_account,
    sentence_of_unknown,
    statements_of,
)
from data_exports.deploy.plan.consents import federation_warning, needed_consents, refusals_of
from data_exports.deploy.plan.guards import items_of
from data_exports.deploy.plan.plan_data import NOTHING_FOUND, PlanFindings
from data_exports.deploy.plan.planning import Action, MissingRoles, Plan, SettingChange, StackStep
from data_exports.estate.fields import AUDIT
from data_exports.estate.models import Platform
from data_exports.text import printable, word
from data_exports.views.tables import table

COLOURS: dict[str, str] = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REPLACE: "yellow",
    Action.DELETE: "red",
    Action.BLOCKED: "bold red",
    Kind.GAINS: "bold green",
    Kind.MORE: "bold green",
    Kind.LONGER: "green",
    Kind.CHANGED: "yellow",
    Kind.SHORTER: "red",
    Kind.LESS: "red",
    Kind.LOSES: "bold red",
    "unknown": "bold red",
}
SHOWN_MARKS = (Mark.WHOLE_ACCOUNT, Mark.WRITE, Mark.NEW_ACCOUNT, Mark.MAIL_OUTSIDE, Mark.ENDED, Mark.ROLE_GONE)
"""The others are in the sentence itself."""
RESOURCES_IN_A_LINE = 6
NOBODY = "nobody gains or loses any"


def render_plan(
    plan: Plan, platform: Platform, found: PlanFindings = NOTHING_FOUND, *, width: int | None = None
) -> str:
    """The plan for people. `width` in characters for a terminal that shows colour; None for plain text."""
    parts = [printable(heading_of(plan, platform)), f"Access: {plain(access_in_short(plan))}"]
    parts += [f"Marks: {marks_in_short(plan)}"] * bool(marks_in_short(plan))
    parts += [f"Accounts that gain: {plain(listed(gaining))}" for gaining in [accounts_that_gain(plan)] if gaining]
    parts += _table(_access_rows(plan), width)
    if plan.settings or plan.settings_unknown:
        parts.append(f"Settings: {'unknown' if plan.settings_unknown else len(plan.settings)}")
        parts += _table([(each.name, setting_in_words(each)) for each in plan.settings], width)
        parts += [f"  what they were cannot be told: {printable(plan.settings_unknown)}"] * bool(plan.settings_unknown)
    parts.append(f"Stacks: {stacks_in_short(plan)}")
    parts += _table([(step.action, step.name, remarks_of(step)) for step in steps_shown(plan)], width)
    parts += [*map(printable, role_lines(plan)), *map(printable, federation_lines(plan)), *_finding_lines(found)]
    parts += [printable(f"REFUSED: {each.name}: {each.reason}; {each.next_step}") for each in refusals_of(plan)]
    parts += [printable(f"NEEDS --allow {each.consent}: {each.sentence}") for each in needed_consents(plan)]
    return "\n".join(parts)


def heading_of(plan: Plan, platform: Platform) -> str:
    """What the plan compares with, and whose it is."""
    where = f"against {plan.against}" if plan.against else place_of(is_local=plan.is_local)
    return f"Plan: {where}, {whose(platform)}"


def place_of(*, is_local: bool) -> str:
    """Which AWS."""
    return "the local AWS" if is_local else "AWS"


def whose(platform: Platform) -> str:
    """The account, the region and the hub, for headings."""
    account = platform.name_of_account(platform.account)
    return f"account {account}, {platform.region}, hub {platform.hub_bucket}"


def access_in_short(plan: Plan) -> Sentence:
    """``gains 2, loses 1; new accounts: Cloud Platform (754256621582) through court_lists``."""
    return (counts_in_short(plan), *_novelty(plan))


def counts_in_short(plan: Plan) -> str:
    """``gains 2, loses 1``."""
    changes = plan.access
    counts = Counter([change.kinds[0] for change in changes.changes] + [change.kind for change in changes.mails])
    said = [f"refused {len(refusals_of(plan)):,}"] * bool(refusals_of(plan))
    said += [f"unknown {len(changes.unknown):,}"] * bool(changes.unknown)
    return ", ".join([*said, *(f"{kind} {counts[kind]:,}" for kind in Kind if counts[kind])]) or NOBODY


def marks_in_short(plan: Plan) -> str:
    """How often each mark stands on what is gained, the most dangerous first: ``write 1, read 3``."""
    counts = plan.access.marks
    return ", ".join(f"{mark} {counts[mark]:,}" for mark in GAINED if counts[mark])


def accounts_that_gain(plan: Plan, *, by_name: bool = True) -> tuple[Sentence, ...]:
    """Each account that gains something, or may, and whether it is new; that of the most dangerous change first."""
    names = dict(plan.access.account_names) if by_name else {}
    new = {party_in_words(each.account, each.where, each.words, names) for each in plan.access.new_accounts}
    gaining = (party_in_words(each.account, each.where, each.party_words, names) for each in plan.access.gaining)
    return tuple((*who, *([" (new)"] if who in new else [])) for who in gaining)


AUDIT_PRICE = (
    "CloudTrail takes $1.00 for a million requests, and the logs' storage: a file that is delivered makes about 3 in"
    " the hub, and 2 more for each part of one that is sent and copied in parts, so that 1,000,000 small files a month"
    " cost about $3; to pull buckets each request for a file is one"
)
"""List price of data events in most regions, of November 2026: https://aws.amazon.com/cloudtrail/pricing/. The requests
for a file in the hub: the upload, the copy that reads it, and its removal."""


def stacks_in_short(plan: Plan) -> str:
    """``1 create, 7 unchanged``."""
    counts = Counter(step.action for step in plan.steps)
    return ", ".join(f"{counts[action]:,} {action}" for action in Action if counts[action]) or "none"


def steps_shown(plan: Plan) -> tuple[StackStep, ...]:
    """The steps worth a line: all but those that leave a stack as it is."""
    return tuple(step for step in plan.steps if step.is_change or step.action is Action.BLOCKED)


def setting_in_words(change: SettingChange) -> str:
    """What a setting was, and what it will be."""
    before, after = (", ".join(map(word, items_of(value))) or "not set" for value in (change.before, change.after))
    price = f" ({AUDIT_PRICE})" if change.name == AUDIT.name and change.after else ""
    return f"was {before}; will be {after}{price}"


def remarks_of(step: StackStep) -> str:
    """Why, how, and what to do."""
    added = ", ".join(f"adds {each.in_words}" for each in step.audiences)
    return "; ".join(filter(None, [step.reason, _how(step), added, step.next_step]))


def role_lines(plan: Plan) -> list[str]:
    """What is to be said about users' roles that are missing, or were not looked up."""
    lines = []
    if plan.missing_roles:
        lines.append("WARNING: these users' roles do not exist, so they get nothing:")
        lines += [f"  {line}" for line in render_missing_roles(plan.missing_roles)]
    if plan.roles_not_checked:
        lines.append(
            f"WARNING: the users' roles could not be looked up, and are taken to exist: {plan.roles_not_checked}"
        )
    return lines


def federation_lines(plan: Plan) -> list[str]:
    """What is to be said where movers do not get into other clouds, or nobody knows whether they do."""
    said = federation_warning(plan)
    return [f"WARNING: {said}"] if said else []


def render_missing_roles(missing: Iterable[MissingRoles]) -> list[str]:
    """One line for each dataset whose users' roles do not exist."""
    return [f"{each.dataset}: no such role: {', '.join(each.roles)}" for each in missing]


def marks_in_words(marks: Sequence[Mark]) -> str:
    """``[NEW ACCOUNT, WRITE]``, or ``""`` when there is nothing to mark."""
    shown = [mark.upper() for mark in marks if mark in SHOWN_MARKS]
    return f"[{', '.join(shown)}]" if shown else ""


# --- pieces of the text ---------------------------------------------------------------------------------------------


def _novelty(plan: Plan) -> Sentence:
    if plan.is_first:
        return ("; a first deployment, so all of it is new",)
    if not plan.access.new_accounts:
        return ()
    names = dict(plan.access.account_names)
    opened = [sentence_of_new_account(new, names) for new in plan.access.new_accounts]
    return ("; new accounts: ", *listed(opened, at_most=5))


def _access_rows(plan: Plan) -> list[tuple[str, str]]:
    rows = [
        (", ".join(each.kinds), " ".join(filter(None, [marks_in_words(each.marks), plain(each.sentence)])))
        for each in statements_of(plan.access, by_dataset=plan.is_first)
    ]
    return [*(("unknown", plain(sentence_of_unknown(each, plan.access))) for each in plan.access.unknown), *rows]


def _how(step: StackStep) -> str:
    if step.how is None:
        return ""
    if not step.how:
        return "its metadata or tags alone"
    return plain(listed([(str(change),) for change in step.how], at_most=RESOURCES_IN_A_LINE))


def _finding_lines(found: PlanFindings) -> list[str]:
    lines = [f"  {finding}" for finding in found.new]
    if lines:
        lines.insert(0, f"Findings: {len(found.new):,}")
    if found.known:
        lines.append(f"Findings that were there before: {len(found.known):,}; `exports check` shows them")
    return lines


def _table(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    return [table(rows, width=width, colours=COLOURS)] if rows else []
