"""Files written so that nobody ever finds half of one, not after Ctrl-C either. Effects: writes files.

Reading and checking never need this module.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, text: str) -> None:
    """Give a file a new text, at once and with the permissions it has."""
    mode = path.stat().st_mode & 0o7777

    def place(temporary: Path) -> None:
        temporary.chmod(mode)  # whatever the umask took away
        temporary.replace(path)

    _write(path, text.encode(), mode=mode, place=place)


def create_file(path: Path, text: str) -> None:
    """Make a file with this text, at once. Raises `FileExistsError` when there is one, and leaves that as it is."""
    _write(path, text.encode(), mode=0o666, place=lambda temporary: os.link(temporary, path))


def create_files(texts: Mapping[Path, str]) -> None:
    """Make all these files, with the folders that they need, or none: what stops one takes the others away again.

    Raises `OSError`, `FileExistsError` when one is there. They come in this order.
    """
    made: list[Path] = []
    try:
        for path, text in texts.items():
            for folder in reversed([above for above in path.parents if not above.exists()]):
                folder.mkdir()
                made.append(folder)
            create_file(path, text)
            made.append(path)
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):  # such as a folder in which somebody else has put something meanwhile
                path.rmdir() if path.is_dir() else path.unlink()
        raise


def write_private(path: Path, text: str) -> None:
    """Give a file this text, at once, whether there was one or not; nobody but its owner may read it."""
    _write(path, text.encode(), mode=0o600, place=lambda temporary: temporary.replace(path))


def write_file(path: Path, body: bytes) -> None:
    """Make a file or give it another content, at once: whoever reads it meanwhile has the old one or the new one."""
    _write(path, body, mode=0o666, place=lambda temporary: temporary.replace(path))


def _write(path: Path, body: bytes, *, mode: int, place: Callable[[Path], object]) -> None:
    """Write a file in the same folder, and have it put in its place."""
    # Its name is hidden, so that a check that runs meanwhile does not take it for a declaration.
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            place(temporary)
        finally:
            temporary.unlink(missing_ok=True)
    except KeyboardInterrupt:  # it may have come at that very line
        temporary.unlink(missing_ok=True)
        raise
