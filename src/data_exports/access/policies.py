"""Each policy document that is deployed on the platform's side, made from grants.

In: the platform, a dataset, and which of its users' roles exist. Out: policy documents as plain dicts, in a fixed
order, deny statements first. Effects: none. Nobody is granted anything here that `grants_of` does not say.
"""

from collections.abc import Sequence
from datetime import datetime

from data_exports.access.grants import FunctionRight, Grant, Role, dead_letter_queue_arn_of, queue_arn_of
from data_exports.access.statements import (
    Policy,
    deny_weak_transport,
    identity_statements,
    iso_moment,
    policy_of,
    resource_statements,
)
from data_exports.contract.keys import CHECKPOINTS, RECEIPTS
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import (
    ACCESS_LOG_PREFIX,
    AUDIT_PREFIX,
    AUDIT_TRAIL,
    MOVER_NAME_PREFIX,
    SERVICE_ROLE_PATH,
    BucketName,
    identity_provider_arn_of,
    keeper_role_arn_of,
    queue_name_of,
)
from data_exports.readers.kinds import AnyReader
from data_exports.readers.sftp import SftpReader

SENDER_SIDS = ("ListOwnPrefix", "ListReceipts", "ReadReceipts", "WriteOwnPrefix", "ReadReceipts")
"""In the order of their resources: the hub, the log bucket, what is in the log bucket, what is in the hub, the
dead-letter queue. Grants of one Sid share a statement, because each would cost a role 100 characters more of what its
policies may hold: the actions of one service mean nothing on the resources of another."""
PULL_USER_SIDS = ("ListBucket", "UseObjects")
OUTSIDER_SIDS = ("OutsidersListBucket", "OutsidersUseObjects")
FEDERATED_SIDS = ("ListBucket", "UseObjects")
SFTP_SIDS = ("ListBucket", "ReadObjects", "AddIncoming")
"""The last where files may be added."""
MOVER_SIDS = (
    ("s3:ListBucketVersions", "", "ListHub"),
    ("s3:GetObjectVersion", "", "ReadHub"),
    ("s3:GetBucketVersioning", "", "SeeVersioning"),
    ("s3:PutObjectAcl", "", "WriteTarget"),
    ("s3:ListBucketMultipartUploads", "", "ListTargetUploads"),
    ("s3:ListBucket", RECEIPTS, "ListReceipts"),
    ("s3:ListBucket", CHECKPOINTS, "ListCheckpoints"),
    ("s3:PutObject", f"/{RECEIPTS}", "KeepReceipts"),
    ("s3:PutObject", f"/{CHECKPOINTS}", "KeepCheckpoints"),
    ("sqs:ReceiveMessage", "", "UseQueue"),
    ("logs:PutLogEvents", "", "WriteLog"),
    ("kms:GenerateDataKey", "", "UseTargetKey"),
    ("sns:Publish", "", "TellAlerts"),
)
"""What tells a mover's grant, an action and a part of its resource or prefix, and the Sid of its statement: the first
that fits, or else the name of its first action."""


def sender_policy(grants: Sequence[Grant]) -> Policy | None:
    """The inline policy that each sender's role of one push dataset carries; None when there is no sender."""
    return _policy_of_one_principal(grants, Role.SENDER, SENDER_SIDS)


def pull_user_policy(grants: Sequence[Grant]) -> Policy | None:
    """The inline policy that each user's role of one pull dataset carries; None when there is no user."""
    return _policy_of_one_principal(grants, Role.PULL_USER, PULL_USER_SIDS)


def _policy_of_one_principal(grants: Sequence[Grant], role: Role, sids: tuple[str, ...]) -> Policy | None:
    """One document serves every principal of a dataset's role, because their grants differ in the principal only."""
    of_role = [grant for grant in grants if grant.role is role]
    if not of_role:
        return None
    first = [grant for grant in of_role if grant.principal == of_role[0].principal]
    return policy_of(*identity_statements(zip(sids, first, strict=True)))


def federated_reader_policy(grants: Sequence[Grant], reader: AnyReader) -> Policy:
    """The inline policy of the role of one reader outside AWS: this bucket alone, and no longer than the access."""
    own = [grant for grant in grants if grant.reader == reader]
    return policy_of(*identity_statements(zip(FEDERATED_SIDS, own, strict=True)))


