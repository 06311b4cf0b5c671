"""The three kinds of file in an estate: where each lies, which fields it has, what it is once it is read. Data."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from data_exports.destinations.s3.destination import S3Destination
from data_exports.estate.fields import (
    PLATFORM_FIELDS,
    PULL_FIELDS,
    PUSH_FIELDS,
    READER_FIELDS,
    REQUIRED,
    TARGET_FIELDS,
    Field,
    Known,
)
from data_exports.estate.models import Platform, PullDataset, PushDataset

M = TypeVar("M")


@dataclass(frozen=True, slots=True, eq=False)
class FileKind(Generic[M]):
    """One kind of file."""

    name: str
    folder: str
    """Below the estate's; ``""`` for ``exports.yaml``."""
    fields: Known
    """Those of a dataset, or those below ``platform``."""
    model: type[M]
    ignored: Mapping[str, str] = field(default_factory=dict)
    """Names of fields that have no effect, and why."""
    parts: Mapping[str, type] = field(default_factory=dict)
    """Attributes of the model that are made of several fields, and what they are; other fields may hold them whole."""
    at_least_one: Known = ()
    """Fields of which one must be there at least."""
    exactly_one: Known = ()
    """Fields of which one must be there, and no second one."""

    def __post_init__(self) -> None:
        """Refuse a table and a model that do not fit each other; a model has its place besides."""
        table = {each.attribute: each.default for each in self.fields if each.attribute not in self.parts}
        modelled = _defaults_of(self.model)
        del modelled["place"]
        for name, part in self.parts.items():
            del modelled[name]
            modelled |= {f"{name}.{inner}": default for inner, default in _defaults_of(part).items()}
        if table != modelled:
            wrong = sorted({name for name, _ in table.items() ^ modelled.items()})
            raise TypeError(f"the table of fields and {self.model.__name__} differ in: {', '.join(wrong)}")

    def needs(self, field: Field[Any, Any]) -> bool:
        """Whether the field must be there by itself."""
        return field.is_required and field not in self.exactly_one


def _defaults_of(model: type) -> dict[str, object]:
    missing = dataclasses.MISSING
    return {each.name: REQUIRED if each.default is missing else each.default for each in dataclasses.fields(model)}


PLATFORM_FILE = "exports.yaml"
PLATFORM = FileKind("platform", "", PLATFORM_FIELDS, Platform)
PUSH = FileKind(
    "push",
    "push_datasets",
    PUSH_FIELDS,
    PushDataset,
    parts={"destination": S3Destination},
    exactly_one=TARGET_FIELDS,
)
PULL = FileKind(
    "pull",
    "pull_datasets",
    PULL_FIELDS,
    PullDataset,
    at_least_one=READER_FIELDS,
    ignored={"bucket": "has no effect: the bucket of a pull dataset is named after the dataset"},
)
REVIEWS_FOLDER = "reviews"
"""Where reviews lie, which are read elsewhere."""
ESTATE_PATHS = (PLATFORM_FILE, PUSH.folder, PULL.folder, REVIEWS_FOLDER)
"""All of an estate's folder that means anything; what else lies there is not the product's."""
FILE_KINDS: tuple[FileKind[Any], ...] = (PLATFORM, PUSH, PULL)
