"""Deploying to the local AWS: what is created, what is left alone, and what is said about what cannot be done."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from data_exports.deploy.apply.change_sets import StackFailedError, StoppedError, create_stack, update_stack, work_on
from data_exports.deploy.apply.outcomes import (
    DeployEvent,
    DeployResult,
    InterruptedWorkError,
    ProgressNote,
    StackFinished,
    StackResult,
    StackStarted,
    error_of_deploying,
)
from data_exports.deploy.apply.waves import carry_out, deploy
from data_exports.deploy.plan.consents import Consent
from data_exports.deploy.plan.planning import Action
from data_exports.deploy.prepare import prepare
from data_exports.errors import AwsError, PartlyDoneError, RefusedError
from data_exports.estate.models import Estate
from data_exports.limits import TEMPLATE_BODY_BYTES
from data_exports.local.clients import client
from data_exports.local.emulator import LocalAws
from data_exports.local.world import make_local_world
from data_exports.names import BucketName, RoleName
from data_exports.stacks.stack import DATASET_TAG, DIGEST_TAG, HUB_TAG
from tests.emulator.deploying import NOBODY, Ground, aws_of_account, ground_of
from tests.emulator.steps import wait_until
from tests.estates import at_s3, pull, push

pytestmark = pytest.mark.emulator


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("d"))


def test_whole_estate_is_deployed_wave_by_wave(ground: Ground) -> None:
    estate = ground.estate(push("orders"), push("moves", keep_files=True), pull("lists"))
    ground.make_users_of(estate)
    result = ground.deploy(estate)
    assert {outcome.name: outcome.result for outcome in result.outcomes} == {
        "exports-foundation": StackResult.CREATED,
        "exports-access-logs": StackResult.CREATED,
        "exports-push-moves": StackResult.CREATED,
        "exports-push-orders": StackResult.CREATED,
        "exports-pull-lists": StackResult.CREATED,
        "exports-hub": StackResult.CREATED,
    }
    assert result.is_complete
    assert error_of_deploying(result) is None
    assert set(ground.statuses().values()) == {"CREATE_COMPLETE"}
    assert ground.rules() == ["moves/", "orders/"]
    finished = [event.outcome.name for event in ground.events if isinstance(event, StackFinished)]
    assert ({*finished[:2]}, finished[-1]) == ({"exports-foundation", "exports-access-logs"}, "exports-hub")


def test_second_deployment_touches_nothing(ground: Ground) -> None:
    estate = ground.estate(push("orders"), pull("lists"))
    ground.make_users_of(estate)
    ground.deploy(estate)
    before = ground.history()
    calls = ground.recorded()
    result = ground.deploy(estate)
    asked = dict(calls)
    assert {outcome.result for outcome in result.outcomes} == {StackResult.UNCHANGED}
    assert not [event for event in ground.events if isinstance(event, StackStarted)]
    assert ground.history() == before
    assert asked == {
        "cloudformation:DescribeStacks": 2,
        "iam:GetRole": 2,
        "s3:GetObject": 3,
        "sts:GetCallerIdentity": 2,
    }, "a listing; what the keeper knows, roles' ids, the push dataset's card; and no template"


def test_only_the_changed_dataset_is_updated(ground: Ground) -> None:
    estate = ground.estate(push("orders"), pull("lists"))
    ground.make_users_of(estate)
    ground.deploy(estate)
    result = ground.deploy(ground.estate(push("orders", description="now with one"), pull("lists")))
    assert [outcome.name for outcome in result.outcomes if outcome.result is not StackResult.UNCHANGED] == [
        "exports-push-orders"
    ]
    assert result.of("exports-push-orders").result is StackResult.UPDATED


def test_changed_platform_tags_reach_every_stack(ground: Ground) -> None:
    estate = ground.estate(pull("lists"))
    ground.make_users_of(estate)
    ground.deploy(estate)
    result = ground.deploy(ground.estate(pull("lists"), tags=(("owner", "Somebody Else"),)), allow=[Consent.GUARD])
    assert {outcome.result for outcome in result.outcomes} == {StackResult.UPDATED}
    described = ground.client("cloudformation").describe_stacks(StackName="exports-pull-lists")["Stacks"][0]
    assert {tag["Key"]: tag["Value"] for tag in described["Tags"]}["owner"] == "Somebody Else"


def test_change_set_without_changes_counts_as_unchanged_and_is_deleted(ground: Ground) -> None:
    estate = ground.estate(pull("lists"))
    ground.make_users_of(estate)
    ground.deploy(estate)
    step = next(step for step in prepare(estate, ground.aws).plan.steps if step.name == "exports-pull-lists")
    assert step.stack
    before = ground.history()
    assert update_stack(work_on(ground.aws, ground.platform), step.stack) is False
    assert ground.history() == before


def _deploy_while_somebody_deletes(ground: Ground, estate: Estate, role: str) -> DeployResult:
    """Deploy, with a user's role gone between the look at AWS and the work."""
    prepared = prepare(estate, ground.aws)
    ground.client("iam").delete_role(RoleName=role)
    return carry_out(prepared, work_on(ground.aws, ground.platform))


