"""The deployed keeper: what arrives at the topics, and what its own role may not do."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from data_exports.contract.keys import receipts_key_of
from data_exports.deploy.apply.waves import deploy
from data_exports.estate.models import Estate
from data_exports.estate.promises import parse_promise
from data_exports.local.emulator import LocalAws
from data_exports.names import FOUNDATION_STACK, KEEPER, KEEPER_SETTINGS, keeper_role_arn_of
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.steps import Steps, allow, policy_of, refusal_of, wait_until
from tests.estates import at_s3, pull, push

pytestmark = pytest.mark.emulator

DAY = datetime.now(UTC).date() + timedelta(days=40)
OWNER = "Courts <courts@example.gov.uk>"


@dataclass
class Kept:
    """A deployed estate with a promise and an end, and queues that hear its topics."""

    ground: Ground
    estate: Estate

    def run(self, moment: str) -> dict[str, Any]:
        """What the rule does every hour, at another time."""
        answer = self.ground.client("lambda").invoke(
            FunctionName=str(KEEPER), Payload=json.dumps({"now": f"{moment}+00:00"}).encode()
        )
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found

    def listen(self, topic: str) -> Callable[[], list[str]]:
        sqs, account, region = self.ground.client("sqs"), self.ground.platform.account, self.ground.local.region
        url = sqs.create_queue(QueueName=f"ear-{topic}")["QueueUrl"]
        arn = f"arn:aws:sqs:{region}:{account}:ear-{topic}"
        allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy_of({**allow, "Resource": arn})})
        topic_arn = f"arn:aws:sns:{region}:{account}:{topic}"
        self.ground.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)

        def heard() -> list[str]:
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
            return sorted({json.loads(each["Body"])["Subject"] for each in found})

        return heard

    def note_receipt(self, outcome: str, moment: datetime) -> None:
        line = {"outcome": outcome, "delivered_at": moment.isoformat(), "uploaded_by": "AWS:AROAX:ana"}
        body = gzip.compress(json.dumps(line).encode())
        log = str(self.ground.platform.log_bucket)
        self.ground.client("s3").put_object(Bucket=log, Key=receipts_key_of("orders", moment, outcome), Body=body)


def topics_told(answer: dict[str, Any]) -> list[str]:
    return [each.rpartition("/")[2] for each in answer["told"]]


@pytest.fixture
def kept(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Kept:
    ground = ground_of(local_aws, unique_account(), unique("keep"))
    bucket = Steps(local_aws).bucket(account=unique_account())
    due = parse_promise("daily by 06:00 UTC")
    estate = ground.estate(
        push("orders", destination=at_s3(bucket, None), due=due), pull("lists", owner=OWNER, expires=DAY)
    )
    ground.make_users_of(estate)
    assert ground.deploy(estate).is_complete
    return Kept(ground, estate)


def test_a_missed_delivery_and_an_end_are_told_once_and_what_came_is_not(kept: Kept) -> None:
    alerts, owner = kept.listen("exports-alerts"), kept.listen("exports-alerts-lists")
    before, day, after = DAY - timedelta(days=31), DAY - timedelta(days=30), DAY - timedelta(days=29)
    for each in (before - timedelta(days=1), before):
        kept.note_receipt("delivered", datetime(each.year, each.month, each.day, 5, tzinfo=UTC))
    assert kept.run(f"{before}T12:00:00") == {"told": []}
    kept.note_receipt("failed", datetime(day.year, day.month, day.day, 5, tzinfo=UTC))
    missed, end = "Export orders: the delivery due by 06:00 UTC is missed", f"Export lists: its last day is {DAY}"
    assert topics_told(kept.run(f"{day}T06:59:00")) == ["exports-alerts"]
    assert topics_told(kept.run(f"{after}T00:59:00")) == ["exports-alerts", "exports-alerts-lists"]
    wait_until(lambda: alerts() == sorted([missed, end]) and owner() == [end])
    kept.note_receipt("delivered", datetime(after.year, after.month, after.day, 5, tzinfo=UTC))
    assert kept.run(f"{after}T07:00:00") == {"told": []}


def test_an_alarm_goes_off_when_it_does_not_run_but_not_in_its_first_hours(kept: Kept) -> None:
    cloudwatch, name = kept.ground.client("cloudwatch"), "exports-foundation-KeeperSilentAlarm"

    def alarm() -> dict[str, Any]:
        (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return dict(found)

    deployed = alarm()
    assert (deployed["Period"] * deployed["EvaluationPeriods"], deployed["TreatMissingData"]) == (10800, "breaching")
    assert deployed["StateValue"] == "INSUFFICIENT_DATA"  # its warm-up
    assert "In the first 4 hours after it is deployed this is not judged" in deployed["AlarmDescription"]
    heard = kept.listen("exports-alerts")
    settable = (
        "AlarmName",
        "AlarmActions",
        "Namespace",
        "MetricName",
        "Dimensions",
        "Statistic",
        "Period",
        "Threshold",
    )
    more = ("EvaluationPeriods", "ComparisonOperator", "TreatMissingData")
    cloudwatch.put_metric_alarm(**{each: deployed[each] for each in settable + more})  # without a warm-up
    wait_until(lambda: any(name in subject for subject in heard()))
    assert topics_told(kept.run(f"{DAY - timedelta(days=60)}T12:00:00")) == ["exports-alerts"]  # once for a new promise
    wait_until(lambda: alarm()["StateValue"] == "OK")


def test_its_settings_are_written_when_they_differ_and_are_mended_by_the_next_deployment(kept: Kept) -> None:
    s3, where = kept.ground.client("s3"), {"Bucket": str(kept.ground.platform.log_bucket), "Key": KEEPER_SETTINGS}
    written = s3.get_object(**where)["Body"].read()
    s3.delete_object(**where)
    assert "errorMessage" in kept.run("2031-01-01T00:00:00")
    assert kept.ground.deploy(kept.estate).is_complete
    found = s3.get_object(**where)
    assert found["Body"].read() == written
    assert kept.ground.deploy(kept.estate).is_complete
    assert s3.get_object(**where)["LastModified"] == found["LastModified"]


def test_a_deployment_that_may_not_write_its_settings_says_so(kept: Kept) -> None:
    where = {"Bucket": str(kept.ground.platform.log_bucket), "Key": KEEPER_SETTINGS}
    kept.ground.client("s3").delete_object(**where)
    outcome = deploy(kept.estate, kept.ground.without("s3:PutObject")).of(FOUNDATION_STACK)
    assert outcome.reason.startswith("whom to tell of ends and missed deliveries could not be written: ")


def test_it_reaches_no_data_and_changes_nothing_but_its_notes(kept: Kept) -> None:
    """The keeper's own role, against all that it is not for."""
    platform = kept.ground.platform
    iam = kept.ground.client("iam")
    trust = allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{platform.account}:root"})
    del trust["Resource"]
    iam.update_assume_role_policy(RoleName=str(KEEPER), PolicyDocument=policy_of(trust))
    as_keeper = partial(Steps(kept.ground.local).as_role, role_arn=str(keeper_role_arn_of(platform.account)))
    s3 = as_keeper("s3")
    hub, log = str(platform.hub_bucket), str(platform.log_bucket)
    lists = str(kept.estate.pull_datasets[0].bucket(platform))
    tries: list[Callable[[], Any]] = [
        lambda: s3.get_object(Bucket=hub, Key="orders/a.csv"),
        lambda: s3.list_objects_v2(Bucket=hub, Prefix="orders/"),
        lambda: s3.list_objects_v2(Bucket=lists),
        lambda: s3.get_object(Bucket=lists, Key="a.csv"),
        lambda: s3.list_objects_v2(Bucket=log),
        lambda: s3.get_object(Bucket=log, Key="code/mover.zip"),
        lambda: s3.put_object(Bucket=log, Key=KEEPER_SETTINGS, Body=b""),
        lambda: s3.put_object(Bucket=log, Key="deliveries/dataset=orders/card.json", Body=b""),
        lambda: s3.delete_object(Bucket=log, Key="keeper/sent/x"),
        lambda: s3.get_object(Bucket=log, Key="keeper/sent/x"),
        lambda: as_keeper("sqs").list_queues(),
        lambda: as_keeper("iam").list_roles(),
    ]
    assert {refusal_of(each) for each in tries} <= {"AccessDenied", "AccessDeniedException"}
    s3.put_object(Bucket=log, Key="keeper/sent/x", Body=b"")
