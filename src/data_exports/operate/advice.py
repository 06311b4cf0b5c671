"""What to do about a delivery that failed, told from its cause.

In: the cause that the mover recorded, and the dataset. Out: advice in words, and the statements that the other side has
to add where those are missing. Effects: none.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data_exports.access.handover import recipient_bucket_statements, recipient_key_statements
from data_exports.estate.models import Estate, PushDataset

NEEDS_SOMEBODY = frozenset({"denied", "no_bucket", "key_unusable", "not_accepted", "too_large", "bad_message"})
"""The causes that no repetition cures: the mover's permanent ones (`data_exports.mover.causes`)."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What somebody has to do before the file can be delivered."""

    text: str
    statements: tuple[dict[str, Any], ...] = ()
    """Policy statements for the recipient to add to the policy of the bucket."""
    key_statements: tuple[dict[str, Any], ...] = ()
    """Policy statements for the recipient to add to the policy of the key."""


def needs_somebody(cause: str | None) -> bool:
    """Whether a failure of this cause is only cured by somebody who acts."""
    return cause in NEEDS_SOMEBODY


def advice_on(cause: str | None, estate: Estate, push: PushDataset, *, now: datetime | None = None) -> Advice:
    """What to do about failures of this cause; None is a cause that is not known."""
    if cause == "denied":
        return _on_denial(estate, push, now or datetime.now(UTC))
    return Advice(_words_on(cause, estate, push))


def _on_denial(estate: Estate, push: PushDataset, now: datetime) -> Advice:
    if push.until and push.until <= now:
        ended = f"the access of {push.name} ended on {push.expires}"
        return Advice(f"{ended}: agree on a new date, change expires, deploy, then redrive")
    keys = tuple(recipient_key_statements(estate, push))
    policies = f"the policy of {push.target_bucket}" + (" and of its key" if keys else "")
    text = f"the recipient adds these statements to {policies}, then redrive"
    if push.target_account:
        owner = estate.platform.name_of_account(push.target_account)
        text += f"; if they are there: check that the bucket belongs to {owner}"
    return Advice(text, tuple(recipient_bucket_statements(estate, push)), keys)


def _words_on(cause: str | None, estate: Estate, push: PushDataset) -> str:
    if cause is None:
        return "see the mover's log; once that is mended, redrive"
    return {
        "no_bucket": f"check with the recipient that {push.target_bucket} exists, is open and in "
        f"{estate.platform.region}; if not, correct target_bucket and deploy; then redrive",
        "key_unusable": f"the recipient enables the key {push.target_kms_key}; or change target_kms_key and deploy; "
        "then redrive",
        "not_accepted": "S3 holds the copy for invalid, the reason says why; mended at the recipient's bucket, redrive",
        "too_large": "cancel it, and send it in smaller files",
        "bad_message": "no file waits: the message tells of no upload of this dataset; redriving brings it back here",
    }.get(cause, "it may pass by itself: redrive")
