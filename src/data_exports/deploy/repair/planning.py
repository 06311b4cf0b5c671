"""What is to be put back, in which order, and what is not ours to put back.

In: a `DriftReport`. Out: a `RepairPlan`. Effects: none.

What we compare by meaning is set again by the service's own call, which holds the whole of it: CloudFormation does not
look at the policies that it puts on users' roles, at what a template leaves out (other policies of a role, a reserved
concurrency), or at the code of a function. What CloudFormation finds, CloudFormation puts back, by a drift-aware change
set; what is gone it makes again.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

from data_exports.deploy.drift.difference import ByHand, Redeploy, Revert, ServiceCall
from data_exports.deploy.drift.finding import Drift, DriftReport
from data_exports.json_values import json_as

_ORDER = (Redeploy, Revert, ServiceCall)
"""A stack's template comes before what it makes, and that before its settings."""


@json_as("stack=where differences=whats returns_access call")
@dataclass(frozen=True, slots=True)
class RepairStep:
    """One thing to do, and the differences that it puts back."""

    where: str
    """The stack."""
    repair: ServiceCall | Revert | Redeploy
    whats: tuple[str, ...]
    returns_access: bool

    @property
    def call(self) -> ServiceCall | None:
        """The call, where it is one; otherwise CloudFormation does it."""
        return self.repair if isinstance(self.repair, ServiceCall) else None


@json_as("stack=where difference=what next_step")
@dataclass(frozen=True, slots=True)
class NotOurs:
    """A difference that somebody else has to put back."""

    where: str
    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """All that would be done."""

    steps: tuple[RepairStep, ...]
    not_ours: tuple[NotOurs, ...]

    @property
    def returning(self) -> tuple[RepairStep, ...]:
        """The steps that give access back."""
        return tuple(step for step in self.steps if step.returns_access)


def plan_repair(report: DriftReport) -> RepairPlan:
    """What puts back all that was found."""
    steps, unseen = [], {each.where for each in report.not_checked}
    repairable = [each for each in report.drifts if isinstance(each.repair, _ORDER)]
    for (_, where, repair), drifts in groupby(sorted(repairable, key=_place_of), key=_place_of):
        found = list(drifts)
        returns = any(each.returns_access for each in found) or _may_return(repair, where, unseen)
        steps.append(RepairStep(where, repair, tuple(each.what for each in found), returns))
    by_hand = ((each, each.repair) for each in report.drifts)
    return RepairPlan(
        tuple(steps),
        tuple(NotOurs(each.where, each.what, hand.next_step) for each, hand in by_hand if isinstance(hand, ByHand)),
    )


def _may_return(repair: ServiceCall | Revert | Redeploy, where: str, unseen: Collection[str]) -> bool:
    """Whether CloudFormation may give access back that nobody has seen: it puts back more than what is told.

    A template that somebody else changed may have taken access away, and so may what could not be looked at.
    """
    return isinstance(repair, Redeploy) or (isinstance(repair, Revert) and where in unseen)


def _place_of(drift: Drift) -> tuple[int, str, ServiceCall | Revert | Redeploy]:
    """Where a difference stands in the order of work; of those with the same repair, one step is made."""
    assert isinstance(drift.repair, _ORDER)
    return _ORDER.index(type(drift.repair)), drift.where, drift.repair
