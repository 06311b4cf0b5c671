"""The plan: what is done with each stack, in which order, told from what AWS has."""

from dataclasses import replace

import pytest

from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.planning import Action, MissingRoles, Plan, plan_deploy, pushes_with_queue
from data_exports.estate.models import Estate
from data_exports.names import DatasetName, RoleName
from data_exports.stacks.stack import BUCKET_TAG, DATASET_TAG, DIGEST_TAG, HUB_TAG, Surroundings, Wave
from tests.estates import estate_of, pull, push

AROUND = Surroundings(code_key="code/mover-0123456789abcdef.zip")
ESTATE = estate_of(push("orders"), push("moves"), pull("lists"))


def _as_deployed(estate: Estate, **statuses: str) -> Deployed:
    """All stacks of an estate as if deployed; statuses by a name's last word, CREATE_COMPLETE unless given."""
    steps = plan_deploy(estate, Deployed(), AROUND).steps
    return Deployed(
        tuple(
            DeployedStack(
                step.name, "id", statuses.get(step.name.rsplit("-", 1)[1], "CREATE_COMPLETE"), step.stack.tags
            )
            for step in steps
            if step.stack
        )
    )


def _actions(plan: Plan) -> dict[str, Action]:
    return {step.name: step.action for step in plan.steps}


def test_first_deployment_creates_everything_foundation_first_and_hub_last() -> None:
    plan = plan_deploy(ESTATE, Deployed(), AROUND)
    assert [(step.action, step.name, step.wave) for step in plan.steps] == [
        (Action.CREATE, "exports-foundation", Wave.FOUNDATION),
        (Action.CREATE, "exports-access-logs", Wave.FOUNDATION),
        (Action.CREATE, "exports-push-moves", Wave.DATASETS),
        (Action.CREATE, "exports-push-orders", Wave.DATASETS),
        (Action.CREATE, "exports-pull-lists", Wave.DATASETS),
        (Action.CREATE, "exports-hub", Wave.HUB),
    ]
    assert plan.changes == plan.steps
    assert (plan.missing_roles, plan.is_local) == ((), False)


def test_deployed_estate_needs_nothing() -> None:
    plan = plan_deploy(ESTATE, _as_deployed(ESTATE), AROUND)
    assert set(_actions(plan).values()) == {Action.UNCHANGED}
    assert plan.changes == ()


def test_changed_dataset_is_updated_alone() -> None:
    changed = estate_of(push("orders"), push("moves", keep_files=True), pull("lists"))
    plan = plan_deploy(changed, _as_deployed(ESTATE), AROUND)
    assert [step.name for step in plan.changes] == ["exports-push-moves"]


def test_changed_tags_alone_are_an_update() -> None:
    other = replace(ESTATE, platform=replace(ESTATE.platform, tags=(("owner", "Somebody Else"),)))
    assert set(_actions(plan_deploy(other, _as_deployed(ESTATE), AROUND)).values()) == {Action.UPDATE}


def test_tags_that_others_put_on_a_stack_change_nothing() -> None:
    deployed = _as_deployed(ESTATE)
    tagged = Deployed(tuple(replace(stack, tags=(*stack.tags, ("cost", "1"))) for stack in deployed.stacks))
    assert plan_deploy(ESTATE, tagged, AROUND).changes == ()


def test_removed_datasets_come_after_the_hub_and_the_hub_changes_before() -> None:
    plan = plan_deploy(estate_of(push("orders")), _as_deployed(ESTATE), AROUND)
    assert [(step.action, step.name, step.dataset) for step in plan.steps] == [
        (Action.UNCHANGED, "exports-foundation", None),
        (Action.UNCHANGED, "exports-access-logs", None),
        (Action.UNCHANGED, "exports-push-orders", "orders"),
        (Action.UPDATE, "exports-hub", None),
        (Action.DELETE, "exports-push-moves", "moves"),
        (Action.DELETE, "exports-pull-lists", "lists"),
    ]
    assert [step.name for step in plan.deletions] == ["exports-push-moves", "exports-pull-lists"]


