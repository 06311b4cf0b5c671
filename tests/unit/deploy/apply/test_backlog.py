"""Handing over what was uploaded before its rule: the messages are those the mover reads, in batches, none lost."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from data_exports.aws import Aws
from data_exports.deploy.apply.backlog import read_datasets_with_rules, send_backlog
from data_exports.mover.events import read_messages
from tests.estates import PLATFORM, push

MOVES = push("moves")
UPLOADED = datetime(2026, 11, 23, 9, 0, 0, 123000, tzinfo=UTC)
QUEUE = "arn:aws:sqs:eu-west-1:593291632749:export_moves"


class FakeAws:
    """S3 with pages of versions, and SQS that keeps what it is sent, refuses one message, or does not tell of some."""

    def __init__(self, *keys: str, refuse: bool = False, forget: int = 0, rules: dict[str, str] | None = None) -> None:
        self.keys = keys
        self.refuse = refuse
        self.forget = forget
        self.rules = rules
        self.batches: list[list[str]] = []

    def client(self, service: str) -> "FakeAws":
        del service
        return self

    def get_paginator(self, operation: str) -> "FakeAws":
        assert operation == "list_object_versions"
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, Any]]:
        assert asked == {"Bucket": "mojap-hub-exports", "Prefix": "moves/"}
        for key in self.keys:
            version = {"Key": key, "VersionId": "v2", "ETag": '"e"', "Size": 5, "LastModified": UPLOADED}
            yield {"Versions": [{**version, "IsLatest": True}, {**version, "VersionId": "v1", "IsLatest": False}]}
        yield {"DeleteMarkers": [{"Key": "moves/gone", "VersionId": "v3", "IsLatest": True}]}

    def get_queue_url(self, QueueName: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        return {"QueueUrl": QueueName}

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == "export_moves"
        self.batches.append([entry["MessageBody"] for entry in Entries])
        if self.refuse:
            return {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries[: len(Entries) - self.forget]]}

    def get_bucket_notification_configuration(self, **_: str) -> dict[str, Any]:
        if self.rules is None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetBucketNotification")
        return {
            "QueueConfigurations": [
                {"QueueArn": arn, "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": prefix}]}}}
                for arn, prefix in self.rules.items()
            ]
        }


def test_the_mover_reads_of_each_upload_what_s3_would_have_told() -> None:
    aws = FakeAws("moves/a é+%.txt")
    assert send_backlog(cast(Aws, aws), PLATFORM, MOVES) == 1
    ((body,),) = aws.batches
    (message,) = read_messages({"Records": [{"messageId": "m", "body": body, "attributes": {}}]})
    (upload,) = message.uploads
    assert message.problems == ()
    assert (upload.bucket, upload.key, upload.version_id) == ("mojap-hub-exports", "moves/a é+%.txt", "v2")
    assert (upload.etag, upload.size_bytes) == ("e", 5)
    assert (upload.uploaded_by, upload.uploaded_at) == ("data-exports:deploy", "2026-11-23T09:00:00.123Z")


def test_every_current_object_of_every_page_is_sent_ten_at_a_time() -> None:
    aws = FakeAws(*[f"moves/{number}" for number in range(21)])
    assert send_backlog(cast(Aws, aws), PLATFORM, MOVES) == 21
    assert [len(batch) for batch in aws.batches] == [10, 10, 1]


def test_a_message_that_sqs_refuses_is_an_error() -> None:
    with pytest.raises(ClientError, match="InternalError"):
        send_backlog(cast(Aws, FakeAws("moves/a", refuse=True)), PLATFORM, MOVES)


def test_a_message_that_sqs_does_not_name_as_sent_is_an_error() -> None:
    with pytest.raises(ClientError, match="SQS does not say that it has every message"):
        send_backlog(cast(Aws, FakeAws("moves/a", "moves/b", forget=1)), PLATFORM, MOVES)


@pytest.mark.parametrize(
    ("rules", "ruled"),
    [
        ({QUEUE: "moves/"}, {"moves"}),
        ({QUEUE: "moves_private/"}, set()),
        ({QUEUE.replace("export_moves", "export_other"): "moves/"}, set()),
        ({}, set()),
        (None, set()),
    ],
    ids=["its rule", "another prefix", "another queue", "no rule", "not told"],
)
def test_a_rule_is_one_of_this_prefix_to_this_queue_and_none_when_aws_does_not_tell(
    rules: dict[str, str] | None, ruled: set[str]
) -> None:
    assert read_datasets_with_rules(cast(Aws, FakeAws(rules=rules)), PLATFORM, [MOVES]) == ruled
