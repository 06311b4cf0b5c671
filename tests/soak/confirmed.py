"""What recipients outside AWS have confirmed, held against what the mover takes out of sight.

In: requests on their way, and the answers that went back. Out: what was to be retired before its recipient had said
that it has it. Effects: bodies of parts are kept, compressed: they are much alike.
"""

import re
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from benchmarks.wire import Request

_CONFIRMED = re.compile(rb"HTTP/1\.1 20[01] ")


@dataclass
class Confirmations:
    """Contents by key and MD5, which is the ETag of an upload in one request. For several threads."""

    hub: str
    is_outside: Callable[[str], bool]
    """Whether a key of the hub goes to a recipient outside AWS."""
    looked_at: int = 0
    too_early: list[str] = field(default_factory=list)
    _confirmed: set[tuple[str, str]] = field(default_factory=set)
    _parts: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note_write(self, request: Request, answer: bytes, *, key: str) -> None:
        """Remember what a store has confirmed to the mover by this very answer."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
        body = request.raw.partition(b"\r\n\r\n")[2]
        upload, part = query.get("uploadId", ""), query.get("blockid") or query.get("partNumber")
        with self._lock:
            if part:
                self._parts[key, upload, part] = zlib.compress(body, 1)
            elif _CONFIRMED.match(answer) and request.method in ("PUT", "POST") and "uploads" not in query:
                content = b"".join(self._listed(key, upload, body)) if upload or "comp" in query else body
                self._confirmed.add((key, md5(content, usedforsecurity=False).hexdigest()))

    def _listed(self, key: str, upload: str, body: bytes) -> list[bytes]:
        """The parts that make a file: Azure's list names blocks, Google's numbers."""
        listed = [
            each.text or "" for each in ElementTree.fromstring(body).iter() if each.tag in ("Latest", "PartNumber")
        ]
        return [zlib.decompress(self._parts[key, upload, part]) for part in listed]

    def note_retires(self, request: Request) -> None:
        """Hold what is to be taken out of sight in the hub against what was confirmed."""
        for key, etag in self._retires(request):
            if self.is_outside(key):
                with self._lock:
                    self.looked_at += 1
                    if (key, etag) not in self._confirmed:
                        self.too_early.append(
                            f"{key!r} with ETag {etag} was to be retired, and nobody has confirmed it"
                        )

    def _retires(self, request: Request) -> list[tuple[str, str]]:
        path = unquote(urlsplit(request.target).path).lstrip("/")
        if path.partition("/")[0] != self.hub:
            return []
        if request.operation == "DeleteObject":
            return [(path.partition("/")[2], request.headers.get("if-match", "").strip('"'))]
        if request.operation != "DeleteObjects":
            return []
        listed = ElementTree.fromstring(request.raw.partition(b"\r\n\r\n")[2]).findall("{*}Object")
        return [(each.findtext("{*}Key") or "", (each.findtext("{*}ETag") or "").strip('"')) for each in listed]
