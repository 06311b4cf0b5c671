"""S3 as AWS does it: the version `null`, as AWS's answers were recorded for the tests of another emulator.

https://github.com/localstack/localstack/tree/main/tests/aws/services/s3
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.emulator.steps import Steps, refusal_of

pytestmark = pytest.mark.emulator


@dataclass(frozen=True)
class Bucket:
    """A bucket and its owner, and what they do again and again."""

    s3: Any
    name: str

    def versioning(self, status: str) -> None:
        self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": status})

    def put(self, key: str, body: bytes = b"x", **more: Any) -> Any:
        return self.s3.put_object(Bucket=self.name, Key=key, Body=body, **more)

    def copy(self, source: str, key: str, **more: Any) -> Mapping[str, Any]:
        return dict(self.s3.copy_object(Bucket=self.name, Key=key, CopySource=f"{self.name}/{source}", **more))

    def delete(self, key: str, **more: Any) -> str:
        return refusal_of(lambda: self.s3.delete_object(Bucket=self.name, Key=key, **more))

    def read(self, key: str, **more: Any) -> tuple[Any, Any]:
        """The version that HEAD and GET name."""
        named = {"Bucket": self.name, "Key": key, **more}
        return self.s3.head_object(**named).get("VersionId"), self.s3.get_object(**named).get("VersionId")

    def versions(self, key: str) -> list[tuple[str, bool, str]]:
        """Each version or marker: its id (``own`` when S3 drew it), whether it is the latest, and its size."""
        found = self.s3.list_object_versions(Bucket=self.name, Prefix=key)
        entries = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        return sorted(
            (
                "null" if entry["VersionId"] == "null" else "own",
                entry["IsLatest"],
                str(entry["Size"]) if "Size" in entry else "marker",
            )
            for entry in entries
        )


@pytest.fixture
def bucket(steps: Steps) -> Bucket:
    return Bucket(steps.client("s3"), steps.bucket())


def test_without_versioning_nothing_is_named_but_in_listings(bucket: Bucket) -> None:
    assert "VersionId" not in bucket.put("k")
    assert bucket.read("k") == (None, None)
    copied = bucket.copy("k", "copy")
    assert {"VersionId", "CopySourceVersionId"} & set(copied) == set()
    assert bucket.versions("k") == [("null", True, "1")]


def test_a_file_from_before_versioning_is_null_and_a_copy_of_it_names_no_copied_version(bucket: Bucket) -> None:
    bucket.put("k")
    bucket.versioning("Enabled")
    assert bucket.read("k") == ("null", "null")
    assert bucket.read("k", VersionId="null") == ("null", "null")
    for source in ("k", "k?versionId=null"):
        copied = bucket.copy(source, "copy")
        assert "CopySourceVersionId" not in copied
        assert copied["VersionId"] not in ("null", None)
    own = bucket.put("k", b"two")["VersionId"]
    assert bucket.read("k") == (own, own)
    assert "CopySourceVersionId" not in bucket.copy("k?versionId=null", "copy")
    assert bucket.s3.head_object(Bucket=bucket.name, Key="copy")["ContentLength"] == 1
    assert bucket.versions("k") == [("null", False, "1"), ("own", True, "3")]


def test_suspended_versioning_overwrites_null_and_only_null(bucket: Bucket) -> None:
    bucket.versioning("Enabled")
    own = bucket.put("k")["VersionId"]
    bucket.versioning("Suspended")
    assert bucket.read("k") == (own, own)
    assert bucket.copy("k", "copy")["CopySourceVersionId"] == own
    for body in (b"22", b"333"):
        assert "VersionId" not in bucket.put("k", body)
        assert bucket.read("k") == ("null", "null")
    assert bucket.versions("k") == [("null", True, "3"), ("own", False, "1")]
    copied = bucket.copy("k", "k", MetadataDirective="REPLACE")
    assert (copied["VersionId"], "CopySourceVersionId" in copied) == ("null", False)
    bucket.versioning("Enabled")
    again = bucket.copy("k", "k", MetadataDirective="REPLACE", Metadata={"a": "b"})
    assert "CopySourceVersionId" not in again
    assert again["VersionId"] != "null"


def test_a_part_copied_from_null_names_no_copied_version(bucket: Bucket) -> None:
    bucket.put("k")
    bucket.versioning("Enabled")
    upload = bucket.s3.create_multipart_upload(Bucket=bucket.name, Key="copy")["UploadId"]
    for source in ("k", "k?versionId=null"):
        part = bucket.s3.upload_part_copy(
            Bucket=bucket.name, Key="copy", UploadId=upload, PartNumber=1, CopySource=f"{bucket.name}/{source}"
        )
        assert "CopySourceVersionId" not in part


def test_a_delete_while_versioning_is_suspended_takes_null_away_for_good(bucket: Bucket) -> None:
    bucket.versioning("Enabled")
    bucket.put("k")
    bucket.versioning("Suspended")
    bucket.put("k", b"22")
    deleted = bucket.s3.delete_object(Bucket=bucket.name, Key="k")
    assert (deleted["DeleteMarker"], deleted["VersionId"]) == (True, "null")
    assert bucket.versions("k") == [("null", True, "marker"), ("own", False, "1")]
    assert refusal_of(lambda: bucket.read("k", VersionId="null")) == "405"
    bucket.s3.delete_object(Bucket=bucket.name, Key="k", VersionId="null")
    assert bucket.versions("k") == [("own", True, "1")]


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ("", "", []),
        ("", "Enabled", [("null", False, "1"), ("own", True, "marker")]),
        ("", "Suspended", [("null", True, "marker")]),
        ("Enabled", "Enabled", [("own", False, "1"), ("own", True, "marker")]),
        ("Enabled", "Suspended", [("null", True, "marker"), ("own", False, "1")]),
        ("Suspended", "Suspended", [("null", True, "marker")]),
        ("Suspended", "Enabled", [("null", False, "1"), ("own", True, "marker")]),
    ],
)
def test_a_conditional_delete_goes_by_the_current_version_in_every_state(
    bucket: Bucket, before: str, after: str, left: list[tuple[str, bool, str]]
) -> None:
    if before:
        bucket.versioning(before)
    etag = bucket.put("k")["ETag"]
    if after:
        bucket.versioning(after)
    assert bucket.delete("k", IfMatch='"another"') == "PreconditionFailed"
    assert bucket.delete("k", IfMatch=etag) == ""
    assert bucket.delete("k", IfMatch=etag) == "NoSuchKey"
    assert bucket.versions("k") == left


def test_the_tags_of_null_are_told_below_a_marker_and_go_with_it(bucket: Bucket) -> None:
    def tags(**version: str) -> Any:
        return bucket.s3.get_object_tagging(Bucket=bucket.name, Key="k", **version)["TagSet"]

    bucket.put("k", Tagging="a=b")
    bucket.versioning("Enabled")
    assert tags() == tags(VersionId="null") == [{"Key": "a", "Value": "b"}]
    bucket.s3.delete_object(Bucket=bucket.name, Key="k")
    assert tags(VersionId="null") == [{"Key": "a", "Value": "b"}]
    bucket.versioning("Suspended")
    bucket.s3.delete_object(Bucket=bucket.name, Key="k")
    bucket.put("k")
    assert tags() == []
    bucket.put("k", Tagging="c=d")
    bucket.copy("k", "k", MetadataDirective="REPLACE")
    assert tags() == [{"Key": "c", "Value": "d"}]
