"""The demo's commands: `exports` itself, in a process of its own, as one of the story's people would run it.

In: a `Stage`, who runs it, and the words. Out: what the command printed, and how it ended; as text for the story.
Effects: those of the command, on the local AWS only; one process besides (`forking`), which ends with this one.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data_exports.errors import LocalAwsError
from data_exports.local.clients import environment_of
from data_exports.local.demo.stage import Stage
from data_exports.names import RoleArn

SHOWN_LINES = 12
LONGEST_LINE = 140


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


@cache
def commands_process() -> "subprocess.Popen[str]":
    """The process that commands are forked from; it begins to load the program, and nobody waits for that here."""
    return subprocess.Popen(
        [sys.executable, "-m", "data_exports.local.demo.forking"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that it can be ended along with the command that it has forked
    )


def run_command(stage: Stage, role: RoleArn | None, *words: str, estate: Path | None = None) -> Ran:
    """Run `exports` with these words as this role; None is an operator who may do everything in the account.

    `estate` is the folder of another estate than the stage's.
    """
    variables = {**os.environ, **environment_of(stage.local, role), "EXPORTS_ESTATE": str(estate or stage.folder)}
    with tempfile.TemporaryDirectory(dir=stage.local.folder) as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        asked = {"words": words, "variables": variables, "here": str(Path.cwd()), "out": str(out), "err": str(err)}
        code = _exit_code_of(json.dumps(asked))
        texts = [path.read_text(encoding="utf-8") for path in (out, err)]
    return Ran(words, role.name if role else "an operator", code, *texts)


def _exit_code_of(asked: str) -> int:
    process = commands_process()
    assert process.stdin is not None  # it was started with pipes
    assert process.stdout is not None
    try:
        process.stdin.write(f"{asked}\n")
        process.stdin.flush()
        said = process.stdout.readline()
    except BaseException:  # interrupted: whatever runs there for us ends, too
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        commands_process.cache_clear()
        raise
    if not said:
        raise LocalAwsError("the process that runs the demo's commands has ended")
    return int(said)
