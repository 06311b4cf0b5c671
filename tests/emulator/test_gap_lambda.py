"""Lambda as AWS does it: what a function finds where it runs, and how its queue is polled."""

import io
import json
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from data_exports.aws import aws_with_keys
from data_exports.deploy.drift.presigned import read_presigned
from data_exports.errors import ExportsError
from tests.emulator.functions import answer_of, function, zip_of
from tests.emulator.steps import Steps, allow, refusal_of, wait_until
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.emulator


FINDS = """
import importlib.util, os, sys
def handler(event, context):
    found = [name for name in event if importlib.util.find_spec(name)]
    return {"found": found, "paths": [p for p in sys.path if "site-packages" in p], "env": dict(os.environ)}
"""


def test_a_function_finds_the_runtimes_packages_and_nothing_else_of_this_computer(steps: Steps, unique: Any) -> None:
    name = unique("function")
    function(steps, FINDS, steps.role(), name=name, Environment={"Variables": {"MINE": "1"}})
    asked = ["boto3", "botocore", "urllib3", "dateutil", "yaml", "pytest", "ministack", "data_exports"]
    answer = answer_of(steps, name, asked)
    assert answer["found"] == ["boto3", "botocore", "urllib3", "dateutil"]
    assert answer["paths"] == []
    variables = answer["env"]
    assert (variables["MINE"], variables["AWS_REGION"], variables["AWS_LAMBDA_FUNCTION_NAME"]) == (
        "1",
        "eu-west-1",
        name,
    )
    assert not {"GATEWAY_PORT", "MINISTACK_ACCOUNT_ID", "STATE_DIR", "AUTH", "VIRTUAL_ENV"} & set(variables)


def test_a_function_starts_with_nothing_imported_that_it_did_not_ask_for(steps: Steps, unique: Any) -> None:
    name = unique("function")
    function(
        steps, "import sys\ndef handler(event, context): return 'botocore' in sys.modules", steps.role(), name=name
    )
    assert answer_of(steps, name) is False


CALLS = """
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket=event["bucket"], Key=event["key"], Body=b"1")
    return boto3.client("sts").get_caller_identity()["Arn"]
"""


