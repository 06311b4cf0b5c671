"""Which receipts a file in hand fits: by the digests and ETags that they hold.

In: a file, and push datasets. Out: a `FileVerification`. Effects: reads the receipts, and the file: once, and once more
where only a CRC can tell that Python works out slowly (`crc`).

An ETag is the MD5 of a file that came in one piece, of one in parts that of its parts' MD5s; not so under a KMS key, so
an ETag that differs proves nothing. https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
"""

import base64
import hashlib
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from data_exports.aws import Aws
from data_exports.contract.digests import CRYPTOGRAPHIC, digests_in
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Damaged, Outcome, Receipt
from data_exports.contract.settings import MIB
from data_exports.errors import UsageError
from data_exports.estate.models import Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.operate.crc import crc32c, crc64nvme
from data_exports.operate.receipts import iterate_receipts
from data_exports.operate.rights import needing

USUAL_PART_MIB = (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 200, 256, 512, 1024)
"""Sizes of parts that senders' programs use, and the mover's own, 64; a file of many parts has larger ones."""
NEAREST = 3
"""So many receipts of the same name are told of where none fits."""
_PLAIN = re.compile(r"[0-9a-f]{32}")
_OF_PARTS = re.compile(r"[0-9a-f]{32}-([1-9][0-9]{0,4})")
_CHUNK = MIB


class Hasher(Protocol):
    """What works a digest out, piece by piece."""

    def update(self, data: bytes, /) -> object:
        """Go on with these bytes."""

    def digest(self) -> bytes:
        """The digest so far."""


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


class _OfParts:
    """The MD5 of the MD5s of parts of one size."""

    def __init__(self, part_bytes: int) -> None:
        self._part_bytes, self._room = part_bytes, part_bytes
        self._part = _md5()
        self._parts = bytearray()

    def update(self, data: bytes) -> None:
        while data:
            piece, data = data[: self._room], data[self._room :]
            self._part.update(piece)
            self._room -= len(piece)
            if not self._room:
                self._end_part()

    def digest(self) -> bytes:
        if self._room < self._part_bytes or not self._parts:
            self._end_part()
        return hashlib.md5(self._parts, usedforsecurity=False).digest()

    def _end_part(self) -> None:
        self._parts += self._part.digest()
        self._part, self._room = _md5(), self._part_bytes


def _md5() -> Hasher:
    return hashlib.md5(usedforsecurity=False)


_QUICK: Mapping[str, Callable[[], Hasher]] = {
    "CRC32": _Crc32,
    "MD5": _md5,
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
}
_SLOW: Mapping[str, Callable[[], Hasher]] = {"CRC32C": crc32c, "CRC64NVME": crc64nvme}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a receipt says of the content: `name` is an algorithm, or the column of an ETag."""

    name: str
    way: str | int
    """How it is worked out: an algorithm, or for the MD5 of parts' MD5s the size of a part."""
    value: bytes

    @property
    def decides(self) -> bool:
        """Whether a file with another value is another file."""
        return self.name == self.way


@json_as("*receipt matched_by is_proof")
@dataclass(frozen=True, slots=True)
class FileMatch:
    """A receipt that the file fits."""

    receipt: Receipt
    matched_by: tuple[str, ...]
    """Algorithms, and the columns `etag` and `destination_etag`."""

    @property
    def is_proof(self) -> bool:
        """Whether nobody is known to be able to make another file that fits: not so with a CRC or MD5."""
        return not CRYPTOGRAPHIC.isdisjoint(self.matched_by)


@json_as("*receipt differs_in")
@dataclass(frozen=True, slots=True)
class NearReceipt:
    """A receipt of the same name that the file does not fit."""

    receipt: Receipt
    differs_in: Literal["size", "content"] | None
    """None: it cannot be told."""


@json_as("file size_bytes sha256 datasets receipts damaged undecided matches nearest")
@dataclass(frozen=True, slots=True)
class FileVerification:
    """A file, and the receipts that it fits."""

    file: Path
    size_bytes: int
    sha256: str
    """In hexadecimal digits."""
    datasets: tuple[str, ...]
    receipts: int
    """So many were read; with repeats."""
    damaged: int
    undecided: int
    """So many are of a file of this size and hold no digest of it; their ETags may be no MD5."""
    matches: tuple[FileMatch, ...]
    nearest: tuple[NearReceipt, ...]
    """Where none fits: the latest of the same name."""


@dataclass
class InReceipts:
    """What the receipts have of a file of this name and size."""

    name: str
    size_bytes: int
    receipts: int = 0
    damaged: int = 0
    of_this_size: dict[tuple[str, ...], Receipt] = field(default_factory=dict)
    named: deque[Receipt] = field(default_factory=lambda: deque(maxlen=NEAREST))

    def add(self, each: Receipt | Damaged) -> None:
        """Take in one more."""
        if isinstance(each, Damaged):
            self.damaged += 1
            return
        self.receipts += 1
        if each.size_bytes in (None, self.size_bytes) and each.etag:
            self.of_this_size.setdefault((each.dataset, *each.identity), each)
        if each.key.rsplit("/", 1)[-1] == self.name:
            self.named.append(each)


def file_size_of(file: Path) -> int:
    """How many bytes the file has. Raises `UsageError` where it is none that can be read twice."""
    try:
        if not file.is_file():
            said = "it is no file" if file.exists() else "there is no such file"
            raise UsageError(said, where=str(file), next_step="give --file a file on this machine")
        return file.stat().st_size
    except OSError as error:
        raise _unreadable(file, error) from error


