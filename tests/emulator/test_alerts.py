"""Alerts on the local AWS: what arrives at the topics when a deployed mover gives a file up."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from data_exports.estate.models import PushDataset
from data_exports.local.emulator import LocalAws
from data_exports.names import dead_letter_queue_name_of
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.steps import Steps, policy_of, wait_until
from tests.estates import at_s3, push

pytestmark = pytest.mark.emulator


@dataclass
class Ear:
    """A queue that hears what a topic is told."""

    sqs: Any
    url: str

    def has_alarm(self, name: str) -> bool:
        return any(message["Subject"].startswith("ALARM: ") and name in message["Message"] for message in self.heard())

    def heard(self) -> list[dict[str, str]]:
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]


@dataclass
class Deployed:
    """One push dataset whose recipient has granted nothing, its mover giving up at the first try."""

    ground: Ground
    push: PushDataset

    def ear(self, topic: str) -> Ear:
        sqs, account, region = self.ground.client("sqs"), self.ground.platform.account, self.ground.local.region
        topic_arn = f"arn:aws:sns:{region}:{account}:{topic}"
        url = sqs.create_queue(QueueName=f"ear-{topic}")["QueueUrl"]
        arn = f"arn:aws:sqs:{region}:{account}:ear-{topic}"
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy_of(allow)})
        self.ground.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)
        return Ear(sqs, url)

    def upload(self, *names: str) -> None:
        s3 = self.ground.client("s3")
        for name in names:
            s3.put_object(Bucket=self.ground.platform.hub_bucket, Key=f"{self.push.prefix}{name}", Body=b"x")


@pytest.fixture
def deployed(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Deployed:
    ground = ground_of(local_aws, unique_account(), unique("alert"))
    bucket = Steps(local_aws).bucket(account=unique_account())
    dataset = push("orders", destination=at_s3(bucket, None), owner="Courts <courts@example.gov.uk>")
    estate = ground.estate(dataset)
    ground.make_users_of(estate)
    assert ground.deploy(estate).is_complete
    functions = ground.client("lambda")
    usual = functions.get_function_configuration(FunctionName=dataset.mover_name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=dataset.mover_name, Environment={"Variables": usual | {"MOST_RECEIVES": "1"}}
    )
    return Deployed(ground, dataset)


def test_a_batch_that_is_given_up_is_one_message_to_the_platform_and_one_to_the_owner(deployed: Deployed) -> None:
    ears = [deployed.ear("exports-alerts"), deployed.ear("exports-alerts-orders")]
    deployed.upload("a.csv", "b.csv")
    for ear in ears:
        wait_until(lambda ear=ear: "b.csv" in str(ear.heard()) and "a.csv" in str(ear.heard()))  # type: ignore[misc]
        messages = [each for each in ear.heard() if not each["Subject"].startswith("ALARM: ")]
        assert len(messages) <= 2  # one for each batch, whichever files share one
        assert {message["Subject"] for message in messages} <= {
            "Export orders: 2 files not delivered",
            "Export orders: 1 file not delivered",
        }
        text = messages[0]["Message"]
        assert "is refused (AccessDenied" in text
        assert "  exports probe orders      which side lacks what\n" in text


def test_both_addresses_are_subscribed_by_mail(deployed: Deployed) -> None:
    sns = deployed.ground.client("sns")
    found = {
        (each["TopicArn"].rsplit(":", 1)[1], each["Protocol"], each["Endpoint"])
        for each in sns.list_subscriptions()["Subscriptions"]
    }
    assert found == {
        ("exports-alerts", "email", "exports@example.gov.uk"),
        ("exports-alerts-orders", "email", "courts@example.gov.uk"),
    }


def test_alarms_go_to_both_topics_and_say_what_to_do(deployed: Deployed) -> None:
    ours = f"{deployed.push.stack_name}-"
    alarms = deployed.ground.client("cloudwatch").describe_alarms(AlarmNamePrefix=ours)["MetricAlarms"]
    assert {tuple(arn.rsplit(":", 1)[1] for arn in alarm["AlarmActions"]) for alarm in alarms} == {
        ("exports-alerts", "exports-alerts-orders")
    }
    assert {alarm["AlarmDescription"].partition("Next: ")[2] for alarm in alarms} == {
        "exports failures orders",
        "exports status orders",
    }


def test_each_alarm_goes_off_and_reaches_both_topics(deployed: Deployed) -> None:
    """A refusal, at once; a dead letter; an event that waits, its hour made a second."""
    cloudwatch, sqs = deployed.ground.client("cloudwatch"), deployed.ground.client("sqs")
    ears = [deployed.ear("exports-alerts"), deployed.ear("exports-alerts-orders")]
    titles = ("DeadLetter", "OldestEvent", "Refused")
    names = {title: f"{deployed.push.stack_name}-{title}Alarm" for title in titles}

    def went_off(title: str) -> bool:
        return all(ear.has_alarm(names[title]) for ear in ears)

    deployed.upload("refused.csv")
    wait_until(partial(went_off, "Refused"))
    dead = sqs.get_queue_url(QueueName=dead_letter_queue_name_of(deployed.push.name))["QueueUrl"]
    sqs.send_message(QueueUrl=dead, MessageBody="given up")
    wait_until(partial(went_off, "DeadLetter"))
    (usual,) = cloudwatch.describe_alarms(AlarmNames=[names["OldestEvent"]])["MetricAlarms"]
    assert usual["Threshold"] == 3600
    settable = ("AlarmName", "AlarmActions", "Namespace", "MetricName", "Dimensions", "Statistic", "Period")
    more = ("EvaluationPeriods", "ComparisonOperator", "TreatMissingData")
    cloudwatch.put_metric_alarm(**{name: usual[name] for name in settable + more}, Threshold=1)
    wait_until(partial(went_off, "OldestEvent"))  # the refused file's message is still in the queue


def test_an_alert_that_cannot_be_sent_holds_up_nothing(deployed: Deployed) -> None:
    deployed.ground.client("sns").delete_topic(
        TopicArn=f"arn:aws:sns:{deployed.ground.local.region}:{deployed.ground.platform.account}:exports-alerts"
    )
    ear = deployed.ear("exports-alerts-orders")
    deployed.upload("c.csv")
    wait_until(lambda: "c.csv" in str(ear.heard()))
