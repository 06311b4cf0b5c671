"""One stack made as it should be, or deleted, through CloudFormation's change sets.

In: a `Stack`, or the id of one to delete. Out: what was done; `StackFailedError` with AWS's reason when it was not.
Effects: creates and executes change sets, deletes stacks, uploads large templates to the log bucket, and waits.
`Work.stop` makes every wait end with `StoppedError`; what CloudFormation has begun, it goes on with.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from data_exports.aws import AWS_EXCEPTIONS, Aws, code_of
from data_exports.contract.change_sets import ClaimedCommit, change_set_name
from data_exports.deploy.adoption.importing import import_stack_of, remove_conflicts, restore_policies
from data_exports.deploy.apply.stack_failures import (
    StackFailure,
    StackOperation,
    read_change_set_failure,
    read_stack_failure,
)
from data_exports.deploy.apply.stack_poller import StackPoller
from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.plan.planning import Existing
from data_exports.deploy.remote import read_stack, upload_once
from data_exports.estate.models import Platform
from data_exports.limits import TEMPLATE_BODY_BYTES, TEMPLATE_OBJECT_BYTES
from data_exports.stacks.stack import STACK_CAPABILITIES, Stack, template_url_of

STACK_TIMEOUT_SECONDS = 3600
STACK_POLL_SECONDS = 4.0
"""CloudFormation throttles callers who ask much more often. https://repost.aws/knowledge-center/cloudformation-rate-exceeded-error"""
LOCAL_POLL_SECONDS = 0.1
VERSIONING_SECONDS = 15 * 60.0
"""How long versioning that was turned on may take to reach every part of S3; AWS asks to put and delete nothing before.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html"""
STALE_POLLS = 5
"""How often the state from before a call is taken for an old answer: DescribeStacks is eventually consistent.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html"""

# CloudFormation has no code for an empty change set; the AWS CLI goes by the same two sentences.
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")
_CHANGED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


class StackFailedError(Exception):
    """CloudFormation did not do it; `cause` is its reason."""

    def __init__(self, cause: StackFailure, *, next_step: str = "") -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.next_step = next_step or cause.next_step


class StoppedError(Exception):
    """We were told to stop; whatever CloudFormation has begun goes on without us."""


@dataclass(frozen=True)
class Work:
    """What working on stacks needs, shared by all threads."""

    aws: Aws
    platform: Platform
    poll_seconds: float
    versioning_seconds: float = VERSIONING_SECONDS
    stop: threading.Event = field(default_factory=threading.Event)
    commit: ClaimedCommit | None = None
    """Where the declarations come from, by git's word."""
    in_progress: set[str] = field(default_factory=set)
    """Names of the stacks that CloudFormation is at work on for us."""

    poller: StackPoller = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "poller", StackPoller(self.aws))

    @property
    def cloudformation(self) -> Any:
        """The client."""
        return self.aws.client("cloudformation")


def work_on(aws: Aws, platform: Platform, commit: ClaimedCommit | None = None) -> Work:
    """The means to work on this platform's stacks."""
    if aws.is_local:
        return Work(aws, platform, LOCAL_POLL_SECONDS, 0, commit=commit)
    return Work(aws, platform, STACK_POLL_SECONDS, commit=commit)


def create_stack(work: Work, stack: Stack, existing: Sequence[Existing] = ()) -> None:
    """Create the stack, and adopt what exists of it.

    What is adopted first joins with its name alone, and everything else comes by an update: see `importing`. What
    exists and is not in `existing` is not touched: the stack fails.
    """
    first = import_stack_of(stack, existing) if existing else stack
    made = _make_change_set(work, first, "CREATE", _template_of(work, first))
    if made is None:
        raise StackFailedError(StackFailure("CloudFormation found nothing to create"))
    _check_expected(work, made, existing)
    _execute(work, first, made)
    if existing:
        finish_adoption(work, stack)


def finish_adoption(work: Work, stack: Stack) -> None:
    """Make a stack that has adopted what existed whole; if that fails, buckets have the policies they had."""
    cleared = remove_conflicts(work.aws, work.platform, stack)
    try:
        update_stack(work, stack)
    except (StackFailedError, *AWS_EXCEPTIONS) as failure:
        try:
            restore_policies(work.aws, work.platform, cleared)
        except AWS_EXCEPTIONS as error:
            bucket = ", ".join(cleared.bucket_policies)
            raise StackFailedError(
                StackFailure(f"{failure}; and {bucket} has no policy now, the old one could not be put back: {error}"),
                next_step="deploy again",
            ) from failure
        raise


def update_stack(work: Work, stack: Stack) -> bool:
    """Update the stack; False when CloudFormation found nothing to change."""
    made = _make_change_set(work, stack, "UPDATE", _template_of(work, stack))
    if made is None:
        return False
    _execute(work, stack, made)
    return True


