"""What differs in AWS from what was deployed, for people and for programs.

In: a `DriftReport`. Out: text, and values for JSON. Effects: none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from data_exports.deploy.drift.finding import Drift, DriftReport
from data_exports.text import counted, printable


def render_drift(report: DriftReport) -> str:
    """The differences below what has them."""
    stacks = f"{counted(report.stacks, 'stack')} ({report.seconds:.1f} s)"
    if not report.drifts:
        return f"{'As' if not report.not_checked else 'As far as could be looked at, as'} deployed: {stacks}"
    lines = []
    for where, drifts in groupby(report.drifts, key=lambda each: each.where):
        lines += [where, *(f"  {printable(each.what)}" for each in drifts)]
    lines.append(f"{counted(len(report.drifts), 'difference')}, {stacks}: `exports repair` puts back what can be")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class NotCheckedData:
    """What could not be looked at, and why."""

    stack: str
    reason: str


@dataclass(frozen=True, slots=True)
class DriftData:
    """What differs in AWS from what was deployed."""

    drift: Sequence[Drift]
    not_checked: Sequence[NotCheckedData]
    stack_count: int
    seconds: float


def drift_as_data(report: DriftReport) -> DriftData:
    """The same for programs."""
    return DriftData(report.drifts, not_checked_as_data(report), report.stacks, round(report.seconds, 3))


def not_checked_as_data(report: DriftReport) -> list[NotCheckedData]:
    """What could not be looked at, for programs."""
    return [NotCheckedData(each.where, each.what) for each in report.not_checked]
