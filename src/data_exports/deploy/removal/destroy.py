"""Take away what was deployed, without taking anybody's data.

In: an `Estate` (its platform; AWS says which stacks it has) and an `Aws`. Out: a `Destruction` to show and confirm,
then a `DestroyResult`. Effects of `destroy`: deletes the stacks — the hub's, the datasets', the foundation's — and then
the buckets that are wholly empty. Buckets that hold data stay, closed to outsiders, and a later deployment takes them
over again.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from data_exports.aws import AWS_EXCEPTIONS, Aws, aws_error_of, aws_errors, reason_of
from data_exports.deploy.apply.change_sets import Work, work_on
from data_exports.deploy.apply.outcomes import (
    DeployEvent,
    Progress,
    ProgressNote,
    StackFinished,
    StackOutcome,
    ignore,
    lines_of_not_done,
    next_step_of,
)
from data_exports.deploy.apply.waves import interrupted, leave_out, run_steps, settle
from data_exports.deploy.deployed import DATASET_STACK_PREFIXES, PUSH_STACK_PREFIX, Deployed, DeployedStack
from data_exports.deploy.plan.planning import Action, StackStep
from data_exports.deploy.remote import check_account, count_current, read_deployed
from data_exports.deploy.removal.buckets import (
    BucketOutcome,
    BucketResult,
    OwnBucket,
    read_buckets,
    remove_if_empty,
    stop_notifications,
)
from data_exports.errors import ExportsError, PartlyDoneError
from data_exports.estate.models import Estate
from data_exports.names import (
    ACCESS_LOGS_STACK,
    EVIDENCE_STACK,
    FOUNDATION_STACK,
    HUB_STACK,
    IDENTITY_PROVIDERS_STACK,
    SFTP_STACK,
    BucketName,
    DatasetName,
    hub_prefix_of,
    pull_bucket_of,
)
from data_exports.stacks.stack import Wave


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Uploads of one dataset that are still in the hub."""

    dataset: DatasetName
    count: int


@dataclass(frozen=True, slots=True)
class Destruction:
    """What destroying would do: the stacks in the order of work, the buckets, and what is not delivered yet."""

    steps: tuple[StackStep, ...]
    buckets: tuple[OwnBucket, ...]
    undelivered: tuple[Undelivered, ...]
    left_alone: tuple[DeployedStack, ...] = ()
    """Stacks of other estates."""
    is_local: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to destroy."""
        return not self.steps and not self.buckets


@dataclass(frozen=True, slots=True)
class DestroyResult:
    """All that destroying did."""

    outcomes: tuple[StackOutcome, ...]
    buckets: tuple[BucketOutcome, ...]
    undelivered: tuple[Undelivered, ...]
    seconds: float

    @property
    def is_complete(self) -> bool:
        """Whether everything is gone but buckets that hold data."""
        return all(outcome.is_done for outcome in self.outcomes) and not self.failed_buckets

    @property
    def failed_buckets(self) -> tuple[BucketOutcome, ...]:
        """Buckets about which AWS said no."""
        return tuple(bucket for bucket in self.buckets if bucket.result is BucketResult.FAILED)


def error_of_destroying(result: DestroyResult) -> ExportsError | None:
    """The error that this result amounts to, or None when everything is gone that should be."""
    if result.is_complete:
        return None
    not_done = [outcome for outcome in result.outcomes if not outcome.is_done]
    lines = lines_of_not_done(not_done)
    lines += [f"  bucket {each.bucket.name}: {each.reason}" for each in result.failed_buckets]
    next_step = next_step_of(not_done, otherwise="remove the causes, then run `exports destroy` again")
    return PartlyDoneError("\n".join(["destroyed, except:", *lines]), next_step=next_step)


def read_destruction(estate: Estate, aws: Aws, *, progress: Progress = ignore) -> Destruction:
    """What there is to destroy, once CloudFormation has finished what it is doing.

    Raises `RefusedError` when the credentials are of another account, `AwsError` when AWS cannot be asked.
    """
    check_account(aws, estate.platform)
    settle(work_on(aws, estate.platform), progress=progress)
    deployed = read_deployed(aws)
    hub = estate.platform.hub_bucket
    steps = tuple(plan_destroy(deployed, hub=hub))
    others = tuple(stack for stack in deployed.stacks if stack.is_ours and not stack.belongs_to(hub))
    with aws_errors():
        buckets = read_buckets(aws, estate, _pull_buckets(estate, steps))
        undelivered = tuple(_read_undelivered(estate, aws, steps))
    return Destruction(steps, buckets, undelivered, left_alone=others, is_local=aws.is_local)


def plan_destroy(deployed: Deployed, *, hub: str) -> Iterator[StackStep]:
    """Every stack of the estate with this hub, in the order in which they go: hub, datasets, foundation."""
    for wave in (Wave.HUB, Wave.DATASETS, Wave.FOUNDATION):
        for stack in deployed.stacks:
            if stack.belongs_to(hub) and _wave_of(stack) is wave:
                busy = stack.is_in_progress
                yield StackStep(
                    Action.BLOCKED if busy else Action.DELETE,
                    stack.name,
                    wave,
                    deployed=stack,
                    dataset=stack.dataset,
                    reason=f"CloudFormation is at work on it: {stack.status}" if busy else "",
                    next_step="run `exports destroy` again when it has finished" if busy else "",
                )


def destroy(estate: Estate, aws: Aws, planned: Destruction, *, progress: Progress = ignore) -> DestroyResult:
    """Carry a destruction out; raises `InterruptedWorkError` on Ctrl-C."""
    began = time.monotonic()
    work = work_on(aws, estate.platform)
    outcomes: list[StackOutcome] = []
    buckets: list[BucketOutcome] = []
    try:
        for event in _work_through(planned, work, outcomes):
            progress(event)
            if isinstance(event, StackFinished):
                outcomes.append(_with_what_stays(event.outcome))
        for name in _bucket_names(planned, outcomes):
            progress(ProgressNote(f"looking whether {name} is empty"))
            removed = remove_if_empty(aws, estate.platform, name)
            buckets += [removed] if removed else []
        undelivered = tuple(_read_undelivered(estate, aws, planned.steps))
    except KeyboardInterrupt:
        raise interrupted(work, command="destroy") from None
    except AWS_EXCEPTIONS as error:
        raise aws_error_of(error) from error
    finally:
        work.stop.set()  # nothing begins after this, whatever ended it
    return DestroyResult(tuple(outcomes), tuple(buckets), undelivered, time.monotonic() - began)


def _with_what_stays(outcome: StackOutcome) -> StackOutcome:
    if outcome.name != IDENTITY_PROVIDERS_STACK or not outcome.is_done:
        return outcome
    return replace(outcome, note="its identity providers are kept: others may have come to rely on them")


def _work_through(planned: Destruction, work: Work, done: Sequence[StackOutcome]) -> Iterator[DeployEvent]:
    """The events of the destruction; `done` grows with each `StackFinished` before the next event is asked for."""

    def steps_of(wave: Wave) -> list[StackStep]:
        return [step for step in planned.steps if step.wave is wave]

    def all_done() -> bool:
        return all(outcome.is_done for outcome in done)

    yield from run_steps(work, steps_of(Wave.HUB))
    refusal = _stop_notifications(work) if all_done() else "the hub's stack is still there"
    if refusal:
        yield from leave_out([*steps_of(Wave.DATASETS), *steps_of(Wave.FOUNDATION)], refusal)
        return
    yield from run_steps(work, steps_of(Wave.DATASETS))
    if all_done():
        yield from run_steps(work, steps_of(Wave.FOUNDATION))
    else:
        yield from leave_out(steps_of(Wave.FOUNDATION), "datasets' stacks that are still there need it")


def _stop_notifications(work: Work) -> str:
    """Take the rules off the hub; AWS's reason if it refuses, else an empty text."""
    try:
        stop_notifications(work.aws, work.platform)
    except AWS_EXCEPTIONS as error:
        return f"the hub's rules could not be removed: {reason_of(error)}"
    return ""


