"""What a stack is to us, its tags and its status say."""

import pytest

from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.names import BucketName, DatasetName
from data_exports.stacks.stack import ADOPTING_TAG, BUCKET_TAG, DATASET_TAG, DIGEST_TAG, HUB_TAG


def stack(status: str = "UPDATE_COMPLETE", **tags: str) -> DeployedStack:
    names = {
        "digest": DIGEST_TAG,
        "hub": HUB_TAG,
        "dataset": DATASET_TAG,
        "bucket": BUCKET_TAG,
        "adopting": ADOPTING_TAG,
    }
    return DeployedStack("exports-x", "id", status, tuple((names[name], value) for name, value in tags.items()))


@pytest.mark.parametrize(
    ("found", "is_ours", "belongs"),
    [
        (stack(digest="d", hub="h"), True, True),
        (stack(digest="d", hub="h", dataset="hearings"), True, True),
        (stack(digest="d", hub="other"), True, False),
        (stack(digest="d"), False, False),
        (stack(hub="h"), False, False),
        (stack(digest="d", hub="h", dataset="No Name!"), False, False),
        (stack(), False, False),
    ],
)
def test_a_stack_is_ours_by_its_tags_and_belongs_to_the_estate_of_its_hub(
    found: DeployedStack, is_ours: bool, belongs: bool
) -> None:
    assert (found.is_ours, found.belongs_to("h")) == (is_ours, belongs)


@pytest.mark.parametrize(
    ("status", "has", "is_busy", "was_rolled_back"),
    [
        ("CREATE_COMPLETE", True, False, False),
        ("CREATE_IN_PROGRESS", False, True, False),
        ("CREATE_FAILED", False, False, False),
        ("REVIEW_IN_PROGRESS", False, False, False),
        ("ROLLBACK_COMPLETE", False, False, False),
        ("UPDATE_COMPLETE", True, False, False),
        ("UPDATE_IN_PROGRESS", True, True, False),
        ("UPDATE_ROLLBACK_COMPLETE", True, False, True),
        ("UPDATE_ROLLBACK_FAILED", True, False, False),
        ("IMPORT_COMPLETE", True, False, False),
        ("IMPORT_ROLLBACK_COMPLETE", True, False, True),
        ("DELETE_FAILED", False, False, False),
        ("DELETE_COMPLETE", False, False, False),
    ],
)
def test_the_status_says_whether_resources_are_there_and_whether_somebody_is_at_work(
    status: str, has: bool, is_busy: bool, was_rolled_back: bool
) -> None:
    found = stack(status, digest="d", hub="h")
    assert (found.has_resources, found.is_in_progress, found.was_rolled_back) == (has, is_busy, was_rolled_back)
    assert stack(status).has_resources is False, "of what is not ours nothing is known"


def test_dataset_and_bucket_are_what_the_tags_name_if_they_can_be_names() -> None:
    good = stack(dataset="hearings", bucket="mojap-hearings", adopting="yes")
    assert (good.dataset, good.bucket, good.strange_dataset, good.is_adopting) == (
        DatasetName("hearings"),
        BucketName("mojap-hearings"),
        "",
        True,
    )
    odd = stack(dataset="No Name!", bucket="No!")
    assert (odd.dataset, odd.bucket, odd.strange_dataset, odd.is_adopting) == (None, None, "No Name!", False)
    assert (stack().dataset, stack().bucket, stack().strange_dataset) == (None, None, "")


def test_a_stack_is_found_by_its_name() -> None:
    deployed = Deployed((stack(),))
    assert (deployed.find("exports-x"), deployed.find("exports-y")) == (stack(), None)
