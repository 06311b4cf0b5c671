"""Cancelling: an upload that was not delivered yet is withdrawn, by removing it from the hub for good.

In: a dataset, a key and an `Aws`. Out: a `Withdrawal` to show, then what became of it. Effects: removes every version
of the key, and nothing but what was shown: an upload that comes meanwhile stays, and is delivered.

All versions go, older ones too: the mover delivers the newest version that there is, so one that was left would take
the place of the one withdrawn. The mover may be copying at this very moment; then the file arrives although it was
withdrawn, and its receipt says `delivered`. Without versions it writes the receipt `cancelled`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data_exports.aws import Aws
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Outcome, Receipt
from data_exports.errors import PartlyDoneError, RefusedError
from data_exports.estate.models import Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.operate.follow import CLOCKS_APART
from data_exports.operate.receipts import Period, read_receipts
from data_exports.operate.rights import needing
from data_exports.text import moment_words, printable, shell_word

_KEYS_AT_ONCE = 1_000  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html


@json_as("version_id uploaded_at delivered_at")
@dataclass(frozen=True, slots=True)
class UploadedVersion:
    """One version of a key in the hub, or one delete marker."""

    version_id: str
    size_bytes: int
    uploaded_at: datetime
    is_marker: bool
    delivered_at: str | None = None


@json_as("key version_id=waiting.version_id older_uploads=older")
@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What withdrawing a key removes: every version and marker of it, newest first."""

    key: str
    versions: tuple[UploadedVersion, ...]

    @property
    def waiting(self) -> UploadedVersion:
        """The upload that is withdrawn: the newest."""
        return next(version for version in self.versions if not version.is_marker)

    @property
    def older(self) -> tuple[UploadedVersion, ...]:
        """Older uploads of the same key, which go as well."""
        return tuple(each for each in self.versions if not each.is_marker and each != self.waiting)


def key_of(push: PushDataset, text: str) -> str:
    """The key that somebody means, who may have left out the dataset's prefix."""
    return text if text.startswith(push.prefix) else f"{push.prefix}{text}"


def read_withdrawal(platform: Platform, push: PushDataset, aws: Aws, key: str) -> Withdrawal:
    """What withdrawing this key would remove.

    Raises `RefusedError` when there is no such upload, or it is delivered already; `AwsError` when we may not look.
    """
    found = list(_versions_of(platform, push, aws, key))
    real = [version for version in found if not version.is_marker]
    if not real:
        raise RefusedError(
            f"no upload of {printable(key)} is in the hub",
            next_step=f"exports history {push.name} --key {shell_word(key)} tells what became of it",
        )
    delivered = _deliveries(platform, push, aws, key, since=min(version.uploaded_at for version in real))
    told = tuple(
        UploadedVersion(
            each.version_id, each.size_bytes, each.uploaded_at, each.is_marker, delivered.get(each.version_id)
        )
        for each in found
    )
    withdrawal = Withdrawal(key, told)
    if withdrawal.waiting.delivered_at:
        when = moment_words(withdrawal.waiting.delivered_at)
        raise RefusedError(
            f"{printable(key)} was delivered at {when} UTC: it is in {push.destination.uri} now",
            next_step="ask the recipient to remove it",
        )
    return withdrawal


def withdraw(platform: Platform, push: PushDataset, aws: Aws, withdrawal: Withdrawal) -> Receipt | None:
    """Remove what was shown. Gives the receipt `delivered` that came in the meantime, or None.

    Raises `AwsError` when S3 refuses it all, `PartlyDoneError` when it refuses some.
    """
    hub = platform.hub_bucket
    refused: list[str] = []
    oldest_first = [version.version_id for version in reversed(withdrawal.versions)]
    for start in range(0, len(oldest_first), _KEYS_AT_ONCE):
        part = oldest_first[start : start + _KEYS_AT_ONCE]
        with needing(aws, "s3:DeleteObjectVersion", f"{hub}/{push.prefix}"):
            answer = aws.client("s3").delete_objects(
                Bucket=str(hub),
                ExpectedBucketOwner=str(platform.account),
                Delete={"Objects": [{"Key": withdrawal.key, "VersionId": each} for each in part], "Quiet": True},
            )
        refused += [
            f"{each['VersionId']}: {each['Code']}, {each.get('Message', '')}" for each in answer.get("Errors", [])
        ]
    if refused:
        count = f"{len(refused)} of {len(oldest_first)} versions"
        raise PartlyDoneError(
            f"{printable(withdrawal.key)}: {count} were not removed: {refused[0]}",
            next_step="it takes s3:DeleteObjectVersion on the hub; run it again with a role that has it",
        )
    since = withdrawal.waiting.uploaded_at
    return next(
        (
            receipt
            for receipt in _receipts(platform, push, aws, since)
            if (receipt.key, receipt.version_id) == (withdrawal.key, withdrawal.waiting.version_id)
            and receipt.outcome == Outcome.DELIVERED
        ),
        None,
    )


def _versions_of(platform: Platform, push: PushDataset, aws: Aws, key: str) -> Iterator[UploadedVersion]:
    """Versions and markers of exactly this key, newest first."""
    hub = platform.hub_bucket
    arguments: dict[str, Any] = {"Bucket": str(hub), "Prefix": key, "ExpectedBucketOwner": str(platform.account)}
    with needing(aws, "s3:ListBucketVersions", f"{hub}/{push.prefix}"):
        for page in aws.client("s3").get_paginator("list_object_versions").paginate(**arguments):
            entries: list[tuple[Mapping[str, Any], bool]] = [(each, False) for each in page.get("Versions", [])]
            entries += [(each, True) for each in page.get("DeleteMarkers", [])]
            own = [_version_of(each, is_marker=marker) for each, marker in entries if each["Key"] == key]
            yield from sorted(own, key=lambda version: version.uploaded_at, reverse=True)
            if any(each["Key"] > key for each, _ in entries):  # keys come in order: there are no more of this one
                return


def _version_of(entry: Mapping[str, Any], *, is_marker: bool) -> UploadedVersion:
    return UploadedVersion(entry["VersionId"], entry.get("Size", 0), entry["LastModified"], is_marker)


def _deliveries(platform: Platform, push: PushDataset, aws: Aws, key: str, *, since: datetime) -> dict[str, str]:
    """Version → when it was delivered, of this key."""
    receipts = _receipts(platform, push, aws, since)
    return {
        each.version_id: each.delivered_at or each.recorded_at or "an unknown time"
        for each in receipts
        if each.key == key and each.outcome == Outcome.DELIVERED
    }


def _receipts(platform: Platform, push: PushDataset, aws: Aws, since: datetime) -> list[Receipt]:
    bucket = platform.log_bucket
    with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
        period = Period(since - CLOCKS_APART)
        return read_receipts(aws.client("s3"), bucket, push.name, period, account=str(platform.account))
