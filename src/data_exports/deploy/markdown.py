"""A plan as Markdown, for a comment on a pull request: bounded in size, and safe whatever the declarations hold.

In: a `Plan`, its platform, and the findings. Out: Markdown. Effects: none. Everything that somebody else has written
stands in code spans, where GitHub takes nothing for a mention, a link, HTML or a heading.
https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax
"""

from collections.abc import Iterable, Sequence

from data_exports.access.sentences import Quoted, Sentence, listed, sentence_of_unknown, statements_of
from data_exports.deploy.consents import command_with, needed_consents
from data_exports.deploy.plan import Plan, Step
from data_exports.deploy.report import (
    NOTHING_FOUND,
    Found,
    access_in_short,
    marks_in_words,
    remarks_of,
    setting_in_words,
    stacks_in_short,
    steps_shown,
)
from data_exports.estate.findings import Finding
from data_exports.estate.models import Platform
from data_exports.text import code_span as code

MARKER = "<!-- data-exports plan -->"
"""The first line, by which a program finds its earlier comment to update it."""

COMMENT_CHARACTERS = 65_536
"""GitHub refuses longer comments ("Body is too long"); counted in bytes here, of which there are never fewer."""
SECTION_BYTES = {"access": 24_000, "settings": 2_000, "stacks": 7_000, "roles": 3_000, "findings": 6_000}
"""How much of a comment each list may fill; all else together stays below what is left."""
LINE_BYTES = 2_000


def plan_as_markdown(plan: Plan, platform: Platform, found: Found = NOTHING_FOUND) -> str:
    """The plan as a comment; what does not fit is counted, and the most important comes first."""
    lines = [MARKER, f"### Plan: {words(access_in_short(plan))}", "", *_context(plan, platform)]
    lines += _consents(plan)
    lines += _section("Access", "access", _access_lines(plan), "nobody gains or loses any")
    if plan.settings:
        settings = [f"- **{each.name}** {_cut([code(setting_in_words(each))])}" for each in plan.settings]
        lines += _section("Settings", "settings", settings, "")
    lines += _section("Stacks", "stacks", [_step_line(step) for step in steps_shown(plan)], "none changes")
    lines += ["", f"All stacks: {code(stacks_in_short(plan))}"]
    if plan.missing_roles or plan.roles_not_checked:
        lines += _section("Users' roles", "roles", _role_lines(plan), "")
    lines += _section("Findings", "findings", [_finding_line(finding) for finding in found.new], "no new ones")
    if found.known:
        lines += ["", f"Findings that were there before: {len(found.known):,}."]
    return "\n".join(lines) + "\n"


def words(sentence: Sentence) -> str:
    """A sentence with what others have written in code spans; cut off if it is far too long."""
    return _cut([code(part) if isinstance(part, Quoted) else part for part in sentence])


def _context(plan: Plan, platform: Platform) -> list[str]:
    compared = _cut([code(plan.against)]) if plan.against else "what is deployed"
    account = _cut([code(platform.name_of_account(platform.account))])
    hub = code(f"{platform.region}, hub {platform.hub_bucket}")
    return [f"Compared with {compared}. Account {account}, {hub}."]


def _consents(plan: Plan) -> list[str]:
    needed = needed_consents(plan)
    if not needed:
        return []
    lines = [f"- **--allow {each.consent}**: {words(each.words)}" for each in needed]
    return ["", "#### Needs consent to be deployed", "", *lines, "", f"If this is meant: {code(command_with(needed))}"]


def _access_lines(plan: Plan) -> list[str]:
    lines = [
        _line(", ".join(each.kinds), marks_in_words(each.marks), words(each.sentence))
        for each in statements_of(plan.access)
    ]
    unknown = [_line("unknown", "", words(sentence_of_unknown(each, plan.access))) for each in plan.access.unknown]
    return [*unknown, *lines]


def _line(what: str, marks: str, said: str) -> str:
    loud = f" **{marks}**" if marks else ""
    return f"- **{what}**{loud} {said}"


def _step_line(step: Step) -> str:
    remarks = remarks_of(step)
    return f"- **{step.action}** {code(step.name)}" + (f" {_cut([code(remarks)])}" if remarks else "")


def _role_lines(plan: Plan) -> list[str]:
    lines = [
        f"- {code(each.dataset)}: no such role: {words(listed([(Quoted(role),) for role in each.roles], at_most=20))}"
        for each in plan.missing_roles
    ]
    if plan.roles_not_checked:
        lines.append(f"- not looked up, and taken to exist: {_cut([code(plan.roles_not_checked)])}")
    return lines


def _finding_line(finding: Finding) -> str:
    return _cut([f"- {code(str(finding.place))} {finding.code} {finding.severity}: ", code(finding.message)])


def _section(title: str, name: str, lines: Sequence[str], otherwise: str) -> list[str]:
    """A heading and its list, as much of it as there is room for."""
    room = SECTION_BYTES[name]
    shown: list[str] = []
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        shown.append(line)
    rest = len(lines) - len(shown)
    if rest:
        shown.append(f"- … and {rest:,} more: see `exports plan`")
    return ["", f"#### {title}", "", *(shown or [f"{otherwise[:1].upper()}{otherwise[1:]}."])]


def _cut(parts: Iterable[str]) -> str:
    """The parts as long as there is room for them on a line; a part is shown whole or not at all."""
    room = LINE_BYTES
    shown: list[str] = []
    for part in parts:
        room -= len(part.encode())
        if room < 0:
            return "".join([*shown, " …"])
        shown.append(part)
    return "".join(shown)
