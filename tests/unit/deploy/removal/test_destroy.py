"""What there is to destroy: which stacks, in which order, which buckets, and what is not delivered yet."""

from typing import Any

import pytest

from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.planning import Action, StackStep
from data_exports.deploy.remote import BucketContents
from data_exports.deploy.removal.buckets import OwnBucket
from data_exports.deploy.removal.destroy import Destruction, Undelivered, destroy, plan_destroy, read_destruction
from data_exports.errors import RefusedError
from data_exports.names import BucketName, DatasetName
from data_exports.stacks.stack import DIGEST_TAG, HUB_TAG, Wave
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, estate_of, pull, push

HUB = str(PLATFORM.hub_bucket)


def stack(name: str, status: str = "UPDATE_COMPLETE", hub: str = HUB, **tags: str) -> DeployedStack:
    named = {DIGEST_TAG: "d", HUB_TAG: hub, **{f"data-exports:{key}": value for key, value in tags.items()}}
    return DeployedStack(name, f"id-of-{name}", status, tuple(sorted(named.items())))


PUSH, PULL = stack("exports-push-hearings", dataset="hearings"), stack("exports-pull-lists", dataset="lists")
FOUNDATION, HUB_STACK = stack("exports-foundation"), stack("exports-hub")
OTHERS = stack("exports-push-moves", hub="another-hub", dataset="moves")


def step(of: DeployedStack, wave: Wave, dataset: str | None = None) -> StackStep:
    return StackStep(Action.DELETE, of.name, wave, deployed=of, dataset=DatasetName(dataset) if dataset else None)


def test_the_hub_goes_first_then_the_datasets_and_the_foundation_last() -> None:
    strange = stack("exports-something-else")
    deployed = Deployed((FOUNDATION, HUB_STACK, PULL, PUSH, OTHERS, strange, stack("exports-push-x", hub="")))
    assert list(plan_destroy(deployed, hub=HUB)) == [
        step(HUB_STACK, Wave.HUB),
        step(PULL, Wave.DATASETS, "lists"),
        step(PUSH, Wave.DATASETS, "hearings"),
        step(FOUNDATION, Wave.FOUNDATION),
    ]


def test_a_stack_that_is_being_worked_on_is_not_deleted() -> None:
    busy = stack("exports-hub", "UPDATE_IN_PROGRESS")
    assert list(plan_destroy(Deployed((busy,)), hub=HUB)) == [
        StackStep(
            Action.BLOCKED,
            "exports-hub",
            Wave.HUB,
            deployed=busy,
            reason="CloudFormation is at work on it: UPDATE_IN_PROGRESS",
            next_step="run `exports destroy` again when it has finished",
        )
    ]


def aws_with(*stacks: DeployedStack, buckets: dict[str, int], waiting: dict[str, int]) -> AwsAnswers:
    """Buckets by how many versions they hold; waiting uploads by prefix."""

    def described(each: DeployedStack) -> dict[str, Any]:
        tags = [{"Key": key, "Value": value} for key, value in each.tags]
        return {"StackName": each.name, "StackId": each.stack_id, "StackStatus": each.status, "Tags": tags}

    tags = {"TagSet": [{"Key": DIGEST_TAG, "Value": "d"}, {"Key": HUB_TAG, "Value": HUB}]}
    return AwsAnswers(
        {
            "caller": (str(PLATFORM.account), "arn:me"),
            "describe_stacks": [{"Stacks": [described(each)]} for each in stacks],
            "list_buckets": [{"Buckets": []}],
            "get_bucket_tagging": lambda Bucket, **_: tags if Bucket in buckets else refusal("NoSuchBucket"),  # noqa: N803
            "list_object_versions": lambda Bucket, **_: [{"Versions": [{"Size": 1}] * buckets[Bucket]}],  # noqa: N803
            "list_objects_v2": lambda Bucket, Prefix: [{"KeyCount": waiting.get(Prefix, 0)}],  # noqa: N803
        }
    )


