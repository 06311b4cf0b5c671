"""``exports init``: an estate from nothing. Its options, and what it asks, are the table's fields."""

import json
import os
from inspect import Parameter, Signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_exports.cli.connecting import connect, reaches_aws, region_in_use
from data_exports.cli.declaring import (
    ask_or_refuse,
    ask_yes_or_no,
    composed,
    is_somebody_there,
    line_for,
    make_dataset,
    option_for,
    parameters_of,
    refuse_wrong,
    right_line,
    seen_from_here,
    without_errors,
    write_warnings,
)
from data_exports.cli.options import JsonOption
from data_exports.cli.output import path_from, write_data, write_json, write_progress
from data_exports.errors import AwsError, ExportsError, RefusedError, UsageError
from data_exports.estate.fields import ACCOUNT_ID, NAME, REGION
from data_exports.estate.file_kinds import PLATFORM, PLATFORM_FILE, PULL, PUSH
from data_exports.estate.findings import Finding
from data_exports.estate.loader import load_estate
from data_exports.estate.new_estate import (
    CODE_OWNERS,
    EXPORTS_FROM,
    GITHUB_FIELDS,
    SETTINGS,
    files_of_new_estate,
    parse_pinned_repository,
)
from data_exports.text import printable, shell_word, word

if TYPE_CHECKING:
    from data_exports.estate.given_singly import Value

HELP = f"""Make an estate: its settings, folders, README, and for GitHub CODEOWNERS and workflows.

Account and region are those of your credentials, unless given. On a terminal it asks for what is not given, and
makes a first dataset if wanted. It overwrites nothing, and makes all of it or nothing: a folder with {PLATFORM_FILE}
is refused, any other file that is there stays as it is.

Examples:
  exports init our-exports
  exports init --account 593291632749 --region eu-west-1 --hub-bucket example-hub --pull-bucket-prefix example-
    --user-role 'alpha_user_*' --alert exports@example.gov.uk
    --contact exports@example.gov.uk --no-github
"""
ANY_REGION = "us-east-1"
"""Whichever is asked who we are, it answers."""

FolderArgument = Annotated[Path, typer.Argument(metavar="[DIR]", help="Where; this folder unless given.")]
NoGithubOption = Annotated[bool, typer.Option("--no-github", help="Make no files for GitHub.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be made, and make nothing.")]


def register(app: typer.Typer) -> None:
    """Add the command."""

    def init(*, folder: Path, no_github: bool, dry_run: bool, as_json: bool, **values: Any) -> None:
        _make(folder, values, with_github=not no_github, is_dry_run=dry_run, as_json=as_json)

    options = {
        **{field.name: option_for(field) for field in (*SETTINGS, *GITHUB_FIELDS)},
        "no_github": (NoGithubOption, False),
        "dry_run": (DryRunOption, False),
        "as_json": (JsonOption, False),
    }
    folder = Parameter("folder", Parameter.KEYWORD_ONLY, default=Path(), annotation=FolderArgument)
    init.__signature__ = Signature([folder, *parameters_of(options)])  # type: ignore[attr-defined]
    app.command("init", help=HELP)(reaches_aws(init))


def _make(folder: Path, values: "dict[str, Value]", *, with_github: bool, is_dry_run: bool, as_json: bool) -> None:
    from data_exports.estate.atomic_files import create_files

    path = folder / PLATFORM_FILE
    _refuse_folder(folder, with_github=with_github)
    refuse_wrong((*SETTINGS, *GITHUB_FIELDS), values)
    has_asked = _fill_in(values, with_github=with_github)
    settings = {field.name: values[field.name] for field in SETTINGS}
    declaration = composed(PLATFORM, settings, path)
    loaded = load_estate(folder, proposed={path: declaration})
    warnings = without_errors([finding for finding in loaded.findings if finding.place.path == path], path)
    texts = {folder / name: text for name, text in _texts(values, declaration).items()}
    kept = [each for each in texts if os.path.lexists(each)]
    new = {each: text for each, text in texts.items() if each not in kept}
    if not is_dry_run:
        try:
            create_files(new)
        except FileExistsError as error:
            raise _taken(path) from error
        except OSError as error:
            where = str(error.filename or folder)
            raise ExportsError(f"cannot be written: {error.strerror}", where=where, next_step="mend that") from error
    _tell(folder, list(new), kept, warnings, is_dry_run=is_dry_run, as_json=as_json)
    if has_asked and not is_dry_run and not as_json:
        _offer_dataset(folder)


def _refuse_folder(folder: Path, *, with_github: bool) -> None:
    if os.path.lexists(folder / PLATFORM_FILE):
        raise _taken(folder / PLATFORM_FILE)
    if os.path.lexists(folder) and not folder.is_dir():
        raise UsageError("this is no folder", where=str(folder), next_step="name one, which may be new")
    here = folder.absolute()
    top = next((above for above in here.parents if (above / ".git").exists()), None)
    if with_github and top and not (here / ".git").exists():
        raise UsageError(
            f"GitHub reads workflows and CODEOWNERS at the top of a repository only, which is {top}",
            where=str(folder),
            next_step="run it there, or add --no-github",
        )


