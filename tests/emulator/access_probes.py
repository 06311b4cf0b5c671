"""Every act that matters on a deployed estate, as a real request that tells allowed from refused and does no harm.

A request asks for what is not there (an absent key to delete, an upload id nobody has) where success would destroy.
Allowed means that AWS did not deny it, whatever else it answered.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from data_exports.access.grants import Grant, alert_topic_arns_of, grants_of
from data_exports.contract.federation import TOKEN_ALGORITHM, TOKEN_SECONDS
from data_exports.contract.keys import checkpoints_prefix_of, receipts_prefix_of
from data_exports.destinations.federation import GET_TOKEN
from data_exports.destinations.kinds import outside_destination_in
from data_exports.estate.models import Estate
from data_exports.local.world import bucket_of
from data_exports.names import AccountRootArn, dead_letter_queue_name_of, queue_name_of
from data_exports.readers.sftp import INCOMING

PRESENT, ABSENT = "present.txt", "absent.txt"
DENIALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}

NEIGHBOUR_ACTIONS = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}

AUDIENCE_KEY = "sts:IdentityTokenAudience"
OTHER_AUDIENCE = "sts.amazonaws.com"

Clients = Callable[[str], Any]
"""Service → client with the rights of one principal."""


@dataclass(frozen=True)
class Act:
    """One request: the action and resource it asks for, as a grant would name them."""

    action: str
    resource: str
    owner: str
    """The account that owns the resource."""
    call: Callable[[Clients], object]
    prefix: str | None = None
    """The `s3:prefix` of a listing; None when there is none."""
    audience: str | None = None
    """For whom a token is asked for; None when none is."""


def is_allowed(act: Act, clients: Clients) -> bool:
    """Whether AWS lets this principal do it."""
    try:
        act.call(clients)
    except ClientError as error:
        return error.response["Error"]["Code"] not in DENIALS
    return True


def is_granted(grants: Sequence[Grant], principal: str, act: Act) -> bool:
    """Whether `grants_of` says so, at this moment."""
    account, now = AccountRootArn(f"arn:aws:iam::{principal.split(':')[4]}:root"), datetime.now(UTC)
    return any(
        grant.principal in (principal, account)
        and act.action in grant.actions
        and _covers(grant.resource, act.resource)
        and (grant.key_prefix is None or (act.prefix or "").startswith(grant.key_prefix))
        and (grant.until is None or grant.until > now)
        and act.audience in (None, *(value for _, key, value in grant.conditions if key == AUDIENCE_KEY))
        for grant in grants
    )


def _covers(granted: str, resource: str) -> bool:
    if granted.endswith("*"):
        return resource.startswith(granted.removesuffix("*"))
    return granted == resource


@dataclass(frozen=True)
class Spot:
    """A place for objects: a bucket and a prefix that may be granted to somebody."""

    bucket: str
    owner: str
    prefix: str
    is_neighbour: bool = False
    """No grant names it: a few acts are enough to show that nobody reaches it."""


def spots_of(estate: Estate, owner_of_target: Callable[[Any], str]) -> list[Spot]:
    """Every place that some grant names, and for each a neighbour that none names."""
    platform = estate.platform
    hub, log, owner = platform.hub_bucket, platform.log_bucket, platform.account
    spots = {Spot(hub, owner, "elsewhere/", is_neighbour=True), Spot(log, owner, "code/", is_neighbour=True)}
    for push in estate.push_datasets:
        spots |= {Spot(hub, owner, push.prefix), Spot(hub, owner, f"{push.name}_private/", is_neighbour=True)}
        if not outside_destination_in(push.destination):
            target, recipient = bucket_of(push), owner_of_target(push)
            spots |= {Spot(target, recipient, push.prefix), Spot(target, recipient, "elsewhere/", is_neighbour=True)}
        spots |= {Spot(log, owner, receipts_prefix_of(push.name)), Spot(log, owner, checkpoints_prefix_of(push.name))}
    for pull in estate.pull_datasets:
        spots.add(Spot(pull.bucket(platform), owner, ""))
        if pull.sftp_readers:
            spots.add(Spot(pull.bucket(platform), owner, INCOMING))
    return sorted(spots, key=lambda spot: (spot.bucket, spot.prefix))


def object_acts(spot: Spot, version_id: str) -> Iterator[Act]:
    """What can be done to objects at a place; `version_id` is that of the present object."""
    present = {"Bucket": spot.bucket, "Key": f"{spot.prefix}{PRESENT}"}
    absent = {"Bucket": spot.bucket, "Key": f"{spot.prefix}{ABSENT}"}
    upload = {**absent, "UploadId": "no-such-upload"}
    tags = {"Tagging": {"TagSet": [{"Key": "probe", "Value": "1"}]}}
    version = {"VersionId": version_id}
    for action, method, arguments in (
        ("s3:GetObject", "get_object", present),
        ("s3:GetObjectVersion", "get_object", {**present, **version}),
        ("s3:GetObjectTagging", "get_object_tagging", present),
        ("s3:GetObjectVersionTagging", "get_object_tagging", {**present, **version}),
        ("s3:GetObjectAcl", "get_object_acl", present),
        ("s3:PutObject", "put_object", {**present, "Body": b"probe"}),
        ("s3:PutObjectTagging", "put_object_tagging", {**present, **tags}),
        ("s3:PutObjectAcl", "put_object_acl", {**present, "ACL": "bucket-owner-full-control"}),
        ("s3:DeleteObject", "delete_object", absent),
        ("s3:DeleteObjectVersion", "delete_object", {**absent, "VersionId": "null"}),
        ("s3:AbortMultipartUpload", "abort_multipart_upload", upload),
        ("s3:ListMultipartUploadParts", "list_parts", upload),
        ("s3:RestoreObject", "restore_object", {**present, "RestoreRequest": {"Days": 1}}),
    ):
        if spot.is_neighbour and action not in NEIGHBOUR_ACTIONS:
            continue
        resource = f"arn:aws:s3:::{spot.bucket}/{arguments['Key']}"
        yield Act(action, resource, spot.owner, _request("s3", method, arguments))


def bucket_acts(bucket: str, owner: str, prefixes: Sequence[str]) -> Iterator[Act]:
    """What can be done to a bucket as a whole, and listings of it with and without a prefix."""
    arn, whole = f"arn:aws:s3:::{bucket}", {"Bucket": bucket}
    for prefix in (None, "", *prefixes, *(prefix.removesuffix("/") for prefix in prefixes)):
        arguments = whole if prefix is None else {**whole, "Prefix": prefix}
        yield Act("s3:ListBucket", arn, owner, _request("s3", "list_objects_v2", arguments), prefix)
        yield Act("s3:ListBucketVersions", arn, owner, _request("s3", "list_object_versions", arguments), prefix)
    for action, method, arguments in (
        ("s3:GetBucketPolicy", "get_bucket_policy", whole),
        ("s3:PutBucketPolicy", "put_bucket_policy", {**whole, "Policy": "not a policy"}),
        ("s3:GetBucketLocation", "get_bucket_location", whole),
        ("s3:GetBucketVersioning", "get_bucket_versioning", whole),
        ("s3:GetBucketNotification", "get_bucket_notification_configuration", whole),
        ("s3:ListBucketMultipartUploads", "list_multipart_uploads", whole),
        ("s3:GetLifecycleConfiguration", "get_bucket_lifecycle_configuration", whole),
    ):
        yield Act(action, arn, owner, _request("s3", method, arguments))


def queue_acts(estate: Estate, queue_urls: dict[str, str]) -> Iterator[Act]:
    """What can be done to each dataset's queue and dead-letter queue."""
    platform = estate.platform
    for push in estate.push_datasets:
        for name in (queue_name_of(push.name), dead_letter_queue_name_of(push.name)):
            arn, url = f"arn:aws:sqs:{platform.region}:{platform.account}:{name}", {"QueueUrl": queue_urls[name]}
            for action, method, arguments in (
                ("sqs:ReceiveMessage", "receive_message", url),
                ("sqs:SendMessage", "send_message", {**url, "MessageBody": "{}"}),
                ("sqs:DeleteMessage", "delete_message", {**url, "ReceiptHandle": "no-such-handle"}),
                (
                    "sqs:ChangeMessageVisibility",
                    "change_message_visibility",
                    {**url, "ReceiptHandle": "no-such-handle", "VisibilityTimeout": 0},
                ),
                ("sqs:GetQueueAttributes", "get_queue_attributes", url),
                ("sqs:SetQueueAttributes", "set_queue_attributes", {**url, "Attributes": {"DelaySeconds": "0"}}),
            ):
                yield Act(action, arn, platform.account, _request("sqs", method, arguments))


