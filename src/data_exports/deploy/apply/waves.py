"""Deploy an estate: look at AWS, plan, and carry that very plan out, wave by wave.

In: an `Estate` and an `Aws`. Out: a `DeployResult`; what fails is in it, with AWS's reason, and stops only what needs
it. Effects: stacks, the mover's zip and large templates in the log bucket; everything else is read.
Interrupted, it raises `InterruptedWorkError`; running it again waits for what CloudFormation is still doing, and
completes the rest.
"""

import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from data_exports.aws import AWS_EXCEPTIONS, Aws, aws_error_of, aws_errors, reason_of
from data_exports.deploy.adoption.importing import is_adopting
from data_exports.deploy.apply.audiences import with_audiences
from data_exports.deploy.apply.backlog import read_datasets_with_rules, send_backlogs
from data_exports.deploy.apply.cards import with_card
from data_exports.deploy.apply.change_sets import (
    StackFailedError,
    StoppedError,
    Work,
    create_stack,
    delete_stack,
    finish_adoption,
    update_stack,
    wait_for_others,
    work_on,
)
from data_exports.deploy.apply.keeper_settings import with_keeper_settings
from data_exports.deploy.apply.outcomes import (
    DeployEvent,
    DeployResult,
    InterruptedWorkError,
    PlanMade,
    Progress,
    ProgressNote,
    StackFinished,
    StackOutcome,
    StackResult,
    StackStarted,
    ignore,
)
from data_exports.deploy.apply.role_ids import write_role_ids
from data_exports.deploy.deployed import PULL_STACK_PREFIX, PUSH_STACK_PREFIX
from data_exports.deploy.plan.consents import Consent, check_consents, check_possible
from data_exports.deploy.plan.planning import (
    Action,
    ExistingKind,
    Plan,
    StackStep,
    kept_rules,
    pushes_with_queue,
    step_of_hub,
)
from data_exports.deploy.prepare import Prepared, prepare
from data_exports.deploy.remote import check_account, count_current, read_deployed, upload_once
from data_exports.errors import ExportsError, RefusedError
from data_exports.estate.commits import checkout_of
from data_exports.estate.models import Estate, PushDataset
from data_exports.names import (
    ACCESS_LOGS_STACK,
    EVIDENCE_STACK,
    FOUNDATION_STACK,
    HUB_STACK,
    SFTP_STACK,
    hub_prefix_of,
    pull_bucket_of,
)
from data_exports.parallel import map_ordered, run_all
from data_exports.stacks.access_logs import without_logging
from data_exports.stacks.code import FunctionCode, notary_code
from data_exports.stacks.hub import hub_stack
from data_exports.stacks.sftp import without_sftp
from data_exports.stacks.stack import Wave
from data_exports.text import counted

INTERRUPT_GRACE_SECONDS = 2.0
NEEDS_FOUNDATION = "the foundation, which everything needs, is not there"


def deploy(
    estate: Estate,
    aws: Aws,
    *,
    allow: Collection[Consent] = (),
    approve: Callable[[Plan], None] | None = None,
    command: str = "exports deploy",
    progress: Progress = ignore,
) -> DeployResult:
    """Make AWS what the estate declares.

    Raises `RefusedError` when the credentials are of another account, the declarations ask for what no deployment can
    do, or the plan needs a consent that `allow` does not hold (it advises to repeat `command`); nothing is done then,
    nor when `approve` raises, which sees the plan before the first change. `AwsError` when AWS cannot be asked at all,
    and `InterruptedWorkError` on Ctrl-C. A stack that fails is no exception: see `outcomes.error_of_deploying`.
    """
    work = work_on(aws, estate.platform, checkout_of(estate.platform.place.path.parent))
    prepared = prepare_settled(estate, work, progress=progress)
    if approve:
        approve(prepared.plan)
    check_possible(prepared.plan)
    check_consents(prepared.plan, allow, command=command)
    return carry_out(prepared, work, progress=progress)


def prepare_settled(estate: Estate, work: Work, *, progress: Progress = ignore) -> Prepared:
    """The plan once CloudFormation has finished what it was at. Raises as `deploy`."""
    check_account(work.aws, estate.platform)
    settle(work, progress=progress)
    prepared = prepare(estate, work.aws)
    progress(PlanMade(prepared.plan))
    return prepared


