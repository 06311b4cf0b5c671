"""SQS as AWS does it: dead letters are moved back, and queue policies decide."""

import json
import time

import pytest

from tests.emulator.steps import ACCOUNT, Steps, allow, policy_of, refusal_of, wait_until

pytestmark = pytest.mark.emulator

OTHER = "754256621582"


def queue_with_dead_letters(steps: Steps, *, receives: int = 1) -> tuple[str, str, str]:
    """A queue and its dead-letter queue: URL of the queue, URL and ARN of the other."""
    dead_url, dead_arn = steps.queue()
    redrive = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": receives})
    url, _ = steps.queue(RedrivePolicy=redrive, VisibilityTimeout="0")
    return url, dead_url, dead_arn


def depth(steps: Steps, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    got = steps.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(got["Attributes"][name])


def test_dead_letters_are_moved_back_to_where_they_came_from(steps: Steps) -> None:
    sqs = steps.client("sqs")
    url, dead_url, dead_arn = queue_with_dead_letters(steps)
    sqs.send_message(QueueUrl=url, MessageBody="a file")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "a file"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)  # given up: in the other queue now
    assert (depth(steps, url), depth(steps, dead_url)) == (0, 1)

    assert sqs.start_message_move_task(SourceArn=dead_arn)["TaskHandle"]
    wait_until(lambda: sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"][0]["Status"] == "COMPLETED")
    assert (depth(steps, url), depth(steps, dead_url)) == (1, 0)
    (task,) = sqs.list_message_move_tasks(SourceArn=dead_arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"], task["SourceArn"]) == ("COMPLETED", 1, dead_arn)
    back = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["ApproximateReceiveCount"])["Messages"][0]
    assert (back["Body"], back["Attributes"]["ApproximateReceiveCount"]) == ("a file", "1")


def test_only_a_dead_letter_queue_can_be_moved_from(steps: Steps) -> None:
    _, arn = steps.queue()
    sqs = steps.client("sqs")
    nowhere = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:nowhere"
    assert refusal_of(lambda: sqs.start_message_move_task(SourceArn=arn)) == "InvalidParameterValue"
    assert refusal_of(lambda: sqs.start_message_move_task(SourceArn=nowhere)) == "ResourceNotFoundException"
    assert refusal_of(lambda: sqs.list_message_move_tasks(SourceArn=nowhere)) == "ResourceNotFoundException"


def test_a_move_needs_the_right_on_the_dead_letter_queue(steps: Steps) -> None:
    _, _, dead_arn = queue_with_dead_letters(steps)
    _, _, other_arn = queue_with_dead_letters(steps)
    sqs = steps.as_role("sqs", steps.role(allow(["sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks"], dead_arn)))
    assert refusal_of(lambda: sqs.start_message_move_task(SourceArn=dead_arn)) == ""
    assert refusal_of(lambda: sqs.list_message_move_tasks(SourceArn=dead_arn)) == ""
    assert refusal_of(lambda: sqs.start_message_move_task(SourceArn=other_arn)).startswith("AccessDenied")


def test_a_message_comes_back_when_its_visibility_is_set_to_nothing(steps: Steps) -> None:
    sqs = steps.client("sqs")
    url, _ = steps.queue(VisibilityTimeout="600")
    sqs.send_message(QueueUrl=url, MessageBody="m")
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "m"


def test_a_batch_needs_the_right_of_the_single_call(steps: Steps) -> None:
    url, arn = steps.queue()
    entries = [{"Id": "0", "MessageBody": "m"}]
    sender, reader = (
        steps.as_role("sqs", steps.role(allow(action, arn))) for action in ("sqs:SendMessage", "sqs:ReceiveMessage")
    )
    assert refusal_of(lambda: sender.send_message_batch(QueueUrl=url, Entries=entries)) == ""
    assert refusal_of(lambda: reader.send_message_batch(QueueUrl=url, Entries=entries)).startswith("AccessDenied")


def test_a_queue_is_closed_to_other_accounts_until_its_policy_opens_it(steps: Steps) -> None:
    url, arn = steps.queue()
    role = steps.role(allow("sqs:*", "*"), account=OTHER)
    sqs = steps.as_role("sqs", role)

    def send() -> str:
        return refusal_of(lambda: sqs.send_message(QueueUrl=url, MessageBody="m"))

    assert send() != ""
    policy = policy_of(allow("sqs:SendMessage", arn, Principal={"AWS": role}))
    steps.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    assert send() == ""


def test_ages_are_counted_from_the_first_sending(steps: Steps) -> None:
    sqs = steps.client("sqs")
    url, dead_url, _ = queue_with_dead_letters(steps)
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sent_at = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["SentTimestamp"])["Messages"][0]
    time.sleep(1.1)
    sqs.receive_message(QueueUrl=url)
    dead = sqs.receive_message(QueueUrl=dead_url, MessageSystemAttributeNames=["SentTimestamp"])["Messages"][0]
    assert dead["Attributes"]["SentTimestamp"] == sent_at["Attributes"]["SentTimestamp"]
