"""Questions to somebody at a terminal, asked so that Ctrl-C is felt whenever it comes.

In: a question, and stdin. Out: the line typed. Effects: writes to stderr, and waits.
"""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from data_exports.cli.output import write_progress
from data_exports.errors import RefusedError


def ask(question: str, terminal: TextIO | None = None) -> str | None:
    """The line typed for an answer (into stdin unless given), without its end; None for Ctrl-D, or if nobody is there.

    Raises `KeyboardInterrupt`, also for a Ctrl-C in the moment before the wait. Python notes a signal, and acts on it
    between two steps of its own. One that comes after the last of them and before the system's `read` would be acted on
    after the next line, if ever one comes; so this waits for the note as well.
    https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd
    """
    try:
        write_progress(question, ends_line=False)
        typed = _typed_into((terminal or sys.stdin).fileno())
    except KeyboardInterrupt:
        write_progress("")  # the question's line, and what the terminal shows of Ctrl-C
        raise
    if not typed:
        write_progress("")
        return None
    return typed.decode(errors="surrogateescape").rstrip("\r\n")


def confirm(question: str, otherwise: str, terminal: TextIO | None = None) -> None:
    """Go on only if the person says yes. Raises `RefusedError` with what became of it otherwise."""
    if (ask(f"{question} Type yes:\n", terminal) or "").strip().lower() not in ("yes", "y"):
        raise RefusedError(otherwise)


def _typed_into(descriptor: int) -> bytes:
    """A line with its end; without one if Ctrl-D ended it."""
    typed = b""
    with _noted_signals() as noted:
        while not typed.endswith(b"\n"):
            ready, _, _ = select.select([descriptor, noted], [], [])
            if noted in ready:
                os.read(noted, 4096)
            if descriptor in ready:
                part = _part_from(descriptor)
                if not part:
                    break
                typed += part
    return typed


def _part_from(descriptor: int) -> bytes:
    """A line, as terminals give no more at once; nothing at the end."""
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the terminal hung up
        return b""


@contextmanager
def _noted_signals() -> Iterator[int]:
    """A descriptor that can be read as soon as a signal has come for which Python has a handler."""
    noted, note = os.pipe()
    os.set_blocking(note, False)
    before = signal.set_wakeup_fd(note, warn_on_full_buffer=False)
    try:
        yield noted
    finally:
        signal.set_wakeup_fd(before)
        os.close(noted)
        os.close(note)
