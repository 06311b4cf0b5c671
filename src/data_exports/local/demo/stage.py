"""What the demo's scenes act on: the estate on a local AWS, and clients for each of its people.

In: a running local AWS with the estate deployed. Out: S3 clients with the rights of one person each, and small
questions about what they see. Effects: requests to the local AWS only.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, call_or_none, code_of
from data_exports.contract.receipts import Receipt
from data_exports.estate.models import Estate, PullDataset, PushDataset
from data_exports.local.clients import client, client_as
from data_exports.local.emulator import LocalAws
from data_exports.local.folders import example_estate_folder
from data_exports.local.world import bucket_of, recipient_account_of
from data_exports.names import AccountId, RoleArn, RoleName
from data_exports.operate.receipts import read_receipts

ARRIVAL_TIMEOUT_SECONDS = 120
STAGE_POLL_SECONDS = 0.1
REFUSAL_CODES = ("AccessDenied", "403", "InvalidIdentityToken")  # the last is of tokens whose issuer is not let in


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that should be so, and whether it was."""

    text: str
    held: bool
    found: str = ""
    """What was found instead, or a fact worth telling."""


@dataclass(frozen=True)
class Stage:
    """The estate, deployed on a local AWS."""

    local: LocalAws
    estate: Estate
    folder: Path = field(default_factory=example_estate_folder)
    """Where the estate's files are."""
    _clients: dict[str, Any] = field(default_factory=dict)

    def push(self, name: str) -> PushDataset:
        """The push dataset of this name."""
        return next(each for each in self.estate.push_datasets if each.name == name)

    def pull(self, name: str) -> PullDataset:
        """The pull dataset of this name."""
        return next(each for each in self.estate.pull_datasets if each.name == name)

    def as_role(self, arn: RoleArn) -> Any:
        """An S3 client with the rights of this role."""
        if arn not in self._clients:
            self._clients[arn] = client_as(self.local, "s3", arn, session_name=arn.name[:64])
        return self._clients[arn]

    def as_user(self, user: RoleName) -> Any:
        """An S3 client with the rights of a user of the platform."""
        return self.as_role(self.estate.platform.user_role_arn(user))

    def as_owner(self, account: AccountId) -> Any:
        """An S3 client of an account's owner, for looking into its own buckets."""
        if account not in self._clients:
            self._clients[account] = client(self.local, "s3", account=account)
        return self._clients[account]

    def as_recipient(self, push: PushDataset) -> Any:
        """An S3 client of the owner of the recipient's bucket."""
        return self.as_owner(recipient_account_of(push))

    def receipts(self, push: PushDataset) -> list[Receipt]:
        """What became of the dataset's uploads so far."""
        platform = self.estate.platform
        return read_receipts(self.as_owner(platform.account), platform.log_bucket, push.name)

    def keys_in_hub(self, push: PushDataset) -> list[str]:
        """The keys that a sender of the dataset sees in the hub."""
        found = self.as_user(push.users[0]).list_objects_v2(Bucket=self.estate.platform.hub_bucket, Prefix=push.prefix)
        return [entry["Key"] for entry in found.get("Contents", [])]

    def object_at_recipient(self, push: PushDataset, key: str) -> dict[str, Any] | None:
        """The object the recipient holds under this key, or None."""
        s3 = self.as_recipient(push)
        return call_or_none(lambda: s3.get_object(Bucket=bucket_of(push), Key=key), "NoSuchKey", "404")


def wait_for(met: Callable[[], bool], *, timeout_seconds: float = ARRIVAL_TIMEOUT_SECONDS) -> bool:
    """Ask again until the condition holds or the time is up; whether it holds."""
    deadline = time.monotonic() + timeout_seconds
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(STAGE_POLL_SECONDS)
    return True


def is_refused(call: Callable[[], object]) -> tuple[bool, str]:
    """Whether AWS denies the call, and what it answered."""
    try:
        call()
    except AWS_EXCEPTIONS as error:
        return code_of(error) in REFUSAL_CODES, code_of(error)
    return False, "it was allowed"
