"""The types that a field of a declaration can have: nodes → checked values with their places; pure.

In: a node, and a report for what is wrong with it. Out: the value, or ``None`` after the report says why. Each type
carries the JSON Schema of what it takes, so that editors and `exports check` cannot disagree. The identifiers of AWS
and of people are in `identifier_types`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from operator import attrgetter
from typing import Any, Generic, TypeVar

from data_exports.estate.codes import Code
from data_exports.estate.findings import FindingCollector, Place
from data_exports.estate.yaml_tree import Fields, Items, Node, Text, other_reading
from data_exports.names import InvalidNameError
from data_exports.text import dash_in, hidden_in, named_character, with_hyphens

T = TypeVar("T")
K = TypeVar("K")
T_co = TypeVar("T_co", covariant=True)

TEXT_CHARACTERS = 2_000
"""Ours: the longest free text; a declaration is no place for a document."""


@dataclass(frozen=True, slots=True)
class Located(Generic[T_co]):
    """A value and where it stands."""

    value: T_co
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class FieldType(Generic[T_co]):
    """One type of value: how to read it, its JSON Schema, and what of it a model holds, which knows no places."""

    read: Callable[[Node, FindingCollector], T_co | None]
    schema: Mapping[str, Any]
    bare: Callable[[Any], object] = attrgetter("value")
    may_be_empty: bool = False
    """Whether a field's bare name is read, and no mistake."""
    shown_as: str = ""
    """What stands for a value in the help of an option."""


One = FieldType[Located[T]]
Many = FieldType[tuple[Located[T], ...]]


def text_in(node: Node, report: FindingCollector) -> Text | None:
    """The text that stands here; ``None``, and reported, when there is none."""
    if not isinstance(node, Text):
        what = "a list" if isinstance(node, Items) else "a mapping"
        report.error(node.place, Code.WRONG_SHAPE, f"{what} stands where one value is meant", "write one value")
        return None
    if node.is_empty:
        report.error(node.place, Code.NO_VALUE, "there is no value", "write one, or remove the line")
        return None
    return node


def _warn_of_other_reading(text: Text, report: FindingCollector) -> None:
    if text.plain and (what := other_reading(text.text)):
        message = f"{text.text!r} without quotes is {what} for other readers of YAML"
        report.warning(text.place, Code.READ_OTHERWISE, message, "put it in double quotes; `exports fmt` does")


def hint_on_dashes(text: str, parse: Callable[[str], object]) -> str:
    """What to write where a dash stands for the hyphen that would make the text right; ``""`` if that is not it."""
    if not (dash := dash_in(text)):
        return ""
    try:
        parse(plain := with_hyphens(text))
    except ValueError:  # an `InvalidNameError` is one, too
        return ""
    return f"write {plain!r} with the keyboard's hyphen: here stands {dash}"


def identifier_of(
    parse: Callable[[str], T],
    pattern: str,
    *,
    advise: Callable[[str], str] = lambda _: "",
    may_be_number: bool = False,
    code: Code = Code.BAD_NAME,
    words: Callable[[InvalidNameError], str] = str,
) -> One[T]:
    """What a type of `data_exports.names` checks; `advise` and `words` may say it better of a wrong one."""

    def read(node: Node, report: FindingCollector) -> Located[T] | None:
        if (text := text_in(node, report)) is None:
            return None
        try:
            value = parse(text.text)
        except InvalidNameError as error:
            hint = hint_on_dashes(text.text, parse) or advise(text.text) or error.hint
            report.error(text.place, code, words(error), hint)
            return None
        if not may_be_number:
            _warn_of_other_reading(text, report)
        return Located(value, text.place)

    return FieldType(read, {"type": "string", "pattern": f"^{pattern}$"})


def _prose(node: Node, report: FindingCollector) -> Located[str] | None:
    if (text := text_in(node, report)) is None:
        return None
    value = text.text.strip()
    if not value:
        report.error(text.place, Code.NO_VALUE, "the text is blank", "write one, or remove the line")
        return None
    if not _is_plain(value, text.place, report):
        return None
    _warn_of_other_reading(text, report)
    if text.is_cut:
        message = f"YAML ends the text behind {value[-40:]!r}: what follows # is a comment to it"
        hint = "put the text in double quotes; if a comment is meant, write a space behind #"
        report.warning(text.place, Code.CUT_TEXT, message, hint)
    return Located(value, text.place)