def settle(work: Work, *, progress: Progress = ignore) -> None:
    """Wait for what CloudFormation is still doing to our stacks, as after an interrupted run. Raises `AwsError`."""
    for stack in read_deployed(work.aws).stacks:
        if stack.is_in_progress and stack.belongs_to(work.platform.hub_bucket):
            progress(ProgressNote(f"waiting for CloudFormation: {stack.name} is {stack.status}"))
            try:
                with aws_errors():
                    wait_for_others(work, stack)
            except StackFailedError as error:  # it takes too long: the plan will say so
                progress(ProgressNote(f"{stack.name}: {error}"))


def carry_out(prepared: Prepared, work: Work, *, progress: Progress = ignore) -> DeployResult:
    """Carry a plan out, whatever consents it needs; raises `InterruptedWorkError` on Ctrl-C."""
    began = time.monotonic()
    outcomes: list[StackOutcome] = []
    try:
        for event in _work_through(prepared, work, outcomes):
            progress(event)
            if isinstance(event, StackFinished):
                outcomes.append(event.outcome)
    except KeyboardInterrupt:
        raise interrupted(work, command="deploy") from None
    finally:
        work.stop.set()  # nothing begins after this, whatever ended it
    order = {step.name: number for number, step in enumerate(prepared.plan.steps)}
    outcomes.sort(key=lambda outcome: order[outcome.name])
    return DeployResult(prepared.plan, tuple(outcomes), time.monotonic() - began)


def interrupted(work: Work, *, command: str) -> InterruptedWorkError:
    """Tell every thread to stop, and the error that says what goes on without us."""
    work.stop.set()
    time.sleep(min(INTERRUPT_GRACE_SECONDS, 5 * work.poll_seconds))
    names = sorted(work.in_progress)
    what = f"interrupted; CloudFormation goes on with: {', '.join(names)}" if names else "interrupted between stacks"
    again = f"run `exports {command}` again: it {'waits for these and ' if names else ''}completes the rest"
    return InterruptedWorkError(what, next_step=again)


# --- the waves ------------------------------------------------------------------------------------------------------


def _work_through(prepared: Prepared, work: Work, done: Sequence[StackOutcome]) -> Iterator[DeployEvent]:
    """The events of the whole plan; `done` grows with each `StackFinished` before the next event is asked for."""
    plan = prepared.plan
    for event in run_steps(work, plan.of_wave(Wave.FOUNDATION)):
        if isinstance(event, StackFinished) and event.outcome.name == FOUNDATION_STACK:
            yield StackFinished(with_keeper_settings(work, prepared.estate, event.outcome))
        else:
            yield event
    if not _outcome_of(done, FOUNDATION_STACK).is_standing:
        rest = [step for step in plan.steps if step.wave is not Wave.FOUNDATION]
        yield from leave_out(rest, NEEDS_FOUNDATION)
        return
    datasets = plan.of_wave(Wave.DATASETS)
    for code, prefix in ((prepared.code, PUSH_STACK_PREFIX), (notary_code(), EVIDENCE_STACK)):
        running = [step for step in datasets if step.name.startswith(prefix) and step.is_change]
        refusal = (yield from _upload_code(code, work)) if running else ""
        if refusal:
            yield from leave_out(running, f"the {code.function}'s code could not be uploaded: {refusal}")
            datasets = tuple(step for step in datasets if step not in running)
    if not _outcome_of(done, ACCESS_LOGS_STACK).is_standing:
        datasets = tuple(map(_not_logged, datasets))
    if any(outcome.name == SFTP_STACK and not outcome.is_standing for outcome in done):
        datasets = tuple(map(_not_by_sftp, datasets))
    yield from _record_roles(prepared, work)
    yield from run_steps(work, datasets)
    yield from _run_hub(prepared, work, done)
    yield from _remove(plan, work, done)


def _not_logged(step: StackStep) -> StackStep:
    """A pull dataset's step without its logging: what it grants and takes away must not wait for the logs' bucket."""
    if not step.name.startswith(PULL_STACK_PREFIX) or step.stack is None:
        return step
    return replace(step, stack=without_logging(step.stack))


def _not_by_sftp(step: StackStep) -> StackStep:
    """A pull dataset's step without its users of the server, which is not there."""
    return replace(step, stack=without_sftp(step.stack)) if step.stack else step


def _record_roles(prepared: Prepared, work: Work) -> Iterator[DeployEvent]:
    """Before anybody can upload, it is recorded whose role is whose; without, deploying goes on."""
    try:
        write_role_ids(work.aws, work.platform, prepared.role_ids)
    except (RefusedError, *AWS_EXCEPTIONS) as error:
        yield ProgressNote(
            f"the ids of users' roles could not be recorded, by which uploads are told: {reason_of(error)}"
        )


