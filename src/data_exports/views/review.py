"""A review for people at a terminal, and for programs: how it stands, all of it, what closing it has made.

In: a `Review`, and what is to be said of it. Out: text, or values for JSON. Effects: none.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from data_exports.estate.models import Estate
from data_exports.json_values import json_as
from data_exports.reviews.closing import Closed
from data_exports.reviews.models import AccessRow, Review, ReviewedDataset
from data_exports.reviews.standing import ChangedAccess, differences_of, is_overdue, undecided_by_owner
from data_exports.text import code_span, printable, quoted, shell_word, word


@json_as("owner? accesses datasets")
@dataclass(frozen=True, slots=True)
class OwnerWaitedFor:
    """Somebody whose decisions lack, and about how many accesses of which datasets."""

    owner: str
    accesses: int
    datasets: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReviewStatusData:
    """How a review stands."""

    review: str
    path: Path
    started: date
    due: date | None
    closed: date | None
    is_overdue: bool
    access_count: int
    decided_count: int
    undecided: Sequence[OwnerWaitedFor]
    changed: Sequence[ChangedAccess]


@json_as("review=review.name", "*review")
@dataclass(frozen=True, slots=True)
class ReviewData:
    """A review with every access in it."""

    review: Review


def review_status_as_data(review: Review, estate: Estate | None, *, today: date, path: Path) -> ReviewStatusData:
    """How it stands; a closed one has not changed since, whatever is declared by now."""
    waiting = [
        OwnerWaitedFor(owner, len(rows), list(dict.fromkeys(str(dataset.dataset) for dataset, _ in rows)))
        for owner, rows in undecided_by_owner(review).items()
    ]
    total = len(list(review.rows()))
    changed = () if review.closed or estate is None else differences_of(review, estate)
    return ReviewStatusData(
        review.name,
        path,
        review.started,
        review.due,
        review.closed,
        is_overdue(review, today),
        total,
        total - len(review.undecided),
        waiting,
        changed,
    )


def render_review_status(status: ReviewStatusData) -> str:
    """How it stands, whose decisions lack, and what has changed since it was started."""
    lines = [_standing(status)]
    for each in status.undecided:
        of = f"{printable(each.owner) or 'nobody named'}: {access_count(each.accesses)} of {', '.join(each.datasets)}"
        lines.append(f"  waits for {of}")
    lines += [f"  changed since it was started: {printable(str(each))}" for each in status.changed]
    return "\n".join(lines)


def _standing(status: ReviewStatusData) -> str:
    counts = f"{status.decided_count:,} of {access_count(status.access_count)} decided"
    if status.closed:
        return f"{status.review}: {counts}, closed on {status.closed}"
    due = f", {'OVERDUE since' if status.is_overdue else 'due on'} {status.due}" if status.due else ""
    return f"{status.review}: {counts}{due}"


def access_count(number: int) -> str:
    """``1 access``, ``1,200 accesses``."""
    return f"{number:,} access{'es' * (number != 1)}"


def next_step_of_review(status: ReviewStatusData) -> str:
    """The command that brings the review on; "" when it is done with."""
    if status.closed:
        return ""
    if status.changed:
        return "exports review start --refresh"
    if status.undecided:
        return "exports review decide"
    return f"commit {status.path}, then: exports review close"


def render_review_rows(review: Review) -> str:
    """Every access, under its dataset, with what was decided."""
    return "\n".join(line for dataset in review.datasets for line in _dataset_lines(dataset))


def _dataset_lines(dataset: ReviewedDataset) -> Iterator[str]:
    yield render_reviewed_dataset(dataset)
    for row in dataset.accesses:
        yield f"  {render_row(row)}"
        yield f"    {decision_words(row)}"


def render_reviewed_dataset(dataset: ReviewedDataset) -> str:
    """A dataset in one line: kind, who answers for it, paperwork, end."""
    owner = f"of {printable(dataset.owner)}" if dataset.owner else "NOBODY NAMED"
    paperwork = f"paperwork {', '.join(map(quoted, dataset.paperwork))}" if dataset.paperwork else "NO PAPERWORK"
    end = dataset.until if dataset.until == "no end" else f"until {printable(dataset.until)}"
    return f"{dataset.dataset} ({dataset.kind}), {owner}, {end}, {paperwork}"


def render_row(row: AccessRow) -> str:
    """An access in one line."""
    account = f" of {row.account}" if row.account and row.account != "not named" else ""
    return printable(f"{row.role} {row.who}{account}: may {row.may}; last use: {row.last_use}")


def decision_words(row: AccessRow) -> str:
    """What was decided, by whom and why."""
    if not row.is_decided:
        return f"UNDECIDED ({row.access.removeprefix('sha256:')})"
    return printable(f"{row.decision}, by {row.by}: {row.reason}")


def render_closed(closed: Closed) -> str:
    """What closing has made, and what is to be done with it."""
    lines = [
        f"closed {closed.review.name}: {closed.kept:,} kept, {closed.shortened:,} shortened, {closed.removed:,} removed"
    ]
    lines += [f"  {printable(str(each))}" for each in closed.consequences]
    lines.append(
        f"branch {closed.branch.name}, commit {closed.branch.commit[:12]}; your files and index are as they were"
    )
    return "\n".join(lines)


def next_step_of_closed(closed: Closed) -> str:
    """The command that brings the branch to where it is reviewed."""
    name = closed.branch.name
    return f"git push -u origin {name if word(name) == name else shell_word(name)}, then open a pull request"


def latest_review_words(reviews: Iterable[Review]) -> str:
    """The newest review in one sentence, in Markdown, for whoever reads a list of accesses."""
    newest = max(reviews, key=lambda review: (review.started, review.name), default=None)
    if newest is None:
        return "No review of these accesses is on record; `exports review start` begins one."
    name = code_span(f"reviews/{newest.place.path.name}")
    if newest.closed:
        return f"The latest review on record is {name}, closed on {newest.closed}."
    total = len(list(newest.rows()))
    decided = f"{total - len(newest.undecided):,} of {total:,} decided"
    return f"The latest review on record is {name}, which is open: {decided}."
