"""A folder that a process has for itself as long as it lives, in a folder that its user has for all of them.

In: that folder. Out: one within it. Effects: makes both, for their user alone; removes its own in the end, and those of
processes that were killed, which their locks tell.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data_exports.errors import UsageError

_LOCK = "lock"


@contextmanager
def scratch_folder(above: Path) -> Iterator[Path]:
    """A new folder, which is gone afterwards. Raises `UsageError` where none can be made."""
    try:
        made, lock = _made(above)
    except OSError as error:
        next_step = "set XDG_CACHE_HOME, or HOME, to a folder of your own"
        what = f"no folder can be made there: {error.strerror}"
        raise UsageError(what, where=str(above), next_step=next_step) from error
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def _made(above: Path) -> tuple[Path, int]:
    above.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole = _locked(above / _LOCK, wait=True)  # nobody removes a folder before its lock is held
    try:
        for other in above.iterdir():
            if other.is_dir() and not other.is_symlink():
                _remove_abandoned(other)
        made = Path(tempfile.mkdtemp(dir=above))
        return made, _locked(made / _LOCK, wait=False)
    finally:
        os.close(whole)


def _remove_abandoned(folder: Path) -> None:
    with suppress(OSError):
        lock = _locked(folder / _LOCK, wait=False)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _locked(path: Path, *, wait: bool) -> int:
    """The file, open and locked until it is closed, also by the end of the process. Raises `OSError`."""
    found = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(found, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(found)
        raise
    return found
