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

from data_exports.estate.codes import Code
from data_exports.estate.declaration_file import check_no_secrets
from data_exports.estate.drafts import Draft, EstateDraft, PlatformDraft
from data_exports.estate.field_types import BOOLEAN
from data_exports.estate.fields import (
    ACCOUNTS,
    EXPIRES,
    PAPERWORK,
    PULL_ARNS,
    PULL_IDENTITIES,
    TARGET_ACCOUNT,
    TARGET_BUCKET,
    USERS,
    Field,
)
from data_exports.estate.file_kinds import PLATFORM, PUSH, FileKind
from data_exports.estate.findings import Finding, FindingCollector, Place
from data_exports.estate.formatter import format_declaration
from data_exports.estate.given_singly import Value, WrittenValue, written_values
from data_exports.estate.identifier_types import ACCOUNT
from data_exports.estate.rules.paperwork import check_ends, check_paperwork
from data_exports.estate.rules.people import check_users_are_allowed
from data_exports.estate.yaml_tree import Items, Text, UnparsableError
from data_exports.names import AccountId


def compose(kind: FileKind[Any], values: Mapping[str, Value], path: Path) -> str:
    """The text of a file; fields without a value are left out.

    Raises `CannotFormatError` with the errors; `path` is for their places.
    """
    given = {name: value for name, value in values.items() if value}
    # Quoted first, so that no value can be taken for anything else; formatting takes off what is not needed.
    lines = [f"{name}: {_written(_single(name, value))}\n" for name, value in written_values(kind, given).items()]
    if kind is PLATFORM:
        lines = ["platform:\n", *(f"  {line}" for line in lines)]
    return format_declaration("".join(lines), path, kind)


def _written(value: WrittenValue) -> str:
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


def _single(name: str, value: WrittenValue) -> WrittenValue:
    """Of paperwork, one entry stands without a list."""
    return value[0] if name == PAPERWORK.name and isinstance(value, list) and len(value) == 1 else value


_OF_WHAT_WAS_TYPED = (
    "no export needs one. It is no secret any more, for your shell may keep what was typed: its owner makes it "
    "invalid; of a pair of SSH keys, a new one, give the one line of the file that ends in .pub"
)


def check_value(
    field: Field[Any, Any], text: str, platform: PlatformDraft | None, *, today: date | None = None
) -> Finding | None:
    """The first thing that is wrong with one value (of a list: with one item), as far as it can be told alone.

    A new dataset is not to have ended by `today` (UTC, unless given), and what names no paperwork is left out.
    """
    place = Place(Path(field.name))
    try:
        check_no_secrets(text, place.path)
    except UnparsableError as stop:
        return replace(stop.finding, hint=_OF_WHAT_WAS_TYPED)
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
        for reader in dataset[PULL_IDENTITIES] or ():
            ((kind, parts),) = reader.value.declaration.items()
            for name, value in parts.items():
                counts.setdefault(f"{kind}_{name}", Counter())[value] += 1
    named = [str(account.value) for account, _ in draft.setting(ACCOUNTS) or ()]
    counts[TARGET_ACCOUNT.name].update(named)
    return {name: [value for value, _ in values.most_common()] for name, values in counts.items()}


_OFFERED: tuple[Field[Any, Any], ...] = (USERS, TARGET_BUCKET, TARGET_ACCOUNT, PULL_ARNS)
