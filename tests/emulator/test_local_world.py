"""The world around an estate: what exists before a deployment, and that it is right to run it twice."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_exports.access.handover import outsider_policy
from data_exports.estate.models import Estate
from data_exports.local import clients, emulator
from data_exports.local.emulator import LocalAws
from data_exports.local.world import (
    UNNAMED_RECIPIENT,
    LocalWorld,
    make_local_world,
    recipient_account_of,
    recipient_policies_of,
    stranger_of,
)
from data_exports.names import AccountId, BucketName, DatasetName, RoleArn, RoleName, UserArn
from tests.emulator.steps import Steps, refusal_of
from tests.estates import FULL, LOADER, READER, at_s3, estate_of, pull, push

pytestmark = pytest.mark.emulator

RECIPIENT = AccountId("754256621582")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS of this module's own: the names of the estate belong to it alone."""
    import os

    folder: Path = tmp_path_factory.mktemp("world")
    platform = FULL.platform
    made = emulator.start(folder, account=platform.account, region=platform.region, owner_pid=os.getpid())
    yield made
    emulator.stop(made)


@pytest.fixture(scope="module")
def world(local: LocalAws) -> LocalWorld:
    make_local_world(local, FULL)
    return make_local_world(local, FULL)  # a second time changes nothing


def policy_at(local: LocalAws, bucket: str, owner: str) -> object:
    s3 = clients.client(local, "s3", account=owner)
    return json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])


def test_the_world_lists_what_was_made(world: LocalWorld) -> None:
    platform = FULL.platform.account
    assert world.users == (
        RoleArn(f"arn:aws:iam::{platform}:role/alpha_user_Ben-Two"),
        RoleArn(f"arn:aws:iam::{platform}:role/alpha_user_ana"),
    )
    assert world.recipient_buckets == {BucketName("cp-hearings"): recipient_account_of(FULL.push_datasets[-1])}
    assert world.outsiders == tuple(sorted((READER, LOADER)))
    accounts = sorted({platform, LOADER.account, READER.account, *world.recipient_buckets.values()})
    assert world.strangers == tuple(stranger_of(FULL, account) for account in accounts)


def test_every_role_can_be_assumed_and_users_may_do_nothing_yet(local: LocalAws, world: LocalWorld) -> None:
    for role in (*world.users, *(each for each in world.outsiders if isinstance(each, RoleArn)), *world.strangers):
        identity = clients.client_as(local, "sts", role).get_caller_identity()
        assert identity["Account"] == role.account
    user = clients.client_as(local, "s3", world.users[0])
    assert refusal_of(user.list_buckets) == "AccessDenied"


def test_a_user_of_single_sign_on_lives_under_the_path_of_such_roles(local: LocalAws) -> None:
    user = RoleName("AWSReservedSSO_sender_0a1b2c3d")
    platform = FULL.platform
    made = make_local_world(
        local, estate_of(push("court", users=(user,), destination=at_s3("cp-court")), platform=platform)
    ).users
    path = f"aws-reserved/sso.amazonaws.com/{platform.region}"
    assert made == (RoleArn(f"arn:aws:iam::{platform.account}:role/{path}/{user}"),)
    identity = clients.client_as(local, "sts", made[0]).get_caller_identity()["Arn"]
    assert identity == f"arn:aws:sts::{platform.account}:assumed-role/{user}/local"
    assert refusal_of(lambda: clients.session_of(local, platform.user_role_arn(user))) == "AccessDenied"


def test_a_recipients_bucket_is_closed_but_for_its_handover(local: LocalAws, world: LocalWorld) -> None:
    (bucket, owner), *_ = world.recipient_buckets.items()
    assert policy_at(local, bucket, owner) == json.loads(json.dumps(recipient_policies_of(FULL)[bucket]))
    s3 = clients.client(local, "s3", account=owner)
    controls = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert controls == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    stranger = clients.client_as(local, "s3", stranger_of(FULL, AccountId(FULL.platform.account)))
    assert refusal_of(lambda: stranger.put_object(Bucket=bucket, Key="x", Body=b"")) == "AccessDenied"