def revert_stack(work: Work, name: str) -> bool:
    """Make the stack's resources again what its template says; False when CloudFormation found nothing changed.

    What is gone is made again, and what was changed is changed back, of the types whose state CloudFormation reads.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
    """
    stack = read_stack(work.aws, name)
    if stack is None:
        raise StackFailedError(StackFailure("the stack is gone"), next_step="deploy again")
    reverting = {"UsePreviousTemplate": True, "DeploymentMode": "REVERT_DRIFT"}
    made = _make_change_set(replace(work, commit=None), stack, "UPDATE", reverting)  # the template is an earlier one
    if made is None:
        return False
    _execute(work, stack, made)
    return True


def delete_stack(work: Work, deployed: DeployedStack) -> None:
    """Delete the stack; resources that it retains stay. One that has been created since we looked is left alone."""
    _check_not_stopped(work)
    before = read_stack(work.aws, deployed.stack_id)
    if before is None or before.status == "DELETE_COMPLETE":
        return
    if before.status != deployed.status and not deployed.has_resources:
        raise StackFailedError(
            StackFailure(f"somebody else is at work on it: {before.status}, was {deployed.status}"),
            next_step="deploy again",
        )
    work.in_progress.add(deployed.name)
    try:
        work.cloudformation.delete_stack(StackName=deployed.stack_id)
    except AWS_EXCEPTIONS as error:
        if code_of(error):  # unless AWS said so, it may have begun
            work.in_progress.discard(deployed.name)
        raise
    ended = _wait_until_settled(work, deployed.stack_id, before=before)
    work.in_progress.discard(deployed.name)
    if ended and ended.status != "DELETE_COMPLETE":
        raise _failure(work, ended, "DELETE")


def wait_for_others(work: Work, deployed: DeployedStack) -> DeployedStack | None:
    """Wait until CloudFormation has finished what it is doing to the stack; None when the stack is gone then."""
    ended = _wait_until_settled(work, deployed.stack_id)
    return None if ended is None or ended.status == "DELETE_COMPLETE" else ended


# --- change sets ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _ChangeSet:
    id: str
    stack_id: str
    stack_name: str
    kind: Literal["CREATE", "UPDATE"]
    adopted: dict[str, str]
    """Logical id → name of what exists and would be imported."""


def _make_change_set(
    work: Work, stack: Stack | DeployedStack, kind: Literal["CREATE", "UPDATE"], template: Mapping[str, Any]
) -> _ChangeSet | None:
    """A change set that can be executed, or None when there is nothing to change."""
    _check_not_stopped(work)
    options: dict[str, Any] = {"OnStackFailure": "DELETE", "ImportExistingResources": True} if kind == "CREATE" else {}
    answer = work.cloudformation.create_change_set(
        StackName=stack.name,
        ChangeSetName=change_set_name(stack.digest, uuid.uuid4().hex[:8], work.commit),
        ChangeSetType=kind,
        Capabilities=list(STACK_CAPABILITIES),
        Tags=[{"Key": key, "Value": value} for key, value in stack.tags],
        **template,
        **options,
    )
    made = _ChangeSet(answer["Id"], answer["StackId"], stack.name, kind, {})
    status, reason, imported = _wait_until_made(work, made)
    if status == "CREATE_COMPLETE":
        return replace(made, adopted=imported)
    cause = read_change_set_failure(work.aws, made.id, reason)
    _drop(work, made)
    _discard_empty_stack(work, made)
    if any(sentence in reason for sentence in _NOTHING_TO_DO):
        return None
    raise StackFailedError(cause)


def _template_of(work: Work, stack: Stack) -> dict[str, str]:
    """The template in the request, or by its address in the log bucket when it is too large for that."""
    body = stack.body.encode()
    if len(body) <= TEMPLATE_BODY_BYTES:
        return {"TemplateBody": stack.body}
    if len(body) > TEMPLATE_OBJECT_BYTES:
        raise StackFailedError(
            StackFailure(
                f"the template would have {len(body):,} bytes; CloudFormation takes {TEMPLATE_OBJECT_BYTES:,}"
            ),
            next_step="name fewer roles in this dataset",
        )
    upload_once(work.aws, work.platform.log_bucket, stack.template_key, body, account=work.platform.account)
    return {"TemplateURL": template_url_of(work.platform, stack)}


