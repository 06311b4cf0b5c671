"""CloudFormation's own drift detection: waited for, told in words, and not told twice of what we compare ourselves."""

import inspect
import json
import threading
from typing import Any

import pytest

from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.detection import check_by_cloudformation
from data_exports.errors import ExportsError
from tests.aws_answers import AwsAnswers

DONE = {"DetectionStatus": "DETECTION_COMPLETE"}


def difference(path: str, *, expected: str = '"a"', actual: str = '"b"') -> dict[str, str]:
    return {"PropertyPath": path, "ExpectedValue": expected, "ActualValue": actual}


def drifted(kind: str, *differences: dict[str, str], status: str = "MODIFIED") -> dict[str, Any]:
    return {
        "ResourceType": kind,
        "LogicalResourceId": "It",
        "PhysicalResourceId": "its-name",
        "StackResourceDriftStatus": status,
        "PropertyDifferences": list(differences),
    }


def aws_with(*pages: list[dict[str, Any]], statuses: tuple[dict[str, str], ...] = (DONE,)) -> AwsAnswers:
    waiting = list(statuses)

    def drifts(**asked: Any) -> dict[str, Any]:
        number = int(asked.get("NextToken", "0"))
        more = {"NextToken": str(number + 1)} if number + 1 < len(pages) else {}
        return {"StackResourceDrifts": pages[number] if pages else [], **more}

    return AwsAnswers(
        {
            "detect_stack_drift": {"StackDriftDetectionId": "detection-1"},
            "describe_stack_drift_detection_status": lambda **_: waiting.pop(0) if len(waiting) > 1 else waiting[0],
            "describe_stack_resource_drifts": drifts,
        }
    )


def said(aws: AwsAnswers, *, status: str = "UPDATE_COMPLETE", stop: threading.Event | None = None) -> list[str]:
    stack = DeployedStack("exports-hub", "id", status)
    found = check_by_cloudformation(aws, stack, poll_seconds=0.0001, stop=stop or threading.Event())
    return [each.what for each in found]


def test_what_differs_is_told_with_what_it_is_and_what_it_was_deployed_as() -> None:
    aws = aws_with(
        [drifted("AWS::SQS::Queue", difference("/VisibilityTimeout", expected="5400", actual="30"))],
        [drifted("AWS::Events::Rule", difference("/State"), difference("/Name"), difference("/Description"))],
    )
    assert said(aws) == [
        "It (AWS::SQS::Queue, its-name): /VisibilityTimeout is 30, deployed as 5400",
        'It (AWS::Events::Rule, its-name): /Name is "b", deployed as "a"',
        'It (AWS::Events::Rule, its-name): /Description is "b", deployed as "a"',
    ]
    filters = {"StackName": "id", "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"]}
    assert aws.asked == [
        ("detect_stack_drift", {"StackName": "id"}),
        ("describe_stack_drift_detection_status", {"StackDriftDetectionId": "detection-1"}),
        ("describe_stack_resource_drifts", filters),
        ("describe_stack_resource_drifts", {**filters, "NextToken": "1"}),
    ]


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"]
)
def test_a_stack_in_a_state_that_cloudformation_looks_at_is_looked_at(status: str) -> None:
    aws = aws_with([drifted("AWS::SQS::Queue", status="DELETED")])
    assert said(aws, status=status) == ["It (AWS::SQS::Queue, its-name) is gone"]


@pytest.mark.parametrize("status", ["IMPORT_COMPLETE", "UPDATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED"])
def test_a_stack_in_another_state_is_not_asked_about(status: str) -> None:
    aws = aws_with([drifted("AWS::SQS::Queue", status="DELETED")])
    assert (said(aws, status=status), aws.asked) == ([], [])


@pytest.mark.parametrize("kind", ["AWS::IAM::Role", "AWS::Lambda::Function", "AWS::S3::Bucket"])
def test_what_we_find_gone_ourselves_is_not_told_again(kind: str) -> None:
    assert said(aws_with([drifted(kind, status="DELETED")])) == []


