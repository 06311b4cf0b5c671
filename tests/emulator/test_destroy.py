"""Destroying on the local AWS: stacks go in the right order, nobody's data goes with them, and it can be undone."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from data_exports.deploy.apply.outcomes import StackResult
from data_exports.deploy.apply.waves import deploy
from data_exports.deploy.plan.consents import Consent
from data_exports.deploy.removal.buckets import BucketResult
from data_exports.deploy.removal.destroy import (
    DestroyResult,
    Destruction,
    Undelivered,
    destroy,
    error_of_destroying,
    read_destruction,
)
from data_exports.errors import PartlyDoneError, RefusedError
from data_exports.estate.models import Estate
from data_exports.local.emulator import LocalAws
from data_exports.names import AccountId, BucketName
from data_exports.views.deployment import render_destruction
from tests.emulator.deploying import Ground, ground_of
from tests.estates import pull, push

pytestmark = pytest.mark.emulator


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("d"))


def _destroy(ground: Ground, estate: Estate) -> DestroyResult:
    return destroy(estate, ground.aws, read_destruction(estate, ground.aws))


def _deployed(ground: Ground) -> Estate:
    ground.make_users_of(estate := ground.estate(push("orders"), push("moves", keep_files=True), pull("lists")))
    ground.deploy(estate)
    return estate


def _put(ground: Ground, bucket: str, key: str) -> None:
    """Put an object that no mover hears of."""
    s3 = ground.client("s3")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    s3.put_object(Bucket=bucket, Key=key, Body=b"12345")


def _results_but_of_access_logs(result: DestroyResult) -> set[BucketResult]:
    """Of all buckets but the one whose logs tell of this very destruction: it is kept, because it holds them."""
    kept = {each.bucket.name: each.result for each in result.buckets}
    own = {name for name in kept if name.endswith("-use")}
    assert {kept[name] for name in own} <= {BucketResult.KEPT}
    return {each for name, each in kept.items() if name not in own}


def test_hub_goes_first_and_foundation_last_and_nothing_is_left(ground: Ground) -> None:
    estate = _deployed(ground)
    result = _destroy(ground, estate)
    names = [outcome.name for outcome in result.outcomes]
    assert (names[0], {*names[-2:]}) == ("exports-hub", {"exports-foundation", "exports-access-logs"})
    assert {outcome.result for outcome in result.outcomes} == {StackResult.DELETED}
    assert _results_but_of_access_logs(result) == {BucketResult.REMOVED}
    assert error_of_destroying(result) is None
    assert ground.statuses() == {}
    assert ground.buckets() == [ground.platform.access_log_bucket]
    assert ground.client("sqs").list_queues().get("QueueUrls", []) == []


def test_buckets_with_data_are_kept_and_counted(ground: Ground) -> None:
    estate = _deployed(ground)
    hub, log = str(ground.platform.hub_bucket), str(ground.platform.log_bucket)
    lists = f"{ground.platform.pull_bucket_prefix}lists"
    _put(ground, hub, "orders/a")
    _put(ground, log, "deliveries/dataset=orders/r")
    _put(ground, lists, "x")
    use = str(ground.platform.access_log_bucket)
    result = _destroy(ground, estate)
    assert {
        str(each.bucket.name): (each.result, each.reason, each.bucket.contents.objects)
        for each in result.buckets
        if each.bucket.name != use
    } == {
        hub: (BucketResult.KEPT, "holds data", 1),
        log: (BucketResult.KEPT, "holds data", 1),
        lists: (BucketResult.KEPT, "holds data", 1),
    }
    assert {each.result for each in result.buckets if each.bucket.name == use} == {BucketResult.KEPT}  # of the upload
    assert ground.buckets() == sorted([hub, log, lists, use])
    kept = ground.client("s3").list_objects_v2(Bucket=log)["Contents"]
    assert [each["Key"] for each in kept] == ["deliveries/dataset=orders/r", "roles/ids.json"]
    assert ground.rules() == []


def test_a_bucket_kept_from_a_removed_dataset_is_found_and_a_strangers_of_like_name_is_not(ground: Ground) -> None:
    estate = _deployed(ground)
    lists, alike = f"{ground.platform.pull_bucket_prefix}lists", f"{ground.platform.pull_bucket_prefix}somebody-elses"
    _put(ground, lists, "x")
    where = {"LocationConstraint": ground.platform.region}
    ground.client("s3").create_bucket(Bucket=alike, CreateBucketConfiguration=where)
    without = replace(estate, pull_datasets=())
    assert deploy(without, ground.aws, allow=[Consent.REMOVAL, Consent.LOSS]).is_complete
    result = _destroy(ground, without)
    assert {each.bucket.name: each.result for each in result.buckets}[BucketName(lists)] is BucketResult.KEPT
    assert ground.buckets() == sorted([lists, alike, ground.platform.access_log_bucket])


def test_undelivered_uploads_are_counted_but_not_those_kept_on_purpose(ground: Ground) -> None:
    estate = _deployed(ground)
    hub = str(ground.platform.hub_bucket)
    for key in ("orders/a", "orders/b", "moves/c"):
        _put(ground, hub, key)
    planned = read_destruction(estate, ground.aws)
    assert [(each.dataset, each.count) for each in planned.undelivered] == [("orders", 2)]
    result = destroy(estate, ground.aws, planned)
    assert result.undelivered == planned.undelivered
    assert isinstance(result.undelivered[0], Undelivered)


def test_bucket_with_nothing_but_delete_markers_is_removed(ground: Ground) -> None:
    estate = _deployed(ground)
    hub, s3 = str(ground.platform.hub_bucket), ground.client("s3")
    _put(ground, hub, "orders/a")
    version = s3.list_object_versions(Bucket=hub)["Versions"][0]["VersionId"]
    s3.delete_object(Bucket=hub, Key="orders/a")
    s3.delete_object(Bucket=hub, Key="orders/a", VersionId=version)
    assert len(s3.list_object_versions(Bucket=hub)["DeleteMarkers"]) == 1
    result = _destroy(ground, estate)
    assert _results_but_of_access_logs(result) == {BucketResult.REMOVED}
    assert hub not in ground.buckets()


def test_retired_upload_that_can_still_be_recovered_keeps_the_hub(ground: Ground) -> None:
    estate = _deployed(ground)
    hub = str(ground.platform.hub_bucket)
    _put(ground, hub, "orders/a")
    ground.client("s3").delete_object(Bucket=hub, Key="orders/a")
    _destroy(ground, estate)
    assert ground.buckets() == [hub, ground.platform.access_log_bucket]


def test_kept_buckets_are_taken_over_by_the_next_deployment_with_all_their_properties(ground: Ground) -> None:
    estate = _deployed(ground)
    hub, s3 = str(ground.platform.hub_bucket), ground.client("s3")
    lists = f"{ground.platform.pull_bucket_prefix}lists"
    _put(ground, hub, "other/a")
    _put(ground, lists, "x")
    _destroy(ground, estate)
    s3.delete_bucket_lifecycle(Bucket=hub)
    result = ground.deploy(estate, allow=[Consent.TAKEOVER])
    assert result.is_complete
    assert result.of("exports-hub").note == f"adopted the bucket {hub}"
    assert result.of("exports-pull-lists").note == f"adopted the bucket {lists}"
    assert ground.rules() == ["moves/", "orders/"]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=hub)["Rules"]
    assert [rule["ID"] for rule in rules] == ["ForgetRetired", "AbortAbandonedUploads"]
    assert s3.get_object(Bucket=lists, Key="x")["Body"].read() == b"12345"
    assert ground.deploy(estate).of("exports-hub").result is StackResult.UNCHANGED


def test_stacks_of_datasets_no_longer_declared_are_destroyed_too(ground: Ground) -> None:
    _deployed(ground)
    _put(ground, str(ground.platform.hub_bucket), "orders/a")
    lists = f"{ground.platform.pull_bucket_prefix}lists"
    planned = read_destruction(ground.estate(), ground.aws)
    assert {step.name for step in planned.steps} == ground.statuses().keys()
    assert [(each.dataset, each.count) for each in planned.undelivered] == [("orders", 1)]
    assert lists in {bucket.name for bucket in planned.buckets}
    destroy(ground.estate(), ground.aws, planned)
    assert ground.statuses() == {}
    assert ground.buckets() == [ground.platform.hub_bucket, ground.platform.access_log_bucket]


def test_foreign_bucket_and_foreign_stack_are_left_alone(ground: Ground) -> None:
    lists = f"{ground.platform.pull_bucket_prefix}lists"
    ground.client("s3").create_bucket(Bucket=lists, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    ground.client("cloudformation").create_stack(
        StackName="exports-push-other", TemplateBody='{"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}'
    )
    estate = ground.estate(pull("lists"))
    planned = read_destruction(estate, ground.aws)
    assert planned == Destruction((), (), (), is_local=True)
    destroy(estate, ground.aws, planned)
    assert ground.buckets() == [lists]
    assert "exports-push-other" in ground.statuses()


def test_another_estates_stacks_and_buckets_are_mentioned_and_left_alone(ground: Ground) -> None:
    estate = _deployed(ground)
    other = ground.estate(pull("lists"), hub_bucket=BucketName(f"{ground.platform.hub_bucket}-2"))
    planned = read_destruction(other, ground.aws)
    assert (planned.steps, planned.buckets, planned.undelivered) == ((), (), ())
    hub = str(ground.platform.hub_bucket)
    assert {stack.name: stack.hub for stack in planned.left_alone} == dict.fromkeys(ground.statuses(), hub)
    said = render_destruction(planned, other.platform).splitlines()
    assert f"left alone: exports-hub, of the estate whose hub is {hub}" in said
    before = ground.buckets()
    destroy(other, ground.aws, planned)
    assert (len(ground.statuses()), ground.buckets()) == (6, before)
    assert _destroy(ground, estate).is_complete


def test_foundation_stays_while_a_dataset_cannot_be_deleted(ground: Ground) -> None:
    estate = _deployed(ground)
    ground.client("cloudformation").update_termination_protection(
        StackName="exports-push-orders", EnableTerminationProtection=True
    )
    result = _destroy(ground, estate)
    assert {outcome.name: outcome.result for outcome in result.outcomes if not outcome.is_done} == {
        "exports-push-orders": StackResult.FAILED,
        "exports-foundation": StackResult.LEFT_OUT,
        "exports-access-logs": StackResult.LEFT_OUT,
    }
    assert isinstance(error_of_destroying(result), PartlyDoneError)
    assert str(ground.platform.log_bucket) in ground.buckets()
    ground.client("cloudformation").update_termination_protection(
        StackName="exports-push-orders", EnableTerminationProtection=False
    )
    assert _destroy(ground, estate).is_complete
    assert ground.statuses() == {}


def test_another_accounts_credentials_are_refused(ground: Ground, unique_account: Callable[[], str]) -> None:
    estate = ground.estate()
    foreign = replace(estate, platform=replace(estate.platform, account=AccountId(unique_account())))
    with pytest.raises(RefusedError):
        read_destruction(foreign, ground.aws)
