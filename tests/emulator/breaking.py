"""A deployed estate, and each kind of thing in it changed by hand."""

import io
import json
import uuid
import zipfile
from typing import Any

from data_exports.contract.keys import card_key_of
from data_exports.deploy.apply.role_ids import ROLE_IDS_KEY
from data_exports.deploy.drift.difference import DifferenceKind
from data_exports.deploy.sftp_server import read_sftp_server_id
from data_exports.estate.evidence_lock import EvidenceLock
from data_exports.estate.models import Estate
from data_exports.local.emulator import LocalAws
from data_exports.names import (
    KEEPER,
    KEEPER_SETTINGS,
    NOTARY,
    PULL_ROLE_POLICY,
    AccountId,
    RoleName,
    identity_provider_arn_of,
)
from data_exports.readers.kinds import AnyReader
from data_exports.readers.sftp import sftp_reader_of
from tests import ssh_keys
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.steps import wait_until
from tests.estates import CLUSTER_READER, LOADER, READER, READERS_OUTSIDE_AWS, SFTP_READER, WORKFLOW_READER, pull, push

STRANGER = "arn:aws:iam::210987654321:root"
LEAVER = RoleName("alpha_user_leaver")


def deployed_ground(local_aws: LocalAws) -> tuple[Ground, Estate]:
    """An account of its own, with an estate deployed into it."""
    number = uuid.uuid4().int % 10**11 + 10**11
    ground = ground_of(local_aws, AccountId(f"{number:012d}"), f"f-{uuid.uuid4().hex[:8]}")
    estate = ground.estate(
        push("orders"),
        push("moves", users=(LEAVER,)),
        push("sent"),
        push("gone"),
        push("lost"),
        pull("lists", outsiders=(READER, LOADER)),
        pull("owned", owner="Courts <courts@example.gov.uk>", sftp_readers=(SFTP_READER, CALDER)),
        pull("notes"),
        pull("old"),
        pull("fed", outsiders=(), identities=READERS_OUTSIDE_AWS),
        sftp=True,
        evidence=EvidenceLock(30),
    )
    ground.make_users_of(estate)
    assert ground.deploy(estate).is_complete
    return ground, estate


CALDER = sftp_reader_of({"name": "calder", "keys": [ssh_keys.OTHER]})
HIDES_OTHERS = {DifferenceKind.SFTP_SERVER_GONE}
"""What leaves no more to be seen of the users and the settings of a server: tests/emulator/test_sftp.py."""
NEEDS_A_FOLDER = {DifferenceKind.EVIDENCE_KEY}
"""What is compared with a file beside the declarations: tests/emulator/test_notary.py."""
LEFT_BY_DEPLOYMENTS = {
    DifferenceKind.STACK_WITHOUT_RESOURCES,
    DifferenceKind.STACK_FAILED,
    DifferenceKind.STACK_ADOPTING,
}
"""What a deployment leaves that did not come to its end: nobody changes that by hand."""


def break_everything(ground: Ground) -> None:
    """Change by hand each kind of thing that was deployed."""
    _change_a_stack(ground)
    _change_buckets(ground)
    _change_rights(ground)
    _change_readers(ground)
    _change_movers(ground)
    _change_schedules_and_topics(ground)
    _change_what_is_recorded(ground)
    _change_sftp(ground)
    _change_evidence(ground)
    _delete_a_stack(ground)


def delete_the_keeper(ground: Ground) -> None:
    """Delete all of the keeper, and the topic that it tells."""
    iam, keeper = ground.client("iam"), str(KEEPER)
    ground.client("lambda").delete_function(FunctionName=keeper)
    _delete_rule(ground, keeper)
    iam.delete_role_policy(RoleName=keeper, PolicyName="keep")
    iam.delete_role(RoleName=keeper)
    alarms = [f"exports-foundation-{title}" for title in ("KeeperAlarm", "KeeperSilentAlarm")]
    ground.client("cloudwatch").delete_alarms(AlarmNames=alarms)
    ground.client("sns").delete_topic(TopicArn=_topic_arn(ground, "exports-alerts"))
    log = str(ground.platform.log_bucket)
    ground.client("s3").delete_object(Bucket=log, Key=KEEPER_SETTINGS)
    ground.client("s3").delete_object(Bucket=log, Key=card_key_of("orders"))


