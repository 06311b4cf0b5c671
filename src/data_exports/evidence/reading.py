"""The whole log, read once: its entries, held against its tiles, its records, and what heads sign.

In: heads, and files as they are read. Out: what the entries say, and `Deviation` values. Effects: none but those of
reading. In memory is what the log says of each file, and a digest of each tile.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from data_exports.contract.receipts import moment_of
from data_exports.evidence.checking import (
    Deviation,
    DeviationKind,
    LogContents,
    Read,
    ReceiptsRule,
)
from data_exports.evidence.entries import DEPLOYMENTS, HEAD, Entry, EntryKind, entry_in, sha256_of
from data_exports.evidence.heads import Head
from data_exports.evidence.merkle import leaf_hash
from data_exports.evidence.tiles import (
    ENTRIES,
    TILE_WIDTH,
    GrowingTree,
    NotATileError,
    entries_in,
    hashes_in,
    tile_path,
)


def check_of_log(
    heads: Sequence[Head], read: Read, kept: Mapping[str, Head] | None = None, *, platform_stack: str = ""
) -> tuple[LogContents, list[Deviation]]:
    """Read the whole log up to its largest head, and hold every tile and every head against its entries.

    `kept`: heads that somebody has kept, by what each is called. `platform_stack`: the one whose records tell for how
    long receipts are kept.
    """
    reading = _Reading([(HEAD, head) for head in heads], list((kept or {}).items()), platform_stack)
    reading.read_entries(read)
    if reading.is_complete:
        reading.compare_tiles(read)
    else:
        reading.contents.is_cut = True
        reading.contents.doubtful.update(list(reading.contents.files)[-1:])
    reading.compare_records(read)
    return reading.contents, reading.findings


class _Growing:
    """A tree as it grows, held against what heads sign."""

    def __init__(self, roots: Mapping[int, Collection[tuple[str, bytes]]]) -> None:
        self._roots = roots
        self._edges = {size for size, signed in roots.items() if HEAD in dict(signed)}
        self.tree = GrowingTree()
        self.tiles: dict[str, str] = {}
        """Digest of each tile of hashes."""
        self.not_signed: list[Deviation] = []
        self._compare()

    def take(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Go on by what a leaf has filled."""
        self._keep(files)
        if self.tree.size in self._roots:
            self._compare()
        if self.tree.size in self._edges:
            self._keep(self.tree.files_at_the_edge())

    def _keep(self, files: Iterable[tuple[str, bytes]]) -> None:
        for path, file in files:
            if ENTRIES not in path:
                self.tiles[path] = sha256_of(file)

    def _compare(self) -> None:
        for where, root in sorted(self._roots.get(self.tree.size, ())):
            if root != self.tree.root:
                what = f"the first {self.tree.size} leaves are not those that it signs (root {root.hex()[:16]}…)"
                told = what if where == HEAD else f"{what}: whoever keeps it was shown another log"
                self.not_signed.append(Deviation(DeviationKind.TAMPERED, where, told))


