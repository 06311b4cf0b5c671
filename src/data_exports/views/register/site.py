"""A register in a folder of its own.

In: pages and a folder. Effects: writes the folder anew; one that holds anything that a register did not write there is
refused, and left as it is.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from data_exports.errors import RefusedError, UsageError

MANIFEST = ".exports-register.json"
"""Names what a register wrote, so that nothing else is ever removed."""


def write_site(folder: Path, pages: Iterable[tuple[str, str]], *, whose: str = "") -> dict[str, int]:
    """Write the pages in place of the register that was there; what each file weighs, in bytes.

    `whose` is the account it is for, ``""`` for the whole register: neither takes the other's place, as somebody may
    share that folder with a recipient.

    Raises `RefusedError`, `UsageError`.
    """
    check_is_ours(folder, whose=whose)
    whole = folder.absolute()
    try:
        whole.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{whole.name}-", dir=whole.parent))
        try:
            written = _write_files(made, pages, whose)
            made.chmod(0o755)
            if whole.exists():
                shutil.rmtree(whole)
            made.rename(whole)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    except OSError as error:
        raise UsageError(f"the register cannot be written: {error.strerror}", where=str(folder)) from error
    return written


def check_is_ours(folder: Path, *, whose: str = "") -> None:
    """Raise `RefusedError` where the folder holds what no register wrote there, or a register for somebody else."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise RefusedError("this is no folder", where=str(folder), next_step="give --out a new folder")
    if not folder.exists():
        return
    found = {
        os.path.relpath(Path(root) / name, folder)
        for root, folders, names in os.walk(folder)
        for name in (*names, *(each for each in folders if (Path(root) / each).is_symlink()))
    }
    before = _manifest_of(folder)
    if isinstance(was := before.get("whose"), str) and was != whose:
        raise RefusedError(
            f"the folder holds the register {f'for {was}' if was else 'of everything'}, and this one is"
            f" {f'for {whose}' if whose else 'of everything'}",
            where=str(folder),
            next_step="give --out a folder of its own; somebody may share this one",
        )
    strange = sorted(found - {MANIFEST, *map(str, before.get("files", ()))} if before else found)
    if strange:
        raise RefusedError(
            f"the folder holds what no register wrote: {strange[0]!r}"
            + (f" and {len(strange) - 1:,} more" if len(strange) > 1 else ""),
            where=str(folder),
            next_step="give --out a new folder, or one that only a register has written",
        )


def _manifest_of(folder: Path) -> dict[str, Any]:
    """What the last register noted of itself; nothing where that cannot be read."""
    try:
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return listed if isinstance(listed, dict) and isinstance(listed.get("files"), list) else {}


def _write_files(folder: Path, pages: Iterable[tuple[str, str]], whose: str) -> dict[str, int]:
    sizes = {}
    for name, text in pages:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        sizes[name] = path.write_bytes(text.encode("utf-8", errors="backslashreplace"))
    (folder / MANIFEST).write_text(json.dumps({"files": [*sizes], "whose": whose}), encoding="utf-8")
    return sizes