def run_steps(work: Work, steps: Iterable[StackStep]) -> Iterator[DeployEvent]:
    """Take the steps, several at once; an unchanged or blocked one at once."""
    acting, unchanged = [], []
    for step in steps:
        if step.action is Action.UNCHANGED:
            unchanged.append(StackOutcome(step, StackResult.UNCHANGED))
        elif step.action is Action.BLOCKED:
            yield StackFinished(StackOutcome(step, StackResult.LEFT_OUT, step.reason, step.next_step))
        else:
            acting.append(step)
    yield from map(StackFinished, map_ordered(partial(_with_what_follows, work), unchanged))

    def take(step: StackStep) -> DeployEvent:
        return StackFinished(take_step(work, step))

    yield from run_all(acting, take, begins=StackStarted)


def take_step(work: Work, step: StackStep) -> StackOutcome:
    """Take one step; whatever AWS says against it is in the outcome."""
    try:
        return _with_what_follows(work, _take(work, step))
    except StackFailedError as error:
        return StackOutcome(step, StackResult.FAILED, str(error), error.next_step)
    except StoppedError:
        return StackOutcome(step, StackResult.LEFT_OUT, "interrupted")
    except (*AWS_EXCEPTIONS, ExportsError) as error:
        next_step = "" if isinstance(error, ExportsError) else aws_error_of(error).next_step
        return StackOutcome(step, StackResult.FAILED, reason_of(error), next_step)


def _with_what_follows(work: Work, outcome: StackOutcome) -> StackOutcome:
    return with_audiences(work, with_card(work, outcome))


def _take(work: Work, step: StackStep) -> StackOutcome:
    match step.action:
        case Action.CREATE | Action.REPLACE if step.stack:
            if step.action is Action.REPLACE and step.deployed:
                delete_stack(work, step.deployed)
            create_stack(work, step.stack, step.existing)
            adopted = ", ".join(each.in_words for each in step.existing)
            return StackOutcome(step, StackResult.CREATED, note=f"adopted {adopted}" if adopted else "")
        case Action.UPDATE if step.stack and step.deployed and is_adopting(work.aws, step.deployed):
            finish_adoption(work, step.stack)
            return StackOutcome(step, StackResult.UPDATED, note="finished adopting what existed")
        case Action.UPDATE if step.stack:
            return StackOutcome(step, StackResult.UPDATED if update_stack(work, step.stack) else StackResult.UNCHANGED)
        case Action.DELETE if step.deployed:
            delete_stack(work, step.deployed)
            return StackOutcome(step, StackResult.DELETED)
        case _:
            raise AssertionError(step)


def leave_out(steps: Iterable[StackStep], reason: str) -> Iterator[DeployEvent]:
    """Take none of the steps, and say why."""
    for step in steps:
        yield StackFinished(StackOutcome(step, StackResult.LEFT_OUT, reason))


def _upload_code(code: FunctionCode, work: Work) -> Generator[DeployEvent, None, str]:
    """Store a function's zip; AWS's reason if it refuses, else an empty text."""
    platform = work.platform
    try:
        if upload_once(work.aws, platform.log_bucket, code.key, code.body, account=platform.account):
            yield ProgressNote(f"uploaded the {code.function}'s code to s3://{platform.log_bucket}/{code.key}")
    except AWS_EXCEPTIONS as error:
        return reason_of(error)
    return ""


def _run_hub(prepared: Prepared, work: Work, done: Sequence[StackOutcome]) -> Iterator[DeployEvent]:
    """Make the hub with the rules of the datasets whose queues exist now, and hand over what was uploaded before."""
    step, ready = _hub_step(prepared, done)
    left_out = [push.name for push in prepared.estate.push_datasets if push not in ready]
    note = f"without a rule for {', '.join(left_out)}: no queue yet" if left_out else ""
    is_settled = step.action is Action.UNCHANGED
    ruled = {push.name for push in ready} if is_settled else read_datasets_with_rules(work.aws, work.platform, ready)
    new_queues = {outcome.step.dataset for outcome in done if outcome.result is StackResult.CREATED}
    try:
        yield from _wait_for_versioning(step, work)
    except AWS_EXCEPTIONS as error:
        refused = aws_error_of(error)
        yield StackFinished(StackOutcome(step, StackResult.FAILED, reason_of(error), refused.next_step))
        return
    for event in run_steps(work, [step]):
        if not isinstance(event, StackFinished):
            yield event
            continue
        outcome = replace(event.outcome, note="; ".join(filter(None, [event.outcome.note, note])))
        if outcome.is_done:
            unheard = [push for push in ready if push.name not in ruled or push.name in new_queues]
            outcome = yield from send_backlogs(work.aws, work.platform, unheard, outcome)
        yield StackFinished(outcome)


