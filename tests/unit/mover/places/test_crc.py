"""The CRC of a whole is that of its parts, put together."""

import random
import zlib

from data_exports.mover.places.crc import CRC32, CRC32C, combined_crc


def crc_of(body: bytes, polynomial: int) -> int:
    """Bit by bit, as the definition says."""
    crc = 0xFFFFFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (polynomial if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_parts_make_the_whole_however_long_they_are() -> None:
    rng = random.Random(7)
    for _ in range(20):
        parts = [rng.randbytes(rng.choice([0, 1, 7, 256, 1000])) for _ in range(rng.randrange(6))]
        whole = b"".join(parts)
        for polynomial in (CRC32, CRC32C):
            told = [(crc_of(part, polynomial), len(part)) for part in parts]
            assert combined_crc(told, polynomial) == crc_of(whole, polynomial)
        assert combined_crc([(zlib.crc32(part), len(part)) for part in parts], CRC32) == zlib.crc32(whole)


def test_the_check_values_of_both_are_those_that_are_published() -> None:
    """https://reveng.sourceforge.io/crc-catalogue/17plus.htm"""
    for polynomial, check in ((CRC32, 0xCBF43926), (CRC32C, 0xE3069283)):
        told = [(crc_of(part, polynomial), len(part)) for part in (b"1234", b"56789")]
        assert combined_crc(told, polynomial) == check
