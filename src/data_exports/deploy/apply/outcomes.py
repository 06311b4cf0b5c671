"""What became of a plan, as data: one `StackOutcome` for each stack, and the events on the way.

In: steps and what happened to them. Out: values for `views.deployment`, and the error that a result amounts to.
Effects: none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from data_exports.deploy.plan.planning import MissingRoles, Plan, StackStep
from data_exports.errors import AwsError, ExportsError, PartlyDoneError
from data_exports.json_values import json_as
from data_exports.names import FOUNDATION_STACK


class StackResult(StrEnum):
    """What became of one stack."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    FAILED = "failed"
    LEFT_OUT = "left out"
    """Not tried, because something it needs is not there."""


@json_as(
    "stack=step.name dataset=step.dataset action=step.action reason? next_step? resources=step.how",
    "audiences=step.audiences result note?",
)
@dataclass(frozen=True, slots=True)
class StackOutcome:
    """What became of one step; `note` for what is worth knowing.

    `reason` and `next_step` when something is not done: the stack itself, or what should have followed it.
    """

    step: StackStep
    result: StackResult
    reason: str = ""
    next_step: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.step.name

    @property
    def is_done(self) -> bool:
        """Whether the stack is as the plan wants it."""
        return self.result not in (StackResult.FAILED, StackResult.LEFT_OUT)

    @property
    def is_complete(self) -> bool:
        """Whether the stack is as the plan wants it, and what should have followed is done, too."""
        return self.is_done and not self.reason

    @property
    def is_standing(self) -> bool:
        """Whether the stack's resources are there, as the plan wants them or as they were before."""
        wanted, before = self.step.stack, self.step.deployed
        was_there = before is not None and before.has_resources and before.hub == (wanted.hub if wanted else "")
        return self.is_done or was_there


@dataclass(frozen=True, slots=True)
class DeployResult:
    """All that a deployment did."""

    plan: Plan
    outcomes: tuple[StackOutcome, ...]
    seconds: float

    @property
    def missing_roles(self) -> tuple[MissingRoles, ...]:
        """Users who got nothing, because their roles do not exist."""
        return self.plan.missing_roles

    @property
    def not_done(self) -> tuple[StackOutcome, ...]:
        """The stacks that are not as the plan wants them, or left something undone."""
        return tuple(outcome for outcome in self.outcomes if not outcome.is_complete)

    @property
    def is_complete(self) -> bool:
        """Whether AWS is now exactly what is declared."""
        return not self.not_done and not self.missing_roles

    def of(self, name: str) -> StackOutcome:
        """The outcome of the stack of this name; raises `KeyError`."""
        found = next((outcome for outcome in self.outcomes if outcome.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


@dataclass(frozen=True, slots=True)
class PlanMade:
    """The plan is made; work begins."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class StackStarted:
    """Work on one stack begins."""

    step: StackStep


@dataclass(frozen=True, slots=True)
class StackFinished:
    """Work on one stack has ended."""

    outcome: StackOutcome


@dataclass(frozen=True, slots=True)
class ProgressNote:
    """Something else that takes time, or is worth knowing."""

    text: str


DeployEvent = PlanMade | StackStarted | StackFinished | ProgressNote
Progress = Callable[[DeployEvent], None]
"""Hears of every event, always in the thread of whoever called."""


def ignore(event: DeployEvent) -> None:
    """Hear of an event and do nothing."""
    del event


class InterruptedWorkError(ExportsError):
    """Ctrl-C in the middle of work on stacks; the message names those that CloudFormation goes on with."""

    exit_code = 130
    kind = "interrupted"


def error_of_deploying(result: DeployResult) -> ExportsError | None:
    """The error that this result amounts to, or None when everything is as declared."""
    if result.is_complete:
        return None
    lines = lines_of_not_done(result.not_done)
    for each in result.missing_roles:
        lines.append(f"  {each.dataset}: no such role: {', '.join(each.roles)}")
    if any(outcome.name == FOUNDATION_STACK and not outcome.is_standing for outcome in result.not_done):
        return AwsError(
            "\n".join(["the foundation could not be deployed, so nothing else was tried:", *lines[:1]]),
            next_step=next_step_of(result.not_done[:1], otherwise="remove the cause, then run `exports deploy` again"),
        )
    only_roles = not result.not_done
    return PartlyDoneError(
        "\n".join(["deployed, except:", *lines]),
        next_step="create these roles, or take them out of the datasets; then run `exports deploy` again"
        if only_roles
        else next_step_of(result.not_done, otherwise="remove the causes, then run `exports deploy` again"),
    )


def lines_of_not_done(outcomes: Sequence[StackOutcome]) -> list[str]:
    """One line for each stack that is not as it should be."""
    return [f"  {outcome.name} {outcome.result}: {outcome.reason}" for outcome in outcomes]


def next_step_of(outcomes: Sequence[StackOutcome], *, otherwise: str) -> str:
    """What the outcomes themselves advise, each said once."""
    said = dict.fromkeys(outcome.next_step for outcome in outcomes if outcome.next_step)
    return "; ".join(said) or otherwise
