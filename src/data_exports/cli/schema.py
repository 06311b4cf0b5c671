"""``exports schema``: JSON Schemas of declarations, for editors."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from data_exports.cli.options import EstateOption, estate_folder
from data_exports.cli.output import path_from, write_data, write_foreign_json, write_json, write_progress
from data_exports.errors import ExportsError, UsageError


class KindName(StrEnum):
    """The kinds of file."""

    PLATFORM = "platform"
    PUSH = "push"
    PULL = "pull"


def schema(
    kind: Annotated[KindName | None, typer.Argument(help="The kind of file. Default: all, by kind.")] = None,
    *,
    estate: EstateOption = None,
    write: Annotated[
        bool,
        typer.Option("--write", help="Put the schemas into the estate, and their name into each file."),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail if --write would.")] = False,
) -> None:
    """Print JSON Schemas of declarations, or put them to use.

    With --write, editors that know YAML's language server (VS Code, IntelliJ, Neovim and others) complete fields, show
    what they mean and mark mistakes while you write. Every file gets a first line that names its schema; commit both.

    Examples:
      exports schema push
      exports schema --write
      exports schema --check
    """
    from data_exports.estate.file_kinds import FILE_KINDS
    from data_exports.estate.schemas import schema_of

    if write or check:
        if kind:
            raise UsageError("--write and --check are for all kinds of file", next_step="leave out the kind")
        _put_to_use(estate_folder(estate), check=check)
    elif kind:
        write_foreign_json(schema_of(next(each for each in FILE_KINDS if each.name == kind)))
    else:
        from data_exports.views.files import SchemaData

        write_json("schema", SchemaData(**{each.name: schema_of(each) for each in FILE_KINDS}))


def _put_to_use(folder: Path, *, check: bool) -> None:
    from data_exports.estate.schemas import headed_texts, schema_texts
    from data_exports.text import counted
    from data_exports.views.files import render_changed

    changed = [(path, text) for path, text in (*schema_texts(folder), *headed_texts(folder)) if _differs(path, text)]
    for path, text in changed:
        if not check:
            _put(path, text)
        write_data(render_changed(path_from(Path.cwd(), path), only_checked=check))
    write_progress(f"{counted(len(changed), 'file')} {'would change' if check else 'changed'}")
    if check and changed:
        raise typer.Exit(1)


def _differs(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() != text.encode()
    except OSError:
        return True


def _put(path: Path, text: str) -> None:
    from data_exports.estate.atomic_files import create_file, replace_file

    try:
        if path.exists():
            replace_file(path, text)
        else:
            path.parent.mkdir(exist_ok=True)
            create_file(path, text)
    except OSError as error:
        raise ExportsError(
            f"cannot be written: {error.strerror}", where=str(path), next_step="mend that, and run it again"
        ) from error