def test_a_function_acts_with_its_role_and_no_more(steps: Steps, unique: Any) -> None:
    bucket, name = steps.bucket(), unique("function")
    role = steps.role(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/in/*"), path="/service-role/")
    function(steps, CALLS, role, name=name)
    caller = answer_of(steps, name, {"bucket": bucket, "key": "in/a"})
    assert caller == f"arn:aws:sts::593291632749:assumed-role/{role.rsplit('/', 1)[-1]}/{name}"
    assert "AccessDenied" in answer_of(steps, name, {"bucket": bucket, "key": "out/a"})["errorMessage"]


WAITS = """
import boto3, os, time
def handler(event, context):
    s3, bucket = boto3.client("s3"), event["bucket"]
    s3.put_object(Bucket=bucket, Key="began", Body=b"")
    while "Contents" not in s3.list_objects_v2(Bucket=bucket, Prefix="go on"):
        time.sleep(0.05)
    return os.environ["SETTING"]
"""


def test_an_update_lets_what_runs_go_on_to_its_end_and_what_begins_later_is_new(steps: Steps, unique: Any) -> None:
    bucket, name, s3 = steps.bucket(), unique("function"), steps.client("s3")
    role = steps.role(allow(["s3:PutObject", "s3:ListBucket"], [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]))
    function(steps, WAITS, role, name=name, Timeout=900, Environment={"Variables": {"SETTING": "old"}})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(answer_of, steps, name, {"bucket": bucket})
        wait_until(lambda: "Contents" in s3.list_objects_v2(Bucket=bucket, Prefix="began"))
        functions = steps.client("lambda")
        functions.update_function_code(FunctionName=name, ZipFile=zip_of(WAITS + "# another"))
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"SETTING": "new"}})
        s3.put_object(Bucket=bucket, Key="go on", Body=b"")
        assert running.result() == "old"
    assert answer_of(steps, name, {"bucket": bucket}) == "new"


RECORDS = """
import boto3, json, os, time
def handler(event, context):
    key = f"{time.time_ns()}"
    bodies = [record["body"] for record in event["Records"]]
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=json.dumps(bodies))
"""


def mapped(
    steps: Steps, name: str, bodies: Sequence[str] = (), *, may_receive: bool = True, **mapping: Any
) -> tuple[str, str, str]:
    """A queue polled by a function that writes each batch to a bucket: the queue's URL, the bucket, the mapping.

    The messages are there before anybody polls, so that all of them are in the first window however slow this is.
    """
    bucket = steps.bucket()
    url, arn = steps.queue(VisibilityTimeout="30")
    rights = [allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*")]
    if may_receive:
        polling = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        rights.append(allow(polling, arn))
    function(steps, RECORDS, steps.role(*rights), name=name, Environment={"Variables": {"BUCKET": bucket}})
    send(steps, url, bodies)
    made = steps.client("lambda").create_event_source_mapping(FunctionName=name, EventSourceArn=arn, **mapping)
    return url, bucket, made["UUID"]


def send(steps: Steps, url: str, bodies: Sequence[str]) -> None:
    sqs = steps.client("sqs")
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)


def batches_in(steps: Steps, bucket: str) -> list[list[str]]:
    s3 = steps.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]


def test_a_batch_waits_for_its_window_and_takes_more_than_ten(steps: Steps, unique: Any) -> None:
    bodies, started = [str(n) for n in range(60)], time.monotonic()
    _, bucket, _ = mapped(steps, unique("function"), bodies, BatchSize=1000, MaximumBatchingWindowInSeconds=2)
    wait_until(lambda: len(batches_in(steps, bucket)) > 0)
    assert time.monotonic() - started >= 2
    assert [sorted(batch, key=int) for batch in batches_in(steps, bucket)] == [bodies]


def test_a_full_batch_does_not_wait_for_its_window(steps: Steps, unique: Any) -> None:
    window = 300  # the longest; no test waits so long
    assert window > PATIENCE_SECONDS
    bodies = [str(n) for n in range(20)]
    _, bucket, _ = mapped(steps, unique("function"), bodies, BatchSize=20, MaximumBatchingWindowInSeconds=window)
    wait_until(lambda: len(batches_in(steps, bucket)) > 0)
    assert [len(batch) for batch in batches_in(steps, bucket)] == [20]


def test_a_batch_holds_no_more_than_six_megabytes(steps: Steps, unique: Any) -> None:
    bodies = ["x" * 1_000_000] * 8
    _, bucket, _ = mapped(steps, unique("function"), bodies, BatchSize=100, MaximumBatchingWindowInSeconds=2)
    wait_until(lambda: sum(map(len, batches_in(steps, bucket))) == 8)
    assert sorted(len(batch) for batch in batches_in(steps, bucket)) == [2, 6]


def test_a_role_that_may_not_receive_polls_nothing(steps: Steps, unique: Any) -> None:
    url, bucket, mapping = mapped(steps, unique("function"), may_receive=False)
    send(steps, url, ["1"])
    client = steps.client("lambda")
    wait_until(lambda: "PROBLEM" in client.get_event_source_mapping(UUID=mapping)["LastProcessingResult"])
    assert batches_in(steps, bucket) == []
    attributes = steps.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "1"


PARTLY = """
import boto3, os
def handler(event, context):
    failed = [record for record in event["Records"] if record["body"] == "bad"]
    for record in failed:
        boto3.client("sqs").change_message_visibility(
            QueueUrl=os.environ["QUEUE"], ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0)
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}
"""


def test_failed_messages_of_a_batch_come_back_alone_and_end_as_dead_letters(steps: Steps, unique: Any) -> None:
    dead_url, dead_arn = steps.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 3})
    url, arn = steps.queue(RedrivePolicy=redrive, VisibilityTimeout="600")  # longer than any test waits
    name = unique("function")
    function(steps, PARTLY, steps.role(allow("sqs:*", arn)), name=name, Environment={"Variables": {"QUEUE": url}})
    steps.client("lambda").create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 2},
    )
    send(steps, url, ["good", "bad", "good"])
    received: list[str] = []

    def dead() -> bool:
        got = steps.client("sqs").receive_message(QueueUrl=dead_url, MaxNumberOfMessages=10).get("Messages", [])
        received.extend(message["Body"] for message in got)
        return bool(received)

    def left() -> set[str]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return set(steps.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())

    wait_until(dead)
    assert received == ["bad"]
    wait_until(lambda: left() == {"0"})  # a good one may still be handled


def test_a_mapping_takes_one_window_and_concurrency_back(steps: Steps, unique: Any) -> None:
    _, _, mapping = mapped(
        steps,
        unique("function"),
        BatchSize=1000,
        MaximumBatchingWindowInSeconds=1,
        ScalingConfig={"MaximumConcurrency": 5},
    )
    got = steps.client("lambda").get_event_source_mapping(UUID=mapping)
    assert (got["BatchSize"], got["MaximumBatchingWindowInSeconds"], got["ScalingConfig"]) == (
        1000,
        1,
        {"MaximumConcurrency": 5},
    )


def test_a_function_that_takes_too_long_is_ended_and_its_message_comes_back(steps: Steps, unique: Any) -> None:
    name, slow = unique("function"), "import time\ndef handler(event, context):\n    time.sleep(30)\n"
    function(steps, slow, steps.role(), name=name, Timeout=1)
    assert "timed out" in answer_of(steps, name)["errorMessage"]


def test_a_functions_code_lies_where_lambda_says_and_is_nobody_elses(steps: Steps, unique: Any) -> None:
    name = unique("function")
    function(steps, FINDS, steps.role(), name=name)
    where = steps.client("lambda").get_function(FunctionName=name)["Code"]["Location"]
    aws = aws_with_keys("eu-west-1", endpoint_url=steps.local.endpoint_url, access_key_id="a", secret_access_key="b")
    with zipfile.ZipFile(io.BytesIO(read_presigned(aws, where))) as archive:
        assert {each: archive.read(each).decode() for each in archive.namelist()} == {"index.py": FINDS}
    for other in (where.replace(name, f"{name}-2"), where.partition("?")[0]):
        with pytest.raises(ExportsError, match=r"127\.0\.0\.1:[0-9]+ answered 40[03]"):
            read_presigned(aws, other)


def test_a_function_is_missing_until_it_is_made(steps: Steps, unique: Any) -> None:
    client = steps.client("lambda")
    assert refusal_of(lambda: client.get_function(FunctionName=unique("none"))) == "ResourceNotFoundException"


def test_a_function_of_another_account_is_out_of_reach(steps: Steps, unique: Any) -> None:
    name = unique("function")
    function(steps, FINDS, steps.role(), name=name)
    arn = steps.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    other = steps.as_role("lambda", steps.role(allow("lambda:*", "*"), account="754256621582"))
    assert refusal_of(lambda: other.invoke(FunctionName=arn, Payload=b"[]")) == "AccessDeniedException"
    assert refusal_of(lambda: other.get_function(FunctionName=arn)) == "AccessDeniedException"
    mine = steps.as_role("lambda", steps.role(allow("lambda:InvokeFunction", arn)))
    assert refusal_of(lambda: mine.invoke(FunctionName=arn, Payload=b"[]")) == ""


def test_a_log_is_written_with_the_rights_of_the_functions_role(steps: Steps, unique: Any) -> None:
    write = ["logs:CreateLogStream", "logs:PutLogEvents"]
    logs, groups = steps.client("logs"), "arn:aws:logs:eu-west-1:593291632749:log-group:/aws/lambda/*"
    name, silent = unique("function"), unique("function")
    function(steps, "def handler(event, context): print('hello')", steps.role(allow(write, groups)), name=name)
    function(steps, "def handler(event, context): print('hello')", steps.role(), name=silent)
    logs.create_log_group(logGroupName=f"/aws/lambda/{silent}")

    answer_of(steps, name)  # no right to make the group
    answer_of(steps, silent)  # no right to write to it
    assert logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"] == []
    assert logs.describe_log_streams(logGroupName=f"/aws/lambda/{silent}")["logStreams"] == []

    logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    answer_of(steps, name)
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    assert any("hello" in event["message"] for event in events)
