"""One run of the notary: what is new goes into the log, in a fixed order, each once.

In: `NotaryPlaces`, the time, and whether there is time for more. Out: what was logged, and how far the log is behind.
Effects: writes the evidence bucket; reads all else. It may be killed anywhere, and run beside itself:

1. What a batch holds is settled by writing `batches/<size of the log>`, which S3 takes once. Whoever finds a batch
   there carries that one out, never another in its place.
2. Carrying it out gives the same files each time: tiles, records, and notes of which files are logged.
3. The head is written last, on condition that it is still the one that was read. Before, nothing of the batch counts.
"""

import gzip
import hashlib
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from data_exports.evidence.entries import (
    BATCHES,
    DEPLOYMENTS,
    HEAD,
    KEYS,
    LOGGED,
    Entry,
    EntryKind,
    canonical_json,
    entries_of_file,
    sha256_of,
)
from data_exports.evidence.heads import Head, head_in
from data_exports.evidence.merkle import leaf_hash
from data_exports.evidence.notes import VerifierKey, signed_note, signed_text_in
from data_exports.evidence.tiles import GrowingTree

BATCH_ENTRIES = 20_000
"""So many entries and a file more at most are in one batch: some 4 MB."""
REMOVED = "removed"


class DamagedLogError(Exception):
    """The log is not as this notary left it: it goes no further, and somebody is to look."""


@dataclass(frozen=True, slots=True)
class ReceiptsFile:
    """A file of receipts, by its key, and when S3 took it."""

    key: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class StackInForce:
    """A stack as CloudFormation describes it."""

    name: str
    stack_id: str
    status: str
    changed_at: str
    change_set: str = ""
    """The name of that which brought it, as CloudFormation has it; "" where it was made without one."""
    digest: str = ""
    """Of its template, as whoever deployed says."""

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation is at work on it: what it is will be seen once it is at rest."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def ident(self) -> str:
        """What is another once anything has become of the stack."""
        return sha256_of(f"{self.stack_id} {self.changed_at} {self.status}".encode())[:16]


