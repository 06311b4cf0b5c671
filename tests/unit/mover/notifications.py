"""SQS messages with S3 notifications as AWS shapes them, for tests."""

import json
from typing import Any

TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2026-11-02T09:00:00.000Z",
    "Bucket": "hub",
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
}


def notification(key: str = "orders/a.csv", **changes: Any) -> dict[str, Any]:
    """One record of a notification; `key` is form-encoded already, as S3 sends it. A change to None leaves it out."""
    entry = {
        "key": key,
        "size": 1,
        "eTag": "7fc56270e7a70fa81a5935b72eacbe29",
        "versionId": "v1",
        "sequencer": "0055AED6DCD90281E5",
    }
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": changes.pop("eventTime", "2026-11-02T09:00:00.000Z"),
        "eventName": changes.pop("eventName", "ObjectCreated:Put"),
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE:alice@example.org"},
        "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "orders",
            "bucket": {
                "name": changes.pop("bucket", "hub"),
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": "arn:aws:s3:::hub",
            },
            "object": {name: value for name, value in {**entry, **changes}.items() if value is not None},
        },
    }


def message(
    *notifications: dict[str, Any], body: str | None = None, message_id: str = "m1", received: str = "1", sent: int = 1
) -> dict[str, Any]:
    """One SQS record, enqueued so many seconds after 09:00."""
    return {
        "messageId": message_id,
        "receiptHandle": f"AQEB-{message_id}",
        "body": json.dumps({"Records": notifications}) if body is None else body,
        "attributes": {
            "ApproximateReceiveCount": received,
            "SentTimestamp": str(1793610000000 + 1000 * sent),
            "SenderId": "AIDAEXAMPLE:S3-PROD-END",
            "ApproximateFirstReceiveTimestamp": "1793610002000",
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:593291632749:export_orders",
        "awsRegion": "eu-west-1",
    }
