"""The stack of one push dataset: its queues, its mover (`mover_function`), its senders' policy and its alarms.

In: the platform, the dataset, and the surroundings. Out: one `Stack`. Effects: none.
"""

from dataclasses import replace

from troposphere import Template
from troposphere.sqs import Queue, QueuePolicy, RedrivePolicy

from data_exports.access.grants import grants_of_push
from data_exports.access.policies import dead_letter_queue_policy, queue_policy, sender_policy
from data_exports.contract.timing import MOST_RECEIVES, visibility_timeout_seconds
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import dead_letter_queue_name_of, push_users_policy_of, queue_name_of
from data_exports.stacks.alerts import add_alarms, add_owner_topic
from data_exports.stacks.card import card_of
from data_exports.stacks.mover_function import add_mover
from data_exports.stacks.stack import Stack, Surroundings, Wave, dataset_metadata, new_template, stack_of
from data_exports.stacks.users import add_users_policy, split_roles

EVENT_RETENTION_SECONDS = 7 * 24 * 3600
DEAD_LETTER_RETENTION_SECONDS = 14 * 24 * 3600
"""Longer than the queue's: a dead letter keeps the time at which it was first sent.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"""


def push_stack(platform: Platform, push: PushDataset, surroundings: Surroundings) -> Stack:
    """Everything of one push dataset except its rule on the hub, which the hub's stack holds."""
    grants = grants_of_push(platform, push)
    present, missing = split_roles(push, surroundings)
    template = new_template(f"Data exports: push dataset {push.name}", dataset_metadata(push, grants, missing))
    queue = _add_queues(template, platform, push, surroundings)
    add_mover(template, platform, push, surroundings=surroundings, queue=queue)
    add_users_policy(template, push_users_policy_of(push.name), sender_policy(grants), present)
    add_owner_topic(template, platform, push)
    add_alarms(template, platform, push)
    stack = stack_of(template, name=push.stack_name, wave=Wave.DATASETS, platform=platform, dataset=push.name)
    return replace(stack, card=card_of(platform, push))


def _add_queues(template: Template, platform: Platform, push: PushDataset, surroundings: Surroundings) -> Queue:
    dead_letters = template.add_resource(
        Queue(
            "DeadLetterQueue",
            QueueName=dead_letter_queue_name_of(push.name),
            MessageRetentionPeriod=DEAD_LETTER_RETENTION_SECONDS,
            SqsManagedSseEnabled=True,
        )
    )
    queue = template.add_resource(
        Queue(
            "Queue",
            QueueName=queue_name_of(push.name),
            MessageRetentionPeriod=EVENT_RETENTION_SECONDS,
            VisibilityTimeout=visibility_timeout_seconds(push.destination.settings.under_way_seconds),
            SqsManagedSseEnabled=True,
            RedrivePolicy=RedrivePolicy(deadLetterTargetArn=dead_letters.get_att("Arn"), maxReceiveCount=MOST_RECEIVES),
        )
    )
    policy = queue_policy(platform, push, require_tls=surroundings.require_tls)
    template.add_resource(QueuePolicy("QueuePolicy", Queues=[queue.ref()], PolicyDocument=policy))
    if surroundings.require_tls:
        policy = dead_letter_queue_policy(platform, push)
        template.add_resource(QueuePolicy("DeadLetterQueuePolicy", Queues=[dead_letters.ref()], PolicyDocument=policy))
    return queue
