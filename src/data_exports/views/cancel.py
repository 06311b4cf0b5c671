"""What cancelling removes, for people and for programs.

In: a `Withdrawal`, or a stray message. Out: text and plain data. Effects: none.
"""

from datetime import datetime
from typing import TypedDict

from data_exports.operate.cancel import Withdrawal
from data_exports.operate.queues import Letter
from data_exports.text import counted, moment_words, printable, size_words

SHOWN_OF_A_MESSAGE = 300  # characters


def render_withdrawal(withdrawal: Withdrawal) -> str:
    """The upload that is withdrawn, and what goes with it."""
    waiting, older = withdrawal.waiting, withdrawal.older
    text = (
        f"{printable(withdrawal.key)}  {size_words(waiting.size_bytes)}, uploaded {moment_words(waiting.uploaded_at)}"
    )
    text += f", version {waiting.version_id}: not delivered"
    if older:
        delivered = sum(version.delivered_at is not None for version in older)
        text += f"\n{counted(len(older), 'older upload')} of it go{'es' * (len(older) == 1)} as well"
        text += f"; {delivered} of them arrived, and can then no longer be recovered from the hub" if delivered else ""
    return text


def render_stray(dataset: str, stray: Letter) -> str:
    """A message that tells of no upload, and how it begins."""
    begin = printable(stray.body[:SHOWN_OF_A_MESSAGE]) + "..." * (len(stray.body) > SHOWN_OF_A_MESSAGE)
    heading = f"message {stray.message_id}, sent {moment_words(stray.sent_at)}, tells of no upload of {dataset}:"
    return f"{heading}\n  {begin or '(it is empty)'}"


class OlderUploadData(TypedDict):
    """An older upload of the same key, which went as well."""

    version_id: str
    uploaded_at: datetime
    delivered_at: str | None


class CancelData(TypedDict):
    """An upload that was withdrawn."""

    dataset: str
    key: str
    version_id: str
    older_uploads: list[OlderUploadData]


class CancelMessageData(TypedDict):
    """A stray dead letter that was removed."""

    dataset: str
    message_id: str
    sent_at: datetime | None
    body: str


def withdrawn_as_data(dataset: str, withdrawal: Withdrawal) -> CancelData:
    """What was withdrawn, for programs."""
    return {
        "dataset": dataset,
        "key": withdrawal.key,
        "version_id": withdrawal.waiting.version_id,
        "older_uploads": [
            {"version_id": each.version_id, "uploaded_at": each.uploaded_at, "delivered_at": each.delivered_at}
            for each in withdrawal.older
        ],
    }


def removed_as_data(dataset: str, stray: Letter) -> CancelMessageData:
    """What was removed, for programs."""
    return {"dataset": dataset, "message_id": stray.message_id, "sent_at": stray.sent_at, "body": stray.body}
