"""Whether a bundle proves what it says: offline, by the keys of whoever verifies, or those in it.

In: an open bundle, keys, heads that somebody has kept. Out: a `BundleVerification`, with a `Deviation` for each thing
that is not as it was logged. Effects: none but those of reading; no AWS, no estate, no network.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from data_exports.contract.receipts import receipt_in_line
from data_exports.evidence.checking import Deviation, DeviationKind, LoggedFile, heads_kept_by
from data_exports.evidence.entries import DEPLOYMENTS, HEAD, sha256_of
from data_exports.evidence.heads import LARGEST_HEAD_BYTES, Head, head_in
from data_exports.evidence.merkle import HASH_BYTES, roots_from
from data_exports.evidence.notes import KEYS_FILE, LARGEST_KEYS_BYTES, NotSignedError, VerifierKey, keys_in
from data_exports.evidence.tiles import LONGEST_ENTRY_BYTES
from data_exports.json_values import json_as
from data_exports.operate.bundles.layout import (
    BUNDLE_FACTS,
    BUNDLED_RECEIPTS,
    DAMAGED_LINES,
    DIGESTS,
    KEPT_HEADS,
    LEAVES,
    PROOF,
    BundleFacts,
    UnreadableBundleError,
    facts_in,
)
from data_exports.operate.bundles.leaves import BundledLeaves
from data_exports.operate.bundles.packing import PackedBundle

LONGEST_LINE_BYTES = LONGEST_ENTRY_BYTES + 20
"""Of the leaves: its number, a blank and the entry."""
MOST_FINDINGS = 10_000
"""Whoever has changed more has changed enough; the rest is not looked at."""
TOLD_EVERY_LINES = 10_000
_Tell = Callable[[int, int], None]
"""Hears how many lines are done, of how many as far as is known."""


@json_as(
    "dataset=facts.dataset kind=facts.kind log=facts.log since=facts.since until=facts.until made_at=facts.made_at",
    "size root? signed_by? keys_from has_whole_log receipts outcomes files late_files deployments heads",
    "not_logged_files=facts.not_logged_files not_logged_receipts=facts.not_logged_receipts",
    "gone_files=facts.gone_files expired_files=facts.expired_files deviations seconds",
)
@dataclass(frozen=True, slots=True, kw_only=True)
class BundleVerification:
    """What a bundle proves, and what is not as it was logged."""

    facts: BundleFacts
    size: int
    """Leaves of the log that the head signs."""
    root: str
    """In hexadecimal digits; "" where no key that is known has signed the head."""
    signed_by: str
    """The key of the head, by its id."""
    keys_from: str
    """``bundle``, or the file that the keys came from."""
    has_whole_log: bool
    """Whether every leaf is there, so that what was left out would show."""
    receipts: int
    """Lines that are in the log as they stand here."""
    outcomes: Mapping[str, int]
    """Of these, by outcome; of lines that are no receipts "damaged"."""
    files: int
    late_files: int
    """Logged more than a day after the time in their names."""
    deployments: int
    heads: int
    """So many heads that were kept are the beginning of this log."""
    deviations: tuple[Deviation, ...]
    seconds: float

    def of_kind(self, *kinds: DeviationKind) -> tuple[Deviation, ...]:
        """The deviations of these kinds."""
        return tuple(each for each in self.deviations if each.kind in kinds)


def keys_of_bundle(bundle: PackedBundle) -> tuple[VerifierKey, ...]:
    """The keys that lie in it. Raises `UnreadableBundleError`."""
    try:
        return keys_in(bundle.read(KEYS_FILE, at_most=LARGEST_KEYS_BYTES))
    except NotSignedError as error:
        raise UnreadableBundleError(str(error), where=KEYS_FILE) from error


def verify_bundle(
    bundle: PackedBundle,
    keys: Collection[VerifierKey],
    kept: Mapping[str, bytes] | None = None,
    *,
    keys_from: str = "bundle",
    tell: _Tell = lambda _done, _of: None,
) -> BundleVerification:
    """Look at all of it, and hold it against heads that somebody keeps. Raises `UnreadableBundleError`."""
    began = time.monotonic()
    reading = _BundleReading(bundle, facts_in(bundle.read(BUNDLE_FACTS)), tell)
    head, held, leaves, outcomes = reading.read_head(keys), 0, reading.leaves, Counter[str]()
    with suppress(_EnoughError):
        reading.read_leaves()
        held = reading.compare_roots(head, keys, reading.read_kept(kept or {}, keys)) if head else 0
        reading.compare_receipts(outcomes)
        reading.compare_records()
        reading.compare_digests()
    return BundleVerification(
        facts=reading.facts,
        size=head.size if head else 0,
        root=head.root.hex() if head else "",
        signed_by=head.key.identifier.hex() if head else "",
        keys_from=keys_from,
        has_whole_log=bool(head) and len(leaves.numbers) == (head.size if head else 0),
        receipts=outcomes.total(),
        outcomes=dict(sorted(outcomes.items())),
        files=len(set(leaves.asked.files) - reading.facts.lacking),
        late_files=leaves.asked.late_files,
        deployments=len(leaves.records),
        heads=held,
        deviations=tuple(reading.findings),
        seconds=round(time.monotonic() - began, 3),
    )


class _EnoughError(Exception):
    """So much is wrong that no more is looked for."""


class _BundleReading:
    def __init__(self, bundle: PackedBundle, facts: BundleFacts, tell: _Tell) -> None:
        self.bundle, self.facts, self._tell = bundle, facts, tell
        self.leaves = BundledLeaves(facts)
        self.findings: list[Deviation] = []
        self._done = 0

    def _find(self, where: str, what: str, kind: DeviationKind = DeviationKind.TAMPERED) -> None:
        self.findings.append(Deviation(kind, where, what))
        if len(self.findings) >= MOST_FINDINGS:
            raise _EnoughError

    def read_head(self, keys: Collection[VerifierKey], name: str = HEAD) -> Head | None:
        """The head, if one of these keys has signed it."""
        try:
            head = head_in(self.bundle.read(name, at_most=LARGEST_HEAD_BYTES), keys)
        except NotSignedError as error:
            self._find(name, f"{error}: nothing here is proven" if name == HEAD else str(error))
            return None
        if head.key.name != self.facts.log:
            self._find(name, f"it is of the log {head.key.name}")
        return head

    def read_kept(self, kept: Mapping[str, bytes], keys: Collection[VerifierKey]) -> dict[str, Head]:
        """The heads that somebody keeps."""
        heads, findings = heads_kept_by(kept, keys)
        for each in findings:
            self._find(each.where, each.what, each.kind)
        return heads

    def read_leaves(self) -> None:
        for line in self.bundle.lines(LEAVES, at_most=LONGEST_LINE_BYTES):
            number, blank, leaf = line.partition(b" ")
            if not blank or not number.isdigit() or len(number) > 18 or str(int(number)).encode() != number:
                self._find(LEAVES, f"line {len(self.leaves.numbers) + 1} has no number of a leaf")
                return
            for what in self.leaves.take(int(number), leaf):
                self._find(LEAVES, what)
            self._count()
        for what in self.leaves.end():
            self._find(LEAVES, what)

    def compare_roots(self, head: Head, keys: Collection[VerifierKey], kept: Mapping[str, Head]) -> int:
        """Hold what leaves and proof make against the head, and heads that were kept; how many of these hold."""
        numbers = self.leaves.numbers
        if any(later <= number for number, later in pairwise(numbers)):
            return 0  # said already
        if numbers and numbers[-1] >= head.size:
            self._find(LEAVES, f"leaf {numbers[-1]} is behind the {head.size} that {HEAD} signs")
            return 0
        bundled = {name: self.read_head(keys, name) for name in self.bundle.names if name.startswith(KEPT_HEADS)}
        others = {name: each for name, each in bundled.items() if each}
        is_whole = len(numbers) == head.size
        comparable = {head.size, *(each.size for each in others.values())}
        for name, each in kept.items():
            if each.size > head.size:
                what = f"it signs {each.size} leaves, and this bundle ends at {head.size}: ask for a newer one"
                self._find(name, what, DeviationKind.UNREAD)
            elif is_whole or each.size in comparable:
                others[name] = each
            else:
                what = (
                    "this bundle cannot be compared with it: ask for one made with --head and it, or with --whole-log"
                )
                self._find(name, what, DeviationKind.UNREAD)
        others = {name: each for name, each in others.items() if each.size <= head.size}
        roots = self._roots({head.size, *(each.size for each in others.values())})
        if roots is None or roots[head.size] != head.root:
            what = f"with {PROOF} these leaves are not in the log that {HEAD} signs: nothing here is proven"
            self._find(LEAVES, what)
            return 0
        held = 0
        for name, each in others.items():
            if roots[each.size] == each.root:
                held += 1
            else:
                self._find(name, f"the first {each.size} leaves of this log are not those that it signs")
        return held

    def _roots(self, sizes: Collection[int]) -> dict[int, bytes] | None:
        """The roots of these sizes; None where the proof has too few hashes or too many."""
        beside, hashes = self.bundle.read(PROOF), self.leaves.hashes
        rest = iter(range(0, len(beside) - HASH_BYTES + 1, HASH_BYTES))
        leaves = iter(range(0, len(hashes), HASH_BYTES))

        def given(_level: int, _number: int) -> bytes:
            at = next(rest)
            return beside[at : at + HASH_BYTES]

        def leaf(_number: int) -> bytes:
            at = next(leaves)
            return bytes(hashes[at : at + HASH_BYTES])

        try:
            roots = roots_from(self.leaves.numbers, sizes, leaf, given)
        except StopIteration:
            return None
        return None if len(beside) % HASH_BYTES or next(rest, None) is not None else roots

    def compare_receipts(self, outcomes: Counter[str]) -> None:
        """Hold the lines against their leaves, and count them."""
        wanted: dict[bytes, int] = {}
        lacking, expired = self.facts.lacking, frozenset(self.facts.expired)
        for key, file in self.leaves.asked.files.items():
            if key not in lacking:
                for digest in _digests_of(file):
                    wanted[digest] = wanted.get(digest, 0) + 1
        for number, line in enumerate(self.bundle.lines(BUNDLED_RECEIPTS), start=1):
            digest = hashlib.sha256(line).digest()
            if wanted.get(digest, 0):
                wanted[digest] -= 1
                outcomes[_outcome_of(line)] += 1
            else:
                self._find(f"{BUNDLED_RECEIPTS} line {number}", "it is no line that these leaves tell of")
            self._count()
        for key, file in self.leaves.asked.files.items():
            if key in lacking:
                kind = DeviationKind.EXPIRED if key in expired else DeviationKind.MISSING
                self._find(key, f"{file.lines or 'an unknown number of'} lines of it are logged", kind)
                continue
            for line_number, digest in enumerate(_digests_of(file), start=1):
                if wanted[digest]:
                    wanted[digest] -= 1
                    self._find(f"{key} line {line_number}", f"it is logged, and not in {BUNDLED_RECEIPTS}")

    def compare_records(self) -> None:
        for path, digest in self.leaves.records.items():
            if path not in self.bundle:
                self._find(path, "it is logged, and not in the bundle")
            elif sha256_of(self.bundle.read(path)) != digest:
                self._find(path, "it is not what was logged")
        for name in self.bundle.names:
            if name.startswith(DEPLOYMENTS) and name not in self.leaves.records:
                self._find(name, "no leaf here tells of it")

    def compare_digests(self) -> None:
        """Hold every file against the list of digests, which nobody has signed: it tells of accidents."""
        listed: dict[str, str] = {}
        for line in self.bundle.lines(DIGESTS):
            digest, _, name = line.decode(errors="replace").partition("  ")
            listed[name] = digest
        for name in self.bundle.names:
            if name != DIGESTS and self.bundle.digest_of(name) != listed.pop(name, ""):
                self._find(name, f"it is not the file that {DIGESTS} lists")
        for name in listed:
            self._find(name, f"{DIGESTS} lists it, and it is not in the bundle")

    def _count(self) -> None:
        self._done += 1
        if self._done % TOLD_EVERY_LINES == 0:
            self._tell(self._done, max(self._done, 2 * len(self.leaves.numbers)))


def _digests_of(file: LoggedFile) -> Iterator[bytes]:
    return (bytes(file.digests[at : at + HASH_BYTES]) for at in range(0, len(file.digests), HASH_BYTES))


def _outcome_of(line: bytes) -> str:
    try:
        return receipt_in_line(line).outcome
    except ValueError:
        return DAMAGED_LINES