@pytest.mark.parametrize("kind", ["AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"])
@pytest.mark.parametrize("status", ["MODIFIED", "DELETED"])
def test_policies_are_compared_by_their_meaning_alone(kind: str, status: str) -> None:
    assert said(aws_with([drifted(kind, difference("/PolicyDocument"), status=status)])) == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("AWS::IAM::Role", "/AssumeRolePolicyDocument/Statement/0"),
        ("AWS::IAM::Role", "/Policies/0/PolicyDocument"),
        ("AWS::IAM::Role", "/ManagedPolicyArns"),
        ("AWS::S3::Bucket", "/BucketEncryption"),
        ("AWS::S3::Bucket", "/LifecycleConfiguration/Rules"),
        ("AWS::S3::Bucket", "/NotificationConfiguration"),
        ("AWS::S3::Bucket", "/OwnershipControls"),
        ("AWS::S3::Bucket", "/PublicAccessBlockConfiguration"),
        ("AWS::S3::Bucket", "/VersioningConfiguration/Status"),
    ],
)
def test_a_property_is_compared_by_its_meaning_in_its_own_kind_alone(kind: str, path: str) -> None:
    other = difference("/MaxSessionDuration")
    assert said(aws_with([drifted(kind, difference(path), other)])) == [
        f'It ({kind}, its-name): /MaxSessionDuration is "b", deployed as "a"'
    ]
    assert said(aws_with([drifted("AWS::SQS::Queue", difference(path))])) == [
        f'It (AWS::SQS::Queue, its-name): {path} is "b", deployed as "a"'
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('{"b": 1, "a": 2}', '{"a": 2, "b": 1}'),
        ("plain", "plain"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "…"),
        (json.dumps("y" * 199), '"' + "y" * 199 + "…"),
    ],
)
def test_values_are_told_in_200_characters_at_most(value: str, shown: str) -> None:
    aws = aws_with([drifted("AWS::Logs::LogGroup", difference("/P", expected=value, actual="1"))])
    assert said(aws) == [f"It (AWS::Logs::LogGroup, its-name): /P is 1, deployed as {shown}"]


def test_a_resource_without_a_name_or_differences_is_told_as_far_as_it_goes() -> None:
    gone = {"ResourceType": "T", "LogicalResourceId": "It", "StackResourceDriftStatus": "DELETED"}
    assert said(aws_with([gone, {**gone, "StackResourceDriftStatus": "MODIFIED"}])) == ["It (T, ) is gone"]


def test_it_is_waited_until_cloudformation_has_looked() -> None:
    pending = {"DetectionStatus": "DETECTION_IN_PROGRESS"}
    aws = aws_with([drifted("T", status="DELETED")], statuses=(pending, pending, DONE))
    assert said(aws) == ["It (T, its-name) is gone"]
    assert [operation for operation, _ in aws.asked].count("describe_stack_drift_detection_status") == 3


@pytest.mark.parametrize(
    ("reason", "told"), [({"DetectionStatusReason": "too busy"}, "too busy"), ({}, "no reason was given")]
)
def test_a_detection_that_failed_is_told_with_its_reason(reason: dict[str, str], told: str) -> None:
    with pytest.raises(ExportsError, match=f"CloudFormation could not look at all of it: {told}"):
        said(aws_with(statuses=({"DetectionStatus": "DETECTION_FAILED", **reason},)))


def test_an_interruption_ends_the_wait() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(ExportsError, match="CloudFormation has not finished looking at it"):
        said(aws_with(statuses=({"DetectionStatus": "DETECTION_IN_PROGRESS"},)), stop=stop)


def test_a_detection_that_takes_too_long_is_given_up() -> None:
    pending = {"DetectionStatus": "DETECTION_IN_PROGRESS"}
    aws = aws_with(statuses=(pending, pending, DONE))
    stack, stop = DeployedStack("exports-hub", "id", "UPDATE_COMPLETE"), threading.Event()
    with pytest.raises(ExportsError, match="CloudFormation has not finished looking at it"):
        list(check_by_cloudformation(aws, stack, poll_seconds=0.0001, stop=stop, timeout_seconds=0))
    assert inspect.signature(check_by_cloudformation).parameters["timeout_seconds"].default == 900
