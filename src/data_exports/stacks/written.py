"""Declarations read back from JSON that this product wrote: a card, or the metadata of templates.

In: values as JSON holds them. Out: what the loader of declarations makes of them. Effects: none. What somebody else put
there is found out as any other mistake, and where a template does not tell what was declared, that is an answer, too.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_exports.estate.file_kinds import PLATFORM, PLATFORM_FILE, PULL, PUSH, FileKind
from data_exports.estate.loader import Loaded, load_estate
from data_exports.estate.models import Estate
from data_exports.names import DatasetName
from data_exports.stacks.metadata import platform_settings_in
from data_exports.stacks.stack import METADATA_KEY

NOWHERE = Path("/dev/null")
"""No folder, so that nothing of anybody's lies in it."""


@dataclass(frozen=True, slots=True)
class WrittenDataset:
    """A dataset's declaration as values, by the names of the fields in its file."""

    kind: FileKind[Any]
    name: DatasetName
    declared: object

    @property
    def path(self) -> Path:
        """Where its file would lie in an estate."""
        return Path(self.kind.folder, f"{self.name}.yaml")


def load_written(platform: object, datasets: Iterable[WrittenDataset]) -> Loaded:
    """What the loader makes of them. Raises `ValueError` for what is no mapping."""
    texts = {NOWHERE / PLATFORM_FILE: json.dumps({"platform": _known(platform, PLATFORM)}, ensure_ascii=False)}
    for each in datasets:
        texts[NOWHERE / each.path] = json.dumps(_known(each.declared, each.kind), ensure_ascii=False)
    return load_estate(NOWHERE, proposed=texts)


def by_field_name(declared: Mapping[str, Any], kind: FileKind[Any]) -> dict[str, Any]:
    """A declaration by the names of its fields in a file, of one by the attributes of its model."""
    names = {field.attribute: field.name for field in kind.fields}
    return {names.get(attribute, attribute): value for attribute, value in declared.items()}


@dataclass(frozen=True, slots=True)
class DeployedEstate:
    """What templates tell of the declarations that they were made from."""

    estate: Estate | None
    """With the datasets whose templates tell; None when the foundation's does not tell the platform's settings."""
    unread: frozenset[DatasetName]
    """The datasets whose templates do not tell what was declared."""


def deployed_estate(foundation: object, datasets: Iterable[tuple[DatasetName, bool, object]]) -> DeployedEstate:
    """The estate that these templates were made from; one that does not tell keeps no other from being read.

    `datasets` are name, whether it is a push dataset, and template.
    """
    named = [(name, _written_in(template, PUSH if is_push else PULL, name)) for name, is_push, template in datasets]
    told = [each for _, each in named if each]
    while True:
        loaded = load_written(platform_settings_in(foundation), told)
        wrong = {finding.place.path for finding in loaded.errors}
        right = [each for each in told if NOWHERE / each.path not in wrong]
        if loaded.estate or len(right) == len(told):
            there = {each.name for each in loaded.estate.datasets()} if loaded.estate else {each.name for each in told}
            return DeployedEstate(loaded.estate, frozenset(name for name, _ in named) - there)
        told = right


def _written_in(template: object, kind: FileKind[Any], name: DatasetName) -> WrittenDataset | None:
    try:
        declared: Any = template["Metadata"][METADATA_KEY]["declaration"]  # type: ignore[index]
        return WrittenDataset(kind, name, by_field_name(declared, kind))
    except (KeyError, TypeError, AttributeError):
        return None


def _known(found: object, kind: FileKind[Any]) -> Mapping[str, Any]:
    """The fields that this version knows: a later one may write more."""
    if not isinstance(found, Mapping):
        raise ValueError(f"it tells of no {kind.name}")  # noqa: TRY004 - of a text, not of a program's value
    return {field.name: found[field.name] for field in kind.fields if field.name in found}
