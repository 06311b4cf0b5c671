"""Reviews for tests: one of an estate in a folder, begun, decided about, closed."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from data_exports.estate.models import Estate
from data_exports.reviews.models import AccessRow, Decision, Review, ReviewedDataset
from data_exports.reviews.review_file import read_review
from data_exports.reviews.review_text import render_review, with_closing, with_decision
from data_exports.reviews.rows import review_of_estate, row_id
from tests.unit.estate import written

Decide = Callable[[str, AccessRow], Decision | None]
"""Dataset and access → what is decided about it, if anything."""


def estate_in(folder: Path) -> Estate:
    """The estate in this folder."""
    return written.load(folder).require()


def write_review(folder: Path, *, name: str = "2031-Q1", due: date | None = None) -> Path:
    """The file of a new review of the estate in this folder."""
    path = folder / "reviews" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(render_review(review_of_estate(estate_in(folder), path, today=written.TODAY, due=due)))
    return path


def review_in(path: Path) -> Review:
    """The review in a file that has no mistakes."""
    review, findings = read_review(path)
    assert (findings, review is not None) == ((), True)
    assert review
    return review


def decide(path: Path, decision_of: Decide, *, by: str = "Ana Lopez", reason: str = "asked the owner") -> None:
    """Write decisions into the file."""
    decided: dict[Decision, list[tuple[ReviewedDataset, AccessRow]]] = {}
    for dataset, row in review_in(path).rows():
        if decision := decision_of(dataset.dataset, row):
            decided.setdefault(decision, []).append((dataset, row))
    for decision, rows in decided.items():  # lines may have moved meanwhile
        ids = {row_id(dataset.dataset, row) for dataset, row in rows}
        now = [(dataset, row) for dataset, row in review_in(path).rows() if row_id(dataset.dataset, row) in ids]
        path.write_text(with_decision(path.read_text(), now, decision, by=by, reason=reason))


def close(path: Path, day: date = written.TODAY) -> None:
    """Close the review in this file."""
    path.write_text(with_closing(path.read_text(), review_in(path), day))
