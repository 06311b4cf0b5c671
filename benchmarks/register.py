"""The register at size: how long `exports register` takes, what memory, and what its heaviest files weigh.

In: cases, each so many datasets whose push datasets go to so many buckets. Out: a table; with --json a list of
`{"datasets", "buckets", "results": {"wall_s", "cpu_s", "peak_mb", "files", "page_kb", "page", "index_kb"}}`. Effects:
estates with three years of git history, and their registers, in a temporary folder.

Time and memory are those of the whole process, start to end; the quickest round counts. With --live, `exports register
--live` over one estate on a local AWS, deployed and with receipts of 90 days: first with no sums kept, then with them.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from benchmarks.deployed import deployed
from benchmarks.estates import commit_history, write_estate
from benchmarks.programs import program
from benchmarks.tables import rounded, show, tell, write_json
from benchmarks.usage import MEGABYTE, BenchmarkError, Usage, usage_of
from data_exports.contract.receipts import Outcome, Receipt, iso_time, receipts_file
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate, PushDataset
from data_exports.local.clients import aws_of, environment_of
from data_exports.operate.daily_sums import SUMMED_DAYS
from data_exports.parallel import map_ordered

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


# --- with what AWS has ---------------------------------------------------------------------------------------------


def measure_live(datasets: int, receipts: int, folder: Path) -> Mapping[str, Figures]:
    """Deploy such an estate with about so many receipts to a local AWS; build the register without sums and with."""
    root, out = write_estate(folder / "estate", datasets=datasets), folder / "register"
    commit_history(root, now=datetime.now(UTC), days=DAYS, commits=COMMITS)
    estate = load_estate(root).require()
    found = {}
    with deployed(estate, folder / "aws") as (local, _):
        written = write_receipts(estate, aws_of(local).client("s3"), receipts, today=datetime.now(UTC).date())
        environment = {**os.environ, **environment_of(local), "XDG_CACHE_HOME": str(folder / "cache")}
        words = [program("exports"), "register", "--live", "--out", str(out), "--estate", str(root)]
        for name in ("no sums kept", "sums kept"):
            tell(f"{written:,} receipts, {name}")
            found[name] = figures_of(usage_of(words, environment), out)
    return found


def write_receipts(estate: Estate, s3: Any, receipts: int, *, today: date) -> int:
    """Write a file of receipts for each push dataset and each of 90 days, about so many receipts in all; how many."""
    days = [today - timedelta(days=number) for number in range(SUMMED_DAYS)]
    each = max(1, receipts // (len(days) * len(estate.push_datasets)))
    pairs = [(push, day) for push in estate.push_datasets for day in days]

    def write(pair: tuple[PushDataset, date]) -> int:
        push, day = pair
        moment = datetime.combine(day, time(0, 5), UTC)
        delivered = iso_time(moment)
        noted = [
            Receipt(
                *(f"{push.prefix}{day}/{number}.csv", f"v{number}", f"e{number}", 1_000 + number, "AWS:AROA:someone"),
                *(iso_time(moment - timedelta(seconds=1 + number % 90)), Outcome.DELIVERED),
                delivered_at=delivered,
            )
            for number in range(each)
        ]
        facts = {"dataset": push.name, "destination": push.destination.uri, "mover_version": "bench"}
        key, body = receipts_file(noted, **facts, now=moment, identifier="bench")
        s3.put_object(Bucket=str(estate.platform.log_bucket), Key=key, Body=body)
        return each

    return sum(map_ordered(write, pairs))


# --- the benchmark -------------------------------------------------------------------------------------------------


def _arguments() -> argparse.Namespace:
    about = (__doc__ or "").split("\n\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.register", description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--datasets", type=int, metavar="COUNT", help="one estate of so many, and no other")
    parser.add_argument("--buckets", type=int, default=100, help="with --datasets: where they go (default: 100)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each (default: 2)")
    parser.add_argument(
        "--live", type=int, metavar="RECEIPTS", help="with so many receipts on a local AWS, and only that"
    )
    return parser.parse_args()


def main() -> None:
    """Measure every case, show and write the figures."""
    asked = _arguments()
    if asked.live:
        with tempfile.TemporaryDirectory(prefix="benchmark-register-") as name:
            found = measure_live(asked.datasets or 1_000, asked.live, Path(name))
        show(f"register --live, about {asked.live:,} receipts", found)
        write_json(asked.json, {"datasets": asked.datasets or 1_000, "receipts": asked.live, "results": found})
        return
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
