"""Receipts: what became of each upload, as gzipped JSON lines in the log bucket.

In: receipts of many deliveries, or a file of them. Out: the file, under its key (`keys`), or the receipts in it. No
effects: the mover stores the files; whoever operates the platform reads them, and so does Athena.

A receipt may be written more than once: a message that comes back writes it again. Readers drop repeats (`identity`).
An upload with both `delivered` and `superseded` was delivered, and a repeated event found a newer one in its place.

Files outlive their writers. Older ones know of no destination but a bucket, in columns named `target_…`, which are
still written for their readers; newer ones may tell more, and of outcomes and causes that are not known here.
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from io import BytesIO
from operator import attrgetter
from typing import Any

from data_exports.contract.keys import receipts_key_of

LARGEST_FILE_BYTES = 64 << 20
"""A file of receipts of more than this, unpacked, is none: one of 1,000 receipts has half a megabyte."""
_S3 = "s3://"
_LEVEL = 6  # the highest takes twice the CPU time and saves a fiftieth


class Outcome(StrEnum):
    """What became of an upload."""

    DELIVERED = "delivered"  # its content was written to the recipient
    SUPERSEDED = "superseded"  # a newer upload of the same key is what counts
    CANCELLED = "cancelled"  # its versions were removed before delivery
    FAILED = "failed"  # it is still in the hub; the message comes back
    GIVEN_UP = "given_up"  # it is still in the hub; the message failed for the last time and is a dead letter now
    UNFINISHED = "unfinished"  # a large file: another run goes on with its copy, and writes its receipt
    IGNORED = "ignored"  # there was nothing to do: the dataset's folder, or a repeat

    @property
    def has_receipt(self) -> bool:
        """Whether a receipt tells of it."""
        return self not in (Outcome.UNFINISHED, Outcome.IGNORED)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one upload (one version of one key). Times are UTC, ISO 8601; None is: not known, or not so.

    The last four are of all receipts of a file; whoever notes a receipt leaves them to the file.
    """

    key: str
    version_id: str
    etag: str
    size_bytes: int | None
    uploaded_by: str | None
    uploaded_at: str | None
    outcome: str  # an `Outcome`, or one that a newer mover knows
    reason: str | None = None
    cause: str | None = None  # a `Cause`, or one that an older or a newer mover knows
    delivered_at: str | None = None
    destination_version: str | None = None
    destination_etag: str | None = None
    digest: str | None = None  # of the whole file, as `digests` writes them: `CRC64NVME:… SHA256:…`; None: none is told
    receive_count: int | None = None
    message_id: str | None = None
    dataset: str = ""
    destination: str | None = None  # `s3://bucket`
    mover_version: str | None = None
    recorded_at: str | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """What repeats of one receipt have in common. A message that tells of no upload is known by its own id.

        The version id `null` is used again and again: there the content counts, too.
        """
        version = f"null {self.etag}" if self.version_id == "null" else self.version_id
        return self.key, version or self.message_id or "", self.outcome

    @property
    def target_bucket(self) -> str | None:
        """The bucket, where the destination is one."""
        destination = self.destination or ""
        return destination.removeprefix(_S3) if destination.startswith(_S3) else None

    @property
    def target_version_id(self) -> str | None:
        """The version in the bucket, where the destination is one."""
        return self.target_bucket and self.destination_version

    @property
    def target_etag(self) -> str | None:
        """The ETag in the bucket, where the destination is one."""
        return self.target_bucket and self.destination_etag


@dataclass(frozen=True, slots=True)
class Damaged:
    """Something among the receipts that is none."""

    file: str
    """Its key in the log bucket."""
    line: int
    """From 1; 0 is: the whole file."""
    why: str


COLUMNS = (
    *("dataset", "key", "version_id", "etag", "size_bytes", "uploaded_by", "uploaded_at", "outcome", "reason", "cause"),
    *("delivered_at", "target_bucket", "target_version_id", "target_etag", "receive_count", "message_id"),
    *("mover_version", "recorded_at"),
    *("destination", "destination_version", "destination_etag", "digest"),
)
"""What a receipt tells, in the order in which tables show it. New ones come last: whoever counts columns counts on."""
NUMBERS = ("size_bytes", "receive_count")
"""The columns that are numbers; the others are text."""

