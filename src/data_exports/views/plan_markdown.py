"""A plan as Markdown, for a comment on a pull request: bounded in size, and safe whatever the declarations hold.

In: a `Plan`, its platform, the findings, and where the whole plan is. Out: Markdown. Effects: none. Everything that
somebody else has written stands in code spans, where GitHub takes nothing for a mention, a link, HTML or a heading.
https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax

Nothing is cut silently. The head counts every mark and names the accounts that gain. Of each change, the most dangerous
first, stands what is done where, until when, what it was before, and the account; names and paperwork follow as far as
there is room. What is left out is counted, by mark and account, and the head says where it is.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from data_exports.access.kinds import GAINED
from data_exports.access.sentences import (
    PlanLine,
    Quoted,
    Sentence,
    listed,
    sentence_of_unknown,
    statements_of,
)
from data_exports.deploy.plan.consents import command_with, federation_warning, needed_consents, refusals_of
from data_exports.deploy.plan.guards import items_of
from data_exports.deploy.plan.plan_data import NOTHING_FOUND, PlanFindings
from data_exports.deploy.plan.planning import Plan, SettingChange, StackStep
from data_exports.estate.findings import Finding
from data_exports.estate.models import Platform
from data_exports.text import code_span as code
from data_exports.views.plan import (
    NOBODY,
    accounts_that_gain,
    counts_in_short,
    marks_in_short,
    marks_in_words,
    remarks_of,
    setting_in_words,
    stacks_in_short,
    steps_shown,
)

MARKER = "<!-- data-exports plan -->"
"""The first line, by which a program finds its earlier comment to update it."""

COMMENT_CHARACTERS = 65_536
"""GitHub refuses longer comments ("Body is too long"); counted in bytes here, of which there are never fewer."""
SECTION_BYTES = {"unknown": 4_000, "settings": 5_500, "stacks": 6_000, "roles": 3_000, "findings": 6_000}
"""How much of a comment each list may fill; changes of access get all that is left."""
SENTENCE_BYTES = 1_500
"""How much of a list within a sentence is shown; the rest is counted."""
NAMES_IN_A_LINE = 20
DETAILS_BYTES = 4_000
"""How much the names and the paperwork of one change may take."""
LONG_CHARACTERS, SHORT_CHARACTERS = 640, 160
"""How long one quoted text may be, where there is room and where there is not. A role with its path has at most 576."""


def plan_as_markdown(plan: Plan, platform: Platform, found: PlanFindings = NOTHING_FOUND, *, whole_at: str = "") -> str:
    """The plan as a comment. `whole_at` says where the whole plan is, should it not fit: a link, or words."""
    comment = _Comment()
    before = [*_context(plan, platform), *_consents(comment, plan), *_unknown(comment, plan)]
    after = [*_settings(comment, plan), *_stacks(comment, plan), *_roles(comment, plan), *_findings(comment, found)]
    head = [MARKER, f"### Plan: {_title(plan)}", "", *_gains(comment, plan)]
    room = COMMENT_CHARACTERS - sum(len(line.encode()) + 1 for line in (*head, *before, *after)) - 2 * SENTENCE_BYTES
    access = _access(comment, plan, room)
    return "\n".join([*head, *_what_is_missing(comment, whole_at), *before, *access, *after]) + "\n"


@dataclass
class _Comment:
    """What could not be shown, counted on the way."""

    changes: int = 0
    shortened: int = 0

    def quoted(self, text: str, most: int = SHORT_CHARACTERS) -> str:
        """The text in a code span; of a long one both ends and its length."""
        if len(text) <= most and len(code(text).encode()) <= 4 * most:
            return code(text)
        self.shortened += 1
        size = most // 2
        while len(code(text[:size] + text[-size:]).encode()) > 4 * most:
            size //= 2
        return f"{code(f'{text[:size]}…{text[-size:]}')} ({len(text):,} characters)"

    def words(self, sentence: Iterable[str], most: int = SHORT_CHARACTERS) -> str:
        """A sentence, with what others have written in code spans."""
        return "".join(self.quoted(part, most) if isinstance(part, Quoted) else part for part in sentence)

    def some(self, parts: Sequence[Sentence], room: int = SENTENCE_BYTES) -> str:
        """As many of the parts as there is room for, the first one always; the rest counted."""
        shown: list[str] = []
        for part in parts:
            shown.append(self.words(part))
            room -= len(shown[-1].encode())
            if room < 0 and len(shown) > 1:
                shown.pop()
                break
        rest = len(parts) - len(shown)
        self.shortened += bool(rest)
        return "".join(listed([*((each,) for each in shown), *([(f"{rest:,} more",)] if rest else [])]))

    def section(self, title: str, name: str, lines: Sequence[str], otherwise: str) -> list[str]:
        """A heading and its list, as much of it as there is room for."""
        room = SECTION_BYTES[name]
        shown: list[str] = []
        for line in lines:
            room -= len(line.encode()) + 1
            if room < 0 and shown:
                break
            shown.append(line)
        rest = len(lines) - len(shown)
        if rest:
            self.shortened += 1
            shown.append(f"- … and {rest:,} more")
        return ["", f"#### {title}", "", *(shown or [f"{otherwise[:1].upper()}{otherwise[1:]}."])]


# --- the head ---------------------------------------------------------------------------------------------------------


def _title(plan: Plan) -> str:
    return counts_in_short(plan) + ("; a first deployment, so all of it is new" if plan.is_first else "")


def _gains(comment: _Comment, plan: Plan) -> list[str]:
    """What is gained, by mark, and by whom: nothing that anybody writes, such as names, can push this out."""
    marks, accounts, room = marks_in_short(plan), accounts_that_gain(plan), 2 * SENTENCE_BYTES
    if sum(len(_Comment().words(each).encode()) for each in accounts) > room:
        accounts = accounts_that_gain(plan, by_name=False)
    lines = [f"Marks: **{marks}**"] if marks else []
    lines += [f"Accounts that gain: {comment.some(accounts, room)}"] if accounts else []
    return [line for each in lines for line in (each, "")]


def _what_is_missing(comment: _Comment, whole_at: str) -> list[str]:
    if not comment.changes and not comment.shortened:
        return []
    missing = [f"{comment.changes:,} changes of access are only counted"] * bool(comment.changes)
    missing += [f"{comment.shortened:,} texts or lists are shortened"] * bool(comment.shortened)
    is_link = re.fullmatch(r"https://[A-Za-z0-9.:/_-]+", whole_at)
    where = f"<{whole_at}>" if is_link else code(whole_at or "exports plan")
    return [f"**This comment does not hold the whole plan: {' and '.join(missing)}. The whole is at {where}**", ""]


def _context(plan: Plan, platform: Platform) -> list[str]:
    comment = _Comment()  # these are names of people's own choosing: what is cut of them hides nothing of the plan
    compared = comment.quoted(plan.against) if plan.against else "what is deployed"
    account = comment.quoted(platform.name_of_account(platform.account))
    hub = code(f"{platform.region}, hub {platform.hub_bucket}")
    return [f"Compared with {compared}. Account {account}, {hub}."]


def _consents(comment: _Comment, plan: Plan) -> list[str]:
    needed = needed_consents(plan)
    refused = [(Quoted(each.name), ": ", Quoted(f"{each.reason}; {each.next_step}")) for each in refusals_of(plan)]
    lines = ["", f"**Cannot be carried out, so nothing of it will be**: {comment.some(refused)}"] if refused else []
    if not needed:
        return lines
    lines += ["", "#### Needs consent to be deployed", ""]
    lines += [f"- **--allow {each.consent}**: {each.why}{comment.some(each.parts)}" for each in needed]
    return [*lines, "", f"If this is meant: {code(command_with(needed))}"]


# --- changes of access ------------------------------------------------------------------------------------------------


def _unknown(comment: _Comment, plan: Plan) -> list[str]:
    if not plan.access.unknown:
        return []
    said = (comment.words(sentence_of_unknown(each, plan.access, most=5)) for each in plan.access.unknown)
    return comment.section("Unknown", "unknown", [f"- **unknown** {each}" for each in said], "")


def _access(comment: _Comment, plan: Plan, room: int) -> list[str]:
    statements = statements_of(plan.access)
    heading = ["", "#### Access", ""]
    if not statements:
        return [*heading, f"{NOBODY[:1].upper()}{NOBODY[1:]}." if plan.access.is_empty else "See above."]
    brief = [_brief(each) for each in statements]
    fit = 0
    for line in brief:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        fit += 1
    left_out = statements[fit:]
    if left_out:
        comment.changes += sum(each.count for each in left_out)
        return [*heading, *brief[:fit], _counted(comment, left_out)]
    some = statements_of(plan.access, names=NAMES_IN_A_LINE)
    return [*heading, *_with_details(comment, list(zip(statements, some, brief, strict=True)), room)]


def _with_details(comment: _Comment, changes: Iterable[tuple[PlanLine, PlanLine, str]], room: int) -> Iterator[str]:
    """Each change in whole as long as there is room for that, or with some of its names, or in brief."""
    for whole, some, brief in changes:
        for statement, most in ((whole, LONG_CHARACTERS), (some, SHORT_CHARACTERS)):
            told = _Comment()
            line = _line(statement, told.words(statement.sentence, most))
            more = len(line.encode()) - len(brief.encode())
            if more <= min(room, DETAILS_BYTES):
                break
        else:
            told, line, more = _Comment(shortened=1), brief, 0
        room -= more
        comment.shortened += told.shortened + (statement != whole and line != brief)
        yield line


def _brief(statement: PlanLine) -> str:
    """The verb, the place, the end, what was before, and the account; names and paperwork are counted."""
    who = f"{statement.count:,} of them" if statement.count > 1 else "one"
    return _line(statement, f"{_Comment().words(statement.head)}… ({who}; names and paperwork are left out)")


def _counted(comment: _Comment, left_out: Sequence[PlanLine]) -> str:
    """What there is no room for, by mark and account."""
    marks = Counter({mark: sum(each.count for each in left_out if mark in each.marks) for mark in GAINED})
    said = ", ".join(f"{mark} {marks[mark]:,}" for mark in GAINED if marks[mark])
    accounts = dict.fromkeys((each.account,) for each in left_out if each.account)
    total = sum(each.count for each in left_out)
    of = f"; of accounts {comment.some(tuple(accounts))}" if accounts else ""
    return f"- … and {total:,} more{': ' if said else ''}{said}{of}"


def _line(statement: PlanLine, said: str) -> str:
    marks = marks_in_words(statement.marks)
    loud = f" **{marks}**" if marks else ""
    return f"- **{', '.join(statement.kinds)}**{loud} {said}"


# --- everything else --------------------------------------------------------------------------------------------------


def _settings(comment: _Comment, plan: Plan) -> list[str]:
    lines = [f"- **{each.name}** {_setting(comment, each)}" for each in plan.settings]
    if plan.settings_unknown:
        lines.insert(0, f"- **unknown**: what they were cannot be told: {comment.quoted(plan.settings_unknown)}")
    return comment.section("Settings", "settings", lines, "") if lines else []


def _setting(comment: _Comment, change: SettingChange) -> str:
    """Of a list what comes and what goes, of anything else what it was and will be."""
    if not isinstance(change.before, list | dict) and not isinstance(change.after, list | dict):
        return comment.quoted(setting_in_words(change))
    before, after = items_of(change.before), items_of(change.after)
    new, old = (
        [(Quoted(each),) for each in some if each not in rest] for some, rest in ((after, before), (before, after))
    )
    said = [f"{word} {comment.some(each)}" for word, each in (("now also", new), ("no longer", old)) if each]
    return "; ".join(said) or "the same in another order"


def _stacks(comment: _Comment, plan: Plan) -> list[str]:
    lines = [_step_line(comment, step) for step in steps_shown(plan)]
    return [
        *comment.section("Stacks", "stacks", lines, "none changes"),
        "",
        f"All stacks: {code(stacks_in_short(plan))}",
    ]


def _step_line(comment: _Comment, step: StackStep) -> str:
    remarks = remarks_of(step)
    return f"- **{step.action}** {code(step.name)}" + (
        f" {comment.quoted(remarks, LONG_CHARACTERS)}" if remarks else ""
    )


def _roles(comment: _Comment, plan: Plan) -> list[str]:
    lines = [
        f"- {code(each.dataset)}: no such role: {comment.some([(Quoted(role),) for role in each.roles])}"
        for each in plan.missing_roles
    ]
    if plan.roles_not_checked:
        lines.append(f"- not looked up, and taken to exist: {comment.quoted(plan.roles_not_checked)}")
    found = comment.section("Users' roles", "roles", lines, "") if lines else []
    if said := federation_warning(plan):
        found += ["", "#### Other clouds", "", f"- {comment.quoted(said, LONG_CHARACTERS)}"]
    return found


def _findings(comment: _Comment, found: PlanFindings) -> list[str]:
    lines = comment.section("Findings", "findings", [_finding(comment, each) for each in found.new], "no new ones")
    return [*lines, *(["", f"Findings that were there before: {len(found.known):,}."] if found.known else [])]


def _finding(comment: _Comment, finding: Finding) -> str:
    message = comment.quoted(finding.message, LONG_CHARACTERS)
    return f"- {comment.quoted(str(finding.place))} {finding.code} {finding.severity}: {message}"
