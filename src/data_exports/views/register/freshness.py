"""Whether what a register was made from is still as it was.

In: an estate's folder. Out: a value that differs when a declaration, a review or git's HEAD does. Effects: looks at the
files, without reading them, and runs git once.
"""

import os
from pathlib import Path

from data_exports.errors import UsageError
from data_exports.estate.file_kinds import ESTATE_PATHS
from data_exports.estate.git import run_git

Freshness = tuple[object, ...]


def freshness_of(folder: Path) -> Freshness:
    """The same value as long as nothing has changed."""
    return (_head_of(folder), *(_entries_of(folder / name) or _stat_of(folder / name) for name in ESTATE_PATHS))


def _head_of(folder: Path) -> bytes:
    try:
        return run_git(folder, "rev-parse", "HEAD").stdout
    except (UsageError, OSError):
        return b""


def _entries_of(folder: Path) -> tuple[object, ...]:
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted((entry.name, _stat_of(entry)) for entry in entries))
    except OSError:
        return ()


def _stat_of(path: "Path | os.DirEntry[str]") -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)
