"""The three kinds of file in an estate: where each lies, which fields it has, how it is read.

In: paths. Out: their kinds. Effects: `files_of` lists the estate's folders.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_exports.estate.drafting import draft_platform, draft_pull, draft_push
from data_exports.estate.fields import PLATFORM_FIELDS, PULL_FIELDS, PUSH_FIELDS, Field
from data_exports.estate.findings import Report
from data_exports.estate.loading import PLATFORM_FILE, PULL_FOLDER, PUSH_FOLDER, declarations_in, is_declaration
from data_exports.estate.nodes import Fields


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file."""

    name: str
    folder: str
    """Below the estate's; ``""`` for ``exports.yaml``."""
    fields: tuple[Field[Any], ...]
    """Those of a dataset, or those below ``platform``."""
    draft: Callable[[Fields, Report], object]


PLATFORM = FileKind("platform", "", PLATFORM_FIELDS, draft_platform)
PUSH = FileKind("push", PUSH_FOLDER, PUSH_FIELDS, draft_push)
PULL = FileKind("pull", PULL_FOLDER, PULL_FIELDS, draft_pull)
KINDS = (PLATFORM, PUSH, PULL)


def kind_of(path: Path, *, estate: Path) -> FileKind | None:
    """What a path in an estate's folder is read as; ``None`` when it is not read."""
    if path == estate / PLATFORM_FILE:
        return PLATFORM
    if not is_declaration(path.name):
        return None
    return next((kind for kind in (PUSH, PULL) if path.parent == estate / kind.folder), None)


def files_of(estate: Path) -> Iterator[tuple[Path, FileKind]]:
    """Every file that `load_estate` reads, with its kind; what cannot be listed is for `load_estate` to say."""
    yield estate / PLATFORM_FILE, PLATFORM
    for kind in (PUSH, PULL):
        for path in declarations_in(estate / kind.folder, Report()):
            yield path, kind
