"""Repair an estate: look, plan, put back, and look again.

In: an `Estate` and an `Aws`. Out: a `RepairResult`. Effects: the calls of the plan's steps, change sets of the stacks;
nothing is deleted but what somebody else has put on our own roles and buckets. Interrupted between two steps it leaves
what is put back, and running it again goes on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from data_exports.aws import AWS_EXCEPTIONS, Aws, reason_of
from data_exports.deploy.apply.change_sets import StackFailedError, Work, revert_stack, update_stack, work_on
from data_exports.deploy.apply.waves import interrupted
from data_exports.deploy.drift.difference import Redeploy, ServiceCall
from data_exports.deploy.drift.finding import DriftReport, read_drift
from data_exports.deploy.prepare import prepare
from data_exports.deploy.repair.planning import RepairPlan, RepairStep, plan_repair
from data_exports.estate.models import Estate
from data_exports.json_values import json_as
from data_exports.stacks.stack import Stack

ROUNDS = 3
"""What CloudFormation makes again may lack settings that only the next look can see: a bucket's policy, for one."""


@json_as("stack=step.where differences=step.whats call=step.call reason")
@dataclass(frozen=True, slots=True)
class FailedStep:
    """One step that AWS did not take, and its reason."""

    step: RepairStep
    reason: str


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What was done, and what still differs."""

    repaired: tuple[RepairStep, ...]
    failed: tuple[FailedStep, ...]
    left: DriftReport
    """What was found afterwards."""


Told = Callable[[RepairStep, str], None]
"""Hears of each step, and why it failed (``""`` if it did not)."""


def repair(
    estate: Estate,
    aws: Aws,
    plan: RepairPlan,
    *,
    may_return_access: bool,
    counted: Callable[[int, int], None],
    told: Told,
) -> RepairResult:
    """Take the plan's steps, and what they make necessary, until nothing more can be put back.

    Access that was taken away since the plan was made comes back only where `may_return_access`; otherwise it is left.

    Raises as `read_drift`, and `InterruptedWorkError` on Ctrl-C. A step that fails is in the result, and stops no
    other.
    """
    work, repaired, failed = work_on(aws, estate.platform), list[RepairStep](), dict[RepairStep, str]()
    for _ in range(ROUNDS):
        for step in plan.steps:
            try:
                reason = _take(estate, work, step)
            except KeyboardInterrupt:
                raise interrupted(work, command="repair") from None
            told(step, reason)
            if reason:
                failed[step] = reason
            else:
                repaired.append(step)
        left = read_drift(estate, aws, counted=counted)
        plan = plan_repair(left)
        new = (step for step in plan.steps if step not in repaired and step not in failed)
        plan = replace(plan, steps=tuple(step for step in new if may_return_access or not step.returns_access))
        if not plan.steps:
            break
    return RepairResult(tuple(repaired), tuple(FailedStep(*each) for each in failed.items()), left)


def _take(estate: Estate, work: Work, step: RepairStep) -> str:
    """Take one step; AWS's reason if it did not, else ``""``."""
    try:
        match step.repair:
            case ServiceCall(service, operation):
                getattr(work.aws.client(service), operation)(**step.repair.taken)
            case Redeploy():
                declared = _declared_stacks(estate, work.aws).get(step.where)
                if declared is None:
                    return "what is declared is not what was deployed: `exports deploy` puts that in place"
                update_stack(work, declared)
            case _:
                revert_stack(work, step.where)
    except (StackFailedError, *AWS_EXCEPTIONS) as error:
        return str(error) if isinstance(error, StackFailedError) else reason_of(error)
    return ""


def _declared_stacks(estate: Estate, aws: Aws) -> Mapping[str, Stack]:
    """The stacks as declared, by name, of those that were deployed so: their very templates."""
    steps = prepare(estate, aws).plan.steps
    return {
        step.name: step.stack
        for step in steps
        if step.stack and step.deployed and step.stack.digest == step.deployed.digest
    }
