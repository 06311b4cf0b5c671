"""The demo's scene about a promised delivery: it does not come, people are told, and the next one clears it.

In: a `Stage`. Out: a story, as in `scenes`. Effects: as in `scenes`; every command is run for real. The promise stands
in a copy of the estate, is deployed from there, and taken back at the end.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from data_exports.access.grants import topic_arn_of
from data_exports.deploy.apply.waves import deploy
from data_exports.estate.models import PushDataset
from data_exports.local.clients import aws_of, client
from data_exports.local.demo.commands import run_command
from data_exports.local.demo.operating import Story, file_to_send
from data_exports.local.demo.stage import Expectation, Stage, wait_for
from data_exports.names import ALERT_TOPIC, KEEPER

PROMISING = "probation_caseload"
"""The dataset of the example estate to which nothing has been delivered when the scene begins."""
_EAR = "demo-ear"


def a_promised_delivery_that_does_not_come_is_told(stage: Stage) -> Story:
    """A delivery is promised and does not come: one message, a late status, and a delivery that clears both."""
    push, promise = stage.push(PROMISING), promise_of_a_minute_ago(datetime.now(UTC))
    with _promising(stage, push, promise) as folder, _ear(stage) as heard:
        yield f"the owner of {push.name} promises deliveries: `due: {promise}` in its declaration"
        deployed = run_command(stage, None, "deploy", "--yes", estate=folder)
        yield from deployed.told(most=4)
        yield Expectation("the promise is deployed", deployed.code == 0, deployed.err[-200:] if deployed.code else "")
        yield "no file comes; the keeper, a function that looks every hour, looks now"
        first = _look(stage)
        told = bool(first) and wait_for(lambda: len(heard(push)) == 1)
        for message in heard(push):
            yield f"mail to {', '.join(stage.estate.platform.alerts)}: {message['Subject']}"
            yield from (f"| {line}".rstrip() for line in message["Message"].splitlines())
        names = all(str(each) in message["Message"] for message in heard(push) for each in push.users)
        missed = told and heard(push)[0]["Subject"].endswith("is missed")
        yield Expectation("one message tells what is missed, and whose it is", missed and names and len(first) == 1)
        late = run_command(stage, None, "status", push.name, estate=folder)
        yield from (line for line in late.told() if line.startswith(("$", "| !")))
        yield Expectation("the status says since when it is late", "late since" in late.out)
        yield from _deliver(stage, push, folder)
        again, after = _look(stage), run_command(stage, None, "status", push.name, estate=folder)
        yield Expectation(
            "the delivery clears it, and nobody is told again",
            after.code == 0 and "late since" not in after.out and again == [] and len(heard(push)) == 1,
        )
    yield "the promise is taken back"
    deploy(stage.estate, aws_of(stage.local))


def _deliver(stage: Stage, push: PushDataset, folder: Path) -> Story:
    sender = stage.estate.platform.user_role_arn(push.users[0])
    with file_to_send(stage, "promised.csv", "case,officer\n1042,7\n") as file:
        sent = run_command(stage, sender, "send", str(file), push.name, "--wait", estate=folder)
    yield from sent.told()


def promise_of_a_minute_ago(now: datetime) -> str:
    """What was due a minute ago, on a day that began long before: the first hour of a day is another zone's morning."""
    zone = "UTC" if now.hour else "Asia/Tokyo"
    return f"daily by {(now - timedelta(minutes=1)).astimezone(ZoneInfo(zone)):%H:%M} {zone}"


@contextmanager
def _promising(stage: Stage, push: PushDataset, promise: str) -> Iterator[Path]:
    """A copy of the estate in which the dataset promises deliveries."""
    with tempfile.TemporaryDirectory(dir=stage.local.folder) as folder:
        copy = Path(shutil.copytree(stage.folder, Path(folder) / "estate"))
        path = copy / push.place.path.relative_to(stage.folder)
        text = path.read_text(encoding="utf-8").rstrip()
        indent = text[: len(text) - len(text.lstrip())]
        path.write_text(f"{text}\n{indent}due: {promise}\n", encoding="utf-8")
        yield copy


@contextmanager
def _ear(stage: Stage) -> Iterator[Any]:
    """What has come to the platform's alerts about a dataset, as its people would read it in their mail."""
    platform, of_account = stage.estate.platform, partial(client, stage.local, account=stage.estate.platform.account)
    sns, sqs, topic = of_account("sns"), of_account("sqs"), topic_arn_of(platform, ALERT_TOPIC)
    url, arn = sqs.create_queue(QueueName=_EAR)["QueueUrl"], f"arn:aws:sqs:{platform.region}:{platform.account}:{_EAR}"
    let_in = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [let_in]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    ear = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)["SubscriptionArn"]
    found: dict[str, dict[str, str]] = {}

    def heard(push: PushDataset) -> list[dict[str, str]]:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get(
            "Messages", []
        ):
            found[message["MessageId"]] = json.loads(message["Body"])
        return [each for each in found.values() if each.get("Subject", "").startswith(f"Export {push.name}:")]

    try:
        yield heard
    finally:
        sns.unsubscribe(SubscriptionArn=ear)
        sqs.delete_queue(QueueUrl=url)


def _look(stage: Stage) -> list[str]:
    """Have the keeper look, as its schedule does every hour; what it has told."""
    functions = client(stage.local, "lambda", account=stage.estate.platform.account)
    answer = json.loads(functions.invoke(FunctionName=str(KEEPER), Payload=b"{}")["Payload"].read())
    return list(answer.get("told", [str(answer)]))
