"""The tree as files: tiles of 256 hashes, each level of them over the one below, and bundles of entries.

In: entries, in order. Out: files by path, and the root. Effects: none. A tile that is not full is a file of its own,
named by how much it holds, so that no file ever changes.
https://c2sp.org/tlog-tiles
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from data_exports.evidence.merkle import HASH_BYTES, leaf_hash, root_over

TILE_WIDTH = 256
ENTRIES = "entries"
_LENGTH_BYTES = 2
LONGEST_ENTRY_BYTES = (1 << 8 * _LENGTH_BYTES) - 1


class NotATileError(ValueError):
    """A file of the log is not what its path says; `str()` says what it is."""


def tile_path(level: int | str, number: int, width: int = TILE_WIDTH) -> str:
    """Where a tile lies, of a level of hashes or of `ENTRIES`: `tile/0/x001/x234/067`, `.p/5` behind one of 5."""
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def tiles_at_the_edge(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, number and width of each tile that is not full in a tree of so many leaves: one a level at most."""
    level = 0
    while size:
        if size % TILE_WIDTH:
            yield level, size // TILE_WIDTH, size % TILE_WIDTH
        size //= TILE_WIDTH
        level += 1


def hashes_in(body: bytes, width: int) -> list[bytes]:
    """The hashes of a tile. Raises `NotATileError`."""
    if len(body) != width * HASH_BYTES:
        raise NotATileError(f"it has {len(body)} bytes, a tile of {width} has {width * HASH_BYTES}")
    return [body[at : at + HASH_BYTES] for at in range(0, len(body), HASH_BYTES)]


def bundle_of(entries: Iterable[bytes]) -> bytes:
    """Entries as a file: the length of each, in two bytes, before it."""
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def entries_in(body: bytes, width: int) -> list[bytes]:
    """The entries of a bundle. Raises `NotATileError`."""
    found, at = list[bytes](), 0
    while at + _LENGTH_BYTES <= len(body):
        end = at + _LENGTH_BYTES + int.from_bytes(body[at : at + _LENGTH_BYTES], "big")
        found.append(body[at + _LENGTH_BYTES : end])
        at = end
    if at != len(body) or len(found) != width:
        raise NotATileError(f"it does not hold {width} whole entries")
    return found


@dataclass
class GrowingTree:
    """A tree that takes leaves at its end; in memory are the tiles at its edge alone."""

    size: int = 0
    edge: list[list[bytes]] = field(default_factory=list)
    """For each level the hashes of its tile that is not full."""
    bundle: list[bytes] = field(default_factory=list)
    """The entries of the bundle that is not full."""

    @classmethod
    def read(cls, size: int, read_file: Callable[[str], bytes]) -> "GrowingTree":
        """The tree of so many leaves, from its tiles at the edge. Raises `NotATileError`, and what `read_file` does."""
        tree = cls(size)
        for level, number, width in tiles_at_the_edge(size):
            tree._edge_of(level)
            tree.edge[level] = hashes_in(read_file(tile_path(level, number, width)), width)
        if width := size % TILE_WIDTH:
            tree.bundle = entries_in(read_file(tile_path(ENTRIES, size // TILE_WIDTH, width)), width)
        return tree

    def add(self, entry: bytes) -> Iterator[tuple[str, bytes]]:
        """Take one entry; the files that it fills."""
        self.bundle.append(entry)
        if len(self.bundle) == TILE_WIDTH:
            yield tile_path(ENTRIES, self.size // TILE_WIDTH), bundle_of(self.bundle)
            self.bundle = []
        yield from self.add_hash(leaf_hash(entry))

    def add_hash(self, added: bytes) -> Iterator[tuple[str, bytes]]:
        """Take one leaf of which the hash alone is known; the tiles that it fills."""
        self.size += 1
        level = 0
        while True:
            hashes = self._edge_of(level)
            hashes.append(added)
            if len(hashes) < TILE_WIDTH:
                return
            number = (self.size >> 8 * (level + 1)) - 1
            yield tile_path(level, number), b"".join(hashes)
            level, added = level + 1, root_over(hashes)
            hashes.clear()

    def files_at_the_edge(self) -> Iterator[tuple[str, bytes]]:
        """The files that are not full."""
        if self.bundle:
            yield tile_path(ENTRIES, self.size // TILE_WIDTH, len(self.bundle)), bundle_of(self.bundle)
        for level, number, width in tiles_at_the_edge(self.size):
            yield tile_path(level, number, width), b"".join(self.edge[level])

    @property
    def root(self) -> bytes:
        """The root over all leaves so far."""
        return root_of_edge(self.edge)

    def _edge_of(self, level: int) -> list[bytes]:
        while len(self.edge) <= level:
            self.edge.append([])
        return self.edge[level]


def root_of_edge(edge: Sequence[Sequence[bytes]]) -> bytes:
    """The root of a tree, from the hashes of those tiles of each level that are not full."""
    below: list[bytes] = []
    for hashes in edge:
        row = [*hashes, *below]
        below = [root_over(row)] if row else []
    return below[0] if below else root_over([])
