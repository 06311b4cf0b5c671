"""``exports check``: every mistake in the declarations, with its place."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from data_exports.cli.options import EstateOption, JsonOption, load
from data_exports.cli.output import Colour, painted, write_data, write_json, write_progress
from data_exports.estate.findings import Finding, Severity
from data_exports.estate.loading import Loaded
from data_exports.estate.models import Place

COLOURS: dict[Severity, Colour] = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    *,
    estate: EstateOption = None,
    as_json: JsonOption = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings, too.")] = False,
) -> None:
    """Find every mistake in the declarations. Needs no AWS.

    Exit code 1 if there are errors (with --strict: or warnings), 0 otherwise.

    Examples:
      exports check
      exports check --estate examples/estate --strict
      exports check --json | jq '.[] | select(.severity == "error")'
    """
    loaded = load(estate)
    if as_json:
        write_json([_facts_of(finding) for finding in loaded.findings])
    else:
        for finding in loaded.findings:
            write_data(_lines_of(finding))
    write_progress(_summary_of(loaded))
    if loaded.errors or (strict and loaded.findings):
        raise typer.Exit(1)


def _lines_of(finding: Finding) -> str:
    severity = painted(finding.severity, COLOURS[finding.severity], bold=True)
    line = f"{_shown(finding.place)} {finding.code} {severity}: {finding.message}"
    return f"{line}\n    hint: {finding.hint}" if finding.hint else line


def _facts_of(finding: Finding) -> dict[str, object]:
    return {
        "path": str(_shown(finding.place).path),
        "line": finding.place.line,
        "column": finding.place.column,
        "code": str(finding.code),
        "severity": str(finding.severity),
        "message": finding.message,
        "hint": finding.hint,
    }


def _shown(place: Place) -> Place:
    """The place with its path from here, if it is below here."""
    here = Path.cwd()
    if not place.path.is_absolute() or not place.path.is_relative_to(here):
        return place
    return Place(place.path.relative_to(here), place.line, place.column)


def _summary_of(loaded: Loaded) -> str:
    counts = Counter(finding.severity for finding in loaded.findings)
    said = [f"{number} {name}{'s' * (number != 1)}" for name, number in sorted(counts.items())]
    found = ", ".join(said) or "no findings"
    if loaded.estate is None:
        return f"{found}: this estate cannot be deployed"
    datasets = f"{len(loaded.estate.push_datasets)} push and {len(loaded.estate.pull_datasets)} pull datasets"
    return f"{datasets}: {found}"
