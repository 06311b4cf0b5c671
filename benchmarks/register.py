"""The register at size: how long `exports register` takes, what memory, and what its heaviest files weigh.

In: cases, each so many datasets whose push datasets go to so many buckets. Out: a table; with --json a list of
`{"datasets", "buckets", "results": {"wall_s", "cpu_s", "peak_mb", "files", "page_kb", "page", "index_kb"}}`. Effects:
estates with three years of git history, and their registers, in a temporary folder.

Time and memory are those of the whole process, start to end; the quickest round counts.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.estates import commit_history, write_estate
from benchmarks.programs import program
from benchmarks.tables import rounded, show, tell, write_json
from benchmarks.usage import MEGABYTE, BenchmarkError, Usage, usage_of

DAYS, COMMITS = 3 * 365, 5_000
KILOBYTE = 1_000

Figures = Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Case:
    """So many datasets; the pushed ones go to so many buckets."""

    datasets: int
    buckets: int

    @property
    def name(self) -> str:
        """As tables show it."""
        return f"{self.datasets:,} datasets, pushed to {self.buckets:,} buckets"


CASES = (Case(1_000, 100), Case(1_000, 4), Case(10_000, 100))
"""Four buckets hold 25 datasets each: about as many as the policy of one bucket can."""


def measure(case: Case, folder: Path, *, rounds: int) -> Figures:
    """Build the register of such an estate, round after round."""
    tell(f"{case.name}: {COMMITS:,} commits")
    estate, out = write_estate(folder / "estate", datasets=case.datasets, buckets=case.buckets), folder / "register"
    commit_history(estate, now=datetime.now(UTC), days=DAYS, commits=COMMITS)
    words = [program("exports"), "register", "--out", str(out), "--estate", str(estate)]
    runs: list[Usage] = []
    for number in range(rounds):
        tell(f"{case.name}, round {number + 1} of {rounds}")
        runs.append(usage_of(words, dict(os.environ)))
    return figures_of(min(runs, key=lambda usage: usage.wall_s), out)


def figures_of(usage: Usage, out: Path) -> Figures:
    """What the process took, and what it wrote."""
    sizes = {path.relative_to(out).as_posix(): path.stat().st_size for path in out.rglob("*") if path.is_file()}
    page = max((name for name in sizes if name.endswith(".html")), key=lambda name: sizes[name])
    took = {"wall_s": usage.wall_s, "cpu_s": usage.cpu_s, "peak_mb": usage.peak_bytes / MEGABYTE}
    weighs = {"page_kb": sizes[page] / KILOBYTE, "index_kb": sizes["search-index.js"] / KILOBYTE}
    return {**rounded(took), "files": len(sizes), **rounded(weighs, 1), "page": page}


def _arguments() -> argparse.Namespace:
    about = (__doc__ or "").split("\n\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.register", description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--datasets", type=int, metavar="COUNT", help="one estate of so many, and no other")
    parser.add_argument("--buckets", type=int, default=100, help="with --datasets: where they go (default: 100)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each (default: 2)")
    return parser.parse_args()


def main() -> None:
    """Measure every case, show and write the figures."""
    asked = _arguments()
    cases = (Case(asked.datasets, asked.buckets),) if asked.datasets else CASES
    results: dict[Case, Figures] = {}
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="benchmark-register-") as name:
            results[case] = measure(case, Path(name), rounds=asked.rounds)
        write_json(
            asked.json,
            [{"datasets": case.datasets, "buckets": case.buckets, "results": each} for case, each in results.items()],
        )
    show(f"register, {COMMITS:,} commits in {DAYS:,} days", {case.name: each for case, each in results.items()})


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.register: {error}")
