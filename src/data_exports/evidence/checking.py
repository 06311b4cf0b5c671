"""Whether a log is whole and has only grown, and whether receipts are those that it holds.

In: heads, and files as they are read. Out: `Deviation` values, each of one kind, so that tampering is not confused with
what is merely new or could not be read. Effects: none but those of reading.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from data_exports.contract.keys import time_in
from data_exports.contract.receipts import lines_of_file, moment_of
from data_exports.evidence.entries import HEAD, Entry, entry_in, sha256_of
from data_exports.evidence.heads import Head, head_in
from data_exports.evidence.merkle import HASH_BYTES
from data_exports.evidence.notes import NotOursError, NotSignedError, VerifierKey

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
    MISSING = "not in the bundle"  # logged, and whoever made the bundle says that it was gone


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


@dataclass(frozen=True, slots=True)
class ReceiptsRule:
    """For how long receipts were kept from some time on, as a deployment that is logged had it."""

    since: datetime
    days: int | None
    """None: for ever."""


@dataclass(slots=True)
class LoggedFiles:
    """What leaves say of files of receipts, noted in the order of the log."""

    files: dict[str, LoggedFile] = field(default_factory=dict)
    last_run: datetime | None = None
    late_files: int = 0
    """Logged more than a day after the time in their names."""

    def note_run(self, entry: Entry) -> None:
        """Take note of a run, which says when what follows was logged."""
        self.last_run = moment_of(entry.at) or self.last_run

    def note_file(self, entry: Entry) -> None:
        """Take note of a file."""
        self.files[entry.file] = LoggedFile(entry.sha256, entry.lines)
        named = time_in(entry.file)
        self.late_files += bool(named and self.last_run and self.last_run - named > LATE_AFTER)

    def note_line(self, entry: Entry) -> None:
        """Take note of a line of a file, or that the file is none. Raises `KeyError` where no leaf told of the file."""
        file = self.files[entry.file]
        if entry.line:
            file.digests += bytes.fromhex(entry.sha256)
        else:
            file.is_damaged = True


@dataclass(slots=True)
class LogContents(LoggedFiles):
    """What the leaves of a log say."""

    records: dict[str, str] = field(default_factory=dict)
    """Path of each record of a deployment → digest."""
    left: int = 0
    """So many files were there at the last run and are not logged: it had no time for them."""
    rules: list[ReceiptsRule] = field(default_factory=list)
    """How long receipts were kept, in the order of deployments: what the log holds, whatever is declared here."""
    doubtful: set[str] = field(default_factory=set)
    """Files, or records, of which an entry was changed or is missing: they cannot be judged by it."""
    is_cut: bool = False
    """Not every entry could be read: what is not in here may be in the log."""

    def note_doubt(self, leaf: bytes) -> None:
        """Take note of an entry that was changed, or stands beside one."""
        with suppress(ValueError, TypeError, LookupError, RecursionError):
            entry = entry_in(leaf)
            self.doubtful.add(entry.file or entry.record)

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


def heads_kept_by(files: Mapping[str, bytes], keys: Collection[VerifierKey]) -> tuple[dict[str, Head], list[Deviation]]:
    """The heads that somebody keeps, by where each lies, and what is none, or signed by nobody who is known."""
    heads, findings = dict[str, Head](), list[Deviation]()
    for where, body in files.items():
        try:
            heads[where] = head_in(body, keys)
        except NotOursError as error:
            findings.append(Deviation(DeviationKind.UNREAD, where, str(error)))
        except NotSignedError as error:
            findings.append(Deviation(DeviationKind.TAMPERED, where, f"whoever keeps it was given this: {error}"))
    return heads, findings


def check_of_records(
    contents: LogContents, heads: Sequence[Head], there: Collection["FileThere"], *, now: datetime
) -> list[Deviation]:
    """Records of deployments that no entry tells of, by which somebody may keep the notary from recording one.

    `there`: those that there were before the heads were read. One that is honest belongs to the batch that comes next.
    """
    size = max((head.size for head in heads), default=0)
    unknown = (
        []
        if contents.is_cut
        else sorted({each.key: each for each in there if each.key not in contents.records}.items())
    )
    return [
        _waiting(file, now)
        if key.rpartition("/")[2].startswith(f"{size:016}-")
        else Deviation(DeviationKind.TAMPERED, key, "it is there, and is not in the log")
        for key, file in unknown
        if key not in contents.doubtful
    ]


# --- receipts against the log -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileThere:
    """A file of receipts, or a record, and when S3 took it, which nobody else can say."""

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
    unknown = set() if contents.is_cut else set(there) - set(contents.files)
    findings = [_not_logged(contents, there[key], now) for key in sorted(unknown)]
    findings += _missing(contents, sorted(set(contents.files) - set(there)), now)
    both = sorted((set(contents.files) & set(there)) - contents.doubtful)
    for key, body in read(iter(both)):
        findings += [_gone(key)] if body is None else changes_of_file(contents.files[key], key, body)
    return findings


def _not_logged(contents: LogContents, file: FileThere, now: datetime) -> Deviation:
    was_there = contents.last_run is not None and file.written_at < contents.last_run - S3_CLOCK_APART
    if was_there and contents.left <= 0:
        return Deviation(
            DeviationKind.TAMPERED, file.key, "it was there at the notary's last run, and is not in the log"
        )
    return _waiting(file, now)


def _waiting(file: FileThere, now: datetime) -> Deviation:
    waited = now - file.written_at
    if waited > BEHIND_AFTER:
        what = f"S3 has it since {file.written_at:%Y-%m-%d %H:%M} UTC, and the notary has not taken it"
        return Deviation(DeviationKind.BEHIND, file.key, what)
    return Deviation(DeviationKind.NOT_LOGGED, file.key, "the notary's next run takes it")


def _missing(contents: LogContents, keys: Iterable[str], now: datetime) -> Iterator[Deviation]:
    """What was logged and is gone: one by one, but for what a rule has deleted, of which there may be very much."""
    expired: dict[tuple[str, int], list[datetime]] = {}
    for key in keys:
        named, rule = time_in(key), rule_that_took(contents.rules, time_in(key), now)
        if named and rule and rule.days:
            expired.setdefault((key.partition("/date=")[0], rule.days), []).append(named)
        else:
            yield _gone(key)
    for (folder, days), times in expired.items():
        files = "1 file" if len(times) == 1 else f"{len(times):,} files"
        what = f"{files} of {min(times):%Y-%m-%d} to {max(times):%Y-%m-%d}: receipts_days was {days} as it was deployed"
        yield Deviation(DeviationKind.EXPIRED, folder, what)


def rule_that_took(rules: Sequence[ReceiptsRule], named: datetime | None, now: datetime) -> ReceiptsRule | None:
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


def changes_of_file(logged: LoggedFile, key: str, body: bytes) -> Iterator[Deviation]:
    """What of a file is not what was logged. One that was packed anew, with the same lines, is the same."""
    found = lines_of_file(body)
    if logged.is_damaged or not found:
        if sha256_of(body) != logged.sha256:
            yield Deviation(DeviationKind.TAMPERED, key, "it is another file than the one that was logged")
        return
    lines = [hashlib.sha256(line).digest() for line in found]
    was = [bytes(logged.digests[at : at + HASH_BYTES]) for at in range(0, len(logged.digests), HASH_BYTES)]
    for number, (now, then) in enumerate(zip(lines, was, strict=False), start=1):
        if now != then:
            yield Deviation(DeviationKind.TAMPERED, f"{key} line {number}", "it is not the line that was logged")
    if len(lines) != len(was):
        yield Deviation(DeviationKind.TAMPERED, key, f"it has {len(lines)} lines, {len(was)} were logged")
