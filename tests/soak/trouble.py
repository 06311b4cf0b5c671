"""The troubles of a soak beside its uploads: processes killed, events repeated and held up, versioning and tokens off.

In: the ground, the schedule, and the uploads as they are made. Out: counts of what was done. Effects: kills processes
that the ground's own local AWS started, and no others; sends, takes and puts back messages of its queues.
"""

import heapq
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Any
from urllib.parse import quote_plus

from tests.soak.ground import Ground
from tests.soak.schedule import HoldUp, Kill, NoTokens, Put, Schedule, Suspend


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One upload that S3 has taken."""

    put: Put
    version_id: str
    etag: str
    sender: str
    at: str


@dataclass
class Troubles:
    """Troubles under way. `over` ends them."""

    ground: Ground
    over: threading.Event = field(default_factory=threading.Event)
    first_kill: threading.Event = field(default_factory=threading.Event)
    killed: int = 0
    repeated: int = 0
    held_up: int = 0
    suspended: int = 0
    outages: int = 0
    errors: list[BaseException] = field(default_factory=list)
    _due: list[tuple[float, int, str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def repeat_event_of(self, uploaded: Uploaded) -> None:
        """Have the event of an upload come again, as often and as late as its schedule says."""
        body = json.dumps({"Records": [notification_of(uploaded, self.ground.estate.platform.hub_bucket)]})
        for seconds in uploaded.put.repeats_after_seconds:
            self._send_later(uploaded.put.dataset, [body], seconds)
            self.repeated += 1

    def _send_later(self, dataset: str, bodies: list[str], seconds: float) -> None:
        with self._lock:
            for body in bodies:
                heapq.heappush(self._due, (time.monotonic() + seconds, len(self._due), dataset, body))

    def send_what_is_due(self) -> None:
        """Send messages when their time comes, until the troubles are over; then all that is left."""
        while not self.over.wait(0.05):
            self._send_until(time.monotonic())
        self._send_until(float("inf"))

    def _send_until(self, moment: float) -> None:
        while True:
            with self._lock:
                if not self._due or self._due[0][0] > moment:
                    return
                _, _, dataset, body = heapq.heappop(self._due)
            self.ground.client("sqs").send_message(QueueUrl=self.ground.queue(dataset), MessageBody=body)

    def kill(self, kills: Iterator[Kill]) -> None:
        """Kill one of the functions' processes again and again."""
        for each in kills:
            if self.over.wait(each.pause_seconds):
                return
            if running := children_of(self.ground.local.pid):
                with suppress(ProcessLookupError):
                    os.kill(running[int(each.choice * len(running))], signal.SIGKILL)
                    self.killed += 1
                    self.first_kill.set()

    def hold_up(self, hold_ups: Iterator[HoldUp]) -> None:
        """Take messages out of a queue again and again, and have them put back later in another order."""
        sqs = self.ground.client("sqs")
        for each in hold_ups:
            if self.over.wait(each.pause_seconds):
                return
            url = self.ground.queue(each.dataset)
            taken = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60).get("Messages", [])
            Random(each.order).shuffle(taken)
            self._send_later(each.dataset, [message["Body"] for message in taken], each.back_after_seconds)
            for message in taken:
                # A function that had it before may have handled and deleted it meanwhile; it comes again all the same.
                with suppress(sqs.exceptions.ReceiptHandleIsInvalid):
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            self.held_up += len(taken)

    def suspend(self, suspensions: Iterator[Suspend]) -> None:
        """Suspend the hub's versioning again and again, and turn it on again each time."""
        s3, hub = self.ground.client("s3"), str(self.ground.estate.platform.hub_bucket)
        for each in suspensions:
            if self.over.wait(each.pause_seconds):
                return
            for status in ("Suspended", "Enabled"):
                s3.put_bucket_versioning(Bucket=hub, VersioningConfiguration={"Status": status})
                if status == "Suspended":
                    self.over.wait(each.seconds)
            self.suspended += 1

    def give_no_tokens(self, outages: Iterator[NoTokens]) -> None:
        """Have whoever gives tokens fail for a while, again and again."""
        for each in outages:
            if self.over.wait(each.pause_seconds):
                return
            self.ground.ways.outage.is_on = True
            self.over.wait(each.seconds)
            self.ground.ways.outage.is_on = False
            self.outages += 1


@contextmanager
def troubles(ground: Ground, schedule: Schedule) -> Iterator[Troubles]:
    """All troubles of the schedule for the time of the block. An error in one of them is raised at its end."""
    made = Troubles(ground)
    running: list[Callable[[], None]] = [
        lambda: made.kill(cycle(schedule.kills)),
        lambda: made.hold_up(cycle(schedule.hold_ups)),
        lambda: made.suspend(cycle(schedule.suspensions)),
        lambda: made.give_no_tokens(cycle(schedule.outages)),
    ]

    def run(trouble: Callable[[], None]) -> None:
        try:
            trouble()
        except BaseException as error:  # noqa: BLE001 raised again in the thread that waits
            made.errors.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in running]
    sender = threading.Thread(target=run, args=(made.send_what_is_due,))
    for thread in (*threads, sender):
        thread.start()
    try:
        yield made
    finally:
        made.over.set()
        for thread in threads:
            thread.join()
        sender.join()
        made._send_until(float("inf"))  # what the last hold-up took
    if made.errors:
        raise made.errors[0]


def children_of(pid: int) -> list[int]:
    """The processes that this process has started and that still run."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    lines = (line.split() for line in listed.stdout.splitlines())
    return sorted(int(own) for own, parent, state in lines if int(parent) == pid and not state.startswith("Z"))


def notification_of(uploaded: Uploaded, bucket: str) -> dict[str, Any]:
    """The event of an upload, as S3 words it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    put = uploaded.put
    stored = {
        "key": quote_plus(put.key),
        "size": len(put.body),
        "eTag": uploaded.etag,
        "versionId": uploaded.version_id,
    }
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": uploaded.at,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": f"AWS:AROASOAK:{uploaded.sender}"},
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": stored},
    }
