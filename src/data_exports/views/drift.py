"""What differs in AWS from what was deployed, for people and for programs.

In: a `DriftReport`. Out: text and plain data. Effects: none.
"""

from itertools import groupby
from typing import TypedDict

from data_exports.deploy.drift.finding import DriftReport
from data_exports.text import counted, printable


def render_drift(report: DriftReport) -> str:
    """The differences below what has them."""
    stacks = f"{counted(report.stacks, 'stack')} ({report.seconds:.1f} s)"
    if not report.drifts:
        return f"{'As' if not report.not_checked else 'As far as could be looked at, as'} deployed: {stacks}"
    lines = []
    for where, drifts in groupby(report.drifts, key=lambda each: each.where):
        lines += [where, *(f"  {printable(each.what)}" for each in drifts)]
    return "\n".join([*lines, f"{counted(len(report.drifts), 'difference')}, {stacks}"])


class DifferenceData(TypedDict):
    """One difference."""

    stack: str
    what: str


class NotCheckedData(TypedDict):
    """What could not be looked at, and why."""

    stack: str
    reason: str


class DriftData(TypedDict):
    """What differs in AWS from what was deployed."""

    drift: list[DifferenceData]
    not_checked: list[NotCheckedData]
    stack_count: int
    seconds: float


def drift_as_data(report: DriftReport) -> DriftData:
    """The same for programs."""
    return {
        "drift": [{"stack": each.where, "what": each.what} for each in report.drifts],
        "not_checked": [{"stack": each.where, "reason": each.what} for each in report.not_checked],
        "stack_count": report.stacks,
        "seconds": round(report.seconds, 3),
    }
