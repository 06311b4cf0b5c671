"""CRCs of files, beside a register that goes through their bits one at a time."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.operate.crc import Crc, crc32c, crc64nvme

# RFC 3720, B.4, and the catalogue of CRCs
CRC32C = {
    bytes(32): "8a9136aa",
    b"\xff" * 32: "62a8ab43",
    bytes(range(32)): "46dd794e",
    b"123456789": "e3069283",
    b"": "00000000",
}
# The tests of AWS's own https://github.com/awslabs/aws-checksums, and the catalogue of CRCs
CRC64NVME = {
    bytes(32): "cf3473434d4ecf3b",
    b"\xff" * 32: "a0a06974c34d63c4",
    bytes(range(32)): "b9d9d4a8492cbd7f",
    b"123456789": "ae8b14860a799888",
    b"": "0000000000000000",
}


def fed(crc: Crc, *pieces: bytes) -> str:
    for piece in pieces:
        crc.update(piece)
    return crc.digest().hex()


def test_values_are_those_that_others_publish() -> None:
    assert {body: fed(crc32c(), body) for body in CRC32C} == CRC32C
    assert {body: fed(crc64nvme(), body) for body in CRC64NVME} == CRC64NVME


def bit_by_bit(data: bytes, polynomial: int, bits: int) -> str:
    register = ones = (1 << bits) - 1
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (polynomial if register & 1 else 0)
    return (register ^ ones).to_bytes(bits // 8, "big").hex()


@pytest.mark.parametrize("size_bytes", [255, 256, 511, 512, 513, 1_535, 5_000, 40_000])
def test_what_is_folded_is_what_comes_of_the_bits(size_bytes: int) -> None:
    data = bytes(place * place % 251 for place in range(size_bytes))
    assert fed(crc32c(), data) == bit_by_bit(data, 0x82F63B78, 32)
    assert fed(crc64nvme(), data) == bit_by_bit(data, 0x9A6C9329AC4BC9B5, 64)


@given(st.lists(st.integers(min_value=0, max_value=70_000), max_size=4), st.randoms(use_true_random=False))
def test_the_pieces_do_not_matter(sizes: list[int], draw: Random) -> None:
    pieces = [draw.randbytes(size) for size in sizes]
    assert fed(crc64nvme(), *pieces) == fed(crc64nvme(), b"".join(pieces))


def test_a_block_of_the_largest_size_is_what_its_pieces_are() -> None:
    data = bytes(range(256)) * 3_000
    assert fed(crc64nvme(), data) == fed(crc64nvme(), *(data[at : at + 511] for at in range(0, len(data), 511)))
