"""What the keeper is told of the datasets: written once its stack stands, whenever it differs.

In: the outcome of the foundation's step. Out: that outcome, and what could not be done. Effects: reads and writes one
object of the log bucket.
"""

from dataclasses import replace
from datetime import UTC, datetime

from data_exports.aws import AWS_EXCEPTIONS, reason_of
from data_exports.deploy.apply.change_sets import Work
from data_exports.deploy.apply.outcomes import StackOutcome
from data_exports.deploy.remote import write_if_other
from data_exports.estate.models import Estate
from data_exports.names import KEEPER_SETTINGS
from data_exports.stacks.keeper_settings import keeper_settings_of


def with_keeper_settings(work: Work, estate: Estate, outcome: StackOutcome) -> StackOutcome:
    """Write the settings, if the foundation is as the plan wants it."""
    if not outcome.is_done:
        return outcome
    platform, body = estate.platform, keeper_settings_of(estate, datetime.now(UTC).date()).encode()
    try:
        write_if_other(work.aws, platform.log_bucket, KEEPER_SETTINGS, body, account=platform.account)
    except AWS_EXCEPTIONS as error:
        reason = f"whom to tell of ends and missed deliveries could not be written: {reason_of(error)}"
        return replace(
            outcome,
            reason=reason,
            next_step="let whoever deploys read and write keeper/ in the log bucket; deploy again",
        )
    return outcome
