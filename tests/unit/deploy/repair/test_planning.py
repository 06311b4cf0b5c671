"""A repair's plan: one step for what one repair puts back, in order, and which steps may give access back."""

import pytest

from data_exports.deploy.drift.difference import ByHand, Redeploy, Repair, Revert, call
from data_exports.deploy.drift.finding import Drift, DriftReport
from data_exports.deploy.repair.planning import NotOurs, RepairStep, plan_repair

STACK = "exports-push-hearings"
VERSIONING = call("s3", "put_bucket_versioning", Bucket="hub")


def report_of(*drifts: Drift, not_checked: tuple[Drift, ...] = ()) -> DriftReport:
    return DriftReport(drifts, not_checked, stacks=1, seconds=0.0)


def test_what_one_repair_puts_back_is_one_step_and_templates_come_first() -> None:
    drifts = (
        Drift(STACK, "its versioning", VERSIONING),
        Drift(STACK, "a rule is gone", Revert()),
        Drift("exports-hub", "another template", Redeploy()),
        Drift(STACK, "a log is gone", Revert()),
    )
    assert plan_repair(report_of(*drifts)).steps == (
        RepairStep("exports-hub", Redeploy(), ("another template",), returns_access=True),
        RepairStep(STACK, Revert(), ("a rule is gone", "a log is gone"), returns_access=False),
        RepairStep(STACK, VERSIONING, ("its versioning",), returns_access=False),
    )


@pytest.mark.parametrize(
    ("repair", "unseen", "may_return"),
    [
        (Redeploy(), "", True),  # the other template may have taken access away
        (Revert(), "", False),
        (Revert(), STACK, True),  # it puts back what could not be looked at, too
        (Revert(), "exports-hub", False),
        (VERSIONING, STACK, False),
    ],
)
def test_what_nobody_has_seen_may_give_access_back(repair: Repair, unseen: str, may_return: bool) -> None:
    not_checked = (Drift(unseen, "its policy: access denied"),) if unseen else ()
    plan = plan_repair(report_of(Drift(STACK, "something", repair), not_checked=not_checked))
    assert bool(plan.returning) is may_return


def test_what_is_told_to_give_access_back_marks_its_step() -> None:
    drifts = (Drift(STACK, "a", VERSIONING), Drift(STACK, "b", VERSIONING, returns_access=True))
    (step,) = plan_repair(report_of(*drifts)).returning
    assert step.whats == ("a", "b")


def test_what_is_somebody_elses_is_told_with_its_command() -> None:
    plan = plan_repair(report_of(Drift("users' roles", "a right of nobody", ByHand("ask them"))))
    assert (plan.steps, plan.not_ours) == ((), (NotOurs("users' roles", "a right of nobody", "ask them"),))