def test_failing_stack_is_named_with_awss_reason_while_the_others_succeed(ground: Ground) -> None:
    estate = ground.estate(push("orders"), pull("lists", users=(RoleName("alpha_user_leaver"),)), pull("notes"))
    ground.make_users_of(estate)
    result = _deploy_while_somebody_deletes(ground, estate, "alpha_user_leaver")
    assert {outcome.name: outcome.result for outcome in result.not_done} == {"exports-pull-lists": StackResult.FAILED}
    failed = result.of("exports-pull-lists")
    assert failed.reason.startswith("UsersPolicy (AWS::IAM::Policy): ")
    assert "alpha_user_leaver" in failed.reason
    assert "exports-pull-lists" not in ground.statuses()
    error = error_of_deploying(result)
    assert isinstance(error, PartlyDoneError)
    assert failed.reason in str(error)


def test_bucket_name_taken_by_another_account_is_said(ground: Ground, unique_account: Callable[[], str]) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    taken = f"{ground.platform.pull_bucket_prefix}lists"
    aws_of_account(ground.local, unique_account()).client("s3").create_bucket(
        Bucket=taken, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    failed = ground.deploy(estate).of("exports-pull-lists")
    assert failed.result is StackResult.FAILED
    assert "exist" in failed.reason
    assert ground.statuses().keys() == {"exports-foundation", "exports-access-logs", "exports-hub"}


def test_hub_leaves_out_a_dataset_whose_stack_could_not_be_created(ground: Ground) -> None:
    estate = ground.estate(push("orders"), push("moves"))
    ground.make_users_of(estate)
    ground.make_roles(["export_moves-move"])
    result = ground.deploy(estate)
    assert result.of("exports-push-moves").result is StackResult.LEFT_OUT
    assert "export_moves-move" in result.of("exports-push-moves").reason
    assert result.of("exports-hub").result is StackResult.CREATED
    assert result.of("exports-hub").note == "without a rule for moves: no queue yet"
    assert ground.rules() == ["orders/"]
    ground.client("iam").delete_role(RoleName="export_moves-move")
    assert ground.deploy(estate).is_complete
    assert ground.rules() == ["moves/", "orders/"]


def test_dataset_whose_update_failed_keeps_its_rule_and_recovers(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("orders")))
    ground.deploy(estate)
    ground.make_roles(["alpha_user_leaver"])
    changed = ground.estate(push("orders", users=(RoleName("alpha_user_ana"), RoleName("alpha_user_leaver"))))
    result = _deploy_while_somebody_deletes(ground, changed, "alpha_user_leaver")
    assert result.of("exports-push-orders").result is StackResult.FAILED
    assert result.of("exports-push-orders").reason.startswith("UsersPolicy (AWS::IAM::Policy): ")
    assert ground.rules() == ["orders/"]
    assert ground.statuses()["exports-push-orders"] == "UPDATE_ROLLBACK_COMPLETE"
    back = ground.deploy(estate)
    assert back.of("exports-push-orders").step.action is Action.UPDATE
    assert back.of("exports-push-orders").result is StackResult.UNCHANGED
    ground.make_roles(["alpha_user_leaver"])
    assert ground.deploy(changed).of("exports-push-orders").result is StackResult.UPDATED


