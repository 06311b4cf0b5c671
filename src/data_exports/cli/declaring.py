"""What `new` and `init` share: options from a table of fields, questions for what they leave open, a dataset's file.

In: fields, and their values as far as they are given. Out: values that are right, one by one. Effects: asks on a
terminal; `make_dataset` writes a file.
"""

import sys
from collections.abc import Mapping, Sequence
from inspect import Parameter
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_exports.access.sizes import with_sizes_checked
from data_exports.cli.asking import ask
from data_exports.cli.completion import complete_users, completer_of_known
from data_exports.cli.output import seen_from, write_progress
from data_exports.errors import ExportsError, RefusedError, UsageError
from data_exports.estate.field_types import BOOLEAN
from data_exports.estate.fields import NAME, PULL_ARNS, TARGET_BUCKET, USERS, Field, Known
from data_exports.estate.file_kinds import FileKind
from data_exports.estate.findings import Finding, Severity
from data_exports.estate.loader import load_estate

if TYPE_CHECKING:
    from data_exports.estate.drafts import EstateDraft, PlatformDraft
    from data_exports.estate.given_singly import Value

OFFERED_AT_MOST = 9
ONLY_BY_OPTIONS: Mapping[Field[Any, Any], str] = {
    TARGET_BUCKET: "a recipient in Azure (--azure-…) or at Google (--google-…)",
    PULL_ARNS: "a reader with tokens (--google-…, --google-transfer-…, --azure-…, --kubernetes-…, --oidc-…) or with an "
    "SSH key (--sftp-…)",
}
"""What may be given in place of a field and is not asked for, unless a part of it is given."""
YES_OR_NO = {"y": True, "yes": True, "true": True, "n": False, "no": False, "false": False}


def option_for(field: Field[Any, Any]) -> tuple[Any, Any]:
    """The annotation and the default of a field's option, as typer takes them from a signature."""
    if field is NAME:
        help_text = f"{field.meaning} Lower case letters, digits, _ and -."
        return Annotated[str, typer.Argument(help=help_text)], Parameter.empty
    name, shown_as, schema = option_of(field), field.type.shown_as or None, field.type.schema
    if field.type is BOOLEAN:
        return Annotated[bool, typer.Option(name, help=field.meaning)], False
    if field.takes_many:
        help_text = f"{field.meaning} May be repeated."
        offers = complete_users if field is USERS else completer_of_known(field.name)
        option = typer.Option(name, help=help_text, metavar=shown_as, autocompletion=offers)
        return Annotated[list[str] | None, option], None
    if schema.get("type") == "integer":
        limits = {"min": schema["minimum"], "max": schema["maximum"]}
        return Annotated[int | None, typer.Option(name, help=field.meaning, **limits)], None
    known = completer_of_known(field.name)
    option = typer.Option(name, help=field.meaning, metavar=shown_as, show_default=False, autocompletion=known)
    return Annotated[str, option], ""


def parameter_of(field: Field[Any, Any]) -> str:
    """The name of the field's parameter: its own, or with a _ where Python has a word of that name."""
    return f"{field.name}_" if iskeyword(field.name) else field.name


def parameters_of(options: Mapping[str, tuple[Any, Any]]) -> list[Parameter]:
    """The parameters of a command that has these options: their annotations and defaults."""
    return [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]


def option_of(field: Field[Any, Any]) -> str:
    """``--pull-arn`` for `pull_arns`: each use of the option adds one."""
    name = field.name.removesuffix("s") if field.takes_many else field.name
    return f"--{name.replace('_', '-')}"


