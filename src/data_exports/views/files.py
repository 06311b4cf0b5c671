"""What became of declarations' files, for programs.

In: what `fmt`, `init` and `new` did. Out: plain data. Effects: none.
"""

from pathlib import Path
from typing import TypedDict

from data_exports.estate.findings import FindingData


class CheckData(TypedDict):
    """Every mistake in the declarations, and every warning."""

    findings: list[FindingData]


class FileData(TypedDict):
    """A file that was looked at; one with a reason was left as it is."""

    path: Path
    changed: bool
    reason: str | None
    findings: list[FindingData]


class FmtData(TypedDict):
    """Every file that was looked at, whether its shape was changed, or would be."""

    files: list[FileData]


class InitData(TypedDict):
    """The files of the new estate, those that were there and stay as they are, and warnings about its settings."""

    made: list[Path]
    kept: list[Path]
    warnings: list[FindingData]
    dry_run: bool


class NewData(TypedDict):
    """The file that was written, and the warnings that it adds."""

    path: Path
    warnings: list[FindingData]


class SchemaData(TypedDict):
    """The JSON Schemas of declarations, by kind of file."""

    platform: dict[str, object]
    push: dict[str, object]
    pull: dict[str, object]
