"""The foundation stack: the log bucket, the receipts as a table, and the topic that alarms go to.

In: the platform. Out: one `Stack`. Effects: none. The log bucket holds receipts (``deliveries/``), the mover's code
(``code/``) and templates too large for a request (``templates/``).
"""

import hashlib

from troposphere import Template
from troposphere.s3 import LifecycleConfiguration
from troposphere.sns import SubscriptionResource, Topic, TopicPolicy

from data_exports.access.policies import alert_topic_policy, private_bucket_policy
from data_exports.estate.models import Platform
from data_exports.names import FOUNDATION_STACK
from data_exports.stacks.buckets import abort_abandoned_uploads, add_private_bucket
from data_exports.stacks.receipts_table import add_receipts_table
from data_exports.stacks.stack import Stack, Wave, new_template, stack_of

ALERT_TOPIC = "exports-alerts"


def alert_topic_arn_of(platform: Platform) -> str:
    """The topic that every dataset's alarms go to."""
    return f"arn:aws:sns:{platform.region}:{platform.account}:{ALERT_TOPIC}"


def foundation_stack(platform: Platform, *, require_tls: bool) -> Stack:
    """Log bucket, receipts table, alert topic, and an e-mail subscription for each of the platform's `alerts`."""
    template = new_template("Data exports: log bucket and alerts", {"platform": _settings(platform)})
    add_private_bucket(
        template,
        title="LogBucket",
        name=platform.log_bucket,
        policy=private_bucket_policy(platform.log_bucket, require_tls=require_tls),
        LifecycleConfiguration=LifecycleConfiguration(Rules=[abort_abandoned_uploads()]),
    )
    add_receipts_table(template, platform)
    _add_alerts(template, platform)
    return stack_of(
        template, name=FOUNDATION_STACK, wave=Wave.FOUNDATION, platform=platform, buckets=(platform.log_bucket,)
    )


def _add_alerts(template: Template, platform: Platform) -> None:
    topic = template.add_resource(Topic("AlertTopic", TopicName=ALERT_TOPIC))
    template.add_resource(
        TopicPolicy(
            "AlertTopicPolicy",
            Topics=[topic.ref()],
            PolicyDocument=alert_topic_policy(platform, alert_topic_arn_of(platform)),
        )
    )
    for address in platform.alerts:
        # Named after the address: were they numbered, the next one would take over the subscription of one that left,
        # and CloudFormation would then delete it.
        title = f"Alert{hashlib.sha256(address.encode()).hexdigest()[:12]}"
        template.add_resource(SubscriptionResource(title, TopicArn=topic.ref(), Protocol="email", Endpoint=address))


def _settings(platform: Platform) -> dict[str, object]:
    return {
        "account": platform.account,
        "region": platform.region,
        "hub_bucket": platform.hub_bucket,
        "pull_bucket_prefix": platform.pull_bucket_prefix,
        "user_roles": platform.user_roles,
        "accounts": dict(platform.account_names),
        "paperwork": platform.paperwork,
        "recovery_days": platform.recovery_days,
        "alerts": platform.alerts,
    }
