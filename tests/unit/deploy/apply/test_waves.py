"""Work on stacks without AWS: waiting for what goes on, several at once, being interrupted."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from data_exports.deploy.apply.change_sets import Work
from data_exports.deploy.apply.outcomes import (
    DeployEvent,
    DeployResult,
    ProgressNote,
    StackOutcome,
    StackResult,
    error_of_deploying,
)
from data_exports.deploy.apply.waves import interrupted, settle
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.effects import with_effects
from data_exports.deploy.plan.plan_data import plan_as_data
from data_exports.deploy.plan.planning import plan_deploy
from data_exports.deploy.remote import BucketContents
from data_exports.errors import AwsError, PartlyDoneError
from data_exports.parallel import run_all
from data_exports.stacks.stack import DIGEST_TAG, HUB_TAG, Surroundings
from data_exports.views.deployment import (
    CHANGES_NOT_LOOKED_AT,
    contents_in_words,
    render_result,
    result_as_data,
)
from data_exports.views.plan import render_plan
from tests.aws_answers import AwsAnswers
from tests.estates import PLATFORM, estate_of, pull
from tests.json_data import json_data
from tests.patience import PATIENCE_SECONDS

ESTATE = estate_of(pull("lists"))
PLAN = with_effects(
    plan_deploy(ESTATE, Deployed(), Surroundings(code_key="code/mover-0.zip", require_tls=False)),
    ESTATE,
    {},
    moment=datetime(2026, 11, 25, tzinfo=UTC),
)


def _work(statuses: Sequence[str]) -> tuple[Work, list[str]]:
    """Work on one stack, in one status after the other; and the statuses that are still to come."""
    to_come = list(statuses)

    def described(status: str) -> Mapping[str, Any]:
        tags = [{"Key": DIGEST_TAG, "Value": "d"}, {"Key": HUB_TAG, "Value": str(PLATFORM.hub_bucket)}]
        return {"StackName": "exports-hub", "StackId": "id", "StackStatus": status, "Tags": tags}

    def describe(StackName: str = "") -> object:  # noqa: N803 - AWS's name
        if not StackName:
            return [{"Stacks": []}, {"Stacks": [described(to_come[0])]}]
        return {"Stacks": [described(to_come.pop(0) if len(to_come) > 1 else to_come[0])]}

    return Work(AwsAnswers({"describe_stacks": describe}), PLATFORM, poll_seconds=0.001), to_come


def test_stack_in_progress_is_waited_for_on_the_next_run() -> None:
    work, to_come = _work(["UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"])
    events: list[DeployEvent] = []
    settle(work, progress=events.append)
    assert events == [ProgressNote("waiting for CloudFormation: exports-hub is UPDATE_IN_PROGRESS")]
    assert to_come == ["UPDATE_COMPLETE"]


def test_settled_stacks_are_not_waited_for() -> None:
    events: list[DeployEvent] = []
    settle(_work(["CREATE_COMPLETE"])[0], progress=events.append)
    assert events == []


def test_interruption_names_exactly_what_goes_on() -> None:
    work, _ = _work(["CREATE_COMPLETE"])
    work.in_progress.update({"exports-push-b", "exports-push-a"})
    error = interrupted(work, command="deploy")
    assert str(error) == (
        "interrupted; CloudFormation goes on with: exports-push-a, exports-push-b\n"
        "  next: run `exports deploy` again: it waits for these and completes the rest"
    )
    assert (error.exit_code, work.stop.is_set()) == (130, True)


def test_everything_is_done_several_at_once() -> None:
    meet = threading.Barrier(3, timeout=PATIENCE_SECONDS)

    def work(piece: str) -> str:
        meet.wait()
        return f"done {piece}"

    said = list(run_all(["a", "b", "c"], work, begins=lambda piece: f"begin {piece}", at_once=3))
    assert sorted(said) == ["begin a", "begin b", "begin c", "done a", "done b", "done c"]


def test_exception_of_a_thread_reaches_the_caller() -> None:
    def work(piece: str) -> str:
        raise ValueError(piece)

    with pytest.raises(ValueError, match="a"):
        list(run_all(["a"], work, begins=str))


def _result(*results: StackResult) -> DeployResult:
    outcomes = [StackOutcome(step, result) for step, result in zip(PLAN.steps, results, strict=True)]
    return DeployResult(PLAN, tuple(each if each.is_done else replace(each, reason="why") for each in outcomes), 1.25)


def test_failed_foundation_is_an_aws_error_and_other_failures_are_partly_done() -> None:
    failed = error_of_deploying(_result(StackResult.FAILED, *[StackResult.LEFT_OUT] * 3))
    assert isinstance(failed, AwsError)
    assert "exports-foundation failed: why" in str(failed)
    partly = error_of_deploying(
        _result(StackResult.CREATED, StackResult.CREATED, StackResult.FAILED, StackResult.CREATED)
    )
    assert isinstance(partly, PartlyDoneError)
    assert str(partly) == (
        "deployed, except:\n  exports-pull-lists failed: why\n"
        "  next: remove the causes, then run `exports deploy` again"
    )
    assert (
        error_of_deploying(
            _result(StackResult.CREATED, StackResult.CREATED, StackResult.UNCHANGED, StackResult.UPDATED)
        )
        is None
    )


def test_foundation_that_stands_but_could_not_be_updated_is_partly_done() -> None:
    step = PLAN.steps[0]
    assert step.stack
    deployed = DeployedStack(step.name, "id", "UPDATE_ROLLBACK_COMPLETE", step.stack.tags)
    failed = StackOutcome(replace(step, deployed=deployed), StackResult.FAILED, "why")
    error = error_of_deploying(DeployResult(PLAN, (failed,), 1.25))
    assert isinstance(error, PartlyDoneError)
    assert "  exports-foundation failed: why" in str(error).splitlines()


def test_stack_that_left_something_undone_is_done_but_partly() -> None:
    outcome = StackOutcome(
        PLAN.steps[3], StackResult.CREATED, "what was waiting was not handed over", "upload it again"
    )
    result = DeployResult(PLAN, (outcome,), 1.25)
    assert (outcome.is_done, outcome.is_complete, result.is_complete) == (True, False, False)
    assert str(error_of_deploying(result)) == (
        "deployed, except:\n  exports-hub created: what was waiting was not handed over\n  next: upload it again"
    )


def test_plan_tells_access_first_and_then_one_line_for_each_stack_that_changes() -> None:
    assert render_plan(PLAN, PLATFORM) == (
        "Plan: the local AWS, account 593291632749, eu-west-1, hub mojap-hub-exports\n"
        "Access: gains 3; a first deployment, so all of it is new\n"
        "Marks: mail outside 1, read 2, mail 1, no paperwork 2\n"
        'Accounts that gain: "Cloud Platform" (754256621582)\n'
        "  gains    [MAIL OUTSIDE] is mailed the failures of every push dataset, with the names of files:"
        " exports@example.gov.uk\n"
        '  gains    may read s3://mojap-lists: "Cloud Platform" (754256621582) role cloud-platform/irsa-reader'
        " (no paperwork)\n"
        "  gains    may read and write s3://mojap-lists: alpha_user_ana (no paperwork)\n"
        "Stacks: 4 create\n"
        "  create    exports-foundation\n"
        "  create    exports-access-logs\n"
        "  create    exports-pull-lists\n"
        "  create    exports-hub"
    )
    assert json_data(plan_as_data(PLAN))["missing_roles"] == {}


def test_result_reads_and_counts_the_same_in_text_and_data() -> None:
    result = _result(StackResult.CREATED, StackResult.CREATED, StackResult.FAILED, StackResult.CREATED)
    assert "  failed     exports-pull-lists     why" in render_result(result).splitlines()
    assert render_result(result).splitlines()[-1] == "3 created, 1 failed (1.2 s)"
    data = json_data(result_as_data(result))
    assert (data["complete"], data["seconds"]) == (False, 1.25)


def test_unchanged_deployment_is_said_in_one_line() -> None:
    unchanged = _result(*[StackResult.UNCHANGED] * 4)
    assert render_result(unchanged) == "Nothing to do: all 4 stacks are as declared (1.2 s)\n" + CHANGES_NOT_LOOKED_AT


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (BucketContents(), "empty"),
        (BucketContents(markers=1), "empty but for 1 delete marker"),
        (BucketContents(objects=1, size_bytes=999), "1 object, 999 B"),
        (BucketContents(objects=2000, size_bytes=3_400_000, is_partial=True), "at least 2,000 objects, 3.4 MB"),
    ],
)
def test_contents_of_buckets_in_words(contents: BucketContents, said: str) -> None:
    assert contents_in_words(contents) == said
