"""S3 as AWS does it: a file under a KMS key is read by who may decrypt with that key."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.steps import ACCOUNT, REGION, Steps, allow, policy_of, refusal_of

pytestmark = pytest.mark.emulator

OTHER = "754256621582"


def key_of(steps: Steps, *statements: dict[str, Any], account: str = ACCOUNT) -> str:
    """A key with the default policy, which hands the decision to the account's own policies, and these statements."""
    default = allow("kms:*", "*", Principal={"AWS": f"arn:aws:iam::{account}:root"})
    made = steps.client("kms", account).create_key(Policy=policy_of(default, *statements))
    return str(made["KeyMetadata"]["Arn"])


def encrypted(steps: Steps, bucket: str, key: str, account: str = ACCOUNT) -> None:
    steps.client("s3", account).put_object(
        Bucket=bucket, Key="k", Body=b"secret", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )


def message_of(call: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    return str(caught.value.response["Error"]["Message"])


def denial(role: str, key: str, reason: str) -> str:
    account, name = role.split(":")[4], role.rsplit("/", 1)[-1]
    return (
        f"User: arn:aws:sts::{account}:assumed-role/{name}/tests is not authorized to perform: kms:Decrypt"
        f" on resource: {key} because no {reason}-based policy allows the kms:Decrypt action"
    )


def test_a_copy_of_a_file_whose_key_its_reader_may_not_use_is_denied_and_says_so(steps: Steps) -> None:
    key, bucket = key_of(steps), steps.bucket(versioned=True)
    encrypted(steps, bucket, key)
    role = steps.role(allow("s3:*", "*"))
    s3 = steps.as_role("s3", role)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    copies = {"Bucket": bucket, "CopySource": f"{bucket}/k"}
    expected = denial(role, key, "identity")
    assert message_of(lambda: s3.copy_object(**copies, Key="copy")) == expected
    assert message_of(lambda: s3.upload_part_copy(**copies, Key="parts", UploadId=upload, PartNumber=1)) == expected
    assert message_of(lambda: s3.get_object(Bucket=bucket, Key="k")) == expected
    assert refusal_of(lambda: s3.head_object(Bucket=bucket, Key="k")) == ""
    permitted = steps.as_role("s3", steps.role(allow("s3:*", "*"), allow("kms:Decrypt", key)))
    assert refusal_of(lambda: permitted.copy_object(**copies, Key="copy")) == ""


def test_another_account_needs_the_key_policys_word_as_well_as_its_own(steps: Steps) -> None:
    role = steps.role(allow(["s3:*", "kms:Decrypt"], "*"), account=OTHER)
    closed, opened = key_of(steps), key_of(steps, allow("kms:Decrypt", "*", Principal={"AWS": role}))
    bucket = steps.bucket()
    statement = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal={"AWS": role})
    steps.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": statement})
    )
    s3 = steps.as_role("s3", role)
    encrypted(steps, bucket, closed)
    assert message_of(lambda: s3.get_object(Bucket=bucket, Key="k")) == denial(role, closed, "resource")
    encrypted(steps, bucket, opened)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"secret"


def test_a_sender_may_encrypt_with_a_key_of_its_own_account_that_the_hubs_mover_may_not_use(steps: Steps) -> None:
    key, bucket = key_of(steps, account=OTHER), steps.bucket()
    encrypted(steps, bucket, key)
    role = steps.role(allow(["s3:*", "kms:*"], "*"))
    assert message_of(lambda: steps.as_role("s3", role).get_object(Bucket=bucket, Key="k")) == denial(
        role, key, "resource"
    )


def test_a_file_under_its_buckets_default_key_needs_it_too(steps: Steps) -> None:
    key, bucket, s3 = key_of(steps), steps.bucket(), steps.client("s3")
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [default]})
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    role = steps.role(allow("s3:*", "*"))
    assert message_of(lambda: steps.as_role("s3", role).get_object(Bucket=bucket, Key="k")) == denial(
        role, key, "identity"
    )
    s3.put_object(Bucket=bucket, Key="plain", Body=b"", ServerSideEncryption="AES256")
    assert refusal_of(lambda: steps.as_role("s3", role).get_object(Bucket=bucket, Key="plain")) == ""
    assert REGION in key
