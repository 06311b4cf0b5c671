"""Plans and results as text for people and as plain data for programs.

In: what `plan`, `apply` and `destroy` return. Out: lines of text, or dicts that JSON can hold; both say the same.
Effects: none.
"""

import io
from collections import Counter
from collections.abc import Iterable, Sequence

from data_exports.deploy.buckets import BucketOutcome
from data_exports.deploy.consents import needed_consents
from data_exports.deploy.destroy import DestroyResult, Destruction, Undelivered
from data_exports.deploy.outcomes import (
    DeployResult,
    Event,
    Finished,
    Note,
    Outcome,
    Planned,
    Result,
    Started,
    in_words,
)
from data_exports.deploy.plan import Action, MissingRoles, Plan, Step
from data_exports.deploy.remote import BucketContents
from data_exports.estate.models import Platform

_COLOURS: dict[str, str] = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REPLACE: "yellow",
    Action.DELETE: "red",
    Action.BLOCKED: "bold red",
    Result.CREATED: "green",
    Result.UPDATED: "green",
    Result.DELETED: "green",
    Result.FAILED: "bold red",
    Result.LEFT_OUT: "bold red",
}
_PLAIN_WIDTH = 1000
"""Wide enough that nothing is wrapped where programs read along."""
_DOING = {
    Action.CREATE: "creating",
    Action.UPDATE: "updating",
    Action.REPLACE: "replacing",
    Action.DELETE: "deleting",
}


def render_plan(plan: Plan, platform: Platform, *, width: int | None = None) -> str:
    """The plan for people: one line for each stack, then what they should know before it is carried out.

    `width` in characters for a terminal that shows colour; None for plain text.
    """
    rows = [(step.action, step.name, "; ".join(filter(None, [step.reason, step.next_step]))) for step in plan.steps]
    counts = Counter(str(step.action) for step in plan.steps)
    total = f"{in_words(len(plan.steps), 'stack')}: " + ", ".join(
        f"{number} {action}" for action, number in counts.items()
    )
    parts = [_heading("Plan", platform, is_local=plan.is_local), _table(rows, width), total, *_role_lines(plan)]
    parts += [f"NEEDS --allow {each.consent}: {each.sentence}" for each in needed_consents(plan)]
    return "\n".join(parts)


def render_result(result: DeployResult, *, width: int | None = None) -> str:
    """What became of the plan, for people."""
    rows = [(each.result, each.name, _remarks_of(each)) for each in result.outcomes]
    if not any(each.result is not Result.UNCHANGED for each in result.outcomes):
        return f"Nothing to do: all {len(rows)} stacks are as declared ({result.seconds:.1f} s)"
    counts = Counter(str(each.result) for each in result.outcomes)
    total = ", ".join(f"{number} {name}" for name, number in counts.items())
    return "\n".join(["Result", _table(rows, width), f"{total} ({result.seconds:.1f} s)"])


def render_destruction(planned: Destruction, platform: Platform, *, width: int | None = None) -> str:
    """What destroying would do, for people."""
    if planned.is_empty:
        heading = _heading("Destroy", platform, is_local=planned.is_local)
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
    parts = [_heading("Destroy", platform, is_local=planned.is_local), _table(rows, width)]
    return "\n".join([*parts, *_left_alone_lines(planned), *_undelivered_lines(planned.undelivered)])


def render_destroyed(result: DestroyResult, *, width: int | None = None) -> str:
    """What was destroyed and what was kept, for people."""
    rows: list[tuple[str, str, str]] = [(each.result, each.name, _remarks_of(each)) for each in result.outcomes]
    rows += [(each.fate, f"bucket {each.bucket.name}", _bucket_remark(each)) for each in result.buckets]
    lines = ["Result", _table(rows, width), *_undelivered_lines(result.undelivered)]
    return "\n".join([*lines, f"({result.seconds:.1f} s)"])


def render_event(event: Event) -> str:
    """An event as one line, or ``""`` for those that need none."""
    match event:
        case Started(step):
            return f"{_DOING[step.action]} {step.name}"
        case Finished(outcome):
            if outcome.result is Result.UNCHANGED:
                return ""
            remarks = _remarks_of(outcome)
            return f"{outcome.result} {outcome.name}" + (f": {remarks}" if remarks else "")
        case Note(text):
            return text
        case Planned():
            return ""


def render_missing_roles(missing: Iterable[MissingRoles]) -> list[str]:
    """One line for each dataset whose users' roles do not exist."""
    return [f"{each.dataset}: no such role: {', '.join(each.roles)}" for each in missing]


def contents_in_words(contents: BucketContents) -> str:
    """``12 objects, 3.4 MB``; versions count each."""
    if not contents.objects:
        return f"empty but for {in_words(contents.markers, 'delete marker')}" if contents.markers else "empty"
    least = "at least " if contents.is_partial else ""
    return f"{least}{in_words(contents.objects, 'object')}, {size_in_words(contents.size_bytes)}"


