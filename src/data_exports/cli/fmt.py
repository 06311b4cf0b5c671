"""``exports fmt``: declarations in the one plain shape, comments kept."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_exports.cli.options import EstateOption, JsonOption, declaration_at, estate_folder
from data_exports.cli.output import path_from, seen_from, write_data, write_json, write_progress
from data_exports.errors import ExportsError

if TYPE_CHECKING:
    from data_exports.estate.file_kinds import FileKind
    from data_exports.estate.formatter import Formatted


def fmt(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Declarations. Default: all of the estate.")
    ] = None,
    *,
    estate: EstateOption = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail if a file would change.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Rewrite declarations into the plain shape.

    Fields in one order, two spaces a level, one list item a line, account ids in quotes, true and false, today's
    spelling of each field. Comments stay with what they belong to. What a file means never changes: a file that holds
    errors is left as it is. Exit code 1 if there is one, or with --check if a file would change.

    Examples:
      exports fmt
      exports fmt --check
      exports fmt push_datasets/court_hearings.yaml
    """
    from data_exports.estate.formatter import format_file
    from data_exports.views.files import FmtData, render_changed, render_counts, render_left

    done = [format_file(path, kind) for path, kind in _chosen(files, estate)]
    left = [each for each in done if each.reason]
    changed = [each for each in done if each.is_changed]
    for each in () if check else changed:
        _replace(each)
    if as_json:
        write_json("fmt", FmtData([_seen_from_here(each) for each in done]))
    else:
        for each in changed:
            write_data(render_changed(_shown(each), only_checked=check))
    for each in left:
        write_progress(render_left(replace(each, path=_shown(each))))
    write_progress(render_counts(len(done), len(changed), len(left), only_checked=check))
    if left or (check and changed):
        raise typer.Exit(1)


def _chosen(files: list[Path] | None, estate: Path | None) -> "list[tuple[Path, FileKind[Any]]]":
    """Each file with its kind."""
    from data_exports.estate.loader import files_of

    if not files:
        return list(files_of(estate_folder(estate)))
    return [(path, declaration_at(path, estate)[1]) for path in files]


def _replace(formatted: "Formatted") -> None:
    """Put the new text in the file's place at once."""
    from data_exports.estate.atomic_files import replace_file

    try:
        replace_file(formatted.path, formatted.text)
    except OSError as error:
        raise ExportsError(
            f"cannot be written: {error.strerror}", where=str(formatted.path), next_step="mend that, and run fmt again"
        ) from error


def _shown(formatted: "Formatted") -> Path:
    return path_from(Path.cwd(), formatted.path)


def _seen_from_here(formatted: "Formatted") -> "Formatted":
    findings = tuple(seen_from(Path.cwd(), finding) for finding in formatted.findings)
    return replace(formatted, path=_shown(formatted), findings=findings)
