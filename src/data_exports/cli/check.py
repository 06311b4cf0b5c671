"""``exports check``: every mistake in the declarations, with its place."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from data_exports.cli.completion import complete_codes
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import (
    EstateOption,
    JsonOption,
    declaration_at,
    estate_folder,
    exclude,
    load,
    place_in_estate,
)
from data_exports.cli.output import (
    Colour,
    painted,
    seen_from,
    terminal_width,
    write_data,
    write_foreign_json,
    write_json,
    write_progress,
)
from data_exports.errors import UsageError
from data_exports.estate.codes import CODES
from data_exports.estate.file_kinds import PLATFORM_FILE, REVIEWS_FOLDER
from data_exports.estate.findings import Finding, Severity
from data_exports.estate.loader import Loaded
from data_exports.reviews.checking import check_reviews_in
from data_exports.views.findings import render_files_summary, render_summary

TEXT_COLUMNS = 100
COLOURS: dict[Severity, Colour] = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


@reaches_aws
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Declarations, reviews. Default: all of the estate."),
    ] = None,
    *,
    estate: EstateOption = None,
    as_json: JsonOption = False,
    as_format: Annotated[
        Format | None,
        typer.Option(
            "--format", help="github: annotations of a workflow; sarif: for code scanning. text unless given."
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings, too.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Ask AWS, too: do users' roles exist, and whose are the target buckets?")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="CODE",
            autocompletion=complete_codes,
            help="Explain a finding's code (all: list them), and do nothing else.",
        ),
    ] = None,
) -> None:
    """Find every mistake in the declarations. Needs no AWS, unless --live asks it about roles and buckets.

    With FILE it tells what is wrong in these files, also beside the rest of the estate. Of the reviews in reviews/ it
    tells, too, what is late, and what was decided and not carried out. Exit code 1 if there are errors
    (with --strict: or warnings) among what it tells, 0 otherwise.

    Examples:
      exports check
      exports check push_datasets/court_hearings.yaml
      exports check --estate examples/estate --strict
      exports check --live
      exports check --explain EX406
      exports check --json | jq '.findings[] | select(.severity == "error")'
      exports check --format sarif > exports.sarif
    """
    exclude(
        **{
            "--explain": explain is not None,
            "--json": as_json,
            f"--format {as_format}": as_format not in (None, "json"),
        }
    )
    if explain is not None:
        _explain(explain)
        return
    folder = _estate_of(files, estate) if files else estate_folder(estate)
    loaded = load(folder)
    on_record = check_reviews_in(folder, loaded, datetime.now(UTC).date())
    findings = tuple(sorted([*loaded.findings, *on_record, *(_asked(loaded) if live else ())]))
    if files:
        others, findings = _apart(findings, files)
    _write(findings, Format.JSON if as_json else as_format or Format.TEXT)
    if files:
        write_progress(render_files_summary(len(files), findings, others))
    else:
        write_progress(render_summary(loaded, findings))
    if any(strict or finding.severity is Severity.ERROR for finding in findings):
        raise typer.Exit(1)


def _estate_of(files: Sequence[Path], estate: Path | None) -> Path:
    """The folder of the estate that all these files belong to. Raises `UsageError`."""
    if missing := [path for path in files if not os.path.lexists(path)]:
        raise UsageError("there is no such file", where=str(missing[0]), next_step="check its name")
    first, *others = dict.fromkeys(_folder_of(path, estate) for path in files)
    if others:
        next_step = "check the files of one estate at a time"
        raise UsageError(f"these files are of two estates: {first} and {others[0]}", next_step=next_step)
    return first


def _folder_of(path: Path, estate: Path | None) -> Path:
    """The folder of the estate that a declaration, or a review, belongs to. Raises `UsageError`."""
    whole, folder = place_in_estate(path, estate)
    return folder if whole.parent == folder / REVIEWS_FOLDER else declaration_at(path, estate)[0]


def _apart(findings: Sequence[Finding], files: Sequence[Path]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Those that stand elsewhere, and those in these files."""
    named = {Path(os.path.normpath(path.absolute())) for path in files}
    here = tuple(finding for finding in findings if finding.place.path in named)
    return tuple(finding for finding in findings if finding not in here), here


def _asked(loaded: Loaded) -> tuple[Finding, ...]:
    """What AWS says about the names that could be read."""
    platform = loaded.draft.platform.model() if loaded.draft and loaded.draft.platform else None
    if loaded.draft is None or platform is None:
        write_progress(f"AWS was not asked: {PLATFORM_FILE} does not say enough about the platform")
        return ()
    from data_exports.deploy.live_checks import check_live

    return check_live(loaded.draft, platform, connect(platform.region))


def _explain(name: str) -> None:
    from data_exports.views.reference import codes_listed, explain_plainly

    code = CODES.get(name.upper())
    if code:
        write_data(explain_plainly(code, width=min(terminal_width() or TEXT_COLUMNS, TEXT_COLUMNS)))
    elif name.lower() == "all":
        write_data(codes_listed())
    else:
        raise UsageError(f"there is no code {name!r}", next_step="`exports check --explain all` lists them")


def _write(findings: Sequence[Finding], form: Format) -> None:
    start = Path.cwd()
    if form in (Format.GITHUB, Format.SARIF):  # GitHub wants paths from the top of the checkout
        start = Path(os.environ.get("GITHUB_WORKSPACE") or start)
    shown = [seen_from(start, finding) for finding in findings]
    if form is Format.TEXT:
        for finding in shown:
            write_data(_lines_of(finding), styled=True)
        return
    from data_exports.views.check import SARIF_RESULTS, github_lines, sarif_of  # with the explanations, a long module
    from data_exports.views.files import CheckData

    match form:
        case Format.JSON:
            write_json("check", CheckData(shown))
        case Format.GITHUB:
            for line in github_lines(shown):
                write_data(line)
        case Format.SARIF:
            write_foreign_json(sarif_of(shown))
            if len(shown) > SARIF_RESULTS:
                write_progress(f"{len(shown) - SARIF_RESULTS:,} findings left out: SARIF readers take no more")


def _lines_of(finding: Finding) -> str:
    severity = painted(finding.severity, COLOURS[finding.severity], bold=True)
    return str(finding).replace(f" {finding.severity}: ", f" {severity}: ", 1)
