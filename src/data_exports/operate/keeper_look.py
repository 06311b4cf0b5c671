"""Whether the keeper knows what it has to tell, and for how long.

In: a platform, whether deliveries are promised, a moment, an `Aws`. Out: sentences on what a deployment renews.
Effects: reads one object of the log bucket.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from data_exports.aws import Aws
from data_exports.deploy.remote import read_stored
from data_exports.estate.models import Platform
from data_exports.keeper.keeper import HORIZON_DAYS
from data_exports.names import KEEPER_SETTINGS
from data_exports.operate.rights import needing
from data_exports.stacks.keeper_settings import horizon_in, said_of_lost_settings


def look_at_keeper(platform: Platform, aws: Aws, *, has_promises: bool, now: datetime) -> list[str]:
    """What the keeper lacks. Raises `NotAllowedError` when we may not look, `AwsError` when AWS cannot be asked."""
    return list(_look(platform, aws, has_promises=has_promises, now=now))


def _look(platform: Platform, aws: Aws, *, has_promises: bool, now: datetime) -> Iterator[str]:
    bucket, account = platform.log_bucket, str(platform.account)
    with needing(aws, "s3:GetObject", f"{bucket}/{KEEPER_SETTINGS}"):
        found = read_stored(aws, bucket, KEEPER_SETTINGS, account=account)
    horizon = None if found is None else horizon_in(found)
    if horizon is None:
        yield said_of_lost_settings(found)
    elif has_promises and now > horizon - timedelta(days=HORIZON_DAYS):
        yield f"when deliveries are due is known up to {horizon:%Y-%m-%d} only: after that nobody hears of a missed one"
