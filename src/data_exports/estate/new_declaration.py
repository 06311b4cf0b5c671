"""A new declaration from single values: the text of its file, and what is wrong with one value. Pure.

In: a kind of file, and values by the names of its fields. Out: text in the plain shape, findings.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from data_exports.destinations.kinds import OUTSIDE_KINDS
from data_exports.estate.codes import Code
from data_exports.estate.destination_types import part_type
from data_exports.estate.drafts import Draft, EstateDraft, PlatformDraft
from data_exports.estate.field_types import BOOLEAN
from data_exports.estate.fields import (
    ACCOUNTS,
    EXPIRES,
    PAPERWORK,
    PULL_ARNS,
    REQUIRED,
    TARGET_ACCOUNT,
    TARGET_BUCKET,
    USERS,
    Field,
    Known,
)
from data_exports.estate.file_kinds import PLATFORM, PUSH, FileKind
from data_exports.estate.findings import Finding, FindingCollector, Place
from data_exports.estate.formatter import format_declaration
from data_exports.estate.identifier_types import ACCOUNT
from data_exports.estate.rules.paperwork import check_ends, check_paperwork
from data_exports.estate.rules.people import check_users_are_allowed
from data_exports.estate.yaml_tree import Items, Text
from data_exports.names import AccountId

Value = str | bool | int | list[str]

TARGET_PARTS: Mapping[str, Mapping[str, Field[Any, Any]]] = {
    target: {
        name: Field(
            f"{target.removeprefix('target_')}_{name}",
            part_type(part),
            REQUIRED if part.is_required else None,
            part.meaning,
        )
        for name, part in kind.parts.items()
    }
    for target, kind in OUTSIDE_KINDS.items()
}
"""The parts of each destination outside AWS, given one by one: by the field that declares it, and their names in it."""


def fields_given_singly(kind: FileKind[Any]) -> Known:
    """The fields of a file whose values can be given one by one."""
    found: list[Field[Any, Any]] = []
    for field in kind.fields:
        if field.name in TARGET_PARTS:
            found += TARGET_PARTS[field.name].values()
        elif not field.is_nested:
            found.append(field)
    return tuple(found)


def compose(kind: FileKind[Any], values: Mapping[str, Value], path: Path) -> str:
    """The text of a file; fields without a value are left out.

    Raises `CannotFormatError` with the errors; `path` is for their places.
    """
    given = {name: value for name, value in values.items() if value}
    # Quoted first, so that no value can be taken for anything else; formatting takes off what is not needed.
    lines = [f"{name}: {_written(_single(name, value))}\n" for name, value in _in_one(given).items()]
    if kind is PLATFORM:
        lines = ["platform:\n", *(f"  {line}" for line in lines)]
    return format_declaration("".join(lines), path, kind)


def _in_one(given: Mapping[str, Value]) -> dict[str, Value | dict[str, Value]]:
    """Values with the parts of a destination under the field that declares it."""
    found: dict[str, Value | dict[str, Value]] = dict(given)
    for target, parts in TARGET_PARTS.items():
        of_one = {name: given[part.name] for name, part in parts.items() if part.name in given}
        for name in of_one:
            del found[parts[name].name]
        if of_one:
            found[target] = of_one
    return found


def _written(value: Value | dict[str, Value]) -> str:
    match value:
        case dict():
            return f"{{{', '.join(f'{name}: {_written(each)}' for name, each in value.items())}}}"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return yaml.dump(value, default_style='"', allow_unicode=True, width=10**9).rstrip("\n")
        case _:
            return f"[{', '.join(_written(item) for item in value)}]"


def _single(name: str, value: Value | dict[str, Value]) -> Value | dict[str, Value]:
    """Of paperwork, one entry stands without a list."""
    return value[0] if name == PAPERWORK.name and isinstance(value, list) and len(value) == 1 else value


def check_value(
    field: Field[Any, Any], text: str, platform: PlatformDraft | None, *, today: date | None = None
) -> Finding | None:
    """The first thing that is wrong with one value (of a list: with one item), as far as it can be told alone.

    A new dataset is not to have ended by `today` (UTC, unless given), and what names no paperwork is left out.
    """
    place = Place(Path(field.name))
    node = Text(place, text, plain=field.type is BOOLEAN)
    report = FindingCollector()
    value = field.type.read(Items(place, (node,)) if field.takes_many else node, report)
    if not report.findings and field in _RULES:
        draft = EstateDraft(platform, (Draft(PUSH, place, {field.name: value}),), ())
        report.findings.extend(_RULES[field](draft, today or datetime.now(UTC).date()))
    found = report.findings[0] if report.findings else None
    # What is asked for stands in no file yet: nobody has to quote it.
    return replace(found, hint=AccountId.hint) if found and field.type is ACCOUNT else found


def _check_end(draft: EstateDraft, today: date) -> Iterator[Finding]:
    for finding in check_ends(draft, today):
        if finding.code == Code.EXPIRED:
            yield replace(finding, hint="write the last day of access, which is to come")


def _check_paperwork(draft: EstateDraft, today: date) -> Iterator[Finding]:
    del today
    for finding in check_paperwork(draft):
        yield replace(finding, hint="write the link or reference of the assessment or agreement, or leave it out")


_RULES: Mapping[Field[Any, Any], Callable[[EstateDraft, date], Iterable[Finding]]] = {
    USERS: lambda draft, today: check_users_are_allowed(draft),
    EXPIRES: _check_end,
    PAPERWORK: _check_paperwork,
}
"""The rules of a whole estate that one value can break by itself."""


def known_values(draft: EstateDraft) -> dict[str, list[str]]:
    """What the estate's other files hold in some fields, by the fields' names: most used first."""
    counts: dict[str, Counter[str]] = {field.name: Counter() for field in _OFFERED}
    for dataset in draft.datasets:
        for field in _OFFERED:
            value = dataset[field]
            items = value if isinstance(value, tuple) else (value,) if value else ()
            counts[field.name].update(str(item.value) for item in items)
    named = [str(account.value) for account, _ in draft.setting(ACCOUNTS) or ()]
    counts[TARGET_ACCOUNT.name].update(named)
    return {name: [value for value, _ in values.most_common()] for name, values in counts.items()}


_OFFERED: tuple[Field[Any, Any], ...] = (USERS, TARGET_BUCKET, TARGET_ACCOUNT, PULL_ARNS)