def size_in_words(size_bytes: float) -> str:
    """Bytes in the largest unit (powers of 1,000) that leaves at least one: ``3.4 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "bytes" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:,.1f} TB"


# --- as plain data --------------------------------------------------------------------------------------------------


def plan_as_data(plan: Plan) -> dict[str, object]:
    """The plan as JSON can hold it."""
    return {
        "local": plan.is_local,
        "stacks": [_step_as_data(step) for step in plan.steps],
        "missing_roles": {str(each.dataset): [str(role) for role in each.roles] for each in plan.missing_roles},
        "roles_not_checked": plan.roles_not_checked,
        "consents": {str(each.consent): list(each.names) for each in needed_consents(plan)},
    }


def result_as_data(result: DeployResult) -> dict[str, object]:
    """The result as JSON can hold it: the plan, and for each stack what became of it."""
    return {
        **plan_as_data(result.plan),
        "stacks": [_outcome_as_data(outcome) for outcome in result.outcomes],
        "complete": result.is_complete,
        "seconds": round(result.seconds, 3),
    }


def destruction_as_data(planned: Destruction) -> dict[str, object]:
    """What destroying would do, as JSON can hold it."""
    return {
        "local": planned.is_local,
        "stacks": [_step_as_data(step) for step in planned.steps],
        "buckets": [{"name": str(bucket.name), **_contents_as_data(bucket.contents)} for bucket in planned.buckets],
        "undelivered": {str(each.dataset): each.count for each in planned.undelivered},
        "left_alone": {stack.name: stack.hub for stack in planned.left_alone},
    }


def destroyed_as_data(result: DestroyResult) -> dict[str, object]:
    """What was destroyed and what was kept, as JSON can hold it."""
    return {
        "stacks": [_outcome_as_data(outcome) for outcome in result.outcomes],
        "buckets": [
            {
                "name": str(each.bucket.name),
                "fate": str(each.fate),
                "reason": each.reason,
                **_contents_as_data(each.bucket.contents),
            }
            for each in result.buckets
        ],
        "undelivered": {str(each.dataset): each.count for each in result.undelivered},
        "complete": result.is_complete,
        "seconds": round(result.seconds, 3),
    }


def _step_as_data(step: Step) -> dict[str, object]:
    return {
        "stack": step.name,
        "dataset": str(step.dataset) if step.dataset else None,
        "action": str(step.action),
        "reason": step.reason,
        "next_step": step.next_step,
    }


def _outcome_as_data(outcome: Outcome) -> dict[str, object]:
    return {
        **_step_as_data(outcome.step),
        "result": str(outcome.result),
        "reason": outcome.reason,
        "next_step": outcome.next_step,
        "note": outcome.note,
    }


def _contents_as_data(contents: BucketContents) -> dict[str, object]:
    return {
        "objects": contents.objects,
        "delete_markers": contents.markers,
        "size_bytes": contents.size_bytes,
        "counted_in_full": not contents.is_partial,
    }


# --- pieces ---------------------------------------------------------------------------------------------------------


def _heading(what: str, platform: Platform, *, is_local: bool) -> str:
    where = "the local AWS" if is_local else "AWS"
    account = platform.name_of_account(platform.account)
    return f"{what}: {where}, account {account}, {platform.region}, hub {platform.hub_bucket}"


def _role_lines(plan: Plan) -> list[str]:
    lines = []
    if plan.missing_roles:
        lines.append("WARNING: these users' roles do not exist, so they get nothing:")
        lines += [f"  {line}" for line in render_missing_roles(plan.missing_roles)]
    if plan.roles_not_checked:
        lines.append(
            f"WARNING: the users' roles could not be looked up, and are taken to exist: {plan.roles_not_checked}"
        )
    return lines


def _left_alone_lines(planned: Destruction) -> list[str]:
    return [f"left alone: {stack.name}, of the estate whose hub is {stack.hub}" for stack in planned.left_alone]


def _undelivered_lines(undelivered: Sequence[Undelivered]) -> list[str]:
    if not undelivered:
        return []
    total = sum(each.count for each in undelivered)
    parts = ", ".join(f"{each.dataset} {each.count:,}" for each in undelivered)
    return [
        f"WARNING: still in the hub, not delivered, and nothing will deliver it: {in_words(total, 'upload')} ({parts})"
    ]


def _bucket_remark(outcome: BucketOutcome) -> str:
    contents = outcome.bucket.contents
    counted = contents_in_words(contents) if contents.objects or contents.markers else ""
    return ": ".join(filter(None, [outcome.reason, counted]))


def _remarks_of(outcome: Outcome) -> str:
    return "; ".join(filter(None, [outcome.reason, outcome.note, outcome.next_step and f"next: {outcome.next_step}"]))


def _table(rows: Sequence[tuple[str, str, str]], width: int | None) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2))
    for word, name, remarks in rows:
        table.add_row(Text(str(word), style=_COLOURS.get(word, "")), Text(name), Text(remarks))
    out = io.StringIO()
    plain = width is None
    console = Console(file=out, width=width or _PLAIN_WIDTH, force_terminal=not plain, no_color=plain, highlight=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
