"""How far a command has come, where it is a matter of counting."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from data_exports.cli.output import wants_colour, write_progress

TOLD_EVERY = 100_000
"""Pieces between two lines of progress where there is no terminal."""


@contextmanager
def count_shown(what: str, *, total: int | None = None) -> Iterator[Callable[..., None]]:
    """What hears how many are done (and of how many): a bar on a terminal, a line now and then elsewhere.

    `what` says it in words, such as ``deleted versions``.
    """
    if not wants_colour(sys.stderr):
        last = 0

        def tell(done: int, of: int | None = total) -> None:
            nonlocal last
            if done - last >= TOLD_EVERY:
                last = done
                write_progress(f"{what}: {done:,}{f' of {of:,}' if of else ''}")

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), MofNCompleteColumn(), BarColumn(40), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False)
    task = bar.add_task("", total=total)
    with bar:
        yield lambda done, of=total: bar.update(task, completed=done, total=of)
