"""``exports new``: write the declaration of a new dataset."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_exports.access.sizes import with_sizes_checked
from data_exports.cli.asking import ask
from data_exports.cli.options import EstateOption, JsonOption, estate_folder
from data_exports.cli.output import path_from, write_data, write_json, write_progress
from data_exports.errors import ExportsError, RefusedError, UsageError
from data_exports.estate.findings import Finding, Severity
from data_exports.estate.loading import PLATFORM_FILE, load_estate

if TYPE_CHECKING:
    from data_exports.estate.composing import Value
    from data_exports.estate.declarations import FileKind
    from data_exports.estate.drafts import PlatformDraft
    from data_exports.estate.fields import Field

NameArgument = Annotated[str, typer.Argument(help="Name of the dataset: lower case letters, digits, _ and -.")]
UserOption = Annotated[list[str] | None, typer.Option("--user", help="IAM role of the platform; may be repeated.")]
PaperworkOption = Annotated[
    list[str] | None, typer.Option("--paperwork", help="Impact assessment or agreement; may be repeated.")
]
OwnerOption = Annotated[str, typer.Option("--owner", help="Who answers for the dataset.")]
DescriptionOption = Annotated[str, typer.Option("--description", help="What the dataset is.")]
ExpiresOption = Annotated[str, typer.Option("--expires", metavar="YYYY-MM-DD", help="Last day of access.")]

OPTION_OF = {"users": "--user", "pull_arns": "--pull-arn"}
"""Options that are not named after their field."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True)
    group.command("push")(push)
    group.command("pull")(pull)
    app.add_typer(group, name="new", help=HELP)


HELP = """Write the declaration of a new dataset.

Examples:
  exports new push court_hearings
  exports new pull reoffending_statistics --help
"""


