"""One difference between what was deployed and what AWS has, and what puts it back.

In: what a look found. Out: values, which are data: a plan of repairs shows the very calls that it makes. Effects: none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_exports.json_values import json_as


@json_as("service operation arguments=given")
@dataclass(frozen=True, slots=True, order=True)
class ServiceCall:
    """One call of a service, which sets the whole of what differs to what was deployed."""

    service: str
    """As boto3 calls it: ``s3``."""
    operation: str
    """As boto3 calls it: ``put_bucket_policy``."""
    arguments: str
    """JSON."""

    @property
    def given(self) -> Mapping[str, Any]:
        """The arguments by name."""
        given: dict[str, Any] = json.loads(self.arguments)
        return given


@dataclass(frozen=True, slots=True, order=True)
class Revert:
    """CloudFormation makes the stack's resources again what its template says.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
    """


@dataclass(frozen=True, slots=True, order=True)
class Redeploy:
    """The stack's own template is put in place again: somebody has given the stack another one."""


@dataclass(frozen=True, slots=True, order=True)
class ByHand:
    """Not ours to put back; `next_step` says who does, and with which command."""

    next_step: str


Repair = ServiceCall | Revert | Redeploy | ByHand

DEPLOY = ByHand("exports deploy")


@dataclass(frozen=True, slots=True)
class LiveDifference:
    """One difference in words, and its repair."""

    what: str
    repair: Repair
    returns_access: bool = False
    """Whether the repair gives somebody access that they do not have now."""


def document_text(policy: Mapping[str, Any] | None) -> str:
    """A policy document as a call takes it, without blanks: they count where the size of a policy is bounded."""
    return json.dumps(policy, separators=(",", ":"))


def call(service: str, operation: str, **arguments: Any) -> ServiceCall:
    """A call with these arguments."""
    return ServiceCall(service, operation, json.dumps(arguments, sort_keys=True))
