"""Objects of one bucket, as requests name and describe them, and what answers tell of their bytes.

In: keys, what describes a file in S3's words, responses. Out: headers, digests. No effects.

Carried are content type, encoding, language, disposition, cache control and metadata, under their names. Tags, storage
class and redirects are not: Google has no tags of objects, and its classes are other ones.
https://cloud.google.com/storage/docs/xml-api/reference-headers
"""

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence

from data_exports.mover.places.token_stores import CARRIED, S3_META
from data_exports.mover.wire.http_responses import Response

_HASH = re.compile(r"(crc32c|md5)=([A-Za-z0-9+/]+={0,2})")


def object_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """What S3's headers describe, in Google's."""
    told = {name: headers[name] for name in CARRIED if name in headers}
    meta = {
        f"x-goog-meta-{name.removeprefix(S3_META)}": value
        for name, value in headers.items()
        if name.startswith(S3_META)
    }
    return told | meta


def object_hashes_in(response: Response) -> dict[str, str]:
    """What Google worked out of the bytes that it took: `crc32c` and, unless it is of parts, `md5`, in Base64.

    Of what is told twice, and differently, nothing is known: "".
    https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash
    """
    told = _HASH.findall(response.headers.get("x-goog-hash", ""))
    return {name: value if told.count((name, value)) == _count_of(name, told) else "" for name, value in told}


def _count_of(name: str, told: Sequence[tuple[str, str]]) -> int:
    return sum(each == name for each, _ in told)


def crc_number_of(text: str) -> int:
    """A CRC as it is told, as a number."""
    return int.from_bytes(b64decode(text), "big")
