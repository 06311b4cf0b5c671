"""Proof of access: on the deployed example estate, everybody may do exactly what `grants_of` says.

Every user, every mover, every outsider and a stranger of each account tries every act on every resource that matters.
Outsiders and strangers hold every right that their own accounts can give, so what refuses them is the platform's side.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from data_exports.access.grants import grants_of
from data_exports.destinations.s3.bucket import BUCKET_ACTIONS
from data_exports.estate.models import Estate, PushDataset
from data_exports.local.clients import client, client_as
from data_exports.local.emulator import LocalAws
from data_exports.local.world import recipient_account_of, stranger_of
from data_exports.names import AccountId, RoleArn
from tests.emulator.access_probes import (
    PRESENT,
    Act,
    Clients,
    bucket_acts,
    is_allowed,
    is_granted,
    object_acts,
    other_acts,
    queue_acts,
    spots_of,
)
from tests.emulator.deployed import DeployedEstate, example_deployed

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("access")]

EVERYTHING = {"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"}


@dataclass(frozen=True)
class Proof:
    """The deployed estate with an object at every place, and every act on it."""

    deployed: DeployedEstate
    acts: tuple[Act, ...]
    principals: tuple[RoleArn, ...]

    def clients_of(self, principal: RoleArn) -> Clients:
        made: dict[str, Any] = {}

        def of(service: str) -> Any:
            if service not in made:
                made[service] = client_as(self.deployed.local, service, principal)
            return made[service]

        return of

    def differences(self, principal: RoleArn) -> list[str]:
        """Where AWS and `grants_of` disagree about a principal; its own account's resources are its own affair."""
        grants, clients, found = grants_of(self.deployed.estate), self.clients_of(principal), []
        for act in self.acts:
            if act.owner == principal.account != self.deployed.estate.platform.account:
                continue
            granted, allowed = is_granted(grants, principal, act), is_allowed(act, clients)
            if granted is not allowed:
                what = "is allowed but not granted" if allowed else "is granted but not allowed"
                found.append(f"{principal} {act.action} on {act.resource} prefix {act.prefix!r} {what}")
        return found


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """On an example of its own: whoever acts here leaves objects behind, and outsiders get every right there is."""
    with example_deployed(tmp_path_factory.mktemp("proof-aws")) as deployed:
        local, estate = deployed.local, deployed.estate
        platform = client(local, "lambda", account=estate.platform.account)
        for mapping in platform.list_event_source_mappings()["EventSourceMappings"]:
            # The movers rest: the objects put in place here are not to be delivered.
            platform.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        acts = tuple(_acts(local, estate))
        principals = tuple(_principals(estate))
        for principal in principals:
            _let_act(local, estate, principal)
        for push in estate.push_datasets:
            _let_its_uploads_be_listed(local, push, mover=push.mover_role_arn(estate.platform))
        yield Proof(deployed, acts, principals)


def _acts(local: LocalAws, estate: Estate) -> Iterator[Act]:
    spots = spots_of(estate, recipient_account_of)
    for spot in spots:
        owner = client(local, "s3", account=spot.owner)
        put = owner.put_object(Bucket=spot.bucket, Key=f"{spot.prefix}{PRESENT}", Body=b"probe")
        yield from object_acts(spot, put.get("VersionId", "null"))
    for bucket, owner in sorted({(spot.bucket, spot.owner) for spot in spots}):
        yield from bucket_acts(
            bucket,
            owner,
            [spot.prefix for spot in spots if spot.bucket == bucket and spot.prefix and not spot.is_neighbour],
        )
    sqs = client(local, "sqs", account=estate.platform.account)
    urls = {url.rsplit("/", 1)[1]: url for url in sqs.list_queues()["QueueUrls"]}
    yield from queue_acts(estate, urls)
    yield from other_acts(estate)


def _principals(estate: Estate) -> Iterator[RoleArn]:
    platform = estate.platform
    users = {platform.user_role_arn(user) for dataset in estate.datasets() for user in dataset.users}
    movers = {push.mover_role_arn(platform) for push in estate.push_datasets}
    outsiders = {each for pull in estate.pull_datasets for each in pull.outsiders if isinstance(each, RoleArn)}
    accounts = {each.account for each in outsiders} | {recipient_account_of(push) for push in estate.push_datasets}
    strangers = {stranger_of(estate, account) for account in accounts | {platform.account}}
    yield from sorted(users | movers | outsiders | strangers)


def _let_act(local: LocalAws, estate: Estate, principal: RoleArn) -> None:
    """Let the test act as a mover, and give people of other accounts every right their account can give."""
    iam = client(local, "iam", account=principal.account)
    if principal.path == "/service-role/":
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{principal.account}:root"}}
        document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
        iam.update_assume_role_policy(RoleName=principal.name, PolicyDocument=json.dumps(document))
    elif principal.account != estate.platform.account:
        document = {"Version": "2012-10-17", "Statement": [EVERYTHING]}
        iam.put_role_policy(RoleName=principal.name, PolicyName="everything", PolicyDocument=json.dumps(document))


def _let_its_uploads_be_listed(local: LocalAws, push: PushDataset, *, mover: RoleArn) -> None:
    """Give the one right that the handover leaves to the recipient's choice."""
    s3, bucket = client(local, "s3", account=recipient_account_of(push)), str(push.destination.bucket)
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    policy["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"AWS": str(mover)},
            "Action": list(BUCKET_ACTIONS),
            "Resource": push.destination.bucket.arn,
        }
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def test_everybody_may_do_exactly_what_the_grants_say(proof: Proof) -> None:
    differences = [each for principal in proof.principals for each in proof.differences(principal)]
    assert differences == []


def test_the_proof_tries_enough_to_mean_something(proof: Proof) -> None:
    grants = grants_of(proof.deployed.estate)
    tried = [(principal, act) for principal in proof.principals for act in proof.acts]
    granted = {(principal, act.action) for principal, act in tried if is_granted(grants, principal, act)}
    wanted = {
        (grant.principal, action)
        for grant in grants
        if isinstance(grant.principal, RoleArn)
        for action in grant.actions
        if not action.startswith("logs:")
    }
    assert granted == wanted
    assert len(tried) > 5_000


def test_a_policy_that_gives_more_than_the_grants_is_caught(proof: Proof) -> None:
    estate, local = proof.deployed.estate, proof.deployed.local
    hub, push = estate.platform.hub_bucket, estate.push_datasets[0]
    sender = estate.platform.user_role_arn(push.users[0])
    iam = client(local, "iam", account=AccountId(estate.platform.account))
    extra = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{hub.arn}/{push.prefix}*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [extra]})
    iam.put_role_policy(RoleName=sender.name, PolicyName="too-much", PolicyDocument=document)
    try:
        found = proof.differences(sender)
    finally:
        iam.delete_role_policy(RoleName=sender.name, PolicyName="too-much")
    resource = f"{hub.arn}/{push.prefix}{PRESENT}"
    assert found == [f"{sender} s3:GetObject on {resource} prefix None is allowed but not granted"]
