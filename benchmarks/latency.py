"""From a sender's PUT until the file is at the recipient, on the local AWS with everything deployed.

In: how many uploads. Out: the median and the 95th percentile of the seconds it took; with --json
`{"uploads", "results": {"idle": {"p50_s", "p95_s"}, "loaded": {…, "uploads_per_s"}}}`. Effects: a local AWS for the
time of the run.

From just before the PUT until the copy's answer, as its receipt tells it; both clocks are this machine's. Idle: each
upload waits until the one before has arrived. Loaded: 50 uploads a second, of which the last ones count.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from benchmarks.deployed import deployed
from benchmarks.tables import show, tell, write_json
from benchmarks.usage import BenchmarkError
from data_exports.estate.loader import load_estate
from data_exports.estate.models import PushDataset
from data_exports.local.demo.stage import Stage, wait_for
from data_exports.local.folders import example_estate_folder

DATASET = "court_hearings"
UPLOADS_PER_SECOND = 50
WARM_UP_SECONDS = 4
_BODY = b"x" * 1000


def measure(uploads: int) -> dict[str, dict[str, float]]:
    """Deploy the example and measure both ways."""
    estate = load_estate(example_estate_folder()).require()
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-latency-") as folder,
        deployed(estate, Path(folder)) as (local, _),
    ):
        stage = Stage(local, estate)
        push = stage.push(DATASET)
        _upload(stage, push, "first")  # the function starts with it
        wait_for(lambda: not stage.keys_in_hub(push))
        tell(f"idle: {uploads} uploads, one after another")
        idle = _idle(stage, push, uploads)
        tell(f"loaded: {UPLOADS_PER_SECOND} uploads a second")
        loaded, seconds = _loaded(stage, push, uploads)
        wait_for(lambda: not stage.keys_in_hub(push), timeout_seconds=120)
        return {
            "idle": _figures(stage, push, idle),
            "loaded": {**_figures(stage, push, dict(list(loaded.items())[-uploads:])), "uploads_per_s": seconds},
        }


def _upload(stage: Stage, push: PushDataset, name: str) -> tuple[str, float]:
    """Upload one file; return its version and the time just before."""
    started = time.time()
    answer = stage.as_user(push.users[0]).put_object(
        Bucket=stage.estate.platform.hub_bucket, Key=f"{push.prefix}{name}", Body=_BODY
    )
    return answer["VersionId"], started


def _idle(stage: Stage, push: PushDataset, uploads: int) -> dict[str, float]:
    started: dict[str, float] = {}
    for number in range(uploads):
        version, at = _upload(stage, push, f"idle-{number:04d}")
        started[version] = at
        wait_for(lambda: not stage.keys_in_hub(push))
    return started


def _loaded(stage: Stage, push: PushDataset, uploads: int) -> tuple[dict[str, float], float]:
    """Upload at a steady rate, whatever the answers take; return the rate that came of it, too."""
    count = uploads + WARM_UP_SECONDS * UPLOADS_PER_SECOND
    begun = time.monotonic()

    def upload(number: int) -> tuple[str, float]:
        time.sleep(max(0.0, begun + number / UPLOADS_PER_SECOND - time.monotonic()))
        return _upload(stage, push, f"loaded-{number:04d}")

    stage.as_user(push.users[0])
    with ThreadPoolExecutor(16) as senders:
        started = dict(senders.map(upload, range(count)))
    return started, round(count / (time.monotonic() - begun), 1)


def _figures(stage: Stage, push: PushDataset, started: Mapping[str, float]) -> dict[str, float]:
    """How long the uploads of these versions took."""
    arrived = {
        receipt.version_id: datetime.fromisoformat(receipt.delivered_at).timestamp()
        for receipt in stage.receipts(push)
        if receipt.delivered_at
    }
    took = sorted(arrived[version] - at for version, at in started.items())
    centiles = statistics.quantiles(took, n=100)
    return {"p50_s": round(centiles[49], 3), "p95_s": round(centiles[94], 3)}


def main() -> None:
    """Measure, show and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--uploads", type=int, default=100, help="how many count, each way (default: 100)")
    asked = parser.parse_args()
    results = measure(asked.uploads)
    show(f"seconds from PUT to arrival, {asked.uploads} uploads each", results)
    write_json(asked.json, {"uploads": asked.uploads, "results": results})


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.latency: {error}")
