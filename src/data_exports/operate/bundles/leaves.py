"""The leaves of a bundle: what they say of its dataset, and whether each file of receipts is followed by all its lines.

In: leaves, in order, behind their numbers. Out: hashes, files and records, and what is wrong. Effects: none.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from data_exports.evidence.checking import LoggedFiles
from data_exports.evidence.entries import Entry, EntryKind, entry_in
from data_exports.evidence.merkle import HASH_BYTES, leaf_hash
from data_exports.operate.bundles.layout import BundleFacts


@dataclass(slots=True)
class BundledLeaves:
    """What the leaves of a bundle say of its dataset, read in their order."""

    facts: BundleFacts
    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    hashes: bytearray = field(default_factory=bytearray)
    asked: LoggedFiles = field(default_factory=LoggedFiles)
    """The files of receipts that are asked for."""
    records: dict[str, str] = field(default_factory=dict)
    """Path of each record of a deployment of the dataset → digest."""
    _open: str = ""
    """The file whose lines are to follow."""
    _rest: int = 0
    """How many of them."""
    _line: int = 0

    def take(self, number: int, leaf: bytes) -> Iterator[str]:
        """The next leaf; what is wrong with it."""
        follows = bool(self.numbers) and number == self.numbers[-1] + 1
        if self.numbers and number <= self.numbers[-1]:
            yield f"leaf {number} does not follow leaf {self.numbers[-1]}"
        self.numbers.append(number)
        self.hashes += leaf_hash(leaf)
        try:
            entry = entry_in(leaf)
            is_plain = entry.encode() == leaf and len(bytes.fromhex(entry.sha256)) in (0, HASH_BYTES)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            yield f"leaf {number} was written by no notary: {error}"
            return
        if not is_plain:
            yield f"leaf {number} was written by no notary: it is not in the one form that there is"
            return
        if self._rest and not (follows and entry.file == self._open and entry.line == self._line + 1):
            yield f"{self._open}: {self._rest} of its lines are logged, and their leaves are not here"
            self._rest = 0
        yield from self._note(entry, number)

    def end(self) -> Iterator[str]:
        """What is wrong once there are no more."""
        if self._rest:
            yield f"{self._open}: {self._rest} of its lines are logged, and their leaves are not here"

    def _note(self, entry: Entry, number: int) -> Iterator[str]:
        match entry.kind:
            case EntryKind.RUN:
                self.asked.note_run(entry)
            case EntryKind.FILE:
                if entry.file in self.asked.files:
                    yield f"{entry.file} is logged twice"
                self._open, self._rest, self._line = entry.file, entry.lines, 0
                if self.facts.is_asked(entry.file):
                    self.asked.note_file(entry)
            case EntryKind.DEPLOYMENT if entry.stack == self.facts.stack:
                self.records[entry.record] = entry.sha256
            case EntryKind.RECEIPT | EntryKind.DAMAGED:
                yield from self._note_line(entry, number)

    def _note_line(self, entry: Entry, number: int) -> Iterator[str]:
        if entry.line and not self._rest:
            yield f"leaf {number} is of a line whose file is not before it"
        self._rest, self._line = max(0, self._rest - 1), entry.line
        if entry.file in self.asked.files:
            self.asked.note_line(entry)
