"""A recipient's S3 bucket as a value. Effects: none."""

from dataclasses import dataclass

from data_exports.names import AccountId, BucketName, KmsKeyArn


@dataclass(frozen=True, slots=True)
class S3Destination:
    """A bucket, the account that must own it, and the key to encrypt with there."""

    bucket: BucketName
    account: AccountId | None = None
    kms_key: KmsKeyArn | None = None

    @property
    def declaration(self) -> dict[str, str | None]:
        """The fields of the declaration, by name."""
        return {"target_bucket": self.bucket, "target_account": self.account, "target_kms_key": self.kms_key}

    @property
    def uri(self) -> str:
        """Where it is: ``s3://bucket``."""
        return f"s3://{self.bucket}"