def _taken(path: Path) -> RefusedError:
    next_step = "edit that file, and add datasets with `exports new`; for another estate, name another folder"
    return RefusedError("there is an estate already", where=str(path), next_step=next_step)


def _fill_in(values: "dict[str, Value]", *, with_github: bool) -> bool:
    """Complete the values; whether somebody was asked."""
    proposed = _from_credentials(values)
    source = _installed_from()
    if source:
        proposed[EXPORTS_FROM.name] = source
    is_github_given = any(values[field.name] for field in GITHUB_FIELDS)
    if not with_github:
        return ask_or_refuse(SETTINGS, values, proposed=proposed)
    if is_github_given or not is_somebody_there():
        otherwise = " or --no-github instead of the last ones," * (not is_github_given)
        return ask_or_refuse((*SETTINGS, *GITHUB_FIELDS), values, proposed=proposed, otherwise=otherwise)
    ask_or_refuse(SETTINGS, values, proposed=proposed)
    write_progress("Files for GitHub: CODEOWNERS, and workflows that check, plan and deploy.")
    if ask_yes_or_no("github", usual=True):
        ask_or_refuse(GITHUB_FIELDS, values, proposed=proposed)
    return True


def _from_credentials(values: "dict[str, Value]") -> dict[str, str]:
    """The account and the region of the caller's credentials, as far as they are not given and can be found out."""
    if values[ACCOUNT_ID.name] and values[REGION.name]:
        return {}
    from data_exports.aws import aws_errors
    from data_exports.estate.new_declaration import check_value

    found: dict[str, str] = {}
    try:
        region = values[REGION.name] or region_in_use()
        if isinstance(region, str) and region and not check_value(REGION, region, None):
            found[REGION.name] = region
        if not values[ACCOUNT_ID.name]:
            with aws_errors():
                found[ACCOUNT_ID.name], arn = connect(found.get(REGION.name, ANY_REGION)).caller()
            write_progress(f"your credentials: {arn}, in account {found[ACCOUNT_ID.name]}")
    except AwsError as error:
        write_progress(f"AWS does not say which account is yours: {error.what}")
    return found


def _installed_from() -> str:
    from importlib.metadata import PackageNotFoundError, distribution  # takes long

    try:
        return source_in(distribution("data-exports").read_text("direct_url.json") or "{}")
    except PackageNotFoundError:  # it runs from a folder, and is not installed
        return ""


def source_in(direct_url: str) -> str:
    """Where this program was installed from, if that is a commit on GitHub.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    try:
        about = json.loads(direct_url)
        return str(parse_pinned_repository(f"{about['url']}@{about['vcs_info']['commit_id']}"))
    except (KeyError, TypeError, ValueError):
        return ""


def _texts(values: "dict[str, Value]", declaration: str) -> dict[str, str]:
    from data_exports.local.folders import example_estate_folder

    workflows = (example_estate_folder() / ".github" / "workflows").glob("*.yaml")
    owners, source = values[CODE_OWNERS.name], str(values[EXPORTS_FROM.name] or "")
    return files_of_new_estate(
        declaration,
        values,
        code_owners=tuple(owners) if isinstance(owners, list) else (),
        source=parse_pinned_repository(source) if source else None,
        workflows={path.name: path.read_text(encoding="utf-8") for path in workflows},
    )


def _tell(
    folder: Path, made: list[Path], kept: list[Path], warnings: list[Finding], *, is_dry_run: bool, as_json: bool
) -> None:
    shown, left = ([path_from(Path.cwd(), each) for each in paths] for paths in (made, kept))
    if as_json:
        from data_exports.views.files import InitData

        write_json("init", InitData(shown, left, seen_from_here(warnings), is_dry_run))
    else:
        for path in shown:
            write_data(printable(str(path)))
    for path in left:
        write_progress(printable(f"left as it is: {path}"))
    write_warnings(warnings)
    if is_dry_run:
        write_progress("nothing is made: --dry-run")
        return
    given = str(folder) if word(str(folder)) == str(folder) else shell_word(str(folder))
    named = "" if folder.absolute() == Path.cwd() else f" --estate {given}"
    then = "; README.md says how to go on" if folder / "README.md" in made else ""
    write_progress(f"next: exports check{named}{then}")


def _offer_dataset(folder: Path) -> None:
    """Make a first dataset, if wanted."""
    from data_exports.estate.given_singly import fields_given_singly

    kinds = {kind.name: kind for kind in (PUSH, PULL)}
    write_progress("A first dataset: push delivers files to a recipient's bucket, pull lets outside roles fetch them.")
    while answer := line_for("push, pull, or Enter for none").lower():
        if answer in kinds:
            break
        write_progress(f"  {answer!r} is neither push nor pull")
    else:
        return
    write_progress(f"{NAME.meaning} Lower case letters, digits, _ and -.")
    values: dict[str, Value] = {field.name: "" for field in fields_given_singly(kinds[answer])}
    path, warnings = make_dataset(kinds[answer], {**values, NAME.name: right_line(NAME, NAME.name)}, folder)
    write_data(printable(str(path_from(Path.cwd(), path))))
    write_warnings(warnings)
