"""The keeper's part of the foundation: one small function with a role of its own, every hour, and an alarm if it fails.

In: the platform. Effects: adds the resources to the template. The function's file stands in the template
(`data_exports.keeper`): the log bucket, from which movers take their zip, comes with the same stack.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
"""

from importlib.resources import files

from troposphere import Template
from troposphere.awslambda import Code, Environment, Function
from troposphere.cloudwatch import Alarm, MetricDimension
from troposphere.iam import Policy as InlinePolicy
from troposphere.iam import Role
from troposphere.logs import LogGroup
from troposphere.sns import Topic

from data_exports.access.grants import KEEPER_LOG_GROUP
from data_exports.access.policies import function_trust_policy, keeper_policy
from data_exports.estate.models import Platform
from data_exports.names import FOUNDATION_STACK, KEEPER, KEEPER_SENT, KEEPER_SETTINGS, SERVICE_ROLE_PATH
from data_exports.stacks.mover_function import ARCHITECTURE, LOG_RETENTION_DAYS, RUNTIME
from data_exports.stacks.schedule import add_schedule
from data_exports.stacks.stack import add_dependencies

KEEPER_TIMEOUT_SECONDS = 600
KEEPER_MEMORY_MIB = 256


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
            Policies=[InlinePolicy(PolicyName="keep", PolicyDocument=keeper_policy(platform))],
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
    template.add_resource(
        Alarm(
            "KeeperAlarm",
            AlarmName=f"{FOUNDATION_STACK}-KeeperAlarm",
            AlarmDescription=(
                "The keeper, which tells of ends and of missed deliveries, failed. "
                f"Next: read the log group {KEEPER_LOG_GROUP}; exports deploy writes what it needs"
            ),
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[MetricDimension(Name="FunctionName", Value=str(KEEPER))],
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=[alerts.ref()],
        )
    )
