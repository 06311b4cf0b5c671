"""The deployed sweep: uploads whose event never came are delivered, once, with the rights that are deployed."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from data_exports.estate.models import PushDataset
from data_exports.local.clients import client
from tests.emulator.deployed import DeployedEstate
from tests.emulator.movers import outcomes, upload
from tests.emulator.steps import wait_until

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("example")]


def platform_client(deployed: DeployedEstate, service: str) -> Any:
    return client(deployed.local, service, account=deployed.estate.platform.account)


def sweep(deployed: DeployedEstate, push: PushDataset) -> dict[str, Any]:
    """What the rule does every hour."""
    functions = platform_client(deployed, "lambda")
    answer = functions.invoke(FunctionName=push.mover_name, Payload=b'{"task": "sweep"}')
    found: dict[str, Any] = json.loads(answer["Payload"].read())
    return found


def without_events(deployed: DeployedEstate, push: PushDataset, *names: str) -> dict[str, str]:
    """Upload, and have the events get lost; the version of each upload."""
    s3, hub = platform_client(deployed, "s3"), deployed.estate.platform.hub_bucket
    rules = s3.get_bucket_notification_configuration(Bucket=hub)
    rules.pop("ResponseMetadata", None)
    s3.put_bucket_notification_configuration(Bucket=hub, NotificationConfiguration={})
    try:
        return {name: upload(deployed, push, name, name.encode())["VersionId"] for name in names}
    finally:
        s3.put_bucket_notification_configuration(Bucket=hub, NotificationConfiguration=rules)


def arrived(deployed: DeployedEstate, push: PushDataset, version_id: str) -> bool:
    return "delivered" in outcomes(deployed, push, version_id)


@pytest.fixture
def without_patience(deployed_example: DeployedEstate) -> Iterator[Callable[[PushDataset], None]]:
    """Have the sweep of a dataset look into uploads at once."""
    changed: list[tuple[str, dict[str, str]]] = []
    functions = platform_client(deployed_example, "lambda")

    def make(push: PushDataset) -> None:
        usual = functions.get_function_configuration(FunctionName=push.mover_name)["Environment"]["Variables"]
        changed.append((push.mover_name, usual))
        variables = usual | {"SWEEP_PATIENCE_SECONDS": "0"}
        functions.update_function_configuration(FunctionName=push.mover_name, Environment={"Variables": variables})

    yield make
    for name, usual in changed:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": usual})


@pytest.mark.parametrize("name", ["court_hearings", "prison_population"])
def test_what_no_event_told_of_is_delivered_and_nothing_twice(
    deployed_example: DeployedEstate, without_patience: Callable[[PushDataset], None], name: str
) -> None:
    push = deployed_example.stage.push(name)
    without_patience(push)
    sweep(deployed_example, push)  # what others left is accounted for
    told = upload(deployed_example, push, "told of.txt", b"x")["VersionId"]
    wait_until(partial(arrived, deployed_example, push, told))
    lost = without_events(deployed_example, push, "lost é+ 1.txt", "lost/2.txt")
    assert sweep(deployed_example, push)["handed_over"] == 2
    for version_id in lost.values():
        wait_until(partial(arrived, deployed_example, push, version_id))
    for file in lost:
        found = deployed_example.stage.object_at_recipient(push, f"{push.prefix}{file}")
        assert found is not None
        assert found["Body"].read() == file.encode()
    in_sight = [f"{push.prefix}{file}" for file in ("lost é+ 1.txt", "lost/2.txt", "told of.txt")]
    left = set(in_sight) if push.keep_files else set()
    wait_until(lambda: set(deployed_example.stage.keys_in_hub(push)) & set(in_sight) == left)  # the receipt is first
    assert sweep(deployed_example, push)["handed_over"] == 0
    counted = [r for r in deployed_example.stage.receipts(push) if r.version_id in {told, *lost.values()}]
    assert sorted((r.key, r.outcome, r.receive_count) for r in counted) == [(key, "delivered", 1) for key in in_sight]


def test_the_rule_asks_the_mover_to_sweep_every_hour_and_nobody_elses_rule_may(
    deployed_example: DeployedEstate,
) -> None:
    push = deployed_example.stage.push("court_hearings")
    platform = deployed_example.estate.platform
    events = platform_client(deployed_example, "events")
    rule = events.describe_rule(Name=push.mover_name)
    (target,) = events.list_targets_by_rule(Rule=push.mover_name)["Targets"]
    function = f"arn:aws:lambda:{platform.region}:{platform.account}:function:{push.mover_name}"
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 hour)", "ENABLED")
    assert (target["Arn"], json.loads(target["Input"])) == (function, {"task": "sweep"})
    policy = json.loads(platform_client(deployed_example, "lambda").get_policy(FunctionName=push.mover_name)["Policy"])
    (statement,) = policy["Statement"]
    assert (statement["Principal"], statement["Action"]) == (
        {"Service": "events.amazonaws.com"},
        "lambda:InvokeFunction",
    )
    assert statement["Condition"] == {
        "ArnLike": {"AWS:SourceArn": rule["Arn"]},
        "StringEquals": {"AWS:SourceAccount": str(platform.account)},
    }
