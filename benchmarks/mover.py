"""Moving files from one bucket to another: this mover, the handler it succeeds, `aws s3 mv`, s5cmd and rclone.

In: the cases (how many files of which size). Out: a table for each case; with --json a list of
`{"files", "size_bytes", "results": {contender: {"wall_s", "files_per_s", "cpu_ms_per_file", "peak_mb"}}}`.
Effects: for each contender a SeaweedFS of its own in a temporary folder, filled anew, and gone afterwards.

Wall time, CPU time and peak memory are those of the contender's whole process, start to end. Every result is checked:
all files at the target, none in sight in the hub. With more than one round, each contender's quickest counts: whatever
else the machine does only ever slows it down.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import CONTENDERS, Work
from benchmarks.files import check_moved, fill_hub, make_files
from benchmarks.old_handler import fetch_old_handler
from benchmarks.programs import versions
from benchmarks.seaweed import seaweed
from benchmarks.tables import rounded, show, tell, write_json
from benchmarks.usage import MEGABYTE, BenchmarkError, Usage, usage_of


@dataclass(frozen=True, slots=True)
class Case:
    """So many files of one size; each contender moves them in so many rounds."""

    files: int
    size_bytes: int
    rounds: int = 1

    def __str__(self) -> str:
        return f"{self.files:,} file{'s' * (self.files != 1)} of {self.size_bytes:,} bytes"


CASES = (Case(2_000, 1_000, rounds=3), Case(20_000, 1_000), Case(200, 8_000_000, rounds=3))


def measure(case: Case, names: Sequence[str], folder: Path) -> dict[str, dict[str, float]]:
    """Let each contender move the files of a case, in turn, round after round."""
    files = make_files(folder / "files", count=case.files, size_bytes=case.size_bytes)
    old_handler = fetch_old_handler(folder) if "old" in names else None
    runs: dict[str, list[Usage]] = {name: [] for name in names}
    for number in range(case.rounds):
        for name in names:
            tell(f"{case}, round {number + 1} of {case.rounds}: {name}")
            with tempfile.TemporaryDirectory(dir=folder) as own:
                runs[name].append(_run(name, files, old_handler, Path(own)))
    return {name: figures_of(min(usages, key=lambda usage: usage.wall_s), case) for name, usages in runs.items()}


def _run(name: str, files: Path, old_handler: Path | None, folder: Path) -> Usage:
    with seaweed(folder / "server") as server:
        uploads = fill_hub(server, files)
        command = CONTENDERS[name](Work(server, uploads, folder, old_handler))
        usage = usage_of(command.words, {**server.environment(), **command.variables}, copies=command.copies)
        check_moved(server, uploads)
    return usage


def figures_of(usage: Usage, case: Case) -> dict[str, float]:
    """The figures of a contender, by the file."""
    return rounded(
        {
            "wall_s": usage.wall_s,
            "files_per_s": case.files / usage.wall_s,
            "cpu_ms_per_file": 1000 * usage.cpu_s / case.files,
            "peak_mb": usage.peak_bytes / MEGABYTE,
        }
    )


def targets(results: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Say of each target whether it was reached."""
    if not results.keys() >= CONTENDERS.keys():
        return []
    mine, others = results["ours"], {name: each for name, each in results.items() if name != "ours"}
    cpu = {name: each["cpu_ms_per_file"] for name, each in others.items()}
    speed = {name: each["files_per_s"] for name, each in others.items()}
    quickest = max(speed, key=lambda name: speed[name])
    cpu_of_s5cmd, least = mine["cpu_ms_per_file"] / cpu["s5cmd"], mine["cpu_ms_per_file"] / min(cpu.values())
    times = mine["files_per_s"] / speed[quickest]
    return [
        f"CPU a file: {cpu_of_s5cmd:.2f} of s5cmd's (to reach: at most 0.50)",
        f"CPU a file: {least:.2f} of the least of all others' (to reach: below 1)",
        f"files a second: {times:.2f} times those of the quickest other, {quickest} (to reach: at least 1.00)",
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mover", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--files", type=int, help="one case only: so many files …")
    parser.add_argument("--size-bytes", type=int, default=1_000, help="… of this size (default: 1000)")
    parser.add_argument("--rounds", type=int, default=1, help="… in so many rounds (default: 1)")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), help="only these contenders")
    return parser.parse_args()


def main() -> None:
    """Measure every case, show and write the figures."""
    asked = _arguments()
    cases = [Case(asked.files, asked.size_bytes, asked.rounds)] if asked.files else CASES
    print(", ".join(f"{package} {version}" for package, version in versions().items()))
    figures = []
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="benchmark-mover-") as folder:
            results = measure(case, asked.only, Path(folder))
        show(str(case), results)
        print("\n".join(targets(results)))
        figures.append({"files": case.files, "size_bytes": case.size_bytes, "results": results})
        write_json(asked.json, figures)


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.mover: {error}")
