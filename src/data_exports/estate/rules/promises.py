"""Rules on what is promised: `due`, and the days that `except` leaves out."""

from collections.abc import Iterator
from datetime import date, timedelta

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.findings import Finding, warning

LOOKED_AHEAD_DAYS = 366 * 5
"""A clock goes forward once a year, and a rhythm of every month may meet that day in few years only."""


def check_times_exist(draft: EstateDraft, today: date) -> Iterator[Finding]:
    """Where the clocks go forward, an hour is left out: what is due in it is due at no time."""
    for due in filter(None, (dataset[f.DUE] for dataset in draft.push)):
        ahead = (today + timedelta(days=days) for days in range(LOOKED_AHEAD_DAYS))
        promise = due.value
        skipped = next((day for day in ahead if promise.is_on(day) and not promise.exists_on(day)), None)
        if skipped:
            message = f"on {skipped} there is no {promise.by:%H:%M} in {promise.zone}: the clocks go forward"
            yield Finding(due.place, Code.SKIPPED_TIME, message, "write a time before or after that hour")


def check_exceptions_have_a_promise(draft: EstateDraft) -> Iterator[Finding]:
    """Days are left out of a promise."""
    for dataset in draft.push:
        if f.DUE not in dataset and (days := dataset[f.EXCEPT]):
            message = "'except' has no effect without 'due'"
            yield warning(days[0].place, Code.IGNORED_FIELD, message, "add `due:`, or remove it")
