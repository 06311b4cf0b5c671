"""Failures as text, each with its reason and what to do, and as data for ``--json``.

In: `Failures`. Out: text and plain values. Effects: none.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict

from data_exports.contract.causes import side_of
from data_exports.estate.models import Estate
from data_exports.operate.failures import Failure, Failures, advice_for
from data_exports.text import counted, moment_words, printable, size_words

SHOWN_OF_A_CAUSE = 20


def render_failures(failures: Failures, estate: Estate) -> str:
    """The failures of one dataset, those with one cause together, and what to do about each cause."""
    name = failures.push.name
    lines = [f"{name}: {_counts_of(failures)}"]
    for cause, group in failures.by_cause().items():
        lines += _lines_of(group)
        advice = advice_for(failures, estate, cause)
        lines.append(f"  to do: {advice.text}")
        for statement in advice.statements:
            lines += _indented(statement)
        if advice.key_statements:
            lines.append("  and to the policy of the key:")
            for statement in advice.key_statements:
                lines += _indented(statement)
        if any(failure.given_up for failure in group):
            lines.append(f"  then:  exports redrive {name}")
    if failures.settled:
        through = counted(len(failures.settled), "dead letter")
        lines.append(f"  {through} of uploads that are through by now: exports redrive {name} tidies up")
    return "\n".join(lines)


def _counts_of(failures: Failures) -> str:
    parts = []
    if failures.dead_letters:
        more = f", of which {failures.looked_at:,} were looked at" * (failures.dead_letters > failures.looked_at)
        parts.append(f"{counted(failures.dead_letters, 'dead letter')}{more}")
    if failures.being_tried:
        parts.append(f"{counted(failures.being_tried, 'file')} failing and being tried again")
    return "; ".join(parts)


class FailureData(TypedDict):
    """One upload that could not be delivered, or a message that tells of none."""

    given_up: bool
    message_id: str | None
    key: str | None
    version_id: str | None
    size_bytes: int | None
    uploaded_at: str | None
    uploaded_by: str | None
    uploaded_by_role: str | None
    since: datetime | None
    reason: str | None
    cause: str | None
    settled: str | None


class AdviceData(TypedDict):
    """What to do about one cause, and whose it is."""

    cause: str | None
    side: str | None
    next_step: str
    bucket_policy_statements: list[dict[str, Any]]
    key_policy_statements: list[dict[str, Any]]


class DatasetFailures(TypedDict):
    """The failures of one dataset, with the advice for each cause once."""

    dataset: str
    dead_letters: int
    looked_at: int
    failures: list[FailureData]
    advice: list[AdviceData]


class FailuresData(TypedDict):
    """The datasets that have any."""

    datasets: list[DatasetFailures]


def failures_as_data(found: Sequence[Failures], estate: Estate) -> FailuresData:
    """Every fact."""
    return {"datasets": [_dataset_as_data(each, estate) for each in found]}


def _dataset_as_data(failures: Failures, estate: Estate) -> DatasetFailures:
    return {
        "dataset": failures.push.name,
        "dead_letters": failures.dead_letters,
        "looked_at": failures.looked_at,
        "failures": [_failure_as_data(failure) for failure in failures.found],
        "advice": [_advice_as_data(failures, estate, cause) for cause in failures.by_cause()],
    }


def _lines_of(failures: list[Failure]) -> list[str]:
    lines = []
    for failure in failures[:SHOWN_OF_A_CAUSE]:
        by = f" by {printable(str(failure.by))}" if failure.by else ""
        what = printable(failure.key) if failure.key else f"message {failure.message_id}"
        size = f"  {size_words(failure.size_bytes)}" if failure.key else ""
        uploaded = f", uploaded {moment_words(failure.uploaded_at)}{by}" if failure.key else ""
        tried = "tried since" if failure.given_up else "last tried"
        lines.append(f"  {what}{size}{uploaded}, {tried} {moment_words(failure.since)}")
        lines.append(f"    {printable(failure.reason) or 'no receipt says why'}")
    if len(failures) > SHOWN_OF_A_CAUSE:
        lines.append(f"  and {len(failures) - SHOWN_OF_A_CAUSE:,} more for the same reason (--json lists them)")
    return lines


def _indented(statement: dict[str, Any]) -> list[str]:
    return [f"    {line}" for line in json.dumps(statement, indent=2).splitlines()]


def _failure_as_data(failure: Failure) -> FailureData:
    return {
        "given_up": failure.given_up,
        "message_id": failure.message_id or None,
        "key": failure.key or None,
        "version_id": failure.version_id or None,
        "size_bytes": failure.size_bytes,
        "uploaded_at": failure.uploaded_at,
        "uploaded_by": failure.by.principal if failure.by else None,
        "uploaded_by_role": failure.by.role if failure.by else None,
        "since": failure.since,
        "reason": failure.reason or None,
        "cause": failure.cause,
        "settled": failure.settled or None,
    }


def _advice_as_data(failures: Failures, estate: Estate, cause: str | None) -> AdviceData:
    advice = advice_for(failures, estate, cause)
    return {
        "cause": cause,
        "side": side_of(cause),
        "next_step": advice.text,
        "bucket_policy_statements": list(advice.statements),
        "key_policy_statements": list(advice.key_statements),
    }