def federated_trust_policy(platform: Platform, reader: AnyReader, until: datetime | None) -> Policy:
    """This one reader, and nobody else, may take on its role, and no longer than the access.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
    """
    provider = reader.provider and identity_provider_arn_of(platform.account, reader.provider)
    ends = {"DateLessThan": {"aws:CurrentTime": iso_moment(until)}} if until else {}
    return policy_of(
        {
            "Sid": "ThisReaderOnly",
            "Effect": "Allow",
            "Principal": {"Federated": provider or reader.host},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {**ends, "StringEquals": dict(reader.conditions)},
        }
    )


def sftp_reader_policy(grants: Sequence[Grant], reader: SftpReader) -> Policy:
    """The inline policy of the role of one reader by SFTP: this bucket alone, and no longer than the access."""
    own = [grant for grant in grants if grant.reader == reader]
    return policy_of(*identity_statements(zip(SFTP_SIDS, own, strict=False)))


def sftp_trust_policy(platform: Platform, reader: SftpReader, until: datetime | None) -> Policy:
    """AWS Transfer Family may take on a reader's role, for a user of this name, and no longer than the access.

    The user is of a server of the platform's own account and region; which one is not known before it is there.
    https://docs.aws.amazon.com/transfer/latest/userguide/confused-deputy.html
    """
    user = f"arn:aws:transfer:{platform.region}:{platform.account}:user/*/{reader.name}"
    ends = {"DateLessThan": {"aws:CurrentTime": iso_moment(until)}} if until else {}
    return policy_of(
        {
            "Sid": "ThisReaderOnly",
            "Effect": "Allow",
            "Principal": {"Service": "transfer.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "ArnLike": {"aws:SourceArn": user},
                **ends,
                "StringEquals": {"aws:SourceAccount": str(platform.account)},
            },
        }
    )


def mover_policy(grants: Sequence[Grant]) -> Policy:
    """The inline policy of one dataset's mover."""
    movers = [grant for grant in grants if grant.role is Role.MOVER and grant.is_of_aws]
    sids = [_mover_sid(grant) for grant in movers]
    unlike = [f"{sid}{number}" if (number := sids[:place].count(sid)) else sid for place, sid in enumerate(sids)]
    return policy_of(*identity_statements(sorted(zip(unlike, movers, strict=True))))


def _mover_sid(grant: Grant) -> str:
    place = f"{grant.resource} {grant.key_prefix}"
    named = (sid for action, part, sid in MOVER_SIDS if action in grant.actions and part in place)
    return next(named, grant.actions[0].partition(":")[2])


def policy_of_rights(rights: Sequence[FunctionRight]) -> Policy:
    """The inline policy of one of the platform's own functions."""
    statements = []
    for right in rights:
        below = {"StringLike": {"s3:prefix": right.key_prefix.pattern_below}} if right.key_prefix else None
        statements.append(
            {
                "Sid": right.sid,
                "Effect": "Allow",
                "Action": list(right.actions),
                "Resource": right.resource,
                **({"Condition": below} if below else {}),
            }
        )
    return policy_of(*statements)


def function_trust_policy() -> Policy:
    """Lambda, and nobody else, may take on a function's role.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    return policy_of(
        {
            "Sid": "LambdaOnly",
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    )


def pull_bucket_policy(bucket: BucketName, grants: Sequence[Grant], *, require_tls: bool) -> Policy:
    """The policy of a pull dataset's bucket: no weak transport, then what outsiders may do."""
    outside = [grant for grant in grants if grant.role is Role.OUTSIDER]
    allows = []
    for sid, resource in zip(OUTSIDER_SIDS, (bucket.arn, f"{bucket.arn}/*"), strict=True):
        allows += resource_statements(sid, [grant for grant in outside if grant.resource == resource])
    return policy_of(*_deny_weak_transport_to(bucket, require_tls=require_tls), *allows)


def private_bucket_policy(bucket: BucketName, *, require_tls: bool) -> Policy:
    """The policy of the hub and of the log bucket: no weak transport; access comes from identity policies alone."""
    return policy_of(*_deny_weak_transport_to(bucket, require_tls=require_tls))


def access_log_bucket_policy(platform: Platform, *, require_tls: bool) -> Policy:
    """The policy of the access-log bucket: S3 may write what it logs of this platform's pull buckets, and no more.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html#grant-log-delivery-permissions-general
    """
    bucket, pulls = platform.access_log_bucket, platform.pull_bucket_prefix
    trail = _trail_statements(platform) if platform.audit else ()
    return policy_of(
        *_deny_weak_transport_to(bucket, require_tls=require_tls),
        {
            "Sid": "S3WritesLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"{bucket.arn}/{ACCESS_LOG_PREFIX}{platform.account}/{platform.region}/{pulls}*",
            "Condition": {
                "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{pulls}*"},
                "StringEquals": {"aws:SourceAccount": str(platform.account)},
            },
        },
        *trail,
    )


