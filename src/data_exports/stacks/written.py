"""Declarations read back from JSON that this product wrote: a card, or the metadata of templates.

In: values as JSON holds them. Out: what the loader of declarations makes of them. Effects: none. What somebody else put
there is found out as any other mistake.
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


def deployed_estate(foundation: object, datasets: Iterable[tuple[DatasetName, bool, object]]) -> Estate | None:
    """The estate that these templates were made from; None when they do not tell.

    `datasets` are name, whether it is a push dataset, and template.
    """
    found = []
    try:
        for name, is_push, template in datasets:
            kind: FileKind[Any] = PUSH if is_push else PULL
            declared: Any = template["Metadata"][METADATA_KEY]["declaration"]  # type: ignore[index]
            found.append(WrittenDataset(kind, name, by_field_name(declared, kind)))
        return load_written(platform_settings_in(foundation), found).estate
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _known(found: object, kind: FileKind[Any]) -> Mapping[str, Any]:
    """The fields that this version knows: a later one may write more."""
    if not isinstance(found, Mapping):
        raise ValueError(f"it tells of no {kind.name}")  # noqa: TRY004 - of a text, not of a program's value
    return {field.name: found[field.name] for field in kind.fields if field.name in found}
