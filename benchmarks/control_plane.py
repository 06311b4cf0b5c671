"""Declaring and planning at size: `check`, `plan --base`, building stacks; and how often `plan --live` asks AWS.

In: how many datasets. Out: a table for each number; with --json a list of `{"datasets", "results": {what: {"wall_s",
"cpu_s", "peak_mb", "ms_per_file"}}}`, and of counted calls. Effects: estates in a temporary folder; with --live a local
AWS with as many deployed datasets, gone afterwards.

Beside `check` run `yamllint` and `check-jsonschema` over the same files, which look at each file by itself only. Wall
time, CPU time and peak memory are those of the whole process, start to end; each command's quickest round counts.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.deployed import deployed
from benchmarks.estates import change_one, commit_all, write_estate
from benchmarks.programs import program, versions
from benchmarks.tables import Row, rounded, show, tell, write_json
from benchmarks.usage import MEGABYTE, BenchmarkError, Usage, usage_of
from data_exports.deploy.prepare import prepare
from data_exports.estate.loader import load_estate
from data_exports.local.clients import aws_of

SIZES = (20, 1_000, 10_000)
CHECK_SECONDS = 5.0
"""To reach for `check` of 10,000 files on two cores."""


@dataclass(frozen=True, slots=True)
class Work:
    """Commands over one estate, by name; the first is measured against those named after it."""

    datasets: int
    commands: Mapping[str, list[str]]


def _work(folder: Path, datasets: int) -> Work:
    estate = write_estate(folder / "estate", datasets=datasets)
    schema = folder / "pull.schema.json"
    write_schema(schema)
    pulls = [str(path) for path in sorted((estate / "pull_datasets").iterdir())]
    commit_all(estate)
    change_one(estate)
    exports = [program("exports")]
    return Work(
        datasets,
        {
            "exports check": [*exports, "check", "--estate", str(estate)],
            "yamllint": [program("yamllint"), "-d", "relaxed", str(estate)],
            "check-jsonschema": [program("check-jsonschema"), "--schemafile", str(schema), *pulls],
            "exports plan --base": [*exports, "plan", "--base", "main", "--estate", str(estate)],
            "all stacks built": [sys.executable, "-m", "benchmarks.build_stacks", str(estate)],
        },
    )


def write_schema(path: Path) -> None:
    """The schema of pull datasets, for the peer that checks against one."""
    import json

    from data_exports.estate.file_kinds import PULL
    from data_exports.estate.schemas import schema_of

    path.write_text(json.dumps(schema_of(PULL)), encoding="utf-8")


def measure(datasets: int, folder: Path, *, rounds: int) -> dict[str, dict[str, float]]:
    """Run each command over an estate of this size, in turn, round after round."""
    work = _work(folder, datasets)
    runs: dict[str, list[Usage]] = {name: [] for name in work.commands}
    for number in range(rounds):
        for name, words in work.commands.items():
            tell(f"{datasets:,} datasets, round {number + 1} of {rounds}: {name}")
            runs[name].append(usage_of(words, dict(os.environ)))
    return {name: _figures(min(usages, key=lambda usage: usage.wall_s), datasets) for name, usages in runs.items()}


def _figures(usage: Usage, datasets: int) -> dict[str, float]:
    figures = {
        "wall_s": usage.wall_s,
        "cpu_s": usage.cpu_s,
        "peak_mb": usage.peak_bytes / MEGABYTE,
        "ms_per_file": 1000 * usage.wall_s / datasets,
    }
    return rounded(figures)


def targets(results: Mapping[int, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """Say of each target whether it was reached."""
    if not results.keys() >= {1_000, 10_000}:
        return []
    check = {size: each["exports check"] for size, each in results.items()}
    times = check[10_000]["cpu_s"] / check[1_000]["cpu_s"]
    said = [
        f"check of 10,000 files: {check[10_000]['wall_s']:.2f} s (to reach: at most {CHECK_SECONDS:.0f} s)",
        f"CPU of 10,000 files: {times:.1f} times that of 1,000 (linear: at most 10)",
    ]
    for peer in ("yamllint", "check-jsonschema"):
        times = results[10_000][peer]["wall_s"] / check[10_000]["wall_s"]
        said.append(f"{peer} takes {times:.1f} times as long (to reach: more than 1)")
    return said


# --- how often AWS is asked ----------------------------------------------------------------------------------------


def count_live(datasets: int, folder: Path) -> dict[str, Any]:
    """Deploy so many datasets to a local AWS, change one, and count what `plan --live` asks AWS for."""
    root = write_estate(folder / "estate", datasets=datasets)
    with deployed(load_estate(root).require(), folder / "aws") as (local, deployed_s):
        change_one(root)
        aws, calls = aws_of(local), Counter[str]()
        for service in ("cloudformation", "iam", "s3", "sts"):
            aws.client(service).meta.events.register("before-call", _counter(calls))
        begun = time.perf_counter()
        plan = prepare(load_estate(root).require(), aws).plan
        planned_s = time.perf_counter() - begun
        changes = [f"{step.action} {step.name}" for step in plan.changes]
    return {
        "datasets": datasets,
        "deploy_s": round(deployed_s, 1),
        "plan_s": round(planned_s, 2),
        "changes": changes,
        "calls": dict(sorted(calls.items())),
    }


def _counter(calls: Counter[str]) -> Any:
    def count(model: Any, **_: object) -> None:
        calls[model.name] += 1

    return count


# --- the benchmark -------------------------------------------------------------------------------------------------


def _arguments() -> argparse.Namespace:
    about = (__doc__ or "").split("\n\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.control_plane", description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--datasets", type=int, nargs="+", default=list(SIZES), help="sizes (default: 20 1000 10000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each command (default: 3)")
    parser.add_argument("--live", type=int, metavar="DATASETS", help="count the calls of `plan --live`, and only that")
    return parser.parse_args()


def main() -> None:
    """Measure every size, show and write the figures."""
    asked = _arguments()
    if asked.live:
        with tempfile.TemporaryDirectory(prefix="benchmark-live-") as name:
            counted = count_live(asked.live, Path(name))
        calls: dict[str, Row] = {call: {"calls": number} for call, number in counted["calls"].items()}
        show(f"plan --live with one change in {asked.live:,} deployed datasets ({counted['plan_s']} s)", calls)
        print(f"to change: {', '.join(counted['changes'])}; the deployment took {counted['deploy_s']} s")
        write_json(asked.json, counted)
        return
    print(", ".join(f"{package} {version}" for package, version in versions("yamllint", "check-jsonschema").items()))
    results: dict[int, dict[str, dict[str, float]]] = {}
    for datasets in asked.datasets:
        with tempfile.TemporaryDirectory(prefix="benchmark-control-plane-") as name:
            results[datasets] = measure(datasets, Path(name), rounds=asked.rounds)
        show(f"{datasets:,} datasets", results[datasets])
        write_json(asked.json, [{"datasets": size, "results": each} for size, each in results.items()])
    print("\n".join(targets(results)))


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.control_plane: {error}")
