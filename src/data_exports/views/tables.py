"""Rows as text: aligned columns where programs read along, colours and wrapped lines on a terminal.

In: rows of words. Out: lines. Effects: none.
"""

import io
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime

from data_exports.json_values import json_value_of
from data_exports.text import printable

_GAP = "    "


def table(rows: Sequence[Sequence[str]], *, width: int | None, colours: Mapping[str, str]) -> str:
    """The rows below each other; the first cell in the colour of its first word.

    `width` in characters for a terminal that shows colour; None for plain text.
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    return _plain(shown) if width is None else _coloured(shown, width, colours)


def headed_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None = None) -> list[str]:
    """The rows in columns below their headings; where these are wider than `width`, each row on lines of its own."""
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    if width is None or sum(widths) + 2 * len(widths) - 2 <= width:
        aligned = ("  ".join(map(str.ljust, row, widths)) for row in (headings, *rows))
        return [line.rstrip() for line in aligned]
    return [line for row in rows for line in _lines_of(headings, row, width)]


def fitted(line: str, width: int | None) -> list[str]:
    """The line, or where it is wider than `width`, lines of whole words, indented once more: no name is cut.

    A word that is wider than the terminal stays whole, too, so that it can be copied.
    """
    if width is None or len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip(" "))]
    return textwrap.wrap(line, width, subsequent_indent=f"{indent}  ", break_long_words=False, break_on_hyphens=False)


def csv_cell(value: object) -> str:
    """A value of ours for a spreadsheet: yes or no, a moment as JSON has it, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(json_value_of(value) if isinstance(value, datetime) else value)


def _lines_of(headings: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    told = ", ".join(f"{heading} {cell}" for heading, cell in zip(headings[1:], row[1:], strict=True) if cell != "-")
    return [row[0], *(f"  {line.lstrip(' ')}" for line in (fitted(f"  {told}", width) if told else ()))]


def _plain(rows: Sequence[Sequence[str]]) -> str:
    """By hand: ten thousand rows take rich a minute."""
    columns = max((len(row) for row in rows), default=0)
    widths = [max(len(row[number]) for row in rows) for number in range(max(columns - 1, 0))]
    lines = ("  " + _GAP.join([*map(str.ljust, row[:-1], widths), row[-1]]) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _coloured(rows: Sequence[Sequence[str]], width: int, colours: Mapping[str, str]) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, show_header=False, padding=(0, 2))
    for _ in range(max(map(len, rows), default=0)):
        grid.add_column(overflow="fold")  # rich would cut the end of a long name off
    for first, *others in rows:
        grid.add_row(Text(first, style=colours.get(first.partition(",")[0], "")), *map(Text, others))
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=True, highlight=False).print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
