"""An account of its own on the local AWS, to deploy estates to: what tests of deploying and destroying share."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.model import OperationModel

from data_exports.aws import Aws, aws_with_keys
from data_exports.deploy.apply.outcomes import DeployEvent, DeployResult
from data_exports.deploy.apply.waves import deploy
from data_exports.deploy.plan.consents import Consent
from data_exports.estate.models import Dataset, Estate, Platform
from data_exports.local.emulator import LocalAws
from data_exports.names import AccountId, BucketName, RoleName
from tests.estates import PLATFORM, estate_of

SERVICES = ("cloudformation", "cloudwatch", "events", "iam", "lambda", "logs", "s3", "sns", "sqs", "sts", "transfer")
"""The services that deploying, destroying and looking for drift ask."""
NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})


@dataclass
class Ground:
    """One account, one platform in it, and everything that was told while deploying."""

    local: LocalAws
    platform: Platform
    events: list[DeployEvent] = field(default_factory=list)

    def estate(self, *datasets: Dataset, **changes: Any) -> Estate:
        """An estate of these datasets on this platform."""
        return estate_of(*datasets, platform=replace(self.platform, **changes))

    @cached_property
    def aws(self) -> Aws:
        """AWS as the account's root."""
        return aws_of_account(self.local, self.platform.account)

    def client(self, service: str) -> Any:
        """A client as the account's root."""
        return self.aws.client(service)

    def deploy(self, estate: Estate, *, allow: Collection[Consent] = ()) -> DeployResult:
        """Deploy, and keep the events."""
        self.events.clear()
        return deploy(estate, self.aws, allow=allow, progress=self.events.append)

    def without(self, action: str) -> Aws:
        """AWS as a role of the account that may do everything but this one action."""
        keys = self.keys_without(action)
        return aws_with_keys(
            self.local.region,
            endpoint_url=self.local.endpoint_url,
            access_key_id=keys["AWS_ACCESS_KEY_ID"],
            secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            session_token=keys["AWS_SESSION_TOKEN"],
        )

    def keys_without(self, action: str) -> dict[str, str]:
        """The credentials of such a role, as a process finds them in its environment."""
        name = f"all-but-{action.replace(':', '-')}"
        trust = {"Effect": "Allow", "Principal": {"AWS": str(self.platform.account)}, "Action": "sts:AssumeRole"}
        rights = [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": action, "Resource": "*"},
        ]
        iam = self.client("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=_document(*rights))
        arn = f"arn:aws:iam::{self.platform.account}:role/{name}"
        made = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="deployer")["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
            "AWS_SESSION_TOKEN": made["SessionToken"],
        }

    def recorded(self) -> Counter[str]:
        """What is asked of AWS from now on: ``cloudformation:DescribeStacks`` → how often."""
        calls: Counter[str] = Counter()

        def count(model: OperationModel, **_: object) -> None:
            calls[f"{model.service_model.service_name}:{model.name}"] += 1

        for service in SERVICES:
            self.client(service).meta.events.register("before-call", count, unique_id=f"{id(calls)}")
        return calls

    def make_bucket(self, name: str, **tags: str) -> None:
        """Make a bucket by hand, with tags of ours (``dataset``, ``hub``, …) if it is to pass for one."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.local.region})
        if tags:
            pairs = [{"Key": f"data-exports:{key}", "Value": value} for key, value in tags.items()]
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs})

    def make_roles(self, users: Iterable[str]) -> None:
        """Make the users' roles."""
        for user in users:
            self.client("iam").create_role(RoleName=user, AssumeRolePolicyDocument=NOBODY)

    def make_users_of(self, estate: Estate) -> None:
        """Make the roles of all users that the estate names."""
        self.make_roles({str(user) for dataset in estate.datasets() for user in dataset.users})

    def statuses(self) -> dict[str, str]:
        """Name → status of every stack of the account."""
        pages = self.client("cloudformation").get_paginator("describe_stacks").paginate()
        return {stack["StackName"]: stack["StackStatus"] for page in pages for stack in page["Stacks"]}

    def history(self) -> dict[str, int]:
        """Name of each stack → how many events and change sets it has."""
        cloudformation = self.client("cloudformation")
        return {
            name: len(cloudformation.describe_stack_events(StackName=name)["StackEvents"])
            + 1000 * len(cloudformation.list_change_sets(StackName=name)["Summaries"])
            for name in self.statuses()
        }

    def rules(self) -> list[str]:
        """The prefixes of the hub's notification rules."""
        answer = self.client("s3").get_bucket_notification_configuration(Bucket=str(self.platform.hub_bucket))
        found = [rule["Filter"]["Key"]["FilterRules"][0]["Value"] for rule in answer.get("QueueConfigurations", [])]
        return sorted(found)

    def buckets(self) -> list[str]:
        """The account's buckets."""
        return sorted(bucket["Name"] for bucket in self.client("s3").list_buckets()["Buckets"])


def _document(*statements: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def aws_of_account(local: LocalAws, account: str) -> Aws:
    """AWS as the root of any account."""
    return aws_with_keys(
        local.region,
        endpoint_url=local.endpoint_url,
        access_key_id=account,
        secret_access_key=local.secret,
    )


def ground_of(local: LocalAws, account: str, unique: str) -> Ground:
    """A platform in this account, with bucket names nobody else uses."""
    platform = replace(
        PLATFORM,
        account=AccountId(account),
        hub_bucket=BucketName(f"{unique}-hub"),
        pull_bucket_prefix=f"{unique}-",
    )
    return Ground(local, platform)


def write_estate(folder: Path, ground: Ground, *, names: Iterable[str], users: Iterable[RoleName]) -> Path:
    """The estate as files: push datasets of these names and users, for the installed command."""
    platform = ground.platform
    (folder / "push_datasets").mkdir(parents=True)
    (folder / "pull_datasets").mkdir()
    (folder / "exports.yaml").write_text(
        f'platform:\n  account: "{platform.account}"\n  region: {platform.region}\n'
        f"  hub_bucket: {platform.hub_bucket}\n  pull_bucket_prefix: {platform.pull_bucket_prefix}\n"
        "  user_roles: [alpha_user_*]\n",
        encoding="utf-8",
    )
    listed = ", ".join(users)
    for name in names:
        (folder / "push_datasets" / f"{name}.yaml").write_text(
            f'name: {name}\ntarget_bucket: cp-{name}\ntarget_account: "754256621582"\nusers: [{listed}]\n'
            "paperwork: DPIA-1\nowner: somebody\ndescription: something\n",
            encoding="utf-8",
        )
    return folder
