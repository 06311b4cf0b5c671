"""S3 as AWS does it: keys of every kind, in listings, in echoes and in policies."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote_plus

import pytest

from data_exports.local import clients
from tests.emulator.signed import ask, signed
from tests.emulator.steps import Steps, allow, policy_of, refusal_of

pytestmark = pytest.mark.emulator

ODD = ["t\x07.txt", "a b+c/ü", "line\nfeed", "return\rhere", "q\x01&<>", "50%25", "*~'()", "\x7f\ufffe"]


def put_odd(steps: Steps) -> tuple[Any, str]:
    s3, bucket = steps.client("s3"), steps.bucket(versioned=True)
    for key in ODD:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return s3, bucket


def raw(steps: Steps, path: str, method: str = "GET") -> str:
    return ask(steps.local, method, path, signed(steps.local, method, path))[1]


def begin(steps: Steps, bucket: str, key: str, headers: Mapping[str, str] | None = None) -> str:
    """Begin an upload in parts, and read no more of the answer than its id: boto3 cannot read an echoed key."""
    path = f"/{bucket}/{quote(key)}?uploads="
    status, said = ask(steps.local, "POST", path, {**signed(steps.local, "POST", path), **(headers or {})})
    assert status == 200
    return said.partition("<UploadId>")[2].partition("<")[0]


def test_every_listing_gives_back_every_key(steps: Steps) -> None:
    s3, bucket = put_odd(steps)
    for key in ODD:
        begin(steps, bucket, key)
    for listed in (
        s3.list_object_versions(Bucket=bucket)["Versions"],
        s3.list_objects_v2(Bucket=bucket)["Contents"],
        s3.list_objects(Bucket=bucket)["Contents"],
    ):
        assert sorted(entry["Key"] for entry in listed) == sorted(ODD)
    uploads = s3.list_multipart_uploads(Bucket=bucket, EncodingType="url")["Uploads"]  # left encoded by boto3
    assert sorted(unquote_plus(entry["Key"]) for entry in uploads) == sorted(ODD)


def test_pages_of_versions_and_common_prefixes_are_encoded_too(steps: Steps) -> None:
    s3, bucket = put_odd(steps)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert sorted(version["Key"] for page in pages for version in page["Versions"]) == sorted(ODD)
    prefix = s3.list_object_versions(Bucket=bucket, Prefix="a b", Delimiter="/")
    assert (prefix["Prefix"], prefix["CommonPrefixes"]) == ("a b", [{"Prefix": "a b+c/"}])


@pytest.mark.parametrize("listing", ["?versions&", "?list-type=2&", "?", "?uploads&"])
def test_a_listing_says_how_it_is_encoded_and_refuses_what_it_does_not_know(steps: Steps, listing: str) -> None:
    s3, bucket = put_odd(steps)
    s3.create_multipart_upload(Bucket=bucket, Key="a b+c/ü")
    encoded = raw(steps, f"/{bucket}{listing}encoding-type=url")
    assert "<EncodingType>url</EncodingType>" in encoded
    assert "<Key>a+b%2Bc/%C3%BC</Key>" in encoded
    for other in ("value", ""):
        refused = raw(steps, f"/{bucket}{listing}encoding-type={other}")
        assert "<Code>InvalidArgument</Code><Message>Invalid Encoding Method specified in Request" in refused


def test_control_characters_are_echoed_as_references(steps: Steps) -> None:
    s3, bucket = put_odd(steps)
    listed = raw(steps, f"/{bucket}?versions")
    assert "<EncodingType>" not in listed
    for written in ("t&#x7;.txt", "return&#xd;here", "line\nfeed", "q&#x1;&amp;&lt;&gt;", "\x7f&#xfffe;"):
        assert f"<Key>{written}</Key>" in listed
    path = f"/{bucket}/t%07.txt"
    begun = raw(steps, f"{path}?uploads=", "POST")
    assert "<Key>t&#x7;.txt</Key>" in begun
    upload = s3.list_multipart_uploads(Bucket=bucket, EncodingType="url")["Uploads"][0]["UploadId"]
    assert f"<UploadId>{upload}</UploadId>" in begun
    assert "<Key>t&#x7;.txt</Key>" in raw(steps, f"{path}?uploadId={upload}")
    assert "<Key>t&#x7;.txtx</Key>" in raw(steps, f"{path}x")


def test_the_tags_of_an_upload_in_parts_are_kept_whatever_its_key(steps: Steps) -> None:
    s3, bucket, key = steps.client("s3"), steps.bucket(), "t\x07.txt"
    upload = begin(steps, bucket, key, {"x-amz-tagging": "a=b"})
    named = {"Bucket": bucket, "Key": key, "UploadId": upload}
    etag = s3.upload_part(**named, PartNumber=1, Body=b"x")["ETag"]
    body = (
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    )
    path = f"/{bucket}/{quote(key)}?uploadId={upload}"
    done = ask(steps.local, "POST", path, signed(steps.local, "POST", path, body.encode()), body.encode())
    assert done[0] == 200
    assert s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] == [{"Key": "a", "Value": "b"}]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("name/x", ""),
        ("name/", ""),
        ("name//x", ""),
        ("name//", ""),
        ("/name/x", "AccessDenied"),
        ("//name/x", "AccessDenied"),
        ("/", "AccessDenied"),
        ("//", "AccessDenied"),
        ("name", "AccessDenied"),
    ],
)
def test_a_prefix_in_a_policy_is_matched_by_the_key_as_it_is(steps: Steps, key: str, code: str) -> None:
    bucket = steps.bucket()
    s3 = steps.as_role("s3", steps.role(allow(["s3:PutObject", "s3:GetObject"], f"arn:aws:s3:::{bucket}/name/*")))
    assert refusal_of(lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"")) == code
    assert (
        refusal_of(lambda: s3.get_object_attributes(Bucket=bucket, Key=key, ObjectAttributes=["ETag"]))
        == "AccessDenied"
    )
    if not code:
        assert refusal_of(lambda: s3.get_object(Bucket=bucket, Key=key)) == ""


def test_another_account_is_held_to_the_key_as_it_is_too(steps: Steps) -> None:
    other = "754256621582"
    role = steps.role(allow("s3:*", "*"), account=other)
    bucket = steps.bucket()
    statement = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/name/*", Principal={"AWS": role})
    document = policy_of(statement)
    steps.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)
    s3 = clients.client_as(steps.local, "s3", role)

    def put(key: str) -> str:
        return refusal_of(lambda: s3.put_object(Bucket=bucket, Key=key, Body=b""))

    assert {key: put(key) for key in ("name/", "/name/x")} == {"name/": "", "/name/x": "AccessDenied"}


@pytest.mark.parametrize("target", ["name/x", "/", "a//b"])
def test_a_copy_to_any_key_needs_the_right_to_read_its_source(steps: Steps, target: str) -> None:
    bucket = steps.bucket()
    for key in ("open/k", "closed/k", "a/b"):
        steps.client("s3").put_object(Bucket=bucket, Key=key, Body=b"x")
    rights = [allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"), allow("s3:GetObject", f"arn:aws:s3:::{bucket}/open/*")]
    s3 = steps.as_role("s3", steps.role(*rights))

    def copied(source: str) -> str:
        return refusal_of(lambda: s3.copy_object(Bucket=bucket, Key=target, CopySource=f"{bucket}/{source}"))

    assert [copied("open/k"), copied("closed/k"), copied("a/b")] == ["", "AccessDenied", "AccessDenied"]
