"""Results as text for people and as JSON for programs; for plans see `plan`.

In: what `deploy` and `destroy` return. Out: lines of text, or values for JSON; both say the same.
Effects: none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_exports.deploy.apply.outcomes import (
    DeployEvent,
    DeployResult,
    PlanMade,
    ProgressNote,
    StackFinished,
    StackOutcome,
    StackResult,
    StackStarted,
)
from data_exports.deploy.plan.plan_data import EFFECTS, Effects
from data_exports.deploy.plan.planning import Action
from data_exports.deploy.remote import BucketContents
from data_exports.deploy.removal.buckets import BucketOutcome
from data_exports.deploy.removal.destroy import DestroyResult, Destruction, Undelivered
from data_exports.estate.models import Platform
from data_exports.json_values import json_as
from data_exports.text import counted, printable, size_words
from data_exports.views.plan import COLOURS, place_of, whose
from data_exports.views.tables import table

_COLOURS: dict[str, str] = {
    **COLOURS,
    StackResult.CREATED: "green",
    StackResult.UPDATED: "green",
    StackResult.DELETED: "green",
    StackResult.FAILED: "bold red",
    StackResult.LEFT_OUT: "bold red",
}
_DOING = {
    Action.CREATE: "creating",
    Action.UPDATE: "updating",
    Action.REPLACE: "replacing",
    Action.DELETE: "deleting",
}


CHANGES_NOT_LOOKED_AT = (
    "Whether somebody has changed what they made was not looked at: `exports drift`, `exports repair`"
)


def render_result(result: DeployResult, *, width: int | None = None) -> str:
    """What became of the plan, for people."""
    rows = [(each.result, each.name, _remarks_of(each)) for each in result.outcomes]
    if not any(each.result is not StackResult.UNCHANGED for each in result.outcomes):
        return (
            f"Nothing to do: all {len(rows)} stacks are as declared ({result.seconds:.1f} s)\n{CHANGES_NOT_LOOKED_AT}"
        )
    counts = Counter(str(each.result) for each in result.outcomes)
    total = ", ".join(f"{number} {name}" for name, number in counts.items())
    return "\n".join(["Result", _table(rows, width), f"{total} ({result.seconds:.1f} s)"])


def render_destruction(planned: Destruction, platform: Platform, *, width: int | None = None) -> str:
    """What destroying would do, for people."""
    if planned.is_empty:
        heading = _heading(platform, is_local=planned.is_local)
        return "\n".join([heading, "  nothing is deployed", *_left_alone_lines(planned)])
    rows: list[tuple[str, str, str]] = [(step.action, step.name, step.reason) for step in planned.steps]
    rows += [
        (
            "keep" if bucket.contents.objects else "remove",
            f"bucket {bucket.name}",
            contents_in_words(bucket.contents),
        )
        for bucket in planned.buckets
    ]
    parts = [_heading(platform, is_local=planned.is_local), _table(rows, width)]
    return "\n".join([*parts, *_left_alone_lines(planned), *_undelivered_lines(planned.undelivered)])


def render_destroyed(result: DestroyResult, *, width: int | None = None) -> str:
    """What was destroyed and what was kept, for people."""
    rows: list[tuple[str, str, str]] = [(each.result, each.name, _remarks_of(each)) for each in result.outcomes]
    rows += [(each.result, f"bucket {each.bucket.name}", _bucket_remark(each)) for each in result.buckets]
    lines = ["Result", _table(rows, width), *_undelivered_lines(result.undelivered)]
    return "\n".join([*lines, f"({result.seconds:.1f} s)"])


def render_event(event: DeployEvent) -> str:
    """An event as one line, or ``""`` for those that need none."""
    match event:
        case StackStarted(step):
            return f"{_DOING[step.action]} {step.name}"
        case StackFinished(outcome):
            if outcome.result is StackResult.UNCHANGED:
                return ""
            remarks = _remarks_of(outcome)
            return f"{outcome.result} {outcome.name}" + (f": {remarks}" if remarks else "")
        case ProgressNote(text):
            return text
        case PlanMade():
            return ""


def contents_in_words(contents: BucketContents) -> str:
    """``12 objects, 3.4 MB``; versions count each."""
    if not contents.objects:
        return f"empty but for {counted(contents.markers, 'delete marker')}" if contents.markers else "empty"
    least = "at least " if contents.is_partial else ""
    return f"{least}{counted(contents.objects, 'object')}, {size_words(contents.size_bytes)}"


# --- as plain data --------------------------------------------------------------------------------------------------


@json_as(EFFECTS, "stacks complete seconds")
@dataclass(frozen=True, slots=True)
class DeployData(Effects):
    """The plan that was carried out, and what became of it."""

    stacks: Sequence[StackOutcome]
    complete: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class DestroyData:
    """What was destroyed and what was kept."""

    stacks: Sequence[StackOutcome]
    buckets: Sequence[BucketOutcome]
    undelivered: Mapping[str, int]
    complete: bool
    seconds: float


def result_as_data(result: DeployResult) -> DeployData:
    """The plan, and for each stack what became of it."""
    return DeployData(result.plan, result.outcomes, result.is_complete, round(result.seconds, 3))


def destroyed_as_data(result: DestroyResult) -> DestroyData:
    """What was destroyed and what was kept, for programs."""
    undelivered = {str(each.dataset): each.count for each in result.undelivered}
    return DestroyData(result.outcomes, result.buckets, undelivered, result.is_complete, round(result.seconds, 3))


# --- pieces ---------------------------------------------------------------------------------------------------------


def _heading(platform: Platform, *, is_local: bool) -> str:
    return printable(f"Destroy: {place_of(is_local=is_local)}, {whose(platform)}")


def _left_alone_lines(planned: Destruction) -> list[str]:
    said = (f"left alone: {stack.name}, of the estate whose hub is {stack.hub}" for stack in planned.left_alone)
    return list(map(printable, said))


def _undelivered_lines(undelivered: Sequence[Undelivered]) -> list[str]:
    if not undelivered:
        return []
    total = sum(each.count for each in undelivered)
    parts = ", ".join(f"{each.dataset} {each.count:,}" for each in undelivered)
    return [
        f"WARNING: still in the hub, not delivered, and nothing will deliver it: {counted(total, 'upload')} ({parts})"
    ]


def _bucket_remark(outcome: BucketOutcome) -> str:
    contents = outcome.bucket.contents
    held = contents_in_words(contents) if contents.objects or contents.markers else ""
    return ": ".join(filter(None, [outcome.reason, held]))


def _remarks_of(outcome: StackOutcome) -> str:
    return "; ".join(filter(None, [outcome.reason, outcome.note, outcome.next_step and f"next: {outcome.next_step}"]))


def _table(rows: Sequence[tuple[str, str, str]], width: int | None) -> str:
    return table(rows, width=width, colours=_COLOURS)
