"""The CRC of a whole, put together of those of its parts: arithmetic alone, no byte is read again.

In: CRCs and lengths of parts, in order. Out: the CRC of what they make together. No effects.

To append `n` bytes multiplies a CRC, as a polynomial over GF(2), by x to the power of 8n, modulo the CRC's own
polynomial; then the CRC of these bytes is added. https://github.com/madler/zlib/blob/develop/crc32.c (crc32_combine)
"""

from collections.abc import Iterable
from functools import lru_cache

CRC32 = 0xEDB88320
"""The polynomials, the lowest power in the highest bit. CRC32: ISO 3309, zlib's."""
CRC32C = 0x82F63B78
"""Castagnoli's: https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4"""
_ONE = 1 << 31


def combined_crc(parts: Iterable[tuple[int, int]], polynomial: int) -> int:
    """The CRC of all parts in a row; of each its CRC and its length in bytes."""
    whole = 0
    for crc, length in parts:
        whole = _product(_power_of_x(8 * length, polynomial), whole, polynomial) ^ crc
    return whole


def _product(a: int, b: int, polynomial: int) -> int:
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ (polynomial if b & 1 else 0)
    return product


@lru_cache(maxsize=16)
def _power_of_x(exponent: int, polynomial: int) -> int:
    power, square = _ONE, _ONE >> 1
    while exponent:
        if exponent & 1:
            power = _product(square, power, polynomial)
        square = _product(square, square, polynomial)
        exponent >>= 1
    return power
