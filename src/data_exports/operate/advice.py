"""What to do about a delivery that failed, told from its cause.

In: the cause that the mover recorded, and the dataset. Out: whose it is to act, and advice; what is the recipient's to
mend, its destination tells. Effects: none.

Earlier movers recorded causes that did not name a side: `denied`, `no_bucket`, `key_unusable`,
`not_accepted`, `too_large`. Their receipts are still read, and the advice says how to tell.
"""

from dataclasses import replace
from datetime import UTC, datetime

from data_exports.access.handover import route_of
from data_exports.contract.causes import OLD_CAUSES, Side, side_of
from data_exports.destinations.destination import Advice
from data_exports.destinations.federation import HOW_TO_TURN_ON
from data_exports.estate.models import Estate, PushDataset


def advice_on_cause(cause: str | None, estate: Estate, push: PushDataset, *, now: datetime | None = None) -> Advice:
    """What to do about failures of this cause; None is a cause that is not known."""
    known = OLD_CAUSES.get(cause or "", cause)
    before = "an earlier mover recorded this and did not tell whose it is to act, so read the reason; " * (
        known != cause
    )
    if known == "recipient_denied" and push.until and push.until <= (now or datetime.now(UTC)):
        ended = f"the access of {push.name} ended on {push.expires}"
        return Advice(f"{before}{ended}: agree on a new date, change expires, deploy, then redrive")
    if side_of(known) is Side.RECIPIENT and (theirs := push.destination.advice(str(known), route_of(estate, push))):
        return replace(theirs, text=before + theirs.text)
    return Advice(before + _words_on(known, estate, push))


def _words_on(cause: str | None, estate: Estate, push: PushDataset) -> str:
    if cause is None:
        return "see the mover's log; once that is mended, redrive"
    hub = estate.platform.hub_bucket
    # A new upload of the same key takes the place of the one that failed, and its dead letter is done when redriven.
    again = "then redrive, which tidies up what the new upload has replaced"
    return {
        "upload_key": f"the sender sends the file again without naming a KMS key: {hub} encrypts it by itself; {again}",
        "upload_sse_c": f"the sender sends the file again without a key of their own (SSE-C); {again}",
        "upload_archived": f"the sender sends the file again in the storage class STANDARD; {again}",
        "upload_too_large": "cancel it, and send it in smaller files",
        "upload_not_accepted": "the reason says what is not taken of the file (its tags, metadata, storage class "
        f"or name); the sender sends it again without that; {again}",
        "hub_denied": "the platform's own policies refuse the mover: exports drift tells what was changed, exports "
        "repair puts it back; then redrive",
        "hub_bucket": "a bucket of the platform is gone or closed, the reason says which: exports drift tells what was "
        "changed, exports repair makes it again; then redrive",
        "hub_not_versioned": f"versioning of {hub} is not on: exports repair turns it on; S3 may take 15 minutes to "
        "follow; then redrive",
        "hub_request": "what the mover sends is held for invalid, whatever the file, the reason says by whom: exports "
        "deploy, then redrive; if it stays, report it with the reason",
        "hub_federation": "our account gives the mover no tokens for other clouds, the reason says why: an "
        f"administrator runs {HOW_TO_TURN_ON}, or exports repair puts the mover's rights back; then redrive",
        "recipient_federation": "the cloud there does not take our tokens, the reason says why: the recipient compares "
        f"what it trusts with exports handover {push.name}; then redrive",
        "bad_message": f"no file waits: the message tells of no upload of this dataset; exports cancel {push.name} "
        "--message ID removes it, redriving brings it back here",
    }.get(cause, "it may pass by itself: redrive")
