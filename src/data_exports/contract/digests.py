"""Digests of a whole file, as receipts hold them in one column.

In: algorithms and values. Out: the column, or what it holds. No effects.

The column is a list of `ALGORITHM:value`, sorted by algorithm, one blank between two:
`CRC64NVME:rosUhgp5mIg= SHA256:FeKw09MmTw7z8F5Iz5aVvrlBdTzAxv9C4aG2w0a9rXw=`. Algorithms are called as S3 calls them
(`CRC32`, `CRC32C`, `CRC64NVME`, `MD5`, `SHA1`, `SHA256`, …); values are Base64, and the numbers of a CRC are written
with the highest byte first. Every kind of destination writes them so, whatever its service does.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Checksum.html

Each is of all bytes of the file. What S3 calls composite, a digest of the digests of parts, ends in `-<parts>` and is
none. It is not told who worked one out: the service that took the file, or the sender, whose word S3 has checked then.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import re
from collections.abc import Mapping

CRYPTOGRAPHIC = frozenset({"SHA256", "SHA512"})
"""Nobody is known to be able to make another file with the same one; with any other algorithm that can be done."""

_DIGEST = re.compile(r"([A-Z][A-Z0-9]*):([A-Za-z0-9+/]+={0,2})")


def digest_column_of(values: Mapping[str, str]) -> str:
    """The column of these values by algorithm; "" for none. Leaves out what is no digest of a whole file."""
    written = sorted(f"{name}:{value}" for name, value in values.items())
    return " ".join(each for each in written if _DIGEST.fullmatch(each))


def digests_in(column: str | None) -> dict[str, str]:
    """The values in a column by algorithm; what cannot be read, a newer mover's perhaps, is left out."""
    found = map(_DIGEST.fullmatch, (column or "").split(" "))
    return {each[1]: each[2] for each in found if each}
