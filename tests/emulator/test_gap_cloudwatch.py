"""CloudWatch and SNS as AWS does them: alarms see queues and tell a topic; topics let in whom their policy names."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.steps import ACCOUNT, Steps, allow, policy_of, refusal_of, wait_until

pytestmark = pytest.mark.emulator

OTHER = "754256621582"


def topic_into_queue(steps: Steps, name: str) -> tuple[str, str]:
    """A topic whose messages arrive in a queue; the topic's ARN and the queue's URL."""
    sns = steps.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    url, arn = steps.queue()
    policy = policy_of(allow("sqs:SendMessage", arn, Principal={"Service": "sns.amazonaws.com"}))
    steps.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, url


def alarm(steps: Steps, name: str, queue_url: str, metric: str, threshold: int, **more: Any) -> Callable[[], str]:
    """Make an alarm on a figure of the queue; gives a look at its state."""
    cloudwatch = steps.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SQS",
        MetricName=metric,
        Dimensions=[{"Name": "QueueName", "Value": queue_url.rsplit("/", 1)[-1]}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=threshold,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **more,
    )
    return lambda: str(cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])


def test_an_alarm_on_dead_letters_goes_off_tells_its_topic_and_calms_down(
    steps: Steps, unique: Callable[[str], str]
) -> None:
    sqs = steps.client("sqs")
    topic, told = topic_into_queue(steps, unique("alerts"))
    dead, quiet = steps.queue()[0], steps.queue()[0]
    metric = "ApproximateNumberOfMessagesVisible"
    state = alarm(steps, unique("dead"), dead, metric, 0, AlarmActions=[topic])
    other = alarm(steps, unique("quiet"), quiet, metric, 0, AlarmActions=[topic])
    wait_until(lambda: (state(), other()) == ("OK", "OK"))

    sqs.send_message(QueueUrl=dead, MessageBody="m")
    wait_until(lambda: state() == "ALARM")
    messages: list[str] = []

    def received() -> bool:
        got = sqs.receive_message(QueueUrl=told).get("Messages", [])
        messages.extend(json.loads(json.loads(message["Body"])["Message"])["NewStateValue"] for message in got)
        return bool(messages)

    wait_until(received)
    assert messages == ["ALARM"]
    assert other() == "OK"
    sqs.purge_queue(QueueUrl=dead)
    wait_until(lambda: state() == "OK")


def test_an_alarm_on_age_sees_the_oldest_message(steps: Steps, unique: Callable[[str], str]) -> None:
    url, _ = steps.queue()
    state = alarm(steps, unique("old"), url, "ApproximateAgeOfOldestMessage", 1)
    wait_until(lambda: state() == "OK")
    steps.client("sqs").send_message(QueueUrl=url, MessageBody="m")
    wait_until(lambda: state() == "ALARM")


def test_an_alarm_counts_its_own_dimensions_only(steps: Steps, unique: Callable[[str], str]) -> None:
    cloudwatch, name = steps.client("cloudwatch"), unique("errors")
    mine, others = ([{"Name": "FunctionName", "Value": unique("f")}] for _ in range(2))
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Test/Lambda",
        MetricName="Errors",
        Dimensions=mine,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )

    def state() -> str:
        return str(cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"])

    data = {"MetricName": "Errors", "Value": 5.0}
    cloudwatch.put_metric_data(Namespace="Test/Lambda", MetricData=[{**data, "Dimensions": others}])
    wait_until(lambda: state() == "OK")
    cloudwatch.put_metric_data(Namespace="Test/Lambda", MetricData=[{**data, "Dimensions": mine}])
    wait_until(lambda: state() == "ALARM")


def test_an_alarm_of_a_template_is_not_judged_while_it_warms_up(steps: Steps, unique: Callable[[str], str]) -> None:
    name = unique("silent")
    judged = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "FunctionName", "Value": unique("f")}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
    }
    alarms = {"New": {"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 240}}, "Old": {}}
    resources = {
        title: {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": f"{name}-{title}", **judged, **more}}
        for title, more in alarms.items()
    }
    steps.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))

    def states() -> dict[str, str]:
        found = steps.client("cloudwatch").describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
        return {each["AlarmName"].removeprefix(f"{name}-"): each["StateValue"] for each in found}

    wait_until(lambda: states().get("Old") == "ALARM")
    assert states() == {"Old": "ALARM", "New": "INSUFFICIENT_DATA"}
    steps.client("cloudformation").delete_stack(StackName=name)


def test_a_topic_lets_in_whom_its_policy_names(steps: Steps, unique: Callable[[str], str]) -> None:
    topic, _ = topic_into_queue(steps, unique("topic"))
    role = steps.role(allow("sns:*", "*"), account=OTHER)
    sns = steps.as_role("sns", role)
    assert refusal_of(lambda: sns.publish(TopicArn=topic, Message="m")) != ""
    policy = policy_of(allow("sns:Publish", topic, Principal={"AWS": role}))
    steps.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    assert refusal_of(lambda: sns.publish(TopicArn=topic, Message="m")) == ""


def test_a_role_of_the_account_needs_a_policy_to_publish(steps: Steps, unique: Callable[[str], str]) -> None:
    topic, _ = topic_into_queue(steps, unique("topic"))
    stranger = steps.as_role("sns", steps.role())
    allowed = steps.as_role("sns", steps.role(allow("sns:Publish", topic)))
    assert refusal_of(lambda: stranger.publish(TopicArn=topic, Message="m")) == "AuthorizationError"
    assert refusal_of(lambda: allowed.publish(TopicArn=topic, Message="m")) == ""
    assert topic.split(":")[4] == ACCOUNT