def _wait_until_made(work: Work, made: _ChangeSet) -> tuple[str, str, dict[str, str]]:
    """Status and reason of the finished change set, and what exists that it would import."""
    deadline = time.monotonic() + STACK_TIMEOUT_SECONDS
    while True:
        answer = work.cloudformation.describe_change_set(ChangeSetName=made.id)
        if answer["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            changes = [*answer.get("Changes", []), *_further_changes(work, made, answer.get("NextToken"))]
            return answer["Status"], answer.get("StatusReason", ""), _imports_in(changes)
        _wait(work, deadline, "the change set is still being made")


def _further_changes(work: Work, made: _ChangeSet, token: str | None) -> Iterable[dict[str, Any]]:
    while token:
        answer = work.cloudformation.describe_change_set(ChangeSetName=made.id, NextToken=token)
        yield from answer.get("Changes", [])
        token = answer.get("NextToken")


def _imports_in(changes: Iterable[dict[str, Any]]) -> dict[str, str]:
    resources = [change["ResourceChange"] for change in changes if "ResourceChange" in change]
    imports = [each for each in resources if each["Action"] == "Import"]
    return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in imports}


def _drop(work: Work, made: _ChangeSet) -> None:
    work.cloudformation.delete_change_set(ChangeSetName=made.id)


def _discard_empty_stack(work: Work, made: _ChangeSet) -> None:
    """Delete the stack that was made to hold a change set, unless somebody else has begun to create it."""
    if made.kind == "CREATE":
        stack = read_stack(work.aws, made.stack_id)
        if stack and stack.status == "REVIEW_IN_PROGRESS":
            work.cloudformation.delete_stack(StackName=made.stack_id)


def _check_expected(work: Work, made: _ChangeSet, existing: Sequence[Existing]) -> None:
    """Drop the change set and raise if it would adopt what nobody has looked at."""
    strange = sorted(set(made.adopted.values()) - {each.name for each in existing})
    if strange:
        _drop(work, made)
        _discard_empty_stack(work, made)
        raise StackFailedError(
            StackFailure(
                f"{', '.join(strange)} exists: another account has it, or somebody made it while we were at work"
            ),
            next_step="deploy again; if it stays so, choose another name",
        )


def _execute(work: Work, stack: Stack | DeployedStack, made: _ChangeSet) -> None:
    _check_not_stopped(work)
    before = read_stack(work.aws, made.stack_id)
    work.in_progress.add(stack.name)  # before the call: interrupted in the middle, it may have begun
    try:
        work.cloudformation.execute_change_set(ChangeSetName=made.id)
    except AWS_EXCEPTIONS as error:
        if code_of(error):
            work.in_progress.discard(stack.name)
        raise
    ended = _wait_until_settled(work, made.stack_id, before=before, digest=stack.digest)
    work.in_progress.discard(stack.name)
    if ended is None:
        raise StackFailedError(StackFailure("the stack is gone; somebody else deleted it"))
    if ended.status != f"{made.kind}_COMPLETE":
        raise _failure(work, ended, made.kind)
    if ended.digest != stack.digest:
        raise StackFailedError(
            StackFailure(f"CloudFormation reports {ended.status}, but with another template than ours"),
            next_step="deploy again",
        )


# --- waiting --------------------------------------------------------------------------------------------------------


def _wait_until_settled(
    work: Work, stack_id: str, *, before: DeployedStack | None = None, digest: str | None = None
) -> DeployedStack | None:
    """The stack once CloudFormation is done with it; None when it is gone.

    `before` is what it was before the call that is waited for, `digest` what a change gives it: an answer that shows
    nothing of the call is not believed until it has come `STALE_POLLS` times more.
    """
    deadline = time.monotonic() + STACK_TIMEOUT_SECONDS
    doubted = 0
    status = before.status if before else "not seen yet"
    with work.poller.waiting():
        while True:
            since = time.monotonic()
            _wait(work, deadline, f"CloudFormation is still at work on it: {status}")
            stack = work.poller.read(stack_id, since=since)
            if stack is None:
                return None
            status = stack.status
            if status != "REVIEW_IN_PROGRESS" and not stack.is_in_progress:
                is_other_change = digest is not None and status in _CHANGED and stack.digest != digest
                if doubted >= STALE_POLLS or not (stack == before or is_other_change):
                    return stack
                doubted += 1


def _wait(work: Work, deadline: float, otherwise: str) -> None:
    if work.stop.wait(work.poll_seconds):
        raise StoppedError
    if time.monotonic() > deadline:
        raise StackFailedError(
            StackFailure(f"{otherwise} after {STACK_TIMEOUT_SECONDS // 60} minutes"), next_step="deploy again"
        )


def _check_not_stopped(work: Work) -> None:
    if work.stop.is_set():
        raise StoppedError


def _failure(work: Work, ended: DeployedStack, verb: StackOperation) -> StackFailedError:
    cause = read_stack_failure(work.aws, ended.stack_id, verb)
    return StackFailedError(cause or StackFailure(ended.status_reason or f"CloudFormation reports {ended.status}"))
