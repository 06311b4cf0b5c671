"""What to do about a delivery that failed, told from its cause.

In: the cause that the mover recorded, and the dataset. Out: whose it is to act, advice in words, and the statements
that the other side has to add where those are missing. Effects: none.

Earlier movers recorded causes that did not name a side: `denied`, `no_bucket`, `key_unusable`,
`not_accepted`, `too_large`. Their receipts are still read, and the advice says how to tell.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data_exports.access.handover import recipient_bucket_statements, recipient_key_statements
from data_exports.contract.causes import OLD_CAUSES
from data_exports.estate.models import Estate, PushDataset


@dataclass(frozen=True, slots=True)
class Advice:
    """What somebody has to do before the file can be delivered."""

    text: str
    statements: tuple[dict[str, Any], ...] = ()
    """Policy statements for the recipient to add to the policy of the bucket."""
    key_statements: tuple[dict[str, Any], ...] = ()
    """Policy statements for the recipient to add to the policy of the key."""


def advice_on(cause: str | None, estate: Estate, push: PushDataset, *, now: datetime | None = None) -> Advice:
    """What to do about failures of this cause; None is a cause that is not known."""
    known = OLD_CAUSES.get(cause or "", cause)
    before = "an earlier mover recorded this and did not tell whose it is to act, so read the reason; " * (
        known != cause
    )
    if known == "recipient_denied":
        return _on_denial(estate, push, now or datetime.now(UTC), before)
    return Advice(before + _words_on(known, estate, push))


def _on_denial(estate: Estate, push: PushDataset, now: datetime, before: str) -> Advice:
    if push.until and push.until <= now:
        ended = f"the access of {push.name} ended on {push.expires}"
        return Advice(f"{before}{ended}: agree on a new date, change expires, deploy, then redrive")
    keys = tuple(recipient_key_statements(estate, push))
    policies = f"the policy of {push.destination.bucket}" + (" and of its key" if keys else "")
    text = f"{before}the recipient adds these statements to {policies}, then redrive"
    if push.destination.account:
        owner = estate.platform.name_of_account(push.destination.account)
        text += f"; if they are there: check that the bucket belongs to {owner}"
    return Advice(text, tuple(recipient_bucket_statements(estate, push)), keys)


def _words_on(cause: str | None, estate: Estate, push: PushDataset) -> str:
    if cause is None:
        return "see the mover's log; once that is mended, redrive"
    hub, there = estate.platform.hub_bucket, push.destination
    # A new upload of the same key takes the place of the one that failed, and its dead letter is done when redriven.
    again = "then redrive, which tidies up what the new upload has replaced"
    return {
        "upload_key": f"the sender sends the file again without naming a KMS key: {hub} encrypts it by itself; {again}",
        "upload_sse_c": f"the sender sends the file again without a key of their own (SSE-C); {again}",
        "upload_archived": f"the sender sends the file again in the storage class STANDARD; {again}",
        "upload_too_large": "cancel it, and send it in smaller files",
        "upload_not_accepted": "the reason says what S3 does not take of the file (its tags, metadata, storage class "
        f"or name); the sender sends it again without that; {again}",
        "hub_denied": "the platform's own policies refuse the mover: exports drift tells what was changed, exports "
        "deploy mends it; then redrive",
        "hub_bucket": "a bucket of the platform is gone or closed, the reason says which: exports drift tells what was "
        "changed, exports deploy mends it; then redrive",
        "hub_not_versioned": f"versioning of {hub} is not on: exports deploy turns it on; S3 may take 15 minutes to "
        "follow; then redrive",
        "hub_request": "S3 holds what the mover sends for invalid, whatever the file: exports deploy, then redrive; "
        "if it stays, report it with the reason",
        "recipient_bucket": f"check with the recipient that {there.bucket} exists and is open, in whichever "
        "region; if its name is another, correct target_bucket and deploy; then redrive",
        "recipient_key": f"the recipient enables the key {there.kms_key}; or change target_kms_key and deploy; "
        "then redrive",
        "recipient_not_accepted": "S3 holds the copy for invalid, the reason says why; mended at the recipient's "
        "bucket, redrive",
        "bad_message": f"no file waits: the message tells of no upload of this dataset; exports cancel {push.name} "
        "--message ID removes it, redriving brings it back here",
    }.get(cause, "it may pass by itself: redrive")
