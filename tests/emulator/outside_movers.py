"""What tests do with a mover in a function of the local AWS whose recipient is not in AWS."""

import gzip
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus

from data_exports.contract.federation import TOKEN_ALGORITHM, TOKEN_SECONDS
from data_exports.contract.settings import AzureSettings, DatasetSettings, GoogleSettings
from data_exports.contract.tasks import ProbeAnswer
from data_exports.destinations.azure.half import ContainerHalf
from data_exports.destinations.destination import Route
from data_exports.destinations.google.half import GoogleBucketHalf
from data_exports.destinations.kinds import OutsideDestination
from data_exports.local.clouds.recipients import things_put_in_place
from data_exports.local.clouds.running import start_clouds
from data_exports.names import DatasetName, KeyPrefix, RoleArn
from data_exports.stacks.code import mover_code
from tests.conformance.local_aws import own_rights_of
from tests.emulator.functions import answer_of
from tests.emulator.other_clouds import issuer_of
from tests.emulator.steps import ACCOUNT, Statement, Steps, allow, policy_of
from tests.unit.mover.notifications import message, notification

Receipt = dict[str, Any]


@dataclass(frozen=True)
class OutsideMover:
    """A function with the mover's code, the rights that its dataset needs, and what it is told of its destination."""

    steps: Steps
    settings: DatasetSettings
    name: str

    def told(self, destination: AzureSettings | GoogleSettings, **changed: Any) -> "OutsideMover":
        """Another function with the same role, told of this destination."""
        settings = replace(self.settings, **changed)
        name = f"{self.settings.hub_bucket}-{uuid.uuid4().hex[:6]}"
        self.steps.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="data_exports.mover.handler.handle",
            Role=self.role,
            Code={"ZipFile": mover_code().body},
            Timeout=120,
            MemorySize=512,
            Environment={"Variables": settings.to_environment() | destination.to_environment()},
        )
        return replace(self, settings=settings, name=name)

    @property
    def role(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{self.settings.hub_bucket}"

    def upload(self, key: str, body: bytes, **more: Any) -> dict[str, Any]:
        """Put a file into the hub; gives the message that tells of it."""
        hub = self.settings.hub_bucket
        put = self.steps.client("s3").put_object(Bucket=hub, Key=key, Body=body, **more)
        facts = {"eTag": put["ETag"].strip('"'), "versionId": put["VersionId"], "size": len(body)}
        return message(notification(quote_plus(key), bucket=hub, **facts), message_id=put["VersionId"])

    def deliver(self, *messages: dict[str, Any]) -> list[Receipt]:
        """Have the function handle these; gives the receipts that it wrote."""
        before = dict(self._receipts())
        answer_of(self.steps, self.name, {"Records": list(messages)})
        after = dict(self._receipts())
        return [line for key in sorted(after) if key not in before for line in after[key]]

    def probe(self) -> ProbeAnswer:
        """Have the function try what a delivery needs."""
        reply = self.steps.client("lambda").invoke(FunctionName=self.name, Payload=b'{"task": "probe"}')
        found = ProbeAnswer.decode(reply["Payload"].read())
        assert found is not None
        return found

    def _receipts(self) -> Iterator[tuple[str, list[Receipt]]]:
        s3, log = self.steps.client("s3"), self.settings.log_bucket
        for item in s3.list_objects_v2(Bucket=log, Prefix="deliveries/").get("Contents", []):
            body = s3.get_object(Bucket=log, Key=item["Key"])["Body"].read()
            yield item["Key"], [json.loads(line) for line in gzip.decompress(body).splitlines()]


def outside_mover(steps: Steps, audience: str) -> OutsideMover:
    """A mover of a hub of its own, which may ask for tokens for this audience; no function yet."""
    name = f"outside-{uuid.uuid4().hex[:8]}"
    hub, log = steps.bucket(name=name, versioned=True), steps.bucket(name=f"{name}-log")
    settings = DatasetSettings(
        dataset="orders", hub_bucket=hub, hub_account=ACCOUNT, keep_files=True, log_bucket=log, mover_version="1"
    )
    steps.role(*own_rights_of(settings, may_list=False), token_right(audience), name=name)
    return OutsideMover(steps, settings, "")


def token_right(audience: str) -> Statement:
    """What a mover may ask of STS."""
    held = {
        "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": audience},
        "NumericLessThanEquals": {"sts:DurationSeconds": TOKEN_SECONDS},
        "StringEquals": {"sts:SigningAlgorithm": TOKEN_ALGORITHM},
    }
    return allow("sts:GetWebIdentityToken", "*", Condition=held)


def refuse_tokens(mover: OutsideMover) -> None:
    """Take the right to ask for tokens away from its role."""
    rights = own_rights_of(mover.settings, may_list=False)
    name = mover.role.rsplit("/", 1)[1]
    mover.steps.client("iam").put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy_of(*rights))


def facts_of(receipt: Receipt) -> tuple[str, str, str]:
    """Key, outcome, cause."""
    return receipt["key"], receipt["outcome"], receipt.get("cause") or ""


def let_in_by_letter(mover: OutsideMover, there: OutsideDestination) -> None:
    """Put in place at the stand-ins what the letter to the recipient says."""
    prefix = KeyPrefix(f"{mover.settings.dataset}/")
    route = Route(DatasetName(mover.settings.dataset), prefix, RoleArn(mover.role), issuer=issuer_of(mover.steps))
    facts = there.half(route).facts
    assert isinstance(facts, ContainerHalf | GoogleBucketHalf)
    start_clouds(mover.steps.local).declare(*things_put_in_place([facts]))
