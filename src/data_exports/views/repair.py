"""What a repair would put back, and what it did, for people and for programs.

In: a `RepairPlan`, a `RepairResult`. Out: text, and values for JSON. Effects: none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_exports.deploy.drift.finding import DriftReport
from data_exports.deploy.repair.planning import NotOurs, RepairPlan, RepairStep, plan_repair
from data_exports.deploy.repair.repairing import FailedStep, RepairResult
from data_exports.text import counted, printable
from data_exports.views.drift import NotCheckedData, not_checked_as_data


def render_repair_plan(plan: RepairPlan, report: DriftReport) -> str:
    """What would be put back and how, what gives access back, and what somebody else has to do."""
    if not plan.steps and not plan.not_ours:
        looked = "" if not report.not_checked else ", as far as could be looked at"
        return f"Nothing differs from what was deployed{looked}: {counted(report.stacks, 'stack')}"
    return "\n".join(_lines_of_plan(plan))


def _lines_of_plan(plan: RepairPlan) -> Iterator[str]:
    if plan.steps:
        yield "To be put back as it was deployed:"
    for step in plan.steps:
        for what in step.whats:
            gives = "  (gives access back)" if step.returns_access else ""
            yield printable(f"  {step.where}: {what}{gives}")
        yield f"      by {how_of(step)}"
    if plan.not_ours:
        yield "Not ours to put back:"
    for each in plan.not_ours:
        yield printable(f"  {each.where}: {each.what}")
        yield printable(f"      → {each.next_step}")


def how_of(step: RepairStep) -> str:
    """What puts it back, in a word or two: a call by the name that IAM knows it by, or CloudFormation."""
    if step.call is None:
        return "CloudFormation"
    return f"{step.call.service}:{''.join(part.capitalize() for part in step.call.operation.split('_'))}"


def render_repair_step(step: RepairStep, reason: str) -> str:
    """One step that was taken."""
    return f"{step.where}: {'could not be put back' if reason else 'put back'} by {how_of(step)}" + (
        f": {reason}" if reason else ""
    )


def render_repaired(result: RepairResult) -> str:
    """What was done, and what is left."""
    done = sum(len(step.whats) for step in result.repaired)
    lines = [f"{counted(done, 'difference')} put back" if done else "Nothing was put back"]
    for each in result.failed:
        lines.append(f"  {render_repair_step(each.step, each.reason)}")
    left = result.left.drifts
    lines.append(f"{counted(len(left), 'difference')} left" if left else "Now as deployed")
    by_hand = {(each.where, each.what): each.next_step for each in plan_repair(result.left).not_ours}
    for drift in left:
        step = by_hand.get((drift.where, drift.what), "")
        lines.append(f"  {drift.where}: {drift.what}" + (f" → {step}" if step else ""))
    return "\n".join(map(printable, lines))


@dataclass(frozen=True, slots=True)
class RepairData:
    """What was put back, and what still differs."""

    repaired: Sequence[RepairStep]
    failed: Sequence[FailedStep]
    left: Sequence[NotOurs]
    not_checked: Sequence[NotCheckedData]
    seconds: float


def repair_as_data(result: RepairResult, *, seconds: float) -> RepairData:
    """The same for programs."""
    hands = {(each.where, each.what): each.next_step for each in plan_repair(result.left).not_ours}
    left = [
        NotOurs(each.where, each.what, hands.get((each.where, each.what), "exports repair"))
        for each in result.left.drifts
    ]
    return RepairData(result.repaired, result.failed, left, not_checked_as_data(result.left), round(seconds, 3))