def _wave_of(stack: DeployedStack) -> Wave | None:
    if stack.name.startswith(DATASET_STACK_PREFIXES) or stack.name == EVIDENCE_STACK:
        return Wave.DATASETS
    if stack.name in (FOUNDATION_STACK, ACCESS_LOGS_STACK, IDENTITY_PROVIDERS_STACK, SFTP_STACK):
        return Wave.FOUNDATION
    return Wave.HUB if stack.name == HUB_STACK else None


def _pull_buckets(estate: Estate, steps: Iterable[StackStep]) -> list[BucketName]:
    """The buckets of the pull stacks there are, also of datasets that are no longer declared."""
    prefix = estate.platform.pull_bucket_prefix
    pulls = [step for step in steps if step.name.startswith("exports-pull-") and step.dataset]
    return [
        (step.deployed and step.deployed.bucket) or pull_bucket_of(prefix, step.dataset)
        for step in pulls
        if step.dataset
    ]


def _bucket_names(planned: Destruction, done: Sequence[StackOutcome]) -> list[BucketName]:
    """The buckets whose stacks are gone; another bucket's turn comes when its stack goes."""
    left = {outcome.name for outcome in done if not outcome.is_done}
    if left & {EVIDENCE_STACK, HUB_STACK, FOUNDATION_STACK, ACCESS_LOGS_STACK}:
        return []
    return [bucket.name for bucket in planned.buckets]


def _read_undelivered(estate: Estate, aws: Aws, steps: Iterable[StackStep]) -> Iterator[Undelivered]:
    """Uploads still in the hub, of datasets that do not keep them there anyway. Raises botocore's exceptions."""
    kept = {push.name for push in estate.push_datasets if push.keep_files}
    deployed = {step.dataset for step in steps if step.name.startswith(PUSH_STACK_PREFIX) and step.dataset}
    for dataset in sorted({*deployed, *(push.name for push in estate.push_datasets)} - kept):
        count = count_current(aws, estate.platform.hub_bucket, hub_prefix_of(dataset))
        if count:
            yield Undelivered(dataset, count)
