"""Each kind of thing changed by hand in AWS, and seen by name; nothing else is named."""

import io
import json
import os
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data_exports.deploy.drift.finding import DriftReport, read_drift
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate
from data_exports.local.clients import environment_of
from data_exports.local.emulator import LocalAws
from data_exports.names import AccountId, RoleName
from tests.emulator.deploying import Ground, ground_of, write_estate
from tests.emulator.steps import wait_until
from tests.envelopes import check_printed
from tests.estates import LOADER, READER, pull, push
from tests.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("drift")]

EXPORTS = str(Path(sys.executable).parent / "exports")
GOLDEN = Path(__file__).parents[1] / "golden" / "drift.txt"
STRANGER = "arn:aws:iam::210987654321:root"
ACTION_OF = {
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
}
"""IAM's name for an action, where S3's own is another.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""
LEAVER = RoleName("alpha_user_leaver")


@dataclass(frozen=True)
class Drifted:
    """A deployed estate, what drift said of it before, and after everything was changed by hand."""

    ground: Ground
    estate: Estate
    before: DriftReport
    after: DriftReport
    asked: frozenset[str]
    """What was asked of AWS for the first report: ``s3:GetBucketPolicy``."""

    def named(self, text: str) -> str:
        """The text with this estate's own names in it."""
        platform = self.ground.platform
        return text.format(
            account=platform.account,
            hub=platform.hub_bucket,
            log=platform.log_bucket,
            pull=platform.pull_bucket_prefix,
            endpoint=self.ground.local.endpoint_url,
        )


@pytest.fixture(scope="module")
def drifted(local_aws: LocalAws) -> Drifted:
    number = uuid.uuid4().int % 10**11 + 10**11
    ground = ground_of(local_aws, AccountId(f"{number:012d}"), f"f-{uuid.uuid4().hex[:8]}")
    estate = ground.estate(
        push("orders"),
        push("moves", users=(LEAVER,)),
        push("sent"),
        pull("lists", outsiders=(READER, LOADER)),
        pull("notes"),
        pull("old"),
    )
    ground.make_users_of(estate)
    assert ground.deploy(estate).is_complete
    calls = ground.recorded()
    before = _read(ground, estate)
    asked = frozenset(calls)
    for change in (_change_a_stack, _change_buckets, _change_rights, _change_movers, _delete_a_stack):
        change(ground)
    return Drifted(ground, estate, before, _read(ground, estate), asked)


def _read(ground: Ground, estate: Estate) -> DriftReport:
    return read_drift(estate, ground.aws, counted=lambda *_: None)


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
    s3.delete_bucket(Bucket=old)
    s3.put_bucket_versioning(Bucket=hub, VersioningConfiguration={"Status": "Suspended"})
    kms = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}
    s3.put_bucket_encryption(Bucket=log, ServerSideEncryptionConfiguration={"Rules": [kms]})
    rules = s3.get_bucket_notification_configuration(Bucket=hub)["QueueConfigurations"]
    kept = [each for each in rules if not each["QueueArn"].endswith("export_orders")]
    prefix = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "elsewhere/"}]}}
    kept.append({**kept[0], "Id": "elsewhere", "Filter": prefix})
    s3.put_bucket_notification_configuration(Bucket=hub, NotificationConfiguration={"QueueConfigurations": kept})


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
    trust = iam.get_role(RoleName=mover)["Role"]["AssumeRolePolicyDocument"]
    trust["Statement"].append({"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "sts:AssumeRole"})
    iam.update_assume_role_policy(RoleName=mover, PolicyDocument=json.dumps(trust))


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
    functions.delete_function(FunctionName="export_sent-move")
    ground.client("logs").put_retention_policy(logGroupName="/aws/lambda/export_orders-move", retentionInDays=1)
    cloudwatch.disable_alarm_actions(AlarmNames=["exports-push-orders-DeadLetterAlarm"])
    cloudwatch.delete_alarms(AlarmNames=["exports-push-moves-DeadLetterAlarm"])
    sns, topic = ground.client("sns"), f"arn:aws:sns:eu-west-1:{ground.platform.account}:exports-alerts"
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    policy["Statement"].append(
        {"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "sns:Subscribe", "Resource": topic}
    )
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))


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


def _zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("handler.py", source)
    return packed.getvalue()


def test_what_was_just_deployed_has_not_drifted(drifted: Drifted) -> None:
    assert (drifted.before.drifts, drifted.before.not_checked, drifted.before.stacks) == ((), (), 8)


def test_the_rights_that_the_guide_asks_for_are_those_that_it_takes(drifted: Drifted) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "review-and-deploy.md").read_text(encoding="utf-8")
    (block,) = (text for text in guide.split("```") if "cloudformation:DetectStackDrift" in text)
    assert {ACTION_OF.get(call, call) for call in drifted.asked} == set(block.split()[1:])


