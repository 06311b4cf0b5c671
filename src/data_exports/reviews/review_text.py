"""The text of a review's file, made new, and with decisions written into it: everything else stays as people left it.

In: a `Review`, or a text that was read without errors, and what is decided. Out: text. Effects: none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from data_exports.estate.formatter_layout import Slot, UnusualLayoutError, layout_of
from data_exports.estate.text_edits import scalar_text, slot_of, slots_in, with_line_below, with_values
from data_exports.reviews.digests import seal_of
from data_exports.reviews.models import AccessRow, Decision, Review, ReviewedDataset

_HEADING = """\
# An access review: who can get at data, through this estate, and is that still needed?
#
# Decide about each access, here or with `exports review decide`, which asks one by one. Write three things:
#   decision: keep, remove, or shorten to YYYY-MM-DD (the new last day, of the dataset with all its accesses)
#   by:       who decides
#   reason:   why
# The other lines are facts; `exports review start --refresh` looks them up again and keeps what is decided. Commit the
# file: that binds a decision to a person. Then `exports review close` makes a branch with the changes that follow.
"""


def render_review(review: Review) -> str:
    """The file of a review."""
    return "\n".join(_lines(review)) + "\n"


def _lines(review: Review) -> Iterator[str]:
    yield _HEADING
    yield f"platform: {scalar_text(review.platform)}"
    yield f"started: {review.started}"
    yield from ([f"due: {review.due}"] if review.due else [])
    yield f"digest: {review.digest}"
    yield ""
    yield "datasets:" if review.datasets else "datasets: []"
    for number, dataset in enumerate(review.datasets):
        yield from [""] if number else []
        yield from _dataset_lines(dataset)


def _dataset_lines(dataset: ReviewedDataset) -> Iterator[str]:
    yield f"  - dataset: {scalar_text(dataset.dataset)}"
    yield f"    kind: {dataset.kind}"
    yield from ([f"    owner: {scalar_text(dataset.owner)}"] if dataset.owner else [])
    if len(dataset.paperwork) > 1:
        yield "    paperwork:"
        yield from (f"      - {scalar_text(entry)}" for entry in dataset.paperwork)
    else:
        yield from (f"    paperwork: {scalar_text(entry)}" for entry in dataset.paperwork)
    yield f"    until: {scalar_text(dataset.until)}"
    yield "    accesses:"
    for row in dataset.accesses:
        yield from _row_lines(row)


def _row_lines(row: AccessRow) -> Iterator[str]:
    yield f"      - who: {scalar_text(row.who)}"
    yield f"        role: {row.role}"
    yield from ([f"        account: {scalar_text(row.account)}"] if row.account else [])
    for name in ("may", "last_use", "access"):
        yield f"        {name}: {scalar_text(getattr(row, name))}"
    for name, value in (("decision", str(row.decision or "")), ("by", row.by), ("reason", row.reason)):
        yield f"        {name}: {scalar_text(value)}" if value else f"        {name}:"


# --- edits -----------------------------------------------------------------------------------------------------------


def with_decision(
    text: str, rows: Sequence[tuple[ReviewedDataset, AccessRow]], decision: Decision, *, by: str, reason: str
) -> str:
    """The text in which this is decided about these accesses."""
    values = [("decision", str(decision)), ("by", by), ("reason", reason)]
    lines = {row.place.line for _, row in rows}
    # From the last to the first, so that no place moves before it is used.
    for slots in sorted(_rows_of(text), key=lambda slots: slots[0].start, reverse=True):
        if slots[0].start[0] + 1 in lines:
            text = with_values(text, slots, values)
    return text


def with_closing(text: str, review: Review, day: date) -> str:
    """The text of this review as it is closed on a day, and sealed."""
    digest = slot_of(layout_of(text).slots, "digest")
    if digest is None:
        raise UnusualLayoutError("digest is not in the file")
    return with_line_below(text, digest, f"closed: {day}\nseal: {seal_of(replace(review, closed=day))}")


def _rows_of(text: str) -> Iterator[Sequence[Slot]]:
    """The entries of each access."""
    for dataset in slots_in(slot_of(layout_of(text).slots, "datasets")):
        for row in slots_in(slot_of(slots_in(dataset), "accesses")):
            yield slots_in(row)