def test_an_outside_role_has_the_permission_of_its_handover(local: LocalAws, world: LocalWorld) -> None:
    assert READER in world.outsiders
    iam = clients.client(local, "iam", account=READER.account)
    names = iam.list_role_policies(RoleName=READER.name)["PolicyNames"]
    assert sorted(names) == ["pull-case_notes", "pull-court_lists"]
    lists = next(each for each in FULL.pull_datasets if each.name == "court_lists")
    document = iam.get_role_policy(RoleName=READER.name, PolicyName="pull-court_lists")["PolicyDocument"]
    assert document == json.loads(json.dumps(outsider_policy(FULL, lists, READER)))
    assert iam.get_role(RoleName=READER.name)["Role"]["Path"] == READER.path


def test_a_handover_that_is_missing_is_taken_away_and_comes_back(local: LocalAws, world: LocalWorld) -> None:
    (bucket, owner), *_ = world.recipient_buckets.items()
    everything = [DatasetName(dataset.name) for dataset in FULL.datasets()]
    make_local_world(local, FULL, without_handover=everything)
    s3 = clients.client(local, "s3", account=owner)
    assert refusal_of(lambda: s3.get_bucket_policy(Bucket=bucket)) == "NoSuchBucketPolicy"
    iam = clients.client(local, "iam", account=READER.account)
    assert iam.list_role_policies(RoleName=READER.name)["PolicyNames"] == []
    make_local_world(local, FULL, without_handover=[FULL.push_datasets[0].name])
    left = json.loads(json.dumps(recipient_policies_of(without(FULL, FULL.push_datasets[0].name))[bucket]))
    assert policy_at(local, bucket, owner) == left
    make_local_world(local, FULL)
    assert policy_at(local, bucket, owner) == json.loads(json.dumps(recipient_policies_of(FULL)[bucket]))


def without(estate: Estate, name: str) -> Estate:
    kept = tuple(each for each in estate.push_datasets if each.name != name)
    return dataclasses.replace(estate, push_datasets=kept)


def test_what_is_new_in_the_estate_is_added(local: LocalAws, world: LocalWorld) -> None:
    newcomer = RoleArn("arn:aws:iam::460183957226:role/a/b/newcomer")
    user = UserArn("arn:aws:iam::460183957226:user/old/loader")
    again = UserArn("arn:aws:iam::460183957226:user/loader")  # the same name: IAM has it already
    changed = estate_of(
        *FULL.datasets(),
        push("brand_new", destination=at_s3("new-landing", None)),
        pull("fresh", users=(RoleName("alpha_app_new"),), outsiders=(newcomer, user, again)),
    )
    grown = make_local_world(local, changed)
    assert set(grown.outsiders) == {READER, LOADER, newcomer, user}
    assert grown.recipient_buckets[BucketName("new-landing")] == UNNAMED_RECIPIENT
    assert RoleArn(f"arn:aws:iam::{FULL.platform.account}:role/alpha_app_new") in grown.users
    iam = clients.client(local, "iam", account="460183957226")
    assert iam.get_user(UserName="loader")["User"]["Arn"] == user
    assert iam.list_user_policies(UserName="loader")["PolicyNames"] == ["pull-fresh"]


def test_a_stranger_is_never_somebody_who_is_declared() -> None:
    named_so = pull(outsiders=(RoleArn(f"arn:aws:iam::{RECIPIENT}:role/stranger"),))
    assert stranger_of(estate_of(named_so), RECIPIENT) == f"arn:aws:iam::{RECIPIENT}:role/stranger-indeed"
    assert stranger_of(estate_of(pull()), RECIPIENT) == f"arn:aws:iam::{RECIPIENT}:role/stranger"


def test_a_stranger_of_an_outside_account_is_refused_by_the_resource_alone(local: LocalAws, world: LocalWorld) -> None:
    steps = Steps(local)
    mine, theirs = steps.bucket(), steps.bucket(account=READER.account)
    stranger = clients.client_as(local, "s3", stranger_of(FULL, READER.account))
    assert refusal_of(lambda: stranger.list_objects_v2(Bucket=theirs)) == ""
    assert refusal_of(lambda: stranger.list_objects_v2(Bucket=mine)) == "AccessDenied"