def _change_buckets(ground: Ground) -> None:
    s3, hub, log = ground.client("s3"), str(ground.platform.hub_bucket), str(ground.platform.log_bucket)
    lists, notes, old = (f"{ground.platform.pull_bucket_prefix}{name}" for name in ("lists", "notes", "old"))
    policy = json.loads(s3.get_bucket_policy(Bucket=lists)["Policy"])
    for statement in policy["Statement"]:
        arns = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:PrincipalArn", [])
        if LOADER in arns:
            arns.remove(LOADER)
    everybody = {"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "s3:GetObject"}
    policy["Statement"].append({**everybody, "Resource": f"arn:aws:s3:::{lists}/*"})
    s3.put_bucket_policy(Bucket=lists, Policy=json.dumps(policy))
    s3.delete_bucket_policy(Bucket=notes)
    blocks = {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": False,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    s3.put_public_access_block(Bucket=notes, PublicAccessBlockConfiguration=blocks)
    rule = {"ID": "Tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=notes, LifecycleConfiguration={"Rules": [rule]})
    s3.put_bucket_ownership_controls(Bucket=notes, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_bucket_tagging(Bucket=notes, Tagging={"TagSet": [{"Key": "mine", "Value": "now"}]})
    s3.put_bucket_logging(Bucket=notes, BucketLoggingStatus={})
    other = {"TargetBucket": log, "TargetPrefix": "elsewhere/"}
    s3.put_bucket_logging(Bucket=lists, BucketLoggingStatus={"LoggingEnabled": other})
    s3.delete_bucket(Bucket=old)
    s3.put_bucket_versioning(Bucket=hub, VersioningConfiguration={"Status": "Suspended"})
    kms = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}
    s3.put_bucket_encryption(Bucket=log, ServerSideEncryptionConfiguration={"Rules": [kms]})
    rules = s3.get_bucket_notification_configuration(Bucket=hub)["QueueConfigurations"]
    kept = [each for each in rules if not each["QueueArn"].endswith("export_orders")]
    prefix = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "elsewhere/"}]}}
    kept.append({**kept[0], "Id": "elsewhere", "Filter": prefix})
    s3.put_bucket_notification_configuration(Bucket=hub, NotificationConfiguration={"QueueConfigurations": kept})
    s3.put_bucket_notification_configuration(Bucket=lists, NotificationConfiguration={"EventBridgeConfiguration": {}})


