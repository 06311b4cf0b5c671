"""Handing over what was uploaded before its rule: the messages are those the mover reads, in batches, none lost."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.deploy.apply.backlog import read_datasets_with_rules, send_backlog
from data_exports.mover.events import read_messages
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, push

MOVES = push("moves")
UPLOADED = datetime(2026, 11, 23, 9, 0, 0, 123000, tzinfo=UTC)
QUEUE = "arn:aws:sqs:eu-west-1:593291632749:export_moves"


def aws_with(*keys: str, refuse: bool = False, forget: int = 0) -> AwsAnswers:
    """S3 with pages of versions, and SQS that refuses one message, or does not tell of some."""

    def versions_of(key: str) -> list[dict[str, Any]]:
        version = {"Key": key, "VersionId": "v2", "ETag": '"e"', "Size": 5, "LastModified": UPLOADED}
        return [{**version, "IsLatest": True}, {**version, "VersionId": "v1", "IsLatest": False}]

    def list_versions(**asked: str) -> list[dict[str, Any]]:
        assert asked == {"Bucket": "mojap-hub-exports", "Prefix": "moves/"}
        gone = {"Key": "moves/gone", "VersionId": "v3", "IsLatest": True}
        return [*({"Versions": versions_of(key)} for key in keys), {"DeleteMarkers": [gone]}]

    def send(QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        assert QueueUrl == "export_moves"
        if refuse:
            return {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries[: len(Entries) - forget]]}

    queue = {"get_queue_url": lambda QueueName: {"QueueUrl": QueueName}, "send_message_batch": send}  # noqa: N803
    return AwsAnswers({"list_object_versions": list_versions, **queue})


def batches_sent(answers: AwsAnswers) -> list[list[str]]:
    sent = [asked["Entries"] for operation, asked in answers.asked if operation == "send_message_batch"]
    return [[entry["MessageBody"] for entry in entries] for entries in sent]


def test_the_mover_reads_of_each_upload_what_s3_would_have_told() -> None:
    answers = aws_with("moves/a é+%.txt")
    assert send_backlog(answers, PLATFORM, MOVES) == 1
    ((body,),) = batches_sent(answers)
    (message,) = read_messages({"Records": [{"messageId": "m", "body": body, "attributes": {}}]})
    (upload,) = message.uploads
    assert message.problems == ()
    assert (upload.bucket, upload.key, upload.version_id) == ("mojap-hub-exports", "moves/a é+%.txt", "v2")
    assert (upload.etag, upload.size_bytes) == ("e", 5)
    assert (upload.uploaded_by, upload.uploaded_at) == ("data-exports:deploy", "2026-11-23T09:00:00.123Z")


def test_every_current_object_of_every_page_is_sent_ten_at_a_time() -> None:
    answers = aws_with(*[f"moves/{number}" for number in range(21)])
    assert send_backlog(answers, PLATFORM, MOVES) == 21
    assert [len(batch) for batch in batches_sent(answers)] == [10, 10, 1]


def test_a_message_that_sqs_refuses_is_an_error() -> None:
    with pytest.raises(ClientError, match="InternalError"):
        send_backlog(aws_with("moves/a", refuse=True), PLATFORM, MOVES)


def test_a_message_that_sqs_does_not_name_as_sent_is_an_error() -> None:
    with pytest.raises(ClientError, match="SQS does not say that it has every message"):
        send_backlog(aws_with("moves/a", "moves/b", forget=1), PLATFORM, MOVES)


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
    configured = [
        {"QueueArn": arn, "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": prefix}]}}}
        for arn, prefix in (rules or {}).items()
    ]
    answer = refusal("AccessDenied") if rules is None else {"QueueConfigurations": configured}
    answers = AwsAnswers({"get_bucket_notification_configuration": answer})
    assert read_datasets_with_rules(answers, PLATFORM, [MOVES]) == ruled
