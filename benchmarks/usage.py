"""What a command uses: wall time, CPU time and peak memory of its processes, start to end.

In: a command, its environment, how many copies of it run at once. Out: a `Usage`. Effects: runs it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000


class BenchmarkError(Exception):
    """A benchmark cannot be carried out; the message says what failed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a command took. CPU and memory are those of all its copies together."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def usage_of(words: Sequence[str], environment: Mapping[str, str], *, copies: int = 1) -> Usage:
    """Run a command to its end. Raises BenchmarkError, with the end of what it said, if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        result, said = Path(folder) / "result.json", Path(folder) / "said"
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("child.py")), str(result), str(copies)]
        with said.open("wb") as output:
            subprocess.run(
                [*launcher, *words],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        used = json.loads(result.read_text())
        codes = [copy["code"] for copy in used["copies"]]
        if any(codes):
            raise BenchmarkError(f"{words[0]} ended with {codes}:\n{said.read_text(errors='replace')[-2000:]}")
    return Usage(
        wall_s=used["wall_s"],
        cpu_s=sum(copy["cpu_s"] for copy in used["copies"]),
        peak_bytes=sum(copy["peak_bytes"] for copy in used["copies"]),
    )
