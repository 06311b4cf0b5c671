"""Receipts: what became of each upload, as gzipped JSON lines in the log bucket.

In: receipts of many deliveries. Out: one file, `deliveries/dataset=<name>/date=YYYY-MM-DD/<time>-<id>.jsonl.gz`, which
Athena reads as a table with the partitions dataset and date. No effects: `objects` stores it.

A receipt may be written more than once: a message that comes back writes it again. Readers drop repeats by (key,
version id, outcome). An upload with both `delivered` and `superseded` was delivered, and a repeated event found a newer
one in its place.
"""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from operator import attrgetter

from data_exports.contract.causes import Cause
from data_exports.contract.keys import receipts_key_of


class Outcome(StrEnum):
    """What became of an upload."""

    DELIVERED = "delivered"  # its content was written to the recipient
    SUPERSEDED = "superseded"  # a newer upload of the same key is what counts
    CANCELLED = "cancelled"  # its versions were removed before delivery
    UNFINISHED = "unfinished"  # a large file: another run goes on with its copy, and writes its receipt
    IGNORED = "ignored"  # there was nothing to do: the dataset's folder, or a repeat; it has no receipt
    FAILED = "failed"  # it is still in the hub; the message comes back
    GIVEN_UP = "given_up"  # it is still in the hub; the message failed for the last time and is a dead letter now


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one upload (one version of one key). Times are UTC, ISO 8601; None is: not known, or not so."""

    key: str
    version_id: str
    etag: str
    size_bytes: int | None
    uploaded_by: str | None
    uploaded_at: str | None
    outcome: Outcome
    reason: str | None = None
    cause: Cause | None = None
    delivered_at: str | None = None
    target_version_id: str | None = None
    target_etag: str | None = None
    receive_count: int | None = None
    message_id: str | None = None


_NAMES = tuple(field.name for field in fields(Receipt))
_values_of = attrgetter(*_NAMES)  # `asdict`, which copies every value, would be a seventh of the CPU time of a delivery


@dataclass(frozen=True, slots=True)
class PutReceipts:
    """Store one file of receipts under `key` in the log bucket."""

    key: str
    body: bytes


def receipts_file(
    receipts: Sequence[Receipt],
    *,
    dataset: str,
    target_bucket: str,
    mover_version: str,
    now: datetime,
    identifier: str,
) -> PutReceipts:
    """Return the file of these receipts: its key in the log bucket and its bytes. The identifier keeps names apart."""
    now = now.astimezone(UTC)
    every = {"dataset": dataset, "target_bucket": target_bucket, "mover_version": mover_version}
    every["recorded_at"] = iso_time(now)
    facts = (dict(zip(_NAMES, _values_of(receipt), strict=True)) for receipt in receipts)
    lines = "".join(json.dumps(each | every) + "\n" for each in facts)
    return PutReceipts(receipts_key_of(dataset, now, identifier), gzip.compress(lines.encode(), mtime=0))


def iso_time(moment: datetime) -> str:
    """Write a moment as S3 does: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
