"""What delivering a file asks of S3: requests counted on the wire, by kind, and what they cost.

In: how many files. Out: a table of requests a file and one of prices; with --json
`{"files", "results": {contender: {"requests_per_file": {operation: …}, "billed_per_file", "usd_per_million_files"}}}`.
Effects: for each contender a SeaweedFS of its own behind a counting proxy, gone afterwards.

Prices are AWS's list prices (`data_exports.prices`).
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.contenders import CONTENDERS, Work
from benchmarks.files import check_moved, fill_hub, make_files
from benchmarks.old_handler import fetch_old_handler
from benchmarks.seaweed import seaweed
from benchmarks.tables import rounded, show, tell, write_json
from benchmarks.usage import BenchmarkError, usage_of
from benchmarks.wire import wire
from data_exports.contract.timing import BATCH_SIZE
from data_exports.prices import LAMBDA_GB_SECOND_USD, LAMBDA_REQUEST_USD, S3_READ_USD, S3_WRITE_USD, SQS_REQUEST_USD

USD_OF = {
    "CopyObject": S3_WRITE_USD,
    "PutObject": S3_WRITE_USD,
    "ListObjectVersions": S3_WRITE_USD,
    "ListObjectsV2": S3_WRITE_USD,
    "GetObject": S3_READ_USD,
    "HeadObject": S3_READ_USD,
    "GetObjectTagging": S3_READ_USD,
    "GetBucketVersioning": S3_READ_USD,
    "DeleteObject": 0.0,
    "DeleteObjects": 0.0,
}
"""Operation of S3 → US dollars."""
# S3 answers small requests within 100 to 200 ms: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
SECONDS_OF_A_REQUEST = 0.1
# As deployed by each: memory in GB, architecture. The old program left the memory to Lambda's default of 128 MB.
OUR_MEMORY_GB, OLD_MEMORY_GB = 0.5, 0.125
OUR_CALLS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a million files cost besides S3's requests, and why."""

    sqs_requests_per_file: float
    invocations_per_file: float
    gb_seconds_per_file: float
    architecture: str

    def usd_per_million_files(self) -> float:
        """The price of queue and function."""
        return (
            SQS_REQUEST_USD * self.sqs_requests_per_file
            + LAMBDA_REQUEST_USD * self.invocations_per_file
            + LAMBDA_GB_SECOND_USD[self.architecture] * self.gb_seconds_per_file
        ) * 1e6


def surroundings_of_ours(files_per_batch: int) -> Surroundings:
    """One event sent to the queue; Lambda's poller receives and deletes them by tens, at best; one invocation a batch.

    The copies of a batch run 64 at once; the receipts and the retire follow.
    """
    polls = max(1, files_per_batch / 10)
    seconds = SECONDS_OF_A_REQUEST * (-(-files_per_batch // OUR_CALLS_AT_ONCE) + 2)
    return Surroundings(
        sqs_requests_per_file=1 + 2 * polls / files_per_batch,
        invocations_per_file=1 / files_per_batch,
        gb_seconds_per_file=OUR_MEMORY_GB * seconds / files_per_batch,
        architecture="arm64",
    )


SURROUNDINGS_OF_OLD = Surroundings(
    sqs_requests_per_file=0,
    invocations_per_file=1,
    gb_seconds_per_file=OLD_MEMORY_GB * 2 * SECONDS_OF_A_REQUEST,
    architecture="x86_64",
)


def count(name: str, files: int) -> Counter[str]:
    """Let a contender move so many files and count its requests by operation."""
    with tempfile.TemporaryDirectory(prefix="benchmark-requests-") as made:
        folder = Path(made)
        local = make_files(folder / "files", count=files, size_bytes=1_000)
        old_handler = fetch_old_handler(folder)
        with seaweed(folder / "server") as server:
            uploads = fill_hub(server, local)
            command = CONTENDERS[name](Work(server, uploads, folder, old_handler))
            with wire(server.endpoint_url) as counted:
                environment = server.environment() | {"AWS_ENDPOINT_URL": counted.url}
                usage_of(command.words, {**environment, **command.variables}, copies=command.copies)
            check_moved(server, uploads)
    return Counter(request.operation for request in counted.seen)


def requests_usd(requests: Mapping[str, float]) -> float:
    """US dollars for so many requests to S3."""
    return sum(USD_OF[operation] * number for operation, number in requests.items())


def price(requests: Mapping[str, float], around: Surroundings) -> float:
    """US dollars for a million files that need so many requests each."""
    return 1e6 * requests_usd(requests) + around.usd_per_million_files()


def our_price_in_batches_of(files_per_batch: int) -> float:
    """What a million files cost that come so many at a time: a copy each, one file of receipts a batch."""
    return price({"CopyObject": 1, "PutObject": 1 / files_per_batch}, surroundings_of_ours(files_per_batch))


@dataclass(frozen=True, slots=True)
class Figures:
    """What one mover asks of S3 for a file, and the price of a million."""

    requests_per_file: dict[str, float]
    billed_per_file: float
    usd_per_million_files: float


def measure(files: int) -> dict[str, Figures]:
    """Count and price the requests of both movers."""
    results = {}
    for name, around in (("ours", surroundings_of_ours(min(files, BATCH_SIZE))), ("old", SURROUNDINGS_OF_OLD)):
        tell(f"{files:,} files: {name}")
        per_file = {operation: number / files for operation, number in sorted(count(name, files).items())}
        results[name] = Figures(
            requests_per_file=rounded(per_file, 4),
            billed_per_file=round(sum(n for operation, n in per_file.items() if USD_OF[operation]), 4),
            usd_per_million_files=round(price(per_file, around), 2),
        )
    return results


def main() -> None:
    """Measure, show and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.requests", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--files", type=int, default=2_000, help="how many files (default: 2000)")
    asked = parser.parse_args()
    results = measure(asked.files)
    rows = {
        name: {**figures.requests_per_file, "$ a million": figures.usd_per_million_files}
        for name, figures in results.items()
    }
    show(f"requests a file, {asked.files:,} files in batches of {BATCH_SIZE:,}", rows)
    small = {f"batches of {size}": {"$ a million": our_price_in_batches_of(size)} for size in (1_000, 100, 10, 1)}
    show("ours, computed for smaller batches", small)
    write_json(asked.json, {"files": asked.files, "results": {name: asdict(each) for name, each in results.items()}})


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.requests: {error}")
