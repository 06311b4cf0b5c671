"""What the keeper is told of the datasets: written once its stack stands, whenever it differs.

In: the outcome of the foundation's step. Out: that outcome, and what could not be done. Effects: reads and writes one
object of the log bucket.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, AwsAnswer, call_or_none, reason_of
from data_exports.deploy.apply.change_sets import Work
from data_exports.deploy.apply.outcomes import StackOutcome
from data_exports.estate.models import Estate
from data_exports.names import KEEPER_SETTINGS
from data_exports.stacks.keeper_settings import keeper_settings_of


def with_keeper_settings(work: Work, estate: Estate, outcome: StackOutcome) -> StackOutcome:
    """Write the settings, if the foundation is as the plan wants it."""
    if not outcome.is_done:
        return outcome
    platform, s3 = estate.platform, work.aws.client("s3")
    where: dict[str, Any] = {
        "Bucket": str(platform.log_bucket),
        "Key": KEEPER_SETTINGS,
        "ExpectedBucketOwner": str(platform.account),
    }
    body = keeper_settings_of(estate, datetime.now(UTC).date()).encode()
    try:
        found = call_or_none(lambda: s3.get_object(**where), AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN)
        if found is None or found["Body"].read() != body:
            s3.put_object(**where, Body=body, ContentType="application/json")
    except AWS_EXCEPTIONS as error:
        reason = f"whom to tell of ends and missed deliveries could not be written: {reason_of(error)}"
        return replace(
            outcome,
            reason=reason,
            next_step="let whoever deploys read and write keeper/ in the log bucket; deploy again",
        )
    return outcome
