"""What a bundle of one dataset holds, read from the log, and held against it as it is read.

In: an estate's dataset, an `Aws`, the keys that the estate keeps, a period, heads that somebody has kept. Out:
`Collected`, and the receipts' lines as they stream. Effects: reads the evidence bucket, every entry of the log, and
the dataset's receipts; writes a file that has no name. In memory are the hash of each leaf, and the digest of each
receipt of the dataset, 32 bytes each.
"""

import json
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import merge
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from data_exports.aws import Aws, aws_errors
from data_exports.contract.change_sets import ClaimedCommit, claimed_commit
from data_exports.contract.keys import receipts_prefix_of, time_in
from data_exports.contract.receipts import Receipt, lines_of_file, moment_of, receipt_in_line
from data_exports.deploy.evidence_keys import check_keeps_evidence
from data_exports.deploy.remote import check_account, read_stored
from data_exports.errors import ExportsError, RefusedError
from data_exports.estate.models import Dataset, Platform, PushDataset
from data_exports.evidence.checking import LoggedFile, LoggedFiles, ReceiptsRule, changes_of_file, rule_that_took
from data_exports.evidence.entries import HEAD, Entry, EntryKind, entry_in, sha256_of
from data_exports.evidence.heads import Head, head_in
from data_exports.evidence.merkle import HASH_BYTES, leaf_hash, root_over, roots_from
from data_exports.evidence.notes import NotSignedError, VerifierKey
from data_exports.evidence.reading import rules_in
from data_exports.evidence.tiles import ENTRIES, TILE_WIDTH, NotATileError, entries_in, tile_path
from data_exports.names import FOUNDATION_STACK, BucketName
from data_exports.operate.bundles.layout import DAMAGED_LINES, BundleFacts
from data_exports.operate.receipts import Period, list_receipt_files
from data_exports.parallel import map_ordered
from data_exports.stacks.stack import METADATA_KEY

_AT_ONCE = 16
HELD_IN_MEMORY_BYTES = 32 << 20
RECEIPTS_SHOWN = 1_000
"""So many receipts are kept for a page to show."""
_VERIFY = "`exports verify` tells what was tampered with; no bundle was written"


@dataclass(frozen=True, slots=True)
class BundledRecord:
    """A deployment of the dataset's stack as the log has it."""

    number: int
    """Of its leaf."""
    path: str
    body: bytes
    facts: Mapping[str, Any]

    @property
    def moment(self) -> datetime | None:
        """When it was deployed, as CloudFormation says; of one that is gone, when that was noticed."""
        return moment_of(str(self.facts.get("changed_at") or self.facts.get("noticed_at") or ""))

    @property
    def declaration(self) -> Mapping[str, Any]:
        """What was declared; nothing where the stack does not say, or is gone."""
        found: Any = self.facts
        for key in ("metadata", METADATA_KEY, "declaration"):
            found = found.get(key) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    @property
    def claim(self) -> ClaimedCommit | None:
        """The commit that whoever deployed said it came from."""
        return claimed_commit(str(self.facts.get("change_set") or ""), str(self.facts.get("digest") or ""))


@dataclass(slots=True)
class Collected:
    """What is to be proven, and by what."""

    facts: BundleFacts
    """With what is gone or expired once the receipts' lines are read."""
    head: Head
    head_bytes: bytes
    proof: bytes
    files: Mapping[str, LoggedFile]
    """Of receipts, logged, of this dataset and period."""
    records: tuple[BundledRecord, ...]
    late_files: int
    leaves: Iterable[bytes]
    """The lines of the leaves, from memory or a file."""
    has_whole_log: bool
    outcomes: Counter[str] = field(default_factory=Counter)
    """Filled as the receipts' lines are read."""
    shown: list[Receipt] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    """Files of receipts that are not there any more."""
    rules: tuple[ReceiptsRule, ...] = ()
    """For how long receipts were kept, as the log holds it."""

    def count(self, line: bytes) -> None:
        """Count a line that goes into the bundle, and keep the first receipts for a page to show."""
        try:
            receipt = receipt_in_line(line)
        except ValueError:
            self.outcomes[DAMAGED_LINES] += 1
            return
        self.outcomes[receipt.outcome] += 1
        if len(self.shown) < RECEIPTS_SHOWN:
            self.shown.append(receipt)


