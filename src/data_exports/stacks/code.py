"""The zips of the mover and of the notary, each with what it agrees on with the rest; repeatable to the byte.

In: nothing. Out: a zip's bytes and the key it is stored under, which holds its digest: Lambda does not notice a
changed object behind an unchanged key. Effects: reads the package's own files.
https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time a zip can hold; one fixed time makes equal contents equal bytes."""


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """The zip to upload, and where to."""

    function: str
    body: bytes

    @property
    def key(self) -> str:
        """The zip's key in the log bucket."""
        return f"code/{self.function}-{hashlib.sha256(self.body).hexdigest()[:16]}.zip"


def mover_code() -> FunctionCode:
    """Pack the mover: Lambda's Python runtime brings all else that it needs, on either architecture."""
    return FunctionCode("mover", _packed("contract", "mover"))


@cache
def notary_code() -> FunctionCode:
    """Pack the notary: boto3 is the runtime's."""
    return FunctionCode("notary", _packed("contract", "evidence", "notary"))


def _packed(*folders: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:  # zlib's output differs between its versions
        for name, body in sorted(_files_of(folders)):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, whatever builds it
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, body)
    return packed.getvalue()


def _files_of(folders: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    package = files("data_exports")
    yield "data_exports/__init__.py", (package / "__init__.py").read_bytes()
    for folder in folders:
        yield from _modules_in(package / folder, f"data_exports/{folder}")


def _modules_in(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _modules_in(entry, f"{path}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{path}/{entry.name}", entry.read_bytes()