def line_within(most: int) -> One[str]:
    """Text on one line, of so many characters at most: what is read along with a plan must not bury it."""

    def read(node: Node, report: FindingCollector) -> Located[str] | None:
        found = _prose(node, report)
        if found and "\n" in found.value:
            report.error(found.place, Code.BAD_TEXT, "the text has several lines", "write it on one line")
            return None
        if found and len(found.value) > most:
            message = f"the text has {len(found.value):,} characters, more than {most:,}"
            report.error(found.place, Code.BAD_TEXT, message, "put it in a document, and a short name or link here")
            return None
        return found

    return FieldType(read, {"type": "string", "minLength": 1, "maxLength": most})


def _is_plain(value: str, place: Place, report: FindingCollector) -> bool:
    if hidden := hidden_in(value):
        named = named_character(value[hidden[0]])
        report.error(place, Code.BAD_TEXT, f"the text holds a character that cannot be seen: {named}", "remove it")
    elif len(value) > TEXT_CHARACTERS:
        message = f"the text has {len(value):,} characters, more than {TEXT_CHARACTERS:,}"
        report.error(place, Code.BAD_TEXT, message, "put it in a document, and the link here")
    else:
        return True
    return False


PROSE = FieldType(_prose, {"type": "string", "minLength": 1, "maxLength": TEXT_CHARACTERS})
LINE = line_within(TEXT_CHARACTERS)


_LIKE_BOOLEANS = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}


def _boolean(node: Node, report: FindingCollector) -> Located[bool] | None:
    match node:
        case Items(items=(single,)):  # files in use say [True]; its element is meant
            return _boolean(single, report)
        case Text(text="true" | "True" | "TRUE", plain=True):
            return Located(value=True, place=node.place)
        case Text(text="false" | "False" | "FALSE", plain=True):
            return Located(value=False, place=node.place)
        case Text() if (text := text_in(node, report)) is not None:
            message = f"{text.text!r} is neither true nor false"
            meant = _LIKE_BOOLEANS.get(text.text.lower(), "true or false")
            report.error(text.place, Code.BAD_BOOLEAN, message, f"write {meant}, without quotes")
        case Items() | Fields():
            report.error(node.place, Code.BAD_BOOLEAN, "this is neither true nor false", "write true or false")
        case _:
            pass
    return None


_BOOLEAN_SCHEMA = {"type": "boolean"}
BOOLEAN = FieldType(
    _boolean, {"oneOf": [_BOOLEAN_SCHEMA, {"type": "array", "items": _BOOLEAN_SCHEMA, "minItems": 1, "maxItems": 1}]}
)


def count_between(low: int, high: int) -> One[int]:
    """Whole numbers from `low` to `high`."""

    def read(node: Node, report: FindingCollector) -> Located[int] | None:
        if (text := text_in(node, report)) is None:
            return None
        # Without a leading zero, which YAML 1.1 reads as octal.
        if text.plain and re.fullmatch("0|[1-9][0-9]{0,8}", text.text) and low <= int(text.text) <= high:
            return Located(int(text.text), text.place)
        message = f"{text.text!r} is not a whole number from {low} to {high}"
        report.error(text.place, Code.BAD_NUMBER, message, "write the digits, without quotes")
        return None

    return FieldType(read, {"type": "integer", "minimum": low, "maximum": high})


def _date_type(meant: str, advice: str) -> One[date]:
    def read(node: Node, report: FindingCollector) -> Located[date] | None:
        if (text := text_in(node, report)) is None:
            return None
        hint = hint_on_dashes(text.text, date.fromisoformat) or advice
        # fromisoformat alone would also take 20310102 and 2031-W01-4; the day after the last one must exist, too.
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text.text) and not text.text.startswith("9999"):
            try:
                return Located(date.fromisoformat(text.text), text.place)
            except ValueError:
                pass  # such as 30 February
        report.error(text.place, Code.BAD_DATE, f"{text.text!r} is not {meant}", hint)
        return None

    return FieldType(read, {"type": "string", "format": "date"}, shown_as="YYYY-MM-DD")


DATE = _date_type(
    "a date to end on", "write the last day of access as YYYY-MM-DD, or leave the field out if there is none"
)
DAY = _date_type("a day", "write each day as YYYY-MM-DD")


