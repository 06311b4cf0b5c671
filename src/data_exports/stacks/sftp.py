"""The stack of the SFTP server, which readers with an SSH key share; and what a pull dataset's stack has for its own.

In: the platform and its pull datasets. Out: one `Stack`; None where no dataset has such a reader, and then there is no
server, which is paid by the hour. Effects: none; `add_sftp_users` adds to a template.

The server outlives every dataset but the last: a new one has another host name and another host key. While a dataset's
stack refers to what this one exports, CloudFormation neither deletes nor replaces the server.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

import json
from collections.abc import Iterable, Sequence

from troposphere import Export, ImportValue, Output, Template
from troposphere.iam import Policy as InlinePolicy
from troposphere.iam import Role
from troposphere.logs import LogGroup
from troposphere.transfer import HomeDirectoryMapEntry, ProtocolDetails, Server, User

from data_exports.access.grants import Grant
from data_exports.access.grants import Role as AccessRole
from data_exports.access.policies import sftp_reader_policy, sftp_trust_policy
from data_exports.estate.models import Platform, PullDataset
from data_exports.names import PULL_ROLE_POLICY, SFTP_LOG_GROUP, SFTP_SERVER_EXPORT, SFTP_STACK, sftp_log_group_arn_of
from data_exports.stacks.stack import METADATA_KEY, Stack, Wave, new_template, stack_of, with_template

SECURITY_POLICY = "TransferSecurityPolicy-2025-03"
"""The newest that is for everybody (read November 2026); without one CloudFormation takes that of 2018.
https://docs.aws.amazon.com/transfer/latest/userguide/security-policies.html"""
SFTP_LOG_DAYS = 400
"""As long as the access logs: longer than the year from one review of accesses to the next."""


def sftp_stack(platform: Platform, pulls: Iterable[PullDataset]) -> Stack | None:
    """The server and its log; None when no dataset has a reader by SFTP.

    Structured logs need no role: the service delivers them.
    https://docs.aws.amazon.com/transfer/latest/userguide/structured-logging.html
    """
    if not any(pull.sftp_readers for pull in pulls):
        return None
    template = new_template("Data exports: the SFTP server of pull datasets", {})
    template.add_resource(LogGroup("SftpLog", LogGroupName=SFTP_LOG_GROUP, RetentionInDays=SFTP_LOG_DAYS))
    server = template.add_resource(
        Server(
            "SftpServer",
            DependsOn="SftpLog",
            Domain="S3",
            EndpointType="PUBLIC",
            IdentityProviderType="SERVICE_MANAGED",
            Protocols=["SFTP"],
            # Programs set times and modes of what they upload, which S3 does not know, and would stop at a refusal.
            ProtocolDetails=ProtocolDetails(SetStatOption="ENABLE_NO_OP"),
            SecurityPolicyName=SECURITY_POLICY,
            StructuredLogDestinations=[f"{sftp_log_group_arn_of(platform.region, platform.account)}:*"],
        )
    )
    template.add_output(Output("ServerId", Value=server.get_att("ServerId"), Export=Export(SFTP_SERVER_EXPORT)))
    return stack_of(template, name=SFTP_STACK, wave=Wave.FOUNDATION, platform=platform)


def without_sftp(stack: Stack) -> Stack:
    """A pull dataset's stack without its readers by SFTP: where there is no server, the rest is to be right.

    It does not say that it grants them anything, so that they gain in the plan that lets them in.
    """
    template = json.loads(stack.body)
    users = [name for name, each in template["Resources"].items() if each["Type"] == User.resource_type]
    roles = [template["Resources"][name]["Properties"]["Role"]["Fn::GetAtt"][0] for name in users]
    for name in (*users, *roles):
        del template["Resources"][name]
    about = template["Metadata"][METADATA_KEY]
    about["grants"] = [grant for grant in about["grants"] if grant["role"] != AccessRole.SFTP]
    return with_template(stack, template) if users else stack


def add_sftp_users(template: Template, platform: Platform, pull: PullDataset, grants: Sequence[Grant]) -> None:
    """Add a role and a user of the server for each reader with an SSH key; its home is this bucket alone.

    https://docs.aws.amazon.com/transfer/latest/userguide/logical-dir-mappings.html
    """
    for reader in pull.sftp_readers:
        arn = pull.role_arn_of(reader, platform)
        role = template.add_resource(
            Role(
                f"SftpRole{reader.short_id}",
                RoleName=str(arn.name),
                Path=arn.path,
                Description=f"Data exports: {pull.name} for the reader by SFTP {reader.name}",
                AssumeRolePolicyDocument=sftp_trust_policy(platform, reader, pull.until),
                Policies=[InlinePolicy(PolicyName=PULL_ROLE_POLICY, PolicyDocument=sftp_reader_policy(grants, reader))],
            )
        )
        template.add_resource(
            User(
                f"SftpUser{reader.short_id}",
                ServerId=ImportValue(SFTP_SERVER_EXPORT),
                UserName=str(reader.name),
                Role=role.get_att("Arn"),
                HomeDirectoryType="LOGICAL",
                HomeDirectoryMappings=[HomeDirectoryMapEntry(Entry="/", Target=f"/{pull.bucket(platform)}")],
                SshPublicKeys=[str(key) for key in reader.keys],
            )
        )
