"""What the Pulumi program that this product succeeds has left in an account: buckets, movers, policies, made its way.

Hub: not versioned, its rules call each dataset's Lambda. Mover: role under ``/service-role/`` with the inline policy
``s3-access`` and AWS's own policy for logs; what it delivers says so, for tests. Senders: one inline policy
``hub-exports`` for all their prefixes, which lists the whole hub. Pull bucket: a policy that names the
outside roles as principals.
"""

import io
import json
import zipfile
from typing import Any

from data_exports.estate.models import Estate, PullDataset, PushDataset
from data_exports.local.world import bucket_of
from tests.emulator.deploying import Ground

LOG_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
TAGS = [{"Key": "application", "Value": "Data Engineering"}, {"Key": "is-production", "Value": "True"}]
MOVE = """
import os
import urllib.parse

import boto3

def handler(event, context):
    s3 = boto3.client("s3")
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        s3.copy_object(
            Bucket=os.environ["DESTINATION_BUCKET"], Key=key, CopySource={"Bucket": bucket, "Key": key},
            ACL="bucket-owner-full-control", Metadata={"by": "old"}, MetadataDirective="REPLACE",
        )
        if os.environ["KEEP"] == "no":
            s3.delete_object(Bucket=bucket, Key=key)
"""
READ = ["s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectVersion"]
WRITE = ["s3:DeleteObject", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:RestoreObject"]


def make_old_program(ground: Ground, estate: Estate) -> None:
    """Make everything that the old program would have made of these datasets; their users' roles exist."""
    hub = str(ground.platform.hub_bucket)
    _make_bucket(ground, hub)
    functions = {push: _make_mover(ground, push) for push in estate.push_datasets}
    for push in functions:
        ground.client("lambda").add_permission(
            FunctionName=str(push.mover_name),
            StatementId="hub",
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceArn=f"arn:aws:s3:::{hub}",
        )
    ground.client("s3").put_bucket_notification_configuration(
        Bucket=hub,
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [_rule(push, arn) for push, arn in functions.items()]
        },
    )
    for user in {user for push in estate.push_datasets for user in push.users}:
        prefixes = [f"arn:aws:s3:::{hub}/{push.name}/*" for push in estate.push_datasets if user in push.users]
        write = _allow(["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"], prefixes)
        _permit(ground, user, "hub-exports", write, _allow(["s3:ListBucket"], [f"arn:aws:s3:::{hub}"]))
    for pull in estate.pull_datasets:
        _make_pull(ground, pull)


def _make_bucket(ground: Ground, name: str) -> None:
    s3 = ground.client("s3")
    s3.create_bucket(Bucket=name, ACL="private", CreateBucketConfiguration={"LocationConstraint": ground.local.region})
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [default]})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [*TAGS, {"Key": "Name", "Value": name}]})
    blocks = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))


def _make_mover(ground: Ground, push: PushDataset) -> str:
    """Role, log group and function of one dataset; the function's ARN."""
    name, iam = str(push.mover_name), ground.client("iam")
    trust = _document({"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = iam.create_role(RoleName=name, Path="/service-role/", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    hub = f"{ground.platform.hub_bucket.arn}/{push.name}/*"
    source = ["s3:GetObject*", *([] if push.keep_files else ["s3:DeleteObject*"])]
    target = _allow(["s3:PutObject*"], [f"{bucket_of(push).arn}/*"])
    _permit(ground, name, "s3-access", _allow(source, [hub]), target)
    iam.attach_role_policy(RoleName=name, PolicyArn=LOG_POLICY)
    ground.client("logs").create_log_group(logGroupName=f"/aws/lambda/{name}")
    settings = {"DESTINATION_BUCKET": str(bucket_of(push)), "KEEP": "yes" if push.keep_files else "no"}
    made = ground.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="move.handler",
        Role=role,
        Code={"ZipFile": _zipped(MOVE)},
        Environment={"Variables": settings},
        Timeout=300,
    )
    return str(made["FunctionArn"])


def _make_pull(ground: Ground, pull: PullDataset) -> None:
    bucket = pull.bucket(ground.platform)
    _make_bucket(ground, str(bucket))
    outsiders = {"AWS": [str(arn) for arn in pull.outsiders]}
    objects = {**_allow([*READ, *(WRITE if pull.allow_push else [])], [f"{bucket.arn}/*"]), "Principal": outsiders}
    listing = {**_allow(["s3:ListBucket"], [bucket.arn]), "Principal": outsiders}
    ground.client("s3").put_bucket_policy(Bucket=str(bucket), Policy=_document(objects, listing))
    for user in pull.users:
        use = _allow([*READ, *WRITE, "s3:DeleteObjectVersion"], [f"{bucket.arn}/*"])
        _permit(ground, user, f"hub-exports-pull-{pull.name}", use, _allow(["s3:ListBucket"], [bucket.arn]))


def _rule(push: PushDataset, function_arn: str) -> dict[str, Any]:
    prefix = {"Name": "prefix", "Value": f"{push.name}/"}
    return {
        "LambdaFunctionArn": function_arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {"Key": {"FilterRules": [prefix]}},
    }


def _permit(ground: Ground, role: str, name: str, *statements: dict[str, Any]) -> None:
    ground.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_document(*statements))


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("move.py", source)
    return packed.getvalue()
