"""A function's schedule: EventBridge calls it so often, and may.

In: a template and a function of it. Effects: adds the rule and the permission to the template.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
"""

from troposphere import Template
from troposphere.awslambda import Function, Permission
from troposphere.events import Rule, Target

from data_exports.estate.models import Platform

HOURLY = "rate(1 hour)"


def add_schedule(
    template: Template,
    platform: Platform,
    function: Function,
    *,
    titles: tuple[str, str],
    name: str,
    description: str,
    target_id: str,
    event: str | None = None,
) -> None:
    """Have `function` called every hour by a rule of this name; `titles` are those of the rule and of its permission.

    `event` is what it is given, in JSON; otherwise EventBridge's own event.
    """
    rule_title, permission_title = titles
    given = {} if event is None else {"Input": event}
    rule = template.add_resource(
        Rule(
            rule_title,
            Name=name,
            Description=description,
            ScheduleExpression=HOURLY,
            State="ENABLED",
            Targets=[Target(Id=target_id, Arn=function.get_att("Arn"), **given)],
        )
    )
    template.add_resource(
        Permission(
            permission_title,
            Action="lambda:InvokeFunction",
            FunctionName=function.ref(),
            Principal="events.amazonaws.com",
            SourceAccount=str(platform.account),
            SourceArn=rule.get_att("Arn"),
        )
    )