def choice_of(*choices: T) -> One[T]:
    """One of these words."""
    words = {str(choice): choice for choice in choices}

    def read(node: Node, report: FindingCollector) -> Located[T] | None:
        if (text := text_in(node, report)) is None:
            return None
        if text.text in words:
            return Located(words[text.text], text.place)
        near = get_close_matches(text.text.lower(), words, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"write {' or '.join(words)}"
        report.error(text.place, Code.BAD_CHOICE, f"{text.text!r} is not allowed here", hint)
        return None

    return FieldType(read, {"enum": list(choices)})


def _bare_items(items: tuple[Located[Any], ...]) -> tuple[object, ...]:
    return tuple(item.value for item in items)


def list_of(item_type: One[T], *, whole: bool = False) -> Many[T]:
    """Lists with at least one element; with `whole`, nothing unless every element is right."""

    def read(node: Node, report: FindingCollector) -> tuple[Located[T], ...] | None:
        if not isinstance(node, Items):
            hint = "write each on a line of its own, after `- `"
            report.error(node.place, Code.WRONG_SHAPE, "this must be a list", hint)
            return None
        if not node.items:
            report.error(node.place, Code.NO_VALUE, "the list is empty", "write at least one, or remove the field")
            return None
        read_items = [item_type.read(item, report) for item in node.items]
        values = tuple(item for item in read_items if item is not None)
        return None if whole and len(values) < len(read_items) else values

    def bare(items: tuple[Located[T], ...]) -> tuple[object, ...]:
        return tuple(item_type.bare(item) for item in items)

    return FieldType(read, {"type": "array", "items": item_type.schema, "minItems": 1}, bare)


Parts = Mapping[str, Any]
"""What stands in a mapping of fields, by their names, each with its place."""


def fields_of(
    make: Callable[..., object], *, optional: Mapping[str, FieldType[Any]] | None = None, **required: FieldType[Any]
) -> One[Parts]:
    """Mappings of these fields; a model holds what `make` makes of their bare values, of those that are there."""
    types = {**required, **(optional or {})}

    def read(node: Node, report: FindingCollector) -> Located[Parts] | None:
        if not isinstance(node, Fields):
            hint = f"write {' and '.join(f'`{name}:`' for name in required)}, each on a line of its own"
            report.error(node.place, Code.WRONG_SHAPE, "this must be a mapping", hint)
            return None
        for key, _ in node.entries:
            if key.text not in types:
                hint = f"the fields are: {', '.join(types)}"
                report.error(key.place, Code.UNKNOWN_FIELD, f"there is no field {key.text!r} here", hint)
        entries = {key.text: value for key, value in node.entries}
        for name in required:
            if name not in entries:
                message = f"the required field {name!r} is missing here"
                report.error(node.place, Code.MISSING_FIELD, message, f"add `{name}:`")
        parts = {name: each.read(entries[name], report) for name, each in types.items() if name in entries}
        is_whole = set(required) <= set(parts) and all(part is not None for part in parts.values())
        return Located(parts, node.place) if is_whole else None

    schema = {
        "type": "object",
        "properties": {name: each.schema for name, each in types.items()},
        "required": list(required),
        "additionalProperties": False,
    }
    return FieldType(
        read,
        schema,
        lambda found: make(
            **{name: each.bare(found.value[name]) for name, each in types.items() if name in found.value}
        ),
    )


def none_one_or_list_of(item_type: One[T], *, kept: Callable[[T], bool]) -> Many[T]:
    """No value, one, or a list of them; models hold those that are `kept`."""
    several = list_of(item_type)

    def read(node: Node, report: FindingCollector) -> tuple[Located[T], ...] | None:
        match node:
            case Text(is_empty=True) | Items(items=()):
                return ()
            case Items():
                return several.read(node, report)
            case _:
                value = item_type.read(node, report)
                return None if value is None else (value,)

    schema = {"oneOf": [item_type.schema, {**several.schema, "minItems": 0}, {"type": "null"}]}
    return FieldType(
        read, schema, lambda items: tuple(item.value for item in items if kept(item.value)), may_be_empty=True
    )


def pairs_of(keys: One[K], values: One[T]) -> FieldType[tuple[tuple[Located[K], Located[T]], ...]]:
    """Mappings; what is wrong in it is left out of the value, and reported."""

    def read(node: Node, report: FindingCollector) -> tuple[tuple[Located[K], Located[T]], ...] | None:
        if not isinstance(node, Fields):
            report.error(node.place, Code.WRONG_SHAPE, "this must be a mapping", "write lines of `key: value`")
            return None
        pairs = [(keys.read(key, report), values.read(value, report)) for key, value in node.entries]
        return tuple((key, value) for key, value in pairs if key is not None and value is not None)

    schema = {"type": "object", "propertyNames": keys.schema, "additionalProperties": values.schema}
    return FieldType(read, schema, lambda pairs: tuple(map(_bare_items, pairs)))
