"""What nobody should repair without having said so.

In: a `RepairPlan`, and the consents given. Out: `RefusedError` when one is missing. Effects: none. Imports little: the
command line reads the words from here.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING

from data_exports.errors import RefusedError

if TYPE_CHECKING:
    from data_exports.deploy.repair.planning import RepairPlan


class RepairConsent(StrEnum):
    """The words of ``exports repair --allow``."""

    ACCESS = "access"
    """Somebody is given back access that was taken away in AWS."""


def check_consent(plan: "RepairPlan", allow: Collection[RepairConsent]) -> None:
    """Raise `RefusedError` if the plan gives access back, and `allow` does not say that this is meant."""
    if plan.returning and RepairConsent.ACCESS not in allow:
        lines = [f"  {step.where}: {what}" for step in plan.returning for what in step.whats]
        raise RefusedError(
            "\n".join(["nothing was repaired: it gives back access that somebody took away in AWS:", *lines]),
            next_step="if this is meant: `exports repair --allow access`; "
            "if it was taken away for a reason, take it out of the declaration, too, and deploy",
        )
