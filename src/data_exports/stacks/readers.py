"""What a pull dataset's stack has for readers outside AWS: a role each, which nobody else can assume.

In: a template, the platform, the dataset and its grants. Effects: adds the roles. The providers whose tokens they come
with are shared by all datasets: `identity_providers`.
"""

from collections.abc import Sequence

from troposphere import Template
from troposphere.iam import Policy as InlinePolicy
from troposphere.iam import Role

from data_exports.access.grants import Grant
from data_exports.access.policies import federated_reader_policy, federated_trust_policy
from data_exports.estate.models import Platform, PullDataset
from data_exports.names import PULL_ROLE_POLICY

SESSION_SECONDS = 3600
"""The longest that credentials of one token last; STS gives so long a session where nobody asks for another.
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"""


def add_reader_roles(template: Template, platform: Platform, pull: PullDataset, grants: Sequence[Grant]) -> None:
    """Add the role of each reader, by its short id, so that none is made anew when others come or go."""
    for reader in pull.identities:
        role = pull.role_arn_of(reader, platform)
        template.add_resource(
            Role(
                f"Reader{reader.short_id}",
                RoleName=str(role.name),
                Path=role.path,
                Description=f"Data exports: {pull.name} for {reader.kind} {reader.short_id}",
                MaxSessionDuration=SESSION_SECONDS,
                AssumeRolePolicyDocument=federated_trust_policy(platform, reader, pull.until),
                Policies=[
                    InlinePolicy(PolicyName=PULL_ROLE_POLICY, PolicyDocument=federated_reader_policy(grants, reader))
                ],
            )
        )
