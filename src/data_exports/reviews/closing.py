"""Closing a review: it is whole, it is about what is declared, and what follows from it becomes a branch.

In: an estate's folder, its open review, and the day. Out: a `Closed`. Effects: asks git, and makes a branch in it; the
work tree and the index stay as they are. Raises `RefusedError` that names who has not decided, or what has changed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from data_exports.errors import DeclarationError, RefusedError
from data_exports.estate.file_kinds import PLATFORM_FILE
from data_exports.estate.loader import FOLDERS, files_of
from data_exports.estate.models import Estate
from data_exports.json_values import json_as
from data_exports.reviews.branch import Branch, Committed
from data_exports.reviews.consequences import Consequence, check_consequences, consequences_of, text_after
from data_exports.reviews.digests import seal_of
from data_exports.reviews.models import AccessRow, Review, ReviewedDataset
from data_exports.reviews.review_text import with_closing
from data_exports.reviews.standing import check_decisions, differences_of, is_as_looked_at, undecided_by_owner
from data_exports.text import printable

_NAMED = 5
"""So many accesses of each owner are named who has not decided; the rest is counted."""


@json_as("review=review.name digest=review.digest seal=review.seal kept shortened removed *branch changes=consequences")
@dataclass(frozen=True, slots=True)
class Closed:
    """A review that was closed, in a branch that is to be merged."""

    review: Review
    branch: Branch
    consequences: tuple[Consequence, ...]

    @property
    def kept(self) -> int:
        """How many accesses stay as they are."""
        return self._counts["keep"]

    @property
    def shortened(self) -> int:
        """How many get an end, or an earlier one."""
        return self._counts["shorten"]

    @property
    def removed(self) -> int:
        """How many are taken away."""
        return self._counts["remove"]

    @property
    def _counts(self) -> Counter[str]:
        return Counter(row.decision.verb for _, row in self.review.rows() if row.decision)


def close_review(folder: Path, review: Review, estate: Estate, *, today: date, branch: str = "") -> Closed:
    """Close an open review of the estate in this folder, in a branch (``review-`` and its name, unless given)."""
    check_is_whole(review)
    check_is_current(review, estate)
    path = review.place.path.relative_to(folder)
    committed = Committed(folder)
    committed.check_is_clean([PLATFORM_FILE, *FOLDERS, path.as_posix()])
    consequences = consequences_of(review, estate)
    texts = {file.relative_to(folder): committed.text(file.relative_to(folder)) for file, _ in files_of(folder)}
    changed = {each.path.relative_to(folder): each for each in consequences}
    after = _texts_after(texts, changed)
    check_consequences(folder, after, review, estate)
    closed = replace(review, closed=today, seal=seal_of(replace(review, closed=today)))
    new = {each: text for each, text in after.items() if each in changed}
    new[path] = with_closing(committed.text(path), review, today)
    gone = [each for each, consequence in changed.items() if consequence.is_removed]
    message = "".join(f"{line}\n" for line in _message(closed, consequences))
    made = committed.create_branch(branch or f"review-{review.name}", message, new, gone)
    return Closed(closed, made, consequences)


def check_is_whole(review: Review) -> None:
    """Check that everything is decided, and fits. Raises `RefusedError` that names whose decisions lack."""
    if waiting := undecided_by_owner(review):
        listed = "\n".join(f"  {printable(owner) or 'nobody named'}: {_named(rows)}" for owner, rows in waiting.items())
        message = f"{len(review.undecided):,} of {len(list(review.rows())):,} accesses are not decided\n{listed}"
        raise RefusedError(message, where=review.name, next_step="exports review decide")
    if wrong := list(check_decisions(review)):
        listed = "\n".join(map(str, wrong))
        raise DeclarationError(f"decisions that cannot be carried out\n{listed}", next_step="exports review decide")


def _named(rows: Sequence[tuple[ReviewedDataset, AccessRow]]) -> str:
    shown = ", ".join(printable(f"{row.who} ({dataset.dataset})") for dataset, row in rows[:_NAMED])
    return f"{shown} and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else shown


def check_is_current(review: Review, estate: Estate) -> None:
    """Check that what was looked at is what is declared. Raises `RefusedError` that names what is not."""
    next_step = "exports review start --refresh, then decide about what has changed"
    if differences := differences_of(review, estate):
        listed = "\n".join(f"  {printable(str(each))}" for each in differences)
        message = f"accesses have changed since somebody looked at them\n{listed}"
        raise RefusedError(message, where=review.name, next_step=next_step)
    if not is_as_looked_at(review, estate):
        message = "its facts are not those of the declarations: they were edited, or are another version's words"
        raise RefusedError(message, where=review.name, next_step=next_step)


def _texts_after(texts: Mapping[Path, str], changed: Mapping[Path, Consequence]) -> dict[Path, str]:
    after = {}
    for path, text in texts.items():
        consequence = changed.get(path)
        if consequence is None:
            after[path] = text
        elif not consequence.is_removed:
            after[path] = text_after(consequence, text)
    return after


def _message(review: Review, consequences: tuple[Consequence, ...]) -> Iterator[str]:
    yield f"Close the access review {review.name}"
    yield ""
    counts = Counter(row.decision.verb for _, row in review.rows() if row.decision)
    yield f"Accesses kept: {counts['keep']}, shortened: {counts['shorten']}, removed: {counts['remove']}."
    if consequences:
        yield ""
        yield from (f"- {printable(str(each))}" for each in consequences)
    yield from ("", f"Looked at: {review.digest}", f"Closed: {review.seal}")
