"""CloudFormation's own drift detection, for everything that is not compared by meaning.

In: an `Aws` and a stack. Out: differences. Effects: has CloudFormation look at the stack's resources, which changes
nothing, and waits for it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from data_exports.aws import Aws
from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.difference import DifferenceKind, LiveDifference, Revert
from data_exports.errors import ExportsError

DETECTABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
FOUND_GONE_BY_US = (
    "AWS::CloudWatch::Alarm",
    "AWS::Events::Rule",
    "AWS::IAM::OIDCProvider",
    "AWS::IAM::Role",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::Transfer::Server",
    "AWS::Transfer::User",
)
COMPARED_BY_MEANING = ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
"""CloudFormation compares their text, we what it means."""
PROPERTIES_COMPARED_BY_MEANING: Mapping[str, tuple[str, ...]] = {
    "AWS::Events::Rule": ("/State",),
    "AWS::IAM::OIDCProvider": ("/ClientIdList", "/Tags", "/ThumbprintList"),  # AWS fills in the last
    "AWS::IAM::Role": ("/AssumeRolePolicyDocument", "/Policies", "/ManagedPolicyArns"),
    "AWS::S3::Bucket": (
        "/BucketEncryption",
        "/LifecycleConfiguration",
        "/NotificationConfiguration",
        "/ObjectLockConfiguration",
        "/OwnershipControls",
        "/PublicAccessBlockConfiguration",
        "/VersioningConfiguration",
    ),
    "AWS::Transfer::Server": (
        *("/EndpointType", "/ProtocolDetails", "/Protocols", "/SecurityPolicyName", "/StructuredLogDestinations"),
    ),
    "AWS::Transfer::User": (
        *("/HomeDirectory", "/HomeDirectoryMappings", "/HomeDirectoryType", "/Policy", "/Role", "/SshPublicKeys"),
    ),
}


def check_by_cloudformation(
    aws: Aws, stack: DeployedStack, *, poll_seconds: float, stop: threading.Event, timeout_seconds: float = 900
) -> Iterator[LiveDifference]:
    """What CloudFormation finds changed or gone. Raises botocore's exceptions, `ExportsError` when it cannot look."""
    if stack.status not in DETECTABLE:
        return
    cloudformation = aws.client("cloudformation")
    detection = cloudformation.detect_stack_drift(StackName=stack.stack_id)["StackDriftDetectionId"]
    _wait(cloudformation, detection, time.monotonic() + timeout_seconds, poll_seconds=poll_seconds, stop=stop)
    token: dict[str, Any] = {}
    while True:
        answer = cloudformation.describe_stack_resource_drifts(
            StackName=stack.stack_id, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"], **token
        )
        for drift in answer["StackResourceDrifts"]:
            is_gone = drift["StackResourceDriftStatus"] == "DELETED"
            kind = DifferenceKind.RESOURCE_GONE if is_gone else DifferenceKind.RESOURCE_CHANGED
            yield from (LiveDifference(kind, said, Revert()) for said in _in_words(drift))
        if "NextToken" not in answer:
            return
        token = {"NextToken": answer["NextToken"]}


def _wait(cloudformation: Any, detection: str, deadline: float, *, poll_seconds: float, stop: threading.Event) -> None:
    while True:
        answer = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if answer["DetectionStatus"] == "DETECTION_COMPLETE":
            return
        if answer["DetectionStatus"] == "DETECTION_FAILED":
            reason = answer.get("DetectionStatusReason", "no reason was given")
            raise ExportsError(f"CloudFormation could not look at all of it: {reason}")
        if stop.wait(poll_seconds) or time.monotonic() > deadline:
            raise ExportsError("CloudFormation has not finished looking at it")


def _in_words(drift: Mapping[str, Any]) -> Iterator[str]:
    kind = drift["ResourceType"]
    if kind in COMPARED_BY_MEANING:
        return
    what = f"{drift['LogicalResourceId']} ({kind}, {drift.get('PhysicalResourceId', '')})"
    if drift["StackResourceDriftStatus"] == "DELETED":
        if kind not in FOUND_GONE_BY_US:
            yield f"{what} is gone"
        return
    for each in drift.get("PropertyDifferences", []):
        path = each["PropertyPath"]
        if not path.startswith(PROPERTIES_COMPARED_BY_MEANING.get(kind, ())):
            yield f"{what}: {path} is {_short(each['ActualValue'])}, deployed as {_short(each['ExpectedValue'])}"


def _short(value: str) -> str:
    """A value as CloudFormation writes it, in 200 characters at most."""
    try:
        text = json.dumps(json.loads(value), sort_keys=True)
    except ValueError:
        text = value
    return text if len(text) <= 200 else f"{text[:200]}…"
