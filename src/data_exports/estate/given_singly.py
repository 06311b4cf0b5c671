"""What `exports new` takes one by one: the fields of a file, and the parts of those that hold mappings. Pure.

In: a kind of file, and values by the names of fields. Out: fields, and what to write for the values. A file has one
destination, and any number of readers outside AWS: the second value of each part is of a second reader of its kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_exports.declared import DeclaredPart
from data_exports.destinations.kinds import OUTSIDE_KINDS
from data_exports.estate.destination_types import part_type
from data_exports.estate.field_types import FieldType, list_of
from data_exports.estate.fields import OUTSIDE_TARGETS, PULL_IDENTITIES, REQUIRED, SFTP_READERS, Field, Known
from data_exports.estate.file_kinds import FileKind
from data_exports.estate.identifier_types import SFTP_KEY, SFTP_NAME
from data_exports.estate.identity_types import READER_PART_TYPES
from data_exports.readers.kinds import READER_KINDS

Value = str | bool | int | list[str]
WrittenValue = Value | list["WrittenValue"] | dict[str, "WrittenValue"]
"""What stands in a file."""


@dataclass(frozen=True, slots=True)
class PartGroup:
    """The parts of one kind of destination or reader, each as a field of its own."""

    field: Field[Any, Any]
    """What declares it."""
    kind: str
    """What it is called there; the options of its parts begin so."""
    parts: Mapping[str, Field[Any, Any]]
    """By their names in the declaration."""
    several: str = ""
    """The part of which one alone may have several."""

    def is_given(self, values: Mapping[str, Value]) -> bool:
        """Whether a part of it is."""
        return any(self._counts(values).values())

    def count(self, values: Mapping[str, Value]) -> int:
        """How many of this kind the values make."""
        return max((count for name, count in self._counts(values).items() if name != self.several), default=0) or 1

    def wanted(self, values: Mapping[str, Value]) -> dict[Field[Any, Any], int]:
        """Parts, and how many there must be of each; what one alone may have several of is not among them."""
        count = self.count(values)
        return {part: count for name, part in self.parts.items() if count > 1 or name != self.several}

    def unpaired(self, values: Mapping[str, Value]) -> list[tuple[Field[Any, Any], int]]:
        """The parts that are given, and how often, if they do not make whole ones; otherwise none."""
        wanted = self.wanted(values)
        given = [(self.parts[name], count) for name, count in self._counts(values).items() if count]
        return given if any(count != wanted.get(part, count) for part, count in given) else []

    def written(self, values: Mapping[str, Value]) -> list[dict[str, WrittenValue]]:
        """What declares each, once none is `unpaired`."""
        columns: dict[str, list[WrittenValue]] = {}
        for name, part in self.parts.items():
            if items := _items(values.get(part.name)):
                columns[name] = list(items) if name != self.several else _dealt(items, self.count(values))
        made: list[dict[str, WrittenValue]] = [
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        ]
        return [{self.kind: each} for each in made] if self.field is PULL_IDENTITIES else made

    def _counts(self, values: Mapping[str, Value]) -> dict[str, int]:
        return {name: len(_items(values.get(part.name))) for name, part in self.parts.items()}


def _items(value: Value | None) -> list[str]:
    return value if isinstance(value, list) else [str(value)] if value else []


def _dealt(items: list[str], count: int) -> list[WrittenValue]:
    return [list(items)] if count == 1 else [[item] for item in items]


def _field(kind: str, name: str, of_type: FieldType[Any], part: DeclaredPart) -> Field[Any, Any]:
    return Field(f"{kind}_{name}", of_type, REQUIRED if part.is_required else None, part.meaning)


def _target_group(target: Field[Any, Any]) -> PartGroup:
    kind = target.name.removeprefix("target_")
    parts = OUTSIDE_KINDS[target.name].parts
    return PartGroup(target, kind, {name: _field(kind, name, part_type(part), part) for name, part in parts.items()})


def _reader_group(kind: str, parts: Mapping[str, DeclaredPart]) -> PartGroup:
    fields = {name: _field(kind, name, list_of(READER_PART_TYPES[part.parse]), part) for name, part in parts.items()}
    return PartGroup(PULL_IDENTITIES, kind, fields)


_SFTP_GROUP = PartGroup(
    SFTP_READERS,
    "sftp",
    {
        "name": Field("sftp_name", list_of(SFTP_NAME), REQUIRED, "What the reader logs in with by SFTP."),
        "keys": Field("sftp_keys", list_of(SFTP_KEY), REQUIRED, "Public SSH key of that reader, as OpenSSH writes it."),
    },
    several="keys",
)
PART_GROUPS = (
    *map(_target_group, OUTSIDE_TARGETS),
    *(_reader_group(name, kind.parts) for name, kind in READER_KINDS.items()),
    _SFTP_GROUP,
)


def groups_of(kind: FileKind[Any]) -> tuple[PartGroup, ...]:
    """Those of which a file of this kind may have some."""
    return tuple(group for group in PART_GROUPS if group.field in kind.fields)


def fields_given_singly(kind: FileKind[Any]) -> Known:
    """The fields of a file whose values can be given one by one."""
    found: list[Field[Any, Any]] = []
    for field in kind.fields:
        parts = [part for group in PART_GROUPS if group.field is field for part in group.parts.values()]
        found += parts or ([] if field.is_nested else [field])
    return tuple(found)


def written_values(kind: FileKind[Any], given: Mapping[str, Value]) -> dict[str, WrittenValue]:
    """What to write, by the fields of the file: parts stand under the field that declares them."""
    groups = [group for group in groups_of(kind) if group.is_given(given)]
    parts = {part.name for group in groups for part in group.parts.values()}
    found: dict[str, WrittenValue] = {name: value for name, value in given.items() if name not in parts}
    for field in dict.fromkeys(group.field for group in groups):
        made: list[WrittenValue] = [each for group in groups if group.field is field for each in group.written(given)]
        found[field.name] = made if field.takes_many else made[0]
    return found
