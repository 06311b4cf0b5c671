"""Whether a log is whole and has only grown, and whether receipts are those that it holds.

In: heads, and files as they are read. Out: `Deviation` values, each of one kind, so that tampering is not confused with
what is merely new or could not be read. Effects: none but those of reading.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from data_exports.contract.keys import time_in
from data_exports.contract.receipts import moment_of
from data_exports.evidence.entries import DEPLOYMENTS, HEAD, Entry, EntryKind, entries_of_file, entry_in, sha256_of
from data_exports.evidence.heads import Head, head_in
from data_exports.evidence.merkle import HASH_BYTES
from data_exports.evidence.notes import NotSignedError, VerifierKey
from data_exports.evidence.tiles import ENTRIES, TILE_WIDTH, GrowingTree, NotATileError, entries_in, tile_path

Read = Callable[[Iterable[str]], Iterator[tuple[str, bytes | None]]]
"""Files by their paths, in that order; None for one that is not there."""
S3_CLOCK_APART = timedelta(minutes=5)
BEHIND_AFTER = timedelta(hours=3)
"""So long a file may wait for the notary, which comes every hour."""
LATE_AFTER = timedelta(days=1)


class DeviationKind(StrEnum):
    """What a finding means."""

    TAMPERED = "tampered"  # somebody has changed, removed or added something, or the notary was made to
    BEHIND = "behind"  # not logged, for longer than the notary takes
    NOT_LOGGED = "not yet logged"  # the next run takes it
    UNREAD = "cannot be read"  # nothing is known of it
    EXPIRED = "expired by policy"  # deleted by the rule that a deployment put in force, as the log itself holds


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that is not as it was logged, or not known to be."""

    kind: DeviationKind
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class HeadVersion:
    """A head as it lies, or lay, in the bucket; `body` is None for a deletion."""

    body: bytes | None
    written_at: datetime


@dataclass(slots=True)
class LoggedFile:
    """What the log holds of one file of receipts."""

    sha256: str
    lines: int
    digests: bytearray = field(default_factory=bytearray)
    """Of each line, 32 bytes."""
    is_damaged: bool = False
    damaged_lines: int = 0


@dataclass(frozen=True, slots=True)
class ReceiptsRule:
    """For how long receipts were kept from some time on, as a deployment that is logged had it."""

    since: datetime
    days: int | None
    """None: for ever."""


