"""What was deployed, read back from AWS alone: the template of a stack, and what its resources are called.

In: a stack as CloudFormation describes it. Out: a `DeployedTemplate`. Effects: fetches the template.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from data_exports.aws import Aws
from data_exports.deploy.deployed import DeployedStack
from data_exports.stacks.stack import METADATA_KEY, body_of, digest_of

ResourceProperties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeployedTemplate:
    """The template that a stack was last deployed with, by whomever."""

    stack: DeployedStack
    body: Mapping[str, Any]

    @property
    def is_ours(self) -> bool:
        """Whether it is the very template whose digest we put on the stack."""
        return digest_of(body_of(self.body)) == self.stack.digest

    @property
    def tags(self) -> Mapping[str, str]:
        """The platform's tags when it was deployed."""
        found = self.body.get("Metadata", {}).get(METADATA_KEY, {}).get("tags", {})
        return {str(key): str(value) for key, value in found.items()}

    def resources(self, kind: str) -> Iterator[tuple[str, ResourceProperties]]:
        """Logical id and properties of each resource of this type."""
        for logical_id, resource in self.body["Resources"].items():
            if resource["Type"] == kind:
                yield logical_id, resource.get("Properties", {})

    def named(self, reference: Any) -> ResourceProperties:
        """The properties of the resource that a ``Ref`` or ``Fn::GetAtt`` points to; none for anything else."""
        match reference:
            case {"Ref": str(logical_id)} | {"Fn::GetAtt": [str(logical_id), *_]}:
                return dict(self.body["Resources"][logical_id].get("Properties", {}))
            case _:
                return {}


def read_template(aws: Aws, stack: DeployedStack) -> DeployedTemplate:
    """Fetch the template of a stack. Raises botocore's exceptions."""
    body: Any = aws.client("cloudformation").get_template(StackName=stack.stack_id)["TemplateBody"]
    # botocore reads JSON templates itself, into dicts that keep their order: body_of sorts them again
    return DeployedTemplate(stack, json.loads(json.dumps(body)) if isinstance(body, dict) else json.loads(body))
