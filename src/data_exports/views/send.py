"""What became of files that were sent: as text, as data for ``--json``, and as the error it ends with, if any.

In: `Sent`, and how far each upload was followed. Out: text, plain values, an exception or None. Effects: none.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from data_exports.errors import ExportsError, PartlyDoneError
from data_exports.estate.models import Platform, PushDataset
from data_exports.operate.follow import Followed
from data_exports.operate.history import Entry
from data_exports.operate.send import Sent
from data_exports.text import counted, printable
from data_exports.views.history import HEADING, ReceiptData, receipt_as_data, render_entry

NAMED_AT_MOST = 10


class NotDeliveredError(ExportsError):
    """At least one file ended otherwise than at the recipient."""

    kind = "not_delivered"


def render_sent(sent: Sent, followed: Sequence[Followed]) -> str:
    """The receipts, if the uploads were followed; otherwise each upload with its version."""
    if not followed:
        return "\n".join(f"{printable(each.source.key)}  version {each.version_id}" for each in sent.uploaded)
    receipts = [render_entry(Entry(each.receipt, None)) for each in followed if each.receipt]
    return "\n".join([HEADING, *receipts] if receipts else ["no receipts yet"])


class UploadedData(TypedDict):
    """A file in the hub, and its receipt if it was waited for."""

    path: Path
    key: str
    version_id: str
    size_bytes: int
    changed_while_read: bool
    receipt: ReceiptData | None


class NotUploadedData(TypedDict):
    """A file that is not in the hub, and why."""

    path: Path
    key: str
    reason: str


class SentData(TypedDict):
    """What was sent."""

    dataset: str
    hub_bucket: str
    uploaded: list[UploadedData]
    not_uploaded: list[NotUploadedData]


def sent_as_data(push: PushDataset, platform: Platform, sent: Sent, followed: Sequence[Followed]) -> SentData:
    """Every fact of what was sent."""
    receipts = {
        (each.key, each.version_id): receipt_as_data(each.receipt) if each.receipt else None for each in followed
    }
    return {
        "dataset": push.name,
        "hub_bucket": platform.hub_bucket,
        "uploaded": [
            {
                "path": each.source.path,
                "key": each.source.key,
                "version_id": each.version_id,
                "size_bytes": each.source.size_bytes,
                "changed_while_read": each.changed,
                "receipt": receipts.get((each.source.key, each.version_id)),
            }
            for each in sent.uploaded
        ],
        "not_uploaded": [
            {"path": each.source.path, "key": each.source.key, "reason": each.reason} for each in sent.failed
        ],
    }


def error_of_sending(push: PushDataset, sent: Sent, followed: Sequence[Followed]) -> ExportsError | None:
    """What did not go as it should, the worst first, or None."""
    if sent.failed and not sent.uploaded and sent.failed[0].error:
        return sent.failed[0].error
    lost = [each for each in followed if each.receipt and not each.is_delivered]
    if lost:
        return NotDeliveredError(
            f"{counted(len(lost), 'file')} of {len(followed)} did not arrive: {_tally(lost)}",
            next_step=f"exports failures {push.name}; what failed stays in the hub and can be delivered later",
        )
    if sent.failed:
        total = len(sent.failed) + len(sent.uploaded)
        return PartlyDoneError(
            f"{counted(len(sent.failed), 'file')} of {total} could not be uploaded", next_step="send those files again"
        )
    changed = [printable(str(each.source.path)) for each in sent.uploaded if each.changed]
    if changed:
        return PartlyDoneError(
            f"changed while it was read, so it may have been sent torn: {', '.join(changed[:NAMED_AT_MOST])}",
            next_step="send it again",
        )
    late = sum(not each.receipt for each in followed)
    if late:
        return PartlyDoneError(
            f"{counted(late, 'file')} of {len(followed)} {'has' if late == 1 else 'have'} no receipt yet; "
            "the delivery goes on",
            next_step=f"exports history {push.name}, or exports status {push.name}",
        )
    return None


def _tally(followed: Sequence[Followed]) -> str:
    counts = Counter(each.receipt.outcome for each in followed if each.receipt)
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items()))
