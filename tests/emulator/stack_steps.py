"""What tests do with CloudFormation alone: make a stack of a template, change it, delete it."""

import json
import uuid
from typing import Any

from tests.emulator.steps import Steps, wait_until

Resources = dict[str, Any]


def template_of(resources: Resources, **more: Any) -> str:
    """A template of these resources."""
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources, **more})


def apply(steps: Steps, stack: str, template: str, *, kind: str = "CREATE", **more: Any) -> dict[str, Any]:
    """Make a change set and carry it out; gives the stack as it is afterwards."""
    cfn = steps.client("cloudformation")
    source = {"TemplateURL": template} if template.startswith("http") else {"TemplateBody": template}
    named = {"StackName": stack, "ChangeSetName": f"change-{uuid.uuid4().hex[:8]}"}
    cfn.create_change_set(**named, ChangeSetType=kind, Capabilities=["CAPABILITY_NAMED_IAM"], **source, **more)
    cfn.get_waiter("change_set_create_complete").wait(**named, WaiterConfig={"Delay": 1})
    stack_id = cfn.describe_change_set(**named)["StackId"]
    cfn.execute_change_set(**named)
    return settled(steps, stack_id)


def settled(steps: Steps, stack: str) -> dict[str, Any]:
    """Wait until the stack does no more; gives it as it is then."""
    cfn = steps.client("cloudformation")

    def describe() -> dict[str, Any]:
        found: dict[str, Any] = cfn.describe_stacks(StackName=stack)["Stacks"][0]
        return found

    wait_until(lambda: not describe()["StackStatus"].endswith(("IN_PROGRESS", "EXECUTED")))
    return describe()


def delete(steps: Steps, stack_id: str) -> str:
    """Delete the stack; gives its status afterwards."""
    steps.client("cloudformation").delete_stack(StackName=stack_id)
    return str(settled(steps, stack_id)["StackStatus"])