def test_stacks_without_our_digest_are_never_deleted() -> None:
    foreign = DeployedStack("exports-push-other", "id", "CREATE_COMPLETE", (("owner", "x"),))
    plan = plan_deploy(ESTATE, Deployed((*_as_deployed(ESTATE).stacks, foreign)), AROUND)
    assert plan.changes == ()


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("CREATE_COMPLETE", Action.UNCHANGED),
        ("UPDATE_COMPLETE", Action.UNCHANGED),
        ("IMPORT_COMPLETE", Action.UNCHANGED),
        ("UPDATE_ROLLBACK_COMPLETE", Action.UPDATE),
        ("IMPORT_ROLLBACK_COMPLETE", Action.UPDATE),
        ("ROLLBACK_COMPLETE", Action.REPLACE),
        ("REVIEW_IN_PROGRESS", Action.REPLACE),
        ("CREATE_FAILED", Action.REPLACE),
        ("DELETE_FAILED", Action.REPLACE),
        ("CREATE_IN_PROGRESS", Action.BLOCKED),
        ("UPDATE_IN_PROGRESS", Action.BLOCKED),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Action.BLOCKED),
        ("DELETE_IN_PROGRESS", Action.BLOCKED),
        ("UPDATE_ROLLBACK_FAILED", Action.BLOCKED),
        ("UPDATE_FAILED", Action.BLOCKED),
        ("ROLLBACK_FAILED", Action.BLOCKED),
        ("SOMETHING_NEW", Action.BLOCKED),
    ],
)
def test_every_status_has_its_action(status: str, action: Action) -> None:
    step = next(
        step
        for step in plan_deploy(ESTATE, _as_deployed(ESTATE, lists=status), AROUND).steps
        if step.name == "exports-pull-lists"
    )
    assert step.action is action
    assert bool(step.next_step) == (action is Action.BLOCKED)


@pytest.mark.parametrize(
    ("status", "has_rule"),
    [
        ("CREATE_COMPLETE", True),
        ("UPDATE_ROLLBACK_COMPLETE", True),
        ("UPDATE_ROLLBACK_FAILED", True),
        ("UPDATE_IN_PROGRESS", True),
        ("ROLLBACK_FAILED", False),
        ("CREATE_IN_PROGRESS", False),
        ("DELETE_IN_PROGRESS", False),
    ],
)
def test_hub_has_rules_only_for_queues_that_exist(status: str, has_rule: bool) -> None:
    plan = plan_deploy(ESTATE, _as_deployed(ESTATE, moves=status), AROUND)
    hub = next(step for step in plan.steps if step.name == "exports-hub")
    assert hub.stack
    assert ("export_moves" in hub.stack.body) is has_rule


def test_hub_leaves_out_what_could_not_be_created_and_keeps_what_could_not_be_updated() -> None:
    deployed = Deployed(tuple(s for s in _as_deployed(ESTATE).stacks if s.name != "exports-push-moves"))
    changed = estate_of(push("orders", keep_files=True), push("moves"), pull("lists"))
    steps = plan_deploy(changed, deployed, AROUND).steps
    dataset_steps = [step for step in steps if step.wave is Wave.DATASETS]
    ready = pushes_with_queue(changed, dataset_steps, {"exports-push-moves": False, "exports-push-orders": False})
    assert [each.name for each in ready] == ["orders"]


def test_stack_of_another_dataset_is_blocked_and_gets_no_rule() -> None:
    deployed = _as_deployed(estate_of(push("big_orders")))
    plan = plan_deploy(estate_of(push("big-orders")), deployed, AROUND)
    assert _actions(plan)["exports-push-big-orders"] is Action.BLOCKED
    hub = next(step for step in plan.steps if step.name == "exports-hub")
    assert hub.stack
    assert "export_big-orders" not in hub.stack.body


def test_removed_stack_that_is_being_worked_on_is_blocked() -> None:
    deployed = _as_deployed(ESTATE, lists="DELETE_IN_PROGRESS")
    plan = plan_deploy(estate_of(push("orders"), push("moves")), deployed, AROUND)
    assert _actions(plan)["exports-pull-lists"] is Action.BLOCKED


