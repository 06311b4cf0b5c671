"""Signed tree heads: how many leaves, their root, and whose word that is.

In: text. Out: values, or an error. Effects: none.
https://c2sp.org/tlog-checkpoint
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from data_exports.evidence.merkle import HASH_BYTES
from data_exports.evidence.notes import (
    NotOursError,
    NotSignedError,
    Sign,
    VerifierKey,
    base64_or_nothing,
    parts_of_note,
    signed_note,
    signed_text_in,
)

LARGEST_HEAD_BYTES = 10_000
"""A file of more is no head: one has some 300 bytes, and may bear more signatures."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Head:
    """What a signed head says, by whom."""

    size: int
    root: bytes
    key: VerifierKey
    """Its name is the log's, too."""

    def encode(self, sign: Sign) -> bytes:
        """The head as a file."""
        root = base64.b64encode(self.root).decode()
        return signed_note(f"{self.key.name}\n{self.size}\n{root}\n", self.key, sign)


def head_in(body: bytes, keys: Iterable[VerifierKey]) -> Head:
    """What a head says that one of these keys has signed. Raises `NotSignedError`, `NotOursError` for another file."""
    if len(body) > LARGEST_HEAD_BYTES:
        raise NotOursError(f"it is no head: it has more than {LARGEST_HEAD_BYTES:,} bytes")
    known, (text, _) = list(keys), parts_of_note(body)
    match text.split("\n"):
        case [origin, size, root, *_] if _SIZE.fullmatch(size) and len(base64_or_nothing(root)) == HASH_BYTES:
            if origin not in {key.name for key in known}:
                raise NotOursError("it is the head of another log")
            _, key = signed_text_in(body, known)
            if origin != key.name:
                raise NotSignedError("it is signed by the key of another log")
            return Head(int(size), base64_or_nothing(root), key)
    raise NotOursError("it is no head: origin, size and root, a line each")
