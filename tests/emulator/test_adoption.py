"""From the old program to this one without moving data: rehearsed on buckets, roles and rules made the old way."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.deploy.apply.change_sets import StackFailedError, create_stack, work_on
from data_exports.deploy.apply.outcomes import InterruptedWorkError, ProgressNote, StackResult
from data_exports.deploy.apply.waves import carry_out, deploy
from data_exports.deploy.plan.consents import Consent, needed_consents
from data_exports.deploy.plan.planning import Action, Plan, StackStep
from data_exports.deploy.prepare import prepare
from data_exports.errors import AwsError, RefusedError
from data_exports.estate.models import Estate
from data_exports.local.clients import client, client_as
from data_exports.local.emulator import LocalAws
from data_exports.local.world import bucket_of, make_local_world
from data_exports.names import BucketName, DatasetName, RoleArn, log_bucket_of
from data_exports.operate.receipts import read_receipts
from data_exports.stacks.access_logs import access_logs_stack
from data_exports.stacks.stack import Stack
from tests.emulator.deploying import Ground, aws_of_account, ground_of
from tests.emulator.old_program import make_old_program
from tests.emulator.steps import refusal_of, wait_until
from tests.estates import LOADER, READER, at_s3, pull, push

pytestmark = pytest.mark.emulator


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("o"))


@dataclass(frozen=True)
class Old:
    """An account in which the old program has been at work, with data."""

    ground: Ground
    estate: Estate

    @property
    def hub(self) -> str:
        return str(self.ground.platform.hub_bucket)

    @property
    def lists(self) -> str:
        return f"{self.ground.platform.pull_bucket_prefix}court-lists"

    def received(self, dataset: str) -> dict[str, bytes]:
        found = next(push for push in self.estate.push_datasets if push.name == dataset)
        s3 = client(self.ground.local, "s3", account=str(found.destination.account))
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=str(bucket_of(found))).get("Contents", [])]
        return {key: s3.get_object(Bucket=str(bucket_of(found)), Key=key)["Body"].read() for key in keys}

    def delivered_by_us(self, dataset: str) -> set[str]:
        """The keys of those that the old program did not write to the recipient."""
        found = next(push for push in self.estate.push_datasets if push.name == dataset)
        s3, bucket = client(self.ground.local, "s3", account=str(found.destination.account)), bucket_of(found)
        return {
            key for key in self.received(dataset) if "by" not in s3.head_object(Bucket=str(bucket), Key=key)["Metadata"]
        }

    def receipts(self, dataset: str) -> set[tuple[str, str, str]]:
        found = read_receipts(
            self.ground.client("s3"), log_bucket_of(self.ground.platform.hub_bucket), DatasetName(dataset)
        )
        return {(receipt.key, receipt.version_id, receipt.outcome) for receipt in found}

    def in_sight(self, prefix: str) -> list[str]:
        page = self.ground.client("s3").list_objects_v2(Bucket=self.hub, Prefix=prefix)
        return [each["Key"] for each in page.get("Contents", [])]

    def upload(self, key: str, body: bytes) -> None:
        arn = f"arn:aws:iam::{self.ground.platform.account}:role/alpha_user_ana"
        client_as(self.ground.local, "s3", arn).put_object(Bucket=self.hub, Key=key, Body=body)

    def role(self, name: str) -> dict[str, Any]:
        return dict(self.ground.client("iam").get_role(RoleName=name)["Role"])


@pytest.fixture
def old(ground: Ground) -> Old:
    """Two push datasets and a pull dataset, with data; recipients name the movers' roles as principals."""
    at = {name: BucketName(f"{ground.platform.hub_bucket}-{name}") for name in ("orders", "moves")}
    estate = ground.estate(
        push("orders", destination=at_s3(at["orders"])),
        push("moves", destination=at_s3(at["moves"]), keep_files=True),
        pull("court_lists", outsiders=(READER,)),
    )
    make_local_world(ground.local, estate)
    s3 = ground.client("s3")
    make_old_program(ground, estate)
    for each in estate.push_datasets:
        mover = each.mover_role_arn(ground.platform)
        put = {"Effect": "Allow", "Principal": {"AWS": str(mover)}, "Action": "s3:PutObject*"}
        policy = {"Version": "2012-10-17", "Statement": [{**put, "Resource": f"{bucket_of(each).arn}/*"}]}
        recipient = client(ground.local, "s3", account=str(each.destination.account))
        recipient.put_bucket_policy(Bucket=str(bucket_of(each)), Policy=json.dumps(policy))
    s3.put_object(Bucket=f"{ground.platform.pull_bucket_prefix}court-lists", Key="2024/list.csv", Body=b"names")
    return Old(ground, estate)


