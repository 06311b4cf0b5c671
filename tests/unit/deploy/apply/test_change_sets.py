"""Work on one stack, CloudFormation's answers given: old answers, other deployers, change sets that fail."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from data_exports.aws import Aws
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
from tests.estates import PLATFORM, pull

STACK: Stack = pull_stack(PLATFORM, pull("lists"), Surroundings(code_key="code/mover-0.zip"))
OLD = "0" * 64
BUCKET = STACK.buckets[0]


class Recorder:
    """CloudFormation and S3: shows the stack in one state (status, digest) after the other, and keeps what is asked."""

    def __init__(self, *states: tuple[str, str], change_set: str = "CREATE_COMPLETE", adopts: bool = False) -> None:
        self.states = list(states)
        self.change_set = change_set
        self.adopts = adopts
        self.calls: list[str] = []

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        del StackName
        status, digest = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        tags = {DIGEST_TAG: digest, HUB_TAG: str(PLATFORM.hub_bucket)}
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {"Stacks": [{"StackName": STACK.name, "StackId": "id", "StackStatus": status, "Tags": pairs}]}

    def describe_change_set(self, **_: object) -> dict[str, Any]:
        change = {"Action": "Import", "ResourceType": "AWS::S3::Bucket", "LogicalResourceId": "Bucket"}
        changes = [{"ResourceChange": {**change, "PhysicalResourceId": str(BUCKET)}}] if self.adopts else []
        return {"Status": self.change_set, "StatusReason": "no such thing", "Changes": changes}

    def create_change_set(self, **_: object) -> dict[str, str]:
        return {"Id": "change-set", "StackId": "id"}

    def execute_change_set(self, **_: object) -> None:
        self.calls.append("execute")

    def delete_change_set(self, **_: object) -> None:
        self.calls.append("drop")

    def delete_stack(self, **_: object) -> None:
        self.calls.append("delete")

    def describe_events(self, **_: object) -> dict[str, Any]:
        return {}

    def get_bucket_tagging(self, **_: object) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "NoSuchTagSet", "Message": "none"}}, "GetBucketTagging")

    def get_paginator(self, _: str) -> "Recorder":
        return self

    def paginate(self, **_: object) -> Sequence[dict[str, Any]]:
        return []


class FakeAws:
    """Hands the recorder out for every service."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def client(self, service: str) -> Recorder:
        del service
        return self.recorder


def _work(recorder: Recorder) -> Work:
    return Work(cast(Aws, FakeAws(recorder)), PLATFORM, poll_seconds=0.0001)


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
    assert recorder.calls == ["delete"]


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
    ("status", "calls"), [("REVIEW_IN_PROGRESS", ["drop", "delete"]), ("CREATE_IN_PROGRESS", ["drop"])]
)
@pytest.mark.parametrize("adopts", [False, True], ids=["failed change set", "bucket that is not ours"])
def test_only_an_empty_stack_goes_with_its_change_set(status: str, calls: list[str], adopts: bool) -> None:
    recorder = Recorder((status, OLD), change_set="CREATE_COMPLETE" if adopts else "FAILED", adopts=adopts)
    with pytest.raises(StackFailedError):
        create_stack(_work(recorder), STACK)
    assert recorder.calls == calls


class Described(Recorder):
    """Keeps what change sets are made of, and what is put into the log bucket; answers with pages of changes."""

    def __init__(
        self, *, status: str = "CREATE_COMPLETE", reason: str = "", pages: Sequence[dict[str, Any]] = ()
    ) -> None:
        super().__init__(("UPDATE_COMPLETE", STACK.digest))
        self.status, self.reason, self.pages = status, reason, list(pages)
        self.made: list[dict[str, Any]] = []
        self.put: list[dict[str, Any]] = []
        self.states = [("REVIEW_IN_PROGRESS", OLD)]

    def create_change_set(self, **asked: Any) -> dict[str, str]:
        self.made.append(asked)
        return {"Id": "change-set", "StackId": "id"}

    def describe_change_set(self, **asked: Any) -> dict[str, Any]:
        if "NextToken" in asked:
            return self.pages[int(asked["NextToken"])]
        answer = {"Status": self.status, **({"StatusReason": self.reason} if self.reason else {})}
        return answer | (self.pages[0] if self.pages else {"Changes": []})

    def head_object(self, **_: object) -> None:
        raise ClientError({"Error": {"Code": "404", "Message": "none"}}, "HeadObject")

    def put_object(self, **asked: Any) -> None:
        self.put.append(asked)


