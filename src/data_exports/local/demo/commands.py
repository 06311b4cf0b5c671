"""The demo's commands: `exports` itself, in a process of its own, as one of the story's people would run it.

In: a `Stage`, who runs it, and the words. Out: what the command printed, and how it ended; as text for the story.
Effects: those of the command, on the local AWS only.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from data_exports.local.clients import environment_of
from data_exports.local.demo.stage import Stage
from data_exports.names import RoleArn

SHOWN_LINES = 12
LONGEST_LINE = 140
COMMAND_TIMEOUT_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed, and how it ended."""

    words: tuple[str, ...]
    who: str
    code: int
    out: str
    err: str

    def told(self, *, most: int = SHOWN_LINES) -> Iterator[str]:
        """The command and what it printed, for the story; what is long is cut, and said."""
        shown = [Path(word).name if word.startswith(os.sep) else word for word in self.words]
        yield f"$ exports {' '.join(shown)}    (as {self.who})"
        lines = self.out.splitlines() + [line for line in self.err.splitlines() if line.startswith("error:")]
        for line in lines[:most]:
            yield f"| {line if len(line) <= LONGEST_LINE else f'{line[:LONGEST_LINE]}…'}".rstrip()
        if len(lines) > most:
            yield f"| … and {len(lines) - most} lines more"


def run_command(stage: Stage, role: RoleArn | None, *words: str, estate: Path | None = None) -> Ran:
    """Run `exports` with these words as this role; None is an operator who may do everything in the account.

    `estate` is the folder of another estate than the stage's.
    """
    done = subprocess.run(  # noqa: S603 - this very program, with words of the story
        [sys.executable, "-m", "data_exports", *words],
        env={**os.environ, **environment_of(stage.local, role), "EXPORTS_ESTATE": str(estate or stage.folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_TIMEOUT_SECONDS,
    )
    return Ran(words, role.name if role else "an operator", done.returncode, done.stdout, done.stderr)
