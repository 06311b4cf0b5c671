"""S3 as AWS does it: server access logs, where they go, who may be asked to keep them, and what a line holds."""

from typing import Any

import pytest

from data_exports.names import DatasetName
from data_exports.operate.access_logs import AccessRecord, parse_access_line
from tests.emulator.federated import federated_reader
from tests.emulator.steps import ACCOUNT, Steps, allow, policy_of, refusal_of

pytestmark = pytest.mark.emulator

PARTITIONED = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}


def target_for(steps: Steps, source: str, *, account: str = ACCOUNT) -> str:
    """A bucket whose policy lets S3's log service write what is logged of this source."""
    target = steps.bucket()
    condition = {
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
        "StringEquals": {"aws:SourceAccount": account},
    }
    service = {"Service": "logging.s3.amazonaws.com"}
    statement = allow("s3:PutObject", f"arn:aws:s3:::{target}/logs/*", Principal=service, Condition=condition)
    steps.client("s3").put_bucket_policy(Bucket=target, Policy=policy_of(statement))
    return target


def log_to(steps: Steps, source: str, target: str, **form: Any) -> str:
    enabled = {"TargetBucket": target, "TargetPrefix": "logs/", **form}
    return refusal_of(
        lambda: steps.client("s3").put_bucket_logging(Bucket=source, BucketLoggingStatus={"LoggingEnabled": enabled})
    )


def lines_of(steps: Steps, target: str) -> list[str]:
    s3 = steps.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=target).get("Contents", [])]
    return [line for key in keys for line in s3.get_object(Bucket=target, Key=key)["Body"].read().decode().splitlines()]


def records_of(steps: Steps, target: str) -> list[AccessRecord]:
    found = [parse_access_line(line, DatasetName("any")) for line in lines_of(steps, target)]
    return [each for each in found if each]


def test_each_request_leaves_a_line_in_the_folder_of_its_day(steps: Steps) -> None:
    source = steps.bucket(versioned=True)
    target = target_for(steps, source)
    assert log_to(steps, source, target, TargetObjectKeyFormat=PARTITIONED) == ""
    s3 = steps.client("s3")
    version = s3.put_object(Bucket=source, Key='a b+c/%"ü.csv', Body=b"12345")["VersionId"]
    assert s3.get_object(Bucket=source, Key='a b+c/%"ü.csv', VersionId=version)["Body"].read() == b"12345"
    s3.list_objects_v2(Bucket=source)
    s3.delete_objects(Bucket=source, Delete={"Objects": [{"Key": 'a b+c/%"ü.csv'}]})
    found = {each.operation: each for each in records_of(steps, target)}
    assert {name: (each.key, each.doing) for name, each in found.items()} == {
        "REST.PUT.OBJECT": ('a b+c/%"ü.csv', "wrote"),
        "REST.GET.OBJECT": ('a b+c/%"ü.csv', "read"),
        "REST.GET.BUCKET": ("", "listed"),
        "BATCH.DELETE.OBJECT": ('a b+c/%"ü.csv', "deleted"),
    }
    assert (found["REST.PUT.OBJECT"].version_id, found["REST.GET.OBJECT"].version_id) == (None, version)  # as asked for
    assert found["REST.GET.OBJECT"].bytes_sent == 5
    moment = found["REST.GET.OBJECT"].at
    region = s3.meta.region_name
    (key, *_) = [each["Key"] for each in s3.list_objects_v2(Bucket=target)["Contents"]]
    assert key.rpartition("-")[0] == f"logs/{ACCOUNT}/{region}/{source}/{moment:%Y/%m/%d}/{moment:%Y-%m-%d}-00-00-00"


def test_a_role_is_named_by_its_session_and_a_refusal_is_logged_too(steps: Steps) -> None:
    source = steps.bucket()
    target = target_for(steps, source)
    log_to(steps, source, target)
    steps.client("s3").put_object(Bucket=source, Key="x", Body=b"1")
    reader = steps.role(allow("s3:GetObject", f"arn:aws:s3:::{source}/x"))
    s3 = steps.as_role("s3", reader, session_name="someone")
    s3.get_object(Bucket=source, Key="x")
    assert refusal_of(lambda: s3.put_object(Bucket=source, Key="x", Body=b"2")) == "AccessDenied"
    name = reader.rpartition("/")[2]
    of_role = [each for each in records_of(steps, target) if "assumed-role" in each.requester]
    assert {each.requester for each in of_role} == {f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/someone"}
    assert {(each.operation, each.status, each.error_code, each.doing) for each in of_role} == {
        ("REST.GET.OBJECT", 200, None, "read"),
        ("REST.PUT.OBJECT", 403, "AccessDenied", "refused"),
    }


def test_a_reader_from_outside_aws_is_named_by_its_role_and_its_own_choice_of_a_session(steps: Steps) -> None:
    source = steps.bucket()
    target = target_for(steps, source)
    log_to(steps, source, target)
    steps.client("s3").put_object(Bucket=source, Key="x", Body=b"1")
    reader = federated_reader(steps, allow("s3:GetObject", f"arn:aws:s3:::{source}/*"))
    reader.client("s3", session_name="chosen").get_object(Bucket=source, Key="x")
    (read,) = [each for each in records_of(steps, target) if each.operation == "REST.GET.OBJECT"]
    assert read.requester == f"arn:aws:sts::{ACCOUNT}:assumed-role/{reader.role.rpartition('/')[2]}/chosen"


def test_a_copy_is_a_line_in_the_log_of_either_bucket(steps: Steps) -> None:
    source, copy = steps.bucket(), steps.bucket()
    target, other = target_for(steps, source), target_for(steps, copy)
    log_to(steps, source, target)
    log_to(steps, copy, other)
    s3 = steps.client("s3")
    s3.put_object(Bucket=source, Key="x", Body=b"12345")
    s3.copy_object(Bucket=copy, Key="y", CopySource={"Bucket": source, "Key": "x"})
    read, wrote = records_of(steps, target)[-1], records_of(steps, other)[-1]
    by_operation = {each.operation: each for each in records_of(steps, target)}
    assert "REST.COPY.OBJECT_GET" in by_operation, read
    assert (by_operation["REST.COPY.OBJECT_GET"].key, by_operation["REST.COPY.OBJECT_GET"].moved_bytes) == ("x", 5)
    assert (wrote.operation, wrote.key) == ("REST.COPY.OBJECT", "y")


def test_logs_go_only_where_the_targets_policy_lets_s3_write(steps: Steps) -> None:
    source, stranger = steps.bucket(), steps.bucket()
    target = target_for(steps, source)
    log_to(steps, stranger, target)
    elsewhere = target_for(steps, source, account="999999999999")
    log_to(steps, source, elsewhere)
    steps.client("s3").put_object(Bucket=stranger, Key="x", Body=b"1")
    steps.client("s3").put_object(Bucket=source, Key="x", Body=b"1")
    assert (lines_of(steps, target), lines_of(steps, elsewhere)) == ([], [])


def test_a_target_must_be_there_and_of_the_same_account(steps: Steps) -> None:
    source = steps.bucket()
    assert log_to(steps, source, f"{source}-nowhere") == "InvalidTargetBucketForLogging"
    other = steps.bucket(account="210987654321")
    assert log_to(steps, source, other) == "InvalidTargetBucketForLogging"
    assert steps.client("s3").get_bucket_logging(Bucket=source).get("LoggingEnabled") is None