def push(
    name: NameArgument,
    *,
    target_bucket: Annotated[str, typer.Option("--target-bucket", help="The recipient's bucket.")] = "",
    target_account: Annotated[str, typer.Option("--target-account", help="Its account: 12 digits.")] = "",
    user: UserOption = None,
    keep_files: Annotated[bool, typer.Option("--keep-files", help="Keep uploads after delivery.")] = False,
    target_kms_key: Annotated[str, typer.Option("--target-kms-key", help="ARN of the recipient's key.")] = "",
    max_concurrency: Annotated[
        int | None, typer.Option("--max-concurrency", min=2, max=1000, help="How many movers deliver at once.")
    ] = None,
    paperwork: PaperworkOption = None,
    owner: OwnerOption = "",
    description: DescriptionOption = "",
    expires: ExpiresOption = "",
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the declaration of files that are delivered to a recipient's bucket.

    Asks for what is not given, on a terminal. The file passes `exports check`, or is not written; no file is
    overwritten.

    Examples:
      exports new push court_hearings
      exports new push court_hearings --target-bucket landing --target-account 203591025782 --user alpha_user_ana
    """
    from data_exports.estate.declarations import PUSH

    values: dict[str, Value] = {
        "name": name,
        "description": description,
        "owner": owner,
        "target_bucket": target_bucket,
        "target_account": target_account,
        "target_kms_key": target_kms_key,
        "keep_files": keep_files,
        "users": user or [],
        "paperwork": paperwork or [],
        "expires": expires,
    }
    if max_concurrency:
        values["max_concurrency"] = max_concurrency
    _make(PUSH, values, estate, as_json=as_json)


def pull(
    name: NameArgument,
    *,
    pull_arn: Annotated[
        list[str] | None, typer.Option("--pull-arn", help="ARN of an outside IAM role; may be repeated.")
    ] = None,
    user: UserOption = None,
    allow_push: Annotated[bool, typer.Option("--allow-push", help="Let the outside roles write, too.")] = False,
    bucket_versioning: Annotated[bool, typer.Option("--bucket-versioning", help="Keep every version.")] = False,
    paperwork: PaperworkOption = None,
    owner: OwnerOption = "",
    description: DescriptionOption = "",
    expires: ExpiresOption = "",
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the declaration of files that outside roles fetch from a bucket of the platform.

    Asks for what is not given, on a terminal. The file passes `exports check`, or is not written; no file is
    overwritten.

    Examples:
      exports new pull reoffending_statistics
      exports new pull tables --pull-arn arn:aws:iam::754256621582:role/reader --user alpha_user_ana --paperwork DPIA-9
    """
    from data_exports.estate.declarations import PULL

    values: dict[str, Value] = {
        "name": name,
        "description": description,
        "owner": owner,
        "pull_arns": pull_arn or [],
        "users": user or [],
        "allow_push": allow_push,
        "bucket_versioning": bucket_versioning,
        "paperwork": paperwork or [],
        "expires": expires,
    }
    _make(PULL, values, estate, as_json=as_json)


def _make(kind: "FileKind", values: "dict[str, Value]", estate: Path | None, *, as_json: bool) -> None:
    from data_exports.estate.schemas import has_schemas, with_header
    from data_exports.estate.writing import create_file

    folder = estate_folder(estate)
    path = folder / kind.folder / f"{values['name']}.yaml"
    _refuse_bad_name(kind, str(values["name"]), path)
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
        write_json({"path": shown, "warnings": [finding.message for finding in warnings]})
    else:
        write_data(str(shown))
    for finding in warnings:
        write_progress(f"warning: {_said(finding)}")
    write_progress("next: look at the file, and open a pull request")


def _refuse_bad_name(kind: "FileKind", name: str, path: Path) -> None:
    from data_exports.estate.composing import check_value

    if problem := check_value(kind.fields[0], name, None):
        raise UsageError(problem.message, next_step=problem.hint)
    if path.exists() or path.is_symlink():
        raise _taken(path)


def _taken(path: Path) -> RefusedError:
    next_step = "edit that file, or choose another name"
    return RefusedError("there is such a file already", where=str(path), next_step=next_step)


def _ask_or_refuse(kind: "FileKind", values: "dict[str, Value]", folder: Path) -> None:
    """Fill in what is missing by asking; nothing is asked if every required value is given."""
    missing = [field for field in kind.fields if field.required and not values[field.name]]
    if not missing:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        options = ", ".join(_option_of(field) for field in missing)
        raise UsageError(f"missing: {options}", next_step="give these options, or run it on a terminal and be asked")
    platform = _platform_of(folder)
    write_progress("Enter leaves out what is not required; Ctrl-C leaves everything as it is.")
    for field in kind.fields:
        if field.name in values and not values[field.name]:  # what is hardly ever set has an option, and no question
            values[field.name] = _asked(field, platform)


def _option_of(field: "Field[Any]") -> str:
    return OPTION_OF.get(field.name, f"--{field.name.replace('_', '-')}")


def _platform_of(folder: Path) -> "PlatformDraft | None":
    from data_exports.estate.drafting import draft_platform
    from data_exports.estate.findings import Report
    from data_exports.estate.reading import read_declaration

    mapping, _ = read_declaration(folder / PLATFORM_FILE)
    return draft_platform(mapping, Report()) if mapping else None


def _asked(field: "Field[Any]", platform: "PlatformDraft | None") -> "Value":
    from data_exports.estate.composing import takes_many
    from data_exports.estate.values import BOOLEAN

    write_progress(field.meaning)
    if field.kind is BOOLEAN:
        return _line(f"{field.name} (y/N)").lower() in {"y", "yes", "true"}
    if not takes_many(field):
        return _right_line(field, field.name, platform, may_be_empty=not field.required)
    items: list[str] = []
    while item := _right_line(
        field,
        f"{field.name} ({'another, or Enter' if items else 'one at a time'})",
        platform,
        may_be_empty=bool(items) or not field.required,
    ):
        items.append(item)
    return items


def _right_line(field: "Field[Any]", prompt: str, platform: "PlatformDraft | None", *, may_be_empty: bool) -> str:
    """A line that is right, asked for until it is."""
    from data_exports.estate.composing import check_value

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


def _composed(kind: "FileKind", values: "Mapping[str, Value]", path: Path) -> str:
    from data_exports.estate.composing import compose
    from data_exports.estate.formatting import CannotFormatError

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
