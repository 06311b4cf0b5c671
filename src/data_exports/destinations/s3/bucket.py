"""A recipient's S3 bucket as it is declared, and what the mover may do there. Effects: none."""

from dataclasses import dataclass
from typing import ClassVar

from data_exports.contract.settings import BucketSettings
from data_exports.destinations.destination import Right
from data_exports.names import AccountId, BucketName, KeyPrefix, KmsKeyArn

RECEIVE = "Receive"
ENCRYPT = "Encrypt"
"""What the recipient's statements for the bucket and for the key are called."""

OBJECT_ACTIONS = ("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging")
# To abort what a start has begun whose answer was lost. S3 confines this right to no prefix, so recipients are not
# asked for it (the handover leaves it out): where it is missing, the mover says that an upload may be left.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
BUCKET_ACTIONS = ("s3:ListBucketMultipartUploads",)
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """A bucket, the account that must own it, and the key to encrypt with there."""

    bucket: BucketName
    account: AccountId | None = None
    kms_key: KmsKeyArn | None = None
    acts_as: ClassVar[str] = ""

    @property
    def declaration(self) -> dict[str, str | None]:
        """The fields of the declaration, by name."""
        return {"target_bucket": self.bucket, "target_account": self.account, "target_kms_key": self.kms_key}

    @property
    def uri(self) -> str:
        """Where it is: ``s3://bucket``."""
        return f"s3://{self.bucket}"

    @property
    def name(self) -> str:
        """The bucket's name."""
        return str(self.bucket)

    @property
    def door(self) -> str:
        """The bucket."""
        return self.uri

    @property
    def settings(self) -> BucketSettings:
        """What its mover is told of it."""
        return BucketSettings(target_bucket=self.bucket, target_account=self.account, target_kms_key=self.kms_key)

    def rights(self, prefix: KeyPrefix) -> tuple[Right, ...]:
        """Files written under the prefix, encrypted with the key if there is one."""
        arn, owner = self.bucket.arn, self.account
        return (
            Right(f"{arn}/{prefix.pattern_below}", OBJECT_ACTIONS, owner, counterpart=RECEIVE),
            Right(arn, BUCKET_ACTIONS, owner),
            *((Right(self.kms_key, KEY_ACTIONS, counterpart=ENCRYPT),) if self.kms_key else ()),
        )
