"""Buckets that outlive their stacks: whose they are, what they hold, and that none with data in it goes."""

from typing import Any

import pytest

from data_exports.deploy.remote import BucketContents
from data_exports.deploy.removal.buckets import (
    BucketOutcome,
    BucketResult,
    OwnBucket,
    is_ours,
    read_buckets,
    remove_if_empty,
    stop_notifications,
)
from data_exports.names import BucketName
from data_exports.stacks.stack import DIGEST_TAG, HUB_TAG
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, estate_of, pull

HUB, LOG, LISTS = PLATFORM.hub_bucket, PLATFORM.log_bucket, BucketName("mojap-court-lists")
ACCOUNT = str(PLATFORM.account)
OURS = {DIGEST_TAG: "d", HUB_TAG: str(HUB)}


def version(key: str, number: str, size: int = 5) -> dict[str, Any]:
    return {"Key": key, "VersionId": number, "Size": size}


class S3:
    """Buckets with tags, versions and delete markers; what is deleted goes."""

    def __init__(self, **buckets: list[dict[str, Any]]) -> None:
        self.held = {name.replace("_", "-"): list(held) for name, held in buckets.items()}
        self.tags = dict.fromkeys(self.held, OURS)
        self.deleted: list[str] = []
        self.aws = AwsAnswers(
            {
                "get_bucket_tagging": self.get_bucket_tagging,
                "list_object_versions": self.list_object_versions,
                "list_buckets": lambda: [{"Buckets": [{"Name": name} for name in self.held]}],
                "delete_objects": self.delete_objects,
                "delete_bucket": self.delete_bucket,
                "put_bucket_notification_configuration": {},
            }
        )

    def get_bucket_tagging(self, Bucket: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803
        assert ExpectedBucketOwner == ACCOUNT
        if Bucket not in self.held:
            return refusal("NoSuchBucket")
        return {"TagSet": [{"Key": key, "Value": value} for key, value in self.tags[Bucket].items()]}

    def list_object_versions(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        there = [each for each in self.held[Bucket] if each["Key"].startswith(Prefix)]
        return [{"Versions": [each]} if "Size" in each else {"DeleteMarkers": [each], "Versions": []} for each in there]

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        assert Delete["Quiet"] is True
        ids = [each["VersionId"] for each in Delete["Objects"]]
        self.held[Bucket] = [each for each in self.held[Bucket] if each["VersionId"] not in ids]
        self.deleted += ids
        return {}

    def delete_bucket(self, Bucket: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803
        assert ExpectedBucketOwner == ACCOUNT
        if self.held[Bucket]:
            return refusal("BucketNotEmpty")
        del self.held[Bucket]
        return {}

    def remove(self, name: BucketName) -> BucketOutcome | None:
        return remove_if_empty(self.aws, PLATFORM, name)


@pytest.mark.parametrize(
    ("tags", "ours"),
    [
        (OURS, True),
        ({DIGEST_TAG: "d"}, True),
        ({DIGEST_TAG: "d", HUB_TAG: "another-hub"}, False),
        ({HUB_TAG: str(HUB)}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_bucket_is_ours_if_this_product_made_it_and_for_no_other_estate(
    tags: dict[str, str] | None, ours: bool
) -> None:
    assert is_ours(tags, PLATFORM) is ours


def test_an_empty_bucket_is_removed_and_with_it_markers_that_hold_no_data() -> None:
    s3 = S3(mojap_court_lists=[{"Key": "a", "VersionId": "m1"}, {"Key": "b", "VersionId": "m2"}])
    assert s3.remove(LISTS) == BucketOutcome(OwnBucket(LISTS, BucketContents(markers=2)), BucketResult.REMOVED)
    assert (s3.deleted, s3.held) == (["m1", "m2"], {})


def test_a_bucket_with_a_single_version_stays_as_it_is() -> None:
    held = [version("a", "v1"), {"Key": "a", "VersionId": "m1"}]
    s3 = S3(mojap_court_lists=held)
    contents = BucketContents(objects=1, markers=1, size_bytes=5)
    assert s3.remove(LISTS) == BucketOutcome(OwnBucket(LISTS, contents), BucketResult.KEPT, "holds data")
    assert (s3.deleted, s3.held) == ([], {"mojap-court-lists": held})


def test_of_the_log_bucket_goes_what_we_stored_and_receipts_keep_it() -> None:
    receipts = version("deliveries/dataset=a/1", "r1", 9)
    s3 = S3(mojap_hub_exports_log=[version("code/mover-1.zip", "c1"), version("templates/x", "t1"), receipts])
    contents = BucketContents(objects=1, size_bytes=9)
    assert s3.remove(LOG) == BucketOutcome(OwnBucket(LOG, contents), BucketResult.KEPT, "holds data")
    assert (s3.deleted, s3.held) == (["c1", "t1"], {str(LOG): [receipts]})


def test_a_log_bucket_that_holds_what_we_stored_alone_is_removed() -> None:
    s3 = S3(mojap_hub_exports_log=[version("code/mover-1.zip", "c1"), version("templates/x", "t1")])
    assert s3.remove(LOG) == BucketOutcome(OwnBucket(LOG, BucketContents()), BucketResult.REMOVED)
    assert s3.held == {}


def test_what_looks_like_our_code_in_another_bucket_is_somebodys_data() -> None:
    s3 = S3(mojap_court_lists=[version("code/mover-1.zip", "c1")])
    outcome = s3.remove(LISTS)
    assert outcome == BucketOutcome(OwnBucket(LISTS, BucketContents(1, 0, 5)), BucketResult.KEPT, "holds data")
    assert s3.deleted == []


@pytest.mark.parametrize("tags", [{}, {DIGEST_TAG: "d", HUB_TAG: "another-hub"}])
def test_a_bucket_that_is_not_ours_is_not_touched(tags: dict[str, str]) -> None:
    s3 = S3(mojap_court_lists=[])
    s3.tags["mojap-court-lists"] = tags
    assert s3.remove(LISTS) is None
    assert "mojap-court-lists" in s3.held


def test_a_bucket_that_is_gone_already_is_no_failure() -> None:
    assert S3().remove(LISTS) is None


@pytest.mark.parametrize(
    ("operation", "answer", "fate", "reason"),
    [
        ("delete_bucket", refusal("BucketNotEmpty"), BucketResult.KEPT, "holds data"),
        ("delete_bucket", refusal("AccessDenied", "no right"), BucketResult.FAILED, "access denied: no right"),
        ("list_object_versions", refusal("AccessDenied", "no right"), BucketResult.FAILED, "access denied: no right"),
        (
            "delete_objects",
            {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "no right"}]},
            BucketResult.FAILED,
            "access denied: a: no right",
        ),
    ],
)
def test_what_keeps_a_bucket_is_told(operation: str, answer: Any, fate: BucketResult, reason: str) -> None:
    s3 = S3(mojap_court_lists=[{"Key": "a", "VersionId": "m1"}])
    s3.aws.answers[operation] = answer
    assert s3.remove(LISTS) == BucketOutcome(OwnBucket(LISTS, BucketContents()), fate, reason)
    assert "mojap-court-lists" in s3.held


def test_the_buckets_of_an_estate_are_those_declared_those_kept_the_hub_and_the_log_bucket() -> None:
    s3 = S3(
        mojap_hub_exports=[version("hearings/a", "v1", 7)],
        mojap_hub_exports_log=[version("code/x", "c1"), version("deliveries/y", "r1", 2)],
        mojap_court_lists=[],
        mojap_removed_before=[],
        mojap_of_others=[],
        others=[],
    )
    s3.tags["mojap-of-others"] = {}
    found = read_buckets(s3.aws, estate_of(pull()), [LISTS])
    assert found == (
        OwnBucket(LISTS, BucketContents()),
        OwnBucket(HUB, BucketContents(1, 0, 7)),
        OwnBucket(LOG, BucketContents(1, 0, 2)),
        OwnBucket(BucketName("mojap-removed-before"), BucketContents()),
    )


@pytest.mark.parametrize(("tags", "stopped"), [(OURS, True), ({}, False)])
def test_a_hub_of_ours_and_no_other_tells_nobody_any_more(tags: dict[str, str], stopped: bool) -> None:
    s3 = S3(mojap_hub_exports=[])
    s3.tags[str(HUB)] = tags
    stop_notifications(s3.aws, PLATFORM)
    asked = {"Bucket": str(HUB), "NotificationConfiguration": {}, "ExpectedBucketOwner": ACCOUNT}
    told = [each for operation, each in s3.aws.asked if operation == "put_bucket_notification_configuration"]
    assert told == ([asked] if stopped else [])
