"""A bundle as a file: written whole or not at all, and read though somebody meant ill.

In: names and bytes, or a path. Out: a zip, or what is in it. Effects: writes that file; reads it. A bundle of the same
content is the same bytes. What is read was written by whoever handed it over: names that lead elsewhere or stand twice,
links, bombs and damage are one error, and nothing is ever unpacked to disk.
"""

import os
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from data_exports.contract.receipts import LARGEST_FILE_BYTES
from data_exports.errors import RefusedError, UsageError
from data_exports.operate.bundles.layout import DIGESTS, KEPT_HEADS, UnreadableBundleError, sums_of
from data_exports.text import quoted

MOST_FILES = 100_000
MOST_HEADS = 100
"""Each is a signature to verify, which takes some milliseconds."""
MOST_TIMES = 100
"""A bundle that unpacks to more than so many times its size, and to more than `SMALL_BYTES`, is none: receipts with
their leaves pack to a tenth, and a digest, which nothing makes smaller, goes with each."""
SMALL_BYTES = LARGEST_FILE_BYTES
_PIECE_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_DAMAGE = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What `zipfile` raises for a file that is damaged, encrypted, packed in a way that it does not know, or none."""
_UNIX = 3
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The first that a zip can name: the time of writing would make two bundles of the same content differ."""


def write_bundle(path: Path, files: Iterable[tuple[str, Iterable[bytes]]]) -> int:
    """Write the files, and their digests behind them; how many bytes the bundle has. Raises `UsageError`."""
    check_is_free(path)
    digests: list[tuple[str, str]] = []
    try:
        with NamedTemporaryFile(dir=path.absolute().parent, prefix=f".{path.name}-", delete=False) as made:
            try:
                with zipfile.ZipFile(made, "w") as packed:
                    for name, pieces in files:
                        digests.append((name, _write(packed, name, pieces)))
                    _write(packed, DIGESTS, [sums_of(digests)])
                made.flush()
                size_bytes = os.fstat(made.fileno()).st_size
                _check_made(Path(made.name), path, size_bytes)
                Path(made.name).chmod(0o600)  # receipts name people
                os.link(made.name, path)
            finally:
                Path(made.name).unlink()
    except OSError as error:
        raise UsageError(f"the bundle cannot be written: {error.strerror or error}", where=str(path)) from error
    return size_bytes


def check_is_free(path: Path) -> None:
    """Raise `UsageError` where there is something already: evidence is not written over."""
    if os.path.lexists(path):
        raise UsageError("there is a file of this name", where=str(path), next_step="give --out a new name")


def _check_made(made: Path, path: Path, size_bytes: int) -> None:
    """Raise `RefusedError` for what whoever verifies would take for a bomb: receipts of nothing but one letter."""
    try:
        with zipfile.ZipFile(made) as packed:
            _check_files(packed.infolist(), size_bytes)
    except UnreadableBundleError as error:
        what = f"nobody would open this bundle: {error.what}"
        raise RefusedError(
            what, where=str(path), next_step="ask for a shorter time with --since and --until, or give fewer heads"
        ) from error


def _write(packed: zipfile.ZipFile, name: str, pieces: Iterable[bytes]) -> str:
    info = zipfile.ZipInfo(name, _FIRST_DAY)
    info.create_system, info.external_attr = _UNIX, (stat.S_IFREG | 0o644) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    digest = sha256()
    with packed.open(info, "w", force_zip64=True) as member:
        for piece in pieces:
            digest.update(piece)
            member.write(piece)
    return digest.hexdigest()


