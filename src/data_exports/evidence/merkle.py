"""The tree of RFC 6962: hashes, roots, and the proofs that a leaf is in it and that it has only grown.

In: hashes, 32 bytes each. Out: hashes, or whether a proof holds. Effects: none. A tree's nodes are asked of whoever
keeps them, as `(level, number)`: the root of the leaves from `number * 2**level`, so many.
https://www.rfc-editor.org/rfc/rfc6962#section-2.1
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence

SubtreeRoot = Callable[[int, int], bytes]
"""The root of a whole subtree of `2**level` leaves, the first of which is `number * 2**level`."""
HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf that holds this."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of what has these two below it."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_over(hashes: Sequence[bytes]) -> bytes:
    """The root over neighbours: leaves, or subtrees of one size, the last of which may be smaller."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)] + odd
    return row[0]


def root_between(node: SubtreeRoot, start: int, end: int) -> bytes:
    """The root over the leaves from `start` up to `end`; a subtree begins where its size divides."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(size)
    return node_hash(root_between(node, start, middle), root_between(node, middle, end))


def roots_from(
    leaves: Sequence[int], sizes: Collection[int], leaf: Callable[[int], bytes], subtree: SubtreeRoot
) -> dict[int, bytes]:
    """The roots of the trees of these sizes, from some leaves, in order, and the whole subtrees that hold none of them.

    Both are asked for from the left, each once, so a proof of many leaves is but the hashes of the subtrees in that
    order. They have no addresses: none can stand in the place of a leaf that is given.
    """
    ends, pieces = sorted(sizes), {piece for size in sizes for piece in _pieces(size)}
    known: dict[tuple[int, int], bytes] = {}

    def visit(start: int, end: int) -> bytes:
        size = end - start
        level, is_whole = size.bit_length() - 1, size & (size - 1) == 0
        if is_whole and not _has_one(leaves, start, end) and not _has_one(ends, start + 1, end):
            found = subtree(level, start >> level)
        elif size == 1:
            found = leaf(start)
        else:
            middle = start + _split(size)
            found = node_hash(visit(start, middle), visit(middle, end))
        if is_whole and (level, start >> level) in pieces:
            known[level, start >> level] = found
        return found

    if ends and ends[-1]:
        visit(0, ends[-1])
    return {
        size: root_between(lambda level, number: known[level, number], 0, size) if size else EMPTY_ROOT for size in ends
    }


def _pieces(size: int) -> Iterator[tuple[int, int]]:
    """The whole subtrees, level and number, that make the root of so many leaves."""
    start = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            yield level, start >> level
            start += 1 << level


def _has_one(numbers: Sequence[int], start: int, end: int) -> bool:
    at = bisect_left(numbers, start)
    return at < len(numbers) and numbers[at] < end


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
