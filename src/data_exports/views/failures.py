"""Failures as text, each with its reason and what to do, and as data for ``--json``.

In: `Failures`. Out: text, and values for JSON. Effects: none.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data_exports.contract.causes import Side, side_of
from data_exports.estate.models import Estate
from data_exports.json_values import json_as
from data_exports.operate.failures import Failures, UploadFailure, advice_for
from data_exports.text import counted, moment_words, printable, size_words

SHOWN_OF_A_CAUSE = 20
_OPERATORS = (Side.HUB, None)
"""Whose matter a cause is that its sender and its recipient can do nothing about."""


def render_failures(failures: Failures, estate: Estate) -> str:
    """The failures of one dataset, those with one cause together, and what to do about each cause."""
    name = failures.push.name
    lines = [f"{name}: {_counts_of(failures)}"]
    for cause, group in failures.by_cause().items():
        lines += _lines_of(group, failures.at)
        advice = advice_for(failures, estate, cause)
        whose = ", for the platform's operators" * (bool(failures.not_looked_at) and side_of(cause) in _OPERATORS)
        lines.append(f"  to do{whose}: {advice.text}")
        for statement in advice.statements:
            lines += _indented(statement)
        if advice.key_statements:
            lines.append("  and to the policy of the key:")
            for statement in advice.key_statements:
                lines += _indented(statement)
        now = "" if all(failure.given_up for failure in group) else " --now"
        by = "the platform's operators do: " * bool(failures.not_looked_at)
        lines.append(f"  then:  {by}exports redrive {name}{now}")
    if failures.not_looked_at and failures.dead_letters:
        given_up = sum(failure.given_up for failure in failures.found)
        lines.append(f"  ? dead letters were counted, and not looked at: {printable(failures.not_looked_at)}")
        lines.append(f"    the receipts of the last 14 days tell of {counted(given_up, 'upload')} given up")
    if failures.settled:
        through = counted(len(failures.settled), "dead letter")
        lines.append(f"  {through} of uploads that are through by now: exports redrive {name} tidies up")
    return "\n".join(lines)


def _counts_of(failures: Failures) -> str:
    parts = []
    if failures.dead_letters:
        is_partial = failures.dead_letters > failures.looked_at and not failures.not_looked_at
        more = f", of which {failures.looked_at:,} were looked at" * is_partial
        parts.append(f"{counted(failures.dead_letters, 'dead letter')}{more}")
    if failures.being_tried:
        parts.append(f"{counted(failures.being_tried, 'file')} failing and being tried again")
    return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class AdviceData:
    """What to do about one cause, and whose it is."""

    cause: str | None
    side: str | None
    next_step: str
    bucket_policy_statements: Sequence[Mapping[str, Any]]
    key_policy_statements: Sequence[Mapping[str, Any]]


@json_as(
    "dataset=failures.push.name dead_letters=failures.dead_letters looked_at=failures.looked_at",
    "not_looked_at?=failures.not_looked_at",
    "failures=failures.found advice",
)
@dataclass(frozen=True, slots=True)
class DatasetFailures:
    """The failures of one dataset, with the advice for each cause once."""

    failures: Failures
    advice: Sequence[AdviceData]


@dataclass(frozen=True, slots=True)
class FailuresData:
    """The datasets that have any."""

    datasets: Sequence[DatasetFailures]


def failures_as_data(found: Sequence[Failures], estate: Estate) -> FailuresData:
    """Every fact."""
    return FailuresData([DatasetFailures(each, [*_advice_for(each, estate)]) for each in found])


def _advice_for(failures: Failures, estate: Estate) -> Iterator[AdviceData]:
    for cause in failures.by_cause():
        advice = advice_for(failures, estate, cause)
        yield AdviceData(cause, side_of(cause), advice.text, advice.statements, advice.key_statements)


def _lines_of(failures: list[UploadFailure], now: datetime) -> list[str]:
    lines = []
    for failure in failures[:SHOWN_OF_A_CAUSE]:
        by = f" by {printable(str(failure.by))}" if failure.by else ""
        what = printable(failure.key) if failure.key else f"message {printable(failure.message_id)}"
        size = f"  {size_words(failure.size_bytes)}" if failure.key else ""
        uploaded = f", uploaded {moment_words(failure.uploaded_at)}{by}" if failure.key else ""
        tried = "tried since" if failure.given_up else "last tried"
        again = f", {failure.next_try.words(now)}" if failure.next_try else ""
        lines.append(f"  {what}{size}{uploaded}, {tried} {moment_words(failure.since)}{again}")
        lines.append(f"    {printable(failure.reason) or 'no receipt says why'}")
    if len(failures) > SHOWN_OF_A_CAUSE:
        lines.append(f"  and {len(failures) - SHOWN_OF_A_CAUSE:,} more for the same reason (--json lists them)")
    return lines


def _indented(statement: dict[str, Any]) -> list[str]:
    return [f"    {line}" for line in json.dumps(statement, indent=2).splitlines()]
