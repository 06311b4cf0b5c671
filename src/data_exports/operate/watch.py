"""Looking again and again: how an estate stands, and the receipts as they come.

In: what looks, or a dataset's `Aws`. Out: what is seen, without an end. Effects: those of each look; pauses in between.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from data_exports.aws import Aws
from data_exports.contract.receipts import Damaged, Receipt
from data_exports.errors import AwsError
from data_exports.estate.models import Platform, PushDataset
from data_exports.operate.follow import NewReceipts
from data_exports.operate.history import History, HistoryEntry, Wanted
from data_exports.operate.people import RoleIds
from data_exports.operate.status import Status
from data_exports.parallel import map_ordered


def watch_status(
    look: Callable[[], Status], *, every_seconds: float, pause: Callable[[float], None] = time.sleep
) -> Iterator[Status | AwsError]:
    """Every look. The first one raises; a later one that fails is its `AwsError`, and looking goes on."""
    yield look()
    while True:
        pause(every_seconds)
        try:
            yield look()
        except AwsError as error:
            yield error


def follow_history(
    platform: Platform,
    pushes: Sequence[PushDataset],
    aws: Aws,
    wanted: Wanted,
    *,
    role_ids: RoleIds,
    every_seconds: float,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[HistoryEntry | Damaged]:
    """Receipts since `wanted` begins, or from now on, as they come, each once. Raises `AwsError`."""
    begins = wanted.period.since
    reads = [
        (History(iter(()), push, wanted, role_ids), NewReceipts(platform, push, aws, begins or datetime.now(UTC)))
        for push in pushes
    ]
    if begins is None:
        list(map_ordered(lambda each: each[1].skip(), reads))
    while True:
        found = map_ordered(lambda each: list(each[1].read()), reads)
        for (history, _), new in zip(reads, found, strict=True):
            yield from (each for each in new if isinstance(each, Damaged))
            yield from history.entries(each for each in new if isinstance(each, Receipt) and wanted.period.holds(each))
        pause(every_seconds)
