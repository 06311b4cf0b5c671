"""The users' half of a dataset's stack: one inline policy on each of their roles.

In: a dataset and which roles exist. Effects: adds the policy to the template.
"""

from collections.abc import Sequence

from troposphere import Template
from troposphere.iam import PolicyType

from data_exports.access.statements import Policy
from data_exports.estate.models import Dataset
from data_exports.names import RoleName
from data_exports.stacks.stack import Surroundings


def split_roles(dataset: Dataset, surroundings: Surroundings) -> tuple[tuple[RoleName, ...], tuple[RoleName, ...]]:
    """The dataset's users whose roles exist, and those whose roles do not."""
    present = tuple(user for user in dataset.users if user not in surroundings.missing_roles)
    missing = tuple(user for user in dataset.users if user in surroundings.missing_roles)
    return present, missing


def add_users_policy(template: Template, name: str, policy: Policy | None, roles: Sequence[RoleName]) -> None:
    """Put one inline policy on each of these roles; AWS refuses the resource without any role."""
    if policy and roles:
        template.add_resource(
            PolicyType("UsersPolicy", PolicyName=name, PolicyDocument=policy, Roles=sorted(str(role) for role in roles))
        )