def read_found(
    file: Path, platform: Platform, pushes: Sequence[PushDataset], aws: Aws, *, on_receipts: Callable[[int], None]
) -> InReceipts:
    """Read the receipts of these datasets. Raises `AwsError` and `RefusedError` where that cannot be done."""
    found = InReceipts(file.name, file_size_of(file))
    bucket, account = platform.log_bucket, platform.account
    for push in pushes:
        with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
            for each in iterate_receipts(aws.client("s3"), bucket, push.name, account=account):
                found.add(each)
                if found.receipts % 1000 == 0:
                    on_receipts(found.receipts)
    return found


def match_file(
    file: Path, found: InReceipts, pushes: Sequence[PushDataset], *, on_bytes: Callable[[int], None] = lambda _: None
) -> FileVerification:
    """Which of the receipts the file fits. Raises `UsageError` where it cannot be read, or changes meanwhile."""
    claims = {identity: claims_of(each, found.size_bytes) for identity, each in found.of_this_size.items()}
    ways: set[str | int] = {"SHA256", *(claim.way for each in claims.values() for claim in each)}
    known = _worked_out(file, ways - set(_SLOW), found.size_bytes, on_bytes)
    open_still = {each for each in claims if not _matched(claims[each], known) and not _differs(claims[each], known)}
    if slow := {claim.way for each in open_still for claim in claims[each]} & set(_SLOW):
        known |= _worked_out(file, slow, found.size_bytes, on_bytes)
    by = {each: () if _differs(claims[each], known) else _matched(claims[each], known) for each in claims}
    matches = [FileMatch(found.of_this_size[each], names) for each, names in by.items() if names]
    decided = {each for each in claims if by[each] or _differs(claims[each], known)}
    return FileVerification(
        file=file,
        size_bytes=found.size_bytes,
        sha256=known["SHA256"].hex(),
        datasets=tuple(str(push.name) for push in pushes),
        receipts=found.receipts,
        damaged=found.damaged,
        undecided=len(claims) - len(decided),
        matches=tuple(sorted(matches, key=_order)),
        nearest=() if matches else tuple(_near(each, found.size_bytes, known) for each in reversed(found.named)),
    )


def _near(receipt: Receipt, size_bytes: int, known: Mapping[str | int, bytes]) -> NearReceipt:
    if receipt.size_bytes not in (None, size_bytes):
        return NearReceipt(receipt, "size")
    return NearReceipt(receipt, "content" if _differs(claims_of(receipt, size_bytes), known) else None)


def claims_of(receipt: Receipt, size_bytes: int) -> tuple[Claim, ...]:
    """What a receipt says of a content of this size that can be worked out of a file."""
    told = digests_in(receipt.digest).items()
    ways = {**_QUICK, **_SLOW}
    digests = [Claim(name, name, value) for name, text in told if name in ways and (value := _decoded(text))]
    etags = {"etag": receipt.etag, "destination_etag": receipt.destination_etag or ""}
    return (*digests, *(claim for name, etag in etags.items() for claim in _claims_of_etag(name, etag, size_bytes)))


def _claims_of_etag(name: str, etag: str, size_bytes: int) -> Iterator[Claim]:
    if _PLAIN.fullmatch(etag):
        yield Claim(name, "MD5", bytes.fromhex(etag))
    elif found := _OF_PARTS.fullmatch(etag):
        for part_bytes in part_sizes_of(size_bytes, int(found[1])):
            yield Claim(name, part_bytes, bytes.fromhex(etag[:32]))


def part_sizes_of(size_bytes: int, parts: int) -> tuple[int, ...]:
    """The usual sizes of parts, in bytes, of which a file has so many; and the least whole MiB of which it has."""
    if parts == 1:
        return (max(size_bytes, 1),)
    least = -(-size_bytes // (parts * MIB))
    usual = sorted({*USUAL_PART_MIB, least})
    return tuple(each * MIB for each in usual if each and -(-size_bytes // (each * MIB)) == parts)


def _matched(claims: Iterable[Claim], known: Mapping[str | int, bytes]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(claim.name for claim in claims if known.get(claim.way) == claim.value))


def _differs(claims: Iterable[Claim], known: Mapping[str | int, bytes]) -> bool:
    return any(claim.decides and known.get(claim.way, claim.value) != claim.value for claim in claims)


def _order(match: FileMatch) -> tuple[bool, str]:
    return match.receipt.outcome != Outcome.DELIVERED, match.receipt.recorded_at or ""


def _worked_out(
    file: Path, ways: Iterable[str | int], size_bytes: int, on_bytes: Callable[[int], None]
) -> dict[str | int, bytes]:
    """Each digest of the file."""
    makers = {**_QUICK, **_SLOW}
    hashers = {way: _OfParts(way) if isinstance(way, int) else makers[way]() for way in ways}
    read_bytes = 0
    try:
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK):
                for hasher in hashers.values():
                    hasher.update(chunk)
                read_bytes += len(chunk)
                on_bytes(len(chunk))
    except OSError as error:
        raise _unreadable(file, error) from error
    if read_bytes != size_bytes:
        raise UsageError("the file changes while it is read", where=str(file), next_step="verify a copy of it")
    return {way: hasher.digest() for way, hasher in hashers.items()}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _unreadable(file: Path, error: OSError) -> UsageError:
    return UsageError(f"the file cannot be read: {error.strerror}", where=str(file), next_step="check its permissions")
