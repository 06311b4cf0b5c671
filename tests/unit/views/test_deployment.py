"""Results of deploying and destroying, as text and as data: both say the same."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from data_exports.access.changes import changes_between
from data_exports.access.grants import grants_of
from data_exports.deploy.apply.outcomes import (
    DeployEvent,
    DeployResult,
    PlanMade,
    ProgressNote,
    StackFinished,
    StackOutcome,
    StackResult,
    StackStarted,
)
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.plan_data import plan_as_data
from data_exports.deploy.plan.planning import Action, StackStep, plan_deploy
from data_exports.deploy.remote import BucketContents
from data_exports.deploy.removal.buckets import BucketOutcome, BucketResult, OwnBucket
from data_exports.deploy.removal.destroy import DestroyResult, Destruction, Undelivered
from data_exports.names import BucketName, DatasetName
from data_exports.stacks.stack import HUB_TAG, Surroundings, Wave
from data_exports.views.deployment import (
    CHANGES_NOT_LOOKED_AT,
    contents_in_words,
    destroyed_as_data,
    render_destroyed,
    render_destruction,
    render_event,
    render_result,
    result_as_data,
)
from tests.estates import PLATFORM, estate_of, push
from tests.json_data import json_data

ESTATE = estate_of(push())
PLAN = replace(
    plan_deploy(ESTATE, Deployed(), Surroundings(code_key="code/mover-0.zip")),
    compared=changes_between([], grants_of(ESTATE), moment=datetime(2031, 3, 30, tzinfo=UTC)),
)
GONE = StackStep(Action.DELETE, "exports-pull-lists", Wave.DATASETS, dataset=DatasetName("lists"))
FULL = OwnBucket(BucketName("mojap-lists"), BucketContents(1_200, 3, 3_400_000))
EMPTY = OwnBucket(BucketName("mojap-notes"), BucketContents())
FOREIGN = DeployedStack("exports-push-moves", "id", "UPDATE_COMPLETE", ((HUB_TAG, "another-hub"),))


def outcome(name: str, result: StackResult, **more: str) -> StackOutcome:
    return StackOutcome(StackStep(Action.UPDATE, name, Wave.DATASETS), result, **more)


def test_a_deployment_that_changed_nothing_is_one_line() -> None:
    unchanged = tuple(outcome(name, StackResult.UNCHANGED) for name in ("exports-hub", "exports-foundation"))
    assert render_result(DeployResult(PLAN, unchanged, 1.25)) == (
        "Nothing to do: all 2 stacks are as declared (1.2 s)\n" + CHANGES_NOT_LOOKED_AT
    )


def test_each_stack_has_a_row_with_what_became_of_it_and_what_to_do_next() -> None:
    result = DeployResult(
        PLAN,
        (
            outcome("exports-hub", StackResult.UNCHANGED),
            outcome("exports-push-a", StackResult.UPDATED, note="its template is as it was"),
            outcome("exports-push-b", StackResult.FAILED, reason="no such key", next_step="name another"),
        ),
        2.0,
    )
    assert render_result(result).splitlines() == [
        "Result",
        "  unchanged    exports-hub",
        "  updated      exports-push-a    its template is as it was",
        "  failed       exports-push-b    no such key; next: name another",
        "1 unchanged, 1 updated, 1 failed (2.0 s)",
    ]
    effects = json_data(plan_as_data(PLAN))
    del effects["stacks"], effects["findings"]
    assert json_data(result_as_data(result)) == {
        **effects,
        "stacks": [
            {
                **json_data(each.step),
                "result": each.result,
                "reason": each.reason or None,
                "next_step": each.next_step or None,
                "note": each.note or None,
            }
            for each in result.outcomes
        ],
        "complete": False,
        "seconds": 2.0,
    }


def test_what_would_be_destroyed_is_told_with_what_is_kept_left_alone_and_not_delivered() -> None:
    planned = Destruction(
        (replace(GONE, reason="no longer wanted"),),
        (FULL, EMPTY),
        (Undelivered(DatasetName("hearings"), 1_000), Undelivered(DatasetName("moves"), 1)),
        left_alone=(FOREIGN,),
        is_local=False,
    )
    assert render_destruction(planned, PLATFORM).splitlines()[1:] == [
        "  delete    exports-pull-lists    no longer wanted",
        "  keep      bucket mojap-lists    1,200 objects, 3.4 MB",
        "  remove    bucket mojap-notes    empty",
        "left alone: exports-push-moves, of the estate whose hub is another-hub",
        (
            "WARNING: still in the hub, not delivered, and nothing will deliver it: "
            "1,001 uploads (hearings 1,000, moves 1)"
        ),
    ]


def test_where_nothing_is_deployed_there_is_nothing_to_destroy() -> None:
    planned = Destruction((), (), (), left_alone=(FOREIGN,), is_local=False)
    heading, *lines = render_destruction(planned, PLATFORM).splitlines()
    assert heading.startswith("Destroy: ")
    assert lines == ["  nothing is deployed", "left alone: exports-push-moves, of the estate whose hub is another-hub"]


def test_what_was_destroyed_and_what_was_kept_each_has_a_row() -> None:
    result = DestroyResult(
        (StackOutcome(GONE, StackResult.DELETED),),
        (BucketOutcome(FULL, BucketResult.KEPT, "holds data"), BucketOutcome(EMPTY, BucketResult.REMOVED)),
        (Undelivered(DatasetName("hearings"), 1),),
        0.25,
    )
    assert render_destroyed(result).splitlines() == [
        "Result",
        "  deleted    exports-pull-lists",
        "  kept       bucket mojap-lists    holds data: 1,200 objects, 3.4 MB",
        "  removed    bucket mojap-notes",
        "WARNING: still in the hub, not delivered, and nothing will deliver it: 1 upload (hearings 1)",
        "(0.2 s)",
    ]
    facts = json_data(destroyed_as_data(result))
    assert [each["result"] for each in facts["stacks"]] == ["deleted"]
    assert facts["buckets"] == [
        {
            "bucket": "mojap-lists",
            "result": "kept",
            "reason": "holds data",
            "versions": 1_200,
            "delete_markers": 3,
            "size_bytes": 3_400_000,
            "is_partial": False,
        },
        {
            "bucket": "mojap-notes",
            "result": "removed",
            "reason": None,
            "versions": 0,
            "delete_markers": 0,
            "size_bytes": 0,
            "is_partial": False,
        },
    ]
    assert (facts["undelivered"], facts["complete"], facts["seconds"]) == ({"hearings": 1}, True, 0.25)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (PlanMade(PLAN), ""),
        (ProgressNote("waiting"), "waiting"),
        (StackFinished(outcome("exports-hub", StackResult.UNCHANGED)), ""),
        (StackFinished(outcome("exports-hub", StackResult.UPDATED)), "updated exports-hub"),
        (StackFinished(outcome("exports-hub", StackResult.FAILED, reason="no")), "failed exports-hub: no"),
        *(
            (StackStarted(StackStep(action, "exports-hub", Wave.HUB)), f"{doing} exports-hub")
            for action, doing in (
                (Action.CREATE, "creating"),
                (Action.UPDATE, "updating"),
                (Action.REPLACE, "replacing"),
                (Action.DELETE, "deleting"),
            )
        ),
    ],
)
def test_an_event_is_one_line_or_none(event: DeployEvent, line: str) -> None:
    assert render_event(event) == line


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (BucketContents(), "empty"),
        (BucketContents(0, 2), "empty but for 2 delete markers"),
        (BucketContents(1, 2, 5), "1 object, 5 B"),
        (BucketContents(1_000, 0, 5_000, is_partial=True), "at least 1,000 objects, 5.0 kB"),
    ],
)
def test_what_a_bucket_holds_is_counted_or_said_to_be_more(contents: BucketContents, words: str) -> None:
    assert contents_in_words(contents) == words