def _trail_statements(platform: Platform) -> tuple[Policy, Policy]:
    """CloudTrail may write the records of the platform's own trail.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    bucket = platform.access_log_bucket.arn
    of_trail = {"aws:SourceArn": f"arn:aws:cloudtrail:{platform.region}:{platform.account}:trail/{AUDIT_TRAIL}"}
    cloudtrail = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    return (
        {
            "Sid": "CloudTrailLooksWhoseBucketItIs",
            **cloudtrail,
            "Action": "s3:GetBucketAcl",
            "Resource": bucket,
            "Condition": {"StringEquals": of_trail},
        },
        {
            "Sid": "CloudTrailWritesRecords",
            **cloudtrail,
            "Action": "s3:PutObject",
            "Resource": f"{bucket}/{AUDIT_PREFIX}/AWSLogs/{platform.account}/*",
            "Condition": {"StringEquals": {**of_trail, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    )


def _deny_weak_transport_to(bucket: BucketName, *, require_tls: bool) -> list[Policy]:
    return deny_weak_transport("s3", [bucket.arn, f"{bucket.arn}/*"], require_tls=require_tls)


def queue_policy(platform: Platform, push: PushDataset, *, require_tls: bool) -> Policy:
    """The policy of a dataset's queue: S3 may send to it, on behalf of the platform's own hub only.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
    """
    queue = queue_arn_of(platform, queue_name_of(push.name))
    return policy_of(
        *deny_weak_transport("sqs", [queue], require_tls=require_tls),
        {
            "Sid": "HubSendsEvents",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {
                "ArnEquals": {"aws:SourceArn": platform.hub_bucket.arn},
                "StringEquals": {"aws:SourceAccount": str(platform.account)},
            },
        },
    )


def dead_letter_queue_policy(platform: Platform, push: PushDataset) -> Policy:
    """The policy of a dead-letter queue: no transport without TLS; SQS itself moves messages in without a grant."""
    return policy_of(*deny_weak_transport("sqs", [dead_letter_queue_arn_of(platform, push)], require_tls=True))


def alert_topic_policy(platform: Platform, topic_arn: str) -> Policy:
    """The policy of an alert topic: CloudWatch publishes, for alarms of the platform's own account, and the keeper.

    The keeper is let in here, so that its own policy does not grow with every dataset; by a condition, because a topic
    does not take a `Principal` that does not exist.

    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """
    return policy_of(
        {
            "Sid": "AlarmsPublish",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {
                "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{platform.region}:{platform.account}:alarm:*"},
                "StringEquals": {"aws:SourceAccount": str(platform.account)},
            },
        },
        {
            "Sid": "KeeperPublishes",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"ArnEquals": {"aws:PrincipalArn": str(keeper_role_arn_of(platform.account))}},
        },
    )


def alert_key_policy(platform: Platform) -> Policy:
    """The policy of the key that encrypts the alert topics: the account's own, and whoever may publish, through SNS.

    A mover is let in here, not by a policy of its own, which would have to name the key by an id that only AWS knows:
    any role of the platform's account that has a mover's path and the beginning of a mover's name. Which of them may
    publish is the matter of their policies.
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-caller-account
    """
    account, publishing = str(platform.account), ["kms:Decrypt", "kms:GenerateDataKey*"]
    through_sns = {"kms:CallerAccount": account, "kms:ViaService": f"sns.{platform.region}.amazonaws.com"}
    alarms = f"arn:aws:cloudwatch:{platform.region}:{account}:alarm:*"
    return policy_of(
        {
            "Sid": "AccountAdministers",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "AlarmsPublish",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": publishing,
            "Resource": "*",
            "Condition": {"ArnLike": {"aws:SourceArn": alarms}, "StringEquals": {"aws:SourceAccount": account}},
        },
        {
            "Sid": "MoversPublish",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": publishing,
            "Resource": "*",
            "Condition": {
                "ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{account}:role{SERVICE_ROLE_PATH}{MOVER_NAME_PREFIX}*"},
                "StringEquals": through_sns,
            },
        },
        {
            "Sid": "KeeperPublishes",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": publishing,
            "Resource": "*",
            "Condition": {
                "ArnEquals": {"aws:PrincipalArn": str(keeper_role_arn_of(platform.account))},
                "StringEquals": through_sns,
            },
        },
    )
