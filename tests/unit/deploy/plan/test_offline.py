"""A plan from two states of the declarations: the same as if the first were deployed."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from data_exports.access.kinds import Kind
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.consents import check_possible, needed_consents
from data_exports.deploy.plan.effects import TemplateLookup, with_effects
from data_exports.deploy.plan.offline import plan_against
from data_exports.deploy.plan.plan_data import plan_as_data
from data_exports.deploy.plan.planning import Action, Plan, plan_deploy
from data_exports.errors import RefusedError
from data_exports.estate.models import Dataset, Estate, Platform
from data_exports.names import AccountId, BucketName, RoleArn, RoleName
from data_exports.stacks.stack import Surroundings
from data_exports.views.plan import remarks_of, render_plan
from data_exports.views.plan_markdown import plan_as_markdown
from tests.estates import FULL, PLATFORM, estate_of, pull, push
from tests.json_data import json_data

AROUND = Surroundings(code_key="code/mover.zip")
NOW = datetime(2026, 11, 25, tzinfo=UTC)


def against(before: Estate | None, after: Estate) -> Plan:
    return plan_against(after, before, name="main (0123456789ab)", moment=NOW)


def deployed(estate: Estate) -> tuple[Deployed, dict[str, TemplateLookup]]:
    """The estate's stacks as if deployed, and the templates of all of them."""
    steps = [step for step in plan_deploy(estate, Deployed(), AROUND).steps if step.stack]
    stacks = (DeployedStack(step.name, "id", "CREATE_COMPLETE", step.stack.tags) for step in steps if step.stack)
    templates = {step.name: TemplateLookup(json.loads(step.stack.body)) for step in steps if step.stack}
    return Deployed(tuple(stacks)), templates


CHANGES: list[tuple[str, Any]] = [
    ("nothing", FULL),
    ("one user", estate_of(*FULL.pull_datasets, *FULL.push_datasets[1:], push(users=(RoleName("alpha_user_ana"),)))),
    ("other kind", estate_of(*FULL.pull_datasets, *FULL.push_datasets[1:], pull("hearings"))),
    ("all gone", estate_of()),
    ("more", estate_of(*FULL.datasets(), pull("new"), push("newer"))),
    ("ends", estate_of(*(replace(each, expires=date(2026, 1, 1)) for each in FULL.datasets()))),
    ("tags", estate_of(*FULL.datasets(), platform=replace(PLATFORM, tags=(("owner", "other"),)))),
    ("recovery", estate_of(*FULL.datasets(), platform=replace(PLATFORM, recovery_days=9))),
    ("words", estate_of(*FULL.datasets(), platform=replace(PLATFORM, paperwork="required", account_names=()))),
    ("buckets", estate_of(*FULL.datasets(), platform=replace(PLATFORM, pull_bucket_prefix="other-"))),
    ("hub", estate_of(*FULL.datasets(), platform=replace(PLATFORM, hub_bucket=BucketName("other-hub")))),
]


@pytest.mark.parametrize("after", [each for _, each in CHANGES], ids=[name for name, _ in CHANGES])
def test_a_plan_against_a_revision_is_the_plan_against_the_same_deployed(after: Estate) -> None:
    """Only unchanged datasets' stacks, which nobody builds to compare them, come in another place."""
    stacks, templates = deployed(FULL)
    live = replace(plan_deploy(after, stacks, AROUND), against="main")  # so that what is blocked is told as well
    wanted = with_effects(live, after, templates, moment=NOW, account_names=dict(FULL.platform.account_names))
    found = against(FULL, after)
    assert found.access == wanted.access
    assert _by_name(found) == _by_name(wanted)


def _by_name(plan: Plan) -> list[tuple[object, ...]]:
    return sorted((step.name, step.action, step.dataset, remarks_of(step)) for step in plan.steps)


OTHER_HUB = replace(PLATFORM, hub_bucket=BucketName("other-hub"))
OTHER_PREFIX = replace(PLATFORM, pull_bucket_prefix="other-")


@pytest.mark.parametrize("platform", [OTHER_HUB, OTHER_PREFIX], ids=["hub", "prefix"])
def test_a_change_that_blocks_a_stack_hides_no_access_from_reviewers_nor_does_the_one_that_takes_it_back(
    platform: Platform,
) -> None:
    """The second of two pull requests makes possible what the first brought in."""
    spy = RoleArn("arn:aws:iam::990011223344:role/spy")
    plain, wide = pull("lists"), pull("lists", outsiders=(*pull("lists").outsiders, spy))
    blocked = estate_of(wide, platform=platform)
    for before, after in ((estate_of(plain), blocked), (estate_of(plain, platform=platform), estate_of(wide))):
        plan = against(before, after)
        gained = [change.access.principal for change in plan.access.changes if Kind.GAINS in change.kinds]
        assert gained == [spy]
        assert [(new.account, new.datasets) for new in plan.access.new_accounts] == [(spy.account, ("lists",))]
        assert "990011223344 role spy" in render_plan(plan, after.platform)
        assert "990011223344" in plan_as_markdown(plan, after.platform).split("#### Stacks")[0]


