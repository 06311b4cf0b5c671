"""Declarations as far as they could be read: every value with its place, and what is wrong with single fields; pure.

In: the mapping of one file. Out: its `Draft`, and findings. The rules look at drafts, so that one wrong field does not
hide what is wrong with the others. Drafts without errors in them become the models.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Generic, TypeVar, cast

from data_exports.estate.codes import Code
from data_exports.estate.field_types import Located
from data_exports.estate.fields import ALERTS, CONTACT_OF_PLATFORM, USERS, Field
from data_exports.estate.file_kinds import PLATFORM, PLATFORM_FILE, PULL, PUSH, FileKind
from data_exports.estate.findings import FindingCollector, Place
from data_exports.estate.models import Platform, PullDataset, PushDataset
from data_exports.estate.yaml_tree import Fields, Node, Text
from data_exports.names import RoleName

M = TypeVar("M")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draft(Generic[M]):
    """One file: what stands in it, by the entries of the table of fields."""

    kind: FileKind[M]
    place: Place
    values: Mapping[str, object]
    """By the names of fields; ``None`` for what is there and could not be read, which has been reported."""

    def __getitem__(self, field: Field[T, Any]) -> T | None:
        """The field's value; ``None`` when it is missing or wrong."""
        return cast("T | None", self.values.get(field.name))

    def __contains__(self, field: Field[Any, Any]) -> bool:
        """Whether the field is there, right or wrong."""
        return field.name in self.values

    def model(self) -> M | None:
        """What the file declares, or ``None`` if a required value is missing."""
        held, parts = self._held(), {name: self.part(name) for name in self.kind.parts}
        one_of = self.kind.at_least_one
        if one_of and not any(self.values.get(field.name) for field in one_of):
            return None
        if held is None or None in parts.values():
            return None
        return self.kind.model(**{"place": self.place, **held, **parts})

    def part(self, name: str) -> Any:
        """An attribute of the model that is made of several fields, or ``None`` if a required value is missing.

        It may stand in one field whole.
        """
        whole = [field for field in self.kind.fields if field.attribute == name and field.name in self.values]
        if whole:
            value = self.values[whole[0].name]
            return None if value is None else whole[0].type.bare(value)
        held = self._held(name)
        return None if held is None else self.kind.parts[name](**held)

    def _held(self, part: str = "") -> dict[str, Any] | None:
        held = {}
        for field in self.kind.fields:
            of, _, attribute = field.attribute.rpartition(".")
            if attribute in self.kind.parts:
                continue
            value = self.values.get(field.name) if of == part else None
            if of == part and field.is_required and not value:
                return None
            if value is not None:
                held[attribute] = field.type.bare(value)
        return held

    def place_of(self, field: str) -> Place:
        """Where the value of a field stands, by the field's name."""
        value = self.values[field]
        return value.place if isinstance(value, Located) else self.place


PlatformDraft = Draft[Platform]
PushDraft = Draft[PushDataset]
PullDraft = Draft[PullDataset]
DatasetDraft = PushDraft | PullDraft


@dataclass(frozen=True, slots=True)
class EstateDraft:
    """All files; `platform` is ``None`` when ``exports.yaml`` could not be read at all."""

    platform: PlatformDraft | None
    push: tuple[PushDraft, ...]
    pull: tuple[PullDraft, ...]

    def setting(self, field: Field[T, Any]) -> T | None:
        """A setting of the platform; ``None`` when it is missing or wrong."""
        return self.platform[field] if self.platform else None

    def users(self) -> Iterator[Located[RoleName]]:
        """Every user of every dataset."""
        return (user for dataset in self.datasets for user in dataset[USERS] or ())

    @property
    def datasets(self) -> tuple[DatasetDraft, ...]:
        """Every dataset, push before pull."""
        return (*self.push, *self.pull)


def draft_of(kind: FileKind[M], top: Fields, report: FindingCollector) -> Draft[M]:
    """The draft of one file."""
    mapping = _settings_in(top, report) if kind is PLATFORM else top
    if mapping is None:
        nothing = {ALERTS.name: (), CONTACT_OF_PLATFORM.name: None}  # what is missing as a whole lacks no single one
        return Draft(kind, top.place, nothing)
    entries = {key.text: (key, value) for key, value in mapping.entries}
    names = _names_in(kind)
    for key in (key for key, _ in mapping.entries if key.text not in names):
        if key.text in kind.ignored:
            report.warning(key.place, Code.IGNORED_FIELD, f"{key.text!r} {kind.ignored[key.text]}", "remove it")
        else:
            report.error(key.place, Code.UNKNOWN_FIELD, f"there is no field {key.text!r}", _hint_for(key.text, kind))
    values: dict[str, object] = {}
    for field in kind.fields:
        found = [entries[name] for name in field.names if name in entries]
        if len(found) > 1:
            message = f"{field.older!r} is an older spelling of {field.name!r}; both are here"
            report.error(found[1][0].place, Code.BOTH_SPELLINGS, message, f"keep {field.name!r}")
        if found:
            values[field.name] = _read(field, found[0][1], report)
        elif kind.needs(field):
            message = f"the required field {field.name!r} is missing"
            report.error(mapping.place, Code.MISSING_FIELD, message, f"add `{field.name}:`. {field.meaning}")
    for group, least in ((kind.at_least_one, "at least one"), (kind.exactly_one, "exactly one")):
        if group and not {field.name for field in group} & set(values):
            named = " and ".join(repr(field.name) for field in group)
            ways = ", or ".join(f"`{field.name}:` ({field.meaning.removesuffix('.')})" for field in group)
            report.error(mapping.place, Code.MISSING_FIELD, f"of {named} {least} is required", f"add {ways}")
    return Draft(kind, mapping.place, values)


@cache
def _names_in(kind: FileKind[Any]) -> frozenset[str]:
    return frozenset(name for field in kind.fields for name in field.names)


def _settings_in(top: Fields, report: FindingCollector) -> Fields | None:
    """What stands below ``platform``, which is the only field of ``exports.yaml``."""
    settings = Fields(top.place, ())
    for key, value in top.entries:
        if key.text != "platform":
            known = {field.name for field in PLATFORM.fields}
            hint = "move it below `platform:`" if key.text in known else "remove it"
            report.error(key.place, Code.UNKNOWN_FIELD, f"{PLATFORM_FILE} has no field {key.text!r}", hint)
        elif isinstance(value, Fields):
            settings = value
        else:
            hint = "indent the settings below `platform:`"
            report.error(value.place, Code.WRONG_SHAPE, "`platform` must be a mapping of settings", hint)
            return None
    if settings.entries:
        return settings
    hint = "add `platform:`, with the settings indented below it"
    report.error(top.place, Code.MISSING_FIELD, "`platform` is missing", hint)
    return None


def _read(field: Field[T, Any], node: Node, report: FindingCollector) -> T | None:
    if isinstance(node, Text) and node.is_empty and not field.type.may_be_empty:
        message = f"{field.name!r} has no value"
        report.error(node.place, Code.NO_VALUE, message, f"write one, or remove the line. {field.meaning}")
        return None
    return field.type.read(node, report)


def _hint_for(word: str, kind: FileKind[Any]) -> str:
    for other in (PUSH, PULL) if kind is not PLATFORM else ():
        if word in {field.name for field in other.fields}:
            return f"this is a field of files in {other.folder}"
    names = [field.name for field in kind.fields]
    near = get_close_matches(word.lower().replace("-", "_"), names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"the fields are: {', '.join(names)}"
