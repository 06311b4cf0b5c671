"""The canary's world: a hub, a recipient's bucket, a role, a queue and the real mover, under names of its own.

In: a `World`, whose random identifier all names follow from, and the account's AWS. Effects: makes the resources.
`removal` takes them down again; it needs the names only, so that nothing is lost sight of, whenever a run ends.
"""

import io
import json
import secrets
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from data_exports.access.grants import (
    MOVER_CHECKPOINT_ACTIONS,
    MOVER_LIST_ACTIONS,
    MOVER_LOG_ACTIONS,
    MOVER_QUEUE_ACTIONS,
    MOVER_READ_ACTIONS,
    MOVER_RECEIPT_ACTIONS,
    MOVER_RETIRE_ACTIONS,
    MOVER_VERSIONING_ACTIONS,
)
from data_exports.access.policies import function_trust_policy
from data_exports.access.statements import Statement, deny_weak_transport, policy_of
from data_exports.aws import AWS_EXCEPTIONS, Aws, code_of
from data_exports.contract.settings import BucketSettings, DatasetSettings
from data_exports.destinations.s3.bucket import OBJECT_ACTIONS
from data_exports.names import MOVER_POLICY, SERVICE_ROLE_PATH
from data_exports.operate.canary.interrupts import interrupts_held
from data_exports.stacks.code import mover_code
from data_exports.stacks.mover_function import (
    ARCHITECTURE,
    FUNCTION_MEMORY_MIB,
    HANDLER,
    RUNTIME,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import QueueConfigurationTypeDef

NAME_PREFIX = "exports-canary-"
TAG = "exports-canary"
"""On everything that is made, with the identifier as its value."""
GRANTED, UNGRANTED = "canary/", "ungranted/"
"""Where in the buckets the role may do what a mover does, and where it may do nothing."""
BEFORE_VERSIONING = f"{GRANTED}before-versioning.csv"
_TIMEOUT_SECONDS = 60
_READY_SECONDS = 120
_LOG_RETENTION_DAYS = 1


@dataclass(frozen=True, slots=True)
class World:
    """The names of one run."""

    identifier: str
    account: str
    region: str

    @classmethod
    def new(cls, account: str, region: str) -> "World":
        """A world that nobody has made yet."""
        return cls(secrets.token_hex(4), account, region)

    @property
    def name(self) -> str:
        """The name of the role, the queue and the function, and what the buckets' names begin with."""
        return f"{NAME_PREFIX}{self.identifier}"

    @property
    def hub(self) -> str:
        """The bucket that files are put into; it holds the receipts, too."""
        return f"{self.name}-hub"

    @property
    def recipient(self) -> str:
        """The bucket that they are delivered to."""
        return f"{self.name}-recipient"

    @property
    def elsewhere(self) -> str:
        """A recipient's bucket in another region; made by the fact that is about it."""
        return f"{self.name}-elsewhere"

    @property
    def buckets(self) -> tuple[str, ...]:
        """All buckets that may be there."""
        return self.hub, self.recipient, self.elsewhere

    @property
    def role_arn(self) -> str:
        """The ARN of the function's role."""
        return f"arn:aws:iam::{self.account}:role{SERVICE_ROLE_PATH}{self.name}"

    @property
    def queue_arn(self) -> str:
        """The ARN of the queue."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.name}"

    @property
    def log_group(self) -> str:
        """The function's log group."""
        return f"/aws/lambda/{self.name}"


def make_world(world: World, aws: Aws) -> None:
    """Make everything. Ctrl-C is felt between two steps. Raises boto3's exceptions."""
    with interrupts_held():
        make_bucket(world, aws, world.recipient)
    with interrupts_held():
        make_bucket(world, aws, world.hub)
    with interrupts_held():
        _keep_versions(world, aws)
    with interrupts_held():
        _make_role(world, aws)
    with interrupts_held():
        queue_url = _make_queue(world, aws)
    with interrupts_held():
        _make_function(world, aws, queue_url)
    with interrupts_held():
        _send_events(world, aws)


def make_bucket(world: World, aws: Aws, name: str) -> None:
    """Make a private bucket in the region of `aws`, without versioning, that refuses weak transport."""
    s3 = aws.client("s3")
    region = str(aws.region)
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: us-east-1 is named by naming none
    where: dict[str, Any] = (
        {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    s3.create_bucket(Bucket=name, **where)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": TAG, "Value": world.identifier}]})
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    refusals = deny_weak_transport("s3", arns, require_tls=not aws.is_local)
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy_of(*refusals)))


def _keep_versions(world: World, aws: Aws) -> None:
    """Turn the hub's versioning on, after one upload that is older than that."""
    s3 = aws.client("s3")
    s3.put_object(Bucket=world.hub, Key=BEFORE_VERSIONING, Body=b"before versioning\n")
    s3.put_bucket_versioning(Bucket=world.hub, VersioningConfiguration={"Status": "Enabled"})


def _make_role(world: World, aws: Aws) -> None:
    """Make the function's role, which the caller's account may take on as well, to try its rights."""
    tried = {
        "Sid": "CanaryTries",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{world.account}:root"},
        "Action": "sts:AssumeRole",
    }
    trust = policy_of(*function_trust_policy()["Statement"], tried)
    iam = aws.client("iam")
    iam.create_role(
        RoleName=world.name,
        Path=SERVICE_ROLE_PATH,
        AssumeRolePolicyDocument=json.dumps(trust),
        Tags=[{"Key": TAG, "Value": world.identifier}],
    )
    rights = policy_of(*_rights_of(world))
    iam.put_role_policy(RoleName=world.name, PolicyName=MOVER_POLICY, PolicyDocument=json.dumps(rights))


def _rights_of(world: World) -> list[Statement]:
    """What a mover is granted, on this world's resources and nothing else."""
    hub = f"arn:aws:s3:::{world.hub}"
    written = [f"arn:aws:s3:::{bucket}/{GRANTED}*" for bucket in (world.recipient, world.elsewhere)]
    log_arn = f"arn:aws:logs:{world.region}:{world.account}:log-group:{world.log_group}:*"
    records = [f"{hub}/{folder}/dataset=canary/*" for folder in ("deliveries", "checkpoints")]
    return [
        _allow(sorted(MOVER_READ_ACTIONS + MOVER_RETIRE_ACTIONS), f"{hub}/{GRANTED}*"),
        _allow(MOVER_VERSIONING_ACTIONS, hub),
        {**_allow(MOVER_LIST_ACTIONS, hub), "Condition": {"StringLike": {"s3:prefix": f"{GRANTED}*"}}},
        _allow(OBJECT_ACTIONS, written),
        _allow(sorted({*MOVER_RECEIPT_ACTIONS, *MOVER_CHECKPOINT_ACTIONS}), records),
        _allow(MOVER_QUEUE_ACTIONS, world.queue_arn),
        _allow(MOVER_LOG_ACTIONS, log_arn),
    ]


def _allow(actions: object, resource: object) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _make_queue(world: World, aws: Aws) -> str:
    hub_sends = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": world.queue_arn,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{world.hub}"},
            "StringEquals": {"aws:SourceAccount": world.account},
        },
    }
    weak = deny_weak_transport("sqs", [world.queue_arn], require_tls=not aws.is_local)
    attributes: Any = {
        "Policy": json.dumps(policy_of(*weak, hub_sends)),
        "VisibilityTimeout": str(6 * _TIMEOUT_SECONDS),
        "SqsManagedSseEnabled": "true",
    }
    made = aws.client("sqs").create_queue(QueueName=world.name, Attributes=attributes, tags={TAG: world.identifier})
    return str(made["QueueUrl"])


