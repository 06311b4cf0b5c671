"""S3 as AWS does it: who a bucket policy means, and which permissions a request needs."""

import json
from collections.abc import Callable
from functools import partial

import pytest

from tests.emulator.steps import ACCOUNT, Statement, Steps, allow, policy_of, refusal_of

pytestmark = pytest.mark.emulator

OTHER = "754256621582"
SERVICE_PATH = "/service-role/"


def bucket_statement(bucket: str, actions: str | list[str], principal: str, **more: object) -> Statement:
    return allow(actions, [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"], Principal={"AWS": principal}, **more)


def let_in(steps: Steps, bucket: str, account: str, *statements: Statement) -> None:
    steps.client("s3", account).put_bucket_policy(Bucket=bucket, Policy=policy_of(*statements))


def test_a_role_named_with_its_path_by_another_accounts_bucket_is_let_in(steps: Steps) -> None:
    bucket = steps.bucket(account=OTHER)
    role = steps.role(allow("s3:*", "*"), path=SERVICE_PATH)
    let_in(steps, bucket, OTHER, bucket_statement(bucket, "s3:PutObject", role))
    s3 = steps.as_role("s3", role)
    assert s3.put_object(Bucket=bucket, Key="a/1", Body=b"x", ExpectedBucketOwner=OTHER)["ETag"]
    assert refusal_of(lambda: s3.get_object(Bucket=bucket, Key="a/1")) == "AccessDenied"
    assert steps.client("s3", OTHER).get_object(Bucket=bucket, Key="a/1")["Body"].read() == b"x"


def test_a_named_role_that_is_made_again_under_another_path_is_not_let_in(steps: Steps) -> None:
    bucket, iam = steps.bucket(account=OTHER), steps.client("iam")
    role = steps.role(path=SERVICE_PATH)
    let_in(steps, bucket, OTHER, bucket_statement(bucket, "s3:*", role))
    iam.delete_role(RoleName=role.rsplit("/", 1)[-1])
    again = steps.role(allow("s3:*", "*"), name=role.rsplit("/", 1)[-1])
    assert refusal_of(lambda: steps.as_role("s3", again).list_objects_v2(Bucket=bucket)) == "AccessDenied"


def test_another_role_of_a_named_roles_account_is_not_let_in(steps: Steps) -> None:
    bucket = steps.bucket(account=OTHER)
    role, stranger = (steps.role(allow("s3:*", "*"), path=SERVICE_PATH) for _ in range(2))
    let_in(steps, bucket, OTHER, bucket_statement(bucket, "s3:*", role))
    assert refusal_of(lambda: steps.as_role("s3", role).list_objects_v2(Bucket=bucket)) == ""
    assert refusal_of(lambda: steps.as_role("s3", stranger).list_objects_v2(Bucket=bucket)) == "AccessDenied"


def test_a_role_needs_its_own_accounts_permission_too(steps: Steps) -> None:
    bucket = steps.bucket(account=OTHER)
    role = steps.role()
    let_in(steps, bucket, OTHER, bucket_statement(bucket, "s3:*", role))
    assert refusal_of(lambda: steps.as_role("s3", role).list_objects_v2(Bucket=bucket)) == "AccessDenied"


@pytest.mark.parametrize("account", [ACCOUNT, OTHER])
def test_principal_arn_in_a_condition_is_the_role_with_its_path(steps: Steps, account: str) -> None:
    bucket = steps.bucket(account=account)
    role, stranger = (steps.role(allow("s3:*", "*"), path="/a/b/") for _ in range(2))
    statement = bucket_statement(
        bucket, "s3:*", f"arn:aws:iam::{ACCOUNT}:root", Condition={"ArnEquals": {"aws:PrincipalArn": role}}
    )
    let_in(steps, bucket, account, statement)
    assert refusal_of(lambda: steps.as_role("s3", role).list_objects_v2(Bucket=bucket)) == ""
    expected = "" if account == ACCOUNT else "AccessDenied"  # at home the stranger's own rights are enough
    assert refusal_of(lambda: steps.as_role("s3", stranger).list_objects_v2(Bucket=bucket)) == expected


def test_a_deny_that_spares_one_role_by_its_arn_spares_it_alone(steps: Steps) -> None:
    bucket = steps.bucket()
    role, stranger = (steps.role(allow("s3:*", "*"), path="/a/") for _ in range(2))
    spare = {"ArnNotEquals": {"aws:PrincipalArn": [role, f"arn:aws:iam::{ACCOUNT}:root"]}}
    deny = bucket_statement(bucket, "s3:*", "*", Condition=spare) | {"Effect": "Deny", "Principal": "*"}
    let_in(steps, bucket, ACCOUNT, deny)
    assert refusal_of(lambda: steps.as_role("s3", role).list_objects_v2(Bucket=bucket)) == ""
    assert refusal_of(lambda: steps.as_role("s3", stranger).list_objects_v2(Bucket=bucket)) == "AccessDenied"


def test_a_grant_ends_when_its_date_has_passed(steps: Steps) -> None:
    bucket = steps.bucket(account=OTHER)
    role = steps.role(allow("s3:*", "*"))
    for moment, refusal in (("2999-01-01T00:00:00Z", ""), ("2020-01-01T00:00:00Z", "AccessDenied")):
        until = {"DateLessThan": {"aws:CurrentTime": moment}}
        let_in(steps, bucket, OTHER, bucket_statement(bucket, "s3:ListBucket", role, Condition=until))
        assert refusal_of(lambda: steps.as_role("s3", role).list_objects_v2(Bucket=bucket)) == refusal


@pytest.mark.parametrize("listing", ["list_objects_v2", "list_object_versions"])
def test_a_listing_allowed_for_a_prefix_is_refused_without_it(steps: Steps, listing: str) -> None:
    bucket = steps.bucket(versioned=True)
    like = {"StringLike": {"s3:prefix": "orders/*"}}
    role = steps.role(allow(["s3:ListBucket", "s3:ListBucketVersions"], f"arn:aws:s3:::{bucket}", Condition=like))
    call = getattr(steps.as_role("s3", role), listing)
    assert refusal_of(lambda: call(Bucket=bucket, Prefix="orders/")) == ""
    assert refusal_of(lambda: call(Bucket=bucket, Prefix="orders_private/")) == "AccessDenied"
    assert refusal_of(lambda: call(Bucket=bucket)) == "AccessDenied"


@pytest.mark.parametrize("account", [ACCOUNT, OTHER])
def test_tags_and_acls_on_a_write_need_rights_of_their_own(steps: Steps, account: str) -> None:
    bucket = steps.bucket(account=account)
    everything = f"arn:aws:s3:::{bucket}/*"
    plain, full = steps.role(allow("s3:PutObject", "*")), steps.role(allow("s3:Put*", "*"))

    def put_tagged(role: str) -> object:
        return steps.as_role("s3", role).put_object(Bucket=bucket, Key="k", Body=b"", Tagging="a=b")

    def put_with_acl(role: str) -> object:
        return steps.as_role("s3", role).put_object(Bucket=bucket, Key="k", Body=b"", ACL="bucket-owner-full-control")

    if account == OTHER:
        plain_too = steps.role(allow("s3:*", "*"))  # allowed at home, and by the owner for PutObject alone
        grants = [allow("s3:PutObject", everything, Principal={"AWS": [plain, plain_too]})]
        grants.append(allow("s3:Put*", everything, Principal={"AWS": full}))
        let_in(steps, bucket, account, *grants)
        assert refusal_of(lambda: put_tagged(plain_too)) == "AccessDenied"
        assert refusal_of(lambda: put_with_acl(plain_too)) == "AccessDenied"
    assert refusal_of(lambda: put_tagged(full)) == ""
    assert refusal_of(lambda: put_with_acl(full)) == ""
    assert refusal_of(lambda: put_tagged(plain)) == "AccessDenied"
    assert refusal_of(lambda: put_with_acl(plain)) == "AccessDenied"
    assert refusal_of(lambda: steps.as_role("s3", plain).put_object(Bucket=bucket, Key="k", Body=b"")) == ""


def test_a_multipart_upload_with_tags_needs_the_right_to_tag(steps: Steps) -> None:
    bucket = steps.bucket()
    s3 = steps.as_role("s3", steps.role(allow("s3:PutObject", "*")))
    assert refusal_of(lambda: s3.create_multipart_upload(Bucket=bucket, Key="k", Tagging="a=b")) == "AccessDenied"
    assert refusal_of(lambda: s3.create_multipart_upload(Bucket=bucket, Key="k")) == ""


def test_copying_tags_needs_rights_on_both_sides(steps: Steps) -> None:
    hub, target = steps.bucket(), steps.bucket()
    steps.client("s3").put_object(Bucket=hub, Key="tagged", Body=b"1", Tagging="a=b")
    steps.client("s3").put_object(Bucket=hub, Key="plain", Body=b"2")
    base = [allow("s3:GetObject", f"arn:aws:s3:::{hub}/*"), allow("s3:PutObject", f"arn:aws:s3:::{target}/*")]
    reads_tags = allow("s3:GetObjectTagging", f"arn:aws:s3:::{hub}/*")
    writes_tags = allow("s3:PutObjectTagging", f"arn:aws:s3:::{target}/*")

    def refusal(key: str, *statements: Statement, **more: str) -> str:
        s3 = steps.as_role("s3", steps.role(*base, *statements))
        return refusal_of(lambda: s3.copy_object(Bucket=target, Key=key, CopySource=f"{hub}/{key}", **more))

    assert refusal("plain") == ""
    assert refusal("tagged") == "AccessDenied"
    assert refusal("tagged", reads_tags) == "AccessDenied"
    assert refusal("tagged", reads_tags, writes_tags) == ""
    assert refusal("tagged", TaggingDirective="REPLACE") == ""


def test_reading_a_version_needs_its_own_right(steps: Steps) -> None:
    bucket = steps.bucket(versioned=True)
    version = steps.client("s3").put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    everything = f"arn:aws:s3:::{bucket}/*"
    current = steps.as_role("s3", steps.role(allow("s3:GetObject", everything)))
    any_version = steps.as_role("s3", steps.role(allow("s3:GetObjectVersion", everything)))
    assert refusal_of(lambda: current.get_object(Bucket=bucket, Key="k")) == ""
    assert refusal_of(lambda: current.get_object(Bucket=bucket, Key="k", VersionId=version)) == "AccessDenied"
    assert refusal_of(lambda: any_version.get_object(Bucket=bucket, Key="k", VersionId=version)) == ""


def test_aborting_an_upload_needs_its_own_right(steps: Steps) -> None:
    bucket = steps.bucket()
    everything = f"arn:aws:s3:::{bucket}/*"
    upload = steps.client("s3").create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    writer = steps.as_role("s3", steps.role(allow("s3:PutObject", everything)))
    aborter = steps.as_role("s3", steps.role(allow("s3:AbortMultipartUpload", everything)))
    named = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    assert refusal_of(lambda: writer.abort_multipart_upload(**named)) == "AccessDenied"
    assert refusal_of(lambda: aborter.abort_multipart_upload(**named)) == ""


def test_a_conditional_delete_needs_to_read_the_object(steps: Steps) -> None:
    bucket = steps.bucket(versioned=True)
    everything = f"arn:aws:s3:::{bucket}/*"
    etag = steps.client("s3").put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    deleter = steps.as_role("s3", steps.role(allow("s3:DeleteObject", everything)))
    reader = steps.as_role("s3", steps.role(allow(["s3:DeleteObject", "s3:GetObject"], everything)))
    batch = {"Objects": [{"Key": "k", "ETag": etag}]}
    assert refusal_of(lambda: deleter.delete_object(Bucket=bucket, Key="k", IfMatch=etag)) == "AccessDenied"
    refused = deleter.delete_objects(Bucket=bucket, Delete=batch)["Errors"]
    assert refused == [{"Key": "k", "Code": "AccessDenied", "Message": "Access Denied"}]
    assert refusal_of(lambda: reader.delete_object(Bucket=bucket, Key="k", IfMatch=etag)) == ""


@pytest.mark.parametrize("account", [ACCOUNT, OTHER])
def test_of_many_keys_to_delete_the_allowed_go_and_the_others_are_errors(steps: Steps, account: str) -> None:
    bucket = steps.bucket(account=account)
    for key in ("in/a", "in/b", "out/c"):
        steps.client("s3", account).put_object(Bucket=bucket, Key=key, Body=b"")
    inside = f"arn:aws:s3:::{bucket}/in/*"
    role = steps.role(allow("s3:DeleteObject", "*" if account == OTHER else inside))
    let_in(steps, bucket, account, allow("s3:DeleteObject", inside, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    s3 = steps.as_role("s3", role)
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in ("in/a", "out/c", "in/b")]})
    assert answer["Deleted"] == [{"Key": "in/a"}, {"Key": "in/b"}]
    assert answer["Errors"] == [{"Key": "out/c", "Code": "AccessDenied", "Message": "Access Denied"}]
    left = steps.client("s3", account).list_objects_v2(Bucket=bucket)["Contents"]
    assert [found["Key"] for found in left] == ["out/c"]


def test_without_list_bucket_a_missing_key_is_forbidden_and_not_missing(steps: Steps) -> None:
    bucket, target = steps.bucket(), steps.bucket()
    reads = allow(["s3:GetObject", "s3:PutObject"], "*")
    blind, seeing = (
        steps.as_role("s3", role) for role in (steps.role(reads), steps.role(reads, allow("s3:ListBucket", "*")))
    )
    none, copy = {"Bucket": bucket, "Key": "none"}, {"Bucket": target, "Key": "k", "CopySource": f"{bucket}/none"}
    for s3, get, head in ((blind, "AccessDenied", "403"), (seeing, "NoSuchKey", "404")):
        assert refusal_of(partial(s3.get_object, **none)) == get
        assert refusal_of(partial(s3.head_object, **none)) == head
        assert refusal_of(partial(s3.copy_object, **copy)) == get


def test_without_list_bucket_from_its_owner_a_missing_key_of_another_account_is_forbidden(steps: Steps) -> None:
    bucket = steps.bucket(account=OTHER)
    role = steps.role(allow("s3:*", "*"))
    s3 = steps.as_role("s3", role)
    let_in(steps, bucket, OTHER, bucket_statement(bucket, "s3:GetObject", role))
    assert refusal_of(lambda: s3.get_object(Bucket=bucket, Key="none")) == "AccessDenied"
    let_in(steps, bucket, OTHER, bucket_statement(bucket, ["s3:GetObject", "s3:ListBucket"], role))
    assert refusal_of(lambda: s3.get_object(Bucket=bucket, Key="none")) == "NoSuchKey"


def test_the_wrong_expected_owner_is_refused_for_target_and_source(steps: Steps) -> None:
    mine, theirs = steps.bucket(), steps.bucket(account=OTHER)
    s3 = steps.client("s3")
    s3.put_object(Bucket=mine, Key="k", Body=b"1")
    let_in(steps, theirs, OTHER, bucket_statement(theirs, "s3:*", f"arn:aws:iam::{ACCOUNT}:root"))
    wrong = "111122223333"

    def copy(**more: str) -> str:
        return refusal_of(lambda: s3.copy_object(Bucket=theirs, Key="k", CopySource=f"{mine}/k", **more))

    assert copy(ExpectedBucketOwner=OTHER, ExpectedSourceBucketOwner=ACCOUNT) == ""
    assert copy(ExpectedBucketOwner=wrong) == "AccessDenied"
    assert copy(ExpectedSourceBucketOwner=wrong) == "AccessDenied"
    assert refusal_of(lambda: s3.put_object(Bucket=mine, Key="k", ExpectedBucketOwner=wrong)) == "AccessDenied"
    assert refusal_of(lambda: s3.head_bucket(Bucket=mine, ExpectedBucketOwner=wrong)) == "403"
    created = {"Bucket": theirs, "Key": "k", "ExpectedBucketOwner": wrong}
    assert refusal_of(lambda: s3.create_multipart_upload(**created)) == "AccessDenied"


def test_a_bucket_policy_naming_a_role_that_does_not_exist_is_refused(
    steps: Steps, unique: Callable[[str], str]
) -> None:
    bucket, name = steps.bucket(), unique("mover")
    arn = f"arn:aws:iam::{OTHER}:role/service-role/{name}"
    policy = policy_of(bucket_statement(bucket, "s3:GetObject", arn))
    s3 = steps.client("s3")
    assert refusal_of(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=policy)) == "MalformedPolicy"
    steps.role(account=OTHER, name=name)  # the name alone is not the role: its path is part of it
    assert refusal_of(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=policy)) == "MalformedPolicy"
    steps.client("iam", OTHER).delete_role(RoleName=name)
    steps.role(account=OTHER, name=name, path=SERVICE_PATH)
    assert refusal_of(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=policy)) == ""


def test_a_condition_may_name_a_role_that_does_not_exist(steps: Steps) -> None:
    bucket = steps.bucket()
    condition = {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/nobody"}}
    let_in(steps, bucket, ACCOUNT, bucket_statement(bucket, "s3:*", f"arn:aws:iam::{OTHER}:root", Condition=condition))
    (statement,) = json.loads(steps.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert statement["Condition"] == condition


def test_an_unsigned_request_is_refused(steps: Steps) -> None:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    bucket = steps.bucket()
    s3 = boto3.client(
        "s3", region_name="eu-west-1", endpoint_url=steps.local.endpoint_url, config=Config(signature_version=UNSIGNED)
    )
    assert refusal_of(lambda: s3.list_objects_v2(Bucket=bucket)) == "AccessDenied"
    assert refusal_of(lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})) == "AccessDenied"
