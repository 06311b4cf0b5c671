"""``exports new``: write the declaration of a new dataset. Its options, and what it asks, are the table's fields."""

import sys
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_exports.access.sizes import with_sizes_checked
from data_exports.cli.asking import ask
from data_exports.cli.options import EstateOption, JsonOption, estate_folder
from data_exports.cli.output import path_from, seen_from, write_data, write_json, write_progress
from data_exports.errors import ExportsError, RefusedError, UsageError
from data_exports.estate.field_types import BOOLEAN
from data_exports.estate.fields import NAME, Field
from data_exports.estate.file_kinds import PLATFORM, PLATFORM_FILE, PULL, PUSH, FileKind
from data_exports.estate.findings import Finding, Severity, finding_as_data
from data_exports.estate.loader import load_estate

if TYPE_CHECKING:
    from data_exports.estate.drafts import PlatformDraft
    from data_exports.estate.new_declaration import Value
    from data_exports.views.files import NewData

HELP = """Write the declaration of a new dataset.

Examples:
  exports new push court_hearings
  exports new pull reoffending_statistics --help
"""
_HELP_OF = """Write the declaration of files that {what}.

Asks for what is not given, on a terminal. The file passes `exports check`, or is not written; no file is
overwritten.

Examples:
  {examples}
"""
PUSH_HELP = _HELP_OF.format(
    what="are delivered to a recipient's bucket",
    examples="""exports new push court_hearings
  exports new push court_hearings --target-bucket landing --target-account 203591025782 --user alpha_user_ana""",
)
PULL_HELP = _HELP_OF.format(
    what="outside roles fetch from a bucket of the platform",
    examples="""exports new pull reoffending_statistics
  exports new pull tables --pull-arn arn:aws:iam::754256621582:role/reader --user alpha_user_ana --paperwork DPIA-9""",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True)
    group.command("push", help=PUSH_HELP)(_command_for(PUSH))
    group.command("pull", help=PULL_HELP)(_command_for(PULL))
    app.add_typer(group, name="new", help=HELP)


def _command_for(kind: FileKind[Any]) -> Callable[..., None]:
    """The command that makes such a file; typer takes its options from the signature, and that is the table's."""

    def command(*, estate: Path | None, as_json: bool, **values: Any) -> None:
        _make(kind, values, estate, as_json=as_json)

    common = {"estate": (EstateOption, None), "as_json": (JsonOption, False)}
    options = {**{field.name: _option_for(field) for field in kind.fields}, **common}
    parameters = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return command


def _option_for(field: Field[Any, Any]) -> tuple[Any, Any]:
    """The annotation and the default of a field's option."""
    if field is NAME:
        help_text = f"{field.meaning} Lower case letters, digits, _ and -."
        return Annotated[str, typer.Argument(help=help_text)], Parameter.empty
    name, shown_as, schema = _option_of(field), field.type.shown_as or None, field.type.schema
    if field.type is BOOLEAN:
        return Annotated[bool, typer.Option(name, help=field.meaning)], False
    if field.takes_many:
        return Annotated[list[str] | None, typer.Option(name, help=f"{field.meaning} May be repeated.")], None
    if schema.get("type") == "integer":
        limits = {"min": schema["minimum"], "max": schema["maximum"]}
        return Annotated[int | None, typer.Option(name, help=field.meaning, **limits)], None
    return Annotated[str, typer.Option(name, help=field.meaning, metavar=shown_as)], ""


def _make(kind: FileKind[Any], values: "dict[str, Value]", estate: Path | None, *, as_json: bool) -> None:
    from data_exports.estate.atomic_files import create_file
    from data_exports.estate.schemas import has_schemas, with_header

    folder = estate_folder(estate)
    path = folder / kind.folder / f"{values['name']}.yaml"
    _refuse_bad_name(str(values["name"]), path)
    _ask_or_refuse(kind, values, folder)
    text = _composed(kind, values, path)
    if has_schemas(folder):
        text = with_header(text, path, kind, estate=folder)
    warnings = _check_in_estate(folder, path, text)
    try:
        path.parent.mkdir(exist_ok=True)
        create_file(path, text)
    except FileExistsError as error:
        raise _taken(path) from error
    except OSError as error:
        raise ExportsError(f"cannot be written: {error.strerror}", where=str(path), next_step="mend that") from error
    shown = path_from(Path.cwd(), path)
    if as_json:
        said: NewData = {"path": shown, "warnings": [finding_as_data(seen_from(Path.cwd(), each)) for each in warnings]}
        write_json("new", said)
    else:
        write_data(str(shown))
    for finding in warnings:
        write_progress(f"warning: {_said(finding)}")
    write_progress("next: look at the file, and open a pull request")


