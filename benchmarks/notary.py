"""What an hour of the notary asks of AWS, and leaves under lock, counted; what a month costs; and what verifying takes.

In: receipts an hour, in how many files, for how many hours; a backlog. Out: a table; with --json `{"receipts", "files",
"hours", "results": {what: {"requests", …, "sent_kb", "received_kb", "usd_a_month"}}, "kept": {what: {…}}, "backlog":
{…}, "verified": {…}}`. Effects: an estate on a local AWS, gone afterwards.

The notary's own code runs in this process with the deployed settings, over HTTP, as the account's root; its requests
are counted as it makes them. Then it logs a backlog, whose CPU time is this process's, and `exports verify` looks at
all of it in a process of its own. Prices are AWS's list prices in
us-east-1 (November 2026): https://aws.amazon.com/kms/pricing/ https://aws.amazon.com/cloudwatch/pricing/, and those of
`benchmarks.requests`; each request is taken for 0.1 s of the function.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.deployed import deployed
from benchmarks.estates import write_estate
from benchmarks.requests import SECONDS_OF_A_REQUEST, USD_OF
from benchmarks.tables import rounded, show, tell, write_json
from benchmarks.usage import MEGABYTE, BenchmarkError, usage_of
from data_exports.aws import Aws
from data_exports.contract.receipts import Outcome, Receipt, iso_time, receipts_file
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate
from data_exports.evidence.entries import HEAD
from data_exports.local.clients import aws_of, environment_of
from data_exports.local.emulator import LocalAws
from data_exports.names import NOTARY
from data_exports.notary.notary import Notarised, notarise
from data_exports.notary.places import AwsNotaryPlaces
from data_exports.prices import LAMBDA_GB_SECOND_USD
from data_exports.stacks.evidence import NOTARY_MEMORY_MIB

DATASETS = 20
HOURS_OF_A_MONTH = 720
KMS_REQUEST_USD = 15.0 / 1_000_000
"""Of asymmetric keys other than RSA 2048; the first 20,000 requests a month are free, and not taken off here."""
FREE = ("DescribeStacks", "GetTemplate")
FIXED_USD_A_MONTH = {"the key": 1.0, "the metric": 0.30, "the alarm": 0.10}
BACKLOG_RECEIPTS = 1_000
"""In a file of the backlog: as many as a batch of the mover has at most."""


@dataclass
class Counted:
    """A notary that counts what it asks for."""

    aws: Aws
    environment: Mapping[str, str]
    requests: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0

    def __post_init__(self) -> None:
        for service in ("s3", "cloudformation", "kms"):
            events = self.aws.client(service).meta.events
            events.register("before-send", self._count)
            events.register("after-call", self._add)

    def _count(self, event_name: str, request: Any, **_: object) -> None:
        self.requests[event_name.rpartition(".")[2]] += 1
        body = request.body
        self.sent += len(body) if isinstance(body, bytes) else int(request.headers.get("Content-Length", 0))

    def _add(self, http_response: Any, **_: object) -> None:
        self.received += int(http_response.headers.get("content-length", 0))

    def run(self, now: datetime) -> Notarised:
        """One run, counted anew."""
        self.requests.clear()
        self.sent = self.received = 0
        places = AwsNotaryPlaces(self.environment, self.aws.client)
        return notarise(places, places.verifier_key(), now)

    @property
    def figures(self) -> dict[str, float | int]:
        """Of the last run: requests by what they cost, bytes, and the price of a month of such hours."""
        by_price = Counter[str]()
        for name, number in self.requests.items():
            by_price[_kind_of(name)] += number
        volume = {"sent_kb": round(self.sent / 1_000, 1), "received_kb": round(self.received / 1_000, 1)}
        return {**by_price, **volume, "usd_a_month": round(HOURS_OF_A_MONTH * price_of(self.requests), 2)}


def _kind_of(name: str) -> str:
    if name in FREE:
        return "cloudformation"
    return "kms" if name not in USD_OF else {"PutObject": "put", "ListObjectsV2": "list"}.get(name, "get")


def price_of(requests: Counter[str]) -> float:
    """US dollars for a run that makes these requests, one after another."""
    asked = sum(
        number * (0 if name in FREE else USD_OF.get(name, KMS_REQUEST_USD)) for name, number in requests.items()
    )
    seconds = SECONDS_OF_A_REQUEST * requests.total()
    return asked + seconds * NOTARY_MEMORY_MIB / 1024 * LAMBDA_GB_SECOND_USD["arm64"]


def files_of_receipts(estate: Estate, now: datetime, receipts: int, files: int) -> Iterator[tuple[str, bytes]]:
    """So many receipts in so many files, of one dataset after another, as movers write them."""
    for number in range(files):
        push = estate.push_datasets[number % len(estate.push_datasets)]
        noted = [
            Receipt(
                *(
                    f"{push.prefix}{now:%Y-%m-%d}/{number}-{each}.csv",
                    f"v{each}",
                    f"e{each}",
                    1_000,
                    "AWS:AROA:someone",
                ),
                *(iso_time(now), Outcome.DELIVERED),
                delivered_at=iso_time(now),
            )
            for each in range(receipts // files)
        ]
        facts = {"dataset": push.name, "destination": push.destination.uri, "mover_version": "bench"}
        yield receipts_file(noted, **facts, now=now, identifier=f"{number:04}")


def kept_an_hour(aws: Aws, bucket: str, hours: int) -> dict[str, dict[str, float]]:
    """What lies in the evidence bucket, every version of it, by kind: objects and kB for each of these hours."""
    found: dict[str, dict[str, float]] = {}
    for page in aws.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket):
        for each in page.get("Versions", []):
            kind = "heads" if each["Key"] == HEAD else each["Key"].partition("/")[0]
            kind = "tiles that are not full" if ".p/" in each["Key"] else kind
            of_kind = found.setdefault(kind, {"objects": 0.0, "kb": 0.0})
            of_kind["objects"] += 1 / hours
            of_kind["kb"] += each["Size"] / 1_000 / hours
    return {kind: rounded(found[kind], 2) for kind in sorted(found)}


def verified(root: Path, local: LocalAws, receipts: int) -> dict[str, float]:
    """What `exports verify` takes, start to end, over all that is logged; it has to find nothing wrong."""
    words, environment = [sys.executable, "-m", "data_exports"], {**os.environ, **environment_of(local)}
    usage_of([*words, "evidence", "key", "--estate", str(root)], environment)
    used = usage_of([*words, "verify", "--estate", str(root)], environment)
    figures = {"wall_s": used.wall_s, "cpu_s": used.cpu_s, "cpu_us_a_receipt": used.cpu_s / receipts * 1e6}
    return rounded({**figures, "peak_mb": used.peak_bytes / MEGABYTE}, 1)


def measure(receipts: int, files: int, hours: int, backlog_files: int, folder: Path) -> dict[str, Any]:
    """Let some hours pass, then one with news, one without, and a backlog; verify it all."""
    root = write_estate(folder / "estate", datasets=DATASETS)
    settings = root / "exports.yaml"
    settings.write_text(settings.read_text() + "  evidence: {lock_days: 1}\n")
    estate = load_estate(root).require()
    with deployed(estate, folder / "aws") as (local, _):
        aws, log_bucket = aws_of(local), str(estate.platform.log_bucket)
        function = aws.client("lambda").get_function_configuration(FunctionName=str(NOTARY))
        notary = Counted(aws, function["Environment"]["Variables"])
        now = datetime.now(UTC).replace(hour=0, minute=5) - timedelta(days=1)
        notary.run(now)

        def write(moment: datetime, number: int, in_files: int) -> None:
            for key, body in files_of_receipts(estate, moment, number, in_files):
                aws.client("s3").put_object(Bucket=log_bucket, Key=key, Body=body)

        for hour in range(hours):
            tell(f"hour {hour + 1} of {hours}")
            now += timedelta(hours=1)
            write(now, receipts, files)
            done = notary.run(now)
        found = {"an hour with news": notary.figures}
        if done.added != 1 + files + receipts // files * files:
            raise BenchmarkError(f"{done.added} leaves were logged in the last hour")
        kept = kept_an_hour(aws, str(estate.platform.evidence_bucket), hours)
        notary.run(now)
        found["an hour with nothing new"] = notary.figures
        tell("a backlog")
        now += timedelta(hours=1)
        write(now, backlog_files * BACKLOG_RECEIPTS, backlog_files)
        began = time.process_time()
        done = notary.run(now)
        cpu_s = time.process_time() - began
        tell("verifying")
        took = verified(root, local, backlog_files * BACKLOG_RECEIPTS + hours * receipts)
    backlog = {"leaves": done.added, "cpu_s": cpu_s, "leaves_a_cpu_second": done.added / cpu_s}
    backlog = rounded({**backlog, "sent_bytes_a_leaf": notary.sent / done.added}, 1)
    return {"results": found, "kept": kept, "backlog": backlog, "verified": took}


def main() -> None:
    """Measure, show and write the figures."""
    about = (__doc__ or "").split("\n\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.notary", description=about)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--receipts", type=int, default=1_400, help="an hour (default: 1400, a million a month)")
    parser.add_argument("--files", type=int, default=20, help="in so many files (default: 20)")
    parser.add_argument("--hours", type=int, default=12, help="hours with news before it counts (default: 12)")
    parser.add_argument("--backlog", type=int, default=100, help="files of 1,000 receipts (default: 100)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-notary-") as name:
        found = measure(asked.receipts, asked.files, asked.hours, asked.backlog, Path(name))
    show(
        f"the notary, {asked.receipts:,} receipts an hour in {asked.files:,} files, hour {asked.hours}",
        found["results"],
    )
    show("what an hour leaves in the evidence bucket", found["kept"])
    show("a backlog, and verifying all of it", {"the notary": found["backlog"]})
    show("", {"exports verify": found["verified"]})
    fixed = ", ".join(f"{what} ${usd:.2f}" for what, usd in FIXED_USD_A_MONTH.items())
    print(f"besides, a month: {fixed}")
    write_json(asked.json, {"receipts": asked.receipts, "files": asked.files, "hours": asked.hours, **found})


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.notary: {error}")
