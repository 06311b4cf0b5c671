"""A line typed at a terminal, and Ctrl-C in the moment when nothing feels it."""

import os
import pty
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

import pytest

from data_exports.cli import asking
from data_exports.cli.asking import ask, confirm
from data_exports.errors import RefusedError

GIVEN_UP_AFTER_SECONDS = 30


@pytest.fixture
def ends() -> Iterator[tuple[int, TextIO]]:
    """What the person types into, and the terminal."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, encoding="utf-8") as terminal:
        yield ours, terminal
    os.close(ours)


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"\n", [""]),
        (b"half\x04 a line\n", ["half a line"]),
        (b"caf\xc3\xa9 \xff\n", ["caf\u00e9 \udcff"]),
        (b"\x04after\n", [None, "after"]),
    ],
)
def test_a_line_is_what_was_typed_without_its_end(
    keys: bytes, lines: list[str | None], ends: tuple[int, TextIO]
) -> None:
    ours, terminal = ends
    os.write(ours, keys)
    assert [ask("? ", terminal) for _ in lines] == lines


def test_a_terminal_that_hangs_up_types_nothing() -> None:
    ours, theirs = pty.openpty()
    os.close(ours)
    with os.fdopen(theirs, encoding="utf-8") as terminal:
        assert ask("? ", terminal) is None


@pytest.mark.parametrize("keys", [b"yes\n", b"y\n", b" YES \n"])
def test_who_says_yes_goes_on(keys: bytes, ends: tuple[int, TextIO], capsys: pytest.CaptureFixture[str]) -> None:
    ours, terminal = ends
    os.write(ours, keys)
    confirm("Deploy?", "nothing was deployed", terminal)
    assert capsys.readouterr().err == "Deploy? Type yes:\n"


@pytest.mark.parametrize("keys", [b"\n", b"e\n", b"no\n", b"yes, please\n", b"\x04"])
def test_who_says_anything_else_does_not(keys: bytes, ends: tuple[int, TextIO]) -> None:
    ours, terminal = ends
    os.write(ours, keys)
    with pytest.raises(RefusedError, match="nothing was deployed"):
        confirm("Deploy?", "nothing was deployed", terminal)


def test_a_signal_that_the_systems_wait_does_not_feel_ends_it(ends: tuple[int, TextIO]) -> None:
    """As when it comes after Python's last look and before the wait: here another thread of the system takes it."""
    ours, terminal = ends
    main, ended, typed_after_all = threading.get_ident(), threading.Event(), []

    def interrupt() -> None:
        frame = sys._current_frames()[main]
        while frame.f_code.co_filename != asking.__file__:
            time.sleep(0.001)
            frame = sys._current_frames()[main]
        time.sleep(0.05)  # most likely it waits now; the right answer is the same if it does not yet
        signal.raise_signal(signal.SIGINT)
        if not ended.wait(GIVEN_UP_AFTER_SECONDS):
            typed_after_all.append(os.write(ours, b"\n"))

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        ask("? ", terminal)
    ended.set()
    thread.join()
    assert typed_after_all == []
