"""The templates that AWS has of the stacks that a plan changes or deletes; of no others.

In: an `Aws` and a `Plan`. Out: `TemplateLookup` values. Effects: reads AWS.
"""

from collections.abc import Mapping
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, reason_of
from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.plan.effects import TemplateLookup
from data_exports.deploy.plan.planning import Action, Plan, StackStep
from data_exports.parallel import map_ordered
from data_exports.stacks.stack import body_of, digest_of


def read_templates(aws: Aws, plan: Plan) -> dict[str, TemplateLookup]:
    """The deployed template of every stack that the plan changes or deletes, by the stack's name. Raises `AwsError`."""
    stacks = [step.deployed for step in plan.steps if _stands(step) and step.deployed]
    found = map_ordered(lambda stack: _read_template(aws, stack), stacks)
    return dict(zip((stack.name for stack in stacks), found, strict=True))


def _stands(step: StackStep) -> bool:
    """Whether the step changes or deletes a stack that may give access now."""
    if step.deployed is None or not step.deployed.is_ours:
        return False
    was_being_deleted = step.action is Action.REPLACE and step.deployed.status == "DELETE_FAILED"
    return step.action in (Action.UPDATE, Action.DELETE) or was_being_deleted


def _read_template(aws: Aws, stack: DeployedStack) -> TemplateLookup:
    try:
        answer = aws.client("cloudformation").get_template(StackName=stack.stack_id, TemplateStage="Original")
    except AWS_EXCEPTIONS as error:
        if answer_of(error) in (AwsAnswer.FORBIDDEN, AwsAnswer.NOT_FOUND):
            return TemplateLookup(problem=f"its template could not be read: {reason_of(error)}")
        raise aws_error_of(error, where=stack.name) from error
    template: Any = answer["TemplateBody"]  # botocore has decoded it, if it is JSON
    if not isinstance(template, Mapping):
        return TemplateLookup(problem="its template is not the JSON that this product writes")
    is_whole_change = not stack.was_rolled_back  # otherwise its tags may be those of the change that failed
    if is_whole_change and digest_of(body_of(template)) != stack.digest:
        return TemplateLookup(template, "its template is not the one that its digest names; others have changed it")
    return TemplateLookup(template)