def test_missing_role_is_left_out_and_the_deployment_partly_done(ground: Ground) -> None:
    ground.make_roles(["alpha_user_ana"])
    estate = ground.estate(push("orders"))
    result = ground.deploy(estate)
    assert result.not_done == ()
    assert [(each.dataset, each.roles) for each in result.missing_roles] == [("orders", ("alpha_user_Ben-Two",))]
    error = error_of_deploying(result)
    assert isinstance(error, PartlyDoneError)
    assert "orders: no such role: alpha_user_Ben-Two" in str(error)
    assert ground.client("iam").list_role_policies(RoleName="alpha_user_ana")["PolicyNames"] == [
        "hub-exports-push-orders"
    ]
    ground.make_roles(["alpha_user_Ben-Two"])
    again = ground.deploy(estate)
    assert again.of("exports-push-orders").result is StackResult.UPDATED
    assert again.is_complete


def test_roles_that_somebody_deletes_in_aws_block_nobody(ground: Ground) -> None:
    """The roles of most users are gone: no consent is asked, and the rest goes on."""
    users = tuple(RoleName(f"alpha_user_{number}") for number in range(8))
    ground.make_users_of(estate := ground.estate(push("orders", users=users), pull("lists")))
    ground.deploy(estate)
    iam = ground.client("iam")
    for user in users[1:]:
        iam.delete_role_policy(RoleName=user, PolicyName="hub-exports-push-orders")
        iam.delete_role(RoleName=user)
    result = ground.deploy(ground.estate(push("orders", users=users), pull("lists", bucket_versioning=True)))
    assert [(each.dataset, each.roles) for each in result.missing_roles] == [("orders", users[1:])]
    assert result.not_done == ()
    assert {each.name: each.result for each in result.outcomes if each.result is not StackResult.UNCHANGED} == {
        "exports-push-orders": StackResult.UPDATED,
        "exports-pull-lists": StackResult.UPDATED,
    }


def test_template_above_the_request_limit_goes_through_the_log_bucket(ground: Ground) -> None:
    users = tuple(RoleName(f"alpha_user_{number:03}_{'x' * 40}") for number in range(60))
    estate = ground.estate(pull("lists", users=users))
    ground.make_users_of(estate)
    result = ground.deploy(estate)
    stack = result.of("exports-pull-lists").step.stack
    assert stack
    assert len(stack.body.encode()) > TEMPLATE_BODY_BYTES
    assert result.is_complete
    stored = ground.client("s3").get_object(
        Bucket=str(ground.platform.log_bucket), Key=f"templates/{stack.digest}.json"
    )
    assert stored["Body"].read() == stack.body.encode()


def test_removed_dataset_loses_its_rule_before_its_queue_and_keeps_its_bucket(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), push("moves"), pull("lists")))
    ground.deploy(estate)
    ground.client("s3").put_object(Bucket=str(ground.platform.hub_bucket), Key="other/x", Body=b"1")
    result = ground.deploy(ground.estate(push("orders")), allow=[Consent.REMOVAL, Consent.LOSS])
    assert {outcome.name: outcome.result for outcome in result.outcomes} == {
        "exports-foundation": StackResult.UNCHANGED,
        "exports-access-logs": StackResult.UNCHANGED,
        "exports-push-orders": StackResult.UNCHANGED,
        "exports-hub": StackResult.UPDATED,
        "exports-push-moves": StackResult.DELETED,
        "exports-pull-lists": StackResult.DELETED,
    }
    order = [event.step.name for event in ground.events if isinstance(event, StackStarted)]
    assert order[0] == "exports-hub"
    assert ground.rules() == ["orders/"]
    bucket = f"{ground.platform.pull_bucket_prefix}lists"
    assert result.of("exports-pull-lists").note == f"its bucket {bucket} is kept"
    assert bucket in ground.buckets()
    assert ground.statuses().keys() == {
        "exports-foundation",
        "exports-access-logs",
        "exports-hub",
        "exports-push-orders",
    }