@dataclass(slots=True)
class LogContents:
    """What the leaves of a log say."""

    files: dict[str, LoggedFile] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    """Path of each record of a deployment → digest."""
    last_run: datetime | None = None
    left: int = 0
    """So many files were there at the last run and are not logged: it had no time for them."""
    late_files: int = 0
    """Logged more than a day after the time in their names."""
    rules: list[ReceiptsRule] = field(default_factory=list)
    """How long receipts were kept, in the order of deployments: what the log holds, whatever is declared here."""

    @property
    def receipts(self) -> int:
        """How many lines are logged."""
        return sum(len(each.digests) // HASH_BYTES for each in self.files.values())


def heads_of(versions: Sequence[HeadVersion], keys: Collection[VerifierKey]) -> tuple[list[Head], list[Deviation]]:
    """The heads that there ever were, the oldest first, and what is wrong with them; the last one is in force."""
    heads, findings = list[Head](), list[Deviation]()

    def find(what: str, version: HeadVersion) -> None:
        where = f"{HEAD}, written {version.written_at:%Y-%m-%d %H:%M:%S} UTC"
        findings.append(Deviation(DeviationKind.TAMPERED, where, what))

    for version in versions:
        if version.body is None:
            find("it was deleted", version)
            continue
        try:
            head = head_in(version.body, keys)
        except NotSignedError as error:
            find(str(error), version)
            continue
        if heads and head.size < heads[-1].size:
            find(f"the log went back from {heads[-1].size} leaves to {head.size}", version)
        heads.append(head)
    return heads, findings


def check_of_log(
    heads: Sequence[Head], read: Read, kept: Mapping[str, Head] | None = None, *, platform_stack: str = ""
) -> tuple[LogContents, list[Deviation]]:
    """Read the whole log up to its largest head, and hold every tile and every head against its entries.

    `kept`: heads that somebody has kept, by what each is called. `platform_stack`: the one whose records tell for how
    long receipts are kept.
    """
    reading = _Reading([(HEAD, head) for head in heads], list((kept or {}).items()), platform_stack)
    reading.read_entries(read)
    if reading.tree.size == reading.size:
        reading.compare_tiles(read)
        reading.compare_records(read)
    return reading.contents, reading.findings


@dataclass
class _Reading:
    heads: Sequence[tuple[str, Head]]
    kept: Sequence[tuple[str, Head]]
    platform_stack: str
    contents: LogContents = field(default_factory=LogContents)
    findings: list[Deviation] = field(default_factory=list)
    tiles: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.size = max((head.size for _, head in self.heads), default=0)
        self.roots: dict[int, set[tuple[str, bytes]]] = {}
        for where, head in (*self.heads, *self.kept):
            if head.size > self.size:
                self._find(
                    where, f"it signs {head.size} leaves, and the log has {self.size}: it was cut off, or is another"
                )
            self.roots.setdefault(head.size, set()).add((where, head.root))
        self.tree = GrowingTree()

    def _find(self, where: str, what: str) -> None:
        self.findings.append(Deviation(DeviationKind.TAMPERED, where, what))

    def read_entries(self, read: Read) -> None:
        size = self.size
        bundles = [(start, min(TILE_WIDTH, size - start)) for start in range(0, size, TILE_WIDTH)]
        paths = (tile_path(ENTRIES, start // TILE_WIDTH, width) for start, width in bundles)
        self._compare_root()
        for (start, width), (path, body) in zip(bundles, read(paths), strict=True):
            try:
                if body is None:
                    self._find(path, "it is gone; what follows in the log cannot be judged")
                    return
                leaves = entries_in(body, width)
                for number, leaf in enumerate(leaves):
                    self._take(leaf, start + number)
            except NotATileError as error:
                self._find(path, f"{error}; what follows in the log cannot be judged")
                return

    def _take(self, leaf: bytes, number: int) -> None:
        self.tiles.update((path, sha256_of(file)) for path, file in self.tree.add(leaf) if ENTRIES not in path)
        if self.tree.size in self.roots:
            self._compare_root()
            self.tiles.update((path, sha256_of(file)) for path, file in self.tree.files_at_the_edge())
        try:
            self._note(entry_in(leaf))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            self._find(f"leaf {number}", f"no notary has written it: {error}")

    def _compare_root(self) -> None:
        for where, root in sorted(self.roots.get(self.tree.size, ())):
            if root != self.tree.root:
                what = f"the first {self.tree.size} leaves are not those that it signs (root {root.hex()[:16]}…)"
                self._find(where, what)

    def _note(self, entry: Entry) -> None:
        contents = self.contents
        match entry.kind:
            case EntryKind.RUN:
                at = moment_of(entry.at)
                if at is None or (contents.last_run and at < contents.last_run):
                    self._find("the log", f"the clock of the notary went back to {entry.at}")
                contents.last_run, contents.left = at or contents.last_run, entry.files
            case EntryKind.FILE:
                if entry.file in contents.files:
                    self._find(entry.file, "it is logged twice")
                contents.files[entry.file] = LoggedFile(entry.sha256, entry.lines)
                contents.left -= 1
                named = time_in(entry.file)
                contents.late_files += bool(named and contents.last_run and contents.last_run - named > LATE_AFTER)
            case EntryKind.RECEIPT | EntryKind.DAMAGED:
                file = contents.files[entry.file]
                if entry.line:
                    file.digests += bytes.fromhex(entry.sha256)
                    file.damaged_lines += entry.kind is EntryKind.DAMAGED
                else:
                    file.is_damaged = True
            case EntryKind.DEPLOYMENT:
                contents.records[entry.record] = entry.sha256

    def compare_tiles(self, read: Read) -> None:
        for path, body in read(iter(self.tiles)):
            if body is None or sha256_of(body) != self.tiles[path]:
                self._find(path, "it is gone" if body is None else "it is not what the entries make")

    def compare_records(self, read: Read) -> None:
        for path, body in read(iter(self.contents.records)):
            if body is None or sha256_of(body) != self.contents.records[path]:
                self._find(path, "it is gone" if body is None else "it is not what was logged")
            elif self.platform_stack and path.startswith(f"{DEPLOYMENTS}{self.platform_stack}/"):
                self.contents.rules += _rules_in(body)


def _rules_in(record: bytes) -> Iterator[ReceiptsRule]:
    """What the record of a deployment of the platform says of receipts; of its removal nothing: the bucket stays."""
    found = json.loads(record)
    since, settings = moment_of(found.get("changed_at", "")), found.get("metadata")
    for name in ("DataExports", "platform"):
        settings = settings.get(name) if isinstance(settings, dict) else None
    if since and isinstance(settings, dict):
        days = settings.get("receipts_days")
        yield ReceiptsRule(since, days if type(days) is int else None)


# --- receipts against the log -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileThere:
    """A file of receipts in the log bucket, and when S3 took it, which nobody else can say."""

    key: str
    written_at: datetime


def check_of_receipts(
    contents: LogContents,
    there: Mapping[str, FileThere],
    read: Read,
    *,
    now: datetime,
) -> list[Deviation]:
    """Hold the files that are there against what was logged of them."""
    findings = [_not_logged(contents, there[key], now) for key in sorted(set(there) - set(contents.files))]
    findings += _missing(contents, sorted(set(contents.files) - set(there)), now)
    both = sorted(set(contents.files) & set(there))
    for key, body in read(iter(both)):
        findings += [_gone(key)] if body is None else _changes(contents.files[key], key, body)
    return findings


def _not_logged(contents: LogContents, file: FileThere, now: datetime) -> Deviation:
    was_there = contents.last_run is not None and file.written_at < contents.last_run - S3_CLOCK_APART
    if was_there and contents.left <= 0:
        return Deviation(
            DeviationKind.TAMPERED, file.key, "it was there at the notary's last run, and is not in the log"
        )
    waited = now - file.written_at
    if waited > BEHIND_AFTER:
        what = f"S3 has it since {file.written_at:%Y-%m-%d %H:%M} UTC, and the notary has not taken it"
        return Deviation(DeviationKind.BEHIND, file.key, what)
    return Deviation(DeviationKind.NOT_LOGGED, file.key, "the notary's next run takes it")


def _missing(contents: LogContents, keys: Iterable[str], now: datetime) -> Iterator[Deviation]:
    """What was logged and is gone: one by one, but for what a rule has deleted, of which there may be very much."""
    expired: dict[tuple[str, int], list[datetime]] = {}
    for key in keys:
        named, rule = time_in(key), _rule_that_took(contents.rules, time_in(key), now)
        if named and rule and rule.days:
            expired.setdefault((key.partition("/date=")[0], rule.days), []).append(named)
        else:
            yield _gone(key)
    for (folder, days), times in expired.items():
        files = "1 file" if len(times) == 1 else f"{len(times):,} files"
        what = f"{files} of {min(times):%Y-%m-%d} to {max(times):%Y-%m-%d}: receipts_days was {days} as it was deployed"
        yield Deviation(DeviationKind.EXPIRED, folder, what)


def _rule_that_took(rules: Sequence[ReceiptsRule], named: datetime | None, now: datetime) -> ReceiptsRule | None:
    """The rule under which a file of this name was old enough, while it was in force; the time in its name counts.

    S3 counts from when it took the file, which is not before.
    """
    for number, rule in enumerate(rules):
        ends = rules[number + 1].since if number + 1 < len(rules) else now
        if named and rule.days and named + timedelta(days=rule.days) <= min(ends, now):
            return rule
    return None


def _gone(key: str) -> Deviation:
    return Deviation(DeviationKind.TAMPERED, key, "it was logged, and is gone")


def _changes(logged: LoggedFile, key: str, body: bytes) -> Iterator[Deviation]:
    """What of a file is not what was logged. One that was packed anew, with the same lines, is the same."""
    found = list(entries_of_file(key, body))
    lines = [bytes.fromhex(each.sha256) for each in found if each.line]
    was = [bytes(logged.digests[at : at + HASH_BYTES]) for at in range(0, len(logged.digests), HASH_BYTES)]
    if logged.is_damaged or not found[0].lines:
        if found[0].sha256 != logged.sha256:
            yield Deviation(DeviationKind.TAMPERED, key, "it is another file than the one that was logged")
        return
    for number, (now, then) in enumerate(zip(lines, was, strict=False), start=1):
        if now != then:
            yield Deviation(DeviationKind.TAMPERED, f"{key} line {number}", "it is not the line that was logged")
    if len(lines) != len(was):
        yield Deviation(DeviationKind.TAMPERED, key, f"it has {len(lines)} lines, {len(was)} were logged")
