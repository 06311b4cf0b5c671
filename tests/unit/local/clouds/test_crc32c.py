"""CRC32C by columns is CRC32C."""

import random

import pytest

from data_exports.local.clouds.crc32c import combined_crc32c, crc32c


def bit_by_bit(data: bytes) -> int:
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_examples_of_rfc_3720_hold(data: bytes, expected: int) -> None:
    assert crc32c(data) == expected


@pytest.mark.parametrize("size", [4095, 4096, 4097, 10_000])
def test_all_sizes_are_as_bit_by_bit(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert crc32c(data) == bit_by_bit(data)


@pytest.mark.parametrize("cut", [0, 1, 255, 4096, 9999, 10_000])
def test_that_of_two_pieces_is_that_of_the_whole(cut: int) -> None:
    data = random.Random(1).randbytes(10_000)
    assert combined_crc32c(crc32c(data[:cut]), crc32c(data[cut:]), len(data) - cut) == crc32c(data)
