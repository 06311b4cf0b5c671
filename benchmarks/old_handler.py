"""The handler of the program that this one succeeds, as a process fed as Lambda feeds it.

As a module: `fetch_old_handler`. In: a folder. Out: the path of the handler's file, from its published wheel. Effects:
asks the package index for the one wheel whose hash old_handler.txt holds, and unpacks the handler; installs nothing.

As a program: `python -m benchmarks.old_handler MOVE_PY EVENTS COPIES`. EVENTS holds one S3 event a line, and each is
one invocation: S3 calls that function directly, a file at a time. Each of COPIES takes its share of the lines,
as one of several function environments would.
"""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

from benchmarks.usage import BenchmarkError

_PINS = Path(__file__).with_name("old_handler.txt")
_MOVE_PY = "data_engineering_pulumi_components/aws/lambdas/lambda_handlers/move/move.py"


def fetch_old_handler(folder: Path) -> Path:
    """Fetch the handler's file into the folder. Raises BenchmarkError, with what pip said, where that fails."""
    words = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "download"]
    words += [
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--requirement",
        str(_PINS),
        "--dest",
        str(folder),
    ]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BenchmarkError(f"the old handler's wheel could not be fetched: {done.stderr.strip()}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(_MOVE_PY, folder))


def import_handler(move_py: Path) -> ModuleType:
    """Import the handler's file, which makes its client."""
    spec = importlib.util.spec_from_file_location("move", move_py)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(move_py: Path, events: Path, copies: int) -> None:
    """Handle this copy's share of the events."""
    handler, own = import_handler(move_py).handler, int(os.environ["BENCH_COPY"])
    with events.open() as lines:
        for number, line in enumerate(lines):
            if number % copies == own:
                handler(json.loads(line), None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
