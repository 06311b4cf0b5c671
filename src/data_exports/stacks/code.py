"""The mover's zip: the mover, what it agrees on with the rest (`contract`), and nothing else; repeatable to the byte.

In: nothing. Out: the zip's bytes and the key it is stored under, which holds its digest: Lambda does not notice a
changed object behind an unchanged key. Effects: reads the package's own files.
https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time a zip can hold; one fixed time makes equal contents equal bytes."""


@dataclass(frozen=True, slots=True)
class MoverCode:
    """The zip to upload, and where to."""

    body: bytes

    @property
    def key(self) -> str:
        """The zip's key in the log bucket."""
        return f"code/mover-{hashlib.sha256(self.body).hexdigest()[:16]}.zip"


def mover_code() -> MoverCode:
    """Pack the mover: Lambda's Python runtime brings all else that it needs, on either architecture."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # zlib's output differs between its versions
        for name, body in sorted(_mover_files()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, whatever builds it
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, body)
    return MoverCode(packed.getvalue())


def _mover_files() -> Iterator[tuple[str, bytes]]:
    package = files("data_exports")
    yield "data_exports/__init__.py", (package / "__init__.py").read_bytes()
    for folder in ("contract", "mover"):
        yield from _modules_in(package / folder, f"data_exports/{folder}")


def _modules_in(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _modules_in(entry, f"{path}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{path}/{entry.name}", entry.read_bytes()
