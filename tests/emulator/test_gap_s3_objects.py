"""S3 as AWS does it: copies between accounts, conditions, versions and deletes, as the mover relies on them."""

from typing import Any

import pytest

from tests.emulator.steps import ACCOUNT, Steps, allow, policy_of, refusal_of

pytestmark = pytest.mark.emulator

OTHER = "754256621582"


def copy_pair(steps: Steps) -> tuple[Any, str, str]:
    """A client as a mover's role, a versioned hub of its account, and a bucket of another account that lets it in."""
    hub, target = steps.bucket(versioned=True), steps.bucket(account=OTHER, versioned=True)
    role = steps.role(allow("s3:*", "*"), path="/service-role/")
    statement = allow("s3:*", [f"arn:aws:s3:::{target}", f"arn:aws:s3:::{target}/*"], Principal={"AWS": role})
    steps.client("s3", OTHER).put_bucket_policy(Bucket=target, Policy=policy_of(statement))
    return steps.as_role("s3", role), hub, target


def test_a_copy_to_another_account_carries_body_tags_and_metadata_and_names_the_copied_version(steps: Steps) -> None:
    s3, hub, target = copy_pair(steps)
    put = s3.put_object(Bucket=hub, Key="a/1", Body=b"one", Tagging="a=b", Metadata={"m": "n"}, ContentType="text/csv")
    reply = s3.copy_object(
        Bucket=target,
        Key="a/1",
        CopySource={"Bucket": hub, "Key": "a/1"},
        CopySourceIfMatch=put["ETag"],
        ACL="bucket-owner-full-control",
        ExpectedBucketOwner=OTHER,
        ExpectedSourceBucketOwner=ACCOUNT,
    )
    assert reply["CopySourceVersionId"] == put["VersionId"]
    there = steps.client("s3", OTHER)
    got = there.get_object(Bucket=target, Key="a/1")
    assert (got["Body"].read(), got["Metadata"], got["ContentType"]) == (b"one", {"m": "n"}, "text/csv")
    assert got["VersionId"] == reply["VersionId"]
    assert there.get_object_tagging(Bucket=target, Key="a/1")["TagSet"] == [{"Key": "a", "Value": "b"}]


def test_a_copy_pinned_to_an_etag_fails_when_another_upload_is_on_top(steps: Steps) -> None:
    s3, hub, target = copy_pair(steps)
    old = s3.put_object(Bucket=hub, Key="k", Body=b"old")
    s3.put_object(Bucket=hub, Key="k", Body=b"new")
    pinned = {"Bucket": target, "Key": "k", "CopySourceIfMatch": old["ETag"]}
    assert refusal_of(lambda: s3.copy_object(**pinned, CopySource=f"{hub}/k")) == "PreconditionFailed"
    by_version = s3.copy_object(**pinned, CopySource=f"{hub}/k?versionId={old['VersionId']}")
    assert by_version["CopySourceVersionId"] == old["VersionId"]
    assert s3.get_object(Bucket=target, Key="k")["Body"].read() == b"old"


def test_a_copy_of_a_deleted_key_finds_nothing_and_its_version_is_still_there(steps: Steps) -> None:
    s3, hub, target = copy_pair(steps)
    put = s3.put_object(Bucket=hub, Key="k", Body=b"1")
    marker = s3.delete_object(Bucket=hub, Key="k")["VersionId"]
    assert refusal_of(lambda: s3.copy_object(Bucket=target, Key="k", CopySource=f"{hub}/k")) == "NoSuchKey"
    source = f"{hub}/k?versionId={put['VersionId']}"
    assert s3.copy_object(Bucket=target, Key="k", CopySource=source)["CopySourceVersionId"] == put["VersionId"]
    of_marker = f"{hub}/k?versionId={marker}"
    assert refusal_of(lambda: s3.copy_object(Bucket=target, Key="k", CopySource=of_marker)) != ""


