"""A dataset whose recipient is in Azure or at Google, all the way: refused, deployed, let in, delivered.

What the recipient puts in place is what its handover asks for, to the letter: the stand-ins of the other clouds
know the vendors' conditions, and nothing of ours.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from data_exports.contract.tasks import Task
from data_exports.deploy.drift.finding import read_drift
from data_exports.deploy.plan.consents import Consent
from data_exports.destinations.azure.half import ContainerHalf
from data_exports.destinations.destination import Party
from data_exports.destinations.federation import read_federation
from data_exports.destinations.google.half import GoogleBucketHalf
from data_exports.destinations.kinds import OutsideDestination
from data_exports.errors import RefusedError
from data_exports.estate.models import Estate, PushDataset
from data_exports.local.clouds.declared import (
    BlobContainer,
    BucketBinding,
    CloudBucket,
    EntraApplication,
    FederatedCredential,
    RoleAssignment,
    WorkloadProvider,
)
from data_exports.local.clouds.running import LocalClouds, start_clouds
from data_exports.local.emulator import LocalAws
from data_exports.names import DatasetName, RoleName
from data_exports.operate.handover.halves import Receiving, halves_of
from data_exports.operate.probe.push import probe_push
from data_exports.operate.receipts import read_receipts
from data_exports.operate.retry import read_failing, retry_now
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.steps import wait_until
from tests.estates import at_azure, at_google, at_s3, push

pytestmark = pytest.mark.emulator

ANA = RoleName("alpha_user_ana")


@dataclass
class Outside:
    """One push dataset of an account of its own, and the other clouds."""

    ground: Ground
    there: OutsideDestination
    clouds: LocalClouds

    @property
    def push(self) -> PushDataset:
        return push("orders", destination=self.there, users=(ANA,))

    @property
    def estate(self) -> Estate:
        return self.ground.estate(self.push)

    def allow_federation(self) -> str:
        """What somebody of the platform does once."""
        return str(self.ground.client("iam").enable_outbound_web_identity_federation()["IssuerIdentifier"])

    def hand_over(self) -> None:
        """The owner does what the letter asks for, with what AWS says of the issuer."""
        (half,) = halves_of(self.estate, self.push, issuer=read_federation(self.ground.aws).issuer)
        assert isinstance(half, Receiving)
        match half.theirs.facts:
            case ContainerHalf() as facts:
                said = facts.federated_credential
                credential = FederatedCredential(said["issuer"], said["subject"], tuple(said["audiences"]))
                assignment = RoleAssignment(facts.client, tuple(facts.data_actions), facts.condition)
                self.clouds.declare(
                    EntraApplication(facts.tenant, facts.client, (credential,)),
                    BlobContainer(facts.storage_account, facts.container, facts.tenant, (assignment,)),
                )
            case GoogleBucketHalf() as facts:
                binding = BucketBinding(facts.member, tuple(facts.permissions), facts.condition)
                self.clouds.declare(
                    WorkloadProvider(facts.provider, str(facts.issuer), attribute_condition=facts.attribute_condition),
                    CloudBucket(facts.bucket, (binding,)),
                )

    def arrived(self, key: str) -> bytes | None:
        """What its owner finds there."""
        parts = self.there.declaration[self.there.field]
        service, place = (
            ("blobs", f"{parts['storage_account']}/{parts['container']}")
            if "container" in parts
            else ("objects", parts["bucket"])
        )
        found = self.clouds.stored(service, place, key)
        return found[1] if found else None

    def sweep_at_once(self) -> dict[str, Any]:
        """What the rule does every hour, for what was uploaded until now."""
        functions, name = self.ground.client("lambda"), self.push.mover_name
        usual = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        changed = {"Variables": usual | {"SWEEP_PATIENCE_SECONDS": "0"}}
        functions.update_function_configuration(FunctionName=name, Environment=changed)
        answer = functions.invoke(FunctionName=name, Payload=Task.SWEEP.request.encode())
        found: dict[str, Any] = json.loads(answer["Payload"].read())
        return found

    def outcomes(self) -> dict[str, tuple[str, str | None, str | None]]:
        """Key → outcome, cause and destination of its last receipt."""
        platform = self.ground.platform
        found = read_receipts(self.ground.client("s3"), platform.log_bucket, DatasetName("orders"))
        told = sorted(found, key=lambda each: each.recorded_at or "")
        return {each.key: (each.outcome, each.cause, each.destination) for each in told}


@pytest.fixture(params=["azure", "google"])
def outside(
    request: pytest.FixtureRequest,
    local_aws: LocalAws,
    unique: Callable[[str], str],
    unique_account: Callable[[], str],
) -> Outside:
    ground = ground_of(local_aws, unique_account(), unique("clouds"))
    name = unique("incoming")
    there = at_azure(container=name) if request.param == "azure" else at_google(bucket=name)
    made = Outside(ground, there, start_clouds(local_aws))
    ground.make_users_of(made.estate)
    return made


def test_nothing_is_deployed_before_the_account_allows_it(outside: Outside) -> None:
    with pytest.raises(RefusedError) as refused:
        outside.ground.deploy(outside.estate)
    assert "aws iam enable-outbound-web-identity-federation" in str(refused.value)
    assert outside.ground.statuses() == {}


def test_a_file_is_delivered_once_its_owner_has_done_what_the_letter_asks_and_if_its_event_was_lost(
    outside: Outside,
) -> None:
    outside.allow_federation()
    assert outside.ground.deploy(outside.estate).is_complete
    s3, hub = outside.ground.client("s3"), str(outside.ground.platform.hub_bucket)

    before = probe_push(outside.estate, outside.push, outside.ground.aws)
    assert [each.side for each in before.lacks] == [Party.THEIRS]

    outside.hand_over()
    probed = probe_push(outside.estate, outside.push, outside.ground.aws)
    assert (probed.lacks, probed.leaves) == ((), f"{outside.there.uri}/orders/.exports-probe")

    s3.put_object(Bucket=hub, Key="orders/may.csv", Body=b"id,sum\n1,2\n", ContentType="text/csv")
    wait_until(lambda: outside.arrived("orders/may.csv") == b"id,sum\n1,2\n", outside.outcomes)
    wait_until(lambda: outside.outcomes().get("orders/may.csv", ("",))[0] == "delivered", outside.outcomes)
    assert outside.outcomes()["orders/may.csv"] == ("delivered", None, outside.there.uri)

    drift = read_drift(outside.estate, outside.ground.aws, counted=lambda *_: None)
    assert drift.drifts == ()

    s3.put_bucket_notification_configuration(Bucket=hub, NotificationConfiguration={})
    s3.put_object(Bucket=hub, Key="orders/lost.csv", Body=b"lost")
    assert outside.sweep_at_once()["handed_over"] == 1
    wait_until(lambda: outside.arrived("orders/lost.csv") == b"lost", outside.outcomes)


def test_from_a_bucket_of_s3_to_another_cloud_takes_consent_and_what_waits_goes_there(outside: Outside) -> None:
    ground = outside.ground
    nobodys = push("orders", destination=at_s3("nobodys-bucket", "770000000001"), users=(ANA,))
    assert ground.deploy(ground.estate(nobodys)).is_complete
    hub = str(ground.platform.hub_bucket)
    ground.client("s3").put_object(Bucket=hub, Key="orders/waits.csv", Body=b"waits")
    wait_until(lambda: "orders/waits.csv" in outside.outcomes(), outside.outcomes)
    assert outside.outcomes()["orders/waits.csv"][0] == "failed"

    outside.allow_federation()
    with pytest.raises(RefusedError, match="--allow account"):
        ground.deploy(outside.estate)
    outside.hand_over()
    assert ground.deploy(outside.estate, allow=[Consent.ACCOUNT]).is_complete
    ground.client("s3").put_object(Bucket=hub, Key="orders/new.csv", Body=b"new")
    wait_until(lambda: outside.arrived("orders/new.csv") == b"new", outside.outcomes)
    platform = outside.estate.platform
    retry_now(platform, outside.push, ground.aws, read_failing(platform, outside.push, ground.aws))
    wait_until(lambda: outside.arrived("orders/waits.csv") == b"waits", outside.outcomes)
