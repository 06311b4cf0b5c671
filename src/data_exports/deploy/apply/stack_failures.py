"""Why a stack failed, in AWS's own words: the first resource that failed, not those that were cancelled after it.

In: a stack's id and the operation that failed. Out: a `StackFailure`. Effects: reads the stack's events.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from data_exports.aws import AWS_EXCEPTIONS, Aws

StackOperation = Literal["CREATE", "UPDATE", "DELETE"]

_STACK = "AWS::CloudFormation::Stack"
_KEY = "AWS::KMS::Key"
_NO_SUCH_KEY = ("ECC_NIST_EDWARDS25519", "keySpec", "KeySpec", "UnsupportedOperation")
"""What KMS names where it refuses to make a key of this kind, by its API's validation or its own.
https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html"""
_CONSEQUENCES = ("creation cancelled", "update cancelled", "deletion cancelled")


@dataclass(frozen=True, slots=True)
class StackFailure:
    """One resource, and what AWS said about it; without a resource the reason is the stack's."""

    reason: str
    logical_id: str = ""
    resource_type: str = ""

    @property
    def next_step(self) -> str:
        """What to do about it, where AWS's reason does not say; otherwise ""."""
        if self.resource_type == _KEY and any(sign in self.reason for sign in _NO_SUCH_KEY):
            return "KMS makes no Ed25519 keys in this region: take `evidence:` out of exports.yaml, and deploy again"
        return ""

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.resource_type}): {self.reason}" if self.logical_id else self.reason


def read_stack_failure(aws: Aws, stack_id: str, verb: StackOperation) -> StackFailure | None:
    """What made the stack's last operation of this kind fail, or None when its events do not tell.

    Raises botocore's exceptions.
    """
    pages = aws.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_id)
    events = (event for page in pages for event in page["StackEvents"])
    cause = stack_failure_of(events, verb)
    if cause is None or not cause.logical_id:
        return _validation_cause(aws, StackName=stack_id) or cause
    return cause


def stack_failure_of(newest_first: Iterable[Mapping[str, Any]], verb: StackOperation) -> StackFailure | None:
    """The earliest failure since the operation began."""
    of_resource = of_stack = None
    for event in newest_first:
        is_stack = event["ResourceType"] == _STACK and event.get("PhysicalResourceId") == event["StackId"]
        status, reason = event.get("ResourceStatus", ""), event.get("ResourceStatusReason", "")
        if is_stack and status == f"{verb}_IN_PROGRESS":
            break
        if not reason or any(sign in reason for sign in _CONSEQUENCES):
            continue
        if is_stack and ("ROLLBACK" in status or status.endswith("_FAILED")):
            of_stack = StackFailure(reason)
        elif status.endswith("_FAILED"):
            of_resource = StackFailure(reason, event["LogicalResourceId"], event["ResourceType"])
    return of_resource or of_stack


def read_change_set_failure(aws: Aws, change_set_id: str, reason: str) -> StackFailure:
    """Why a change set could not be made; CloudFormation keeps the findings of its early checks apart.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
    """
    if "validation" in reason.lower():
        return _validation_cause(aws, ChangeSetName=change_set_id) or StackFailure(reason)
    return StackFailure(reason)


def _validation_cause(aws: Aws, **of: str) -> StackFailure | None:
    """The first finding of CloudFormation's own checks; None when there is none, or we may not read them."""
    try:
        answer = aws.client("cloudformation").describe_events(**of, Filters={"FailedEvents": True})
    except AWS_EXCEPTIONS:
        return None  # this only makes a reason better that is reported either way
    for event in answer.get("OperationEvents", []):
        if event.get("ValidationStatusReason"):
            return StackFailure(
                event["ValidationStatusReason"], event.get("LogicalResourceId", ""), event.get("ResourceType", "")
            )
    return None
