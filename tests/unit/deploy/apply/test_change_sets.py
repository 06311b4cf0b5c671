"""Work on one stack, CloudFormation's answers given: old answers, other deployers, change sets that fail."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from data_exports.deploy.apply.change_sets import (
    STALE_POLLS,
    StackFailedError,
    Work,
    create_stack,
    delete_stack,
    update_stack,
)
from data_exports.deploy.deployed import DeployedStack
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.stack import DIGEST_TAG, HUB_TAG, STACK_CAPABILITIES, Stack, Surroundings, template_url_of
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, pull

STACK: Stack = pull_stack(PLATFORM, pull("lists"), Surroundings(code_key="code/mover-0.zip"))
OLD = "0" * 64
IMPORTED = {
    "Action": "Import",
    "ResourceType": "AWS::S3::Bucket",
    "LogicalResourceId": "Bucket",
    "PhysicalResourceId": str(STACK.buckets[0]),
}
FAILED = {"Status": "FAILED", "StatusReason": "no such thing", "Changes": []}
ADOPTS = {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": IMPORTED}]}
CALLS = ("execute_change_set", "delete_change_set", "delete_stack")
"""The calls that change a stack."""


class Recorder(AwsAnswers):
    """Shows the stack in one state (status, digest) after the other, and answers the rest as it is told to."""

    def __init__(self, *states: tuple[str, str], **answers: Any) -> None:
        usual = {
            "describe_stacks": self._describe_stacks,
            "describe_change_set": {"Status": "CREATE_COMPLETE", "Changes": []},
            "create_change_set": {"Id": "change-set", "StackId": "id"},
            "describe_events": {},
            "describe_stack_events": [],
            "get_bucket_tagging": refusal("NoSuchTagSet"),
        }
        super().__init__({**usual, **dict.fromkeys(CALLS), **answers})
        self.states = list(states)

    @property
    def calls(self) -> list[str]:
        return [operation for operation, _ in self.asked if operation in CALLS]

    def _describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        del StackName
        status, digest = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        tags = {DIGEST_TAG: digest, HUB_TAG: str(PLATFORM.hub_bucket)}
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {"Stacks": [{"StackName": STACK.name, "StackId": "id", "StackStatus": status, "Tags": pairs}]}


def _work(recorder: Recorder) -> Work:
    return Work(recorder, PLATFORM, poll_seconds=0.0001)


@pytest.mark.parametrize("old", ["UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_the_state_from_before_an_update_is_not_taken_for_its_end(old: str) -> None:
    recorder = Recorder(*[(old, OLD)] * 4, ("UPDATE_IN_PROGRESS", OLD), ("UPDATE_COMPLETE", STACK.digest))
    assert update_stack(_work(recorder), STACK) is True
    assert recorder.states == [("UPDATE_COMPLETE", STACK.digest)]


def test_an_old_rollback_that_has_our_digest_is_not_taken_for_this_updates_end() -> None:
    rolled_back = ("UPDATE_ROLLBACK_COMPLETE", STACK.digest)
    recorder = Recorder(*[rolled_back] * 3, ("UPDATE_COMPLETE", STACK.digest))
    assert update_stack(_work(recorder), STACK) is True


def test_a_still_older_state_is_not_taken_for_an_updates_end_either() -> None:
    recorder = Recorder(
        ("CREATE_IN_PROGRESS", OLD), *[("CREATE_COMPLETE", OLD)] * STALE_POLLS, ("UPDATE_COMPLETE", STACK.digest)
    )
    assert update_stack(_work(recorder), STACK) is True


def test_an_update_that_fails_as_the_one_before_is_believed_after_a_few_polls() -> None:
    recorder = Recorder(("UPDATE_ROLLBACK_COMPLETE", OLD))
    with pytest.raises(StackFailedError, match="UPDATE_ROLLBACK_COMPLETE"):
        update_stack(_work(recorder), STACK)


def test_an_update_of_which_nothing_ever_shows_is_no_success() -> None:
    recorder = Recorder(("UPDATE_COMPLETE", OLD))
    with pytest.raises(StackFailedError, match="with another template than ours") as failed:
        update_stack(_work(recorder), STACK)
    assert failed.value.next_step == "deploy again"


def test_the_state_from_before_a_deletion_is_not_taken_for_its_end() -> None:
    recorder = Recorder(
        *[("CREATE_COMPLETE", OLD)] * STALE_POLLS, ("DELETE_IN_PROGRESS", OLD), ("DELETE_COMPLETE", OLD)
    )
    delete_stack(_work(recorder), DeployedStack(STACK.name, "id", "CREATE_COMPLETE", STACK.tags))
    assert recorder.states == [("DELETE_COMPLETE", OLD)]
    assert recorder.calls == ["delete_stack"]


def test_a_deletion_of_which_nothing_ever_shows_fails() -> None:
    recorder = Recorder(("CREATE_COMPLETE", OLD))
    with pytest.raises(StackFailedError, match="CREATE_COMPLETE"):
        delete_stack(_work(recorder), DeployedStack(STACK.name, "id", "CREATE_COMPLETE", STACK.tags))


def test_what_somebody_else_has_begun_to_create_is_not_deleted_to_be_replaced() -> None:
    recorder = Recorder(("CREATE_IN_PROGRESS", OLD))
    with pytest.raises(StackFailedError, match="somebody else is at work on it: CREATE_IN_PROGRESS"):
        delete_stack(_work(recorder), DeployedStack(STACK.name, "id", "REVIEW_IN_PROGRESS"))
    assert recorder.calls == []


@pytest.mark.parametrize(
    ("status", "calls"),
    [("REVIEW_IN_PROGRESS", ["delete_change_set", "delete_stack"]), ("CREATE_IN_PROGRESS", ["delete_change_set"])],
)
@pytest.mark.parametrize("change_set", [FAILED, ADOPTS], ids=["failed change set", "bucket that is not ours"])
def test_only_an_empty_stack_goes_with_its_change_set(
    status: str, calls: list[str], change_set: dict[str, Any]
) -> None:
    recorder = Recorder((status, OLD), describe_change_set=change_set)
    with pytest.raises(StackFailedError):
        create_stack(_work(recorder), STACK)
    assert recorder.calls == calls


def _described(reason: str = "", pages: Sequence[dict[str, Any]] = ({"Changes": []},)) -> Recorder:
    """A stack under review, and a change set in so many pages, or one that failed for this reason."""
    status = {"Status": "FAILED", "StatusReason": reason} if reason else {"Status": "CREATE_COMPLETE"}

    def describe_change_set(NextToken: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803 - AWS's name
        return pages[int(NextToken)] if NextToken else status | pages[0]

    missing = {"head_object": refusal("404"), "put_object": None}
    return Recorder(("REVIEW_IN_PROGRESS", OLD), describe_change_set=describe_change_set, **missing)


def _of_bytes(size: int) -> Stack:
    return replace(STACK, body="x" * size)


def test_a_template_of_51200_bytes_is_in_the_request_and_a_larger_one_in_the_log_bucket() -> None:
    recorder = _described("The submitted information didn't contain changes.")
    assert update_stack(_work(recorder), _of_bytes(51_200)) is False
    assert recorder.asked_for("put_object") == []
    assert recorder.asked_for("create_change_set")[0]["TemplateBody"] == "x" * 51_200
    larger = _of_bytes(51_201)
    assert update_stack(_work(recorder), larger) is False
    assert recorder.asked_for("put_object") == [
        {
            "Bucket": str(PLATFORM.log_bucket),
            "Key": larger.template_key,
            "ExpectedBucketOwner": str(PLATFORM.account),
            "Body": b"x" * 51_201,
        }
    ]
    assert recorder.asked_for("create_change_set")[1]["TemplateURL"] == template_url_of(PLATFORM, larger)
    assert "TemplateBody" not in recorder.asked_for("create_change_set")[1]


def test_a_template_of_a_million_bytes_is_made_and_a_larger_one_is_refused_before_aws_is_asked() -> None:
    recorder = _described("No updates are to be performed.")
    assert update_stack(_work(recorder), _of_bytes(1_000_000)) is False
    with pytest.raises(StackFailedError) as failed:
        update_stack(_work(recorder), _of_bytes(1_000_001))
    assert str(failed.value) == "the template would have 1,000,001 bytes; CloudFormation takes 1,000,000"
    assert failed.value.next_step == "name fewer roles in this dataset"
    assert len(recorder.asked_for("create_change_set")) == 1


def test_a_change_set_says_what_stack_it_is_and_only_a_new_stack_may_adopt() -> None:
    recorder = _described("No updates are to be performed.")
    update_stack(_work(recorder), STACK)
    with pytest.raises(StackFailedError, match="CloudFormation found nothing to create"):
        create_stack(_work(recorder), STACK)
    update, create = recorder.asked_for("create_change_set")
    names = [asked.pop("ChangeSetName") for asked in (update, create)]
    assert [name.rpartition("-")[0] for name in names] == [f"exports-{STACK.digest[:12]}"] * 2
    assert names[0] != names[1]
    plain = {
        "StackName": STACK.name,
        "Capabilities": list(STACK_CAPABILITIES),
        "Tags": [{"Key": key, "Value": value} for key, value in STACK.tags],
        "TemplateBody": STACK.body,
    }
    assert update == {**plain, "ChangeSetType": "UPDATE"}
    adopting = {"OnStackFailure": "DELETE", "ImportExistingResources": True}
    assert create == {**plain, "ChangeSetType": "CREATE", **adopting}


@pytest.mark.parametrize("page", [0, 1, 2])
def test_what_a_stack_would_adopt_is_found_on_whatever_page_it_is_told(page: int) -> None:
    strange = {"Action": "Import", "LogicalResourceId": "Bucket", "PhysicalResourceId": "of-somebody-else"}
    usual = {"ResourceChange": {"Action": "Add", "LogicalResourceId": "Policy"}}
    pages: list[dict[str, Any]] = [{"Changes": [usual, {"Type": "Hook"}]} for _ in range(3)]
    pages[0]["NextToken"], pages[1]["NextToken"] = "1", "2"
    pages[page]["Changes"].append({"ResourceChange": strange})
    recorder = _described(pages=pages)
    with pytest.raises(StackFailedError) as failed:
        create_stack(_work(recorder), STACK)
    assert str(failed.value) == (
        "of-somebody-else exists: another account has it, or somebody made it while we were at work"
    )
    assert failed.value.next_step == "deploy again; if it stays so, choose another name"
    assert recorder.calls == ["delete_change_set", "delete_stack"]


def _refusing(error: Exception) -> Recorder:
    """Refuses to begin, or does not answer."""
    return Recorder(("CREATE_COMPLETE", OLD), execute_change_set=error, delete_stack=error)


@pytest.mark.parametrize(
    ("error", "in_progress"),
    [
        (refusal("AccessDenied"), set()),
        (EndpointConnectionError(endpoint_url="https://cloudformation"), {STACK.name}),
    ],
)
def test_unless_aws_says_no_cloudformation_may_have_begun(error: Exception, in_progress: set[str]) -> None:
    work = _work(_refusing(error))
    with pytest.raises(type(error)):
        update_stack(work, STACK)
    assert work.in_progress == in_progress
    work = _work(_refusing(error))
    with pytest.raises(type(error)):
        delete_stack(work, DeployedStack(STACK.name, "id", "CREATE_COMPLETE", STACK.tags))
    assert work.in_progress == in_progress


def test_what_is_done_is_no_longer_in_progress() -> None:
    work = _work(Recorder(("UPDATE_COMPLETE", OLD), ("UPDATE_COMPLETE", STACK.digest)))
    assert update_stack(work, STACK) is True
    assert work.in_progress == set()