class PackedBundle:
    """A bundle that is open. Every method raises `UnreadableBundleError` for what cannot be read."""

    def __init__(self, packed: zipfile.ZipFile, size_bytes: int) -> None:
        self._packed = packed
        self._files = {each.filename: each for each in packed.infolist()}
        _check_files(packed.infolist(), size_bytes)

    @property
    def names(self) -> list[str]:
        """Of its files, in order."""
        return sorted(self._files)

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def read(self, name: str, *, at_most: int = LARGEST_FILE_BYTES) -> bytes:
        """A file whole."""
        with self._opened(name) as member:
            body = member.read(at_most + 1)
            if len(body) > at_most:
                raise UnreadableBundleError(f"it has more than {at_most:,} bytes", where=name)
            return body

    def lines(self, name: str, *, at_most: int = LARGEST_FILE_BYTES) -> Iterator[bytes]:
        """A file line by line, without their ends."""
        with self._opened(name) as member:
            while line := member.readline(at_most + 1):
                if len(line) > at_most:
                    raise UnreadableBundleError(f"a line in it has more than {at_most:,} bytes", where=name)
                yield line.removesuffix(b"\n")

    def digest_of(self, name: str) -> str:
        """The SHA-256 of a file, in hexadecimal digits."""
        digest = sha256()
        with self._opened(name) as member:
            while piece := member.read(_PIECE_BYTES):
                digest.update(piece)
        return digest.hexdigest()

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        if name not in self._files:
            raise UnreadableBundleError("the bundle lacks this file", where=name)
        try:
            with self._packed.open(self._files[name]) as member:
                yield member
        except UnreadableBundleError:
            raise
        except _DAMAGE as error:
            raise UnreadableBundleError(f"it is damaged: {_said(error)}", where=name) from error


@contextmanager
def opened_bundle(path: Path) -> Iterator[PackedBundle]:
    """The bundle at a path. Raises `UsageError` where there is no file, `UnreadableBundleError` for what is no bundle.

    https://docs.python.org/3/library/zipfile.html#decompression-pitfalls
    """
    try:
        size_bytes = path.stat().st_size
        packed = zipfile.ZipFile(path)
    except (FileNotFoundError, IsADirectoryError, PermissionError, NotADirectoryError) as error:
        next_step = "name a bundle; a dataset goes with --file alone"
        raise UsageError(f"it cannot be opened: {error.strerror}", where=str(path), next_step=next_step) from error
    except _DAMAGE as error:
        raise _no_bundle(path, f"it is no whole zip file: {_said(error)}") from error
    with packed:
        try:
            yield PackedBundle(packed, size_bytes)
        except UnreadableBundleError as error:
            raise _no_bundle(path, f"{error.where}: {error.what}" if error.where else error.what, error) from error


def _no_bundle(path: Path, why: str, error: UnreadableBundleError | None = None) -> UnreadableBundleError:
    what = f"the bundle cannot be read, so nothing is proven: {why}"
    next_step = (error.next_step if error else "") or "have it sent again by whoever made it"
    return UnreadableBundleError(what, where=str(path), next_step=next_step)


def _said(error: Exception) -> str:
    return quoted(str(error)[:200])


def _check_files(files: list[zipfile.ZipInfo], size_bytes: int) -> None:
    """Raise for what no bundle holds."""
    if len(files) > MOST_FILES:
        raise UnreadableBundleError(f"it holds {len(files):,} files; a bundle has at most {MOST_FILES:,}")
    for each in files:
        name = quoted(each.orig_filename[:200])
        kind = stat.S_IFMT(each.external_attr >> 16)
        if each.orig_filename != each.filename or not _NAME.fullmatch(each.filename):
            raise UnreadableBundleError(f"it holds a file called {name}, which no bundle does")
        if kind not in (0, stat.S_IFREG):
            raise UnreadableBundleError(f"{name} in it is no plain file")
        if each.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or each.flag_bits & 1:
            raise UnreadableBundleError(f"{name} in it is packed or encrypted in a way that no bundle is")
    twice = [name for name, count in Counter(each.filename for each in files).items() if count > 1]
    if twice:
        raise UnreadableBundleError(f"{quoted(twice[0])} is in it twice")
    heads = sum(each.filename.startswith(KEPT_HEADS) for each in files)
    if heads > MOST_HEADS:
        raise UnreadableBundleError(f"it holds {heads:,} heads; a bundle has at most {MOST_HEADS}")
    unpacked_bytes = sum(each.file_size for each in files)
    if unpacked_bytes > max(SMALL_BYTES, MOST_TIMES * size_bytes):
        raise UnreadableBundleError(f"it would unpack to {unpacked_bytes:,} bytes, from {size_bytes:,}")