def test_uploads_of_a_removed_dataset_are_counted(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), push("moves", keep_files=True)))
    ground.deploy(estate)
    hub = str(ground.platform.hub_bucket)
    ground.client("s3").put_bucket_notification_configuration(Bucket=hub, NotificationConfiguration={})
    ground.client("s3").put_object(Bucket=hub, Key="moves/a", Body=b"1")
    result = ground.deploy(ground.estate(push("orders")), allow=[Consent.REMOVAL, Consent.LOSS])
    assert result.of("exports-push-moves").note == f"still in s3://{hub}/moves/, and nothing delivers it: 1 upload"


def test_removed_datasets_stack_stays_while_the_hub_cannot_lose_its_rule(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), push("moves"), pull("lists")))
    ground.deploy(estate)
    queue = ground.client("sqs").get_queue_url(QueueName="export_orders")["QueueUrl"]
    ground.client("sqs").delete_queue(QueueUrl=queue)
    result = ground.deploy(ground.estate(push("orders")), allow=[Consent.REMOVAL, Consent.LOSS])
    assert result.of("exports-hub").result is StackResult.FAILED
    assert result.of("exports-push-moves").result is StackResult.LEFT_OUT
    assert result.of("exports-pull-lists").result is StackResult.DELETED
    assert "exports-push-moves" in ground.statuses()


def _tags(dataset: str, hub: str) -> list[dict[str, str]]:
    tags = {DIGEST_TAG: "old", DATASET_TAG: dataset, HUB_TAG: hub}
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def test_stack_left_by_a_failed_creation_is_replaced(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": json.loads(NOBODY)}}
    body = json.dumps({"Resources": {"P": {**policy, "Properties": {**policy["Properties"], "Roles": ["nobody"]}}}})  # type: ignore[dict-item]
    cloudformation = ground.client("cloudformation")
    cloudformation.create_stack(
        StackName="exports-pull-lists",
        TemplateBody=body,
        Tags=_tags("lists", str(ground.platform.hub_bucket)),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    while (status := ground.statuses()["exports-pull-lists"]).endswith("_IN_PROGRESS"):
        pass
    assert status == "ROLLBACK_COMPLETE"
    result = ground.deploy(estate)
    assert result.of("exports-pull-lists").step.action is Action.REPLACE
    assert result.of("exports-pull-lists").result is StackResult.CREATED
    assert result.is_complete


def test_stack_whose_creation_never_began_is_replaced(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    ground.client("cloudformation").create_change_set(
        StackName="exports-pull-lists",
        ChangeSetName="left",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}),
    )
    result = ground.deploy(estate)
    assert result.of("exports-pull-lists").step.action is Action.REPLACE
    assert result.is_complete


def test_stack_that_is_not_ours_is_not_touched(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    ground.client("cloudformation").create_stack(
        StackName="exports-pull-lists", TemplateBody=json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    )
    result = ground.deploy(estate)
    assert result.of("exports-pull-lists").result is StackResult.LEFT_OUT
    assert result.of("exports-pull-lists").reason == "a stack of this name exists and is not ours"
    assert result.of("exports-hub").result is StackResult.CREATED


def test_bucket_that_is_not_ours_is_not_adopted_without_consent(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    bucket, s3 = f"{ground.platform.pull_bucket_prefix}lists", ground.client("s3")
    ground.make_bucket(bucket)
    with pytest.raises(RefusedError, match=f"this product did not make.*: the empty bucket {bucket}"):
        ground.deploy(estate)
    assert ground.statuses() == {}
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": DATASET_TAG, "Value": "lists"}]})
    again = ground.deploy(estate, allow=[Consent.ACCOUNT])
    assert again.of("exports-pull-lists").note == f"adopted the empty bucket {bucket}"
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]


def test_bucket_of_another_dataset_is_not_taken_over(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    bucket = f"{ground.platform.pull_bucket_prefix}lists"
    ground.make_bucket(bucket, dataset="notes")
    left_out = ground.deploy(estate, allow=set(Consent)).of("exports-pull-lists")
    assert (left_out.result, left_out.reason) == (
        StackResult.LEFT_OUT,
        f"the bucket {bucket} exists, and belongs to the dataset notes",
    )


def test_without_its_foundation_nothing_else_is_tried(ground: Ground, unique_account: Callable[[], str]) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), pull("lists")))
    aws_of_account(ground.local, unique_account()).client("s3").create_bucket(
        Bucket=str(ground.platform.log_bucket), CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    result = ground.deploy(estate)
    results = {outcome.name: outcome.result for outcome in result.outcomes}
    assert (results.pop("exports-foundation"), results.pop("exports-access-logs")) == ("failed", "created")
    assert set(results.values()) == {StackResult.LEFT_OUT}
    assert ground.statuses().keys() == {"exports-access-logs"}
    assert isinstance(error_of_deploying(result), AwsError)


def test_without_the_access_logs_pull_datasets_are_deployed_and_not_logged_until_they_are_there(
    ground: Ground, unique_account: Callable[[], str]
) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), pull("lists")))
    taken, lists = str(ground.platform.access_log_bucket), f"{ground.platform.pull_bucket_prefix}lists"
    other = aws_of_account(ground.local, unique_account()).client("s3")
    other.create_bucket(Bucket=taken, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    result = ground.deploy(estate)
    assert {outcome.name: outcome.result for outcome in result.outcomes} == {
        "exports-foundation": StackResult.CREATED,
        "exports-access-logs": StackResult.FAILED,
        "exports-push-orders": StackResult.CREATED,
        "exports-pull-lists": StackResult.CREATED,
        "exports-hub": StackResult.CREATED,
    }
    assert isinstance(error_of_deploying(result), PartlyDoneError)
    s3 = ground.client("s3")
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=lists)
    other.delete_bucket(Bucket=taken)
    again = ground.deploy(estate)
    assert (again.is_complete, again.of("exports-pull-lists").result) == (True, StackResult.UPDATED)
    assert s3.get_bucket_logging(Bucket=lists)["LoggingEnabled"]["TargetBucket"] == taken


