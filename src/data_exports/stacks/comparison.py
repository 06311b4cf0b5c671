"""Two templates of one stack → what happens to each resource.

In: templates as plain data. Out: `ResourceChange` values, sorted. Effects: none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

NAMES = frozenset(
    {
        *("AlarmName", "BucketName", "FunctionName", "LogGroupName", "QueueName", "RoleName", "TopicName"),
        *("Domain", "ServerId", "UserName"),  # of an SFTP server and its users
    }
)
"""Properties of the resources used here that cannot be changed: CloudFormation makes a new resource instead.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html"""


class Effect(StrEnum):
    """What happens to one resource."""

    ADD = "add"
    CHANGE = "change"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource of a stack that changes, by its name in the template."""

    effect: Effect
    resource: str
    properties: tuple[str, ...] = ()
    """Which of its properties change; empty when it is added or removed."""

    def __str__(self) -> str:
        which = f" ({', '.join(self.properties)})" if self.properties else ""
        return f"{self.effect} {self.resource}{which}"


def resource_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ResourceChange, ...]:
    """What an update from one template to the other does to each resource."""
    return tuple(_resource_changes(_resources(before), _resources(after)))


def _resource_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ResourceChange]:
    for name in sorted({*before, *after}):
        if name not in before:
            yield ResourceChange(Effect.ADD, name)
        elif name not in after:
            yield ResourceChange(Effect.REMOVE, name)
        elif before[name] != after[name]:
            properties = tuple(_differing(before[name], after[name]))
            effect = Effect.REPLACE if NAMES & set(properties) else Effect.CHANGE
            yield ResourceChange(effect, name, properties)


def _differing(before: object, after: object) -> Iterator[str]:
    """The properties, and the attributes beside them, that are not the same."""
    old, new = _flat(before), _flat(after)
    yield from (name for name in sorted({*old, *new}) if old.get(name) != new.get(name))


def _flat(resource: object) -> dict[str, Any]:
    if not isinstance(resource, Mapping):
        return {}
    properties = resource.get("Properties")
    return {**resource, "Properties": None, **(properties if isinstance(properties, Mapping) else {})}


def _resources(template: Mapping[str, Any]) -> Mapping[str, Any]:
    found = template.get("Resources")
    return found if isinstance(found, Mapping) else {}