def _change_rights(ground: Ground) -> None:
    iam, hub = ground.client("iam"), ground.platform.hub_bucket.arn
    _edit_policy(iam, "alpha_user_ana", "hub-exports-push-orders", lambda policy: _allow_too(policy, f"{hub}/orders/*"))
    iam.delete_role_policy(RoleName="alpha_user_Ben-Two", PolicyName="hub-exports-push-orders")
    iam.delete_role_policy(RoleName=LEAVER, PolicyName="hub-exports-push-moves")
    iam.delete_role(RoleName=LEAVER)
    for name, resource in (("hub-exports", hub), ("harmless", "arn:aws:s3:::somewhere-else")):
        document = _document({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": resource})
        iam.put_role_policy(RoleName="alpha_user_ana", PolicyName=name, PolicyDocument=document)
    mover = "export_orders-move"
    _edit_policy(iam, mover, "deliver", lambda policy: policy["Statement"].pop())
    anything = _document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    iam.put_role_policy(RoleName=mover, PolicyName="helpful", PolicyDocument=anything)
    iam.attach_role_policy(RoleName=mover, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.delete_role_policy(RoleName="export_lost-move", PolicyName="deliver")
    iam.delete_role_policy(RoleName="export_gone-move", PolicyName="deliver")
    iam.delete_role(RoleName="export_gone-move")
    trust = iam.get_role(RoleName=mover)["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "sts:AssumeRole"})
    iam.update_assume_role_policy(RoleName=mover, PolicyDocument=json.dumps(trust))


def _change_readers(ground: Ground) -> None:
    iam = ground.client("iam")
    google, transfer, azure, cluster, workflow = (f"export_fed-pull-{each.short_id}" for each in READERS_OUTSIDE_AWS)
    iam.delete_role_policy(RoleName=google, PolicyName=PULL_ROLE_POLICY)
    iam.delete_role(RoleName=google)
    iam.delete_role_policy(RoleName=transfer, PolicyName=PULL_ROLE_POLICY)
    _edit_policy(iam, azure, PULL_ROLE_POLICY, lambda policy: _allow_too(policy, f"{ground.platform.hub_bucket.arn}/*"))
    iam.update_role(RoleName=cluster, MaxSessionDuration=43200)
    trust = iam.get_role(RoleName=workflow)["Role"]["AssumeRolePolicyDocument"]
    subjects = trust["Statement"][0]["Condition"].pop("StringEquals")
    trust["Statement"][0]["Condition"]["StringLike"] = {key: f"{value[:4]}*" for key, value in subjects.items()}
    iam.update_assume_role_policy(RoleName=workflow, PolicyDocument=json.dumps(trust))
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=_provider_arn(ground, CLUSTER_READER))
    where = {"OpenIDConnectProviderArn": _provider_arn(ground, WORKFLOW_READER)}
    iam.add_client_id_to_open_id_connect_provider(**where, ClientID="another")
    iam.remove_client_id_from_open_id_connect_provider(**where, ClientID=str(WORKFLOW_READER.audience))


def _provider_arn(ground: Ground, reader: AnyReader) -> str:
    return identity_provider_arn_of(ground.platform.account, reader.host)


def _change_movers(ground: Ground) -> None:
    sqs, functions, cloudwatch = ground.client("sqs"), ground.client("lambda"), ground.client("cloudwatch")
    url = sqs.get_queue_url(QueueName="export_orders")["QueueUrl"]
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:ReceiveMessage"}
    policy["Statement"].append({**everybody, "Resource": policy["Statement"][0]["Resource"]})
    changes = {"Policy": json.dumps(policy), "VisibilityTimeout": "30"}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=changes)
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="export_moves-DLQ")["QueueUrl"])
    (mapping,) = functions.list_event_source_mappings(FunctionName="export_orders-move")["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    (mapping,) = functions.list_event_source_mappings(FunctionName="export_moves-move")["EventSourceMappings"]
    functions.delete_event_source_mapping(UUID=mapping["UUID"])
    functions.put_function_concurrency(FunctionName="export_orders-move", ReservedConcurrentExecutions=0)
    functions.update_function_code(FunctionName="export_moves-move", ZipFile=_zipped("def handle(*_): ..."))
    functions.delete_function(FunctionName="export_lost-move")
    functions.update_function_code(FunctionName=str(KEEPER), ZipFile=_zipped("def handler(*_): ...", "index.py"))
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="export_gone")["QueueUrl"])
    ground.client("logs").put_retention_policy(logGroupName="/aws/lambda/export_orders-move", retentionInDays=1)
    cloudwatch.disable_alarm_actions(AlarmNames=["exports-push-orders-DeadLetterAlarm"])
    cloudwatch.delete_alarms(AlarmNames=["exports-push-moves-DeadLetterAlarm"])
    sns, topic = ground.client("sns"), _topic_arn(ground, "exports-alerts")
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    policy["Statement"].append(
        {"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "sns:Subscribe", "Resource": topic}
    )
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))


def _change_schedules_and_topics(ground: Ground) -> None:
    ground.client("events").disable_rule(Name=str(KEEPER))
    _delete_rule(ground, "export_moves-move")
    ground.client("sns").delete_topic(TopicArn=_topic_arn(ground, "exports-alerts-owned"))


def _delete_rule(ground: Ground, name: str) -> None:
    events = ground.client("events")
    targets = events.list_targets_by_rule(Rule=name)["Targets"]
    events.remove_targets(Rule=name, Ids=[each["Id"] for each in targets])
    events.delete_rule(Name=name)


