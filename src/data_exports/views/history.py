"""Receipts as text lines, as data for ``--json``, and as rows for ``--csv``.

In: entries of a history. Out: text and plain values. Effects: none.
"""

from typing import TypedDict, cast

from data_exports.contract.receipts import Receipt, columns_of
from data_exports.operate.history import Entry
from data_exports.text import moment_words, printable, size_words

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
HEADING = f"{'recorded (UTC)':<19}  {'outcome':<10}  {'size':>8}  key, by whom"


def render_entry(entry: Entry) -> str:
    """One line, and one more for the reason of what was not delivered."""
    receipt = entry.receipt
    line = f"{moment_words(receipt.recorded_at):<19}  {printable(receipt.outcome):<10}  "
    line += f"{size_words(receipt.size_bytes):>8}  {printable(receipt.key)}"
    if entry.by:
        line += f"  by {printable(str(entry.by))}"
    return f"{line}\n{'':<19}  {printable(receipt.reason)}" if receipt.reason else line


class ReceiptData(TypedDict):
    """What became of one upload. Times are UTC; null is: not known, or not so."""

    dataset: str
    key: str
    version_id: str
    etag: str
    size_bytes: int | None
    uploaded_by: str | None
    uploaded_at: str | None
    outcome: str
    reason: str | None
    cause: str | None
    delivered_at: str | None
    target_bucket: str | None
    target_version_id: str | None
    target_etag: str | None
    receive_count: int | None
    message_id: str | None
    mover_version: str | None
    recorded_at: str | None
    destination: str | None
    destination_version: str | None
    destination_etag: str | None
    digest: str | None


class HistoryData(ReceiptData):
    """A receipt, and the role of who uploaded the file, where that is known."""

    uploaded_by_role: str | None


def receipt_as_data(receipt: Receipt) -> ReceiptData:
    """The columns of a receipt; a test holds them against the type."""
    return cast("ReceiptData", columns_of(receipt))


def entry_as_data(entry: Entry) -> HistoryData:
    """One line of a history."""
    return {**receipt_as_data(entry.receipt), "uploaded_by_role": entry.by.role if entry.by else None}


def entry_as_row(entry: Entry) -> list[str]:
    """The values of `CSV_FIELDS` as text; nothing where there is none."""
    data: dict[str, object] = {**entry_as_data(entry)}
    return ["" if data[name] is None else str(data[name]) for name in CSV_FIELDS]
