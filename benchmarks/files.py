"""Files in a hub, and the events that tell a mover of them.

In: a running S3 server; how many files of which size. Out: the uploads, and their events in the words of S3 and SQS.
Effects: makes the buckets (the hub keeps versions, as deployed) and uploads the files.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from benchmarks.programs import program
from benchmarks.seaweed import Seaweed
from benchmarks.usage import BenchmarkError, usage_of
from data_exports.contract.timing import BATCH_SIZE

HUB, TARGET, LOG = "benchmark-hub", "benchmark-target", "benchmark-log"
DATASET = "orders"
_TIME = "2026-11-02T09:00:00.000Z"
_SENT = "1793610001000"  # a second later


@dataclass(frozen=True, slots=True)
class Upload:
    """One file in the hub."""

    key: str
    version_id: str
    etag: str
    size_bytes: int


def make_files(folder: Path, *, count: int, size_bytes: int) -> Path:
    """Make the files to upload, each of its own content up to a megabyte, one content for all above."""
    folder.mkdir(parents=True)
    first = folder / "file-000000"
    for number in range(count):
        path = folder / f"file-{number:06d}"
        if number and size_bytes > 1_000_000:
            path.hardlink_to(first)
        else:
            path.write_bytes(f"{number:06d}".encode() + os.urandom(max(0, size_bytes - 6)))
    return folder


def fill_hub(server: Seaweed, files: Path) -> list[Upload]:
    """Make the buckets of a benchmark and upload the files to the hub.

    SeaweedFS sets files aside at the first write to a bucket, for up to half a second. That is no part of moving.
    """
    s3 = server.client()
    for bucket in (HUB, TARGET, LOG):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="first", Body=b"first")
        s3.delete_object(Bucket=bucket, Key="first")
    s3.put_bucket_versioning(Bucket=HUB, VersioningConfiguration={"Status": "Enabled"})
    source, target = f"{files}/", f"s3://{HUB}/{DATASET}/"
    usage_of([program("s5cmd"), "--log=error", "--numworkers=32", "cp", source, target], server.environment())
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=HUB, Prefix=f"{DATASET}/")
    return [
        Upload(entry["Key"], entry["VersionId"], entry["ETag"].strip('"'), entry["Size"])
        for page in pages
        for entry in page.get("Versions", [])
    ]


def check_moved(server: Seaweed, uploads: Sequence[Upload]) -> None:
    """Raise BenchmarkError unless all uploads are at the target, whole, and none is left in sight in the hub."""
    check_copied(server, uploads)
    check_hub_shows_nothing(server)


def check_hub_shows_nothing(server: Seaweed) -> None:
    """Raise BenchmarkError if anything is left in sight in the hub."""
    if left := _sizes(server, HUB):
        raise BenchmarkError(f"not moved as it should be: {len(left)} files are still in the hub")


def check_copied(server: Seaweed, uploads: Sequence[Upload]) -> None:
    """Raise BenchmarkError unless all uploads are at the target, whole."""
    expected, found = {upload.key: upload.size_bytes for upload in uploads}, _sizes(server, TARGET)
    if found != expected:
        raise BenchmarkError(f"not copied as it should be: {len(expected.keys() - found.keys())} files are missing")


def _sizes(server: Seaweed, bucket: str) -> dict[str, int]:
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{DATASET}/")
    return {entry["Key"]: entry["Size"] for page in pages for entry in page.get("Contents", [])}


def notification_of(upload: Upload) -> dict[str, Any]:
    """What S3 tells of an upload.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": _TIME,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE:alice@example.org"},
        "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": DATASET,
            "bucket": {
                "name": HUB,
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": f"arn:aws:s3:::{HUB}",
            },
            "object": {
                "key": quote_plus(upload.key, safe="/"),
                "size": upload.size_bytes,
                "eTag": upload.etag,
                "versionId": upload.version_id,
                "sequencer": "0055AED6DCD90281E5",
            },
        },
    }


def batches_of(uploads: Sequence[Upload], size: int = BATCH_SIZE) -> Iterator[dict[str, Any]]:
    """The uploads as the mover gets them: SQS messages of one notification each, up to `size` in one invocation.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
    """
    for start in range(0, len(uploads), size):
        yield {"Records": [_message_of(upload, start + n) for n, upload in enumerate(uploads[start : start + size])]}


def _message_of(upload: Upload, number: int) -> dict[str, Any]:
    return {
        "messageId": f"{number:08d}-0000-4000-8000-000000000000",
        "receiptHandle": "AQEB" + "x" * 180,
        "body": json.dumps({"Records": [notification_of(upload)]}),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": _SENT,
            "SenderId": "AIDAEXAMPLE:S3-PROD-END",
            "ApproximateFirstReceiveTimestamp": _SENT,
        },
        "messageAttributes": {},
        "md5OfBody": "0" * 32,
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:eu-west-1:000000000000:export_{DATASET}",
        "awsRegion": "eu-west-1",
    }
