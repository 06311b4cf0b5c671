"""A process that has loaded the program once, and forks one of its own for each command of the demo.

In: a line of JSON for each command on stdin (words, variables, folder, where its output goes), until that ends. Out:
for each a line with its exit code. Effects: those of the commands; of most of them loading the program takes longer
than all that they do. Nothing runs beside a command here, and no thread does before one is forked. With ``--spawn``,
and on macOS, whose libraries may start threads of their own, each loads the program itself.
https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
"""

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_LOADED = ("data_exports.cli.app", "data_exports.local.demo.show", "boto3")
_MAY_FORK = sys.platform != "darwin"


def serve_commands(*, may_fork: bool) -> bool:
    """Run one command after another; whether this is a fork, which has become a process for a command to run in."""
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        if not may_fork:
            code = _spawn(asked)
        elif pid := os.fork():
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        else:
            _become(asked)
            return True
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()
    return False


def _spawn(asked: Mapping[str, Any]) -> int:
    with Path(asked["out"]).open("wb") as out, Path(asked["err"]).open("wb") as err:
        return subprocess.run(  # noqa: S603 - this very program, with words of the story
            [sys.executable, "-m", "data_exports", *asked["words"]],
            env=asked["variables"],
            cwd=asked["here"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            check=False,
        ).returncode


def _become(asked: Mapping[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(asked["variables"])
    os.chdir(asked["here"])
    sys.argv = ["exports", *asked["words"]]
    _take_streams((os.devnull, asked["out"], asked["err"]))
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _take_streams(paths: Sequence[str]) -> None:
    for descriptor, path in enumerate(paths):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)


if __name__ == "__main__":
    forks = _MAY_FORK and "--spawn" not in sys.argv
    for name in _LOADED if forks else ():
        importlib.import_module(name)
    if serve_commands(may_fork=forks):
        runpy.run_module("data_exports", run_name="__main__", alter_sys=True)
