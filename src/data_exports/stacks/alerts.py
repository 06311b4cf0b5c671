"""Topics that tell people of failures by e-mail, and the alarms of a push dataset that go to them.

In: a template, the platform and a dataset. Effects: adds the resources to the template. SNS asks each address to
confirm once for each topic, and sends nothing to it before that.
https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

import hashlib
from collections.abc import Iterable

from troposphere import Template
from troposphere.cloudwatch import Alarm, MetricDimension
from troposphere.sns import SubscriptionResource, Topic, TopicPolicy

from data_exports.access.grants import (
    alert_topic_arns_of,
    dead_letter_queue_arn_of,
    owner_alert_address_of,
    queue_arn_of,
    topic_arn_of,
)
from data_exports.access.policies import alert_topic_policy
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import owner_topic_of, queue_name_of

OLDEST_EVENT_ALARM_SECONDS = 3600


def add_alert_topic(template: Template, platform: Platform, *, title: str, name: str, addresses: Iterable[str]) -> None:
    """A topic that the platform's own alarms may publish to, with an e-mail subscription for each address."""
    topic = template.add_resource(Topic(title, TopicName=name))
    policy = alert_topic_policy(platform, topic_arn_of(platform, name))
    template.add_resource(TopicPolicy(f"{title}Policy", Topics=[topic.ref()], PolicyDocument=policy))
    for address in addresses:
        # Named after the address: were they numbered, the next one would take over the subscription of one that left,
        # and CloudFormation would then delete it.
        subscription = f"Alert{hashlib.sha256(address.encode()).hexdigest()[:12]}"
        template.add_resource(
            SubscriptionResource(subscription, TopicArn=topic.ref(), Protocol="email", Endpoint=address)
        )


def add_owner_topic(template: Template, platform: Platform, push: PushDataset) -> None:
    """The topic of the dataset's owner, if an address is declared that the platform's topic does not tell anyway."""
    address = owner_alert_address_of(platform, push)
    if address:
        add_alert_topic(template, platform, title="OwnerTopic", name=owner_topic_of(push.name), addresses=[address])


def add_alarms(template: Template, platform: Platform, push: PushDataset) -> None:
    """Tell the alert topics of dead letters, and of events that wait too long.

    An alarm cannot name the file: the mover itself tells of that when it gives a file up. The alarms also go off for
    what no mover could tell of.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    for title, queue_arn, metric, threshold, text in (
        (
            "DeadLetterAlarm",
            dead_letter_queue_arn_of(platform, push),
            "ApproximateNumberOfMessagesVisible",
            1,
            f"{push.name}: a file was given up; it is still in the hub. Next: exports failures {push.name}",
        ),
        (
            "OldestEventAlarm",
            queue_arn_of(platform, queue_name_of(push.name)),
            "ApproximateAgeOfOldestMessage",
            OLDEST_EVENT_ALARM_SECONDS,
            f"{push.name}: a file has waited over an hour for its delivery. Next: exports status {push.name}",
        ),
    ):
        template.add_resource(
            Alarm(
                title,
                AlarmName=f"{push.stack_name}-{title}",
                AlarmDescription=text,
                Namespace="AWS/SQS",
                MetricName=metric,
                Dimensions=[MetricDimension(Name="QueueName", Value=queue_arn.rsplit(":", 1)[1])],
                Statistic="Maximum",
                Period=300,
                EvaluationPeriods=1,
                Threshold=threshold,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
                TreatMissingData="notBreaching",
                AlarmActions=list(alert_topic_arns_of(platform, push)),
            )
        )
