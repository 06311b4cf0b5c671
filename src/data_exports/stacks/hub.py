"""The hub's stack: the bucket that senders write to, with the notification rule of every push dataset.

In: the platform and the push datasets whose queues exist. Out: one `Stack`. Effects: none. All rules are one property
of the bucket, replaced as a whole; one queue that does not exist would make S3 refuse them all.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
"""

from collections.abc import Sequence

from troposphere.s3 import (
    Filter,
    LifecycleConfiguration,
    LifecycleRule,
    NotificationConfiguration,
    QueueConfigurations,
    Rules,
    S3Key,
    VersioningConfiguration,
)
from troposphere.s3 import NoncurrentVersionExpiration as NoncurrentExpiration

from data_exports.access.grants import queue_arn_of
from data_exports.access.policies import private_bucket_policy
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import HUB_STACK, DatasetName, hub_prefix_of, queue_name_of
from data_exports.stacks.buckets import abort_abandoned_uploads, add_private_bucket
from data_exports.stacks.stack import Stack, Wave, new_template, stack_of


def hub_stack(
    platform: Platform, push_datasets: Sequence[PushDataset], *, kept: Sequence[DatasetName] = (), require_tls: bool
) -> Stack:
    """The hub bucket, versioned: a retired upload stays recoverable for the platform's `recovery_days`.

    `kept`: datasets that are not declared any more, but whose queue still stands and feeds a mover.
    """
    ordered = sorted([*(push.name for push in push_datasets), *kept])
    template = new_template("Data exports: the hub", {"push_datasets": ordered})
    rules = NotificationConfiguration(QueueConfigurations=[_rule(platform, name) for name in ordered])
    add_private_bucket(
        template,
        title="Hub",
        name=platform.hub_bucket,
        policy=private_bucket_policy(platform.hub_bucket, require_tls=require_tls),
        VersioningConfiguration=VersioningConfiguration(Status="Enabled"),
        LifecycleConfiguration=LifecycleConfiguration(
            Rules=[_forget_retired(platform.recovery_days), abort_abandoned_uploads()]
        ),
        **({"NotificationConfiguration": rules} if ordered else {}),
    )
    return stack_of(template, name=HUB_STACK, wave=Wave.HUB, platform=platform, buckets=(platform.hub_bucket,))


def _rule(platform: Platform, dataset: DatasetName) -> QueueConfigurations:
    """Every new object under the dataset's prefix is told to the dataset's queue."""
    return QueueConfigurations(
        Event="s3:ObjectCreated:*",
        Queue=queue_arn_of(platform, queue_name_of(dataset)),
        Filter=Filter(S3Key=S3Key(Rules=[Rules(Name="prefix", Value=str(hub_prefix_of(dataset)))])),
    )


def _forget_retired(days: int) -> LifecycleRule:
    """Remove versions so many days after they were retired or overwritten, then the markers that hid them.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    """
    return LifecycleRule(
        Id="ForgetRetired",
        Status="Enabled",
        Prefix="",
        NoncurrentVersionExpiration=NoncurrentExpiration(NoncurrentDays=days),
        ExpiredObjectDeleteMarker=True,
    )