def test_each_thing_changed_by_hand_is_named_and_nothing_else(drifted: Drifted) -> None:
    expected = [line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = [f"{drift.where}: {drift.what}" for drift in drifted.after.drifts]
    assert found == [drifted.named(line) for line in expected]
    assert drifted.after.not_checked == ()


def test_what_may_not_be_looked_at_is_said_and_the_rest_is_looked_at(drifted: Drifted) -> None:
    for action, where, what in (
        ("s3:GetBucketPolicy", "exports-hub", "its buckets: access denied: "),
        ("iam:GetRolePolicy", "exports-push-orders", "its roles: access denied: "),
        ("lambda:ListEventSourceMappings", "exports-push-orders", "its queues, functions and alarms: access denied: "),
        ("cloudformation:DetectStackDrift", "exports-hub", "the rest of it: access denied: "),
        ("cloudformation:GetTemplate", "exports-hub", "its template: access denied: "),
    ):
        report = read_drift(drifted.estate, drifted.ground.without(action), counted=lambda *_: None)
        assert any(each.where == where and each.what.startswith(what) for each in report.not_checked), action
        assert any(each.where == "exports-push-sent" for each in report.drifts)


def test_the_command_says_it_in_sentences_and_ends_with_1(drifted: Drifted, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate", drifted.ground, names=["orders"], users=[RoleName("alpha_user_ana")])
    done = _run(drifted.ground, folder)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[lines.index("exports-pull-old") + 1] == drifted.named("  the bucket {pull}old is gone")
    count = sum(line.startswith("  ") for line in lines)
    assert lines[-1].startswith(f"{count} differences, 7 stacks (")
    facts = json.loads(_run(drifted.ground, folder, "--json").stdout)
    assert {"stack": "exports-pull-old", "what": drifted.named("the bucket {pull}old is gone")} in facts["drift"]
    assert (facts["not_checked"], facts["stack_count"]) == ([], 7)


def test_the_command_ends_with_0_when_nothing_differs_and_with_4_when_it_may_not_look(
    local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str], tmp_path: Path
) -> None:
    ground = ground_of(local_aws, unique_account(), unique("f"))
    folder = write_estate(tmp_path / "estate", ground, names=["orders"], users=[user := RoleName("alpha_user_ana")])
    ground.make_roles([user])
    missing = _run(ground, folder)
    assert (missing.returncode, missing.stdout.splitlines()[-1][:23]) == (1, "3 differences, 0 stacks")
    ground.deploy(load_estate(folder).require())
    done = _run(ground, folder)
    assert (done.returncode, done.stdout[:22]) == (0, "As deployed: 3 stacks ")
    in_part = _run(ground, folder, **ground.keys_without("s3:GetBucketPolicy"))
    assert in_part.returncode == 4, in_part.stderr
    assert in_part.stdout.startswith("As far as could be looked at, as deployed: 3 stacks ")
    assert "not looked at: exports-hub: its buckets: access denied: " in in_part.stderr
    assert "error: not everything could be looked at" in in_part.stderr


def _run(ground: Ground, folder: Path, *words: str, **keys: str) -> subprocess.CompletedProcess[str]:
    keys = keys or {"AWS_ACCESS_KEY_ID": str(ground.platform.account)}
    done = subprocess.run(
        [EXPORTS, "drift", *words, "--estate", str(folder)],
        env={**os.environ, **environment_of(ground.local), **keys},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    check_printed(("drift", *words), done.stdout, done.stderr, done.returncode)
    return done
