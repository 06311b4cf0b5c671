"""An access review as a value: datasets with their accesses, each with what was decided about it.

Its fields stand in the tables below, by which the file is read (`review_file`) and written (`review_text`). Nothing
here has effects.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from data_exports.estate.codes import Code
from data_exports.estate.drafts import draft_of
from data_exports.estate.field_types import DATE, FieldType, Located, One, choice_of, line_within, text_in
from data_exports.estate.fields import REQUIRED, Field
from data_exports.estate.file_kinds import REVIEWS_FOLDER, FileKind
from data_exports.estate.findings import FindingCollector, Place
from data_exports.estate.identifier_types import DATASET
from data_exports.estate.yaml_tree import Fields, Items, Node, Text
from data_exports.json_values import json_as
from data_exports.names import DatasetName

T = TypeVar("T")

NO_END = "no end"
NOT_LOOKED_AT = "not looked at"
RECIPIENT, SENDER, USER, OUTSIDE_ROLE, OUTSIDE_AWS, BY_SFTP = ROLES = (
    *("recipient", "sender", "user", "outside role"),
    *("reader outside AWS", "reader by SFTP"),
)
"""Whose access it is, for people: who is sent the files, who sends them, who works with them, who fetches them."""


@json_as("result=verb last_day")
@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of an access."""

    verb: str
    """``keep``, ``shorten`` or ``remove``."""
    last_day: date | None = None
    """Of what is shortened: its new last day, in UTC."""

    def __str__(self) -> str:
        return f"{self.verb} to {self.last_day}" if self.last_day else self.verb


KEEP, REMOVE = Decision("keep"), Decision("remove")


@json_as("who role account? may last_use access decision decided_by?=by reason? is_decided")
@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRow:
    """One access as it was looked at, and what was decided about it."""

    who: str
    """A role of the platform by its name, an outsider by ARN, somebody outside AWS in words, a recipient by where."""
    role: str
    account: str = ""
    """Of outsiders and recipients: the account, with its name; of a recipient outside AWS who it is, in words."""
    may: str
    last_use: str = NOT_LOOKED_AT
    access: str
    """Which access this is about: the beginning of its digest."""
    decision: Decision | None = None
    by: str = ""
    reason: str = ""
    place: Place = field(default=Place(Path("review.yaml")), compare=False)

    @property
    def is_decided(self) -> bool:
        """Whether all that makes a decision is there."""
        return bool(self.decision and self.by and self.reason)


@json_as("dataset kind owner? paperwork until accesses")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedDataset:
    """One dataset of a review."""

    dataset: DatasetName
    kind: str
    """``push`` or ``pull``."""
    owner: str = ""
    paperwork: tuple[str, ...] = ()
    until: str
    """The last day, or `NO_END`."""
    accesses: tuple[AccessRow, ...]
    place: Place = field(default=Place(Path("review.yaml")), compare=False)


@json_as("platform started due digest closed seal? datasets")
@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One access review."""

    platform: str
    """Whose accesses these are: the platform's account, with its name."""
    started: date
    due: date | None = None
    digest: str
    """Of all accesses as they were looked at: `digests`."""
    closed: date | None = None
    seal: str = ""
    """Of the whole review as it was closed."""
    datasets: tuple[ReviewedDataset, ...]
    place: Place = field(default=Place(Path("review.yaml")), compare=False)

    @property
    def name(self) -> str:
        """``2026-Q4``: the name of its file."""
        return self.place.path.stem

    def rows(self) -> Iterator[tuple[ReviewedDataset, AccessRow]]:
        """Every access, with its dataset."""
        return ((dataset, row) for dataset in self.datasets for row in dataset.accesses)

    @property
    def undecided(self) -> tuple[tuple[ReviewedDataset, AccessRow], ...]:
        """The accesses about which somebody has to decide."""
        return tuple((dataset, row) for dataset, row in self.rows() if not row.is_decided)


# --- the types of its fields -----------------------------------------------------------------------------------------


def parse_decision(text: str) -> Decision | None:
    """``keep``, ``remove`` or ``shorten to 2027-03-31``; None when it is neither."""
    if text in ("keep", "remove"):
        return Decision(text)
    found = re.fullmatch("shorten to ([0-9]{4}-[0-9]{2}-[0-9]{2})", text)
    try:
        return Decision("shorten", date.fromisoformat(found[1])) if found else None
    except ValueError:  # such as 30 February
        return None


