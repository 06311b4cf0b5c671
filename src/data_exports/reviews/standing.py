"""How a review stands: what is decided, whose the rest is, and what has changed since it was started.

In: a `Review`, and the estate as it is now. Out: values, findings. Effects: none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from data_exports.estate.codes import Code
from data_exports.estate.findings import Finding
from data_exports.estate.models import Estate
from data_exports.json_values import json_as
from data_exports.reviews.digests import digest_of_access, short_digest
from data_exports.reviews.models import NO_END, NOT_LOOKED_AT, AccessRow, Review, ReviewedDataset
from data_exports.reviews.rows import RowId, accesses_by_row, review_of_estate, row_id


@json_as("dataset who role change")
@dataclass(frozen=True, slots=True)
class ChangedAccess:
    """An access that is not as it was when somebody looked at it."""

    dataset: str
    role: str
    who: str
    change: str
    """``new``, ``gone`` or ``changed``."""

    def __str__(self) -> str:
        return f"{self.dataset}: {self.role} {self.who} ({self.change})"


def differences_of(review: Review, estate: Estate) -> tuple[ChangedAccess, ...]:
    """What has changed since the review was started, sorted; decisions about it were about something else."""
    now = accesses_by_row(estate)
    before = {row_id(dataset.dataset, row): row for dataset, row in review.rows()}
    found = [ChangedAccess(*each, "new") for each in now.keys() - before.keys()]
    found += [ChangedAccess(*each, "gone") for each in before.keys() - now.keys()]
    for each in now.keys() & before.keys():
        if short_digest(digest_of_access(now[each])) != before[each].access:
            found.append(ChangedAccess(*each, "changed"))
    return tuple(sorted(found, key=lambda each: (each.dataset, each.role, each.who)))


def refreshed(review: Review, estate: Estate, fresh: Review) -> Review:
    """The review with today's facts, and the decisions about what is as it was."""
    lost = {(each.dataset, each.role, each.who) for each in differences_of(review, estate)}
    old = {row_id(dataset.dataset, row): row for dataset, row in review.rows()}

    def kept(dataset: ReviewedDataset, row: AccessRow) -> AccessRow:
        before = old.get(row_id(dataset.dataset, row))
        if before is None or row_id(dataset.dataset, row) in lost:
            return row
        last_use = before.last_use if row.last_use == NOT_LOOKED_AT else row.last_use
        return replace(row, last_use=last_use, decision=before.decision, by=before.by, reason=before.reason)

    datasets = (
        replace(dataset, accesses=tuple(kept(dataset, row) for row in dataset.accesses)) for dataset in fresh.datasets
    )
    return replace(fresh, due=fresh.due or review.due, datasets=tuple(datasets))


def undecided_by_owner(review: Review) -> dict[str, list[tuple[ReviewedDataset, AccessRow]]]:
    """What has to be decided yet, by who answers for the dataset; ``""`` for nobody."""
    found: dict[str, list[tuple[ReviewedDataset, AccessRow]]] = {}
    for dataset, row in review.undecided:
        found.setdefault(dataset.owner, []).append((dataset, row))
    return dict(sorted(found.items()))


def check_decisions(review: Review) -> Iterator[Finding]:
    """Each decision that is not whole, or does not fit those about the same dataset."""
    for dataset in review.datasets:
        for row in dataset.accesses:
            yield from _check_row(review, dataset, row)
        yield from _check_dataset(dataset)


def _check_row(review: Review, dataset: ReviewedDataset, row: AccessRow) -> Iterator[Finding]:
    missing = [name for name in ("decision", "by", "reason") if not getattr(row, name)]
    if missing and len(missing) < 3:
        message = f"what is decided about {row.who} lacks {' and '.join(missing)}"
        yield Finding(row.place, Code.BAD_DECISION, message, "fill it in, or empty all three")
    day = row.decision.last_day if row.decision else None
    if day and dataset.until != NO_END and str(day) >= dataset.until:
        message = f"{row.who} is shortened to {day}, and its access ends with {dataset.until} already"
        yield Finding(row.place, Code.BAD_DECISION, message, "write keep, or an earlier day")
    if day and day < review.started:
        message = f"{row.who} is shortened to {day}, before the review was started"
        yield Finding(row.place, Code.BAD_DECISION, message, "write remove, or a day to come")


def _check_dataset(dataset: ReviewedDataset) -> Iterator[Finding]:
    """An end is the dataset's; and what is left of it must be a dataset still."""
    decided = [row for row in dataset.accesses if row.decision]
    if len(decided) < len(dataset.accesses):
        return  # what is still to be decided may yet fit
    staying = [row for row in decided if row.decision and row.decision.verb != "remove"]
    ends = {row.decision.last_day for row in staying if row.decision}
    if len(ends) > 1:
        wrong = next(row for row in staying if row.decision and row.decision.last_day)
        message = f"{dataset.dataset} ends for all of its accesses on one day, and they are decided for different ones"
        hint = "decide on one day for all of its accesses that stay: `exports review decide --dataset NAME`"
        yield Finding(wrong.place, Code.BAD_DECISION, message, hint)
    removed = [row for row in decided if row not in staying]
    for one, other in _PARTS[dataset.kind]:
        if removed and staying and not any(row.role in one for row in staying):
            message = f"{dataset.dataset} would keep {other}, and no {' or '.join(one)}"
            hint = "keep one, or remove all of its accesses: then the declaration goes, too"
            yield Finding(removed[0].place, Code.BAD_DECISION, message, hint)


_PARTS = {
    "push": ((("recipient",), "its senders"), (("sender",), "its recipient")),
    "pull": ((("outside role",), "its users"), (("user",), "its outside roles")),
}
"""What a dataset needs, and what would be left without that."""


def is_overdue(review: Review, today: date) -> bool:
    """Whether its day has passed, and it is not closed."""
    return review.due is not None and review.due < today and not review.closed


def not_carried_out(review: Review, estate: Estate) -> Iterator[tuple[ReviewedDataset, AccessRow, str]]:
    """Each decision of a closed review that the declarations do not follow, with what they grant."""
    now = accesses_by_row(estate)
    for dataset, row in review.rows():
        access = now.get(row_id(dataset.dataset, row))
        if access is None or row.decision is None:
            continue
        if row.decision.verb == "remove":
            yield dataset, row, "is granted, still or again"
        elif row.decision.last_day and (access.last_day is None or access.last_day > row.decision.last_day):
            until = f"until {access.last_day}" if access.last_day else "without an end"
            yield dataset, row, f"is granted {until}"


def last_reviewed(reviews: Sequence[Review]) -> dict[str, date]:
    """When each dataset was last in a review that was closed; these are the closed ones, in their order."""
    return {dataset.dataset: review.closed for review in reviews if review.closed for dataset in review.datasets}


def months_before(day: date, months: int) -> date:
    """The day so many months earlier; the last of its month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def is_as_looked_at(review: Review, estate: Estate) -> bool:
    """Whether the accesses are, to the last digit of their digest, those that were looked at, and so are the facts."""
    fresh = review_of_estate(estate, review.place.path, today=review.started)
    return fresh.digest == review.digest and _facts(fresh) == _facts(review)


def _facts(review: Review) -> list[tuple[RowId, str, str, str, tuple[str, ...], str]]:
    return [
        (row_id(dataset.dataset, row), row.may, row.account, row.access, dataset.paperwork, dataset.until)
        for dataset, row in review.rows()
    ]
