"""A finding is one mistake in a declaration: its place, a permanent code, what is wrong, and what to do."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from data_exports.json_values import json_as
from data_exports.text import printable


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a file something stands; lines and columns count from 1."""

    path: Path
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{printable(str(self.path))}:{self.line}:{self.column}"


class Severity(StrEnum):
    """An error stops every command that needs the estate; a warning is only said."""

    ERROR = "error"
    WARNING = "warning"


@json_as("path=place.path line=place.line column=place.column code severity message next_step?=hint")
@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake; sorts by place. The codes: `data_exports.estate.codes`."""

    place: Place
    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        line = f"{self.place} {self.code} {self.severity}: {printable(self.message)}"
        return f"{line}\n    hint: {printable(self.hint)}" if self.hint else line


def warning(place: Place, code: str, message: str, hint: str = "") -> Finding:
    """A finding that is only said."""
    return Finding(place, code, message, hint, Severity.WARNING)


@dataclass(frozen=True, slots=True)
class FindingCollector:
    """Collects findings while a file is read."""

    findings: list[Finding] = field(default_factory=list)

    def error(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Note a mistake that must be mended."""
        self.findings.append(Finding(place, code, message, hint))

    def warning(self, place: Place, code: str, message: str, hint: str = "") -> None:
        """Note something that should be looked at."""
        self.findings.append(warning(place, code, message, hint))