def _refuse_bad_name(name: str, path: Path) -> None:
    from data_exports.estate.new_declaration import check_value

    if problem := check_value(NAME, name, None):
        raise UsageError(problem.message, next_step=problem.hint)
    if path.exists() or path.is_symlink():
        raise _taken(path)


def _taken(path: Path) -> RefusedError:
    next_step = "edit that file, or choose another name"
    return RefusedError("there is such a file already", where=str(path), next_step=next_step)


def _ask_or_refuse(kind: FileKind[Any], values: "dict[str, Value]", folder: Path) -> None:
    """Fill in what is missing by asking; nothing is asked if every required value is given."""
    missing = [field for field in kind.fields if field.is_required and not values[field.name]]
    if not missing:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        options = ", ".join(_option_of(field) for field in missing)
        raise UsageError(f"missing: {options}", next_step="give these options, or run it on a terminal and be asked")
    platform = _platform_of(folder)
    write_progress("Enter leaves out what is not required; Ctrl-C leaves everything as it is.")
    for field in kind.fields:
        if field.is_asked and not values[field.name]:
            values[field.name] = _asked(field, platform)


def _option_of(field: Field[Any, Any]) -> str:
    """``--pull-arn`` for `pull_arns`: each use of the option adds one."""
    name = field.name.removesuffix("s") if field.takes_many else field.name
    return f"--{name.replace('_', '-')}"


def _platform_of(folder: Path) -> "PlatformDraft | None":
    from data_exports.estate.declaration_file import read_declaration
    from data_exports.estate.drafts import draft_of
    from data_exports.estate.findings import FindingCollector

    mapping, _ = read_declaration(folder / PLATFORM_FILE)
    return draft_of(PLATFORM, mapping, FindingCollector()) if mapping else None


def _asked(field: Field[Any, Any], platform: "PlatformDraft | None") -> "Value":
    write_progress(field.meaning)
    if field.type is BOOLEAN:
        return _line(f"{field.name} (y/N)").lower() in {"y", "yes", "true"}
    if not field.takes_many:
        return _right_line(field, field.name, platform, may_be_empty=not field.is_required)
    items: list[str] = []
    while item := _right_line(
        field,
        f"{field.name} ({'another, or Enter' if items else 'one at a time'})",
        platform,
        may_be_empty=bool(items) or not field.is_required,
    ):
        items.append(item)
    return items


def _right_line(field: Field[Any, Any], prompt: str, platform: "PlatformDraft | None", *, may_be_empty: bool) -> str:
    """A line that is right, asked for until it is."""
    from data_exports.estate.new_declaration import check_value

    while True:
        line = _line(prompt)
        if not line and may_be_empty:
            return ""
        problem = check_value(field, line, platform)
        if problem is None:
            return line
        write_progress(f"  {_said(problem)}")


def _line(prompt: str) -> str:
    line = ask(f"  {prompt}: ")
    if line is None:  # Ctrl-D: nobody answers any more
        raise KeyboardInterrupt
    return line.strip()


def _composed(kind: FileKind[Any], values: "Mapping[str, Value]", path: Path) -> str:
    from data_exports.estate.formatter import CannotFormatError
    from data_exports.estate.new_declaration import compose

    try:
        return compose(kind, values, path)
    except CannotFormatError as error:
        raise UsageError("the file would hold errors", where=str(path), next_step=_listed(error.findings)) from error


def _check_in_estate(folder: Path, path: Path, text: str) -> list[Finding]:
    """The warnings that the file adds. Raises `RefusedError` with the errors that it adds, if there are any."""
    before = with_sizes_checked(load_estate(folder)).findings
    after = with_sizes_checked(load_estate(folder, proposed={path: text})).findings
    added = [finding for finding in after if finding not in before]
    errors = tuple(finding for finding in added if finding.severity is Severity.ERROR)
    if errors:
        raise RefusedError("this estate cannot take the file", where=str(path), next_step=_listed(errors))
    return added


def _listed(findings: tuple[Finding, ...]) -> str:
    return "\n  ".join(["mend this:", *(_said(finding) for finding in findings)])


def _said(finding: Finding) -> str:
    return f"{finding.message}: {finding.hint}" if finding.hint else finding.message
