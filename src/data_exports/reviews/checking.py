"""What `exports check` says of reviews: files that are wrong, reviews that are late, decisions not carried out.

In: an estate as it was loaded, its reviews, and the day. Out: findings. Effects: none but for `check_reviews_in`, which
reads the files and asks git. What has a number of causes is one finding with a count: nobody reads a thousand.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from data_exports.errors import UsageError
from data_exports.estate.codes import Code
from data_exports.estate.file_kinds import PLATFORM_FILE
from data_exports.estate.findings import Finding, warning
from data_exports.estate.git import run_git
from data_exports.estate.loader import Loaded
from data_exports.estate.models import Estate
from data_exports.reviews.models import Review
from data_exports.reviews.review_file import Reviews, read_reviews
from data_exports.reviews.standing import (
    check_decisions,
    differences_of,
    is_overdue,
    last_reviewed,
    months_before,
    not_carried_out,
)
from data_exports.text import counted, printable

_NAMED = 5
"""So many are named in a finding; the rest is counted."""


def check_reviews_in(folder: Path, loaded: Loaded, today: date) -> tuple[Finding, ...]:
    """The findings of an estate's reviews; only those of the files where the declarations hold errors."""
    found = read_reviews(folder)
    if loaded.estate is None:
        return found.findings
    since = None if found.closed else _declared_since(folder)
    return tuple(sorted([*found.findings, *check_reviews(found, loaded.estate, today=today, declared_since=since)]))


def check_reviews(
    found: Reviews, estate: Estate, *, today: date, declared_since: date | None = None
) -> Iterator[Finding]:
    """What is to be said of these reviews. An estate without any counts from when it was declared, if that is known."""
    yield from _check_times(found, estate, today, declared_since)
    for review in found.open:
        yield from check_decisions(review)
        yield from _check_open(review, estate, today)
    for review in found.closed[-1:]:
        for dataset, row, granted in not_carried_out(review, estate):
            message = f"{row.who}, {row.role} of {dataset.dataset}, {granted}; decided was: {row.decision}"
            hint = "merge what `exports review close` has made of it, or take the access out by hand"
            yield warning(row.place, Code.NOT_CARRIED_OUT, message, hint)


def _check_open(review: Review, estate: Estate, today: date) -> Iterator[Finding]:
    if is_overdue(review, today):
        waiting = counted(len(review.undecided), "decision")
        message = f"the review was due on {review.due}, and is not closed: {waiting} to come"
        yield warning(review.place, Code.REVIEW_OVERDUE, message, "`exports review status` says whose they are")
    if differences := differences_of(review, estate):
        message = f"{_named([str(each) for each in differences])} since the review was started"
        hint = "bring it up to date: `exports review start --refresh`"
        yield warning(review.place, Code.ACCESS_CHANGED, message, hint)


def _check_times(found: Reviews, estate: Estate, today: date, declared_since: date | None) -> Iterator[Finding]:
    """One line for the estate: which datasets no review has seen for too long."""
    months = estate.platform.review_every
    latest = found.closed[-1].closed if found.closed else declared_since
    seen = last_reviewed(found.closed)
    limit = months_before(today, months)
    late = [str(each.name) for each in estate.datasets() if (day := seen.get(each.name, latest)) and day < limit]
    if late:
        message = f"nobody has reviewed {_named(late)} for {counted(months, 'month')}"
        hint = "review who can get at them: `exports review start`"
        if found.open:
            hint = f"a review is open, {found.open[-1].name}: `exports review status` says what it waits for"
        yield warning(estate.platform.place, Code.NOT_REVIEWED, message, hint)


def _named(names: list[str]) -> str:
    shown = ", ".join(map(printable, names[:_NAMED]))
    return f"{shown} and {len(names) - _NAMED:,} more" if len(names) > _NAMED else shown


def _declared_since(folder: Path) -> date | None:
    """The day of the first commit in which git knows this estate; None where it knows none. A shallow clone's is later.

    Who has begun a month ago need not have reviewed anything.
    """
    try:
        answer = run_git(folder, "log", "--diff-filter=A", "--format=%cs", "--", PLATFORM_FILE)
    except UsageError:  # there is no git, and nothing else of a check needs it
        return None
    lines = answer.stdout.decode().split()
    return date.fromisoformat(lines[-1]) if not answer.returncode and lines else None
