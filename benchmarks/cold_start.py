"""A fresh process until it can work: importing the function's code and making its first S3 client.

In: how many fresh processes. Out: the median of each mover; with --json
`{"runs", "results": {contender: {"wall_ms", "cpu_ms"}}}`. Effects: unpacks the mover's own zip and the old handler to a
temporary folder.

Both are imported as Lambda would: ours from its zip's content with nothing else in reach, the old one's handler with
the boto3 that Lambda's runtime brings. The function's own folder is read-only there, so neither finds nor leaves byte
code of its own files; boto3's is there.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from benchmarks.contenders import mover_settings
from benchmarks.files import TARGET
from benchmarks.old_handler import fetch_old_handler
from benchmarks.recipients import AZURE, GOOGLE
from benchmarks.seaweed import REGION
from benchmarks.tables import show, tell, write_json
from benchmarks.usage import BenchmarkError
from data_exports.contract.settings import DestinationSettings
from data_exports.stacks.code import mover_code

DESTINATIONS = {"ours": None, "ours, to Azure": AZURE, "ours, to Google": GOOGLE}
"""Which mover is told of which destination; none: a bucket of S3."""
_OURS = """
from data_exports.mover import handler
settings, store = handler._process()
from data_exports.mover.wire import connections
connections.default_tls_context()
"""
_OLD = """
import move
assert move.client
"""
_TIMED = """
import json, os, time
wall, cpu = time.perf_counter(), time.process_time()
{code}
took = {{"wall_ms": 1000 * (time.perf_counter() - wall), "cpu_ms": 1000 * (time.process_time() - cpu)}}
print(json.dumps(took), flush=True)
os._exit(0)
"""
_AWS = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "x"}


def start(code: str, environment: Mapping[str, str]) -> dict[str, float]:
    """Run the code in a fresh process with the standard library and PYTHONPATH in reach; return what it took."""
    words = [sys.executable, "-S", "-s", "-B", "-c", _TIMED.format(code=code)]
    done = subprocess.run(words, env={**_AWS, **environment}, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def unpack_mover(folder: Path) -> None:
    """Unpack the mover's zip, as Lambda does."""
    zipped = mover_code().body
    zipfile.ZipFile(BytesIO(zipped)).extractall(folder)


def start_ours(folder: Path, destination: DestinationSettings | None = None) -> dict[str, float]:
    """Start the mover that is unpacked in the folder, told of this destination or of a bucket."""
    return start(_OURS, {"PYTHONPATH": str(folder), **mover_settings(destination)})


def start_old(folder: Path) -> dict[str, float]:
    """Start the old handler that lies in the folder, with this environment's boto3 for that of Lambda's runtime."""
    path = os.pathsep.join([str(folder), sysconfig.get_path("purelib")])
    return start(_OLD, {"PYTHONPATH": path, "DESTINATION_BUCKET": TARGET})


def measure(runs: int) -> dict[str, dict[str, float]]:
    """Start each mover so many times, in turn; return the medians."""
    took: dict[str, list[dict[str, float]]] = {name: [] for name in (*DESTINATIONS, "old")}
    with tempfile.TemporaryDirectory(prefix="benchmark-cold-start-") as made:
        folder = Path(made)
        unpack_mover(folder / "ours")
        old_handler = fetch_old_handler(folder).parent
        for number in range(runs + 1):
            tell(f"start {number + 1} of {runs + 1}")
            for name, destination in DESTINATIONS.items():
                took[name].append(start_ours(folder / "ours", destination))
            took["old"].append(start_old(old_handler))
    return {
        name: {unit: round(statistics.median(each[unit] for each in starts[1:]), 1) for unit in ("wall_ms", "cpu_ms")}
        for name, starts in took.items()  # the first start reads the files from the disk
    }


def main() -> None:
    """Measure, show and write the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cold_start", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--runs", type=int, default=21, help="how many fresh processes of each (default: 21)")
    asked = parser.parse_args()
    results = measure(asked.runs)
    show(f"cold start, median of {asked.runs}", results)
    share = results["ours"]["wall_ms"] / results["old"]["wall_ms"]
    print(f"wall time: {share:.2f} of the old handler's (to reach: at most 0.33)")
    write_json(asked.json, {"runs": asked.runs, "results": results})


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.cold_start: {error}")
