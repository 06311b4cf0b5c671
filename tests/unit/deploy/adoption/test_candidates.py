"""What a stack that is to be created finds in place: whose it is, what it holds, and when nothing may be done."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from data_exports.deploy.adoption.candidates import with_takeovers
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.planning import (
    Action,
    Existing,
    ExistingBucket,
    ExistingKind,
    Plan,
    StackStep,
    plan_deploy,
)
from data_exports.errors import AwsError
from data_exports.estate.models import PullDataset, PushDataset
from data_exports.names import BucketName
from data_exports.stacks.stack import DATASET_TAG, DIGEST_TAG, HUB_TAG, Surroundings
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, estate_of, pull, push

HUB, BUCKET = str(PLATFORM.hub_bucket), "mojap-court-lists"
OURS = {DIGEST_TAG: "d", HUB_TAG: HUB, DATASET_TAG: "court_lists"}
POLICY = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": ["arn:b", "arn:a"], "Service": "s3"}},
        {"Effect": "Allow", "Principal": "*"},
        {"Effect": "Allow", "NotPrincipal": "arn:c"},
        {"Effect": "Deny", "Principal": {"AWS": "arn:d"}},
    ]
}


def plan_of(*datasets: PushDataset | PullDataset) -> Plan:
    return plan_deploy(estate_of(*datasets), Deployed(), Surroundings(code_key="code/mover-0.zip"))


def aws_with(
    *,
    tags: Mapping[str, str] | None = None,
    policy: Mapping[str, Any] | None = None,
    versions: Any = (),
    rules: Mapping[str, Any] | None = None,
    bucket: str = BUCKET,
    **answers: Any,
) -> AwsAnswers:
    """AWS with this one bucket, if it has tags; nothing else is there unless it is answered otherwise."""

    def only(answer: Any) -> Callable[..., Any]:
        return lambda **asked: answer if tags is not None and asked["Bucket"] == bucket else refusal("404")

    listed = versions if isinstance(versions, Exception) else {"Versions": list(versions)}
    pairs = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    return AwsAnswers(
        {
            "head_bucket": only({}),
            "get_bucket_tagging": only({"TagSet": pairs}),
            "get_bucket_policy": only({"Policy": json.dumps(policy)} if policy else refusal("NoSuchBucketPolicy")),
            "list_object_versions": only(listed),
            "get_bucket_notification_configuration": only(rules or {}),
            "get_role": refusal("NoSuchEntity"),
            "get_function_configuration": refusal("ResourceNotFoundException"),
            "describe_log_groups": {"logGroups": []},
            **answers,
        }
    )


def step_of(name: str, aws: AwsAnswers, *datasets: PushDataset | PullDataset) -> StackStep:
    plan = with_takeovers(plan_of(*datasets), aws, PLATFORM)
    return next(step for step in plan.steps if step.name == name)


def lists(aws: AwsAnswers) -> StackStep:
    return step_of("exports-pull-court-lists", aws, pull())


def hearings(aws: AwsAnswers) -> StackStep:
    return step_of("exports-push-hearings", aws, push())


def test_where_nothing_is_in_place_every_step_stays_as_it_was() -> None:
    plan = plan_of(pull(), push())
    assert with_takeovers(plan, aws_with(), PLATFORM) == plan


@pytest.mark.parametrize(
    ("versions", "holds_data", "reason"),
    [
        ([], False, "takes over the empty bucket mojap-court-lists"),
        ([{}], True, "takes over the bucket mojap-court-lists, which holds data"),
        (refusal("AccessDenied"), True, "takes over the bucket mojap-court-lists, which holds data"),
    ],
)
def test_a_bucket_that_this_datasets_earlier_stack_left_is_taken_over(
    versions: Any, holds_data: bool, reason: str
) -> None:
    found = lists(aws_with(tags=OURS, versions=versions))
    bucket = Existing(ExistingKind.BUCKET, BUCKET, is_ours=True, holds_data=holds_data)
    assert (found.action, found.existing, found.reason) == (Action.CREATE, (bucket,), reason)
    assert found.takes_over == ExistingBucket(BucketName(BUCKET), holds_data)


def test_a_bucket_with_a_policy_or_without_our_tags_is_adopted_and_whom_it_lets_in_is_told() -> None:
    found = lists(aws_with(tags=OURS, policy=POLICY))
    everybody = ("*", "arn:a", "arn:b", "everybody but some", "s3")
    assert found.existing == (Existing(ExistingKind.BUCKET, BUCKET, lets_in=everybody),)
    assert found.reason == (
        "adopts the empty bucket mojap-court-lists (its policy, which is replaced, lets in "
        "*, arn:a, arn:b, everybody but some, s3)"
    )
    assert found.takes_over is None
    bare = lists(aws_with(tags={}))
    assert (bare.existing, bare.reason) == (
        (Existing(ExistingKind.BUCKET, BUCKET),),
        "adopts the empty bucket mojap-court-lists",
    )


@pytest.mark.parametrize(
    ("tags", "reason", "next_step"),
    [
        (
            {**OURS, DATASET_TAG: "notes"},
            "the bucket mojap-court-lists exists, and belongs to the dataset notes",
            f"choose another name; or, to have it taken over, tag it {DATASET_TAG}=court_lists",
        ),
        (
            {**OURS, HUB_TAG: "another-hub"},
            "the bucket mojap-court-lists exists, and belongs to the estate whose hub is another-hub",
            f"choose another name; or, to have it taken over, tag it {HUB_TAG}={HUB}",
        ),
    ],
)
def test_a_bucket_of_another_dataset_or_estate_blocks_the_stack(
    tags: dict[str, str], reason: str, next_step: str
) -> None:
    found = lists(aws_with(tags=tags))
    assert (found.action, found.reason, found.next_step) == (Action.BLOCKED, reason, next_step)
    assert (found.existing, found.takes_over) == ((), None)


def test_of_a_hub_the_rules_that_would_be_lost_are_told() -> None:
    def rule(prefix: str) -> dict[str, Any]:
        return {"Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": prefix}]}}}

    rules = {
        "LambdaFunctionConfigurations": [rule("hearings/")],
        "QueueConfigurations": [rule("old/")],
        "TopicConfigurations": [{}],
    }
    aws = aws_with(tags={DIGEST_TAG: "d", HUB_TAG: HUB}, bucket=HUB, rules=rules)
    stacks = with_takeovers(plan_of(push()), aws, PLATFORM).steps
    (found,) = (step for step in stacks if step.existing)
    assert found.existing == (Existing(ExistingKind.BUCKET, HUB, is_ours=True, loses_rules=("", "old/")),)
    assert found.takes_over is None
    assert found.reason == (
        f"takes over the empty bucket {HUB} (WARNING: no push dataset is declared that would deliver, "
        "as its rules do now: everything, old/)"
    )


def test_a_role_a_function_and_a_log_group_of_our_names_are_adopted_or_made_anew() -> None:
    role, function, logs = "export_hearings-move", "export_hearings-move", "/aws/lambda/export_hearings-move"
    there: dict[str, Any] = {
        "get_role": lambda RoleName: (  # noqa: N803
            {"Role": {"Path": "/service-role/", "Arn": "arn:r"}} if RoleName == role else refusal("NoSuchEntity")
        ),
        "get_function_configuration": {},
        "describe_log_groups": {"logGroups": [{"logGroupName": f"{logs}-2"}, {"logGroupName": logs}]},
    }
    found = hearings(aws_with(**there))
    assert sorted(found.existing, key=lambda each: each.kind) == [
        Existing(ExistingKind.FUNCTION, function),
        Existing(ExistingKind.LOG_GROUP, logs),
        Existing(ExistingKind.ROLE, role),
    ]
    assert sorted(found.reason.split("; ")) == [f"adopts the role {role}", f"makes the function {function} anew"]
    assert (found.action, found.takes_over) == (Action.CREATE, None)


def test_a_log_group_whose_name_only_begins_so_is_another() -> None:
    longer = {"logGroups": [{"logGroupName": "/aws/lambda/export_hearings-move-2"}]}
    assert hearings(aws_with(describe_log_groups=longer)).existing == ()


def test_a_role_under_another_path_blocks_the_stack_because_recipients_name_it_by_its_arn() -> None:
    found = hearings(aws_with(get_role={"Role": {"Path": "/", "Arn": "arn:r"}}))
    assert (found.action, found.reason, found.next_step) == (
        Action.BLOCKED,
        "a role export_hearings-move exists under the path /; recipients name it under /service-role/",
        "delete or rename the role arn:r, then deploy again",
    )


@pytest.mark.parametrize("action", [Action.UPDATE, Action.UNCHANGED, Action.DELETE, Action.BLOCKED])
def test_nothing_is_asked_about_a_stack_that_is_not_to_be_created(action: Action) -> None:
    plan = plan_of(pull())
    plan = replace(plan, steps=tuple(replace(step, action=action) for step in plan.steps))
    aws = AwsAnswers({})
    assert (with_takeovers(plan, aws, PLATFORM), aws.asked) == (plan, [])


@pytest.mark.parametrize("status", ["DELETE_FAILED", "CREATE_FAILED"])
def test_of_a_stack_that_failed_and_may_hold_resources_only_buckets_are_looked_for(status: str) -> None:
    plan = plan_of(push())
    held = DeployedStack("exports-push-hearings", "id", status)
    (step,) = (step for step in plan.steps if step.name == held.name)
    plan = replace(plan, steps=(replace(step, action=Action.REPLACE, deployed=held),))
    aws = AwsAnswers({})
    assert (with_takeovers(plan, aws, PLATFORM), aws.asked) == (plan, [])


def test_an_aws_that_does_not_answer_is_an_error_at_the_stack() -> None:
    with pytest.raises(AwsError) as stopped:
        lists(aws_with(tags=OURS, get_bucket_policy=refusal("InternalError", "try again")))
    assert stopped.value.where == "exports-pull-court-lists"