def test_credentials_of_another_account_are_refused(ground: Ground, unique_account: Callable[[], str]) -> None:
    other = unique_account()
    with pytest.raises(RefusedError) as refused:
        deploy(ground.estate(push("orders")), aws_of_account(ground.local, other))
    assert other in str(refused.value)
    assert ground.platform.account in str(refused.value)
    assert ground.statuses() == {}


def test_roles_that_may_not_be_looked_up_count_as_existing(ground: Ground) -> None:
    estate = ground.estate(pull("lists"))
    ground.make_users_of(estate)
    plan = prepare(estate, ground.without("iam:GetRole")).plan
    assert plan.missing_roles == ()
    assert plan.roles_not_checked.startswith("access denied: ")


def test_interruption_names_what_goes_on_and_the_next_run_completes(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(*[push(f"orders{number}") for number in range(3)]))
    going = ("exports-push-orders1", "exports-push-orders2")
    slow = aws_of_account(ground.local, ground.platform.account)

    def show_as_going(parsed: dict[str, Any], **_: object) -> None:
        for stack in parsed.get("Stacks", []):
            if stack["StackName"] in going and stack["StackStatus"] == "CREATE_COMPLETE":
                stack["StackStatus"] = "CREATE_IN_PROGRESS"

    slow.client("cloudformation").meta.events.register("after-call.cloudformation.DescribeStacks", show_as_going)

    def interrupt(event: DeployEvent) -> None:
        if isinstance(event, StackFinished) and event.outcome.name == "exports-push-orders0":
            wait_until(lambda: all(ground.statuses().get(name) == "CREATE_COMPLETE" for name in going))
            raise KeyboardInterrupt

    with pytest.raises(InterruptedWorkError) as stopped:
        deploy(estate, slow, progress=interrupt)
    assert stopped.value.exit_code == 130
    assert stopped.value.what == f"interrupted; CloudFormation goes on with: {', '.join(going)}"
    assert "run `exports deploy` again" in stopped.value.next_step
    assert "exports-hub" not in ground.statuses()
    result = ground.deploy(estate)
    assert result.is_complete
    assert len(ground.rules()) == 3


