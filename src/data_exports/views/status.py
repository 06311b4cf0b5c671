"""A status as one screen of text, and as data for ``--json``.

In: a `Status`. Out: text, and values for JSON. Effects: none. Of a large estate only what deserves a look has a row of
its own; the rest is counted.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from data_exports.estate.models import Platform
from data_exports.json_values import json_as
from data_exports.operate.evidence_look import EvidenceStatus
from data_exports.operate.status import DatasetStatus, Status
from data_exports.operate.traffic import Deliveries
from data_exports.text import age_words, ago_words, counted, datasets_words, moment_words, printable, size_words
from data_exports.views.tables import headed_table

ROWS_ON_A_SCREEN = 40
_HEADINGS = ("dataset", "kind", "state", "in hub", "queued", "flying", "dead", "oldest", "last delivery", "last day")


def render_status(status: Status, platform: Platform, *, every_row: bool = False, width: int | None = None) -> str:
    """The text, for a terminal of this width; with `every_row` also of datasets that need no look, however many."""
    lines = [_summary_of(status, platform), *([status.evidence.words(status.at)] if status.evidence else []), ""]
    concerned = [row for row in status.datasets if row.concerns(status.at)]
    quiet = [row for row in status.datasets if not row.concerns(status.at)]
    if not every_row and len(status.datasets) > ROWS_ON_A_SCREEN:
        shown, left_out = concerned, quiet
    else:
        shown, left_out = [*concerned, *quiet], []
    lines += _table(shown, status.at, width)
    if left_out:
        lines.append(f"{counted(len(left_out), 'other dataset')}: as declared, nothing waits long, none is given up")
    concerns = [f"! {row.name}: {printable(each)}" for row in concerned for each in row.concerns(status.at)]
    concerns += [f"! {printable(each)}: exports repair" for each in status.amiss]
    concerns += [f"! {printable(each)}: exports deploy" for each in status.to_renew]
    concerns += _of_evidence(status)
    notes = [f"? {printable(note)}" for note in status.notes]
    if status.not_for_senders:
        notes.append(f"not looked at, because senders may not: {printable('; '.join(status.not_for_senders))}")
    if status.left_out:
        notes.append(f"not looked at: {status.left_out}")
    return "\n".join([*lines, *([""] if concerns or notes else []), *concerns, *notes])


def changed_since(before: Status, after: Status) -> bool:
    """Whether there is more to tell than that time went on."""
    return _facts_of(before) != _facts_of(after)


def render_change(before: Status, after: Status) -> str:
    """When it was seen, and the rows that are other than before."""
    old = {row.name: _facts_of_row(row, before.at) for row in before.datasets}
    changed = [row for row in after.datasets if _facts_of_row(row, after.at) != old.pop(row.name, None)]
    lines = [f"{moment_words(after.at)} UTC"]
    lines += _table(changed, after.at)
    lines += [f"{name}: gone" for name in old]
    lines += [
        f"{name.removeprefix('exports-')} {state}" for name, state in after.shared if (name, state) not in before.shared
    ]
    lines += [f"! {row.name}: {printable(each)}" for row in changed for each in row.concerns(after.at)]
    lines += [f"! {printable(each)}: exports repair" for each in after.amiss if each not in before.amiss]
    lines += [f"! {printable(each)}: exports deploy" for each in after.to_renew if each not in before.to_renew]
    lines += [each for each in _of_evidence(after) if each not in _of_evidence(before)]
    return "\n".join([*lines, *(f"? {printable(note)}" for note in after.notes if note not in before.notes)])


def _facts_of(status: Status) -> tuple[object, ...]:
    rows = tuple(_facts_of_row(row, status.at) for row in status.datasets)
    return rows, status.shared, status.amiss, status.to_renew, len(_of_evidence(status)), status.notes


def _of_evidence(status: Status) -> list[str]:
    concerns = status.evidence.concerns(status.at) if status.evidence else ()
    return [f"! {printable(each)}" for each in concerns]


def _facts_of_row(row: DatasetStatus, now: datetime) -> tuple[object, ...]:
    """A row, and how much of it deserves a look; not how long ago it was."""
    return row, len(row.concerns(now))


@dataclass(frozen=True, slots=True)
class StackState:
    """How a stack stands that is no dataset's."""

    stack: str
    state: str


@json_as(
    "dataset=row.name kind=row.kind state=row.state reason?=row.reason last_day=row.expires",
    "missing_roles=row.missing_roles queues=row.queues waiting=row.waiting deliveries=row.deliveries",
    "failing=row.failing late_since=row.late_since concerns",
)
@dataclass(frozen=True, slots=True)
class DatasetData:
    """How one dataset stands; what is null is not known, or does not apply."""

    row: DatasetStatus
    concerns: Sequence[str]


@dataclass(frozen=True, slots=True)
class StatusData:
    """How every dataset stands."""

    at: datetime
    stacks: Sequence[StackState]
    datasets: Sequence[DatasetData]
    amiss: Sequence[str]
    """What somebody has changed in AWS at the hub."""
    not_checked: Sequence[str]
    """What could not be read, and why."""
    not_for_senders: Sequence[str]
    """What was not looked at because a sender asks."""
    left_out: str
    """What was not looked at because it takes too long; empty: nothing."""
    to_renew: Sequence[str]
    """What the keeper lacks, which `exports deploy` writes."""
    evidence: EvidenceStatus | None
    """How the log of receipts and deployments stands; null: there is none, or it is not known."""


def status_as_data(status: Status) -> StatusData:
    """Every fact of a status."""
    rows = [DatasetData(row, row.concerns(status.at)) for row in status.datasets]
    return StatusData(
        status.at,
        [StackState(*each) for each in status.shared],
        rows,
        status.amiss,
        status.notes,
        status.not_for_senders,
        status.left_out,
        status.to_renew,
        status.evidence,
    )


def _summary_of(status: Status, platform: Platform) -> str:
    counts = Counter(row.kind for row in status.datasets if row.kind)
    datasets = datasets_words(counts["push"], counts["pull"])
    shared = "".join(f", {name.removeprefix('exports-')} {state}" for name, state in status.shared)
    return f"{platform.name_of_account(platform.account)}, {platform.region}: {datasets}{shared}"


def _cells_of(row: DatasetStatus, now: datetime) -> tuple[str, ...]:
    in_hub = oldest = queued = flying = dead = "-"
    if row.waiting:
        in_hub = f"{row.waiting.files:,}{'+' if row.waiting.is_partial else ''}"
        if row.waiting.oldest:
            oldest = age_words(max((now - row.waiting.oldest).total_seconds(), 0))
    if row.queues:
        figures = (row.queues.waiting, row.queues.in_flight, row.queues.dead_letters)
        queued, flying, dead = ("-" if each is None else f"{each:,}" for each in figures)
    last, day = _delivery_cells(row.deliveries, now)
    return (row.name, row.kind, row.state, in_hub, queued, flying, dead, oldest, last, day)


def _delivery_cells(deliveries: Deliveries | None, now: datetime) -> tuple[str, str]:
    if deliveries is None:
        return "-", "-"
    last = ago_words(deliveries.last, now) if deliveries.last else "never"
    if not deliveries.day_files:
        return last, "-"
    least = "at least " if deliveries.is_partial else ""
    return last, f"{least}{counted(deliveries.day_files, 'file')}, {size_words(deliveries.day_bytes)}"


def _table(rows: Sequence[DatasetStatus], now: datetime, width: int | None = None) -> list[str]:
    return headed_table(_HEADINGS, [_cells_of(row, now) for row in rows], width=width) if rows else []
