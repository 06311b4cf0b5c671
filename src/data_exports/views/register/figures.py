"""How many exports there were, over time, and how many accesses there are: for the register's page of numbers.

In: a `Register`. Out: figures, and the line of a plot. Effects: none. The past is told from the files that commits
added and removed; accesses are counted of the declarations that the pages show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from data_exports.estate.loader import FOLDERS
from data_exports.views.register.facts import Register

WIDTH, HEIGHT = 640, 160


@dataclass(frozen=True, slots=True)
class Figure:
    """One count, by its name."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class MonthCount:
    """How many exports there were at the end of a month, or by now."""

    month: str
    count: int
    added: int
    removed: int


def figures_of(register: Register) -> tuple[Figure, ...]:
    """What there is now."""
    exports, lines = register.exports, register.lines
    return (
        Figure("exports", len(exports)),
        Figure("of these pushed", sum(each.kind == "push" for each in exports)),
        Figure("of these pulled", sum(each.kind == "pull" for each in exports)),
        Figure("accesses", len(lines)),
        Figure("of these outside the platform", sum(each.access.is_outside for each in lines)),
        Figure("exports without paperwork", sum(not each.dataset.paperwork for each in exports)),
        Figure("exports without an end", sum(each.dataset.expires is None for each in exports)),
        Figure("exports without an owner", sum(not each.dataset.owner for each in exports)),
        Figure("exports never in a closed review", sum(each.reviewed is None for each in exports)),
    )


def months_of(register: Register) -> tuple[MonthCount, ...]:
    """The exports of each month, the oldest first, without gaps; none where git tells no history."""
    added: dict[str, int] = {}
    removed: dict[str, int] = {}
    for commit in register.history.commits:
        for change in commit.changes:
            if change.path.partition("/")[0] in FOLDERS and change.doing != "changed":
                counts = added if change.doing == "added" else removed
                month = f"{commit.moment:%Y-%m}"
                counts[month] = counts.get(month, 0) + 1
    if not added:
        return ()
    found: list[MonthCount] = []
    count = 0
    for month in _months(min(added), f"{register.now:%Y-%m}"):
        count += added.get(month, 0) - removed.get(month, 0)
        found.append(MonthCount(month, count, added.get(month, 0), removed.get(month, 0)))
    return tuple(found)


def line_of_plot(months: tuple[MonthCount, ...]) -> str:
    """The points of a polyline that is `WIDTH` wide and `HEIGHT` high; its top is the highest count."""
    top = max((each.count for each in months), default=0) or 1
    step = WIDTH / max(len(months) - 1, 1)
    return " ".join(f"{n * step:.1f},{HEIGHT - each.count / top * HEIGHT:.1f}" for n, each in enumerate(months))


def _months(first: str, last: str) -> Iterator[str]:
    day = date.fromisoformat(f"{first}-01")
    while f"{day:%Y-%m}" <= last:
        yield f"{day:%Y-%m}"
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