def _step(plan: Plan, name: str) -> StackStep:
    return next(step for step in plan.steps if step.name == name)


def test_the_old_programs_resources_are_adopted_with_their_data_and_files_are_delivered(old: Old) -> None:
    ground, s3 = old.ground, old.ground.client("s3")
    old.upload("orders/first.csv", b"by the old program")
    old.upload("moves/kept.csv", b"kept")
    wait_until(
        lambda: set(old.received("orders")) | set(old.received("moves")) == {"orders/first.csv", "moves/kept.csv"}
    )
    wait_until(lambda: "Contents" not in s3.list_objects_v2(Bucket=old.hub, Prefix="orders/"))
    rules = s3.get_bucket_notification_configuration(Bucket=old.hub)
    s3.put_bucket_notification_configuration(Bucket=old.hub, NotificationConfiguration={})
    old.upload("orders/dropped.csv", b"its event was lost")
    rules.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=old.hub, NotificationConfiguration=rules)
    movers = ("export_orders-move", "export_moves-copy")
    before = {name: (old.role(name)["RoleId"], old.role(name)["Arn"]) for name in movers}

    with pytest.raises(RefusedError, match="--allow adoption"):
        ground.deploy(old.estate)
    assert ground.statuses() == {}
    result = ground.deploy(old.estate, allow=[Consent.ADOPTION])

    assert result.is_complete
    assert {outcome.name: outcome.note for outcome in result.outcomes if outcome.note} == {
        "exports-push-moves": "adopted the function export_moves-copy, the log group /aws/lambda/export_moves-copy, "
        "the role export_moves-copy",
        "exports-push-orders": "adopted the function export_orders-move, the log group /aws/lambda/export_orders-move, "
        "the role export_orders-move",
        "exports-pull-court-lists": f"adopted the bucket {old.lists}",
        "exports-hub": f"adopted the bucket {old.hub}; 1 upload was waiting under moves/: handed to its mover; "
        "1 upload was waiting under orders/: handed to its mover",
    }
    assert {name: (old.role(name)["RoleId"], old.role(name)["Arn"]) for name in movers} == before
    assert ground.rules() == ["moves/", "orders/"]
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket=old.hub)
    old.upload("orders/second.csv", b"by this program")
    wait_until(lambda: {"orders/dropped.csv", "orders/second.csv"} <= set(old.received("orders")))
    assert old.received("orders") == {
        "orders/first.csv": b"by the old program",
        "orders/dropped.csv": b"its event was lost",
        "orders/second.csv": b"by this program",
    }
    assert s3.get_object(Bucket=old.hub, Key="moves/kept.csv")["Body"].read() == b"kept"
    # What was there before versioning has a receipt, and is out of sight in the hub, below a marker.
    dropped = ("orders/dropped.csv", "null", "delivered")
    wait_until(lambda: dropped in old.receipts("orders"))
    assert {outcome for _, _, outcome in old.receipts("orders") | old.receipts("moves")} == {"delivered"}
    wait_until(lambda: old.in_sight("orders/") == [])
    versions = s3.list_object_versions(Bucket=old.hub, Prefix="orders/dropped.csv")
    assert [each["VersionId"] for each in versions["Versions"]] == ["null"]
    kept = s3.get_object(Bucket=old.hub, Key="orders/dropped.csv", VersionId="null")
    assert kept["Body"].read() == b"its event was lost"
    reader = client_as(ground.local, "s3", READER)
    assert reader.get_object(Bucket=old.lists, Key="2024/list.csv")["Body"].read() == b"names"
    assert ground.deploy(old.estate).plan.changes == ()