def test_stack_is_not_created_after_we_were_told_to_stop(ground: Ground) -> None:
    step = prepare(ground.estate(), ground.aws).plan.steps[0]
    assert step.stack
    work = work_on(ground.aws, ground.platform)
    work.stop.set()
    with pytest.raises(StoppedError):
        create_stack(work, step.stack)
    assert ground.statuses() == {}


def test_template_above_a_megabyte_is_refused_before_it_is_sent(ground: Ground) -> None:
    step = prepare(ground.estate(), ground.aws).plan.steps[0]
    assert step.stack
    huge = replace(step.stack, body=json.dumps({"Description": "x" * 1_000_001}))
    with pytest.raises(StackFailedError, match="CloudFormation takes 1,000,000"):
        create_stack(work_on(ground.aws, ground.platform), huge)
    assert ground.statuses() == {}


def test_a_name_that_makes_the_same_stack_is_refused_and_the_rule_that_is_there_stays(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("big_orders"), pull("lists")))
    ground.deploy(estate)
    before = ground.history()
    with pytest.raises(RefusedError, match="exports-push-big-orders: it is the stack of the dataset big_orders"):
        ground.deploy(ground.estate(push("big-orders"), pull("lists", allow_push=True)))
    assert (ground.history(), ground.rules()) == (before, ["big_orders/"])


def test_another_estates_stacks_are_blocked_and_never_removed(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), pull("lists")))
    ground.deploy(estate)
    before = ground.history()
    mine, yours = str(ground.platform.hub_bucket), BucketName(f"{ground.platform.hub_bucket}-2")
    result = ground.deploy(ground.estate(push("orders"), hub_bucket=yours))
    reason = f"belongs to the estate whose hub is {mine}; this estate's hub is {yours}"
    assert [(outcome.name, outcome.step.action) for outcome in result.outcomes] == [
        ("exports-foundation", Action.BLOCKED),
        ("exports-access-logs", Action.BLOCKED),
        ("exports-push-orders", Action.BLOCKED),
        ("exports-hub", Action.BLOCKED),
    ]
    assert {outcome.step.reason for outcome in result.outcomes} == {reason}
    assert isinstance(error_of_deploying(result), AwsError)
    assert ground.history() == before


def test_a_changed_bucket_prefix_does_not_leave_the_data_behind(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    ground.deploy(estate)
    prefix = ground.platform.pull_bucket_prefix
    before = ground.history()
    with pytest.raises(RefusedError, match=f"new-{prefix}lists, and the data in {prefix}lists would be left behind"):
        ground.deploy(ground.estate(pull("lists"), pull_bucket_prefix=f"new-{prefix}"))
    assert ground.history() == before


def test_datasets_are_not_removed_without_consent(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), push("moves"), pull("lists")))
    ground.deploy(estate)
    before = ground.history()
    with pytest.raises(RefusedError) as refused:
        ground.deploy(ground.estate(push("orders", keep_files=True)), allow=[Consent.TAKEOVER])
    assert str(refused.value) == (
        "nothing was deployed:\n"
        "  it removes datasets that are no longer declared, with every access and delivery of theirs: lists and moves\n"
        "  it takes away more than a fifth of all accesses: 5 of 8\n"
        "  next: if this is meant: `exports deploy --allow removal --allow loss`"
    )
    assert ground.history() == before


