"""A command on a terminal, and somebody at it who reads all that is shown and answers what is asked."""

import os
import pty
import select
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_SECONDS

CTRL_C = "Ctrl-C"
CTRL_D = "\x04"

Answer = str | Callable[[], str]


@dataclass(frozen=True)
class OnTerminal:
    """How a command ended, what the terminal showed, and what went to stdout where that was not the terminal."""

    code: int
    shown: str
    out: str


def run_on_terminal(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    streams: Sequence[str] = ("stdin", "stdout", "stderr"),
    dialogue: Sequence[tuple[str, Answer]] = (),
) -> OnTerminal:
    """Run a command with a terminal for these streams; of the others, stdin is empty and stdout kept.

    Each answer of the dialogue is typed once its question stands at the end of what is shown; `CTRL_C` interrupts. A
    function does something meanwhile, and gives the answer.
    """
    ours, theirs = pty.openpty()
    with tempfile.TemporaryFile() as out:
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": subprocess.DEVNULL}
        given |= dict.fromkeys(streams, theirs)
        running = subprocess.Popen(words, env=env, cwd=cwd, **given)
        os.close(theirs)
        shown = _converse(running, ours, dialogue)
        try:
            code = running.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:  # it waits for an answer that nobody gives
            running.kill()
            code = running.wait()
        os.close(ours)
        out.seek(0)
        return OnTerminal(code, shown, out.read().decode())


def _converse(running: "subprocess.Popen[bytes]", ours: int, dialogue: Sequence[tuple[str, Answer]]) -> str:
    """Answer until the command has closed its terminal, or says nothing for long; all that was shown."""
    shown, questions = b"", list(dialogue)
    with suppress(OSError):  # how Linux says that nobody has the terminal open any more
        while select.select([ours], [], [], PATIENCE_SECONDS)[0] and (part := os.read(ours, 65536)):
            shown += part
            if questions and shown.endswith(questions[0][0].encode()):
                _, given = questions.pop(0)
                answer = given if isinstance(given, str) else given()
                if answer == CTRL_C:
                    running.send_signal(signal.SIGINT)
                else:
                    os.write(ours, answer.encode() if answer == CTRL_D else f"{answer}\n".encode())
    return shown.decode()