class Sending(threading.Thread):
    """Goes on sending while an estate is adopted: keys of their own, and once the old mover is gone one key again.

    The old mover deletes what was uploaded over a file while it copied that; so nothing is sent twice before.
    """

    def __init__(self, old: Old) -> None:
        super().__init__(daemon=True)
        self.old, self.sent, self.failure = old, dict[str, bytes](), ""
        self._done = threading.Event()

    def run(self) -> None:
        number = 0
        while not self._done.wait(0.1):
            number += 1
            try:
                self.send(f"orders/during-{number}.csv", f"moves/during-{number}.csv", body=str(number).encode())
                if self._is_old_mover_gone():
                    self.send("orders/again.csv", "moves/again.csv", body=str(number).encode())
            except Exception as error:
                self.failure = repr(error)
                raise

    def send(self, *keys: str, body: bytes) -> None:
        for key in keys:
            self.old.upload(key, body)
            self.sent[key] = body

    def end(self) -> dict[str, bytes]:
        self._done.set()
        self.join()
        assert self.failure == ""
        return self.sent

    def _is_old_mover_gone(self) -> bool:
        function = self.old.ground.client("lambda")
        try:
            handlers = [
                function.get_function_configuration(FunctionName=name)["Handler"]
                for name in ("export_orders-move", "export_moves-copy")
            ]
        except ClientError as error:
            return error.response["Error"]["Code"] == "ResourceNotFoundException"
        return "move.handler" not in handlers


def test_what_is_sent_before_while_and_after_an_adoption_arrives_and_is_on_record(old: Old) -> None:
    ground, s3 = old.ground, old.ground.client("s3")
    rules = s3.get_bucket_notification_configuration(Bucket=old.hub)
    rules.pop("ResponseMetadata")
    s3.put_bucket_notification_configuration(Bucket=old.hub, NotificationConfiguration={})
    sending = Sending(old)
    sending.send("orders/lost.csv", "orders/overtaken.csv", "moves/lost.csv", body=b"its event was lost")
    s3.put_bucket_notification_configuration(Bucket=old.hub, NotificationConfiguration=rules)
    sending.send("orders/before.csv", "moves/before.csv", body=b"by the old program")
    wait_until(lambda: {"orders/before.csv", "moves/before.csv"} <= {*old.received("orders"), *old.received("moves")})

    class Waits(threading.Event):
        """While the hub's versioning settles: the old rules are there, and the movers behind them are gone."""

        def wait(self, timeout: float | None = None) -> bool:
            if timeout == 900:
                sending.send("orders/overtaken.csv", "orders/settling.csv", body=b"first")
                sending.send("orders/overtaken.csv", "moves/settling.csv", body=b"second")
                return False
            return super().wait(timeout)

    sending.start()
    work = replace(work_on(ground.aws, ground.platform), versioning_seconds=900, stop=Waits())
    assert carry_out(prepare(old.estate, ground.aws), work).is_complete
    sending.send("orders/after.csv", "moves/after.csv", body=b"by this program")
    sent = sending.end()

    for dataset in ("orders", "moves"):
        mine = {key: body for key, body in sent.items() if key.startswith(f"{dataset}/")}
        wait_until(partial(_has_arrived, old, dataset, mine))
    wait_until(lambda: old.in_sight("orders/") == [])
    assert sorted(old.in_sight("moves/")) == sorted(key for key in sent if key.startswith("moves/"))
    for dataset in ("orders", "moves"):  # what the old program delivered has no receipt
        versions = s3.get_paginator("list_object_versions").paginate(Bucket=old.hub, Prefix=f"{dataset}/")
        held = [(each["Key"], each["VersionId"]) for page in versions for each in page.get("Versions", [])]
        newest = dict(reversed(held))
        ours = {(key, newest[key]) for key in old.delivered_by_us(dataset)}
        assert {f"{dataset}/lost.csv", f"{dataset}/settling.csv", f"{dataset}/after.csv"} <= {key for key, _ in ours}
        wait_until(partial(_is_on_record, old, dataset, ours))
        found = old.receipts(dataset)
        assert {outcome for _, _, outcome in found} <= {"delivered", "superseded"}
        assert {(key, version) for key, version, _ in found} <= set(held)
    assert ground.deploy(old.estate).plan.changes == ()


