"""What was uploaded, on disk: a file for each piece, gone when nobody holds the piece any more.

In: bytes. Out: pieces. Effects: files in one folder.
"""

import hashlib
import itertools
import weakref
from collections.abc import Sequence
from pathlib import Path

Pieces = Sequence["Piece"]


class Piece:
    """Bytes that somebody uploaded in one request. `md5`: of them."""

    def __init__(self, path: Path, body: bytes) -> None:
        path.write_bytes(body)
        self.size_bytes, self.md5, self._path = len(body), hashlib.md5(body, usedforsecurity=False).digest(), path
        weakref.finalize(self, path.unlink, missing_ok=True)

    def read(self) -> bytes:
        """The bytes."""
        return self._path.read_bytes()


class Contents:
    """Makes pieces in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._numbers = folder, itertools.count()

    def keep(self, body: bytes) -> Piece:
        """A piece with these bytes."""
        return Piece(self._folder / str(next(self._numbers)), body)


def total_bytes(pieces: Pieces) -> int:
    """Of all of them together, in bytes."""
    return sum(piece.size_bytes for piece in pieces)