def test_parts_are_copied_to_another_account_by_version(steps: Steps) -> None:
    s3, hub, target = copy_pair(steps)
    body = bytes(range(256)) * 40_000
    put = s3.put_object(Bucket=hub, Key="large", Body=body)
    s3.put_object(Bucket=hub, Key="large", Body=b"newer")
    upload = s3.create_multipart_upload(Bucket=target, Key="large", Tagging="a=b", ContentType="text/csv")["UploadId"]
    parts = []
    for number, (first, last) in enumerate([(0, 5 * 2**20 - 1), (5 * 2**20, len(body) - 1)], start=1):
        part = s3.upload_part_copy(
            Bucket=target,
            Key="large",
            UploadId=upload,
            PartNumber=number,
            CopySource=f"{hub}/large?versionId={put['VersionId']}",
            CopySourceRange=f"bytes={first}-{last}",
            CopySourceIfMatch=put["ETag"],
        )
        parts.append({"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]})
    listed = s3.list_parts(Bucket=target, Key="large", UploadId=upload)["Parts"]
    assert [part["Size"] for part in listed] == [5 * 2**20, len(body) - 5 * 2**20]
    s3.complete_multipart_upload(Bucket=target, Key="large", UploadId=upload, MultipartUpload={"Parts": parts})
    got = steps.client("s3", OTHER).get_object(Bucket=target, Key="large")
    assert (got["Body"].read() == body, got["ContentType"], got["TagCount"]) == (True, "text/csv", 1)
    assert got["ETag"].endswith('-2"')


def test_a_copy_of_an_upload_in_parts_has_an_etag_of_its_own(steps: Steps) -> None:
    s3, hub, target = copy_pair(steps)
    upload = s3.create_multipart_upload(Bucket=hub, Key="k")["UploadId"]
    named = {"Bucket": hub, "Key": "k", "UploadId": upload}
    etag = s3.upload_part(**named, PartNumber=1, Body=b"one part")["ETag"]
    made = s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    source = f"{hub}/k?versionId={made['VersionId']}"
    copied = s3.copy_object(Bucket=target, Key="k", CopySource=source, CopySourceIfMatch=made["ETag"])
    assert made["ETag"].endswith('-1"')
    assert copied["CopyObjectResult"]["ETag"] == etag
    there = steps.client("s3", OTHER)
    assert there.head_object(Bucket=target, Key="k")["ETag"] == etag
    assert there.list_object_versions(Bucket=target)["Versions"][0]["ETag"] == etag
    assert s3.head_object(Bucket=hub, Key="k")["ETag"] == made["ETag"]


def test_a_part_pinned_to_an_etag_fails_when_another_upload_is_on_top(steps: Steps) -> None:
    s3, hub, target = copy_pair(steps)
    old = s3.put_object(Bucket=hub, Key="k", Body=b"old")
    s3.put_object(Bucket=hub, Key="k", Body=b"new")
    upload = s3.create_multipart_upload(Bucket=target, Key="k")["UploadId"]
    named = {"Bucket": target, "Key": "k", "UploadId": upload, "PartNumber": 1, "CopySource": f"{hub}/k"}
    assert refusal_of(lambda: s3.upload_part_copy(**named, CopySourceIfMatch=old["ETag"])) == "PreconditionFailed"


def test_a_conditional_delete_tells_newer_from_gone(steps: Steps) -> None:
    s3, hub, _ = copy_pair(steps)
    old = s3.put_object(Bucket=hub, Key="k", Body=b"old")
    new = s3.put_object(Bucket=hub, Key="k", Body=b"new")

    def delete(key: str, etag: str) -> str:
        return refusal_of(lambda: s3.delete_object(Bucket=hub, Key=key, IfMatch=etag))

    assert delete("k", old["ETag"]) == "PreconditionFailed"
    assert delete("k", new["ETag"]) == ""
    assert delete("k", new["ETag"]) == "NoSuchKey"
    assert delete("never", new["ETag"]) == "NoSuchKey"
    versions = s3.list_object_versions(Bucket=hub, Prefix="k")
    assert [v["VersionId"] for v in versions["Versions"]] == [new["VersionId"], old["VersionId"]]
    assert [m["IsLatest"] for m in versions["DeleteMarkers"]] == [True]


def test_many_deletes_take_an_etag_each(steps: Steps) -> None:
    s3, hub, _ = copy_pair(steps)
    etags = {key: s3.put_object(Bucket=hub, Key=key, Body=key.encode())["ETag"] for key in "abc"}
    s3.put_object(Bucket=hub, Key="b", Body=b"newer")
    s3.delete_object(Bucket=hub, Key="c")
    answer = s3.delete_objects(
        Bucket=hub, Delete={"Objects": [{"Key": key, "ETag": etag} for key, etag in etags.items()]}
    )
    assert [(d["Key"], d["DeleteMarker"]) for d in answer["Deleted"]] == [("a", True)]
    assert [(e["Key"], e["Code"]) for e in answer["Errors"]] == [("b", "PreconditionFailed"), ("c", "NoSuchKey")]


def test_a_new_bucket_enforces_its_owner_and_refuses_other_acls(steps: Steps) -> None:
    s3, _, target = copy_pair(steps)
    fine = {"Bucket": target, "Key": "k", "Body": b""}
    assert refusal_of(lambda: s3.put_object(**fine, ACL="bucket-owner-full-control")) == ""
    assert refusal_of(lambda: s3.put_object(**fine, ACL="public-read")) == "AccessControlListNotSupported"


def test_the_tags_of_a_version_are_told_below_a_marker_too(steps: Steps) -> None:
    s3, hub, _ = copy_pair(steps)
    version = s3.put_object(Bucket=hub, Key="k", Body=b"x", Tagging="class=a%26b")["VersionId"]
    marker = s3.delete_object(Bucket=hub, Key="k")["VersionId"]
    tags = s3.get_object_tagging(Bucket=hub, Key="k", VersionId=version)["TagSet"]
    assert tags == [{"Key": "class", "Value": "a&b"}]
    assert refusal_of(lambda: s3.get_object_tagging(Bucket=hub, Key="k")) == "NoSuchKey"
    assert refusal_of(lambda: s3.get_object_tagging(Bucket=hub, Key="k", VersionId=marker)) != ""


def test_a_part_of_a_version_is_read_alone(steps: Steps) -> None:
    s3, bucket = steps.client("s3"), steps.bucket(versioned=True)
    old = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    s3.put_object(Bucket=bucket, Key="k", Body=b"abc")
    named = {"Bucket": bucket, "Key": "k", "VersionId": old["VersionId"]}
    got = s3.get_object(**named, Range="bytes=2-4", IfMatch=old["ETag"])
    assert (got["Body"].read(), got["ContentRange"]) == (b"234", "bytes 2-4/10")
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert s3.get_object(**named, Range="bytes=8-20")["Body"].read() == b"89"
    assert refusal_of(lambda: s3.get_object(**named, Range="bytes=10-")) == "InvalidRange"
    assert refusal_of(lambda: s3.get_object(**named, Range="bytes=2-4", IfMatch='"x"')) == "PreconditionFailed"
