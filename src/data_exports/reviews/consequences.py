"""What follows from a review's decisions, in the declarations: users and roles taken out, ends set, files removed.

In: a `Review` whose decisions fit, and the estate. Out: a `Consequence` for each file that changes, and its new text,
in which everything else stays as it was. Effects: none but for `check_consequences`, which reads the new declarations
in a temporary folder, as everybody will, and compares what they grant with what was decided.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from data_exports.access.accesses import Access
from data_exports.errors import RefusedError
from data_exports.estate.fields import PULL_ARNS, PULL_IDENTITIES, SFTP_READERS, USERS
from data_exports.estate.findings import Severity
from data_exports.estate.formatter_layout import UnusualLayoutError
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Dataset, Estate
from data_exports.estate.text_edits import with_end, without_items
from data_exports.json_values import json_as
from data_exports.reviews.models import BY_SFTP, OUTSIDE_AWS, OUTSIDE_ROLE, SENDER, USER, Review, ReviewedDataset
from data_exports.reviews.rows import RowId, accesses_by_row, row_id
from data_exports.text import counted

_LISTS = {
    SENDER: USERS.name,
    USER: USERS.name,
    OUTSIDE_ROLE: PULL_ARNS.name,
    OUTSIDE_AWS: PULL_IDENTITIES.name,
    BY_SFTP: SFTP_READERS.name,
}
"""In which field of a declaration people of each role stand."""


@json_as("dataset path removed last_day is_removed")
@dataclass(frozen=True, slots=True)
class Consequence:
    """What becomes of one dataset's declaration."""

    dataset: str
    path: Path
    removed: tuple[tuple[str, str], ...] = ()
    """Who is taken out: role, and name or ARN."""
    last_day: date | None = None
    """The end that it gets."""
    is_removed: bool = False
    """Whether the whole file goes, because nobody is to keep an access."""

    def __str__(self) -> str:
        if self.is_removed:
            return f"{self.dataset}: removed, with all of its accesses"
        parts = [f"{role} {who} removed" for role, who in self.removed]
        parts += [f"ends with {self.last_day}"] if self.last_day else []
        return f"{self.dataset}: {', '.join(parts)}"


def consequences_of(review: Review, estate: Estate) -> tuple[Consequence, ...]:
    """What the decisions ask for, dataset by dataset; nothing where all is kept."""
    declared = {str(dataset.name): dataset for dataset in estate.datasets()}
    found = [_consequence_of(dataset, declared[dataset.dataset]) for dataset in review.datasets]
    return tuple(each for each in found if each)


def _consequence_of(dataset: ReviewedDataset, declared: Dataset) -> Consequence | None:
    removed = [row for row in dataset.accesses if row.decision and row.decision.verb == "remove"]
    days = [row.decision.last_day for row in dataset.accesses if row.decision and row.decision.last_day]
    path = declared.place.path
    if len(removed) == len(dataset.accesses):
        return Consequence(dataset.dataset, path, is_removed=True)
    if not removed and not days:
        return None
    return Consequence(dataset.dataset, path, tuple((row.role, row.who) for row in removed), min(days, default=None))


def text_after(consequence: Consequence, text: str) -> str:
    """The declaration as it is to be. Raises `RefusedError` when its layout is one that nobody should edit blindly."""
    try:
        for field in sorted(set(_LISTS.values())):
            leaving = [who for role, who in consequence.removed if _LISTS.get(role) == field]
            text = without_items(text, field, leaving) if leaving else text
        return with_end(text, consequence.last_day) if consequence.last_day else text
    except UnusualLayoutError as error:
        next_step = "run `exports fmt` on it and commit that, then close the review again"
        raise RefusedError(f"cannot be edited: {error}", where=str(consequence.path), next_step=next_step) from error


def check_consequences(folder: Path, texts: Mapping[Path, str], review: Review, before: Estate) -> None:
    """Check that these declarations (paths from `folder`) grant what was decided, and nothing else.

    Raises `RefusedError` when they do not.
    """
    with tempfile.TemporaryDirectory(prefix="exports-review-") as temporary:
        root = Path(temporary)
        for path, text in texts.items():
            (root / path).parent.mkdir(exist_ok=True)
            (root / path).write_bytes(text.encode())
        loaded = load_estate(root)
    if loaded.estate is None:
        errors = "\n".join(str(each) for each in loaded.findings if each.severity is Severity.ERROR)
        raise RefusedError(f"what was decided leaves declarations with errors\n{errors}", where=str(folder))
    wanted, found = _wanted(review, before), _ends(accesses_by_row(loaded.estate))
    if wrong := sorted(each for each in wanted.keys() | found.keys() if wanted.get(each, 0) != found.get(each, 0)):
        named = ", ".join(" ".join(each) for each in wrong[:3])
        message = f"the declarations would not say what was decided, {counted(len(wrong), 'time')}: {named}"
        raise RefusedError(message, where=str(folder), next_step="edit them by hand, and report this")


def _wanted(review: Review, before: Estate) -> dict[RowId, date | None]:
    """Every access that is to be, with its last day."""
    decisions = {row_id(dataset.dataset, row): row.decision for dataset, row in review.rows()}
    ends = _ends(accesses_by_row(before))
    return {
        each: (decision.last_day if decision else None) or ends[each]
        for each, decision in decisions.items()
        if decision is None or decision.verb != "remove"
    }


def _ends(accesses: Mapping[RowId, Access]) -> dict[RowId, date | None]:
    return {each: access.last_day for each, access in accesses.items()}
