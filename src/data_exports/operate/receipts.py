"""Receipts read back: what became of each upload of a dataset.

In: an S3 client that may list and read the dataset's part of the log bucket. Out: `Receipt` values as they were
recorded, and a `Damaged` for each line or file that cannot be read. Effects: reads objects, several at once.
What the fields mean: `docs/delivery.md`; how files are read: `data_exports.contract.receipts`.

A file's name begins with the time at which it was written, and S3 lists names in order: so a period costs one listing
that begins at its first second, and the files in it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from data_exports.aws import call_or_none
from data_exports.contract.keys import card_key_of, day_in, receipts_days_of, receipts_from, receipts_prefix_of, time_in
from data_exports.contract.receipts import COLUMNS, Damaged, Receipt, moment_of, receipts_in
from data_exports.json_values import json_as
from data_exports.names import BucketName, DatasetName
from data_exports.parallel import map_ordered

FILES_AT_ONCE = 16

json_as(*COLUMNS)(Receipt)


@dataclass(frozen=True, slots=True)
class Period:
    """Receipts recorded from `since` on, before `until`; None is without a bound."""

    since: datetime | None = None
    until: datetime | None = None

    def holds(self, receipt: Receipt) -> bool:
        """Whether the receipt was recorded in this period; one whose time cannot be read counts as in it."""
        recorded = moment_of(receipt.recorded_at) if self.since or self.until else None
        if recorded is None:
            return True
        return (self.since is None or self.since <= recorded) and (self.until is None or recorded < self.until)


EVER = Period()
"""Without a bound on either side."""


def read_receipts(
    s3: Any, log_bucket: BucketName, dataset: DatasetName, period: Period = EVER, *, account: str = ""
) -> list[Receipt]:
    """Every receipt of the dataset; of repeats, by key, version and outcome, the first. Leaves damaged ones out.

    Raises botocore's exceptions when the log bucket cannot be read.
    """
    found: dict[tuple[str, str, str], Receipt] = {}
    for each in iterate_receipts(s3, log_bucket, dataset, period, account=account):
        if isinstance(each, Receipt):
            found.setdefault(each.identity, each)
    return sorted(found.values(), key=lambda receipt: receipt.recorded_at or "")


def iterate_receipts(
    s3: Any, log_bucket: BucketName, dataset: DatasetName, period: Period = EVER, *, account: str = ""
) -> Iterator[Receipt | Damaged]:
    """Receipts as recorded, oldest file first, repeats included; holds a few files in memory, never all.

    `account`: whose the log bucket must be. Raises botocore's exceptions when it cannot be read.
    """
    keys = (file.key for file in list_receipt_files(s3, log_bucket, dataset, period, account=account))
    for key, body in read_files(s3, log_bucket, keys, account=account):
        for each in receipts_in(key, body):
            if isinstance(each, Damaged) or period.holds(each):
                yield each


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """One file of receipts: those of one batch."""

    key: str
    written_at: datetime | None
    """As its name says, in whole seconds; None when it does not."""


def list_receipt_files(
    s3: Any, log_bucket: BucketName, dataset: DatasetName, period: Period = EVER, *, account: str = ""
) -> Iterator[ReceiptFile]:
    """The files that may hold receipts of this period, oldest first: one request for each 1,000 of them."""
    arguments = {"Bucket": str(log_bucket), "Prefix": receipts_prefix_of(dataset), **_owned_by(account)}
    if period.since:
        arguments["StartAfter"] = receipts_from(dataset, period.since)
    end = f"{receipts_from(dataset, period.until)}~" if period.until else ""  # "~" is behind every name of that second
    for page in s3.get_paginator("list_objects_v2").paginate(**arguments):
        for entry in page.get("Contents", []):
            if end and entry["Key"] > end:
                return
            if entry["Key"] == card_key_of(dataset):
                continue
            yield ReceiptFile(entry["Key"], time_in(entry["Key"]))


def list_receipt_days(s3: Any, log_bucket: BucketName, dataset: DatasetName, *, account: str = "") -> list[date]:
    """The days on which any receipt was written, oldest first: one request for 1,000 days."""
    arguments = {"Bucket": str(log_bucket), "Prefix": receipts_days_of(dataset), "Delimiter": "/", **_owned_by(account)}
    pages = s3.get_paginator("list_objects_v2").paginate(**arguments)
    found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
    return sorted(day for day in (day_in(dataset, folder) for folder in found) if day)


def read_files(s3: Any, bucket: str, keys: Iterable[str], *, account: str = "") -> Iterator[tuple[str, bytes]]:
    """The files' bodies in the order of their keys, several read at once; a file that is gone by now is left out."""
    found = map_ordered(lambda key: (key, _read_file(s3, bucket, key, account)), keys, at_once=FILES_AT_ONCE)
    return ((key, body) for key, body in found if body is not None)


def read_receipts_in(
    s3: Any, log_bucket: BucketName, files: Iterable[ReceiptFile], *, account: str
) -> Iterator[Receipt]:
    """The receipts in these files as they were recorded, without damaged ones."""
    for key, body in read_files(s3, log_bucket, (file.key for file in files), account=account):
        yield from (each for each in receipts_in(key, body) if isinstance(each, Receipt))


def _read_file(s3: Any, bucket: str, key: str, account: str) -> bytes | None:
    found = call_or_none(lambda: s3.get_object(Bucket=str(bucket), Key=key, **_owned_by(account)))
    return None if found is None else found["Body"].read()


def _owned_by(account: str) -> dict[str, str]:
    return {"ExpectedBucketOwner": account} if account else {}
