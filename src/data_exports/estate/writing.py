"""Files of an estate written so that nobody ever finds half of one. Effects: writes files.

Reading and checking never need this module.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Give a file a new text, at once and with the permissions it has."""
    temporary = _written_beside(path, text)
    try:
        temporary.chmod(path.stat().st_mode & 0o7777)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def create_file(path: Path, text: str) -> None:
    """Make a file with this text, at once. Raises `FileExistsError` when there is one, and leaves that as it is."""
    temporary = _written_beside(path, text)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _written_beside(path: Path, text: str) -> Path:
    # Its name is hidden, so that a check that runs meanwhile does not take it for a declaration.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - a descriptor
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            Path(name).unlink()
        raise
    umask = os.umask(0)
    os.umask(umask)
    Path(name).chmod(0o666 & ~umask)  # mkstemp makes files that only their owner may read
    return Path(name)
