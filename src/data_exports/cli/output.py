"""What a command prints: data on stdout, progress on stderr, colour on terminals only.

Nothing else in this package writes to the two streams, and nothing leaves here that a terminal would carry out: what
cannot be seen is escaped, never left out, on a terminal or not.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Literal, TextIO

import typer

from data_exports.errors import ExportsError
from data_exports.estate.findings import Finding
from data_exports.json_values import json_value_of
from data_exports.text import json_text, printable_lines
from data_exports.views.envelope import enveloped

Colour = Literal["red", "yellow", "green", "blue", "cyan"]


HELD_BYTES = 32 * 1024 * 1024
OUTPUT_LOST = 141
"""Exit code when stdout is gone: what shells report for a program ended by SIGPIPE."""


class OutputLostError(ExportsError):
    """Our output could not be written; without a message when its reader has closed it, which is no news to them."""

    exit_code = OUTPUT_LOST
    kind = "output_lost"


def write_data(text: str, *, styled: bool = False) -> None:
    """Write a line of the answer to stdout. Raises `OutputLostError`.

    `styled` text may hold colours of ours, and its author has escaped whatever others wrote in it.
    """
    try:
        typer.echo(_shown(text, sys.stdout, styled=styled))
    except BrokenPipeError as error:
        raise OutputLostError("") from error
    except OSError as error:
        raise OutputLostError(f"the output could not be written: {error.strerror}") from error


@contextmanager
def data_held() -> Iterator[Callable[[str], None]]:
    """What takes lines of an answer, and writes them once all are known: an error before that leaves stdout empty.

    What memory should not hold waits in a file that has no name. Raises `OutputLostError`.
    """
    with SpooledTemporaryFile(HELD_BYTES, "w+", encoding="utf-8", errors="surrogatepass", newline="\n") as held:
        yield lambda line: print(line, file=held)
        held.seek(0)
        for line in held:
            write_data(line.removesuffix("\n"))


def write_json(question: str, data: object) -> None:
    """Write the answer to a question as JSON to stdout, in its envelope. Raises `OutputLostError`."""
    write_foreign_json(enveloped(question, data))


def write_answer(question: str, answer: object, text: str, *, as_json: bool, styled: bool = False) -> None:
    """Write the answer as JSON, or as text where there is any. Raises `OutputLostError`."""
    if as_json:
        write_json(question, answer)
    elif text:
        write_data(text, styled=styled)


def write_foreign_json(value: object) -> None:
    """Write JSON of a form that others have defined, such as SARIF. Raises `OutputLostError`."""
    write_data(json_text(value, indent=2, default=json_value_of))


def write_progress(text: str, *, styled: bool = False, ends_line: bool = True) -> None:
    """Write a line for the person who waits to stderr; a terminal that has gone away stops no work.

    `styled` as for `write_data`; a question does not end its line.
    """
    with suppress(OSError):
        typer.echo(_shown(text, sys.stderr, styled=styled), err=True, nl=ends_line)


def painted(text: str, colour: Colour, *, stream: TextIO | None = None, bold: bool = False) -> str:
    """The text in colour if `stream` (stdout unless given) is a terminal that wants it, otherwise as it is.

    https://no-color.org
    """
    return typer.style(text, fg=colour, bold=bold) if wants_colour(stream or sys.stdout) else text


def wants_colour(stream: TextIO | None) -> bool:
    """Whether the stream is a terminal, and the environment does not ask for plain text."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not plain


def terminal_width() -> int | None:
    """The width of the terminal that stdout is, or None when it is none or wants no colour."""
    return shutil.get_terminal_size().columns if wants_colour(sys.stdout) else None


def screen_width() -> int | None:
    """The width of the terminal that stdout is, in colour or not; None when it is none."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


def path_from(start: Path, path: Path) -> Path:
    """The path as seen from a folder, if it is below it; otherwise as it is."""
    whole = Path(os.path.normpath(Path.cwd() / path))
    return whole.relative_to(start) if whole.is_relative_to(start) else path


def seen_from(start: Path, finding: Finding) -> Finding:
    """The finding with its path from a folder, if it is below it."""
    return replace(finding, place=replace(finding.place, path=path_from(start, finding.place.path)))


def _shown(text: str, stream: TextIO | None, *, styled: bool) -> str:
    return text if styled and wants_colour(stream) else printable_lines(text)
