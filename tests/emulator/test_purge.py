"""What a removed pull dataset leaves, and how it is deleted for good: shown, confirmed, and nobody else's."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from data_exports.aws import Aws
from data_exports.deploy.apply.outcomes import InterruptedWorkError
from data_exports.deploy.plan.consents import Consent
from data_exports.deploy.remote import BucketContents
from data_exports.deploy.removal.purge import Purge, purge, read_purge
from data_exports.errors import AwsError, ExportsError, RefusedError, UsageError
from data_exports.estate.models import Estate
from data_exports.local.clients import client_as, environment_of
from data_exports.local.emulator import LocalAws
from data_exports.local.world import make_local_world
from data_exports.names import BucketName, DatasetName, RoleName
from tests.emulator.deploying import Ground, aws_of_account, ground_of, write_estate
from tests.emulator.steps import refusal_of
from tests.envelopes import check_printed
from tests.estates import READER, pull, push
from tests.patience import PATIENCE_SECONDS
from tests.terminal import run_on_terminal

pytestmark = pytest.mark.emulator

EXPORTS = str(Path(sys.executable).parent / "exports")
LISTS = DatasetName("court_lists")


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("p"))


@pytest.fixture
def bucket(ground: Ground) -> str:
    return f"{ground.platform.pull_bucket_prefix}court-lists"


@pytest.fixture
def left(ground: Ground, bucket: str) -> Estate:
    """The estate after `court_lists` was removed; its bucket holds versions, a marker and an unfinished upload."""
    estate = ground.estate(pull(LISTS, bucket_versioning=True))
    make_local_world(ground.local, estate)
    ground.deploy(estate)
    s3 = ground.client("s3")
    for body in (b"12345", b"678"):
        s3.put_object(Bucket=bucket, Key="list é+.csv", Body=body)
    s3.delete_object(Bucket=bucket, Key="list é+.csv")
    s3.create_multipart_upload(Bucket=bucket, Key="large")
    ground.deploy(ground.estate(), allow=set(Consent))
    return ground.estate()


def _refusal(estate: Estate, aws: Aws, name: str = LISTS) -> ExportsError:
    with pytest.raises(ExportsError) as refused:
        read_purge(estate, aws, DatasetName(name), heard=lambda _: None)
    return refused.value


def test_removing_a_pull_dataset_ends_every_access_at_once_and_keeps_the_data(ground: Ground, bucket: str) -> None:
    make_local_world(ground.local, estate := ground.estate(pull(LISTS)))
    ground.deploy(estate)
    ground.client("s3").put_object(Bucket=bucket, Key="a", Body=b"1")
    people = [
        client_as(ground.local, "s3", who)
        for who in (READER, ground.platform.user_role_arn(RoleName("alpha_user_ana")))
    ]
    assert [s3.get_object(Bucket=bucket, Key="a")["Body"].read() for s3 in people] == [b"1", b"1"]
    removed = ground.deploy(ground.estate(), allow=set(Consent)).of("exports-pull-court-lists")
    assert removed.note == f"its bucket {bucket} is kept"
    refusals = [refusal_of(partial(s3.get_object, Bucket=bucket, Key="a")) for s3 in people]
    assert refusals == ["AccessDenied", "AccessDenied"]
    assert refusal_of(lambda: ground.client("s3").get_bucket_policy(Bucket=bucket)) == "NoSuchBucketPolicy"
    assert ground.client("iam").list_role_policies(RoleName="alpha_user_ana")["PolicyNames"] == []
    assert ground.client("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


def test_every_version_marker_and_unfinished_upload_goes_and_then_the_bucket(
    ground: Ground, left: Estate, bucket: str
) -> None:
    counted: list[int] = []
    planned = read_purge(left, ground.aws, LISTS, heard=counted.append)
    assert planned == Purge(LISTS, BucketName(bucket), BucketContents(2, 1, 8), 1)
    assert counted == [3]
    deleted: list[int] = []
    assert purge(left, ground.aws, planned, heard=deleted.append) == 3
    assert deleted == [3]
    assert bucket not in ground.buckets()
    again = _refusal(left, ground.aws)
    assert (type(again), again.what) == (UsageError, f"there is no bucket {bucket} in this account")


def test_a_bucket_in_use_is_not_purged(ground: Ground, bucket: str) -> None:
    ground.make_users_of(estate := ground.estate(pull(LISTS), push("orders")))
    ground.deploy(estate)
    declared = _refusal(estate, ground.aws)
    assert (type(declared), declared.what) == (
        RefusedError,
        f"the bucket {bucket} belongs to the dataset court_lists, which is declared",
    )
    deployed = _refusal(ground.estate(), ground.aws)
    assert (type(deployed), deployed.what) == (
        RefusedError,
        "its stack exports-pull-court-lists is still there: CREATE_COMPLETE",
    )
    assert _refusal(ground.estate(pull("court-lists")), ground.aws).what.endswith(
        "belongs to the dataset court-lists, which is declared"
    )
    assert type(_refusal(estate, ground.aws, "orders")) is UsageError


@pytest.mark.parametrize(
    "tags",
    [{}, {"digest": "x"}, {"digest": "x", "dataset": "other"}, {"digest": "x", "dataset": LISTS, "hub": "other"}],
)
def test_a_bucket_that_was_not_made_for_this_dataset_is_not_purged(
    ground: Ground, bucket: str, tags: dict[str, str]
) -> None:
    ground.make_bucket(bucket, **tags)
    refused = _refusal(ground.estate(), ground.aws)
    assert type(refused) is RefusedError
    assert "its tags do not show that it was made for court_lists of this estate" in refused.what
    assert bucket in ground.buckets()


def test_another_accounts_bucket_is_not_purged(ground: Ground, bucket: str, unique_account: Callable[[], str]) -> None:
    aws_of_account(ground.local, unique_account()).client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    assert type(_refusal(ground.estate(), ground.aws)) is RefusedError


def test_a_dataset_that_is_deployed_again_meanwhile_keeps_its_data(ground: Ground, left: Estate, bucket: str) -> None:
    planned = read_purge(left, ground.aws, LISTS, heard=lambda _: None)
    ground.deploy(ground.estate(pull(LISTS)), allow=set(Consent))
    with pytest.raises(RefusedError, match="is still there: "):
        purge(left, ground.aws, planned, heard=lambda _: None)
    versions = ground.client("s3").list_object_versions(Bucket=bucket)
    assert len(versions["Versions"]) == 2


def test_ctrl_c_says_how_far_it_came_and_another_run_deletes_the_rest(
    ground: Ground, left: Estate, bucket: str
) -> None:
    planned = read_purge(left, ground.aws, LISTS, heard=lambda _: None)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(InterruptedWorkError) as stopped:
        purge(left, ground.aws, planned, heard=interrupt)
    assert str(stopped.value) == (
        f"interrupted: 3 versions deleted, and the bucket {bucket} is still there\n"
        "  next: run `exports purge court_lists` again: it deletes the rest"
    )
    again = read_purge(left, ground.aws, LISTS, heard=lambda _: None)
    assert again.count == 0
    purge(left, ground.aws, again, heard=lambda _: None)
    assert bucket not in ground.buckets()


@pytest.mark.parametrize(
    "action",
    [
        "cloudformation:DescribeStacks",
        "s3:AbortMultipartUpload",
        "s3:DeleteBucket",
        "s3:DeleteObjectVersion",
        "s3:GetBucketTagging",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions",
    ],
)
def test_what_aws_denies_is_said_and_a_later_run_completes_it(
    ground: Ground, left: Estate, bucket: str, action: str
) -> None:
    aws = ground.without(action)
    with pytest.raises((AwsError, RefusedError)) as refused:
        purge(left, aws, read_purge(left, aws, LISTS, heard=lambda _: None), heard=lambda _: None)
    assert "denied" in str(refused.value).lower() or "may not look" in str(refused.value)
    assert refused.value.next_step
    assert bucket in ground.buckets()
    purge(left, ground.aws, read_purge(left, ground.aws, LISTS, heard=lambda _: None), heard=lambda _: None)
    assert bucket not in ground.buckets()


# --- the command ----------------------------------------------------------------------------------------------------


def _environment(ground: Ground) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": str(ground.platform.account), "NO_COLOR": "1"}
    return {**os.environ, **environment_of(ground.local), **keys}


def _run(ground: Ground, folder: Path, *words: str, command: str = "purge") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [EXPORTS, command, *words, "--estate", str(folder)],
        env=_environment(ground),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    check_printed((command, *words), done.stdout, done.stderr, done.returncode)
    return done


def test_the_command_shows_what_is_there_and_wants_the_name(
    ground: Ground, left: Estate, bucket: str, tmp_path: Path
) -> None:
    del left
    folder = write_estate(tmp_path / "estate", ground, names=[], users=[RoleName("alpha_user_ana")])
    kept = _run(ground, folder)
    assert (kept.returncode, kept.stdout) == (0, f"{bucket} of the removed dataset {LISTS}: exports purge {LISTS}\n")
    stands = json.loads(_run(ground, folder, "--json", command="status").stdout)["datasets"]
    assert [(each["dataset"], each["kind"], each["state"], each["reason"]) for each in stands] == [
        (LISTS, "pull", "removed", f"its bucket {bucket} is kept: exports purge {LISTS}")
    ]
    unasked = _run(ground, folder, LISTS)
    assert (unasked.returncode, unasked.stdout) == (2, "")
    assert "next: add --confirm court_lists" in unasked.stderr
    assert _run(ground, folder, LISTS, "--confirm", "lists").returncode == 2
    typed = run_on_terminal(
        [EXPORTS, "purge", LISTS, "--estate", str(folder)],
        env=_environment(ground),
        streams=["stdin", "stderr"],
        dialogue=[("Type court_lists to delete all this for good:\r\n", "something else")],
    )
    assert typed.code == 1
    assert typed.out == (
        f"the bucket {bucket} of the removed dataset court_lists holds: 2 versions, 8 B, 1 delete marker, "
        "1 unfinished upload\n"
    )
    assert typed.shown.endswith("error: nothing was deleted: that is not the dataset's name\r\n")
    done = _run(ground, folder, LISTS, "--confirm", LISTS, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "schema": "data-exports/purge/1",
        "dataset": "court_lists",
        "bucket": bucket,
        "versions": 2,
        "delete_markers": 1,
        "size_bytes": 8,
        "unfinished_uploads": 1,
        "deleted": 3,
    }
    assert bucket not in ground.buckets()
    none = _run(ground, folder, "--json")
    assert json.loads(none.stdout) == {"schema": "data-exports/kept/1", "kept": []}
