"""Queues, dead letters and receipts for questions about failures."""

from datetime import UTC, datetime
from typing import Any

from data_exports.names import RoleName
from tests.estates import PLATFORM
from tests.unit.operate.receipt_log import Log

ANA = RoleName("alpha_user_ana")


class World:
    """AWS with dead letters, receipts and one role; counts what is put back."""

    class meta:  # noqa: N801 - as a client has it
        endpoint_url = "https://sqs.eu-west-1.amazonaws.com/"

    def __init__(self, files: dict[str, bytes], bodies: list[str]) -> None:
        self.log = Log(files, page=1000)
        self.waiting = [
            {
                "MessageId": f"m{number}",
                "ReceiptHandle": f"h{number}",
                "Body": body,
                "Attributes": {
                    "SentTimestamp": str(int(datetime(2031, 3, 30, 9, tzinfo=UTC).timestamp() * 1000) + number)
                },
            }
            for number, body in enumerate(bodies)
        ]
        self.total = len(bodies)
        self.put_back: list[str] = []

    def client(self, service: str) -> "World":
        return self

    def get_paginator(self, operation: str) -> "World":
        return self

    def paginate(self, *, ExpectedBucketOwner: str, Bucket: str, **arguments: Any) -> Any:  # noqa: N803
        assert ExpectedBucketOwner == PLATFORM.account
        return self.log.paginate(Bucket="hub-log", **arguments)

    def get_object(self, *, ExpectedBucketOwner: str, Bucket: str, Key: str) -> Any:  # noqa: N803
        assert ExpectedBucketOwner == PLATFORM.account
        return self.log.get_object(Bucket="hub-log", Key=Key)

    def get_role(self, *, RoleName: str) -> Any:  # noqa: N803
        return {"Role": {"RoleId": "AROAANA" if RoleName == ANA else "AROAOTHER"}}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803
        assert QueueUrl == f"https://sqs.eu-west-1.amazonaws.com/{PLATFORM.account}/export_hearings-DLQ"
        return {"Attributes": dict(zip(AttributeNames, (str(self.total), "0"), strict=True))}

    def receive_message(self, *, MaxNumberOfMessages: int, **_: Any) -> Any:  # noqa: N803
        found, self.waiting = self.waiting[:MaxNumberOfMessages], self.waiting[MaxNumberOfMessages:]
        return {"Messages": found}

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> None:  # noqa: N803
        assert {entry["VisibilityTimeout"] for entry in Entries} <= {0}
        self.put_back += [entry["ReceiptHandle"] for entry in Entries]
