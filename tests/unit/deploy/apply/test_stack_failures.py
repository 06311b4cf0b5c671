"""AWS's reason for a failed stack: the root cause, not what was cancelled because of it."""

from data_exports.deploy.apply.change_sets import StackFailedError
from data_exports.deploy.apply.stack_failures import StackFailure, stack_failure_of

STACK = {"StackId": "arn:stack", "PhysicalResourceId": "arn:stack", "ResourceType": "AWS::CloudFormation::Stack"}


def _stack(status: str, reason: str = "") -> dict[str, str]:
    return {**STACK, "LogicalResourceId": "s", "ResourceStatus": status, "ResourceStatusReason": reason}


def _resource(name: str, status: str, reason: str = "") -> dict[str, str]:
    return {
        "StackId": "arn:stack",
        "LogicalResourceId": name,
        "PhysicalResourceId": name,
        "ResourceType": "AWS::SQS::Queue",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


CREATION = [
    _stack("DELETE_COMPLETE"),
    _resource("Mover", "DELETE_FAILED", "later trouble"),
    _stack("ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Queue, Other]."),
    _resource("Other", "CREATE_FAILED", "Resource creation cancelled"),
    _resource("Queue", "CREATE_FAILED", "Queue already exists"),
    _resource("Third", "CREATE_FAILED", "Resource creation cancelled"),  # events of one moment come in any order
    _resource("Queue", "CREATE_IN_PROGRESS"),
    _stack("CREATE_IN_PROGRESS", "User Initiated"),
]


def test_first_resource_that_failed_is_the_cause() -> None:
    assert stack_failure_of(CREATION, "CREATE") == StackFailure("Queue already exists", "Queue", "AWS::SQS::Queue")


def test_a_region_whose_kms_knows_no_ed25519_is_told_with_what_to_do() -> None:
    reason = (
        "Resource handler returned message: \"1 validation error detected: Value 'ECC_NIST_EDWARDS25519' at 'keySpec' "
        'failed to satisfy constraint: Member must satisfy enum value set" (HandlerErrorCode: InvalidRequest)'
    )
    said = "KMS makes no Ed25519 keys in this region: take `evidence:` out of exports.yaml, and deploy again"
    failed = StackFailure(reason, "EvidenceKey", "AWS::KMS::Key")
    assert (failed.next_step, StackFailedError(failed).next_step) == (said, said)
    assert StackFailure("Access denied", "EvidenceKey", "AWS::KMS::Key").next_step == ""
    assert StackFailure(reason, "Queue", "AWS::SQS::Queue").next_step == ""
    assert StackFailedError(failed, next_step="deploy again").next_step == "deploy again"


def test_failures_of_earlier_operations_do_not_count() -> None:
    events = [
        _stack("UPDATE_ROLLBACK_COMPLETE"),
        _resource("Mover", "UPDATE_FAILED", "no such role"),
        _stack("UPDATE_IN_PROGRESS", "User Initiated"),
        *CREATION,
    ]
    assert stack_failure_of(events, "UPDATE") == StackFailure("no such role", "Mover", "AWS::SQS::Queue")


def test_stack_itself_is_the_cause_when_no_resource_failed() -> None:
    events = [_stack("ROLLBACK_IN_PROGRESS", "Validation failed"), _stack("CREATE_IN_PROGRESS", "User Initiated")]
    assert str(stack_failure_of(events, "CREATE")) == "Validation failed"


def test_without_failures_there_is_no_cause() -> None:
    assert stack_failure_of([_stack("CREATE_COMPLETE"), _stack("CREATE_IN_PROGRESS")], "CREATE") is None


def test_cause_reads_as_resource_type_and_reason() -> None:
    assert str(StackFailure("no", "Queue", "AWS::SQS::Queue")) == "Queue (AWS::SQS::Queue): no"
