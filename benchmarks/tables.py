"""Shows a benchmark's figures, and writes them down.

In: rows of figures. Out: a table on stdout; with a path, the same figures as JSON. Effects: prints, writes the file.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

Row = Mapping[str, float | int | str]


def show(title: str, rows: Mapping[str, Row]) -> None:
    """Print one line for each row: its name, then its figures under their names."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = [["", *columns]] + [
        [name, *(_cell(row.get(column, "")) for column in columns)] for name, row in rows.items()
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns) + 1)]
    lines = [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in cells
    ]
    print("\n".join(["", title, *(line.rstrip() for line in lines)]), flush=True)


def _cell(value: float | int | str) -> str:  # noqa: PYI041 counts are shown as counts
    if isinstance(value, str):
        return value
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def tell(text: str) -> None:
    """Tell how far a long benchmark is."""
    print(text, file=sys.stderr, flush=True)


def write_json(path: Path | None, figures: object) -> None:
    """Write the figures to a file, if one is named."""
    if path:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def rounded(figures: Mapping[str, float], digits: int = 3) -> dict[str, float]:
    """The figures with so many digits after the point."""
    return {name: round(value, digits) for name, value in figures.items()}
