"""``exports status``: how every dataset stands."""

import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from data_exports.cli.completion import complete_datasets
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, dataset_of
from data_exports.cli.output import screen_width, wants_colour, write_answer, write_data, write_progress
from data_exports.cli.used import PlatformOption, open_for_sender
from data_exports.errors import PartlyDoneError
from data_exports.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from data_exports.errors import AwsError
    from data_exports.estate.models import Estate
    from data_exports.operate.status import Status

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Datasets. Default: all.", autocompletion=complete_datasets),
]
AllOption = Annotated[bool, typer.Option("--all", help="A row for each dataset, however many there are.")]

WatchOption = Annotated[
    bool, typer.Option("--watch", help="Look again and again, until Ctrl-C; on a pipe only what changes is printed.")
]
EveryOption = Annotated[
    float, typer.Option("--every", metavar="SECONDS", min=1, max=3600, help="With --watch: look so often.")
]


@reaches_aws
def status(
    names: NamesArgument = None,
    *,
    estate: EstateOption = None,
    platform: PlatformOption = "",
    every_row: AllOption = False,
    watch: WatchOption = False,
    every: EveryOption = 10,
    as_json: JsonOption = False,
) -> None:
    """Show how every dataset stands.

    What is declared and deployed, what waits in the hub and in the queue, what was given up, what arrived of late,
    which access ends soon, and which users have no role. Changes nothing. Exit code 4 if something could not be read.

    Examples:
      exports status
      exports status court_hearings
      exports status --watch
      exports status --json | jq '.datasets[] | select(.concerns != [])'
    """
    declared = open_for_sender(estate, platform, names or [])
    datasets = [dataset_of(declared, name) for name in dict.fromkeys(names or [])]
    from data_exports.operate.status import status_of
    from data_exports.views.status import render_status, status_as_data

    aws, every_row = connect(declared.platform.region), every_row or bool(datasets)
    if watch:
        show_looks(declared, partial(status_of, declared, aws, datasets), every, as_json=as_json, every_row=every_row)
    found = status_of(declared, aws, datasets)
    text = render_status(found, declared.platform, every_row=every_row, width=screen_width())
    write_answer("status", status_as_data(found), text, as_json=as_json)
    if found.notes:
        raise PartlyDoneError(
            f"{len(found.notes)} of the answers could not be read: {found.notes[0]}",
            next_step="docs/operate.md lists which rights it takes",
        )


def show_looks(
    estate: "Estate", look: "Callable[[], Status]", every: float, *, as_json: bool, every_row: bool
) -> NoReturn:
    """Show every look, until Ctrl-C: in place on a terminal, otherwise what has changed."""
    from data_exports.errors import AwsError
    from data_exports.operate.watch import watch_status
    from data_exports.views.envelope import line_of
    from data_exports.views.error import error_as_data
    from data_exports.views.status import changed_since, render_change, render_status, status_as_data

    looks = watch_status(look, every_seconds=every)
    if wants_colour(sys.stdout) and not as_json:
        _show_live(looks, estate, every, every_row=every_row)
    last: Status | None = None
    for found in looks:
        if isinstance(found, AwsError):
            text = f"AWS did not answer this time: {found}"
            write_progress(line_of("error", error_as_data(found)) if as_json else text)
        elif last is None or changed_since(last, found):
            if as_json:
                write_data(line_of("status", status_as_data(found)))
            elif last is None:
                write_data(render_status(found, estate.platform, every_row=every_row))
            else:
                write_data(render_change(last, found))
            last = found
    raise AssertionError("there is always another look")


def _show_live(looks: "Iterator[Status | AwsError]", estate: "Estate", every: float, *, every_row: bool) -> NoReturn:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    from data_exports.errors import AwsError
    from data_exports.views.status import render_status

    def shown(line: str) -> Text:
        return Text(printable(line), overflow="fold")

    text = ""
    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False, vertical_overflow="ellipsis", redirect_stderr=False) as live:
        for found in looks:
            now = f"{datetime.now(UTC):%H:%M:%S} UTC"
            if isinstance(found, AwsError):
                end = f"? {now}: AWS did not answer this time: {found.what}"
            else:
                text = render_status(found, estate.platform, every_row=every_row, width=console.width)
                end = f"as of {now}, again every {every:g} s; Ctrl-C ends it"
            live.update(Group(*map(shown, [*text.splitlines(), "", end])), refresh=True)
    raise AssertionError("there is always another look")
