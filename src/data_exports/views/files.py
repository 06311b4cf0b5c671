"""What became of declarations' files, for programs.

In: what `check`, `fmt`, `init` and `new` found and did. Out: values for JSON. Effects: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_exports.estate.findings import Finding
from data_exports.estate.formatter import Formatted


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
