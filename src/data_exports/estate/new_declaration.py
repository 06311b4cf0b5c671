"""A new declaration from single values: the text of its file, and what is wrong with one value. Pure.

In: a kind of file, and values by the names of its fields. Out: text in the plain shape, findings.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from data_exports.estate.drafts import Draft, EstateDraft, PlatformDraft
from data_exports.estate.field_types import BOOLEAN, Located
from data_exports.estate.fields import PAPERWORK, USERS, Field
from data_exports.estate.file_kinds import PLATFORM, PUSH, FileKind
from data_exports.estate.findings import Finding, FindingCollector, Place
from data_exports.estate.formatter import format_declaration
from data_exports.estate.rules.people import check_users_are_allowed
from data_exports.estate.yaml_tree import Items, Text
from data_exports.names import InvalidNameError, RoleName

Value = str | bool | int | list[str]


def compose(kind: FileKind[Any], values: Mapping[str, Value], path: Path) -> str:
    """The text of a file; fields without a value are left out.

    Raises `CannotFormatError` with the errors; `path` is for their places.
    """
    given = {name: value for name, value in values.items() if value}
    # Quoted first, so that no value can be taken for anything else; formatting takes off what is not needed.
    lines = [f"{name}: {_written(_single(name, value))}\n" for name, value in given.items()]
    if kind is PLATFORM:
        lines = ["platform:\n", *(f"  {line}" for line in lines)]
    return format_declaration("".join(lines), path, kind)


def _written(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return yaml.dump(value, default_style='"', allow_unicode=True, width=10**9).rstrip("\n")
        case _:
            return f"[{', '.join(_written(item) for item in value)}]"


def _single(name: str, value: Value) -> Value:
    """Of paperwork, one entry stands without a list."""
    return value[0] if name == PAPERWORK.name and isinstance(value, list) and len(value) == 1 else value


def check_value(field: Field[Any, Any], text: str, platform: PlatformDraft | None) -> Finding | None:
    """The first thing that is wrong with one value (of a list: with one item), as far as it can be told alone."""
    place = Place(Path(field.name))
    node = Text(place, text, plain=field.type is BOOLEAN)
    report = FindingCollector()
    field.type.read(Items(place, (node,)) if field.takes_many else node, report)
    if not report.findings and field is USERS:
        report.findings.extend(_check_user(text, place, platform))
    return report.findings[0] if report.findings else None


def _check_user(text: str, place: Place, platform: PlatformDraft | None) -> list[Finding]:
    try:
        dataset = Draft(PUSH, place, {USERS.name: (Located(RoleName(text), place),)})
    except InvalidNameError:
        return []
    return list(check_users_are_allowed(EstateDraft(platform, (dataset,), ())))
