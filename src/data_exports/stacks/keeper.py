"""The keeper's part of the foundation: one small function with a role of its own, every hour, and alarms.

In: the platform. Effects: adds the resources to the template. The function's file stands in the template
(`data_exports.keeper`): the log bucket, from which movers take their zip, comes with the same stack.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
"""

from importlib.resources import files
from typing import Any

from troposphere import Template
from troposphere.awslambda import Code, Environment, Function
from troposphere.cloudwatch import Alarm, MetricDimension, WarmUpConfiguration
from troposphere.iam import Policy as InlinePolicy
from troposphere.iam import Role
from troposphere.logs import LogGroup
from troposphere.sns import Topic

from data_exports.access.grants import KEEPER_LOG_GROUP, keeper_rights_of
from data_exports.access.policies import function_trust_policy, policy_of_rights
from data_exports.estate.models import Platform
from data_exports.names import FOUNDATION_STACK, KEEPER, KEEPER_SENT, KEEPER_SETTINGS, SERVICE_ROLE_PATH
from data_exports.stacks.mover_function import ARCHITECTURE, LOG_RETENTION_DAYS, RUNTIME
from data_exports.stacks.schedule import add_schedule
from data_exports.stacks.stack import add_dependencies

KEEPER_TIMEOUT_SECONDS = 600
KEEPER_MEMORY_MIB = 256
SILENT_HOURS = 3
WARM_UP_MINUTES = 240
"""Its first run comes an hour after its rule is made; then there are enough hours to judge."""


def add_keeper(template: Template, platform: Platform, alerts: Topic) -> None:
    """Add the keeper: its log, its role, its function, its hourly rule, and the alarm."""
    log_group = template.add_resource(
        LogGroup("KeeperLog", LogGroupName=KEEPER_LOG_GROUP, RetentionInDays=LOG_RETENTION_DAYS)
    )
    role = template.add_resource(
        Role(
            "KeeperRole",
            RoleName=str(KEEPER),
            Path=SERVICE_ROLE_PATH,
            AssumeRolePolicyDocument=function_trust_policy(),
            Policies=[InlinePolicy(PolicyName="keep", PolicyDocument=policy_of_rights(keeper_rights_of(platform)))],
        )
    )
    function = template.add_resource(
        Function(
            "Keeper",
            FunctionName=str(KEEPER),
            Runtime=RUNTIME,
            Architectures=[ARCHITECTURE],
            Handler="index.handler",
            Role=role.get_att("Arn"),
            Timeout=KEEPER_TIMEOUT_SECONDS,
            MemorySize=KEEPER_MEMORY_MIB,
            Code=Code(ZipFile=(files("data_exports.keeper") / "keeper.py").read_text(encoding="utf-8")),
            Environment=Environment(
                Variables={
                    "ACCOUNT": str(platform.account),
                    "LOG_BUCKET": str(platform.log_bucket),
                    "SENT": KEEPER_SENT,
                    "SETTINGS": KEEPER_SETTINGS,
                }
            ),
        )
    )
    add_dependencies(function, log_group)
    add_schedule(
        template,
        platform,
        function,
        titles=("KeeperHour", "KeeperPermission"),
        name=str(KEEPER),
        description="Tell of accesses that end, and of promised deliveries that are missed",
        target_id="keeper",
    )
    _add_alarms(template, alerts)


def _add_alarms(template: Template, alerts: Topic) -> None:
    """Tell when the keeper failed, and when it has not run at all: then nothing else would tell that it is silent.

    Lambda reports no figure for an hour without a run, so what is missing counts as none. CloudWatch also looks at some
    hours before the three, and goes by what it finds there while that is enough, so the alarm may come hours later.
    A function that was just made has not run: until the warm-up is over nothing is judged.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
    """
    failed = (
        "The keeper, which tells of ends and of missed deliveries, failed. "
        f"Next: read the log group {KEEPER_LOG_GROUP}; exports deploy writes what it needs"
    )
    silent = (
        f"The keeper, which tells of ends and of missed deliveries, has not run for {SILENT_HOURS} hours or more. "
        f"In the first {WARM_UP_MINUTES // 60} hours after it is deployed this is not judged. "
        "Next: exports drift tells what was switched off, exports repair puts it back"
    )
    for title, text, judged in (
        ("KeeperAlarm", failed, _errors()),
        ("KeeperSilentAlarm", silent, _no_invocations()),
    ):
        template.add_resource(
            Alarm(
                title,
                AlarmName=f"{FOUNDATION_STACK}-{title}",
                AlarmDescription=text,
                Namespace="AWS/Lambda",
                Dimensions=[MetricDimension(Name="FunctionName", Value=str(KEEPER))],
                Statistic="Sum",
                Threshold=1,
                AlarmActions=[alerts.ref()],
                **judged,
            )
        )


def _errors() -> dict[str, Any]:
    return {
        "MetricName": "Errors",
        "Period": 300,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }


def _no_invocations() -> dict[str, Any]:
    return {
        "MetricName": "Invocations",
        "Period": 3600,
        "EvaluationPeriods": SILENT_HOURS,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
        "WarmUpConfiguration": WarmUpConfiguration(WarmUpPeriodDurationInMinutes=WARM_UP_MINUTES),
    }
