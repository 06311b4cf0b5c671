"""Values of ours as JSON has them, and the fields that a class gives: what is printed and its schema come from here.

In: a value, or a class. Out: plain values; fields with their types. Effects: `json_as` says what JSON has of a class. A
dataclass of which nothing is said gives its fields in their order.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from inspect import getattr_static
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

Class = TypeVar("Class")


@dataclass(frozen=True, slots=True)
class JsonField:
    """One field as JSON has it: where its value lies in ours, and its type."""

    name: str
    """``*`` for all the fields of its value."""
    path: tuple[str, ...]
    is_null_when_empty: bool = False

    def value_in(self, whole: Any) -> Any:
        """The field's value; None where it, or what it is of, is not there."""
        for attribute in self.path:
            whole = None if whole is None else getattr(whole, attribute)
        return None if self.is_null_when_empty and whole == "" else whole

    def type_in(self, kind: Any) -> Any:
        """The type of such values."""
        is_optional = self.is_null_when_empty
        for attribute in self.path:
            kinds = [each for each in get_args(kind) or (kind,) if each is not NoneType]
            is_optional |= NoneType in get_args(kind)
            kind = _type_of(kinds[0], attribute)
        return kind | None if is_optional else kind


_SPELLED: dict[type, tuple[JsonField, ...]] = {}


def json_as(*names: str) -> Callable[[type[Class]], type[Class]]:
    """Say what JSON has of a class: fields and properties, by name, in this order; spaces part names.

    ``name=path.to.it`` where JSON has another name, or the value lies deeper; ``name?`` is null where the text is "";
    ``*path`` stands for all that JSON has of that value, which may be of one of several classes.
    """

    def note(kind: type[Class]) -> type[Class]:
        _SPELLED[kind] = tuple(_field_of(name) for each in names for name in each.split())
        return kind

    return note


def _fields_of(kind: Any) -> tuple[JsonField, ...]:
    return _SPELLED.get(kind) or tuple(JsonField(field.name, (field.name,)) for field in fields(kind))


def _field_of(spelled: str) -> JsonField:
    if spelled.startswith("*"):
        return JsonField("*", tuple(spelled[1:].split(".")))
    name, _, path = spelled.partition("=")
    plain = name.removesuffix("?")
    return JsonField(plain, tuple((path or plain).split(".")), is_null_when_empty=plain != name)


def json_shapes_of(kind: type) -> list[dict[str, Any]]:
    """The types of the values that JSON has of a class, by name; several, where it has all of one of several others."""
    if not is_dataclass(kind):  # a dictionary with known keys
        return [get_type_hints(kind)]
    shapes: list[dict[str, Any]] = [{}]
    for field in _fields_of(kind):
        found = field.type_in(kind)
        inner = [{field.name: found}]
        if field.name == "*":
            inner = [shape for each in get_args(found) or (found,) for shape in json_shapes_of(each)]
        shapes = [{**shape, **more} for shape in shapes for more in inner]
    return shapes


def _type_of(kind: type, attribute: str) -> Any:
    """The type of a field or a property."""
    hints = get_type_hints(kind)
    if attribute in hints:
        return hints[attribute]
    found = getattr_static(kind, attribute)
    return get_type_hints(found.func if isinstance(found, cached_property) else found.fget)["return"]


def json_value_of(value: object) -> object:
    """What JSON has for values of ours: moments in UTC, dates, paths, and dataclasses."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return json_object_of(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def json_object_of(value: object) -> dict[str, object]:
    """What JSON has of a dataclass, by name; the values are still ours."""
    found: dict[str, object] = {}
    for field in _fields_of(type(value)):
        each = field.value_in(value)
        found |= json_object_of(each) if field.name == "*" else {field.name: each}
    return found
