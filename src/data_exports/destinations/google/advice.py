"""What to do about deliveries that a bucket at Google does not take, told from the cause. Effects: none.

https://cloud.google.com/storage/docs/xml-api/reference-status
"""

from data_exports.contract.causes import Cause
from data_exports.destinations.destination import Advice, Route
from data_exports.destinations.google.bucket import GoogleBucket


def google_advice(there: GoogleBucket, cause: str, route: Route) -> Advice | None:
    """What to do about failures of this cause; None where it is none of the recipient's."""
    letter = f"exports handover {route.dataset} says how"
    acts = f", and whether {there.service_account} lets the role act as it" if there.service_account else ""
    texts: dict[str, str] = {
        Cause.RECIPIENT_FEDERATION: "Google does not let the role in; the reason says why. The recipient looks at the "
        f"provider {there.provider}: its issuer, and its condition, which must name {route.mover_role} to the letter"
        f"{acts} ({letter}); then redrive",
        Cause.RECIPIENT_DENIED: f"the recipient gives the role of its own to the member that the letter names, on the "
        f"bucket {there.name} under {route.prefix} ({letter}); a perimeter of VPC Service Controls must let requests "
        "from AWS in, if there is one; then redrive",
        Cause.RECIPIENT_BUCKET: f"check with the recipient that the bucket {there.name} exists and its billing is on; "
        "if its name is another, correct target_google and deploy; then redrive",
        Cause.RECIPIENT_KEY: "Google cannot use the key that the bucket is encrypted with, the reason says why; mended "
        "at the recipient's, redrive",
        Cause.RECIPIENT_NOT_ACCEPTED: "Google does not take the object, the reason says why: a retention policy or a "
        "hold on the object that is there, for instance; mended at the recipient's, redrive",
    }
    return Advice(texts[cause]) if cause in texts else None
