"""How far a command has come: as a count, in bytes, receipt by receipt, or stack by stack."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from data_exports.cli.output import wants_colour, write_progress
from data_exports.text import counted, printable

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from data_exports.aws import Aws
    from data_exports.contract.receipts import Receipt
    from data_exports.deploy.apply.outcomes import DeployEvent, Progress
    from data_exports.estate.models import Platform, PushDataset
    from data_exports.operate.follow import Followed, UploadId

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

    columns = (TextColumn(what, markup=False), MofNCompleteColumn(), BarColumn(40), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False)
    task = bar.add_task("", total=total)
    with bar:
        yield lambda done, of=total: bar.update(task, completed=done, total=of)


@contextmanager
def waiting_shown(what: str) -> Iterator[Callable[[str], None]]:
    """What hears of lines while something is waited for: a line each; on a terminal a clock runs below them."""
    if not wants_colour(sys.stderr):
        write_progress(what)
        yield write_progress
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    columns = (SpinnerColumn(), TextColumn(what, markup=False), TimeElapsedColumn())
    clock = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    clock.add_task("", total=None)
    with clock:
        yield partial(_print_line, console)


def follow_shown(
    platform: "Platform",
    push: "PushDataset",
    aws: "Aws",
    uploads: "Mapping[UploadId, Receipt | None]",
    *,
    since: "datetime",
    timeout_seconds: int,
    when_interrupted: str,
) -> "tuple[Followed, ...]":
    """How far these uploads got; each with the receipt that it had before, which is no news. Raises `AwsError`."""
    from data_exports.operate.follow import follow
    from data_exports.views.history import render_followed_receipt

    try:
        with waiting_shown(f"waiting for {counted(len(uploads), 'receipt')}") as tell:
            return follow(
                *(platform, push, aws, list(uploads)),
                since=since,
                timeout_seconds=timeout_seconds,
                on_receipt=lambda receipt: tell(render_followed_receipt(receipt)),
                known={upload: receipt for upload, receipt in uploads.items() if receipt},
            )
    except KeyboardInterrupt:
        write_progress(when_interrupted)
        raise


@contextmanager
def bytes_shown(what: str, total: int) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """What hears of so many bytes more, and what of lines: a line each; on a terminal a bar runs below them."""
    if not wants_colour(sys.stderr):
        yield lambda _: None, write_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True, highlight=False)
    named = TextColumn(what, markup=False)
    columns = (named, BarColumn(30), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    task = bar.add_task("", total=total)
    with bar:
        yield partial(bar.advance, task), partial(_print_line, console)


@contextmanager
def progress_shown() -> Iterator["Progress"]:
    """What hears of events and shows them on stderr: plain lines, and on a terminal a bar with what is under way."""
    from data_exports.deploy.apply.outcomes import PlanMade, StackFinished, StackStarted
    from data_exports.views.deployment import render_event

    if not wants_colour(sys.stderr):
        yield lambda event: write_progress(line) if (line := render_event(event)) else None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    columns = (
        SpinnerColumn(),
        MofNCompleteColumn(),
        BarColumn(24),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    # Begun with the first stack, when the plan has been written; rich must not take our data for its own output.
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    stacks = bar.add_task("", total=None)
    under_way: dict[str, None] = {}

    def show(event: "DeployEvent") -> None:
        match event:
            case PlanMade(planned):
                bar.update(stacks, total=len(planned.changes))
            case StackStarted(step):
                under_way[step.name] = None
                bar.start()
            case StackFinished(outcome) if outcome.name in under_way:
                del under_way[outcome.name]
                bar.advance(stacks)
        if not isinstance(event, StackStarted) and (line := render_event(event)):
            _print_line(console, line)
        bar.update(stacks, description=", ".join(under_way))

    try:
        yield show
    finally:
        bar.stop()


def _print_line(console: "Console", line: str) -> None:
    """The line as it is: rich would take brackets in it for its markup, and names between colons for pictures."""
    from rich.text import Text

    console.print(Text(printable(line)), soft_wrap=True)
