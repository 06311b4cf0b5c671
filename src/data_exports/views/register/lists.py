"""Long lists, split over pages: so many rows on each, fewer where these are long, so that no page grows too large.

In: rows, and what makes a page of some of them. Out: pages, each with its path. Effects: none.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

PAGE_BYTES = 300_000
"""What a page may weigh as it lies on disk."""
ROWS = 200
"""So many rows of a list are on a page at most: about a third of what a page may weigh."""
TURNS_AROUND = 4
"""So many pages before and behind the one that is read are linked, beside the first and the last."""

Row = TypeVar("Row")
Page = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Turn:
    """Where in a list a page stands."""

    number: int
    paths: tuple[str, ...]
    """All pages of the list, from the folder that they lie in."""
    first: int
    """The number of its first row, from 1."""
    last: int
    total: int

    @property
    def near(self) -> tuple[int, ...]:
        """The numbers of the pages that are linked: the first, the last, and those around this one."""
        around = range(self.number - TURNS_AROUND, self.number + TURNS_AROUND + 1)
        return tuple(number for number in range(1, len(self.paths) + 1) if number in (1, len(self.paths), *around))


def paged(path: str, rows: Sequence[Row], render: Callable[[Sequence[Row], Turn], str]) -> Iterator[Page]:
    """The pages of a list: ``list.html``, ``list-2.html``; an empty list has one."""
    for size in fewer_rows():
        pages = list(_pages(path, rows, render, size))
        if size == 1 or all(weight_of(text) <= PAGE_BYTES for _, text in pages):
            yield from pages
            return


def fewer_rows() -> Iterator[int]:
    """How many rows to try on a page, until it is small enough; the last is 1."""
    size = ROWS
    while size > 1:
        yield size
        size //= 2
    yield 1


def weight_of(text: str) -> int:
    """The bytes of a page."""
    return len(text.encode(errors="backslashreplace"))


def _pages(path: str, rows: Sequence[Row], render: Callable[[Sequence[Row], Turn], str], size: int) -> Iterator[Page]:
    stem = path.removesuffix(".html")
    starts = range(0, len(rows) or 1, size)
    paths = [path, *(f"{stem}-{number}.html" for number in range(2, len(starts) + 1))]
    beside = tuple(each.rpartition("/")[2] for each in paths)
    for number, (start, own) in enumerate(zip(starts, paths, strict=True), start=1):
        part = rows[start : start + size]
        yield own, render(part, Turn(number, beside, start + 1, start + len(part), len(rows)))
