"""A process that has loaded the program once, and forks one of its own for each command of the demo.

In: a line of JSON for each command on stdin (words, variables, folder, where its output goes), until that ends. Out:
for each a line with its exit code. Effects: those of the commands; of most of them loading the program takes longer
than all that they do. Nothing runs beside a command here, and no thread does before one is forked.
"""

import importlib
import json
import os
import runpy
import signal
import sys
from collections.abc import Sequence

_LOADED = ("data_exports.cli.app", "data_exports.local.demo.show", "boto3")


def serve_commands() -> bool:
    """Fork for each command; whether this is the fork, which has become a process for it to run in."""
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        if not (pid := os.fork()):
            os.environ.clear()
            os.environ.update(asked["variables"])
            os.chdir(asked["here"])
            sys.argv = ["exports", *asked["words"]]
            _take_streams((os.devnull, asked["out"], asked["err"]))
            signal.signal(signal.SIGINT, signal.default_int_handler)
            return True
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n")
        sys.stdout.flush()
    return False


def _take_streams(paths: Sequence[str]) -> None:
    for descriptor, path in enumerate(paths):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)


if __name__ == "__main__":
    for name in _LOADED:
        importlib.import_module(name)
    if serve_commands():
        runpy.run_module("data_exports", run_name="__main__", alter_sys=True)
