"""What delivering to another cloud asks of S3 and of the recipient's store, counted on the wire, and what it costs.

In: nothing. Out: a table of requests a file and one of prices; with --json `{"requests": {case: {operation: …}}, "usd":
{case: {what: …}}}`. Effects: for each case a SeaweedFS and a fake-gcs-server behind counting proxies, gone afterwards.

The hub is asked the same whichever cloud the recipient is in. At Azure a large file is a block for each part and their
list; at Google a request more begins it. AWS's list prices: `data_exports.prices`. STS asks nothing for its tokens:
https://docs.aws.amazon.com/IAM/latest/UserGuide/introduction.html
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import Work, mover_settings, ours
from benchmarks.files import check_hub_shows_nothing, fill_hub, make_files
from benchmarks.recipients import google_recipient
from benchmarks.requests import OUR_MEMORY_GB, SECONDS_OF_A_REQUEST, Surroundings, requests_usd
from benchmarks.seaweed import seaweed
from benchmarks.tables import rounded, show, tell, write_json
from benchmarks.usage import BenchmarkError
from benchmarks.wire import wire
from data_exports.contract.timing import BATCH_SIZE
from data_exports.mover.places.azure.destination import AZURE_CAPABILITIES
from data_exports.prices import EGRESS_GB_USD, GB_BYTES, LOGS_GB_USD

# Of the write operations, which the recipient pays. Google: Class A in Standard storage of a region,
# https://cloud.google.com/storage/pricing-examples. Azure: Microsoft's own example of the hot tier, which it says is
# no list price, https://learn.microsoft.com/en-us/azure/storage/blobs/blob-storage-estimate-costs#sample-prices
# Both read on 30 November 2026.
GOOGLE_WRITE_USD, AZURE_WRITE_USD = 0.005 / 1_000, 0.055 / 10_000
# What passes through a function of 512 MB, which has 0.29 of a processor: about 4 ms of one a MB (docs/benchmarks.md).
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
MB_PER_SECOND = 50
# Lambda's own lines of an invocation (START, END, REPORT), about so many.
PLATFORM_LOG_BYTES = 400


@dataclass(frozen=True, slots=True)
class Delivery:
    """So many files of a size, in batches; counted with fewer of them."""

    files: int
    size_bytes: int
    files_per_batch: int
    counted: int


CASES = {
    "a million files of 4 KiB": Delivery(1_000_000, 4 * 1024, BATCH_SIZE, counted=1_000),
    "a terabyte in files of 1 MiB": Delivery(2**20, 2**20, BATCH_SIZE, counted=BATCH_SIZE),
    "a terabyte in files of 256 MiB": Delivery(2**12, 2**28, 1, counted=1),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """Of each file: requests to S3 by operation, writes at Google, and bytes of the function's log."""

    requests: Mapping[str, float]
    google_writes: float
    log_bytes: float


def count(delivery: Delivery) -> Counted:
    """Deliver, and count. Raises BenchmarkError if not all is delivered."""
    with tempfile.TemporaryDirectory(prefix="benchmark-outside-price-") as made:
        folder = Path(made)
        files = make_files(folder / "files", count=delivery.counted, size_bytes=delivery.size_bytes)
        with seaweed(folder / "server") as server, google_recipient(folder / "recipient") as there:
            uploads = fill_hub(server, files)
            command = ours(Work(server, uploads, folder, None))
            with wire(server.endpoint_url) as hub:
                where = server.environment() | {"AWS_ENDPOINT_URL": hub.url} | dict(there.variables)
                environment = where | mover_settings(there.destination)
                done = subprocess.run(command.words, env=environment, capture_output=True, check=False)
            if done.returncode or len(there.found()) != len(uploads):
                raise BenchmarkError(
                    f"not all is delivered:\n{done.stdout.decode()[-2000:]}{done.stderr.decode()[-2000:]}"
                )
            check_hub_shows_nothing(server)
            writes = len(there.seen)
    requests = Counter(request.operation for request in hub.seen)
    number = delivery.counted
    per_file = {operation: times / number for operation, times in sorted(requests.items())}
    return Counted(per_file, writes / number, len(done.stdout) / number)


def surroundings_of(delivery: Delivery) -> Surroundings:
    """Queue and function: each file is read and then written, as many at once as the mover has under way.

    As in `requests`, two more answers follow for the whole batch.
    """
    batch = delivery.files_per_batch
    polls = max(1, batch / 10)
    asked = -(-batch // AZURE_CAPABILITIES.calls_at_once) * 2 * SECONDS_OF_A_REQUEST
    passed = batch * delivery.size_bytes / (MB_PER_SECOND * 1e6)
    seconds = max(asked, passed) + 2 * SECONDS_OF_A_REQUEST
    return Surroundings(
        sqs_requests_per_file=1 + 2 * polls / batch,
        invocations_per_file=1 / batch,
        gb_seconds_per_file=OUR_MEMORY_GB * seconds / batch,
        architecture="arm64",
    )


def price(delivery: Delivery, counted: Counted) -> dict[str, float]:
    """US dollars: what AWS bills, and below it what the recipient's cloud bills the recipient.

    What leaves AWS is reckoned without the GB of a month that cost nothing, and without headers.
    """
    number = delivery.files
    log_bytes = counted.log_bytes + PLATFORM_LOG_BYTES / delivery.files_per_batch
    ours_to_pay = {
        "S3": number * requests_usd(counted.requests),
        "SQS, Lambda": number / 1e6 * surroundings_of(delivery).usd_per_million_files(),
        "STS": 0.0,
        "logs": number * log_bytes / GB_BYTES * LOGS_GB_USD,
        "egress": number * delivery.size_bytes / GB_BYTES * EGRESS_GB_USD,
    }
    begun = 1 if delivery.size_bytes > AZURE_CAPABILITIES.largest_copy_bytes else 0
    theirs = {
        "recipient, Azure": number * (counted.google_writes - begun) * AZURE_WRITE_USD,
        "recipient, Google": number * counted.google_writes * GOOGLE_WRITE_USD,
    }
    return rounded({**ours_to_pay, "in all": sum(ours_to_pay.values()), **theirs}, 2)


def main() -> None:
    """Count, price, show and write the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.outside_price", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    asked = parser.parse_args()
    counts = {}
    for name, delivery in CASES.items():
        tell(f"{name}: counting {delivery.counted}")
        counts[name] = count(delivery)
    rows = {
        name: {**rounded(each.requests, 4), "writes": round(each.google_writes, 4), "log bytes": round(each.log_bytes)}
        for name, each in counts.items()
    }
    usd = {name: price(CASES[name], each) for name, each in counts.items()}
    show("of each file: requests to S3, writes at Google", rows)
    show("US dollars", usd)
    write_json(asked.json, {"requests": rows, "usd": usd})


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.outside_price: {error}")
