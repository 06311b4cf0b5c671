"""What tests do with a dataset's deployed mover: its settings, its rest, its queues, its receipts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from data_exports.estate.models import PushDataset
from data_exports.local.clients import client
from data_exports.names import dead_letter_queue_name_of, queue_name_of
from tests.emulator.deployed import DeployedEstate


def queue_url(deployed: DeployedEstate, name: str) -> str:
    sqs = client(deployed.local, "sqs", account=deployed.estate.platform.account)
    return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])


@contextmanager
def mover_settings(
    deployed: DeployedEstate, push: PushDataset, *, receives: int = 2, **settings: str
) -> Iterator[None]:
    """The mover with other settings for a while; its failed messages come back at once, and are given up soon."""
    account = deployed.estate.platform.account
    functions, sqs = client(deployed.local, "lambda", account=account), client(deployed.local, "sqs", account=account)
    url = queue_url(deployed, queue_name_of(push.name))
    usual = functions.get_function_configuration(FunctionName=push.mover_name)["Environment"]["Variables"]
    patience = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    settings |= {"LONGEST_WAIT_SECONDS": "0", "MOST_RECEIVES": str(receives)}
    functions.update_function_configuration(FunctionName=push.mover_name, Environment={"Variables": usual | settings})
    policy = json.loads(patience["RedrivePolicy"]) | {"maxReceiveCount": receives}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)})
    try:
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=patience)
        functions.update_function_configuration(FunctionName=push.mover_name, Environment={"Variables": usual})


@contextmanager
def mover_at_rest(deployed: DeployedEstate, push: PushDataset) -> Iterator[None]:
    """No event of the dataset is handled for a while."""
    functions = client(deployed.local, "lambda", account=deployed.estate.platform.account)
    (mapping,) = functions.list_event_source_mappings(FunctionName=push.mover_name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def upload(deployed: DeployedEstate, push: PushDataset, name: str, body: bytes) -> dict[str, Any]:
    hub = deployed.estate.platform.hub_bucket
    made: dict[str, Any] = deployed.stage.as_user(push.users[0]).put_object(
        Bucket=hub, Key=f"{push.prefix}{name}", Body=body
    )
    return made


def dead_letters(deployed: DeployedEstate, push: PushDataset) -> list[dict[str, Any]]:
    sqs = client(deployed.local, "sqs", account=deployed.estate.platform.account)
    found = sqs.receive_message(
        QueueUrl=queue_url(deployed, dead_letter_queue_name_of(push.name)), MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


def outcomes(deployed: DeployedEstate, push: PushDataset, version_id: str) -> dict[str, str | None]:
    """Outcome → reason, of one upload."""
    return {r.outcome: r.reason for r in deployed.stage.receipts(push) if r.version_id == version_id}
