"""Receipts read back: what became of each upload of a dataset.

In: an S3 client that may list and read the log bucket. Out: `Receipt` values, oldest first, repeats dropped.
Effects: reads objects. What the fields mean: `docs/delivery.md`; the mover writes them (`data_exports.mover.receipts`).
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from data_exports.access.grants import receipts_prefix_of
from data_exports.names import BucketName, DatasetName


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one upload. Times are UTC, ISO 8601; None is: not known, or not so."""

    dataset: str
    key: str
    version_id: str
    etag: str
    size_bytes: int | None
    outcome: str
    reason: str | None
    uploaded_by: str | None
    uploaded_at: str | None
    delivered_at: str | None
    target_bucket: str | None
    target_version_id: str | None
    target_etag: str | None
    receive_count: int | None
    mover_version: str | None
    recorded_at: str | None


def read_receipts(s3: Any, log_bucket: BucketName, dataset: DatasetName) -> list[Receipt]:
    """Every receipt of the dataset; of repeats, by key, version and outcome, the first.

    Raises botocore's `ClientError` when the log bucket cannot be read.
    """
    found: dict[tuple[str, str, str], Receipt] = {}
    for line in _read_lines(s3, log_bucket, receipts_prefix_of(dataset)):
        known: dict[str, Any] = {field.name: line.get(field.name) for field in fields(Receipt)}
        receipt = Receipt(**known)
        found.setdefault((receipt.key, receipt.version_id, receipt.outcome), receipt)
    return sorted(found.values(), key=lambda receipt: receipt.recorded_at or "")


def _read_lines(s3: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            yield from (json.loads(line) for line in gzip.decompress(body).splitlines())
