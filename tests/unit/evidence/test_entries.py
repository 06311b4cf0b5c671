"""Entries: read as they are written, and nothing that no notary has written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.evidence.entries import Entry, EntryKind, entry_in

DIGEST = "0123456789abcdef" * 4
KEYS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.sampled_from([EntryKind.RECEIPT, EntryKind.DAMAGED]), KEYS, st.integers(0, 10**9 - 1))
def test_what_is_written_is_read(kind: EntryKind, file: str, line: int) -> None:
    entry = Entry(kind, DIGEST, file, line)
    assert entry_in(entry.encode()) == entry


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (b'"line":7', b'"line":07'),
        (b'"line":7', b'"line":"7"'),
        (b'"line":7', b'"line":-7'),
        (b'"line":7', b'"line":1000000000'),
        (b'"line":7', b'"line":' + b"7" * 5_000),
        (b'"line":7', b'"line":7,"more":1'),
        (b'"kind":"receipt"', b'"kind":"recipe"'),
        (b'"file":"a"', b'"file":"a\\"'),
        (b'"file":"a"', b'"file":"a\n"'),
        (b"{", b" {,"),
    ],
)
def test_what_no_notary_writes_is_refused(part: bytes, other: bytes) -> None:
    leaf = Entry(EntryKind.RECEIPT, DIGEST, "a", 7).encode()
    assert part in leaf
    with pytest.raises(ValueError):  # noqa: PT011 - of whatever words
        entry_in(leaf.replace(part, other))
