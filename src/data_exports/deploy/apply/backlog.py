"""Uploads that came before the hub had their dataset's rule: no event tells of them, so their mover is told here.

In: the hub's rules as they were, the push datasets that have rules now. Out: how many uploads each mover was told of.
Effects: sends to a dataset's queue, for each object under its prefix, the message that S3 would have sent. A mover that
hears of an upload twice delivers it once.
"""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from data_exports.access.grants import queue_arn_of
from data_exports.aws import AWS_EXCEPTIONS, Aws, reason_of, refusal_of
from data_exports.deploy.apply.outcomes import DeployEvent, ProgressNote, StackOutcome
from data_exports.deploy.remote import prefix_of_rule, version_pages
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import DatasetName, queue_name_of
from data_exports.text import counted

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

SENDER = "data-exports:deploy"
"""Who uploaded, as far as we can tell: S3's listing does not say."""
MESSAGES_IN_A_BATCH = 10
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html"""


def read_datasets_with_rules(aws: Aws, platform: Platform, pushes: Iterable[PushDataset]) -> frozenset[DatasetName]:
    """The push datasets whose rules the hub has now.

    None when there is no hub, and none when AWS does not tell: rather tell a mover twice than not at all.
    """
    try:
        answer = aws.client("s3").get_bucket_notification_configuration(
            Bucket=str(platform.hub_bucket), ExpectedBucketOwner=str(platform.account)
        )
    except AWS_EXCEPTIONS:
        return frozenset()
    rules = {(rule["QueueArn"], prefix_of_rule(rule)) for rule in answer.get("QueueConfigurations", [])}
    return frozenset(
        push.name for push in pushes if (queue_arn_of(platform, queue_name_of(push.name)), str(push.prefix)) in rules
    )


def send_backlogs(
    aws: Aws, platform: Platform, pushes: Iterable[PushDataset], hub: StackOutcome
) -> Generator[DeployEvent, None, StackOutcome]:
    """Tell the movers of everything under their datasets' prefixes; the hub's outcome, with what came of that."""
    for push in pushes:
        where = f"s3://{platform.hub_bucket}/{push.prefix}"
        try:
            count = send_backlog(aws, platform, push)
        except AWS_EXCEPTIONS as error:
            reason = f"what was waiting under {where} was not handed to its mover, or not all: {reason_of(error)}"
            again = f"the mover's hourly sweep delivers what is left under {where}"
            hub = replace(hub, reason=_joined(hub.reason, reason), next_step=_joined(hub.next_step, again))
            continue
        if count:
            verb = "was" if count == 1 else "were"
            note = f"{counted(count, 'upload')} {verb} waiting under {push.prefix}: handed to its mover"
            yield ProgressNote(note)
            hub = replace(hub, note=_joined(hub.note, note))
    return hub


def send_backlog(aws: Aws, platform: Platform, push: PushDataset) -> int:
    """Tell the dataset's mover of every current object under its prefix; how many there were.

    Raises botocore's exceptions, also when SQS refuses a single message.
    """
    messages = (upload_message(platform, version) for version in _versions_in_sight(aws, platform, push))
    first = next(messages, None)
    if first is None:
        return 0
    url = aws.client("sqs").get_queue_url(QueueName=queue_name_of(push.name))["QueueUrl"]
    return send_messages(aws, url, chain([first], messages))


def send_messages(aws: Aws, queue_url: str, bodies: Iterable[str]) -> int:
    """Send messages with these bodies; how many. Raises botocore's exceptions, also when SQS refuses a single one."""
    count, rest = 0, iter(bodies)
    while batch := list(islice(rest, MESSAGES_IN_A_BATCH)):
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)
        ]
        answer = aws.client("sqs").send_message_batch(QueueUrl=queue_url, Entries=entries)
        untold = {"Code": "NotTold", "Message": "SQS does not say that it has every message"}
        failed: Sequence[Mapping[str, Any]] = answer.get("Failed", [])
        have = {each["Id"] for each in answer.get("Successful", [])}
        for refusal in failed or [untold for entry in entries if entry["Id"] not in have]:
            raise refusal_of(refusal["Code"], refusal.get("Message", ""), "SendMessageBatch")
        count += len(batch)
    return count


def _joined(*texts: str) -> str:
    return "; ".join(filter(None, texts))


def _versions_in_sight(aws: Aws, platform: Platform, push: PushDataset) -> Iterator[dict[str, Any]]:
    """The current versions under the dataset's prefix, as S3 lists them."""
    for page in version_pages(aws, platform.hub_bucket, prefix=push.prefix):
        yield from (version for version in page.get("Versions", []) if version["IsLatest"])


def upload_message(platform: Platform, version: Mapping[str, Any], *, uploaded_by: str = SENDER) -> str:
    """What S3 would have sent of a version in the hub.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": str(platform.region),
        "eventTime": _written(version["LastModified"]),
        "eventName": "ObjectCreated:Put",
        "sweptAt": _written(datetime.now(UTC)),  # a mover then leaves alone what it finds delivered
        "userIdentity": {"principalId": uploaded_by},
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": str(platform.hub_bucket), "arn": platform.hub_bucket.arn},
            "object": {
                "key": quote_plus(version["Key"], safe="/"),
                "size": version["Size"],
                "eTag": version["ETag"].strip('"'),
                "versionId": version["VersionId"],
            },
        },
    }
    return json.dumps({"Records": [record]})


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
