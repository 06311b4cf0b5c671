"""What a dead letter tells: the uploads in it, and whether it is about this dataset at all.

In: the body of a message, whoever wrote it. Out: `DeadLetterUpload` values. Effects: none. Nothing is raised for a
message that is no S3 event.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from data_exports.estate.models import Platform, PushDataset
from data_exports.operate.queues import DeadLetter


@dataclass(frozen=True, slots=True)
class DeadLetterUpload:
    """One upload that a message tells of; without a key it tells of none."""

    key: str = ""
    version_id: str = ""
    size_bytes: int | None = None
    uploaded_at: str | None = None
    uploaded_by: str | None = None
    bucket: str = ""
    event_name: str = ""


def uploads_in(dead_letter: DeadLetter) -> list[DeadLetterUpload]:
    """The uploads that a message tells of; one without a key when it tells of none."""
    try:
        records = json.loads(dead_letter.body)["Records"]
        return [_upload_of(record) for record in records] or [DeadLetterUpload()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [DeadLetterUpload()]


def upload_of_the_dataset_in(dead_letter: DeadLetter, platform: Platform, push: PushDataset) -> DeadLetterUpload | None:
    """An upload to the dataset that the message tells of: then it is no stray. None if there is none."""
    for upload in uploads_in(dead_letter):
        in_the_dataset = upload.bucket == platform.hub_bucket and upload.key.startswith(push.prefix)
        if in_the_dataset and upload.event_name.startswith("ObjectCreated:"):
            return upload
    return None


def _upload_of(record: Mapping[str, Any]) -> DeadLetterUpload:
    entry, identity = record["s3"]["object"], record.get("userIdentity")
    size = entry.get("size")
    return DeadLetterUpload(
        key=unquote_plus(entry["key"]),
        version_id=str(entry.get("versionId") or "null"),
        size_bytes=size if isinstance(size, int) else None,
        uploaded_at=record.get("eventTime"),
        uploaded_by=identity.get("principalId") if isinstance(identity, dict) else None,
        bucket=str(record["s3"].get("bucket", {}).get("name", "")),
        event_name=str(record.get("eventName") or ""),
    )