def _of_bytes(size: int) -> Stack:
    return replace(STACK, body="x" * size)


def test_a_template_of_51200_bytes_is_in_the_request_and_a_larger_one_in_the_log_bucket() -> None:
    recorder = Described(status="FAILED", reason="The submitted information didn't contain changes.")
    assert update_stack(_work(recorder), _of_bytes(51_200)) is False
    assert recorder.put == []
    assert recorder.made[0]["TemplateBody"] == "x" * 51_200
    larger = _of_bytes(51_201)
    assert update_stack(_work(recorder), larger) is False
    assert recorder.put == [
        {
            "Bucket": str(PLATFORM.log_bucket),
            "Key": larger.template_key,
            "ExpectedBucketOwner": str(PLATFORM.account),
            "Body": b"x" * 51_201,
        }
    ]
    assert recorder.made[1]["TemplateURL"] == template_url_of(PLATFORM, larger)
    assert "TemplateBody" not in recorder.made[1]


def test_a_template_of_a_million_bytes_is_made_and_a_larger_one_is_refused_before_aws_is_asked() -> None:
    recorder = Described(status="FAILED", reason="No updates are to be performed.")
    assert update_stack(_work(recorder), _of_bytes(1_000_000)) is False
    with pytest.raises(StackFailedError) as failed:
        update_stack(_work(recorder), _of_bytes(1_000_001))
    assert str(failed.value) == "the template would have 1,000,001 bytes; CloudFormation takes 1,000,000"
    assert failed.value.next_step == "name fewer roles in this dataset"
    assert len(recorder.made) == 1


def test_a_change_set_says_what_stack_it_is_and_only_a_new_stack_may_adopt() -> None:
    recorder = Described(status="FAILED", reason="No updates are to be performed.")
    update_stack(_work(recorder), STACK)
    with pytest.raises(StackFailedError, match="CloudFormation found nothing to create"):
        create_stack(_work(recorder), STACK)
    update, create = recorder.made
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
    recorder = Described(pages=pages)
    with pytest.raises(StackFailedError) as failed:
        create_stack(_work(recorder), STACK)
    assert str(failed.value) == (
        "of-somebody-else exists: another account has it, or somebody made it while we were at work"
    )
    assert failed.value.next_step == "deploy again; if it stays so, choose another name"
    assert recorder.calls == ["drop", "delete"]


class Refusing(Recorder):
    """Refuses to begin, or does not answer."""

    def __init__(self, error: Exception) -> None:
        super().__init__(("CREATE_COMPLETE", OLD))
        self.error = error

    def execute_change_set(self, **_: object) -> None:
        raise self.error

    def delete_stack(self, **_: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "in_progress"),
    [
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Operation"), set()),
        (EndpointConnectionError(endpoint_url="https://cloudformation"), {STACK.name}),
    ],
)
def test_unless_aws_says_no_cloudformation_may_have_begun(error: Exception, in_progress: set[str]) -> None:
    work = _work(Refusing(error))
    with pytest.raises(type(error)):
        update_stack(work, STACK)
    assert work.in_progress == in_progress
    work = _work(Refusing(error))
    with pytest.raises(type(error)):
        delete_stack(work, DeployedStack(STACK.name, "id", "CREATE_COMPLETE", STACK.tags))
    assert work.in_progress == in_progress


def test_what_is_done_is_no_longer_in_progress() -> None:
    work = _work(Recorder(("UPDATE_COMPLETE", OLD), ("UPDATE_COMPLETE", STACK.digest)))
    assert update_stack(work, STACK) is True
    assert work.in_progress == set()