def test_a_blocked_stack_changes_no_access_in_aws() -> None:
    stacks, _ = deployed(FULL)
    after = estate_of(*FULL.datasets(), platform=OTHER_HUB)
    assert with_effects(plan_deploy(after, stacks, AROUND), after, {}, moment=NOW).access.is_empty


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (push("big_orders"), push("big-orders"), "exports-push-big-orders"),
        (pull("big_lists"), pull("big-lists"), "exports-pull-big-lists"),
    ],
    ids=["push", "pull"],
)
def test_a_rename_that_keeps_the_stacks_name_is_refused_as_a_whole_and_no_rule_goes(
    before: Dataset, after: Dataset, name: str
) -> None:
    wanted = estate_of(after, pull("other", allow_push=True))
    base = estate_of(before, pull("other"))
    stacks, templates = deployed(base)
    live = with_effects(plan_deploy(wanted, stacks, AROUND), wanted, templates, moment=NOW)
    for plan in (live, against(base, wanted)):
        hub = next(step for step in plan.steps if step.name == "exports-hub")
        assert (hub.action, [step.name for step in plan.impossible]) == (Action.UNCHANGED, [name])
        reason = f"it is the stack of the dataset {before.name}; remove that dataset, deploy, then add this one"
        assert f"REFUSED: {name}: {reason}" in render_plan(plan, PLATFORM).splitlines()
        assert "**Cannot be carried out, so nothing of it will be**: " in plan_as_markdown(plan, PLATFORM)
        assert json_data(plan_as_data(plan))["refused"] == [name]
        with pytest.raises(RefusedError, match="nothing was deployed"):
            check_possible(plan)


def test_where_nothing_was_declared_everything_is_created_for_the_first_time() -> None:
    plan = against(None, FULL)
    assert {step.action for step in plan.steps} == {Action.CREATE}
    assert (plan.is_first, plan.access.new_accounts, plan.against) == (True, (), "main (0123456789ab)")


def test_names_of_accounts_that_only_the_revision_knew_are_kept() -> None:
    after = replace(FULL, platform=replace(PLATFORM, account_names=((AccountId("112233445566"), "Loaders"),)))
    assert against(FULL, after).access.account_names == (
        ("112233445566", "Loaders"),
        ("754256621582", "Cloud Platform"),
    )


def test_the_data_says_what_it_is_against_and_how_each_stack_changes() -> None:
    data = json_data(plan_as_data(against(estate_of(pull()), estate_of(pull(users=())))))
    assert data["against"] == "main (0123456789ab)"
    assert data["stacks"] == [
        _stack("exports-foundation", None, "unchanged", None),
        _stack("exports-access-logs", None, "unchanged", None),
        _stack(
            "exports-pull-court-lists",
            "court_lists",
            "update",
            [{"effect": "remove", "resource": "UsersPolicy", "properties": []}],
        ),
        _stack("exports-hub", None, "unchanged", None),
    ]


def _stack(name: str, dataset: str | None, action: str, resources: object) -> dict[str, object]:
    return {
        "stack": name,
        "dataset": dataset,
        "action": action,
        "reason": None,
        "next_step": None,
        "resources": resources,
        "audiences": [],
    }


def test_settings_that_change_are_told_because_they_say_whom_a_dataset_may_name() -> None:
    wider = replace(PLATFORM, user_roles=("alpha_*",), account_names=(), alerts=())
    plan = against(FULL, replace(FULL, platform=wider))
    assert [(each.name, each.before, each.after) for each in plan.settings] == [
        ("accounts", {"754256621582": "Cloud Platform"}, {}),
        ("alerts", ["exports@example.gov.uk"], None),
        ("user_roles", ["alpha_user_*", "alpha_app_*"], ["alpha_*"]),
    ]
    lines = render_plan(plan, wider).splitlines()
    assert "Settings: 3" in lines
    assert "  user_roles    was alpha_user_*, alpha_app_*; will be alpha_*" in lines
    comment = plan_as_markdown(plan, wider)
    assert "- **user_roles** now also `alpha_*`; no longer `alpha_user_*` and `alpha_app_*`" in comment
    assert "- **loses** is no longer mailed the failures of every push dataset" in comment
    assert against(FULL, FULL).settings == ()


def test_stacks_that_the_version_before_deployed_gain_nothing_by_the_new_one() -> None:
    """Their metadata knows no mails and no domains; who is mailed, the subscriptions say."""
    estate = estate_of(push(owner="Ana <ana@example.gov.uk>"))
    stacks, templates = deployed(estate)
    older = json.loads(json.dumps({name: each.template for name, each in templates.items()}))
    older["exports-foundation"]["Description"] = older["exports-push-hearings"]["Description"] = "as it was"
    changed = tuple(replace(stack, tags=(*stack.tags, ("data-exports:digest", "0" * 64))) for stack in stacks.stacks)
    plan = plan_deploy(estate, Deployed(changed), AROUND)
    assert {step.action for step in plan.steps} == {Action.UPDATE}
    read = {name: TemplateLookup(template) for name, template in older.items()}
    found = with_effects(plan, estate, read, moment=NOW)
    assert (found.access.is_empty, found.settings, needed_consents(found)) == (True, (), ())


def test_settings_of_a_foundation_that_nobody_can_read_are_not_made_up() -> None:
    stacks, templates = deployed(FULL)
    after = replace(FULL, platform=replace(PLATFORM, recovery_days=9))
    plan = plan_deploy(after, stacks, AROUND)
    found = with_effects(plan, after, {**templates, "exports-foundation": TemplateLookup()}, moment=NOW)
    assert (found.settings, found.settings_unknown) == ((), "its metadata holds none")
    assert "  what they were cannot be told: its metadata holds none" in render_plan(found, PLATFORM)
    assert "cannot be told: `its metadata holds none`" in plan_as_markdown(found, PLATFORM)