def test_missing_roles_are_listed_for_each_dataset_and_left_out() -> None:
    around = replace(AROUND, missing_roles=frozenset({RoleName("alpha_user_Ben-Two")}))
    plan = plan_deploy(ESTATE, Deployed(), around)
    assert plan.missing_roles == (
        MissingRoles(DatasetName("moves"), (RoleName("alpha_user_Ben-Two"),)),
        MissingRoles(DatasetName("orders"), (RoleName("alpha_user_Ben-Two"),)),
    )


def test_stack_tells_its_dataset_and_whether_it_is_ours() -> None:
    tags = ((DATASET_TAG, "orders"), (DIGEST_TAG, "d"), (HUB_TAG, "a-hub"), (BUCKET_TAG, "a-bucket"))
    ours = DeployedStack("n", "id", "CREATE_COMPLETE", tags)
    assert (ours.dataset, ours.is_ours, ours.digest, ours.hub, ours.bucket) == (
        "orders",
        True,
        "d",
        "a-hub",
        "a-bucket",
    )
    assert (ours.belongs_to("a-hub"), ours.belongs_to("a-hub-2")) == (True, False)
    bare = DeployedStack("n", "id", "CREATE_COMPLETE")
    assert (bare.dataset, bare.is_ours, bare.digest, bare.hub, bare.bucket) == (None, False, "", "", None)
    assert not bare.belongs_to("")


def _with_tag(deployed: Deployed, name: str, key: str, value: str) -> Deployed:
    """The same stacks, one of them with another value of a tag."""
    stacks = (
        replace(stack, tags=tuple({**dict(stack.tags), key: value}.items())) if stack.name == name else stack
        for stack in deployed.stacks
    )
    return Deployed(tuple(stacks))


def test_stack_whose_dataset_tag_is_no_name_is_not_ours_and_blocked() -> None:
    deployed = _with_tag(_as_deployed(ESTATE), "exports-push-moves", DATASET_TAG, "Not a Name")
    step = next(step for step in plan_deploy(ESTATE, deployed, AROUND).steps if step.name == "exports-push-moves")
    not_ours = "a stack of this name exists and is not ours"
    assert (step.action, step.reason, step.next_step) == (
        Action.BLOCKED,
        f"{not_ours}: its tag data-exports:dataset is 'Not a Name', which is no dataset's name",
        "rename or delete that stack",
    )
    assert plan_deploy(estate_of(push("orders"), pull("lists")), deployed, AROUND).deletions == ()


def test_stacks_of_another_estate_are_blocked_get_no_rule_and_are_never_removed() -> None:
    deployed = _with_tag(_as_deployed(ESTATE), "exports-push-moves", HUB_TAG, "another-hub")
    plan = plan_deploy(ESTATE, deployed, AROUND)
    step = next(step for step in plan.steps if step.name == "exports-push-moves")
    assert (step.action, step.reason, step.next_step) == (
        Action.BLOCKED,
        "belongs to the estate whose hub is another-hub; this estate's hub is mojap-hub-exports",
        "correct platform.hub_bucket, or deploy this estate to another account or region",
    )
    hub = next(step for step in plan.steps if step.name == "exports-hub")
    assert hub.stack
    assert "export_moves" not in hub.stack.body
    removed = plan_deploy(estate_of(push("orders")), deployed, AROUND).deletions
    assert [step.name for step in removed] == ["exports-pull-lists"]


def test_another_bucket_for_a_pull_dataset_is_blocked() -> None:
    other = replace(ESTATE, platform=replace(ESTATE.platform, pull_bucket_prefix="other-"))
    step = next(
        step for step in plan_deploy(other, _as_deployed(ESTATE), AROUND).steps if step.name == "exports-pull-lists"
    )
    assert (step.action, step.reason) == (
        Action.BLOCKED,
        "its bucket would become other-lists, and the data in mojap-lists would be left behind",
    )
    assert step.next_step.startswith("put platform.pull_bucket_prefix back")