@dataclass
class _Reading:
    heads: Sequence[tuple[str, Head]]
    kept: Sequence[tuple[str, Head]]
    platform_stack: str
    contents: LogContents = field(default_factory=LogContents)
    findings: list[Deviation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.size = max((head.size for _, head in self.heads), default=0)
        self.roots: dict[int, set[tuple[str, bytes]]] = {}
        for where, head in (*self.heads, *self.kept):
            if head.size > self.size:
                self._find(
                    where, f"it signs {head.size} leaves, and the log has {self.size}: it was cut off, or is another"
                )
            self.roots.setdefault(head.size, set()).add((where, head.root))
        self.grown = _Growing(self.roots)

    def _find(self, where: str, what: str) -> None:
        self.findings.append(Deviation(DeviationKind.TAMPERED, where, what))

    def read_entries(self, read: Read) -> None:
        for start, path, body in self._bundles(read, ENTRIES):
            try:
                if body is None:
                    self._find(path, "it is gone; what follows in the log cannot be judged")
                    break
                for number, leaf in enumerate(entries_in(body, min(TILE_WIDTH, self.size - start)), start):
                    self.grown.take(self.grown.tree.add(leaf))
                    self._note_leaf(leaf, number)
            except NotATileError as error:
                self._find(path, f"{error}; what follows in the log cannot be judged")
                break
        if self.grown.not_signed and not self._are_hashes_signed(read):
            self.findings += self.grown.not_signed

    @property
    def is_complete(self) -> bool:
        """Whether every entry was there."""
        return self.grown.tree.size == self.size

    def _bundles(self, read: Read, kind: int | str) -> Iterator[tuple[int, str, bytes | None]]:
        """Each file of entries, or of their hashes, with the number of its first leaf."""
        starts = range(0, self.size, TILE_WIDTH)
        paths = (tile_path(kind, start // TILE_WIDTH, min(TILE_WIDTH, self.size - start)) for start in starts)
        for start, (path, body) in zip(starts, read(paths), strict=True):
            yield start, path, body

    def _are_hashes_signed(self, read: Read) -> bool:
        """Whether the hashes beside the entries are those that all heads sign: then it is entries that were changed."""
        signed, changed = _Growing(self.roots), list[int]()
        for start, path, body in self._bundles(read, 0):
            try:
                hashes = hashes_in(body or b"", min(TILE_WIDTH, self.size - start))
            except NotATileError:
                return False
            for each in hashes:
                signed.take(signed.tree.add_hash(each))
            if sha256_of(b"".join(hashes)) != self.grown.tiles.get(path):
                changed.append(start)
        if signed.not_signed or not self.is_complete:
            return False
        self.grown = signed
        self._find_changed_entries(read, changed)
        return True

    def _find_changed_entries(self, read: Read, starts: Iterable[int]) -> None:
        for start in starts:
            at, width = start // TILE_WIDTH, min(TILE_WIDTH, self.size - start)
            (path, body), (_, tile) = read([tile_path(ENTRIES, at, width), tile_path(0, at, width)])
            leaves, hashes = entries_in(body or b"", width), hashes_in(tile or b"", width)
            for number, (leaf, hash_) in enumerate(zip(leaves, hashes, strict=True), start):
                if leaf_hash(leaf) != hash_:
                    self._find(path, f"leaf {number} is not the one whose hash was signed")
                    for beside in leaves[max(0, number - start - 1) : number - start + 2]:
                        self.contents.note_doubt(beside)

    def _note_leaf(self, leaf: bytes, number: int) -> None:
        try:
            self._note(entry_in(leaf))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            self._find(f"leaf {number}", f"no notary has written it: {error}")

    def _note(self, entry: Entry) -> None:
        contents = self.contents
        match entry.kind:
            case EntryKind.RUN:
                at = moment_of(entry.at)
                if at is None or (contents.last_run and at < contents.last_run):
                    self._find("the log", f"the clock of the notary went back to {entry.at}")
                contents.note_run(entry)
                contents.left = entry.files
            case EntryKind.FILE:
                if entry.file in contents.files:
                    self._find(entry.file, "it is logged twice")
                contents.note_file(entry)
                contents.left -= 1
            case EntryKind.RECEIPT | EntryKind.DAMAGED:
                contents.note_line(entry)
            case EntryKind.DEPLOYMENT:
                contents.records[entry.record] = entry.sha256

    def compare_tiles(self, read: Read) -> None:
        tiles = self.grown.tiles
        for path, body in read(iter(tiles)):
            if body is None or sha256_of(body) != tiles[path]:
                self._find(path, "it is gone" if body is None else "it is not what the entries make")

    def compare_records(self, read: Read) -> None:
        for path, body in read(path for path in self.contents.records if path not in self.contents.doubtful):
            if body is None or sha256_of(body) != self.contents.records[path]:
                self._find(path, "it is gone" if body is None else "it is not what was logged")
            elif self.platform_stack and path.startswith(f"{DEPLOYMENTS}{self.platform_stack}/"):
                self.contents.rules += rules_in(body)


def rules_in(record: bytes) -> Iterator[ReceiptsRule]:
    """What the record of a deployment of the platform says of receipts; of its removal nothing: the bucket stays."""
    found = json.loads(record)
    since, settings = moment_of(found.get("changed_at", "")), found.get("metadata")
    for name in ("DataExports", "platform"):
        settings = settings.get(name) if isinstance(settings, dict) else None
    if since and isinstance(settings, dict):
        days = settings.get("receipts_days")
        yield ReceiptsRule(since, days if type(days) is int else None)
