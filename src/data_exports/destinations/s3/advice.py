"""What to do about deliveries that a recipient's bucket does not take, told from the cause. Effects: none."""

from data_exports.contract.causes import Cause
from data_exports.destinations.destination import Advice, Route
from data_exports.destinations.s3.bucket import ENCRYPT, RECEIVE, S3Bucket


def bucket_advice(there: S3Bucket, cause: str, route: Route) -> Advice | None:
    """What to do about failures of this cause; None where it is none of the recipient's."""
    if cause == Cause.RECIPIENT_DENIED:
        return _on_denial(there, route)
    texts: dict[str, str] = {
        Cause.RECIPIENT_BUCKET: f"check with the recipient that {there.bucket} exists and is open, in whichever "
        "region; if its name is another, correct target_bucket and deploy; then redrive",
        Cause.RECIPIENT_KEY: f"the recipient enables the key {there.kms_key}; or change target_kms_key and deploy; "
        "then redrive",
        Cause.RECIPIENT_NOT_ACCEPTED: "S3 holds the copy for invalid, the reason says why; mended at the recipient's "
        "bucket, redrive",
    }
    return Advice(texts[cause]) if cause in texts else None


def _on_denial(there: S3Bucket, route: Route) -> Advice:
    keys = route.statements.get(ENCRYPT, ())
    policies = f"the policy of {there.bucket}" + (" and of its key" if keys else "")
    text = f"the recipient adds these statements to {policies}, then redrive"
    if route.owner:
        text += f"; if they are there: check that the bucket belongs to {route.owner}"
    return Advice(text, route.statements[RECEIVE], keys)
