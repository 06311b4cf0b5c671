"""Topics that tell people of failures by e-mail, and the alarms of a push dataset that go to them.

In: a template, the platform and a dataset. Effects: adds the resources to the template. SNS asks each address to
confirm once for each topic, and sends nothing to it before that.
https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from troposphere import Template
from troposphere.cloudwatch import Alarm, MetricDimension
from troposphere.kms import Alias, Key
from troposphere.sns import SubscriptionResource, Topic, TopicPolicy

from data_exports.access.grants import (
    alert_topic_arns_of,
    owner_alert_address_of,
    topic_arn_of,
)
from data_exports.access.policies import alert_key_policy, alert_topic_policy
from data_exports.contract.metrics import BY_DATASET, NAMESPACE, REFUSED
from data_exports.estate.models import Dataset, Platform, PushDataset
from data_exports.names import ALERT_KEY_ALIAS, dead_letter_queue_name_of, owner_topic_of, queue_name_of

OLDEST_EVENT_ALARM_SECONDS = 3600


def add_alert_key(template: Template, platform: Platform) -> Alias:
    """The key that encrypts every alert topic, under an alias by which the datasets' stacks name it.

    Not SNS's own key: CloudWatch's alarms cannot publish to a topic that is encrypted with that.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    key = template.add_resource(
        Key(
            "AlertKey",
            Description="Alerts of data exports",
            EnableKeyRotation=True,
            KeyPolicy=alert_key_policy(platform),
        )
    )
    return template.add_resource(Alias("AlertKeyAlias", AliasName=ALERT_KEY_ALIAS, TargetKeyId=key.ref()))


def add_alert_topic(
    template: Template, platform: Platform, *, title: str, name: str, addresses: Iterable[str]
) -> Topic:
    """An encrypted topic that the platform's own alarms may publish to, with a subscription for each e-mail address."""
    topic = template.add_resource(Topic(title, TopicName=name, KmsMasterKeyId=ALERT_KEY_ALIAS))
    policy = alert_topic_policy(platform, topic_arn_of(platform, name))
    template.add_resource(TopicPolicy(f"{title}Policy", Topics=[topic.ref()], PolicyDocument=policy))
    for address in addresses:
        # Named after the address: were they numbered, the next one would take over the subscription of one that left,
        # and CloudFormation would then delete it.
        subscription = f"Alert{hashlib.sha256(address.encode()).hexdigest()[:12]}"
        template.add_resource(
            SubscriptionResource(subscription, TopicArn=topic.ref(), Protocol="email", Endpoint=address)
        )
    return topic


def add_owner_topic(template: Template, platform: Platform, dataset: Dataset) -> None:
    """The topic of the dataset's owner, if an address is declared that the platform's topic does not tell anyway."""
    address = owner_alert_address_of(platform, dataset)
    if address:
        add_alert_topic(template, platform, title="OwnerTopic", name=owner_topic_of(dataset.name), addresses=[address])


def add_alarms(template: Template, platform: Platform, push: PushDataset) -> None:
    """Tell the alert topics of dead letters, of events that wait too long, and of refusals as soon as there is one.

    A refusal becomes a dead letter only after hours, and the age of the oldest message does not tell of it: SQS leaves
    out what was received more than three times. An alarm cannot name the file: the mover itself tells of that when it
    gives a file up. The alarms also go off for what no mover could tell of.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    queue, dead_letters = queue_name_of(push.name), dead_letter_queue_name_of(push.name)
    given_up = f"{push.name}: a file was given up; it is still in the hub. Next: exports failures {push.name}"
    waited = f"{push.name}: a file has waited over an hour for its delivery. Next: exports status {push.name}"
    refused = (
        f"{push.name}: a delivery is refused, which waiting alone does not cure. Next: exports failures {push.name}"
    )
    for title, text, metric, threshold in (
        ("DeadLetterAlarm", given_up, _queue_metric("ApproximateNumberOfMessagesVisible", dead_letters), 1),
        ("OldestEventAlarm", waited, _queue_metric("ApproximateAgeOfOldestMessage", queue), OLDEST_EVENT_ALARM_SECONDS),
        ("RefusedAlarm", refused, _mover_metric(REFUSED, push), 1),
    ):
        template.add_resource(
            Alarm(
                title,
                AlarmName=f"{push.stack_name}-{title}",
                AlarmDescription=text,
                Period=300,
                EvaluationPeriods=1,
                Threshold=threshold,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
                TreatMissingData="notBreaching",
                AlarmActions=list(alert_topic_arns_of(platform, push)),
                **metric,
            )
        )


def _queue_metric(name: str, queue: str) -> dict[str, Any]:
    dimensions = [MetricDimension(Name="QueueName", Value=queue)]
    return {"Namespace": "AWS/SQS", "MetricName": name, "Dimensions": dimensions, "Statistic": "Maximum"}


def _mover_metric(name: str, push: PushDataset) -> dict[str, Any]:
    """A metric that the mover prints (`data_exports.contract.metrics`)."""
    dimensions = [MetricDimension(Name=BY_DATASET, Value=str(push.name))]
    return {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions, "Statistic": "Sum"}