@pytest.mark.parametrize("versioned", [False, True], ids=["object", "hidden version"])
def test_a_bucket_that_holds_data_is_not_taken_over_without_consent(ground: Ground, versioned: bool) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists"), pull("notes")))
    prefix, s3 = ground.platform.pull_bucket_prefix, ground.client("s3")
    for name in ("lists", "notes"):
        ground.make_bucket(f"{prefix}{name}", dataset=name)
    if versioned:
        s3.put_bucket_versioning(Bucket=f"{prefix}lists", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=f"{prefix}lists", Key="x", Body=b"1")
    if versioned:
        s3.delete_object(Bucket=f"{prefix}lists", Key="x")
    reasons = {step.name: step.reason for step in prepare(estate, ground.aws).plan.steps if step.reason}
    assert reasons == {
        "exports-pull-lists": f"takes over the bucket {prefix}lists, which holds data",
        "exports-pull-notes": f"takes over the empty bucket {prefix}notes",
    }
    with pytest.raises(RefusedError) as refused:
        ground.deploy(estate)
    assert refused.value.what.endswith(f"the roles that new pull datasets name: {prefix}lists")
    assert refused.value.next_step == "if this is meant: `exports deploy --allow takeover`"
    assert ground.statuses() == {}
    result = ground.deploy(estate, allow=[Consent.TAKEOVER])
    assert result.of("exports-pull-lists").note == f"adopted the bucket {prefix}lists"
    assert result.is_complete


def test_a_bucket_with_a_policy_of_its_own_is_not_adopted_without_consent(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    bucket, s3 = f"{ground.platform.pull_bucket_prefix}lists", ground.client("s3")
    ground.make_bucket(bucket, dataset="lists")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/x"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    with pytest.raises(RefusedError, match="--allow adoption"):
        ground.deploy(estate)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(policy)
    assert ground.deploy(estate, allow=[Consent.ADOPTION]).is_complete
    assert "s3:PutObject" not in s3.get_bucket_policy(Bucket=bucket)["Policy"]


def test_another_estates_bucket_is_not_taken_over(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    bucket = f"{ground.platform.pull_bucket_prefix}lists"
    ground.make_bucket(bucket, dataset="lists", hub="another-hub")
    assert ground.deploy(estate).of("exports-pull-lists").reason == (
        f"the bucket {bucket} exists, and belongs to the estate whose hub is another-hub"
    )


def _receipts(ground: Ground, dataset: str) -> list[dict[str, Any]]:
    s3, log = ground.client("s3"), str(ground.platform.log_bucket)
    found = s3.list_objects_v2(Bucket=log, Prefix=f"deliveries/dataset={dataset}/date=").get("Contents", [])
    bodies = [s3.get_object(Bucket=log, Key=each["Key"])["Body"].read() for each in found]
    return [json.loads(line) for body in bodies for line in gzip.decompress(body).splitlines()]


def test_what_was_uploaded_before_the_hub_had_the_rule_is_delivered(ground: Ground) -> None:
    at, other = (BucketName(f"{ground.platform.hub_bucket}-{name}") for name in ("at", "other"))
    orders, moves = push("orders", destination=at_s3(other)), push("moves", destination=at_s3(at))
    make_local_world(ground.local, ground.estate(orders, moves))
    ground.deploy(ground.estate(orders))
    prepared = prepare(ground.estate(orders, moves), ground.aws)
    steps = (
        replace(step, action=Action.BLOCKED) if step.name == "exports-hub" else step for step in prepared.plan.steps
    )
    until_the_hub = replace(prepared, plan=replace(prepared.plan, steps=tuple(steps)))
    assert carry_out(until_the_hub, work_on(ground.aws, ground.platform)).of("exports-push-moves").is_done
    assert ground.rules() == ["orders/"]
    hub, s3 = str(ground.platform.hub_bucket), ground.client("s3")
    keys = [f"moves/{number} é+%.txt" for number in range(11)]
    for key in [*keys, "moves/deleted", "moves_private/a"]:
        s3.put_object(Bucket=hub, Key=key, Body=b"old")
    s3.delete_object(Bucket=hub, Key="moves/deleted")
    s3.put_object(Bucket=hub, Key=keys[0], Body=b"12345")
    result = ground.deploy(ground.estate(orders, moves))
    note = "11 uploads were waiting under moves/: handed to its mover"
    assert result.is_complete
    assert result.of("exports-hub").note == note
    assert ProgressNote(note) in ground.events
    recipient = client(ground.local, "s3", account=str(moves.destination.account))
    wait_until(lambda: len(_receipts(ground, "moves")) >= len(keys))
    assert {(each["key"], each["outcome"], each["uploaded_by"]) for each in _receipts(ground, "moves")} == {
        (key, "delivered", "data-exports:deploy") for key in keys
    }
    assert [each["Key"] for each in recipient.list_objects_v2(Bucket=str(at))["Contents"]] == sorted(keys)
    assert recipient.get_object(Bucket=str(at), Key=keys[0])["Body"].read() == b"12345"
    # A file leaves the hub once its receipt is written.
    wait_until(lambda: [each["Key"] for each in s3.list_objects_v2(Bucket=hub)["Contents"]] == ["moves_private/a"])
    assert ground.deploy(ground.estate(orders, moves)).of("exports-hub").note == ""


def test_what_was_uploaded_while_its_queue_was_gone_is_handed_over(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), push("moves")))
    ground.deploy(estate)
    ground.client("cloudformation").delete_stack(StackName="exports-push-orders")
    wait_until(lambda: "exports-push-orders" not in ground.statuses())
    ground.client("s3").put_object(Bucket=str(ground.platform.hub_bucket), Key="orders/a", Body=b"1")
    result = ground.deploy(estate)
    assert result.of("exports-hub").result is StackResult.UNCHANGED
    assert result.of("exports-hub").note == "1 upload was waiting under orders/: handed to its mover"