def _make_function(world: World, aws: Aws, queue_url: str) -> None:
    """Make the mover and what feeds it. IAM's news take a while to reach Lambda."""
    logs, functions = aws.client("logs"), aws.client("lambda")
    logs.create_log_group(logGroupName=world.log_group, tags={TAG: world.identifier})
    logs.put_retention_policy(logGroupName=world.log_group, retentionInDays=_LOG_RETENTION_DAYS)
    _once_ready(
        lambda: functions.create_function(
            FunctionName=world.name,
            Runtime=RUNTIME,
            Architectures=[ARCHITECTURE],
            Handler=HANDLER,
            Role=world.role_arn,
            Timeout=_TIMEOUT_SECONDS,
            MemorySize=FUNCTION_MEMORY_MIB,
            Code={"ZipFile": _compressed(mover_code().body)},
            Environment={"Variables": {**settings_of(world), "QUEUE_URL": queue_url}},
            Tags={TAG: world.identifier},
        ),
        code="InvalidParameterValueException",
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=world.name)
    _once_ready(
        lambda: functions.create_event_source_mapping(
            FunctionName=world.name,
            EventSourceArn=world.queue_arn,
            BatchSize=10,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        ),
        code="InvalidParameterValueException",
    )


def settings_of(world: World) -> dict[str, str]:
    """The environment that the mover reads its settings from."""
    settings = DatasetSettings(
        dataset="canary",
        hub_bucket=world.hub,
        hub_account=world.account,
        keep_files=False,
        log_bucket=world.hub,
        mover_version="canary",
    )
    target = BucketSettings(target_bucket=world.recipient, target_account=world.account)
    return settings.to_environment() | target.to_environment()


def _compressed(archive: bytes) -> bytes:
    """The same files, deflated: what is sent along with a request has to be small."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as plain, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for entry in plain.infolist():
            made.writestr(entry, plain.read(entry), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _send_events(world: World, aws: Aws) -> None:
    """Have the hub tell the queue of the one file that is delivered from end to end."""
    rule: QueueConfigurationTypeDef = {
        "Id": TAG,
        "QueueArn": world.queue_arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": f"{GRANTED}delivered/"}]}},
    }
    _once_ready(
        lambda: aws.client("s3").put_bucket_notification_configuration(
            Bucket=world.hub, NotificationConfiguration={"QueueConfigurations": [rule]}
        ),
        code="InvalidArgument",
    )


def _once_ready(make: Callable[[], Any], *, code: str) -> None:
    """Make something, again for a while as long as AWS answers that what it needs is not to be used yet."""
    until = time.monotonic() + _READY_SECONDS
    while True:
        try:
            make()
        except AWS_EXCEPTIONS as error:
            if code_of(error) != code or time.monotonic() > until:
                raise
            time.sleep(3)
        else:
            return