def _has_arrived(old: Old, dataset: str, sent: dict[str, bytes]) -> bool:
    return old.received(dataset) == sent


def _is_on_record(old: Old, dataset: str, uploads: set[tuple[str, str]]) -> bool:
    return {(key, version) for key, version, outcome in old.receipts(dataset) if outcome == "delivered"} >= uploads


def test_a_hub_that_is_adopted_waits_until_its_versioning_holds_everywhere(old: Old) -> None:
    ground, s3 = old.ground, old.ground.client("s3")
    seen: list[tuple[str, list[str]]] = []
    said: list[str] = []

    class Waits(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if timeout != 900:
                return super().wait(timeout)
            seen.append((s3.get_bucket_versioning(Bucket=old.hub)["Status"], ground.rules()))
            return False

    def listen(event: object) -> None:
        said.extend([event.text] if isinstance(event, ProgressNote) and "versioning" in event.text else [])

    work = replace(work_on(ground.aws, ground.platform), versioning_seconds=900, stop=Waits())
    assert carry_out(prepare(old.estate, ground.aws), work, progress=listen).is_complete
    assert seen == [("Enabled", [])]  # before the hub has any rule of ours
    sentence = (
        f"turned on the versioning of s3://{old.hub}. That may take 15 minutes to reach every part of S3: "
        "waiting so long before the hub's rules change and uploads are handed over"
    )
    assert said == [sentence]
    assert ground.rules() == ["moves/", "orders/"]


def test_an_adopted_mover_has_no_right_but_ours(old: Old) -> None:
    ground, iam = old.ground, old.ground.client("iam")
    stranger = {"AWS": str(LOADER)}
    trust = {"Effect": "Allow", "Principal": stranger, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    make_local_world(ground.local, ground.estate(pull("other", outsiders=(LOADER,))))
    iam.update_assume_role_policy(RoleName="export_orders-move", PolicyDocument=document)
    assert ground.deploy(old.estate, allow=[Consent.ADOPTION]).is_complete
    assert iam.list_role_policies(RoleName="export_orders-move")["PolicyNames"] == ["deliver"]
    assert iam.list_attached_role_policies(RoleName="export_orders-move")["AttachedPolicies"] == []
    (statement,) = old.role("export_orders-move")["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    function = ground.client("lambda").get_function_configuration(FunctionName="export_orders-move")
    assert function["Handler"] == "data_exports.mover.handler.handle"
    policy = ground.client("lambda").get_policy(FunctionName="export_orders-move")["Policy"]
    assert "s3.amazonaws.com" not in policy


def test_the_plan_says_what_is_adopted_and_whom_the_old_policy_lets_in(old: Old) -> None:
    plan = prepare(old.estate, old.ground.aws).plan
    assert {step.name: step.reason for step in plan.steps if step.reason} == {
        "exports-push-moves": "makes the function export_moves-copy anew; adopts the role export_moves-copy",
        "exports-push-orders": "makes the function export_orders-move anew; adopts the role export_orders-move",
        "exports-pull-court-lists": f"adopts the bucket {old.lists}, which holds data (its policy, which is replaced, "
        f"lets in {READER})",
        "exports-hub": f"adopts the empty bucket {old.hub}",
    }
    (needed,) = (each for each in needed_consents(plan) if each.consent is Consent.ADOPTION)
    assert needed.names == (
        "the function export_moves-copy",
        "the role export_moves-copy",
        "the function export_orders-move",
        "the role export_orders-move",
        f"the bucket {old.lists}",
        f"the empty bucket {old.hub}",
    )


def test_a_dataset_that_nobody_declared_anew_is_missed_before_the_hub_loses_its_rule(old: Old) -> None:
    fewer = replace(old.estate, push_datasets=old.estate.push_datasets[:1])
    assert _step(prepare(fewer, old.ground.aws).plan, "exports-hub").reason == (
        f"adopts the empty bucket {old.hub} (WARNING: no push dataset is declared that would deliver, "
        "as its rules do now: orders/)"
    )


def test_an_adopted_role_and_its_dataset_go_together_later_and_the_bucket_stays(old: Old) -> None:
    ground = old.ground
    ground.deploy(old.estate, allow=[Consent.ADOPTION])
    left = replace(old.estate, push_datasets=old.estate.push_datasets[:1], pull_datasets=())
    assert ground.deploy(left, allow=set(Consent)).is_complete
    assert refusal_of(lambda: old.role("export_orders-move")) == "NoSuchEntity"
    assert ground.client("s3").get_object(Bucket=old.lists, Key="2024/list.csv")["Body"].read() == b"names"
    assert refusal_of(lambda: ground.client("s3").get_bucket_policy(Bucket=old.lists)) == "NoSuchBucketPolicy"


def _broken(step: StackStep) -> Stack:
    """The pull dataset's stack, with a bucket policy that S3 does not accept."""
    assert step.stack
    template = json.loads(step.stack.body)
    policy = template["Resources"]["BucketPolicy"]["Properties"]["PolicyDocument"]
    policy["Statement"][0]["Principal"] = {"AWS": "arn:aws:iam::593291632749:role/nobody"}
    return replace(step.stack, body=json.dumps(template))


def test_an_adoption_that_fails_leaves_the_old_policy_in_force_and_is_completed_later(old: Old) -> None:
    ground, s3 = old.ground, old.ground.client("s3")
    before = json.loads(s3.get_bucket_policy(Bucket=old.lists)["Policy"])
    step = _step(prepare(old.estate, ground.aws).plan, "exports-pull-court-lists")
    work = work_on(ground.aws, ground.platform)
    create_stack(work, access_logs_stack(ground.platform, (), require_tls=False))  # where the bucket is logged
    with pytest.raises(StackFailedError, match="Invalid principal"):
        create_stack(work, _broken(step), step.existing)
    assert json.loads(s3.get_bucket_policy(Bucket=old.lists)["Policy"]) == before
    assert s3.get_object(Bucket=old.lists, Key="2024/list.csv")["Body"].read() == b"names"
    result = ground.deploy(old.estate, allow=[Consent.ADOPTION])
    assert result.of("exports-pull-court-lists").result is StackResult.UPDATED
    assert result.of("exports-pull-court-lists").note == "finished adopting what existed"
    assert result.is_complete
    sids = [each["Sid"] for each in json.loads(s3.get_bucket_policy(Bucket=old.lists)["Policy"])["Statement"]]
    assert sids == ["DenyBelowTls12", "OutsidersListBucket", "OutsidersUseObjects"]


def test_an_old_policy_that_could_not_be_put_back_is_said(old: Old) -> None:
    ground = old.ground
    step = _step(prepare(old.estate, ground.aws).plan, "exports-pull-court-lists")
    work = work_on(ground.without("s3:PutBucketPolicy"), ground.platform)
    with pytest.raises(StackFailedError) as failed:
        create_stack(work, _broken(step), step.existing)
    assert f"; and {old.lists} has no policy now, the old one could not be put back: " in str(failed.value)
    assert failed.value.next_step == "deploy again"
    assert ground.deploy(old.estate, allow=[Consent.ADOPTION]).is_complete


def test_an_interrupted_adoption_is_completed_by_the_next_run(old: Old) -> None:
    ground = old.ground
    hasty = aws_of_account(ground.local, ground.platform.account)

    def interrupt(**_: object) -> None:
        raise KeyboardInterrupt

    hasty.client("lambda").meta.events.register("before-call.lambda.DeleteFunction", interrupt)
    with pytest.raises(InterruptedWorkError, match="run `exports deploy` again"):
        deploy(old.estate, hasty, allow=[Consent.ADOPTION])
    step = _step(prepare(old.estate, ground.aws).plan, "exports-push-orders")
    assert (step.action, step.reason) == (
        Action.UPDATE,
        "an earlier run began to adopt what existed, and did not finish",
    )
    assert ground.deploy(old.estate, allow=[Consent.ADOPTION]).is_complete
    old.upload("orders/after.csv", b"1")
    wait_until(lambda: "orders/after.csv" in old.received("orders"))


@pytest.mark.parametrize(
    ("action", "where"),
    [
        ("iam:DeleteRolePolicy", "exports-push-orders"),
        ("iam:DetachRolePolicy", "exports-push-orders"),
        ("iam:ListAttachedRolePolicies", "exports-push-orders"),
        ("iam:ListRolePolicies", "exports-push-orders"),
        ("iam:UpdateAssumeRolePolicy", "exports-push-orders"),
        ("lambda:DeleteFunction", "exports-push-orders"),
        ("s3:DeleteBucketPolicy", "exports-pull-court-lists"),
    ],
)
def test_what_an_adoption_may_not_do_is_said_and_a_later_run_completes_it(old: Old, action: str, where: str) -> None:
    ground = old.ground
    result = deploy(old.estate, ground.without(action), allow=[Consent.ADOPTION])
    assert result.of(where).result is StackResult.FAILED
    assert action in result.of(where).reason
    assert old.received("orders") == {}
    again = ground.deploy(old.estate, allow=[Consent.ADOPTION])
    assert again.is_complete
    assert again.of(where).note == "finished adopting what existed"
    assert ground.client("s3").get_object(Bucket=old.lists, Key="2024/list.csv")["Body"].read() == b"names"


@pytest.mark.parametrize("action", ["s3:GetBucketPolicy", "s3:GetBucketTagging", "s3:GetBucketNotification"])
def test_without_knowing_what_would_be_adopted_nothing_is_done(old: Old, action: str) -> None:
    with pytest.raises(AwsError, match=action):
        deploy(old.estate, old.ground.without(action), allow=[Consent.ADOPTION])
    assert old.ground.statuses() == {}


def test_a_role_of_that_name_under_another_path_is_no_movers_role(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("orders")))
    ground.make_roles(["export_orders-move"])
    step = _step(prepare(estate, ground.aws).plan, "exports-push-orders")
    arn = RoleArn(f"arn:aws:iam::{ground.platform.account}:role/export_orders-move")
    assert (step.action, step.reason, step.next_step) == (
        Action.BLOCKED,
        "a role export_orders-move exists under the path /; recipients name it under /service-role/",
        f"delete or rename the role {arn}, then deploy again",
    )
    assert ground.deploy(estate).of("exports-push-orders").result is StackResult.LEFT_OUT
    assert ground.rules() == []


def test_what_came_into_being_after_the_plan_is_not_adopted(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    prepared = prepare(estate, ground.aws)
    ground.make_bucket(bucket := f"{ground.platform.pull_bucket_prefix}lists")
    failed = carry_out(prepared, work_on(ground.aws, ground.platform)).of("exports-pull-lists")
    assert failed.reason == f"{bucket} exists: another account has it, or somebody made it while we were at work"
    with pytest.raises(ClientError, match="NoSuchBucketPolicy"):
        ground.client("s3").get_bucket_policy(Bucket=bucket)
