"""What tests do again and again against the local AWS: roles, buckets, queues, refusals, waiting."""

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.local import clients
from data_exports.local.emulator import LocalAws
from tests.patience import PATIENCE_SECONDS

ACCOUNT = "593291632749"
REGION = "eu-west-1"

Statement = dict[str, Any]


def allow(actions: str | Sequence[str], resources: Any, **more: Any) -> Statement:
    """A policy statement; `resources` as policies or templates write them, `more` such as `Principal`, `Condition`."""
    return {"Effect": "Allow", "Action": actions, "Resource": resources, **more}


def policy_of(*statements: Statement) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Steps:
    """What tests do again and again against the local AWS, by account."""

    local: LocalAws

    def client(self, service: str, account: str = ACCOUNT) -> Any:
        """A client as the account's root."""
        return clients.client(self.local, service, account=account)

    def role(self, *statements: Statement, account: str = ACCOUNT, name: str = "", path: str = "/") -> str:
        """Make a role that its account's root may assume, with these rights; gives its ARN."""
        iam = self.client("iam", account)
        name = name or f"role-{uuid.uuid4().hex[:8]}"
        principal = {"AWS": f"arn:aws:iam::{account}:root", "Service": "lambda.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        arn: str = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=policy_of(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy_of(*statements))
        return arn

    def as_role(self, service: str, role_arn: str, *, session_name: str = "tests") -> Any:
        """A client as a session of the role."""
        return clients.client_as(self.local, service, role_arn, session_name=session_name)

    def bucket(self, *statements: Statement, account: str = ACCOUNT, name: str = "", versioned: bool = False) -> str:
        """Make a bucket, with a policy of these statements if there are any; gives its name."""
        s3 = self.client("s3", account)
        name = name or f"bucket-{uuid.uuid4().hex[:8]}"
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        if versioned:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        if statements:
            s3.put_bucket_policy(Bucket=name, Policy=policy_of(*statements))
        return name

    def queue(self, name: str = "", *, account: str = ACCOUNT, **attributes: str) -> tuple[str, str]:
        """Make a queue; gives its URL and its ARN."""
        sqs = self.client("sqs", account)
        url = sqs.create_queue(QueueName=name or f"queue-{uuid.uuid4().hex[:8]}", Attributes=attributes)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, arn


def refusal_of(call: Callable[[], Any]) -> str:
    """The code of AWS's refusal, such as ``AccessDenied`` or ``404``; ``""`` when the call succeeds."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def wait_until(met: Callable[[], bool], tell: Callable[[], object] = str) -> None:
    """Wait until the condition holds; fails the test when it never does, and tells what there is instead."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not met():
        if time.monotonic() > deadline:
            pytest.fail(f"not met within {PATIENCE_SECONDS:g} s: {met} {tell()}")
        time.sleep(0.05)