def _wait_for_versioning(step: StackStep, work: Work) -> Iterator[DeployEvent]:
    """Of a hub that is adopted, turn on versioning, and wait: before that holds everywhere, a delete is for good.

    Raises botocore's exceptions.
    """
    adopts = any(each.kind is ExistingKind.BUCKET and each.needs_consent for each in step.existing)
    resumes = step.action is Action.UPDATE and step.deployed is not None and is_adopting(work.aws, step.deployed)
    if not adopts and not resumes:
        return
    platform = work.platform
    work.aws.client("s3").put_bucket_versioning(
        Bucket=str(platform.hub_bucket),
        ExpectedBucketOwner=str(platform.account),
        VersioningConfiguration={"Status": "Enabled"},
    )
    yield ProgressNote(
        f"turned on the versioning of s3://{platform.hub_bucket}. That may take 15 minutes to reach every part of S3: "
        "waiting so long before the hub's rules change and uploads are handed over"
    )
    work.stop.wait(work.versioning_seconds)


def _hub_step(prepared: Prepared, done: Sequence[StackOutcome]) -> tuple[StackStep, tuple[PushDataset, ...]]:
    """The hub's step, planned anew if a dataset's stack could not be created, and the datasets it has rules for."""
    estate, plan = prepared.estate, prepared.plan
    planned = next(step for step in plan.steps if step.name == HUB_STACK)
    created = {outcome.name: outcome.result is StackResult.CREATED for outcome in done}
    ready = pushes_with_queue(estate, plan.of_wave(Wave.DATASETS), created)
    kept = kept_rules(plan.steps, ready, hub=estate.platform.hub_bucket)
    hub = hub_stack(estate.platform, ready, kept=kept, require_tls=not plan.is_local)
    step = planned if planned.stack == hub else step_of_hub(plan, hub)
    return step, ready


def _remove(plan: Plan, work: Work, done: Sequence[StackOutcome]) -> Iterator[DeployEvent]:
    """Delete the stacks of removed datasets, a push dataset's only once the hub has lost its rule; then the server's.

    Nobody may use the server any more by then: CloudFormation keeps what another stack refers to.
    """
    steps = tuple(step for step in plan.deletions if step.name != SFTP_STACK)
    if not _outcome_of(done, HUB_STACK).is_done:
        kept = [step for step in steps if step.name.startswith(PUSH_STACK_PREFIX)]
        yield from leave_out(kept, "the hub still has its rule, because the hub's stack could not be updated")
        steps = tuple(step for step in steps if not step.name.startswith(PUSH_STACK_PREFIX))
    yield from _remove_datasets(work, steps)
    server = [step for step in plan.deletions if step.name == SFTP_STACK]
    if all(outcome.is_done for outcome in done if outcome.name.startswith(PULL_STACK_PREFIX)):
        yield from run_steps(work, server)
    else:
        yield from leave_out(server, "stacks of pull datasets, which may still use it, could not be changed")


def _remove_datasets(work: Work, steps: Iterable[StackStep]) -> Iterator[DeployEvent]:
    for event in run_steps(work, steps):
        if isinstance(event, StackFinished) and event.outcome.is_done:
            yield StackFinished(replace(event.outcome, note=_left_behind(work, event.outcome.step)))
        else:
            yield event


def _left_behind(work: Work, step: StackStep) -> str:
    """What a removed dataset leaves: a kept bucket, or uploads in the hub that nothing delivers any more."""
    if step.dataset is None:
        return ""
    if not step.name.startswith(PUSH_STACK_PREFIX):
        usual = pull_bucket_of(work.platform.pull_bucket_prefix, step.dataset)
        return f"its bucket {(step.deployed and step.deployed.bucket) or usual} is kept"
    hub, prefix = work.platform.hub_bucket, hub_prefix_of(step.dataset)
    try:
        count = count_current(work.aws, hub, prefix)
    except AWS_EXCEPTIONS as error:
        return f"what is left under s3://{hub}/{prefix} could not be counted: {reason_of(error)}"
    return f"still in s3://{hub}/{prefix}, and nothing delivers it: {counted(count, 'upload')}" if count else ""


def _outcome_of(done: Sequence[StackOutcome], name: str) -> StackOutcome:
    return next(outcome for outcome in done if outcome.name == name)