class NotaryPlaces(Protocol):
    """What the notary reaches."""

    def receipt_files(self, prefix: str = "") -> Iterable[ReceiptsFile]:
        """The files of receipts whose keys begin so."""

    def read_receipts(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Some of them, in this order, a few ahead at most; None for what is gone by now."""

    def stacks(self) -> Iterable[StackInForce]:
        """The estate's stacks as they are now."""

    def template(self, stack_id: str) -> Any:
        """A stack's template."""

    def keys(self, prefix: str) -> Iterable[str]:
        """What lies in the evidence bucket."""

    def read(self, key: str) -> tuple[bytes, str] | None:
        """A file of the evidence bucket and its ETag; None when there is none."""

    def write(self, key: str, body: bytes) -> None:
        """Write one that has one content for ever."""

    def write_if(self, key: str, body: bytes, etag: str | None) -> bool:
        """Write one if it is still this one, or, without ETag, if there is none. Whether it was."""

    def sign(self, message: bytes) -> bytes:
        """The signature by the log's key."""


@dataclass(frozen=True, slots=True)
class Notarised:
    """What a run came to."""

    size: int
    added: int
    behind_seconds: float
    """Since when the oldest file that was left for the next run has been there; 0 when none was left."""


def notarise(
    places: NotaryPlaces, key: VerifierKey, now: datetime, is_time_up: Callable[[], bool] = lambda: False
) -> Notarised:
    """Log what is new. Raises `DamagedLogError`, and what the places do."""
    log = _Log(places, key)
    began = log.size
    while waiting := log.settled_batch():
        log.carry_out(waiting)
    news = _News.look(places, now)
    while news and not is_time_up():
        ours = _batch_of(places, log.size, news, now)
        batch = log.settle(ours)
        log.carry_out(batch)
        others_were_here = batch is not ours or log.size != batch.base + len(batch.entries)
        news = _News.look(places, now) if others_were_here else news.without(batch)
    return Notarised(log.size, log.size - began, news.behind_seconds(now))


# --- the log ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is to be logged behind the first `base` leaves: entries, and files of the evidence bucket beside the log."""

    base: int
    entries: tuple[str, ...]
    records: Mapping[str, str]
    gone: frozenset[str] = frozenset()
    """Files that were listed, and not there any more."""

    @property
    def path(self) -> str:
        return f"{BATCHES}{self.base:016}"

    @property
    def body(self) -> bytes:
        return canonical_json({"entries": self.entries, "records": self.records})

    @property
    def text(self) -> str:
        """What is signed, so that nobody else settles what this notary is to log."""
        return f"data-exports batch\n{self.base}\n{sha256_of(self.body)}\n"


class _Log:
    """The log as far as its head says."""

    def __init__(self, places: NotaryPlaces, key: VerifierKey) -> None:
        self._places, self._key = places, key
        own = f"{KEYS}{key.identifier.hex()}"
        if places.read(own) is None:
            places.write_if(own, f"{key}\n".encode(), None)
        files = [places.read(path) for path in places.keys(KEYS)]
        self._keys = [VerifierKey.parse(found[0].decode().strip()) for found in files if found]
        """Every key that this log was ever signed by: one that was replaced does not end it."""
        self._read_head()

    @property
    def size(self) -> int:
        return self._tree.size

    def _read_head(self) -> None:
        found = self._places.read(HEAD)
        if found is None:
            self._etag, self._tree = None, GrowingTree()
            return
        body, self._etag = found
        try:
            head = head_in(body, self._keys)
            self._tree = GrowingTree.read(head.size, self._read_file)
        except ValueError as error:
            raise DamagedLogError(f"the log cannot go on from {HEAD}: {error}") from error
        is_told = self._tree.edge[:1] in ([], [list(map(leaf_hash, self._tree.bundle))])
        if self._tree.root != head.root or not is_told:
            raise DamagedLogError(f"the tiles at the edge of {head.size} leaves are not those that {HEAD} signs")

    def _read_file(self, path: str) -> bytes:
        found = self._places.read(path)
        if found is None:
            raise DamagedLogError(f"{path} is gone, which the head rests on")
        return found[0]

    def settled_batch(self) -> _Batch | None:
        """The batch that is to follow, if one is settled. Raises `DamagedLogError` for one that this key has not."""
        found = self._places.read(f"{BATCHES}{self.size:016}")
        if found is None:
            return None
        try:
            note, _, body = gzip.decompress(found[0]).removesuffix(b"\n").rpartition(b"\n")
            text, _ = signed_text_in(note + b"\n", self._keys)
            facts = json.loads(body)
            batch = _Batch(self.size, tuple(facts["entries"]), facts["records"])
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise DamagedLogError(f"the batch behind {self.size} leaves cannot be read: {error}") from error
        if text != batch.text:
            raise DamagedLogError(f"the batch behind {self.size} leaves is not what was signed")
        return batch

    def settle(self, batch: _Batch) -> _Batch:
        """What is to follow: this batch, unless another has been settled."""
        note = signed_note(batch.text, self._key, self._places.sign)
        if self._places.write_if(batch.path, gzip.compress(note + batch.body + b"\n", mtime=0), None):
            return batch
        settled = self.settled_batch()
        if settled is None:
            raise DamagedLogError(f"{batch.path} was there, and is gone")
        return settled

    def carry_out(self, batch: _Batch) -> None:
        """Write the batch's files, then the head; of two who do, one writes the head, and both go on from there."""
        for path, body in batch.records.items():
            self._places.write(path, body.encode())
        for entry in batch.entries:
            for path, file in self._tree.add(entry.encode()):
                self._places.write(path, file)
        for path, file in self._tree.files_at_the_edge():
            self._places.write(path, file)
        head = Head(self._tree.size, self._tree.root, self._key)
        self._places.write_if(HEAD, head.encode(self._places.sign), self._etag)
        self._read_head()
        if self.size <= batch.base and batch.entries:
            raise DamagedLogError(f"the head went back to {self.size} leaves while {batch.base} were there")


# --- what is new ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _StackNews:
    """What has come to be in force, or is no more."""

    stack: str
    ident: str
    record: bytes

    def path(self, base: int) -> str:
        return f"{DEPLOYMENTS}{self.stack}/{base:016}-{self.ident}.json"


@dataclass(frozen=True, slots=True)
class _News:
    """What is not logged, in the order in which it will be."""

    stacks: tuple[_StackNews, ...]
    files: tuple[ReceiptsFile, ...]

    @classmethod
    def look(cls, places: NotaryPlaces, now: datetime) -> "_News":
        files = sorted(_new_files(places), key=lambda each: each.key)
        return cls(tuple(_new_stacks(places, now)), tuple(files))

    def __bool__(self) -> bool:
        return bool(self.stacks or self.files)

    def without(self, batch: _Batch) -> "_News":
        done = {json.loads(entry).get("file") for entry in batch.entries} | batch.gone
        return _News(
            tuple(each for each in self.stacks if each.path(batch.base) not in batch.records),
            tuple(each for each in self.files if each.key not in done),
        )

    def behind_seconds(self, now: datetime) -> float:
        return max((max(0.0, (now - each.written_at).total_seconds()) for each in self.files), default=0.0)


def _batch_of(places: NotaryPlaces, base: int, news: _News, now: datetime) -> _Batch:
    run = Entry(EntryKind.RUN, at=f"{now:%Y-%m-%dT%H:%M:%SZ}", files=len(news.files))
    entries, records, gone = [run], dict[str, str](), set[str]()
    for each in news.stacks:
        records[each.path(base)] = each.record.decode()
        entries.append(Entry(EntryKind.DEPLOYMENT, sha256_of(each.record), stack=each.stack, record=each.path(base)))
    taken: dict[str, list[str]] = defaultdict(list)
    for key, body in places.read_receipts(each.key for each in news.files):
        if body is None:
            gone.add(key)
            continue
        entries += entries_of_file(key, body)
        taken[_folder(key)].append(key)
        if len(entries) >= BATCH_ENTRIES:
            break
    for folder, keys in taken.items():
        records[f"{LOGGED}{folder}/{base:016}-{len(keys)}-{_sum_of(keys):016x}"] = json.dumps(keys)
    return _Batch(base, tuple(entry.encode().decode() for entry in entries), records, frozenset(gone))


def _new_files(places: NotaryPlaces) -> Iterator[ReceiptsFile]:
    """The files that are not logged. Of a folder whose files are logged, as number and sum say, nothing is read."""
    notes, logged, there = defaultdict[str, list[str]](list), _Sums(), _Sums()
    for note in places.keys(LOGGED):
        folder, _, name = note.removeprefix(LOGGED).partition("/")
        _, number, sum_ = name.split("-")
        notes[folder].append(note)
        logged.add(folder, int(number), int(sum_, 16))
    folders = dict[str, str]()
    for file in places.receipt_files():
        folders[_folder(file.key)] = file.key.rpartition("/")[0]
        there.add(_folder(file.key), 1, _sum_of([file.key]))
    for folder, prefix in folders.items():
        if there[folder] == logged[folder]:
            continue
        known = {key for note in notes[folder] for key in _keys_in(places.read(note))}
        listed = places.receipt_files(f"{prefix}/")
        yield from (each for each in listed if _folder(each.key) == folder and each.key not in known)


class _Sums(defaultdict[str, tuple[int, int]]):
    """Of each folder how many keys, and their sum: what two listings can be compared by."""

    def __init__(self) -> None:
        super().__init__(lambda: (0, 0))

    def add(self, folder: str, number: int, sum_: int) -> None:
        count, total = self[folder]
        self[folder] = count + number, (total + sum_) % (1 << 64)


def _folder(key: str) -> str:
    """A name for a key's folder that is short, whatever somebody calls a folder."""
    return sha256_of(key.rpartition("/")[0].encode())[:16]


def _sum_of(keys: Iterable[str]) -> int:
    return sum(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") for key in keys) % (1 << 64)


def _keys_in(found: tuple[bytes, str] | None) -> list[str]:
    return [] if found is None else list(json.loads(found[0]))


def _new_stacks(places: NotaryPlaces, now: datetime) -> Iterator[_StackNews]:
    """What has come to be in force since it was last recorded; and what is gone.

    A template is read after the stack was described, so the stacks are looked at once more: one of which anything has
    become meanwhile is left for the next run.
    """
    last = dict[str, str]()
    for path in sorted(places.keys(DEPLOYMENTS)):
        stack, _, name = path.removeprefix(DEPLOYMENTS).partition("/")
        last[stack] = name.removesuffix(".json").partition("-")[2]
    there = sorted(places.stacks(), key=lambda each: (each.changed_at, each.name))
    others = [each for each in there if not each.is_busy and last.get(each.name) != each.ident]
    news = [_StackNews(each.name, each.ident, _record_of(each, places.template(each.stack_id))) for each in others]
    if news:
        still = {(each.name, each.ident) for each in places.stacks()}
        yield from (each for each in news if (each.stack, each.ident) in still)
    for stack in sorted(set(last) - {each.name for each in there}):
        if last[stack] != REMOVED:
            record = {"stack": stack, "status": REMOVED, "noticed_at": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
            yield _StackNews(stack, REMOVED, canonical_json(record))


def _record_of(stack: StackInForce, template: Any) -> bytes:
    """What was in force: the digest of the template, and what it says it was made from, the declaration with it."""
    made_from = template.get("Metadata", {}) if isinstance(template, Mapping) else {}
    return canonical_json(
        {
            "stack": stack.name,
            "stack_id": stack.stack_id,
            "status": stack.status,
            "changed_at": stack.changed_at,
            "change_set": stack.change_set,
            "digest": stack.digest,
            "template_sha256": sha256_of(canonical_json(template)),
            "metadata": made_from,
        }
    )
