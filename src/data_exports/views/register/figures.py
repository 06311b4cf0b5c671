"""The register's figures: exports over time, how many accesses there are, what was delivered day by day.

In: a `Register`, or daily sums. Out: figures, and the shapes of plots. Effects: none. The past is told from the files
that commits added and removed; accesses are counted of the declarations that the pages show.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from data_exports.estate.loader import FOLDERS
from data_exports.operate.daily_sums import DailySums
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


@dataclass(frozen=True, slots=True)
class Bar:
    """One day in a plot, in its units."""

    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class BarPlot:
    """A bar for each day that has something; `most` is as high as the plot."""

    bars: tuple[Bar, ...]
    most: int
    most_on: date | None


def plot_of_files(sums: DailySums) -> BarPlot:
    """The files delivered on each day."""
    return _bar_plot(sums, {each.day: each.files for each in sums.days})


def plot_of_bytes(sums: DailySums) -> BarPlot:
    """The bytes delivered on each day."""
    return _bar_plot(sums, {each.day: each.size_bytes for each in sums.days})


def _bar_plot(sums: DailySums, counts: dict[date, int]) -> BarPlot:
    most = max(counts.values(), default=0)
    step = WIDTH / ((sums.last - sums.first).days + 1)
    bars = tuple(
        Bar(
            f"{(day - sums.first).days * step:.1f}",
            f"{HEIGHT - count / most * HEIGHT:.1f}",
            f"{step * 0.8:.1f}",
            f"{count / most * HEIGHT:.1f}",
        )
        for day, count in counts.items()
        if count
    )
    return BarPlot(bars, most, next((day for day, count in counts.items() if count == most), None) if most else None)


def _months(first: str, last: str) -> Iterator[str]:
    day = date.fromisoformat(f"{first}-01")
    while f"{day:%Y-%m}" <= last:
        yield f"{day:%Y-%m}"
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
