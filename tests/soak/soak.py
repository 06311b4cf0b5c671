"""Uploads under every fault at once, on a local AWS with everything deployed: ``make soak``.

In: a seed, how many uploads, which share of the mover's requests goes wrong. Out: a `Soaked`: what was done and which
violations there were at the end. Effects: a local AWS for the time of the run.

While several senders upload and overwrite, the functions' processes are killed, events are repeated and held up, the
hub's versioning is suspended and turned on again, nobody gets a token for another cloud, and the mover's requests to
S3, Azure and Google meet faults. Then all that ends, what was given up is redriven as an operator would, and once the
queues are empty the promise is checked.

The seed decides who uploads what in which order, which events are repeated and held up, which process is killed after
how long, and which request meets which fault. How these fall together in time, the machine decides.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_SECONDS
from tests.soak.faults import Fault
from tests.soak.ground import PART_BYTES, Ground, deployed_ground
from tests.soak.schedule import DATASETS, SENDERS, Put, schedule_of
from tests.soak.trouble import Troubles, Uploaded, troubles
from tests.soak.verdict import still_in_sight, violations

DRAIN_TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Soaked:
    """A soak that has ended."""

    uploads: int
    large: int
    """How many of them are too large for one copy."""
    killed: int
    repeated: int
    held_up: int
    suspended: int
    outages: int
    """How often nobody got a token."""
    retires_outside: int
    """How many files of recipients outside AWS were to be taken out of sight: each is looked at."""
    redriven: int
    upload_seconds: float
    drain_seconds: float
    faults: Counter[Fault]
    violations: tuple[str, ...]


def soak(
    folder: Path,
    *,
    seed: int,
    uploads: int,
    share_of_faults: float,
    drain_timeout_seconds: float = DRAIN_TIMEOUT_SECONDS,
) -> Soaked:
    """Run a whole soak."""
    schedule = schedule_of(seed, uploads)
    with deployed_ground(folder, seed=seed, share_of_faults=share_of_faults, owner_pid=os.getpid()) as ground:
        started = time.monotonic()
        with troubles(ground, schedule) as made:
            uploaded = _upload(ground, schedule.puts, made)
            made.first_kill.wait(PATIENCE_SECONDS)  # a quick machine uploads a hundred files before that
        uploaded_at = time.monotonic()
        ground.ways.calm()
        redriven = _drain(ground, drain_timeout_seconds)
        drained_at = time.monotonic()
        found = (*_still_waiting(ground), *violations(ground, uploaded))
    return Soaked(
        uploads=len(uploaded),
        large=sum(len(each.put.body) > PART_BYTES for each in uploaded),
        killed=made.killed,
        repeated=made.repeated,
        held_up=made.held_up,
        suspended=made.suspended,
        outages=made.outages,
        retires_outside=ground.ways.confirmations.looked_at,
        redriven=redriven,
        upload_seconds=uploaded_at - started,
        drain_seconds=drained_at - uploaded_at,
        faults=ground.ways.met,
        violations=found,
    )


def _upload(ground: Ground, puts: Sequence[Sequence[Put]], made: Troubles) -> list[Uploaded]:
    """Upload everything, each sender in the order of its schedule, all senders at once."""
    uploaded: list[Uploaded] = []
    lock = threading.Lock()

    def send(name: str, own: Sequence[Put]) -> None:
        s3, hub = ground.sender(name), ground.estate.platform.hub_bucket
        for put in own:
            time.sleep(put.pause_seconds)
            answer = s3.put_object(Bucket=hub, Key=put.key, Body=put.body)
            at = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
            each = Uploaded(put, answer.get("VersionId", "null"), answer["ETag"].strip('"'), name, at)
            with lock:
                uploaded.append(each)
            made.repeat_event_of(each)

    with ThreadPoolExecutor(len(SENDERS)) as senders:
        list(senders.map(send, SENDERS, puts))
    return uploaded


def _drain(ground: Ground, timeout_seconds: float) -> int:
    """Wait until nothing waits and nothing is in sight, or the time is up. Return how many were redriven."""
    deadline = time.monotonic() + timeout_seconds
    redriven = 0
    while time.monotonic() < deadline:
        redriven += sum(_redrive(ground, dataset) for dataset in DATASETS)
        if not still_in_sight(ground) and not any(_waiting(ground, dataset) for dataset in DATASETS):
            break
        time.sleep(0.5)
    return redriven


def _still_waiting(ground: Ground) -> Iterator[str]:
    """What the queues hold yet, and what of it nobody sees: a message that somebody took and never gave back."""
    for dataset in DATASETS:
        if _waiting(ground, dataset):
            counts = [ground.counts(url) for url in (ground.queue(dataset), ground.dead_letters(dataset))]
            yield f"the queues of {dataset} do not drain: {counts}"


def _waiting(ground: Ground, dataset: str) -> int:
    """How many messages the dataset's queues hold, those under way included."""
    urls = (ground.queue(dataset), ground.dead_letters(dataset))
    return sum(sum(ground.counts(url).values()) for url in urls)


def _redrive(ground: Ground, dataset: str) -> int:
    """Send dead letters back to their queue."""
    sqs, url = ground.client("sqs"), ground.dead_letters(dataset)
    taken: list[dict[str, Any]] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60).get(
        "Messages", []
    )
    for message in taken:
        sqs.send_message(QueueUrl=ground.queue(dataset), MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return len(taken)


def main() -> int:
    """Run one soak and tell how it went; exit code 1 if the promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.soak", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="decides what happens (default: 1)")
    parser.add_argument("--uploads", type=int, default=3_000, help="how many (default: 3000)")
    parser.add_argument("--faults", type=float, default=0.05, help="share of the mover's requests (default: 0.05)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        soaked = soak(Path(folder), seed=asked.seed, uploads=asked.uploads, share_of_faults=asked.faults)
    print(
        f"seed {asked.seed}: {soaked.uploads:,} uploads ({soaked.large:,} large) from {len(SENDERS)} senders over "
        f"{len(DATASETS)} datasets in {soaked.upload_seconds:.0f} s, drained in {soaked.drain_seconds:.0f} s; "
        f"{soaked.killed} processes killed, {soaked.repeated:,} events repeated, {soaked.held_up:,} held up, "
        f"versioning suspended {soaked.suspended} times, no tokens {soaked.outages} times, "
        f"{soaked.retires_outside:,} files of other clouds to be taken out of sight, "
        f"{soaked.redriven:,} dead letters redriven"
    )
    print("faults: " + ", ".join(f"{number} x {fault.value}" for fault, number in soaked.faults.most_common()))
    for violation in soaked.violations:
        print(f"VIOLATION: {violation}")
    print(f"{len(soaked.violations)} violations")
    return bool(soaked.violations)


if __name__ == "__main__":
    sys.exit(main())
