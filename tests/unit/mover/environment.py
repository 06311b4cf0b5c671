"""A mover's environment, and the settings that it gives."""

from dataclasses import replace
from typing import Any

from data_exports.contract.settings import BucketSettings
from data_exports.mover.settings import Settings

ENVIRONMENT = {
    "DATASET": "orders",
    "HUB_BUCKET": "mojap-hub-exports",
    "HUB_ACCOUNT": "593291632749",
    "TARGET_BUCKET": "recipient-bucket",
    "KEEP_FILES": "false",
    "LOG_BUCKET": "exports-logs",
    "MOVER_VERSION": "1.2.3",
    "AWS_REGION": "eu-west-1",
}
SETTINGS = Settings(
    dataset="orders",
    hub_bucket="mojap-hub-exports",
    hub_account="593291632749",
    destination=BucketSettings(target_bucket="recipient-bucket"),
    keep_files=False,
    log_bucket="exports-logs",
    mover_version="1.2.3",
    largest_copy_bytes=268_435_456,
    region="eu-west-1",
    endpoint_url=None,
)


def delivering_to(settings: Settings, **target: Any) -> Settings:
    """The settings with another bucket, account or key of the recipient's."""
    return replace(settings, destination=replace(settings.destination, **target))
