"""What a deployment amounts to: what is done, what still stands, and the error that says what is left."""

from dataclasses import replace

import pytest

from data_exports.deploy.apply.outcomes import DeployResult, StackOutcome, StackResult, error_of_deploying
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.planning import Action, MissingRoles, Plan, StackStep, plan_deploy
from data_exports.errors import AwsError, ExportsError, PartlyDoneError
from data_exports.names import DatasetName, RoleName
from data_exports.stacks.stack import DIGEST_TAG, HUB_TAG, Surroundings
from tests.estates import PLATFORM, estate_of, push

PLAN = plan_deploy(estate_of(push()), Deployed(), Surroundings(code_key="code/mover-0.zip"))
FOUNDATION, *OTHERS = PLAN.steps
HUB = str(PLATFORM.hub_bucket)


def outcome(step: StackStep, result: StackResult = StackResult.FAILED, **more: str) -> StackOutcome:
    return StackOutcome(step, result, **more)


def deployed(status: str = "UPDATE_COMPLETE", hub: str = HUB) -> DeployedStack:
    return DeployedStack(FOUNDATION.name, "id", status, ((DIGEST_TAG, "d"), (HUB_TAG, hub)))


@pytest.mark.parametrize(
    ("result", "is_done"),
    [
        (StackResult.CREATED, True),
        (StackResult.UPDATED, True),
        (StackResult.UNCHANGED, True),
        (StackResult.DELETED, True),
        (StackResult.FAILED, False),
        (StackResult.LEFT_OUT, False),
    ],
)
def test_a_stack_is_done_or_not_and_complete_only_if_nothing_had_to_follow(result: StackResult, is_done: bool) -> None:
    assert (outcome(FOUNDATION, result).is_done, outcome(FOUNDATION, result).is_complete) == (is_done, is_done)
    left = outcome(FOUNDATION, result, reason="its alarm is not confirmed")
    assert (left.is_done, left.is_complete) == (is_done, False)


@pytest.mark.parametrize(
    ("before", "stands"),
    [
        (None, False),
        (deployed(), True),
        (deployed("UPDATE_ROLLBACK_COMPLETE"), True),
        (deployed("ROLLBACK_COMPLETE"), False),
        (deployed(hub="another-hub"), False),
    ],
)
def test_what_failed_stands_if_it_was_there_before_for_this_estate(before: DeployedStack | None, stands: bool) -> None:
    step = replace(FOUNDATION, deployed=before)
    assert outcome(step).is_standing is stands
    assert outcome(step, StackResult.UPDATED).is_standing is True
    deletion = StackStep(Action.DELETE, FOUNDATION.name, FOUNDATION.wave, deployed=before)
    assert outcome(deletion).is_standing is False, "what is not wanted has no hub to stand for"


def error_of(*outcomes: StackOutcome, plan: Plan = PLAN) -> ExportsError | None:
    return error_of_deploying(DeployResult(plan, outcomes, 1.0))


def test_a_deployment_that_is_complete_is_no_error() -> None:
    assert error_of(outcome(FOUNDATION, StackResult.CREATED)) is None


def test_what_is_not_done_is_told_with_what_the_stacks_themselves_advise_each_once() -> None:
    error = error_of(
        outcome(FOUNDATION, StackResult.UNCHANGED),
        outcome(OTHERS[0], reason="no such key", next_step="name another"),
        outcome(OTHERS[1], StackResult.LEFT_OUT, reason="it needs the hub", next_step="name another"),
    )
    assert isinstance(error, PartlyDoneError)
    assert error.what.splitlines() == [
        "deployed, except:",
        f"  {OTHERS[0].name} failed: no such key",
        f"  {OTHERS[1].name} left out: it needs the hub",
    ]
    assert error.next_step == "name another"
    bare = error_of(outcome(OTHERS[0], reason="no"))
    assert bare
    assert bare.next_step == "remove the causes, then run `exports deploy` again"


def test_roles_that_do_not_exist_leave_a_deployment_partly_done() -> None:
    missing = (MissingRoles(DatasetName("hearings"), (RoleName("a"), RoleName("b"))),)
    error = error_of(outcome(FOUNDATION, StackResult.CREATED), plan=replace(PLAN, missing_roles=missing))
    assert isinstance(error, PartlyDoneError)
    assert error.what.splitlines() == ["deployed, except:", "  hearings: no such role: a, b"]
    assert error.next_step == "create these roles, or take them out of the datasets; then run `exports deploy` again"


def test_without_a_foundation_nothing_else_was_tried_and_only_its_reason_is_told() -> None:
    left = outcome(OTHERS[0], StackResult.LEFT_OUT, reason="it needs the foundation", next_step="that first")
    error = error_of(outcome(FOUNDATION, reason="access denied"), left)
    assert isinstance(error, AwsError)
    assert error.what.splitlines() == [
        "the foundation could not be deployed, so nothing else was tried:",
        "  exports-foundation failed: access denied",
    ]
    assert error.next_step == "remove the cause, then run `exports deploy` again"
    standing = outcome(replace(FOUNDATION, deployed=deployed()), reason="access denied")
    assert isinstance(error_of(standing, left), PartlyDoneError)


def test_an_outcome_is_found_by_its_stacks_name() -> None:
    result = DeployResult(PLAN, (outcome(FOUNDATION),), 1.0)
    assert result.of("exports-foundation") is result.outcomes[0]
    with pytest.raises(KeyError):
        result.of("exports-hub")
