"""A mover's environment, and the settings that it gives."""

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
    target_bucket="recipient-bucket",
    target_account=None,
    target_kms_key=None,
    keep_files=False,
    log_bucket="exports-logs",
    mover_version="1.2.3",
    largest_copy_bytes=268_435_456,
    region="eu-west-1",
    endpoint_url=None,
)
