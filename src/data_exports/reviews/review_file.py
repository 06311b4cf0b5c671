"""The files of reviews, read: each a `Review`, or findings with line and column.

In: an estate's folder, or one file. Out: reviews sorted by when they were started, and findings. Effects: reads files.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from data_exports.estate.codes import Code
from data_exports.estate.declaration_file import decode_declaration, parse_declaration, read_bytes
from data_exports.estate.drafts import draft_of
from data_exports.estate.file_kinds import REVIEWS_FOLDER
from data_exports.estate.findings import Finding, FindingCollector, Severity
from data_exports.estate.loader import declarations_in
from data_exports.estate.yaml_tree import UnparsableError
from data_exports.limits import REVIEW_BYTES
from data_exports.reviews.digests import seal_of
from data_exports.reviews.models import REVIEW_KIND, Review


@dataclass(frozen=True, slots=True)
class Reviews:
    """What an estate's folder of reviews holds."""

    reviews: tuple[Review, ...] = ()
    """Those that can be read, the oldest first."""
    findings: tuple[Finding, ...] = ()

    @property
    def open(self) -> tuple[Review, ...]:
        """Those in which somebody may still decide."""
        return tuple(review for review in self.reviews if not review.closed)

    @property
    def closed(self) -> tuple[Review, ...]:
        """Those that are done with, the one that was closed last at the end."""
        closed = (review for review in self.reviews if review.closed)
        return tuple(sorted(closed, key=lambda review: (str(review.closed), review.name)))


def read_reviews(estate: Path) -> Reviews:
    """Every review of an estate."""
    report = FindingCollector()
    reviews = []
    for path in declarations_in(estate / REVIEWS_FOLDER, report):
        review, findings = read_review(path)
        report.findings.extend(findings)
        reviews += [review] if review else []
    in_order = sorted(reviews, key=lambda review: (review.started, review.name))
    # A signed page, or whatever else people keep beside a review, is no mistake.
    return Reviews(tuple(in_order), tuple(sorted(each for each in report.findings if each.code != Code.NOT_COUNTED)))


def read_review(path: Path) -> tuple[Review | None, tuple[Finding, ...]]:
    """The review in a file; None when an error is among the findings."""
    try:
        text = decode_declaration(read_bytes(path, most=REVIEW_BYTES), path)
    except UnparsableError as stop:
        return None, (stop.finding,)
    return parse_review(text, path)


def parse_review(text: str, path: Path) -> tuple[Review | None, tuple[Finding, ...]]:
    """As `read_review`, of a text; `path` is for the places and the review's name."""
    report = FindingCollector()
    top, findings = parse_declaration(text, path)
    report.findings.extend(findings)
    review = draft_of(REVIEW_KIND, top, report).model() if top else None
    if any(each.severity is Severity.ERROR for each in report.findings):
        return None, tuple(report.findings)
    if review and review.closed and review.seal != seal_of(review):
        message = "was changed after it was closed: its seal does not fit what it holds"
        hint = f"restore it: `git log -p -- {REVIEWS_FOLDER}/{path.name}` shows what it was, and who changed it"
        report.error(review.place, Code.CLOSED_REVIEW_CHANGED, message, hint)
    return review, tuple(report.findings)


def name_of_new(estate: Path, today: date) -> str:
    """``2026-Q4``, or ``2026-Q4-2`` when there is one of that name."""
    first = name = f"{today.year}-Q{(today.month + 2) // 3}"
    number = 1
    while any((estate / REVIEWS_FOLDER / f"{name}{suffix}").exists() for suffix in (".yaml", ".yml")):
        number += 1
        name = f"{first}-{number}"
    return name
