"""What a leaf of the log says, and where the log lies in its bucket. docs/evidence.md defines both.

In: receipts' files, stacks, times. Out: entries, each a line of canonical JSON, and back. Effects: none. An entry names
a receipt by file and line and holds its digest, never what is in it: receipts name people, and may be forgotten.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from data_exports.contract.keys import RECEIPTS, card_key_of
from data_exports.contract.receipts import lines_of_file, receipt_in_line

HEAD = "checkpoint"
BATCHES = "batches/"
LOGGED = "logged/"
DEPLOYMENTS = "deployments/"
KEYS = "keys/"


class EntryKind(StrEnum):
    """What an entry tells of."""

    RUN = "run"  # the notary began to take what follows, at this time
    FILE = "file"  # a file of receipts, with how many lines; its lines follow
    RECEIPT = "receipt"  # a line of it
    DAMAGED = "damaged"  # a line of it that is no receipt; line 0: the file is no file of receipts
    DEPLOYMENT = "deployment"  # what was in force in AWS; its record lies beside the log


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf. What a kind does not tell is empty."""

    kind: EntryKind
    sha256: str = ""
    """Of the line without its end, of the file's bytes, or of the record's."""
    file: str = ""
    line: int = 0
    lines: int = 0
    at: str = ""
    files: int = 0
    """Of a run: how many files were not logged as it began."""
    stack: str = ""
    record: str = ""
    """Where in the evidence bucket the record of a deployment lies."""

    def encode(self) -> bytes:
        """The leaf."""
        told = {name: getattr(self, name) for name in _TOLD[self.kind]}
        return canonical_json({"kind": self.kind.value, **told})


_TOLD: Mapping[EntryKind, tuple[str, ...]] = {
    EntryKind.RUN: ("at", "files"),
    EntryKind.FILE: ("file", "lines", "sha256"),
    EntryKind.RECEIPT: ("file", "line", "sha256"),
    EntryKind.DAMAGED: ("file", "line", "sha256"),
    EntryKind.DEPLOYMENT: ("stack", "record", "sha256"),
}
_NUMBERS = ("files", "line", "lines")
_RECEIPT = re.compile(
    rb'\{"file":"([ !#-\[\]-~]*)","kind":"receipt","line":(0|[1-9][0-9]{0,8}),"sha256":"([0-9a-f]{64})"\}'
)
"""What nearly all leaves are, read in a third of the time: nothing in it is escaped."""


def entry_in(leaf: bytes) -> Entry:
    """What a leaf says. Raises `ValueError` for what no notary has written."""
    if receipt := _RECEIPT.fullmatch(leaf):
        return Entry(EntryKind.RECEIPT, receipt[3].decode(), receipt[1].decode(), int(receipt[2]))
    found = json.loads(leaf)
    kind = EntryKind(found["kind"]) if isinstance(found, dict) and "kind" in found else None
    if kind is None or set(found) != {"kind", *_TOLD[kind]}:
        raise ValueError("it tells of nothing that is known")
    for name in _TOLD[kind]:
        if type(found[name]) is not (int if name in _NUMBERS else str):
            raise ValueError(f"its {name} is of another kind")
        if name in _NUMBERS and not 0 <= found[name] < 10**9:
            raise ValueError(f"its {name} is no count")
    return Entry(**{**found, "kind": kind})


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def canonical_json(value: Any) -> bytes:
    """JSON in ASCII, keys sorted, without blanks: equal values are equal bytes."""
    return _CANONICAL.encode(value).encode()


def sha256_of(body: bytes) -> str:
    """64 hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


def entries_of_file(file: str, body: bytes) -> Iterator[Entry]:
    """The entries of one file of receipts, as S3 holds it: the file, then each line by its own bytes."""
    lines = lines_of_file(body)
    yield Entry(EntryKind.FILE, sha256_of(body), file, lines=len(lines or ()))
    if lines is None:
        yield Entry(EntryKind.DAMAGED, sha256_of(body), file)
    for number, line in enumerate(lines or (), start=1):
        yield Entry(EntryKind.RECEIPT if _is_receipt(line) else EntryKind.DAMAGED, sha256_of(line), file, number)


def _is_receipt(line: bytes) -> bool:
    try:
        receipt_in_line(line)
    except ValueError:
        return False
    return True


def is_receipts_file(key: str) -> bool:
    """Whether what lies under this key among the receipts is to be logged: all but the cards beside them."""
    return key != card_key_of(key.removeprefix(RECEIPTS).partition("/")[0].removeprefix("dataset="))


def origin_of(bucket: str, region: str) -> str:
    """What the log is called in its heads, and its key: the address of its files, without the scheme.

    https://c2sp.org/tlog-checkpoint#note-text
    """
    return f"{bucket}.s3.{region}.amazonaws.com"
