"""Blobs of one container, as requests name and describe them.

In: keys, what describes a file in S3's words. Out: URLs, headers. No effects.

Carried are content type, encoding, language, disposition, cache control and metadata. Metadata's names must be C#
identifiers there: every other character becomes `_`, so `case-id` is `case_id`. Tags, storage class and redirects are
not carried: Azure's index tags need a right of their own, and its tiers are other ones.
https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
https://learn.microsoft.com/en-us/rest/api/storageservices/put-blob
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from email.utils import formatdate, parsedate_to_datetime
from time import monotonic
from urllib.parse import quote

from data_exports.mover.places.token_stores import CARRIED, S3_META
from data_exports.mover.wire.http_responses import Response

VERSION = "2021-12-02"
"""Of Azure's interface. https://learn.microsoft.com/en-us/rest/api/storageservices/versioning-for-the-azure-storage-services"""
_MARGIN_SECONDS = 2
_YEAR_3000 = 32_503_680_000.0
_THEIR_META = "x-ms-meta-"
_NO_IDENTIFIER = re.compile(r"[^0-9A-Za-z_]")
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def described(headers: Mapping[str, str]) -> dict[str, str]:
    """What S3's headers describe, in Azure's."""
    told = {f"x-ms-blob-{name}": headers[name] for name in CARRIED if name in headers}
    for name, value in sorted(headers.items()):
        if name.startswith(S3_META):
            own = _NO_IDENTIFIER.sub("_", name.removeprefix(S3_META))
            own = f"_{own}" if not own or own[0].isdigit() else own
            told.setdefault(_THEIR_META + own, _in_ascii(value))
    return told


def _in_ascii(value: str) -> str:
    """Metadata's values are ASCII there; of others each byte is written as %XX, and so is a percent sign then."""
    return value if value.isascii() else quote(value.encode("latin-1"), safe=_PRINTABLE)


def block_id_of(upload_id: str, number: int) -> str:
    """What a block is called: all of a blob's have names of one length, this upload's begin alike.

    https://learn.microsoft.com/en-us/rest/api/storageservices/put-block
    """
    return b64encode(f"{upload_id}-{number:05}".encode()).decode()


class ServerClock:
    """What time it is at the store, by its own word: the `Date` of its last answer, carried on."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._ahead: float | None = None  # of this machine's own clock, which may stand while the function sleeps

    def note(self, response: Response) -> None:
        """Take the time of an answer."""
        try:
            moment = parsedate_to_datetime(response.headers.get("date", "")).timestamp()
        except (ValueError, OverflowError):
            return
        if 0 < moment < _YEAR_3000:  # what is carried on from it can be written as a date
            self._ahead = moment - self._clock()

    @property
    def is_known(self) -> bool:
        """Whether the store has told the time yet."""
        return self._ahead is not None

    def unmodified_since(self) -> dict[str, str]:
        """The condition that nobody has written since a moment ago.

        Both times are whole seconds, so that what was written in the second before must count as written since.
        """
        return {"if-unmodified-since": formatdate(self._clock() + (self._ahead or 0) - _MARGIN_SECONDS, usegmt=True)}


def moment_now() -> str:
    """The time as requests tell it."""
    return formatdate(usegmt=True)
