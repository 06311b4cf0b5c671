"""The text of one declaration → the same in the plain shape, which everybody's files then share; pure.

Plain shape: fields in the order of `fields`, two spaces a level, one list item a line, account ids in double quotes,
``true`` and ``false``, today's spelling of each field, one newline at the end. Comments stay with what they belong to.
What a file means never changes: a result is given out only if it is read as the same draft, with the same comments.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from data_exports.estate import fields as f
from data_exports.estate.declaration_file import decode_declaration, read_bytes
from data_exports.estate.drafts import draft_of
from data_exports.estate.field_types import BOOLEAN, DATE, Located
from data_exports.estate.file_kinds import PLATFORM, FileKind
from data_exports.estate.findings import Finding, FindingCollector, Severity
from data_exports.estate.formatter_layout import (
    EDITOR_HEADER,
    Container,
    Layout,
    Scalar,
    Slot,
    UnusualLayoutError,
    comments_of,
    layout_of,
)
from data_exports.estate.identifier_types import ACCOUNT
from data_exports.estate.yaml_tree import Fields, UnparsableError, other_reading, parse_yaml
from data_exports.json_values import json_as

INDENT = "  "
_WORD = r"[A-Za-z0-9_./@+:,-]*[A-Za-z0-9_./@+-]"
SAFE_PLAIN = re.compile(rf"(?=[A-Za-z]){_WORD}(?: {_WORD})*")
"""Texts that no reader of YAML takes for anything but a text, but for those of an `other_reading`."""


class CannotFormatError(Exception):
    """The file is left as it is; `findings` say why when they are to blame."""

    def __init__(self, reason: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(reason)
        self.findings = findings


@json_as("path changed=is_changed reason? findings")
@dataclass(frozen=True, slots=True)
class Formatted:
    """What became of one file: its new text, or the `reason` why it is left as it is."""

    path: Path
    text: str
    is_changed: bool
    reason: str = ""
    findings: tuple[Finding, ...] = ()


def format_file(path: Path, kind: FileKind[Any]) -> Formatted:
    """The text that a file of an estate should have. Reads the file, writes nothing."""
    try:
        data = read_bytes(path)
        shaped = format_declaration(decode_declaration(data, path), path, kind)
    except UnparsableError as stop:
        return Formatted(path, "", is_changed=False, reason="it cannot be read", findings=(stop.finding,))
    except CannotFormatError as stop:
        return Formatted(path, "", is_changed=False, reason=str(stop), findings=stop.findings)
    return Formatted(path, shaped, is_changed=shaped.encode() != data)


def format_declaration(text: str, path: Path, kind: FileKind[Any]) -> str:
    """The text in the plain shape; `path` is for the places of findings only. Raises `CannotFormatError`."""
    before = _meaning_of(text, path, kind)
    try:
        layout = layout_of(text)
        shaped = "".join(f"{line}\n" for line in _lines_of_file(layout, () if kind is PLATFORM else kind.fields))
    except UnusualLayoutError as error:
        raise CannotFormatError(str(error)) from error
    if _meaning_of(shaped, path, kind) != before or comments_of(layout_of(shaped)) != comments_of(layout):
        raise CannotFormatError("its meaning or its comments would change")
    return shaped


def _meaning_of(text: str, path: Path, kind: FileKind[Any]) -> object:
    """What the file declares, without places. Raises `CannotFormatError` with the errors if there are any."""
    report = FindingCollector()
    try:
        top, found = parse_yaml(text, path)
    except UnparsableError as stop:
        raise CannotFormatError("it cannot be read", (stop.finding,)) from stop
    report.findings.extend(found)
    if not isinstance(top, Fields):
        raise CannotFormatError("it is no mapping of fields")
    values = draft_of(kind, top, report).values
    errors = tuple(sorted(each for each in report.findings if each.severity is Severity.ERROR))
    if errors:
        raise CannotFormatError("it holds errors", errors)
    return {name: _without_places(value) for name, value in values.items()}


def _without_places(value: object) -> object:
    match value:
        case Located():
            return _without_places(value.value)
        case Mapping():
            return {name: _without_places(part) for name, part in value.items()}
        case tuple():
            return [_without_places(item) for item in value]
        case _:
            return value


# --- layout → lines ------------------------------------------------------------------------------------------------


def _lines_of_file(layout: Layout, known: f.Known) -> Iterator[str]:
    yield from sorted(layout.header, key=lambda comment: not EDITOR_HEADER.match(comment))
    set_off = any(not EDITOR_HEADER.match(comment) for comment in layout.header)
    for number, slot in enumerate(_in_order(list(layout.slots), known)):
        if (slot.blank_before and number) or (set_off and not number):
            yield ""
        yield from _lines_of_entry(slot, "", known)
    yield from layout.footer


def _in_order(slots: list[Slot], known: f.Known) -> list[Slot]:
    places = {name: number for number, each in enumerate(known) for name in each.names}
    return sorted(slots, key=lambda slot: places.get(_key_of(slot), len(places)))


def _key_of(slot: Slot) -> str:
    return slot.key.text if slot.key else ""


def _lines_of_entry(slot: Slot, indent: str, known: f.Known) -> Iterator[str]:
    field = next((each for each in known if _key_of(slot) in each.names), None)
    name = field.name if field else _plain_or_quoted(slot.key)
    if field and field.type is BOOLEAN:
        slot = _truth_of(slot)
    value = slot.value
    yield from _comments(slot.before, indent)
    if isinstance(value, Scalar):
        first, *rest = _value_lines(value, field, indent)
        yield _beside(f"{indent}{name}:{' ' * bool(first)}{first}", slot)
        yield from rest
    elif not value.slots:
        yield _beside(f"{indent}{name}: {'[]' if value.kind == 'list' else '{}'}", slot)
    else:
        yield _beside(f"{indent}{name}:", slot)
        yield from _lines_of_container(value, indent + INDENT, field, _key_of(slot))
    yield from _comments(slot.after, indent + INDENT)


def _lines_of_container(container: Container, indent: str, field: f.Field[Any, Any] | None, name: str) -> Iterator[str]:
    inside = PLATFORM.fields if name == "platform" else ()
    slots = _in_order(container.slots, inside) if inside else container.slots
    for number, slot in enumerate(slots):
        if slot.blank_before and number:
            yield ""
        if inside:
            yield from _lines_of_entry(slot, indent, inside)
            continue
        yield from _comments(slot.before, indent)
        if isinstance(slot.value, Container):
            yield from _lines_of_inner(slot, slot.value, indent, field)
            continue
        start = f"{indent}- " if slot.key is None else f"{indent}{_name_in(slot.key, field)}: "
        first, *rest = _value_lines(slot.value, field, indent)
        yield _beside((start + first).rstrip(" "), slot)
        yield from rest


def _lines_of_inner(slot: Slot, value: Container, indent: str, field: f.Field[Any, Any] | None) -> Iterator[str]:
    """A list or a mapping that stands in another one: the first line of an item follows its dash."""
    if not value.slots or (slot.key is None and value.kind == "list"):
        raise UnusualLayoutError("a list stands right in another one, or something is empty")
    if slot.key:
        yield _beside(f"{indent}{_name_in(slot.key, field)}:", slot)
        yield from _lines_of_container(value, indent + INDENT, field, "")
    else:
        yield from _comments(slot.beside + value.slots[0].before, indent)
        value.slots[0].before, value.slots[0].blank_before = [], False
        first, *rest = _lines_of_container(value, indent + INDENT, field, "")
        yield f"{indent}- {first.removeprefix(indent + INDENT)}"
        yield from rest
    yield from _comments(slot.after, indent + INDENT)


def _name_in(key: Scalar, field: f.Field[Any, Any] | None) -> str:
    return _quoted(key.text) if field is f.ACCOUNTS else _plain_or_quoted(key)


def _truth_of(slot: Slot) -> Slot:
    """``True`` and ``[True]`` as ``true``, with the comments of the list above it."""
    value, before, beside = slot.value, [*slot.before], [*slot.beside]
    while isinstance(value, Container):
        (item,) = value.slots
        before += item.comments
        value = item.value
    before += slot.after
    truth = Scalar(value.text.lower(), value.style, value.start, value.end)
    return Slot(slot.key, truth, slot.start, before, beside, [], slot.blank_before)


def _comments(texts: list[str], indent: str) -> Iterator[str]:
    yield from (f"{indent}{text}" for text in texts)


def _beside(line: str, slot: Slot) -> str:
    return f"{line} {slot.beside[0]}" if slot.beside else line


def _value_lines(value: Scalar, field: f.Field[Any, Any] | None, indent: str) -> list[str]:
    """The first line of a text, which follows its name, and further ones."""
    if value.block:
        mark, *content = value.block
        return [mark, *(f"{indent}{INDENT}{line}" if line.strip(" ") else "" for line in content)]
    if field and field.type is ACCOUNT:
        return [_quoted(value.text)]
    if field and (field.type in (BOOLEAN, DATE) or field.type.schema.get("type") == "integer"):
        return [value.text]
    if not field and value.style:
        return [_quoted(value.text)]
    return [_plain_or_quoted(value)]


def _plain_or_quoted(value: Scalar | None) -> str:
    if value is None:
        return ""
    what = other_reading(value.text)
    is_plain = not value.style and "\n" not in value.text and what in ("", "nothing")
    return value.text if is_plain or (SAFE_PLAIN.fullmatch(value.text) and not what) else _quoted(value.text)


def _quoted(text: str) -> str:
    """The text in double quotes, on one line."""
    return yaml.dump(text, default_style='"', allow_unicode=True, width=10**9).rstrip("\n")
