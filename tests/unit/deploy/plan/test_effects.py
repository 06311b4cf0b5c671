"""Which stacks' templates count as what was there before, and what a plan tells where none does."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from data_exports.access.kinds import Kind
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.effects import TemplateLookup, with_effects
from data_exports.deploy.plan.planning import Action, Plan, plan_deploy
from data_exports.estate.models import Estate
from data_exports.stacks.stack import HUB_TAG, Surroundings
from data_exports.views.plan import render_plan
from tests.estates import PLATFORM, estate_of, pull, push

AROUND = Surroundings(code_key="code/mover-0.zip")
NOW = datetime(2026, 11, 25, tzinfo=UTC)
BEFORE = estate_of(push("orders"), pull("lists"))
AFTER = estate_of(push("orders"), pull("lists", expires=date(2031, 3, 31)))
LISTS = "exports-pull-lists"


def _planned(
    after: Estate, *, status: str = "CREATE_COMPLETE", tags: dict[str, str] | None = None, problem: str = ""
) -> Plan:
    """The plan where `BEFORE` is deployed, and the stack of `lists` is so."""
    steps = [step for step in plan_deploy(BEFORE, Deployed(), AROUND).steps if step.stack]
    stacks, templates = [], {}
    for step in steps:
        assert step.stack
        is_lists = step.name == LISTS
        of_stack = {**dict(step.stack.tags), **((tags or {}) if is_lists else {})}
        stacks.append(
            DeployedStack(step.name, "id", status if is_lists else "CREATE_COMPLETE", tuple(of_stack.items()))
        )
        templates[step.name] = TemplateLookup(json.loads(step.stack.body), problem if is_lists else "")
    plan = plan_deploy(after, Deployed(tuple(stacks)), AROUND)
    wanted = {step.name for step in plan.steps if step.action in (Action.UPDATE, Action.DELETE)}
    return with_effects(plan, after, {name: each for name, each in templates.items() if name in wanted}, moment=NOW)


def _kinds(plan: Plan) -> dict[str, set[Kind]]:
    found: dict[str, set[Kind]] = {}
    for change in plan.access.changes:
        found.setdefault(change.access.dataset, set()).update(change.kinds)
    return found


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("CREATE_COMPLETE", {"lists": {Kind.SHORTER}}),
        ("UPDATE_ROLLBACK_COMPLETE", {"lists": {Kind.SHORTER}}),
        ("ROLLBACK_COMPLETE", {"lists": {Kind.GAINS}}),
        ("REVIEW_IN_PROGRESS", {"lists": {Kind.GAINS}}),
        ("UPDATE_IN_PROGRESS", {}),
    ],
)
def test_what_was_there_depends_on_the_stacks_status(status: str, kinds: dict[str, set[Kind]]) -> None:
    """Never created: nothing was there. Being worked on: nothing will be done."""
    assert _kinds(_planned(AFTER, status=status)) == kinds


def test_accesses_of_what_does_not_change_are_counted_and_known_without_a_template() -> None:
    plan = _planned(AFTER)
    assert (plan.access.count_before, plan.access.new_accounts) == (5, ())


def test_a_stack_of_another_estate_is_neither_gain_nor_loss() -> None:
    plan = _planned(AFTER, tags={HUB_TAG: "another-hub"})
    assert (_kinds(plan), plan.access.count_before) == ({}, 3)


def test_a_deployment_that_never_came_to_its_end_is_still_the_first() -> None:
    stacks = tuple(
        DeployedStack(step.name, "id", "CREATE_COMPLETE", step.stack.tags)
        for step in plan_deploy(BEFORE, Deployed(), AROUND).steps
        if step.stack and step.name != "exports-hub"
    )
    assert plan_deploy(BEFORE, Deployed(stacks), AROUND).is_first
    assert not _planned(BEFORE).is_first


def test_a_change_of_tags_alone_is_said_to_be_one() -> None:
    other = replace(BEFORE, platform=replace(PLATFORM, tags=(("owner", "Somebody Else"),)))
    text = render_plan(_planned(other), PLATFORM)
    assert "Access: nobody gains or loses any" in text.splitlines()
    assert "  update    exports-pull-lists     its metadata or tags alone" in text.splitlines()


def test_unknown_access_is_told_in_a_line_of_its_own() -> None:
    lines = render_plan(_planned(AFTER, problem="it is damaged"), PLATFORM).splitlines()
    assert lines[1] == "Access: unknown 1"
    assert lines[2] == 'Accounts that gain: "Cloud Platform" (754256621582)'
    assert lines[3].startswith("  unknown    what lists granted before cannot be told: it is damaged. After this: ")


def test_on_a_terminal_long_sentences_are_wrapped_and_brackets_stay_brackets() -> None:
    after = estate_of(push("orders"), pull("lists", allow_push=True, paperwork=("[bold]x[/bold]",)))
    text = render_plan(_planned(after), PLATFORM, width=60)
    assert "\x1b[1;32mmore, changed\x1b[0m" in text
    plain = [line for line in text.splitlines() if "\x1b" not in line]
    assert max(map(len, plain)) > 60  # headings are for the terminal itself to wrap
    joined = " ".join(text.split())
    assert "[WRITE]" in joined
    assert "[bold]x[/bold]" in joined
