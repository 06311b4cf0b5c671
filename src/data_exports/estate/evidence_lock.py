"""What the platform says of the evidence: for how long nobody may delete from it, and who else is told of its heads."""

import re
from dataclasses import dataclass
from typing import Literal

from data_exports.names import AccountId, BucketName, InvalidNameError

LockMode = Literal["governance", "compliance"]
WITNESS_PATTERN = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9_.=-]+)*/?"


@dataclass(frozen=True, slots=True)
class EvidenceLock:
    """S3's Object Lock on each file of the log, and a bucket of somebody else's to which each day's head goes.

    `governance`: who has the right `s3:BypassGovernanceRetention` may delete. `compliance`: nobody may, AWS's support
    and the account's root user neither, and what is locked cannot be unlocked earlier.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html#object-lock-retention-modes
    """

    lock_days: int
    mode: LockMode = "governance"
    witness: str = ""
    """`s3://bucket/prefix/`; "" when nobody is told."""
    witness_account: AccountId | None = None
    """Whose the bucket must be; S3 is told with each head."""

    @property
    def witness_bucket(self) -> BucketName | None:
        """The bucket of the witness."""
        return BucketName(self.witness.removeprefix("s3://").partition("/")[0]) if self.witness else None

    @property
    def witness_prefix(self) -> str:
        """What the keys of heads begin with there: empty, or with a slash at its end."""
        return self.witness.removeprefix("s3://").partition("/")[2]


def parse_witness(text: str) -> str:
    """The place, with a slash at its end. Raises `InvalidNameError`."""
    if not re.fullmatch(WITNESS_PATTERN, text):
        raise InvalidNameError(f"{text!r} is no place for heads", hint="write s3://bucket, or s3://bucket/folder")
    BucketName(text.removeprefix("s3://").partition("/")[0])
    return text.rstrip("/") + "/"
