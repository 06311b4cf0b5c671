"""Receipts and records of S3's access logs as text lines, as data for ``--json``, and as rows for ``--csv``.

In: entries of a history. Out: text, and what JSON has of them. Effects: none.
"""

from collections.abc import Sequence

from data_exports.contract.receipts import Damaged, Receipt
from data_exports.json_values import json_object_of
from data_exports.operate.access_logs import AccessRecord, Doing
from data_exports.operate.history import HistoryEntry
from data_exports.text import moment_words, printable, size_words
from data_exports.views.tables import csv_cell, fitted

CSV_FIELDS = (
    "recorded_at",
    "dataset",
    "outcome",
    "key",
    "version_id",
    "size_bytes",
    "etag",
    "uploaded_by_role",
    "uploaded_by",
    "uploaded_at",
    "delivered_at",
    "target_bucket",
    "target_version_id",
    "target_etag",
    "reason",
    "cause",
    "receive_count",
    "message_id",
    "mover_version",
    "destination",
    "destination_version",
    "destination_etag",
    "digest",
)
ACCESS_CSV_FIELDS = (
    *("requested_at", "dataset", "outcome", "key", "version_id", "bytes_sent", "size_bytes", "requester", "status"),
    *("error_code", "operation", "request_id", "by"),
)
DAMAGED_SHOWN = 3
HEADING = f"{'recorded (UTC)':<19}  {'outcome':<10}  {'size':>8}  key, by whom"


def render_entry(entry: HistoryEntry, *, width: int | None = None) -> str:
    """One line, and one more for the reason of what was not delivered.

    Where that is wider than the terminal's `width`, key and uploader have lines of their own.
    """
    receipt = entry.receipt
    first = f"{moment_words(receipt.recorded_at):<19}  {printable(receipt.outcome):<10}  "
    first += f"{size_words(receipt.size_bytes):>8}"
    key, by = printable(receipt.key), f"by {printable(str(entry.by))}" if entry.by else ""
    line, reason = "  ".join(filter(None, (first, key, by))), printable(receipt.reason or "")
    lines = [line, *([f"{'':<19}  {reason}"] if reason else [])]
    if width is not None and any(len(each) > width for each in lines):
        lines = [first, f"  {key}", *(part for said in (by, reason) if said for part in fitted(f"  {said}", width))]
    return "\n".join(lines)


def render_record(record: AccessRecord, *, width: int | None = None) -> str:
    """What was done with which file of a pull dataset, in a line under the same heading; wrapped as `render_entry`."""
    size = size_words(record.moved_bytes) if record.doing in (Doing.READ, Doing.WROTE) else "-"
    first = f"{moment_words(record.at):<19}  {record.doing:<10}  {size:>8}"
    key, by = printable(record.key) or "(the list)", f"by {printable(record.by)}"
    line = f"{first}  {key}  {by}"
    if width is not None and len(line) > width:
        return "\n".join([first, f"  {key}", *fitted(f"  {by}", width)])
    return line


def render_followed_receipt(receipt: Receipt) -> str:
    """A receipt that was waited for, in a line."""
    reason = f": {printable(receipt.reason)}" if receipt.reason else ""
    return f"{printable(receipt.outcome)} {printable(receipt.key)}{reason}"


def render_damaged(damaged: Sequence[Damaged], what: str = "receipt") -> str:
    """That receipts, or lines of logs, cannot be read: how many, and where the first of them are."""
    many = f"{what}s were" if len(damaged) > 1 else f"{what} was"
    more = [f"  and {len(damaged) - DAMAGED_SHOWN} more"] if len(damaged) > DAMAGED_SHOWN else []
    places = map(_place_of, damaged[:DAMAGED_SHOWN])
    return "\n".join([f"warning: {len(damaged)} damaged {many} skipped", *places, *more])


def _place_of(damaged: Damaged) -> str:
    line = f", line {damaged.line}" if damaged.line else ""
    return f"  {printable(damaged.file)}{line}: {printable(damaged.why)}"


def csv_fields_of(*, is_pull: bool) -> tuple[str, ...]:
    """The columns of a pull dataset's history, or of a push dataset's."""
    return ACCESS_CSV_FIELDS if is_pull else CSV_FIELDS


def entry_as_row(entry: HistoryEntry | AccessRecord) -> list[str]:
    """The values of its fields as text; nothing where there is none."""
    data = json_object_of(entry)
    names = ACCESS_CSV_FIELDS if isinstance(entry, AccessRecord) else CSV_FIELDS
    return [csv_cell(data[name]) for name in names]
