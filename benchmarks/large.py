"""One large object moved from bucket to bucket: this mover's parts, rclone and `aws s3 mv`.

In: the object's size. Out: a table; with --json `{"files", "size_bytes", "results": {contender: {…}}}` as
`benchmarks.mover`. Effects: as there. The copies are made by the server: no client reads the bytes.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.mover import Case, measure
from benchmarks.tables import show, write_json
from benchmarks.usage import BenchmarkError

CONTENDERS = ("ours", "rclone", "aws")
SIZE_BYTES = 2_000_000_000
ROUNDS = 2


def main() -> None:
    """Measure, show and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--size-bytes", type=int, default=SIZE_BYTES, help=f"how large (default: {SIZE_BYTES})")
    asked = parser.parse_args()
    case = Case(1, asked.size_bytes, rounds=ROUNDS)
    with tempfile.TemporaryDirectory(prefix="benchmark-large-") as folder:
        results = measure(case, CONTENDERS, Path(folder))
    show(f"one file of {asked.size_bytes:,} bytes", results)
    quickest = min((name for name in results if name != "ours"), key=lambda name: results[name]["wall_s"])
    times = results[quickest]["wall_s"] / results["ours"]["wall_s"]
    print(f"speed: {times:.2f} times that of the quickest other, {quickest} (to reach: at least 1.00)")
    write_json(asked.json, {"files": 1, "size_bytes": asked.size_bytes, "results": results})


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.large: {error}")
