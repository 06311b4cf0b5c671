"""Which receipts a file fits: by what, and what is told where none does."""

import base64
import hashlib
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from data_exports.contract.receipts import Damaged, Outcome, Receipt
from data_exports.contract.settings import MIB
from data_exports.errors import UsageError
from data_exports.operate.crc import crc32c, crc64nvme
from data_exports.operate.file_match import (
    FileVerification,
    InReceipts,
    NearReceipt,
    file_size_of,
    match_file,
    part_sizes_of,
)
from data_exports.views.file_match import render_file_verification
from tests.estates import PLATFORM, push

BODY = b"name,day\nmoss,3\n"
PUSH = push("court_hearings")


def b64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


SHA256 = f"SHA256:{b64(hashlib.sha256(BODY).digest())}"
CRC64 = f"CRC64NVME:{b64(crc64nvme(BODY).digest())}"
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
OTHER = "0123456789abcdef0123456789abcdef"


def receipt(digest: str | None = None, *, etag: str = OTHER, there: str | None = None, key: str = "a.csv") -> Receipt:
    return Receipt(
        f"court_hearings/{key}",
        *(f"v-{digest}-{etag}-{there}", etag, len(BODY), None, None, Outcome.DELIVERED),
        delivered_at="2031-03-31T09:30:00.000Z",
        destination_etag=there,
        digest=digest,
        dataset="court_hearings",
        destination="s3://recipient",
        recorded_at="2031-03-31T09:30:01.000Z",
    )


def verified(folder: Path, *receipts: Receipt | Damaged, body: bytes = BODY, name: str = "a.csv") -> FileVerification:
    file = folder / name
    file.write_bytes(body)
    found = InReceipts(file.name, file_size_of(file))
    for each in receipts:
        found.add(each)
    return match_file(file, found, [PUSH])


def matched_by(found: FileVerification) -> list[tuple[str, ...]]:
    return [match.matched_by for match in found.matches]


