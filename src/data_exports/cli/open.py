"""``exports open``: the register in a browser, as the declarations change."""

import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, cache_folder, estate_folder, load
from data_exports.cli.output import write_data, write_progress
from data_exports.errors import ExportsError

if TYPE_CHECKING:
    from data_exports.views.register.serving import RegisterServer

NoBrowserOption = Annotated[bool, typer.Option("--no-browser", help="Print the address, and open nothing.")]
LiveOption = Annotated[bool, typer.Option("--live", help="Ask AWS too, each time that it is built.")]

_POLL_SECONDS = 2.0


def register(app: typer.Typer) -> None:
    """Add the command; a function of its name would hide Python's own."""
    app.command("open")(_open)


@reaches_aws
def _open(
    *,
    no_browser: NoBrowserOption = False,
    live: LiveOption = False,
    estate: EstateOption = None,
) -> None:
    """Look at the register in your browser, built anew as declarations, reviews or commits change.

    It is built into your cache folder (XDG_CACHE_HOME, or ~/.cache), for you alone to read, and served on this computer
    alone, below an address that nobody can guess. When something has changed it says so: reload the page. Ctrl-C ends
    it, and removes what was built. To keep the pages, or hand them over, see `exports register`.

    Examples:
      exports open
      exports open --no-browser    prints the address: paste it into a browser of this computer
      exports open --live          with deliveries day by day, and what fails
    """
    from data_exports.views.register.freshness import freshness_of
    from data_exports.views.register.scratch import scratch_folder
    from data_exports.views.register.serving import RegisterServer
    from data_exports.views.register.summary import ASKING

    _end_as_by_ctrl_c()
    folder = estate_folder(estate)
    with scratch_folder(cache_folder() / "registers") as above, RegisterServer(write_progress) as server:
        mark, count = freshness_of(folder), 0
        if live:
            write_progress(ASKING)
        _build(folder, above / "0", server, live=live)
        write_data(server.address)
        write_progress("Ctrl-C ends it")
        if not no_browser:
            _show_in_browser(server.new_launch_page(), above / "open.html")
        while True:
            time.sleep(_POLL_SECONDS)
            before, mark = mark, freshness_of(folder)
            if mark == before:
                continue
            try:
                # What is being read lies in the other one.
                _build(folder, above / str((count + 1) % 2), server, live=live)
            except ExportsError as error:
                write_progress(f"{_now()}: not built anew, the pages stay as they were: {error}")
            else:
                count += 1
                write_progress(f"{_now()}: built anew: reload the page")


def _end_as_by_ctrl_c() -> None:
    """When the terminal is closed, or somebody ends the process, nothing is to be left behind either."""
    for each in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(each) is signal.SIG_DFL:
            signal.signal(each, signal.default_int_handler)


def _build(folder: Path, out: Path, server: "RegisterServer", *, live: bool) -> None:
    from data_exports.views.register.pages import pages_of
    from data_exports.views.register.reading import LiveSource, read_register
    from data_exports.views.register.site import write_site
    from data_exports.views.register.summary import problem_of, render_built

    source = LiveSource(connect, cache_folder() / "daily-sums") if live else None
    made = read_register(folder, load(folder), source)
    sizes = write_site(out, pages_of(made))
    server.show(out, sizes)
    write_progress(render_built(made, sizes))
    if problem := problem_of(made):
        write_progress(f"note: {problem}")


def _show_in_browser(page: str, path: Path) -> None:
    """Start a browser with a file for its user alone: its command line is for everybody to read."""
    import webbrowser

    from data_exports.estate.atomic_files import write_private

    write_private(path, page)
    if not webbrowser.open(path.as_uri()):
        write_progress("no browser was found: open the address yourself")


def _now() -> str:
    return f"{datetime.now(UTC):%H:%M:%S} UTC"
