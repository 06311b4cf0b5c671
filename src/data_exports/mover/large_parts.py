"""Many part copies under way at once, for the batch: which to start next, and which delivery their answers are for.

In: the `CopyParts` requests of deliveries. Out: single `CopyPart` calls to start, each with a tag of its own; and, once
all that were started for a request are answered, its reply. No effects.

Once a part of a file was not copied, no further part of that file is started: the reply tells why.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from math import inf

from data_exports.mover.rules.protocol import CopiedPart, CopyPart, CopyParts, Part, PartsDone, Reply


@dataclass(slots=True)
class _File:
    """The parts of one request."""

    delivery: int
    request: CopyParts
    waiting: deque[Part]
    under_way: int = 0
    replies: list[Reply] = field(default_factory=list)


class PartCopies:
    """The part copies of all deliveries of a batch. Files take turns."""

    def __init__(self, *, first_tag: int, at_once: int, bytes_at_once: int | None = None) -> None:
        """Tags count from `first_tag`; at most `at_once` parts are under way, and no more bytes, unless it is one."""
        self._tags: Iterator[int] = count(first_tag)
        self._at_once = at_once
        self._bytes_left = inf if bytes_at_once is None else bytes_at_once
        self._files: deque[_File] = deque()
        self._under_way: dict[int, tuple[_File, Part]] = {}

    def add(self, delivery: int, request: CopyParts) -> None:
        """Take on the parts of one more file."""
        self._files.append(_File(delivery, request, deque(request.parts)))

    def is_under_way(self, tag: int) -> bool:
        """Tell whether the tag is that of a part."""
        return tag in self._under_way

    def __bool__(self) -> bool:
        """Tell whether any part is under way."""
        return bool(self._under_way)

    def next(self) -> tuple[int, CopyPart] | None:
        """Return the next part to start, if one may start now."""
        if not self._files or len(self._under_way) >= self._at_once:
            return None
        file = self._files[0]
        part = file.waiting[0]
        if self._under_way and _size_of(part) > self._bytes_left:
            return None
        self._bytes_left -= _size_of(part)
        self._files.popleft()
        file.waiting.popleft()
        file.under_way += 1
        if file.waiting:
            self._files.append(file)
        tag = next(self._tags)
        self._under_way[tag] = file, part
        request = file.request
        return tag, CopyPart(request.key, request.version_id, request.upload_id, part, request.etag)

    def take(self, tag: int, reply: Reply) -> tuple[int, PartsDone] | None:
        """Take the answer to one part. Return the delivery and its reply if it was the last to wait for."""
        file, part = self._under_way.pop(tag)
        self._bytes_left += _size_of(part)
        file.under_way -= 1
        file.replies.append(reply)
        if not isinstance(reply, CopiedPart) and file.waiting:
            file.waiting.clear()
            self._files.remove(file)
        if file.under_way or file.waiting:
            return None
        return file.delivery, PartsDone(tuple(file.replies))


def _size_of(part: Part) -> int:
    return part.last_byte - part.first_byte + 1