@contextmanager
def collected_from(
    platform: Platform,
    dataset: Dataset,
    aws: Aws,
    keys: Collection[VerifierKey],
    facts: BundleFacts,
    *,
    has_whole_log: bool = False,
    kept: Mapping[str, bytes] | None = None,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> Iterator[Collected]:
    """What the log holds of the dataset and period that `facts` names, as long as its leaves are needed.

    Raises `RefusedError` where there is no evidence or the log is not what its head signs, `AwsError`.
    """
    check_keeps_evidence(platform)
    kept_heads = {name: _believed(body, keys, name) for name, body in (kept or {}).items()}
    check_account(aws, platform)
    s3, account = aws.client("s3"), str(platform.account)
    with aws_errors(where=f"s3://{platform.log_bucket}"):
        there = _files_there(s3, platform, dataset, facts, account)  # before the head: what comes later is not in it
    with SpooledTemporaryFile(HELD_IN_MEMORY_BYTES) as spool:
        with aws_errors(where=f"s3://{platform.evidence_bucket}"):
            read = _reader(aws, platform.evidence_bucket, platform)
            head_bytes, head = _head_of(platform, read, keys)
            log = _LogOfDataset(facts, spool, has_whole_log=has_whole_log)
            for number, leaf in _leaves(read, head.size):
                log.take(number, leaf)
                if log.size % TILE_WIDTH == 0:
                    tell(log.size, head.size)
            records, rules = log.records(read), log.rules(read)
            numbers, leaves = log.chosen(records)
            proof = log.proof(numbers, {HEAD: head, **kept_heads})
        with aws_errors(where=f"s3://{platform.log_bucket}"):
            waiting = [key for key in there if key not in log.asked.files]
            bodies = map_ordered(_reader(aws, platform.log_bucket, platform), waiting, at_once=_AT_ONCE)
            not_logged = sum(len(lines_of_file(body or b"") or ()) for body in bodies)
        yield Collected(
            replace(facts, not_logged_files=len(waiting), not_logged_receipts=not_logged),
            head,
            head_bytes,
            proof,
            log.asked.files,
            records,
            log.asked.late_files,
            leaves,
            has_whole_log,
            rules=rules,
        )


def receipt_lines(collected: Collected, aws: Aws, platform: Platform, tell: Callable[[int], None]) -> Iterator[bytes]:
    """The lines of the receipts, with their ends, each as it was logged; notes what is not there any more.

    Raises `RefusedError` for what is not as it was logged, `AwsError`.
    """
    read = _reader(aws, platform.log_bucket, platform)
    with aws_errors(where=f"s3://{platform.log_bucket}"):
        for key, body in map_ordered(lambda key: (key, read(key)), iter(collected.files), at_once=_AT_ONCE):
            if body is None:
                collected.lacking.append(key)
                continue
            for found in changes_of_file(collected.files[key], key, body):
                raise _tampered(found.where, found.what)
            for line in lines_of_file(body) or ():
                collected.count(line)
                yield line + b"\n"
            tell(collected.outcomes.total())
    collected.facts = _told_facts(collected)


def _told_facts(collected: Collected) -> BundleFacts:
    facts, gone, expired = collected.facts, list[str](), list[str]()
    for key in collected.lacking:
        (expired if rule_that_took(collected.rules, time_in(key), facts.made_at) else gone).append(key)
    return replace(facts, gone=tuple(gone), expired=tuple(expired))


_Read = Callable[[str], bytes | None]
_Numbered = tuple[int, bytes]
"""A leaf, behind its number."""


def _reader(aws: Aws, bucket: BucketName, platform: Platform) -> _Read:
    return lambda key: read_stored(aws, bucket, key, account=str(platform.account))


@dataclass(frozen=True, slots=True)
class _DeploymentLeaf:
    leaf: "_Numbered"
    run: "_Numbered | None"
    entry: Entry

    @property
    def with_run(self) -> "tuple[_Numbered, ...]":
        return (self.run, self.leaf) if self.run else (self.leaf,)


def _files_there(s3: Any, platform: Platform, dataset: Dataset, facts: BundleFacts, account: str) -> list[str]:
    if not isinstance(dataset, PushDataset):
        return []
    period = Period(facts.since, facts.until)
    listed = list_receipt_files(s3, platform.log_bucket, dataset.name, period, account=account)
    return [each.key for each in listed if facts.is_asked(each.key)]


def _head_of(platform: Platform, read: _Read, keys: Collection[VerifierKey]) -> tuple[bytes, Head]:
    body = read(HEAD)
    if body is None:
        next_step = 'the notary comes every hour; `{"task": "notarise"}` given to exports-notary has it come at once'
        raise RefusedError("the log holds nothing yet", where=str(platform.evidence_bucket), next_step=next_step)
    return body, _believed(body, keys, HEAD)


def _believed(body: bytes, keys: Collection[VerifierKey], where: str) -> Head:
    try:
        return head_in(body, keys)
    except NotSignedError as error:
        raise _tampered(where, str(error)) from error


def _leaves(read: _Read, size: int) -> Iterator[tuple[int, bytes]]:
    widths = [(start, min(TILE_WIDTH, size - start)) for start in range(0, size, TILE_WIDTH)]
    paths = [tile_path(ENTRIES, start // TILE_WIDTH, width) for start, width in widths]
    for (start, width), path, body in zip(widths, paths, map_ordered(read, paths, at_once=_AT_ONCE), strict=True):
        if body is None:
            raise _tampered(path, "it is gone")
        try:
            yield from enumerate(entries_in(body, width), start=start)
        except NotATileError as error:
            raise _tampered(path, str(error)) from error


def _tampered(where: str, what: str) -> ExportsError:
    return RefusedError(what, where=where, next_step=_VERIFY)


class _LogOfDataset:
    """What of the log's leaves goes into the bundle, as they are read in order."""

    def __init__(self, facts: BundleFacts, spool: IO[bytes], *, has_whole_log: bool) -> None:
        self._facts, self._spool, self._has_whole_log = facts, spool, has_whole_log
        dataset = f'"{receipts_prefix_of(facts.dataset)}'
        self._telling = (dataset.encode(), b'"kind":"run"', b'"kind":"deployment"')
        self._hashes, self._numbers = bytearray(), array("q")
        self._deployments: list[_DeploymentLeaf] = []
        self._of_platform: list[Entry] = []
        self._run: _Numbered | None = None
        self.asked = LoggedFiles()

    @property
    def size(self) -> int:
        return len(self._hashes) // HASH_BYTES

    def take(self, number: int, leaf: bytes) -> None:
        self._hashes += leaf_hash(leaf)
        may_tell = any(each in leaf for each in self._telling)
        if (may_tell and self._is_asked(number, leaf)) or self._has_whole_log:
            self._keep(number, leaf)

    def _keep(self, number: int, leaf: bytes) -> None:
        self._numbers.append(number)
        self._spool.write(b"%d %s\n" % (number, leaf))

    def _is_asked(self, number: int, leaf: bytes) -> bool:
        """Whether the leaf tells of receipts that are asked for; notes runs and deployments."""
        try:
            entry = entry_in(leaf)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            raise _tampered(f"leaf {number}", f"no notary has written it: {error}") from error
        match entry.kind:
            case EntryKind.RUN:
                self._run = (number, leaf)
                self.asked.note_run(entry)
            case EntryKind.DEPLOYMENT if entry.stack == self._facts.stack:
                self._deployments.append(_DeploymentLeaf((number, leaf), self._run, entry))
            case EntryKind.DEPLOYMENT if entry.stack == FOUNDATION_STACK:
                self._of_platform.append(entry)
            case EntryKind.FILE if self._facts.is_asked(entry.file):
                self._begin(entry)
                return True
            case EntryKind.RECEIPT | EntryKind.DAMAGED if entry.file in self.asked.files:
                self.asked.note_line(entry)
                return True
        return False

    def _begin(self, entry: Entry) -> None:
        """A file of receipts; the run that logged it goes with it, because that says when."""
        if self._run and not self._has_whole_log and not _is_in(self._numbers, self._run[0]):
            self._keep(*self._run)
        self.asked.note_file(entry)

    def records(self, read: _Read) -> tuple[BundledRecord, ...]:
        """The deployments that were in force in the period; with the whole log, all of the stack's."""
        found = list[BundledRecord]()
        for each in self._deployments:
            body = _record_of(each.entry, read)
            told = json.loads(body)
            found.append(BundledRecord(each.leaf[0], each.entry.record, body, told if isinstance(told, dict) else {}))
        return tuple(found if self._has_whole_log else _in_force(found, self._facts))

    def rules(self, read: _Read) -> tuple[ReceiptsRule, ...]:
        """For how long receipts were kept, as the platform's deployments had it."""
        return tuple(rule for each in self._of_platform for rule in rules_in(_record_of(each, read)))

    def chosen(self, records: Collection[BundledRecord]) -> tuple["array[int]", Iterator[bytes]]:
        """The numbers of all leaves that go into the bundle, and their lines."""
        wanted = {each.number for each in records}
        extra = dict(pair for each in self._deployments if each.leaf[0] in wanted for pair in each.with_run)
        extra = {number: leaf for number, leaf in sorted(extra.items()) if not _is_in(self._numbers, number)}
        numbers = array("q", merge(self._numbers, extra))
        self._spool.seek(0)
        lines = merge(self._spool, (b"%d %s\n" % pair for pair in extra.items()), key=_number_of_line)
        return numbers, lines

    def proof(self, numbers: Sequence[int], heads: Mapping[str, Head]) -> bytes:
        """The hashes beside these leaves. Raises `RefusedError` where the log is not what the heads sign."""
        for name, each in heads.items():
            if each.size > self.size:
                raise _tampered(name, f"it signs {each.size} leaves, and the log has {self.size}")
        beside = bytearray()

        def hash_of(number: int) -> bytes:
            return bytes(self._hashes[number * HASH_BYTES : (number + 1) * HASH_BYTES])

        def subtree(level: int, number: int) -> bytes:
            found = root_over([hash_of(each) for each in range(number << level, (number + 1) << level)])
            beside.extend(found)
            return found

        roots = roots_from(numbers, {each.size for each in heads.values()}, hash_of, subtree)
        for name, each in heads.items():
            if roots[each.size] != each.root:
                raise _tampered(name, f"the first {each.size} leaves of the log are not those that it signs")
        return bytes(beside)


def _record_of(entry: Entry, read: _Read) -> bytes:
    body = read(entry.record)
    if body is None or sha256_of(body) != entry.sha256:
        raise _tampered(entry.record, "it is gone" if body is None else "it is not what was logged")
    return body


def _is_in(numbers: Sequence[int], number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number


def _number_of_line(line: bytes) -> int:
    return int(line.partition(b" ")[0])


def _in_force(records: Sequence[BundledRecord], facts: BundleFacts) -> list[BundledRecord]:
    """Those deployed in the period, and the last one before it; one without a time counts as in it."""
    before = [each for each in records if each.moment and facts.since and each.moment <= facts.since]
    return [
        each
        for each in records
        if each.moment is None
        or each in before[-1:]
        or (each not in before and (facts.until is None or each.moment < facts.until))
    ]
