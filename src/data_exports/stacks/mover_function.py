"""The mover's part of a push dataset's stack: a Lambda with its own role, fed by the dataset's queue.

In: the platform, the dataset and the surroundings. Effects: adds the resources to the template. The role's name and
path must not change: recipients' bucket policies name them.
"""

from typing import ClassVar, Final

from troposphere import Template
from troposphere.awslambda import Code, Environment, EventSourceMapping, Function, ScalingConfig
from troposphere.iam import Policy as InlinePolicy
from troposphere.iam import Role
from troposphere.logs import LogGroup
from troposphere.sqs import Queue
from troposphere.validators import integer

from data_exports.access.grants import alert_topic_arns_of, grants_of_push, log_group_name_of
from data_exports.access.policies import function_trust_policy, mover_policy
from data_exports.contract.settings import MIB, DatasetSettings
from data_exports.contract.tasks import Task
from data_exports.contract.timing import BATCH_SIZE, FUNCTION_TIMEOUT_SECONDS
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import MOVER_POLICY, SERVICE_ROLE_PATH
from data_exports.stacks.schedule import add_schedule
from data_exports.stacks.stack import Surroundings, add_dependencies

RUNTIME: Final = "python3.13"
ARCHITECTURE: Final = "arm64"
"""A fifth cheaper than x86_64; the mover holds nothing compiled. https://aws.amazon.com/lambda/pricing/"""
HANDLER = "data_exports.mover.handler.handle"
FUNCTION_MEMORY_MIB = 512
BATCH_WINDOW_SECONDS = 1
LOG_RETENTION_DAYS = 90


class MappingScaling(ScalingConfig):  # type: ignore[misc]
    """The mapping's own property: troposphere 4.11 has another of the same name in its place.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-eventsourcemapping-scalingconfig.html
    """

    props: ClassVar = {"MaximumConcurrency": (integer, False)}


def add_mover(
    template: Template,
    platform: Platform,
    push: PushDataset,
    *,
    surroundings: Surroundings,
    queue: Queue,
) -> None:
    """Add the dataset's mover: its log, its role, its function, and the mapping that feeds it from `queue`."""
    name = str(push.mover_name)
    log_group = template.add_resource(
        LogGroup("MoverLog", LogGroupName=log_group_name_of(push), RetentionInDays=LOG_RETENTION_DAYS)
    )
    role = template.add_resource(
        Role(
            "MoverRole",
            RoleName=name,
            Path=SERVICE_ROLE_PATH,
            AssumeRolePolicyDocument=function_trust_policy(),
            Policies=[
                InlinePolicy(PolicyName=MOVER_POLICY, PolicyDocument=mover_policy(grants_of_push(platform, push)))
            ],
        )
    )
    function = template.add_resource(
        Function(
            "Mover",
            FunctionName=name,
            Runtime=RUNTIME,
            Architectures=[ARCHITECTURE],
            Handler=HANDLER,
            Role=role.get_att("Arn"),
            Timeout=FUNCTION_TIMEOUT_SECONDS,
            MemorySize=FUNCTION_MEMORY_MIB,
            Code=Code(S3Bucket=str(platform.log_bucket), S3Key=surroundings.code_key),
            Environment=Environment(
                Variables=_mover_settings(platform, push, surroundings) | {"QUEUE_URL": queue.ref()}
            ),
        )
    )
    add_dependencies(function, log_group)
    template.add_resource(
        EventSourceMapping(
            "MoverEvents",
            FunctionName=function.ref(),
            EventSourceArn=queue.get_att("Arn"),
            BatchSize=BATCH_SIZE,
            MaximumBatchingWindowInSeconds=BATCH_WINDOW_SECONDS,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            ScalingConfig=MappingScaling(MaximumConcurrency=push.max_concurrency),
        )
    )
    add_schedule(
        template,
        platform,
        function,
        titles=("Sweep", "SweepPermission"),
        name=name,
        description=f"{push.name}: deliver what no event told of",
        target_id="mover",
        event=Task.SWEEP.request,
    )


def _mover_settings(platform: Platform, push: PushDataset, surroundings: Surroundings) -> dict[str, str]:
    """The function's environment, but for the queue, which the template names by reference."""
    settings = DatasetSettings(
        dataset=push.name,
        hub_bucket=platform.hub_bucket,
        hub_account=platform.account,
        keep_files=push.keep_files,
        log_bucket=platform.log_bucket,
        mover_version=surroundings.code_key.removeprefix("code/mover-").removesuffix(".zip"),
        largest_copy_bytes=platform.large_file_mib * MIB,
        receipts_days=platform.receipts_days,
        alert_topics=alert_topic_arns_of(platform, push),
    )
    return {**settings.to_environment(), **push.destination.settings.to_environment()}