_OF_FILE = ("dataset", "destination", "target_bucket", "mover_version", "recorded_at")
_OF_RECEIPT = tuple(name for name in COLUMNS if name not in _OF_FILE and not name.startswith("target_"))
_values_of = attrgetter(*_OF_RECEIPT)  # `asdict`, which copies every value, would be a seventh of a delivery's CPU time
_COLUMNS = {field.name: field.name for field in fields(Receipt)}
_OLDER_COLUMNS = _COLUMNS | {
    "destination": "target_bucket",
    "destination_version": "target_version_id",
    "destination_etag": "target_etag",
}
"""What a receipt's fields are called in lines of movers that knew buckets alone."""
_TEXTS = ("dataset", "key", "version_id", "etag", "outcome")


def receipts_file(
    receipts: Sequence[Receipt],
    *,
    dataset: str,
    destination: str,
    mover_version: str,
    now: datetime,
    identifier: str,
) -> tuple[str, bytes]:
    """Return the file of these receipts: its key in the log bucket and its bytes. The identifier keeps names apart."""
    every = Receipt(
        *("", "", "", None, None, None, ""),
        dataset=dataset,
        destination=destination,
        mover_version=mover_version,
        recorded_at=iso_time(now),
    )
    rest = json.dumps({name: getattr(every, name) for name in _OF_FILE})[1:]
    lines = "".join(f"{_own_columns(receipt, in_a_bucket=every.target_bucket)}, {rest}\n" for receipt in receipts)
    return receipts_key_of(dataset, now, identifier), gzip.compress(lines.encode(), _LEVEL, mtime=0)


def _own_columns(receipt: Receipt, *, in_a_bucket: str | None) -> str:
    """An object of a receipt's own columns, left open."""
    columns = dict(zip(_OF_RECEIPT, _values_of(receipt), strict=True))
    if in_a_bucket:
        columns["target_version_id"], columns["target_etag"] = receipt.destination_version, receipt.destination_etag
    return json.dumps(columns)[:-1]


def lines_of_file(body: bytes) -> list[bytes] | None:
    """The lines of a file of receipts, without their ends; None when it is none."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(body)) as packed:
            text = packed.read(LARGEST_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        return None
    return None if len(text) > LARGEST_FILE_BYTES else text.splitlines()


def receipts_in(file: str, body: bytes) -> Iterator[Receipt | Damaged]:
    """The receipts of one file; `file` is its key."""
    lines = lines_of_file(body)
    if lines is None:
        yield Damaged(file, 0, f"it is no gzip file, or unpacks to more than {LARGEST_FILE_BYTES >> 20} MiB")
    for number, line in enumerate(lines or (), start=1):
        try:
            yield receipt_in_line(line)
        except ValueError as error:
            yield Damaged(file, number, str(error))


def receipt_in_line(line: bytes) -> Receipt:
    """The receipt of a line of a file. Raises ValueError."""
    try:
        return receipt_of(json.loads(line))
    except RecursionError as error:
        raise ValueError(str(error)) from error


def receipt_of(line: Any) -> Receipt:
    """The receipt of a line's values. Raises ValueError."""
    if not isinstance(line, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - what is wrong is the data, not the call
    columns = _COLUMNS if line.get("destination") is not None else _OLDER_COLUMNS
    values: dict[str, Any] = {name: line.get(column) for name, column in columns.items()}
    for name, value in values.items():
        kind = int if name in NUMBERS else str
        if not isinstance(value, kind) and (value is not None or name in _TEXTS):
            raise ValueError(f"its {columns[name]} is {json.dumps(value)[:40]}")
    if columns is _OLDER_COLUMNS and values["destination"] is not None:
        values["destination"] = f"{_S3}{values['destination']}"
    return Receipt(**values)


def iso_time(moment: datetime) -> str:
    """Write a moment as S3 does: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(text: str | None) -> datetime | None:
    """A time as receipts write it; None when it is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