@pytest.mark.parametrize(
    ("each", "names", "is_proof"),
    [
        (receipt(SHA256), ("SHA256",), True),
        (receipt(f"{CRC64} {SHA256}"), ("SHA256",), True),
        (receipt(CRC64), ("CRC64NVME",), False),
        (receipt(f"CRC32C:{b64(crc32c(BODY).digest())}"), ("CRC32C",), False),
        (receipt(f"CRC32:{b64(zlib.crc32(BODY).to_bytes(4, 'big'))}"), ("CRC32",), False),
        (receipt(f"MD5:{b64(bytes.fromhex(MD5))}", etag=MD5), ("MD5", "etag"), False),
        (receipt(there=MD5), ("destination_etag",), False),
        (receipt(etag=f"{hashlib.md5(bytes.fromhex(MD5), usedforsecurity=False).hexdigest()}-1"), ("etag",), False),
        (receipt(f"XXHASH64:AAAAAAAAAAA= {SHA256}"), ("SHA256",), True),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
def test_a_receipt_is_found_by_whatever_it_holds(
    tmp_path: Path, each: Receipt, names: tuple[str, ...], *, is_proof: bool
) -> None:
    found = verified(tmp_path, each)
    assert [(match.receipt, match.matched_by, match.is_proof) for match in found.matches] == [(each, names, is_proof)]


@pytest.mark.parametrize("part_mib", [5, 8, 64])
def test_a_file_that_came_in_parts_is_found_by_its_etag(tmp_path: Path, part_mib: int) -> None:
    body = bytes(range(256)) * (part_mib * MIB // 128) + b"end"
    parts = [body[at : at + part_mib * MIB] for at in range(0, len(body), part_mib * MIB)]
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in parts)
    etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
    assert matched_by(verified(tmp_path, replace(receipt(etag=etag), size_bytes=len(body)), body=body)) == [("etag",)]


@pytest.mark.parametrize(
    ("size_bytes", "parts", "sizes_mib"),
    [
        (100 * MIB, 2, [50, 64]),
        (300 * MIB, 5, [60, 64]),
        (10**12, 9_935, [96]),
        (700 * MIB, 70, [10]),
        (100 * MIB, 99, []),
    ],
)
def test_parts_are_of_the_usual_sizes_that_make_so_many(size_bytes: int, parts: int, sizes_mib: list[int]) -> None:
    assert [each / MIB for each in part_sizes_of(size_bytes, parts)] == sizes_mib


def test_a_receipt_whose_digest_differs_is_of_another_file_though_its_etag_fits(tmp_path: Path) -> None:
    forged = receipt(f"SHA256:{b64(hashlib.sha256(b'other').digest())}", etag=MD5)
    found = verified(tmp_path, forged)
    assert (found.matches, found.undecided, found.nearest) == ((), 0, (NearReceipt(forged, "content"),))


def test_an_etag_that_differs_decides_nothing(tmp_path: Path) -> None:
    found = verified(tmp_path, each := receipt(etag=OTHER, there=f"{OTHER}-7"))
    assert (found.matches, found.undecided, found.nearest) == ((), 1, (NearReceipt(each, None),))
    assert "1 receipt of this size cannot be compared" in render_file_verification(found, PLATFORM)


def test_a_file_of_another_size_is_told_as_the_nearest_by_its_name_the_latest_first(tmp_path: Path) -> None:
    others = [replace(receipt(SHA256), size_bytes=size) for size in (1, 2, 3, 4)]
    found = verified(tmp_path, *others, replace(receipt(SHA256, key="b.csv"), size_bytes=5), Damaged("f", 1, "torn"))
    assert (found.matches, found.receipts, found.damaged) == ((), 5, 1)
    assert [(near.receipt.size_bytes, near.differs_in) for near in found.nearest] == [(n, "size") for n in (4, 3, 2)]
    text = render_file_verification(found, PLATFORM)
    assert "NO RECEIPT FITS: of 5 receipts of court_hearings" in text
    assert "of this name, of 4 bytes: delivered 2031-03-31 09:30:00  court_hearings/a.csv to s3://recipient" in text
    assert "1 line of receipts cannot be read" in text


def test_what_was_delivered_comes_first_and_repeats_once(tmp_path: Path) -> None:
    delivered = receipt(SHA256)
    failed = replace(delivered, outcome=Outcome.FAILED, delivered_at=None)
    found = verified(tmp_path, failed, delivered, delivered, name="renamed.csv")
    assert [match.receipt for match in found.matches] == [delivered, failed]
    assert found.sha256 == hashlib.sha256(BODY).hexdigest()
    text = render_file_verification(found, PLATFORM)
    assert "It is the file of 2 receipts:" in text
    assert "by SHA256: nobody is known to be able to make another file with the same one" in text


def test_names_in_receipts_are_shown_as_text(tmp_path: Path) -> None:
    text = render_file_verification(verified(tmp_path, receipt(SHA256, key="a\x1b[31m.csv")), PLATFORM)
    assert "\x1b" not in text


def test_a_crc_that_python_takes_long_for_is_worked_out_only_where_nothing_else_tells(tmp_path: Path) -> None:
    read: list[int] = []
    file = tmp_path / "a.csv"
    file.write_bytes(BODY)
    for each, times in ((receipt(CRC64, etag=MD5), 1), (receipt(CRC64), 2), (receipt(SHA256), 1)):
        found = InReceipts(file.name, len(BODY))
        found.add(each)
        read.clear()
        assert len(match_file(file, found, [PUSH], on_bytes=read.append).matches) == 1
        assert read == [len(BODY)] * times


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    empty = hashlib.md5(b"", usedforsecurity=False).hexdigest()
    assert matched_by(verified(tmp_path, replace(receipt(etag=empty), size_bytes=0), body=b"")) == [("etag",)]


def test_what_is_no_file_or_changes_is_refused(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "it is no file"), (tmp_path / "gone", "there is no such file")):
        with pytest.raises(UsageError, match=said):
            file_size_of(path)
    file = tmp_path / "a.csv"
    file.write_bytes(BODY)
    with pytest.raises(UsageError, match="changes while it is read"):
        match_file(file, InReceipts("a.csv", 3), [PUSH])
