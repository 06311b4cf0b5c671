"""S3 as AWS does it: checksums of whole files, which answers to copies tell."""

import base64
import hashlib
from typing import Any

import pytest

from data_exports.operate.crc import crc64nvme
from tests.emulator.steps import Steps, allow, refusal_of

pytestmark = pytest.mark.emulator

MIB = 2**20
BODY = bytes(range(256)) * (24 * MIB // 1024)


def client_without_checksums(steps: Steps) -> Any:
    """An S3 client that sends none of its own accord."""
    s3 = steps.client("s3")
    s3.meta.config.request_checksum_calculation = "when_required"
    return s3


def crc_of(body: bytes) -> str:
    return base64.b64encode(crc64nvme(body).digest()).decode()


def sha_of(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def checksums_in(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.items() if name.startswith("Checksum")}


def whole(**values: str) -> dict[str, str]:
    return {**{f"Checksum{name}": value for name, value in values.items()}, "ChecksumType": "FULL_OBJECT"}


def head_of(s3: Any, bucket: str, key: str, **version: str) -> dict[str, str]:
    return checksums_in(s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED", **version))


@pytest.mark.parametrize("versioned", [True, False])
def test_a_copy_keeps_the_kind_of_checksum_that_its_source_has_and_tells_it(steps: Steps, *, versioned: bool) -> None:
    s3, bucket = client_without_checksums(steps), steps.bucket(versioned=versioned)
    s3.put_object(Bucket=bucket, Key="none", Body=b"one")
    s3.put_object(Bucket=bucket, Key="sha", Body=b"two", ChecksumSHA256=sha_of(b"two"))
    for key, expected in (("none", whole(CRC64NVME=crc_of(b"one"))), ("sha", whole(SHA256=sha_of(b"two")))):
        assert head_of(s3, bucket, key) == expected
        reply = s3.copy_object(Bucket=bucket, Key=f"{key}-copy", CopySource=f"{bucket}/{key}")
        assert checksums_in(reply["CopyObjectResult"]) == expected
        assert head_of(s3, bucket, f"{key}-copy") == expected
        if versioned:
            assert head_of(s3, bucket, f"{key}-copy", VersionId=reply["VersionId"]) == expected


def in_parts(s3: Any, bucket: str, **asked: str) -> Any:
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", **asked)["UploadId"]
    parts = []
    for number, body in enumerate((BODY[: 5 * MIB], BODY[5 * MIB :]), start=1):
        part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=body)
        told = {name: value for name, value in checksums_in(part).items() if asked.get("ChecksumAlgorithm")}
        parts.append({"ETag": part["ETag"], "PartNumber": number, **told})
    done = {"Bucket": bucket, "Key": "parts", "UploadId": upload, "MultipartUpload": {"Parts": parts}}
    first = s3.complete_multipart_upload(**done)
    assert checksums_in(s3.complete_multipart_upload(**done)) == checksums_in(first)
    return checksums_in(first)


def test_an_upload_in_parts_tells_the_checksum_of_the_whole(steps: Steps) -> None:
    s3, bucket = client_without_checksums(steps), steps.bucket(versioned=True)
    assert in_parts(s3, bucket) == whole(CRC64NVME=crc_of(BODY)) == head_of(s3, bucket, "parts")


def test_what_is_of_parts_at_the_source_is_of_the_whole_at_the_copy(steps: Steps) -> None:
    s3, bucket = client_without_checksums(steps), steps.bucket(versioned=True)
    told = in_parts(s3, bucket, ChecksumAlgorithm="SHA256")
    assert (told["ChecksumSHA256"][-2:], told["ChecksumType"]) == ("-2", "COMPOSITE")
    reply = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/parts")
    assert checksums_in(reply["CopyObjectResult"]) == whole(SHA256=sha_of(BODY)) == head_of(s3, bucket, "copy")


def test_under_a_kms_key_an_upload_in_parts_tells_none_and_a_look_that_may_decrypt_does(steps: Steps) -> None:
    s3, bucket = client_without_checksums(steps), steps.bucket(versioned=True)
    key = steps.client("kms").create_key()["KeyMetadata"]["Arn"]
    assert in_parts(s3, bucket, ServerSideEncryption="aws:kms", SSEKMSKeyId=key) == {}
    assert head_of(s3, bucket, "parts") == whole(CRC64NVME=crc_of(BODY))
    role = steps.as_role("s3", steps.role(allow("s3:*", "*")))
    assert refusal_of(lambda: role.head_object(Bucket=bucket, Key="parts")) == ""
    assert refusal_of(lambda: head_of(role, bucket, "parts")) == "403"


def test_a_file_of_more_than_32_mib_gets_none_here(steps: Steps) -> None:
    s3, bucket = client_without_checksums(steps), steps.bucket(versioned=True)
    s3.put_object(Bucket=bucket, Key="large", Body=bytes(32 * MIB + 1))
    assert checksums_in(s3.head_object(Bucket=bucket, Key="large", ChecksumMode="ENABLED")) == {}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "large"})
    assert checksums_in(copied["CopyObjectResult"]) == {}
