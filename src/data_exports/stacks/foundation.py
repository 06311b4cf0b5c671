"""The foundation stack: the log bucket, the receipts as a table, the topic that alarms go to, and the keeper.

In: the platform. Out: one `Stack`. Effects: none. The log bucket holds receipts (``deliveries/``), the mover's code
(``code/``), what the keeper knows (``keeper/``) and templates too large for a request (``templates/``).
"""

from dataclasses import asdict

from troposphere.s3 import LifecycleConfiguration, LifecycleRule

from data_exports.access.policies import private_bucket_policy
from data_exports.contract.keys import RECEIPTS
from data_exports.estate.models import Platform
from data_exports.names import ALERT_TOPIC, FOUNDATION_STACK
from data_exports.stacks.alerts import add_alert_key, add_alert_topic
from data_exports.stacks.buckets import abort_abandoned_uploads, add_private_bucket
from data_exports.stacks.keeper import add_keeper
from data_exports.stacks.receipts_table import add_receipts_table
from data_exports.stacks.stack import Stack, Wave, new_template, stack_of


def foundation_stack(platform: Platform, *, require_tls: bool) -> Stack:
    """Log bucket, receipts table, alert topic, and an e-mail subscription for each of the platform's `alerts`."""
    template = new_template("Data exports: log bucket and alerts", {"platform": _settings(platform)})
    add_private_bucket(
        template,
        title="LogBucket",
        name=platform.log_bucket,
        policy=private_bucket_policy(platform.log_bucket, require_tls=require_tls),
        LifecycleConfiguration=LifecycleConfiguration(Rules=[*_forget_receipts(platform), abort_abandoned_uploads()]),
    )
    add_receipts_table(template, platform)
    key = add_alert_key(template, platform)
    topic = add_alert_topic(template, platform, title="AlertTopic", name=ALERT_TOPIC, addresses=platform.alerts)
    topic.DependsOn = key.title
    add_keeper(template, platform, topic)
    return stack_of(
        template, name=FOUNDATION_STACK, wave=Wave.FOUNDATION, platform=platform, buckets=(platform.log_bucket,)
    )


def _forget_receipts(platform: Platform) -> list[LifecycleRule]:
    """S3 deletes receipts after some days; cards, which lie beside them, are renewed by each mover.

    `data_exports.mover.tasks.survey` does that every hour, where a card is half as old.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html
    """
    days = platform.receipts_days
    if days is None:
        return []
    return [LifecycleRule(Id="ForgetReceipts", Status="Enabled", Prefix=RECEIPTS, ExpirationInDays=days)]


def _settings(platform: Platform) -> dict[str, object]:
    return {
        "account": platform.account,
        "region": platform.region,
        "hub_bucket": platform.hub_bucket,
        "pull_bucket_prefix": platform.pull_bucket_prefix,
        "user_roles": platform.user_roles,
        "accounts": dict(platform.account_names),
        "paperwork": platform.paperwork,
        "audit": platform.audit,
        "sftp": platform.sftp or None,
        "evidence": platform.evidence and asdict(platform.evidence),
        "receipts_days": platform.receipts_days,
        "recovery_days": platform.recovery_days,
        "large_file_mib": platform.large_file_mib,
        "alerts": platform.alerts,
        "mail_domains": platform.mail_domains,
    }