def _topic_arn(ground: Ground, name: str) -> str:
    return f"arn:aws:sns:eu-west-1:{ground.platform.account}:{name}"


def _change_what_is_recorded(ground: Ground) -> None:
    s3, log = ground.client("s3"), str(ground.platform.log_bucket)
    settings = json.loads(s3.get_object(Bucket=log, Key=KEEPER_SETTINGS)["Body"].read())
    (moves,) = (each for each in settings["datasets"] if each["name"] == "moves")
    moves["topics"] = []
    settings["datasets"] = [each for each in settings["datasets"] if each["name"] != "lists"]
    s3.put_object(Bucket=log, Key=KEEPER_SETTINGS, Body=json.dumps(settings))
    s3.delete_object(Bucket=log, Key=card_key_of("gone"))
    card = json.loads(s3.get_object(Bucket=log, Key=card_key_of("lost"))["Body"].read())
    card["dataset"]["users"] = ["alpha_user_ana"]
    s3.put_object(Bucket=log, Key=card_key_of("lost"), Body=json.dumps(card))
    s3.put_object(Bucket=log, Key=card_key_of("moves"), Body=b"my notes")
    s3.delete_object(Bucket=log, Key=ROLE_IDS_KEY)


def _change_sftp(ground: Ground) -> None:
    transfer, server = ground.client("transfer"), read_sftp_server_id(ground.aws)
    who = {"ServerId": server, "UserName": "meridian"}
    (key,) = transfer.describe_user(**who)["User"]["SshPublicKeys"]
    transfer.import_ssh_public_key(**who, SshPublicKeyBody=f"{ssh_keys.RSA_2048} somebody@example.org")
    transfer.delete_ssh_public_key(**who, SshPublicKeyId=key["SshPublicKeyId"])
    home = [{"Entry": "/", "Target": f"/{ground.platform.hub_bucket}"}]
    transfer.update_user(**who, HomeDirectoryMappings=home)
    transfer.delete_user(ServerId=server, UserName="calder")
    role = f"arn:aws:iam::{ground.platform.account}:role/export_owned-pull-{SFTP_READER.short_id}"
    transfer.create_user(
        ServerId=server, UserName="stranger", Role=role, HomeDirectory=f"/{ground.platform.hub_bucket}"
    )
    transfer.update_server(ServerId=server, SecurityPolicyName="TransferSecurityPolicy-2018-11")
    transfer.stop_server(ServerId=server)


def _change_evidence(ground: Ground) -> None:
    bucket, kept = str(ground.platform.evidence_bucket), {"Mode": "GOVERNANCE", "Days": 1}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": kept}}
    ground.client("s3").put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
    ground.client("events").disable_rule(Name=str(NOTARY))
    ground.client("cloudwatch").disable_alarm_actions(AlarmNames=["exports-evidence-EvidenceBehindAlarm"])
    policy = {"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "s3:GetObject"}
    document = _document({**policy, "Resource": f"arn:aws:s3:::{bucket}/*"})
    ground.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)


def _change_a_stack(ground: Ground) -> None:
    cloudformation = ground.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName="exports-pull-notes")["Stacks"][0]
    template = cloudformation.get_template(StackName="exports-pull-notes")["TemplateBody"]
    template["Description"] = "improved"
    tags = [each | ({"Value": "me"} if each["Key"] == "owner" else {}) for each in stack["Tags"]]
    cloudformation.update_stack(
        StackName="exports-pull-notes",
        TemplateBody=json.dumps(template),
        Tags=tags,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    wait_until(lambda: ground.statuses()["exports-pull-notes"] == "UPDATE_COMPLETE")


def _delete_a_stack(ground: Ground) -> None:
    ground.client("cloudformation").delete_stack(StackName="exports-push-sent")
    wait_until(lambda: "exports-push-sent" not in ground.statuses())


def _edit_policy(iam: Any, role: str, name: str, edit: Any) -> None:
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    edit(policy)
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


def _allow_too(policy: Any, resource: str) -> None:
    policy["Statement"].append({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource})


def _document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _zipped(source: str, name: str = "handler.py") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, source)
    return packed.getvalue()
