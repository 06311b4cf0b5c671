"""What cancelling removes, for people and for programs.

In: a `Withdrawal`, or a stray message. Out: text, and values for JSON. Effects: none.
"""

from dataclasses import dataclass

from data_exports.json_values import json_as
from data_exports.operate.cancel import Withdrawal
from data_exports.operate.queues import DeadLetter
from data_exports.text import counted, moment_words, printable, size_words

SHOWN_OF_A_MESSAGE = 300  # characters


def render_withdrawal(withdrawal: Withdrawal) -> str:
    """The upload that is withdrawn, and what goes with it."""
    waiting, older = withdrawal.waiting, withdrawal.older
    text = (
        f"{printable(withdrawal.key)}  {size_words(waiting.size_bytes)}, uploaded {moment_words(waiting.uploaded_at)}"
    )
    text += f", version {printable(waiting.version_id)}: not delivered"
    if older:
        delivered = sum(version.delivered_at is not None for version in older)
        text += f"\n{counted(len(older), 'older upload')} of it go{'es' * (len(older) == 1)} as well"
        text += f"; {delivered} of them arrived, and can then no longer be recovered from the hub" if delivered else ""
    return text


def render_stray(dataset: str, stray: DeadLetter) -> str:
    """A message that tells of no upload, and how it begins."""
    begin = printable(stray.body[:SHOWN_OF_A_MESSAGE]) + "..." * (len(stray.body) > SHOWN_OF_A_MESSAGE)
    message = f"message {printable(stray.message_id)}, sent {moment_words(stray.sent_at)}"
    return f"{message}, tells of no upload of {dataset}:\n  {begin or '(it is empty)'}"


@json_as("dataset *withdrawal")
@dataclass(frozen=True, slots=True)
class CancelData:
    """An upload that was withdrawn."""

    dataset: str
    withdrawal: Withdrawal


@json_as("dataset *dead_letter")
@dataclass(frozen=True, slots=True)
class CancelMessageData:
    """A stray dead letter that was removed."""

    dataset: str
    dead_letter: DeadLetter
