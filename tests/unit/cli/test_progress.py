"""What is shown while somebody waits: names of others as they are, and on a terminal that it goes on."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stderr

import pytest

from data_exports.cli.demo import TerminalNarrator
from data_exports.cli.progress import bytes_shown, count_shown, progress_shown, waiting_shown
from data_exports.deploy.apply.outcomes import ProgressNote

NAME = "a:x:b [red]c[/red] [/] \x1b[2m" + "long " * 40 + "end"
"""What rich would take for a picture, for colours, for a closing tag without an opening one; wider than a screen."""
SHOWN = NAME.replace("\x1b", r"\x1b")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=[io.StringIO, Terminal], ids=["pipe", "terminal"])
def stderr(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    made: io.StringIO = request.param()
    return made


def _wait(line: str) -> None:
    with waiting_shown(line) as tell:
        tell(line)


def _send(line: str) -> None:
    with bytes_shown("uploading", 10) as (count, tell):
        count(10)
        tell(line)


def _deploy(line: str) -> None:
    with progress_shown() as shown:
        shown(ProgressNote(line))


def _play(line: str) -> None:
    told = TerminalNarrator(quiet=False)
    with told.waiting(line):
        told.say(line)


@pytest.mark.parametrize("show", [_wait, _send, _deploy, _play])
def test_a_line_is_shown_as_it_is_and_whole(show: Callable[[str], None], stderr: io.StringIO) -> None:
    with redirect_stderr(stderr):
        show(NAME)
    assert SHOWN in stderr.getvalue()


def test_on_a_terminal_a_clock_tells_that_the_wait_goes_on(stderr: io.StringIO) -> None:
    with redirect_stderr(stderr), waiting_shown("waiting for 1 receipt"):
        pass
    clock = re.search(r"waiting for 1 receipt.*0:00:00", stderr.getvalue())
    assert bool(clock) is stderr.isatty()


def test_what_is_counted_is_named_as_it_is(stderr: io.StringIO) -> None:
    with redirect_stderr(stderr), count_shown("[red]looked at", total=200_000) as count:
        count(150_000)
    assert "[red]looked at" in stderr.getvalue()
