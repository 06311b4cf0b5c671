"""What became of declarations' files, for people and for programs.

In: what `check`, `fmt`, `init`, `new` and `schema` found and did. Out: text, and values for JSON. Effects: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_exports.estate.findings import Finding
from data_exports.estate.formatter import Formatted
from data_exports.text import counted, printable


def render_changed(path: Path, *, only_checked: bool) -> str:
    """A file whose text is changed, or would be."""
    return printable(f"{_changed(only_checked=only_checked)} {path}")


def render_left(left: Formatted) -> str:
    """A file that is left as it is, and what is wrong in it."""
    findings = (str(replace(each, place=replace(each.place, path=left.path))) for each in left.findings)
    return "\n".join([printable(f"left as it is: {left.path}: {left.reason}"), *findings])


def render_counts(count: int, changed: int, left: int = 0, *, only_checked: bool) -> str:
    """How many files there are, and what became of them."""
    said = [counted(count, "file"), f"{changed} {_changed(only_checked=only_checked)}"]
    return ", ".join([*said, *([f"{left} left as they are"] if left else [])])


def _changed(*, only_checked: bool) -> str:
    return "would change" if only_checked else "changed"


@dataclass(frozen=True, slots=True)
class CheckData:
    """Every mistake in the declarations, and every warning."""

    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class FmtData:
    """Every file that was looked at, whether its shape was changed, or would be; one with a reason stays as it is."""

    files: Sequence[Formatted]


@dataclass(frozen=True, slots=True)
class InitData:
    """The files of the new estate, those that were there and stay as they are, and warnings about its settings."""

    made: Sequence[Path]
    kept: Sequence[Path]
    warnings: Sequence[Finding]
    dry_run: bool


@dataclass(frozen=True, slots=True)
class NewData:
    """The file that was written, and the warnings that it adds."""

    path: Path
    warnings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class SchemaData:
    """The JSON Schemas of declarations, by kind of file."""

    platform: Mapping[str, object]
    push: Mapping[str, object]
    pull: Mapping[str, object]
