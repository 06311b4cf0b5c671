"""S3 as AWS does it: which notification rules a bucket accepts, and what its events say."""

import json
from typing import Any

import pytest

from tests.emulator.steps import ACCOUNT, Steps, allow, policy_of, refusal_of, wait_until

pytestmark = pytest.mark.emulator

REFUSED = "InvalidArgument"


def queue_for(steps: Steps, bucket: str) -> tuple[str, str]:
    """A queue that takes this bucket's events, with the test event already read; its URL and ARN."""
    url, arn = steps.queue()
    source = {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
    statement = allow("sqs:SendMessage", arn, Principal={"Service": "s3.amazonaws.com"}, Condition=source)
    steps.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy_of(statement)})
    return url, arn


def rule(queue_arn: str, prefix: str, *, event: str = "s3:ObjectCreated:*", suffix: str = "") -> dict[str, Any]:
    rules = [{"Name": "prefix", "Value": prefix}] + ([{"Name": "suffix", "Value": suffix}] if suffix else [])
    return {"QueueArn": queue_arn, "Events": [event], "Filter": {"Key": {"FilterRules": rules}}}


def put_rules(steps: Steps, bucket: str, *rules: dict[str, Any]) -> str:
    configuration = {"QueueConfigurations": list(rules)}
    return refusal_of(
        lambda: steps.client("s3").put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration
        )
    )


def events_in(steps: Steps, url: str, *, count: int) -> list[dict[str, Any]]:
    """The first `count` events of the queue, the test event left out."""
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        answer = steps.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        bodies = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        found.extend(record for body in bodies for record in body.get("Records", []))
        return len(found) >= count

    wait_until(enough)
    return found


def test_rules_whose_prefixes_overlap_are_refused(steps: Steps) -> None:
    bucket = steps.bucket()
    _, arn = queue_for(steps, bucket)
    assert put_rules(steps, bucket, rule(arn, "orders/"), rule(arn, "orders_private/")) == ""
    assert put_rules(steps, bucket, rule(arn, "orders/"), rule(arn, "orders/new/")) == REFUSED
    assert put_rules(steps, bucket, rule(arn, "a"), rule(arn, "ab/")) == REFUSED
    removed = "s3:ObjectRemoved:*"
    assert put_rules(steps, bucket, rule(arn, "orders/"), rule(arn, "orders/", event=removed)) == ""
    assert put_rules(steps, bucket, rule(arn, "a/", suffix=".csv"), rule(arn, "a/", suffix=".gz")) == ""


def test_a_bucket_takes_a_hundred_rules_and_no_more(steps: Steps) -> None:
    bucket = steps.bucket()
    _, arn = queue_for(steps, bucket)
    rules = [rule(arn, f"dataset_{number:03}/") for number in range(101)]
    assert put_rules(steps, bucket, *rules[:100]) == ""
    assert put_rules(steps, bucket, *rules) == REFUSED


def test_a_queue_that_does_not_let_the_bucket_in_is_refused(steps: Steps) -> None:
    bucket = steps.bucket()
    _, foreign = queue_for(steps, steps.bucket())
    assert put_rules(steps, bucket, rule(foreign, "a/")) == REFUSED


def test_an_event_names_the_version_the_etag_and_the_session_that_uploaded(steps: Steps) -> None:
    bucket = steps.bucket(versioned=True)
    url, arn = queue_for(steps, bucket)
    assert put_rules(steps, bucket, rule(arn, "orders/")) == ""
    role = steps.role(allow("s3:*", "*"))
    role_id = steps.client("iam").get_role(RoleName=role.rsplit("/", 1)[-1])["Role"]["RoleId"]
    s3 = steps.as_role("s3", role, session_name="ana@example.gov.uk")
    s3.put_object(Bucket=bucket, Key="other/file", Body=b"")
    put = s3.put_object(Bucket=bucket, Key="orders/a b+c.csv", Body=b"123")
    (event,) = events_in(steps, url, count=1)
    assert event["eventName"] == "ObjectCreated:Put"
    assert event["userIdentity"] == {"principalId": f"AWS:{role_id}:ana@example.gov.uk"}
    assert role_id.startswith("AROA")
    described = {key: event["s3"]["object"][key] for key in ("key", "size", "eTag", "versionId")}
    assert described == {
        "key": "orders/a+b%2Bc.csv",
        "size": 3,
        "eTag": put["ETag"].strip('"'),
        "versionId": put["VersionId"],
    }


def test_no_event_is_lost_while_its_queue_is_read(steps: Steps) -> None:
    from concurrent.futures import ThreadPoolExecutor

    bucket = steps.bucket()
    url, arn = queue_for(steps, bucket)
    assert put_rules(steps, bucket, rule(arn, "a/")) == ""
    s3 = steps.client("s3")
    with ThreadPoolExecutor(8) as pool:
        puts = [pool.submit(s3.put_object, Bucket=bucket, Key=f"a/{n}", Body=b"") for n in range(200)]
        events = events_in(steps, url, count=200)
        assert all(done.result() for done in puts)
    assert sorted(event["s3"]["object"]["key"] for event in events) == sorted(f"a/{n}" for n in range(200))