def is_somebody_there() -> bool:
    """Whether there is a terminal to ask at."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_or_refuse(
    fields: Known,
    values: "dict[str, Value]",
    draft: "EstateDraft | None" = None,
    *,
    proposed: Mapping[str, str] | None = None,
    otherwise: str = "",
    at_least_one: Known = (),
    counts: Mapping[Field[Any, Any], int] | None = None,
) -> bool:
    """Fill in what is missing by asking; nothing is asked if every required value is given, or proposed.

    Whether somebody was asked. Of `at_least_one` field one must be given; of a field in `counts` so many values are
    asked for. What is `proposed` is taken by Enter. Raises `UsageError` where there is nobody to ask, and says what may
    be done `otherwise`.
    """
    proposed = proposed or {}
    is_one_there = any(values[field.name] for field in at_least_one)
    needed = [field for field in fields if field.is_required or (field in at_least_one and not is_one_there)]
    missing = [field for field in needed if not values[field.name]]
    open_ones = [field for field in missing if field.name not in proposed]
    if not open_ones:
        values |= {field.name: proposed[field.name] for field in missing}
        return False
    if not is_somebody_there():
        options = ", ".join(option_of(field) for field in open_ones)
        for field in (field for field in open_ones if field in ONLY_BY_OPTIONS):
            otherwise += f" or those of {ONLY_BY_OPTIONS[field]} in place of {option_of(field)},"
        next_step = f"give these options,{otherwise} or run it on a terminal and be asked"
        raise UsageError(f"missing: {options}", next_step=next_step)
    from data_exports.estate.new_declaration import known_values

    known = known_values(draft) if draft else {}
    platform = draft.platform if draft else None
    write_progress("Enter leaves out what is not required; Ctrl-C leaves everything as it is.")
    for field in fields:
        if field.is_asked and not values[field.name]:
            offered = known.get(field.name, [])[:OFFERED_AT_MOST]
            if field in ONLY_BY_OPTIONS and field in needed:
                write_progress(f"(By options of `exports new` instead: {ONLY_BY_OPTIONS[field]}.)")
            values[field.name] = _asked(
                field,
                platform,
                proposed.get(field.name, ""),
                offered,
                is_needed=field in needed,
                count=(counts or {}).get(field, 0),
            )
    return True


def refuse_wrong(fields: Known, values: "dict[str, Value]") -> None:
    """Refuse values given by options that are wrong by themselves, before anything is asked. Raises `UsageError`."""
    from data_exports.estate.new_declaration import check_value

    for field in fields:
        value = values[field.name]
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and each and (problem := check_value(field, each, None)):
                where = "" if field is NAME else option_of(field)
                raise UsageError(problem.message, where=where, next_step=problem.hint)


def _asked(
    field: Field[Any, Any],
    platform: "PlatformDraft | None",
    proposed: str,
    offered: Sequence[str],
    *,
    is_needed: bool,
    count: int,
) -> "Value":
    """What is answered: of a list `count` items, if that is a number, and otherwise as many as there are."""
    write_progress(field.meaning)
    if offered:
        named = ", ".join(f"{number} {each}" for number, each in enumerate(offered, start=1))
        write_progress(f"  known, to be chosen by number: {named}")
    if field.type is BOOLEAN:
        return ask_yes_or_no(field.name, usual=False)
    if not field.takes_many:
        prompt = f"{field.name} [{proposed}]" if proposed else field.name
        may_be_empty = bool(proposed) or not is_needed
        return right_line(field, prompt, platform, may_be_empty=may_be_empty, offered=offered) or proposed
    items: list[str] = []
    while not count or len(items) < count:
        which = f"{len(items) + 1} of {count}" if count else "another, or Enter" if items else "one at a time"
        may_be_empty = not count if items else not is_needed
        item = right_line(field, f"{field.name} ({which})", platform, may_be_empty=may_be_empty, offered=offered)
        if not item:
            break
        items.append(item)
    return items


def ask_yes_or_no(prompt: str, *, usual: bool) -> bool:
    """The answer, asked for until it is one; Enter for the usual one."""
    while True:
        line = line_for(f"{prompt} ({'Y/n' if usual else 'y/N'})").lower()
        if not line:
            return usual
        if line in YES_OR_NO:
            return YES_OR_NO[line]
        write_progress(f"  {line!r} is neither yes nor no: type y or n, or Enter for {'yes' if usual else 'no'}")


def right_line(
    field: Field[Any, Any],
    prompt: str,
    platform: "PlatformDraft | None" = None,
    *,
    may_be_empty: bool = False,
    offered: Sequence[str] = (),
) -> str:
    """A line that is right, asked for until it is; the number of what is offered stands for it."""
    from data_exports.estate.new_declaration import check_value

    while True:
        line = line_for(prompt)
        if not line and may_be_empty:
            return ""
        if line in (numbers := [str(number) for number in range(1, len(offered) + 1)]):
            return offered[numbers.index(line)]
        problem = check_value(field, line, platform)
        if problem is None:
            return line
        write_progress(f"  {said_of(problem)}")


def line_for(prompt: str) -> str:
    """What is typed for an answer. Raises `KeyboardInterrupt` for Ctrl-D, too: nobody answers any more."""
    line = ask(f"  {prompt}: ")
    if line is None:
        raise KeyboardInterrupt
    return line.strip()


# --- a dataset's file -------------------------------------------------------------------------------------------------


def make_dataset(kind: FileKind[Any], values: "dict[str, Value]", folder: Path) -> tuple[Path, list[Finding]]:
    """Write the declaration of a new dataset, asking for what is missing; its path, and the warnings it draws.

    Raises `UsageError` and `RefusedError`; then nothing is written.
    """
    from data_exports.estate.atomic_files import create_file
    from data_exports.estate.given_singly import fields_given_singly
    from data_exports.estate.schemas import has_schemas, with_header

    path = folder / kind.folder / f"{values['name']}.yaml"
    draft = load_estate(folder).draft
    refuse_wrong(fields_given_singly(kind), values)
    if path.exists() or path.is_symlink():
        raise _taken(path)
    _ask_for_dataset(kind, values, draft)
    text = composed(kind, values, path)
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
    return path, warnings


def _ask_for_dataset(kind: FileKind[Any], values: "dict[str, Value]", draft: "EstateDraft | None") -> None:
    """Fill in the rest: of destinations and readers outside AWS those that are begun. Raises `UsageError`."""
    from data_exports.estate.given_singly import fields_given_singly, groups_of

    groups = groups_of(kind)
    begun = [group for group in groups if group.is_given(values)]
    for group in begun:
        if unpaired := group.unpaired(values):
            given = ", ".join(f"{option_of(part)} {count}" for part, count in unpaired)
            next_step = "give each of these options once for each reader, in the readers' order"
            raise UsageError(f"the parts of readers are not given equally often: {given}", next_step=next_step)
    left_out = {part for group in groups if group not in begun for part in group.parts.values()}
    if any(group.field in kind.exactly_one for group in begun):
        left_out |= {field for field in kind.fields if field.attribute.startswith("destination.")}
    ask_or_refuse(
        tuple(field for field in fields_given_singly(kind) if field not in left_out),
        values,
        draft,
        at_least_one=() if begun else tuple(field for field in kind.at_least_one if field.is_asked),
        counts={part: count for group in begun for part, count in group.wanted(values).items()},
    )


def _taken(path: Path) -> RefusedError:
    next_step = "edit that file, or choose another name"
    return RefusedError("there is such a file already", where=str(path), next_step=next_step)


def composed(kind: FileKind[Any], values: "Mapping[str, Value]", path: Path) -> str:
    """The text of the file. Raises `UsageError` with what is wrong in single values."""
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
    return without_errors([finding for finding in after if finding not in before], path)


def without_errors(findings: list[Finding], path: Path) -> list[Finding]:
    """The findings that a new file adds. Raises `RefusedError` if errors are among them."""
    errors = tuple(finding for finding in findings if finding.severity is Severity.ERROR)
    if errors:
        raise RefusedError("this estate cannot take the file", where=str(path), next_step=_listed(errors))
    return findings


def write_warnings(findings: list[Finding]) -> None:
    """Say each of these warnings."""
    for finding in findings:
        write_progress(f"warning: {said_of(finding)}")


def seen_from_here(findings: list[Finding]) -> list[Finding]:
    """These warnings for programs, with paths from here."""
    return [seen_from(Path.cwd(), finding) for finding in findings]


def _listed(findings: tuple[Finding, ...]) -> str:
    return "\n  ".join(["mend this:", *(said_of(finding) for finding in findings)])


def said_of(finding: Finding) -> str:
    """What is wrong, and what to do."""
    return f"{finding.message}: {finding.hint}" if finding.hint else finding.message
