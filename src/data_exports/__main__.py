"""The ``exports`` command as a process, also as ``python -m data_exports``.

Interrupted at whatever moment, it says so in one line and ends with 130. Effects: handles SIGINT.
"""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

INTERRUPTED_AS_JSON = (
    b'{"schema": "data-exports/error/1", "error": {"kind": "interrupted", "message": "interrupted", "where": null, '
    b'"next_step": null, "aws_code": null, "request_id": null, "exit_code": 130}}\n'
)
"""As `data_exports.views.error` writes it, which may not be imported yet."""


def run() -> int:
    """Run the command line and return its exit code."""
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # unless who started us had it ignored
    if heard:
        # Nothing has begun, and an exception could be lost: Python ignores those in callbacks of its import system.
        signal.signal(signal.SIGINT, _leave)
    from data_exports.cli.app import main

    pressed: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    try:
        try:
            if heard:
                signal.signal(signal.SIGINT, interrupt)
            return main(was_interrupted=lambda: bool(pressed))
        finally:
            if heard:  # Python would now wait for threads, and answer with a traceback; the system ends it at once
                signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:  # before the command line or behind it, or another one while the first was answered
        return _say_interrupted()


def _leave(_number: int, _frame: FrameType | None) -> None:
    os._exit(_say_interrupted())


def _say_interrupted() -> int:
    with suppress(OSError):  # nobody is there to hear it
        os.write(2, INTERRUPTED_AS_JSON if "--json" in sys.argv else b"error: interrupted\n")
    return 130


if __name__ == "__main__":
    sys.exit(run())