def token_acts(estate: Estate) -> Iterator[Act]:
    """A token for each cloud to which something goes, and for somebody else."""
    grants = grants_of(estate)
    audiences = {value for grant in grants for _, key, value in grant.conditions if key == AUDIENCE_KEY} - {"false"}
    for audience in (*sorted(audiences), OTHER_AUDIENCE):
        call = _request("sts", "get_web_identity_token", right_asking(audience))
        yield Act(GET_TOKEN, "*", estate.platform.account, call, audience=audience)


def right_asking(audience: str) -> dict[str, Any]:
    """How a mover asks for a token."""
    return {"Audience": [audience], "DurationSeconds": TOKEN_SECONDS, "SigningAlgorithm": TOKEN_ALGORITHM}


def other_acts(estate: Estate) -> Iterator[Act]:
    """Ways around the front door: the movers themselves, their roles, alerts, logs and stacks."""
    platform = estate.platform
    region, account = platform.region, platform.account
    for topic in sorted({topic for push in estate.push_datasets for topic in alert_topic_arns_of(platform, push)}):
        yield Act("sns:Publish", topic, account, _request("sns", "publish", {"TopicArn": topic, "Message": "x"}))
    for reader in sorted({grant.principal for grant in grants_of(estate) if grant.reader}):
        assumed = {"RoleArn": reader, "RoleSessionName": "probe"}
        yield Act("sts:AssumeRole", reader, account, _request("sts", "assume_role", assumed))
    for push in estate.push_datasets:
        function = f"arn:aws:lambda:{region}:{account}:function:{push.mover_name}"
        group = f"/aws/lambda/{push.mover_name}"
        role = {"RoleArn": push.mover_role_arn(platform), "RoleSessionName": "probe"}
        stack = {"StackName": push.stack_name}
        stream = {"logGroupName": group, "logStreamName": "probe"}
        for action, resource, service, method, arguments in (
            ("lambda:InvokeFunction", function, "lambda", "invoke", {"FunctionName": function, "Payload": b"{}"}),
            ("lambda:GetFunction", function, "lambda", "get_function", {"FunctionName": function}),
            ("sts:AssumeRole", role["RoleArn"], "sts", "assume_role", role),
            ("cloudformation:DescribeStacks", push.stack_name, "cloudformation", "describe_stacks", stack),
            (
                "logs:GetLogEvents",
                f"arn:aws:logs:{region}:{account}:log-group:{group}:x",
                "logs",
                "get_log_events",
                stream,
            ),
        ):
            yield Act(action, resource, account, _request(service, method, arguments))


def _request(service: str, method: str, arguments: dict[str, Any]) -> Callable[[Clients], object]:
    def call(clients: Clients) -> object:
        return getattr(clients(service), method)(**arguments)

    return call
