"""An evidence bucket, receipts and stacks in memory, for the notary and whoever verifies; and keys that sign."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from data_exports.contract.receipts import Outcome, Receipt, receipts_file
from data_exports.evidence.checking import (
    Deviation,
    FileThere,
    HeadVersion,
    check_of_receipts,
    check_of_records,
    heads_of,
)
from data_exports.evidence.entries import DEPLOYMENTS, HEAD, Entry, entry_in
from data_exports.evidence.heads import Head, head_in
from data_exports.evidence.notes import VerifierKey
from data_exports.evidence.reading import check_of_log
from data_exports.evidence.tiles import ENTRIES, TILE_WIDTH, entries_in, tile_path
from data_exports.notary.notary import ReceiptsFile, StackInForce

NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)
LOG = "example-hub-evidence.s3.eu-west-1.amazonaws.com"


class KilledError(BaseException):
    """The function is stopped here."""


@dataclass
class Signer:
    """A key of Ed25519, from a number, so that tests repeat."""

    number: int = 1
    name: str = LOG

    def __post_init__(self) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(bytes([self.number])).digest())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self._private.public_key().public_bytes_raw())


@dataclass
class Kept:
    """A file of S3, and the versions that it had before."""

    body: bytes
    written_at: datetime
    older: list[bytes] = field(default_factory=list)

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.body).hexdigest()}"'


@dataclass
class MemoryPlaces:
    """What the notary reaches, as values; `before` is called before each request, and may raise."""

    signer: Signer = field(default_factory=Signer)
    receipts: dict[str, Kept] = field(default_factory=dict)
    evidence: dict[str, Kept] = field(default_factory=dict)
    templates: dict[str, tuple[StackInForce, Any]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    now: datetime = NOW
    before: Callable[[str], None] = lambda _: None
    after: Callable[[str], None] = lambda _: None
    asked: list[str] = field(default_factory=list)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        self.before(what)

    def receipt_files(self, prefix: str = "") -> Iterator[ReceiptsFile]:
        self._ask(f"LIST receipts {prefix}")
        for key in sorted(self.receipts):
            if key.startswith(prefix):
                yield ReceiptsFile(key, self.receipts[key].written_at)

    def read_receipts(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for key in keys:
            self._ask(f"GET receipts {key}")
            yield key, self.receipts[key].body if key in self.receipts else None

    def stacks(self) -> Iterable[StackInForce]:
        self._ask("DescribeStacks")
        there = {stack.name: stack for stack, _ in self.templates.values()}
        going = {name: StackInForce(name, f"arn:of:{name}", "", "") for name in self.busy} | there
        at_work = {name: replace(going[name], status="UPDATE_IN_PROGRESS") for name in self.busy}
        return list((there | at_work).values())

    def template(self, stack_id: str) -> Any:
        self._ask(f"GetTemplate {stack_id}")
        return next(template for stack, template in self.templates.values() if stack.stack_id == stack_id)

    def keys(self, prefix: str) -> list[str]:
        self._ask(f"LIST {prefix}")
        return sorted(key for key in self.evidence if key.startswith(prefix))

    def read(self, key: str) -> tuple[bytes, str] | None:
        self._ask(f"GET {key}")
        found = self.evidence.get(key)
        return (found.body, found.etag) if found else None

    def write(self, key: str, body: bytes) -> None:
        self._ask(f"PUT {key}")
        self._put(key, body)
        self.after(f"PUT {key}")

    def write_if(self, key: str, body: bytes, etag: str | None) -> bool:
        self._ask(f"PUT {key}")
        there = self.evidence.get(key)
        if (there.etag if there else None) != etag:
            return False
        self._put(key, body)
        self.after(f"PUT {key}")
        return True

    def sign(self, message: bytes) -> bytes:
        self._ask("Sign")
        return self.signer.sign(message)

    def _put(self, key: str, body: bytes) -> None:
        there = self.evidence.get(key)
        older = [*there.older, there.body] if there else []
        self.evidence[key] = Kept(body, self.now, older)

    def add_receipts(self, dataset: str, number: int, at: datetime | None = None, identifier: str = "a") -> str:
        """A file of so many receipts, as a mover writes it."""
        moment = at or self.now
        receipts = [
            Receipt(f"{dataset}/{each}.csv", f"v{each}", '"e"', each, None, None, Outcome.DELIVERED)
            for each in range(number)
        ]
        key, body = receipts_file(
            receipts, dataset=dataset, destination="s3://theirs", mover_version="1", now=moment, identifier=identifier
        )
        self.receipts[key] = Kept(body, self.now)
        return key

    def deploy(self, name: str, declaration: Any, at: datetime | None = None) -> None:
        """A stack as CloudFormation has it once it is deployed."""
        moment = (at or self.now).isoformat()
        template = {"Metadata": {"DataExports": {"declaration": declaration}}, "Resources": {}}
        self.templates[name] = StackInForce(name, f"arn:of:{name}", "UPDATE_COMPLETE", moment), template

    def deploy_platform(self, receipts_days: int | None, at: datetime | None = None) -> None:
        """The foundation, which says for how long receipts are kept."""
        name, moment = "exports-foundation", (at or self.now).isoformat()
        template = {"Metadata": {"DataExports": {"platform": {"receipts_days": receipts_days}}}, "Resources": {}}
        self.templates[name] = StackInForce(name, f"arn:of:{name}", "UPDATE_COMPLETE", moment), template

    def wait(self, hours: float = 1) -> None:
        self.now += timedelta(hours=hours)


def lines_of(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(body).splitlines()]


def check_of(
    places: MemoryPlaces, *, since: bytes | None = None, kept: Mapping[str, Head] | None = None
) -> list[Deviation]:
    """What whoever verifies finds, by the key in the estate."""
    keys = [places.signer.verifier]
    there = places.evidence.get(HEAD)
    bodies = [*there.older, there.body] if there else []
    heads, findings = heads_of([HeadVersion(body, NOW) for body in bodies], keys)
    old = {**({"the old head": head_in(since, keys)} if since else {}), **(kept or {})}

    def read_evidence(paths: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for path in paths:
            found = places.evidence.get(path)
            yield path, found.body if found else None

    def read_receipts(paths: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        for path in paths:
            found = places.receipts.get(path)
            yield path, found.body if found else None

    contents, more = check_of_log(heads, read_evidence, old, platform_stack="exports-foundation")
    files = {key: FileThere(key, kept.written_at) for key, kept in places.receipts.items()}
    records = [FileThere(key, kept.written_at) for key, kept in places.evidence.items() if key.startswith(DEPLOYMENTS)]
    of_records = check_of_records(contents, heads, records, now=places.now)
    of_receipts = check_of_receipts(contents, files, read_receipts, now=places.now)
    return [*findings, *more, *of_records, *of_receipts]


def leaves_of(places: MemoryPlaces) -> list[Entry]:
    """Every leaf of the log, in order."""
    there = places.evidence.get(HEAD)
    size = head_in(there.body, [places.signer.verifier]).size if there else 0
    found: list[bytes] = []
    for start in range(0, size, TILE_WIDTH):
        width = min(TILE_WIDTH, size - start)
        found += entries_in(places.evidence[tile_path(ENTRIES, start // TILE_WIDTH, width)].body, width)
    return [entry_in(leaf) for leaf in found]