def _decision(node: Node, report: FindingCollector) -> Located[Decision] | None:
    if (text := text_in(node, report)) is None:
        return None
    if found := parse_decision(text.text):
        return Located(found, text.place)
    hint = "write keep, remove, or shorten to YYYY-MM-DD with a real day"
    report.error(text.place, Code.BAD_DECISION, f"{text.text!r} is no decision", hint)
    return None


def _or_nothing(inner: One[T]) -> One[T]:
    """As `inner`, or a bare name."""

    def read(node: Node, report: FindingCollector) -> Located[T] | None:
        is_empty = isinstance(node, Text) and node.is_empty
        return None if is_empty else inner.read(node, report)

    return FieldType(read, {"anyOf": [inner.schema, {"type": "null"}]}, may_be_empty=True)


def _records_of(kind: Callable[[], FileKind[Any]]) -> FieldType[tuple[Any, ...]]:
    """Lists of mappings; nothing unless every one is right."""

    def read(node: Node, report: FindingCollector) -> tuple[Any, ...] | None:
        if not isinstance(node, Items):
            report.error(node.place, Code.WRONG_SHAPE, "this must be a list", "write each after `- `")
            return None
        found = []
        for item in node.items:
            if isinstance(item, Fields):
                found.append(draft_of(kind(), item, report).model())
            else:
                report.error(item.place, Code.WRONG_SHAPE, "this must be a mapping of fields", "write `name: value`")
                found.append(None)
        return None if None in found else tuple(found)

    return FieldType(read, {"type": "array"}, lambda records: records, may_be_empty=True)


_LINE = line_within(2_000)
_LIST_OF_LINES: FieldType[tuple[Located[str], ...]]


def _lines(node: Node, report: FindingCollector) -> tuple[Located[str], ...] | None:
    nodes = node.items if isinstance(node, Items) else (node,)
    found = [_LINE.read(each, report) for each in nodes]
    return None if None in found else tuple(each for each in found if each)


_LIST_OF_LINES = FieldType(_lines, {"type": "array"}, lambda lines: tuple(line.value for line in lines))

ACCESS_FIELDS = (
    Field("who", _LINE, REQUIRED, "Who it is."),
    Field("role", choice_of(*ROLES), REQUIRED, "As what."),
    Field("account", _LINE, "", "Whose account it is; of a recipient outside AWS who that is."),
    Field("may", _LINE, REQUIRED, "What they may do."),
    Field("last_use", _LINE, NOT_LOOKED_AT, "When it was last used, as far as that is known."),
    Field("access", _LINE, REQUIRED, "Which access this is: the beginning of its digest."),
    Field("decision", _or_nothing(FieldType(_decision, {"type": "string"})), None, "keep, shorten or remove."),
    Field("by", _or_nothing(_LINE), "", "Who decides."),
    Field("reason", _or_nothing(_LINE), "", "Why."),
)
DATASET_FIELDS = (
    Field("dataset", DATASET, REQUIRED, "Name of the dataset."),
    Field("kind", choice_of("push", "pull"), REQUIRED, "Whether files are sent, or fetched."),
    Field("owner", _LINE, "", "Who answers for it."),
    Field("paperwork", _LIST_OF_LINES, (), "On what grounds."),
    Field("until", _LINE, REQUIRED, "The last day, or `no end`."),
    Field("accesses", _records_of(lambda: ACCESS_KIND), REQUIRED, "Who can get at it."),
)
REVIEW_FIELDS = (
    Field("platform", _LINE, REQUIRED, "Whose accesses these are."),
    Field("started", DATE, REQUIRED, "The day on which the accesses were looked up."),
    Field("due", DATE, None, "The day by which all is to be decided."),
    Field("digest", _LINE, REQUIRED, "What exactly was looked at."),
    Field("closed", DATE, None, "The day on which it was closed."),
    Field("seal", _LINE, "", "What exactly was closed."),
    Field("datasets", _records_of(lambda: DATASET_KIND), REQUIRED, "Every dataset."),
)
ACCESS_KIND: FileKind[AccessRow] = FileKind("access", REVIEWS_FOLDER, ACCESS_FIELDS, AccessRow)
DATASET_KIND: FileKind[ReviewedDataset] = FileKind("reviewed dataset", REVIEWS_FOLDER, DATASET_FIELDS, ReviewedDataset)
REVIEW_KIND: FileKind[Review] = FileKind("review", REVIEWS_FOLDER, REVIEW_FIELDS, Review)