def test_what_could_not_be_handed_over_is_said(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(push("orders")))
    hub = str(ground.platform.hub_bucket)
    ground.make_bucket(hub, digest="adopt")
    ground.client("s3").put_object(Bucket=hub, Key="orders/a", Body=b"1")
    prepared = prepare(estate, ground.aws)
    work = work_on(ground.aws, ground.platform)

    def refuse(event: DeployEvent) -> None:
        if isinstance(event, StackStarted) and event.step.name == "exports-hub":
            sqs = ground.client("sqs")
            url = sqs.get_queue_url(QueueName="export_orders")["QueueUrl"]
            policy = json.loads(
                sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
            )
            only_us = {"StringEquals": {"aws:PrincipalAccount": str(ground.platform.account)}}
            deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
            policy["Statement"].append({**deny, "Condition": only_us})
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})

    result = carry_out(prepared, work, progress=refuse)
    outcome = result.of("exports-hub")
    assert outcome.result is StackResult.CREATED
    assert outcome.reason.startswith(f"what was waiting under s3://{hub}/orders/ was not handed to its mover, or not")
    assert outcome.next_step == f"the mover's hourly sweep delivers what is left under s3://{hub}/orders/"
    assert isinstance(error_of_deploying(result), PartlyDoneError)


def test_a_foundation_that_could_not_be_updated_does_not_stop_the_rest(ground: Ground) -> None:
    ground.make_users_of(ground.estate(push("orders"), pull("lists")))
    ground.deploy(ground.estate(pull("lists")))
    prepared = prepare(ground.estate(pull("lists"), push("orders")), ground.aws)
    foundation, *rest = prepared.plan.steps
    stuck = replace(foundation, action=Action.BLOCKED, reason="CloudFormation could not undo a failed change")
    plan = replace(prepared.plan, steps=(stuck, *rest))
    result = carry_out(replace(prepared, plan=plan), work_on(ground.aws, ground.platform))
    assert {outcome.name: outcome.result for outcome in result.outcomes} == {
        "exports-foundation": StackResult.LEFT_OUT,
        "exports-access-logs": StackResult.UNCHANGED,
        "exports-push-orders": StackResult.CREATED,
        "exports-pull-lists": StackResult.UNCHANGED,
        "exports-hub": StackResult.UPDATED,
    }
    error = error_of_deploying(result)
    assert isinstance(error, PartlyDoneError)
    assert "exports-foundation left out: CloudFormation could not undo a failed change" in str(error)
