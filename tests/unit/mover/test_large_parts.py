"""Parts under way at once: files take turns, and all of them share what may be in memory."""

from data_exports.mover.large_parts import PartCopies
from data_exports.mover.rules.large import parts_of
from data_exports.mover.rules.protocol import CopiedPart, CopyParts


def asked(key: str, size_bytes: int, part_bytes: int) -> CopyParts:
    return CopyParts(key, "v1", "u1", parts_of(size_bytes, part_bytes))


def started(parts: PartCopies) -> list[tuple[int, str, int]]:
    """What is started until nothing more may be: tag, key and part."""
    calls = iter(parts.next, None)
    return [(tag, call.key, call.part.number) for tag, call in calls]


def test_no_more_bytes_are_under_way_than_may_be() -> None:
    parts = PartCopies(first_tag=10, at_once=4, bytes_at_once=8)
    parts.add(0, asked("a", 12, 4))
    parts.add(1, asked("b", 6, 3))
    assert started(parts) == [(10, "a", 1), (11, "b", 1)]
    parts.take(10, CopiedPart(1, "e"))
    assert started(parts) == [(12, "a", 2)]
    parts.take(11, CopiedPart(1, "e"))
    assert started(parts) == [(13, "b", 2)]


def test_a_part_that_is_larger_than_all_that_may_be_goes_alone() -> None:
    parts = PartCopies(first_tag=0, at_once=4, bytes_at_once=8)
    parts.add(0, asked("a", 20, 10))
    assert started(parts) == [(0, "a", 1)]
    parts.take(0, CopiedPart(1, "e"))
    assert started(parts) == [(1, "a", 2)]


def test_without_a_limit_in_bytes_their_number_counts() -> None:
    parts = PartCopies(first_tag=0, at_once=3)
    parts.add(0, asked("a", 10**9, 10**8))
    assert len(started(parts)) == 3
