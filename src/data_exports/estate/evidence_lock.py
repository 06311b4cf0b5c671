"""What the platform says of the evidence bucket: for how long nobody may delete from it, and who may after all."""

from dataclasses import dataclass
from typing import Literal

LockMode = Literal["governance", "compliance"]


@dataclass(frozen=True, slots=True)
class EvidenceLock:
    """S3's Object Lock on each file of the log.

    `governance`: who has the right `s3:BypassGovernanceRetention` may delete. `compliance`: nobody may, AWS's support
    and the account's root user neither, and what is locked cannot be unlocked earlier.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html#object-lock-retention-modes
    """

    lock_days: int
    mode: LockMode = "governance"