def test_what_there_is_to_destroy_is_read_from_aws() -> None:
    named = stack("exports-pull-notes", dataset="notes", bucket="mojap-the-notes")
    aws = aws_with(
        FOUNDATION,
        PULL,
        PUSH,
        OTHERS,
        named,
        buckets={HUB: 2, "mojap-lists": 0, "mojap-the-notes": 1},
        waiting={"hearings/": 3, "moves/": 1, "declared/": 4, "kept/": 5},
    )
    found = read_destruction(estate_of(push("declared"), push("kept", keep_files=True)), aws)
    assert [each.name for each in found.steps] == [
        *("exports-pull-lists", "exports-pull-notes", "exports-push-hearings", "exports-foundation"),
    ]
    assert found.buckets == (
        OwnBucket(BucketName("mojap-lists"), BucketContents()),
        OwnBucket(BucketName("mojap-the-notes"), BucketContents(1, 0, 1)),
        OwnBucket(PLATFORM.hub_bucket, BucketContents(2, 0, 2)),
    )
    assert found.undelivered == (Undelivered(DatasetName("declared"), 4), Undelivered(DatasetName("hearings"), 3))
    assert (found.left_alone, found.is_local, found.is_empty) == ((OTHERS,), True, False)


def test_where_nothing_is_deployed_there_is_nothing_to_destroy() -> None:
    found = read_destruction(estate_of(pull()), aws_with(buckets={}, waiting={}))
    assert (found.steps, found.buckets, found.undelivered, found.is_empty) == ((), (), (), True)


def test_credentials_of_another_account_destroy_nothing() -> None:
    aws = aws_with(HUB_STACK, buckets={}, waiting={})
    aws.answers["caller"] = ("111122223333", "arn:x")
    with pytest.raises(RefusedError, match="the credentials are of account 111122223333"):
        read_destruction(estate_of(), aws)
    assert [operation for operation, _ in aws.asked] == ["caller"]


def destroyed(planned: Destruction, **answers: Any) -> tuple[dict[str, str], list[str], list[str]]:
    """What became of each stack and each bucket, and which operations AWS was asked for."""
    aws = aws_with(buckets={}, waiting={})
    aws.answers |= {"describe_stacks": lambda StackName: {"Stacks": [DESCRIBED[StackName]]}, **answers}  # noqa: N803
    result = destroy(estate_of(push()), aws, planned)
    buckets = [str(each.bucket.name) for each in result.buckets]
    return {each.name: each.result for each in result.outcomes}, buckets, [operation for operation, _ in aws.asked]


DESCRIBED = {
    each.stack_id: {
        "StackName": each.name,
        "StackId": each.stack_id,
        "StackStatus": each.status,
        "Tags": [{"Key": key, "Value": value} for key, value in each.tags],
    }
    for each in (HUB_STACK, PUSH, FOUNDATION)
}
WHOLE = Destruction(
    tuple(plan_destroy(Deployed((HUB_STACK, PUSH, FOUNDATION)), hub=HUB)),
    (OwnBucket(PLATFORM.hub_bucket, BucketContents()),),
    (),
    left_alone=(),
    is_local=True,
)


def test_while_the_hubs_stack_stands_no_other_stack_and_no_bucket_is_touched() -> None:
    stacks, buckets, asked = destroyed(WHOLE, delete_stack=refusal("AccessDenied"))
    assert stacks == {
        "exports-hub": "failed",
        "exports-push-hearings": "left out",
        "exports-foundation": "left out",
    }
    assert (buckets, asked.count("delete_stack")) == ([], 1)
    assert not {"delete_bucket", "put_bucket_notification_configuration"} & set(asked)


def test_once_its_stacks_are_gone_the_estates_buckets_go_too_and_the_hub_tells_nobody_any_more() -> None:
    statuses = dict.fromkeys(DESCRIBED, "UPDATE_COMPLETE")

    def describe(StackName: str = "") -> Any:  # noqa: N803 - AWS's name
        shown = [DESCRIBED[each] | {"StackStatus": status} for each, status in statuses.items()]
        there = [each for each in shown if each["StackId"] == StackName or not StackName]
        return {"Stacks": there} if StackName else [{"Stacks": there}]

    def delete(StackName: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        statuses[StackName] = "DELETE_COMPLETE"
        return {}

    tags = {"TagSet": [{"Key": DIGEST_TAG, "Value": "d"}, {"Key": HUB_TAG, "Value": HUB}]}
    stacks, buckets, asked = destroyed(
        WHOLE,
        describe_stacks=describe,
        delete_stack=delete,
        get_bucket_tagging=tags,
        list_object_versions=[{}],
        put_bucket_notification_configuration={},
        delete_bucket={},
        delete_object={},
    )
    assert list(stacks.items()) == [
        ("exports-hub", "deleted"),
        ("exports-push-hearings", "deleted"),
        ("exports-foundation", "deleted"),
    ]
    assert (buckets, asked.count("delete_bucket")) == ([HUB], 1)
    assert asked.index("put_bucket_notification_configuration") < asked.index("delete_bucket")
