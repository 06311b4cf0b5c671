"""A log bucket with receipts in it."""

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

from tests.aws_answers import refusal

PREFIX = "deliveries/dataset=hearings/"


def line(key: str = "hearings/a.csv", **changes: Any) -> dict[str, Any]:
    plain = {
        "dataset": "hearings",
        "key": key,
        "version_id": "v1",
        "etag": "e1",
        "size_bytes": 3,
        "outcome": "delivered",
        "reason": None,
        "uploaded_by": "AWS:AROAANA:ana",
        "uploaded_at": "2031-03-30T09:00:00.000Z",
        "delivered_at": "2031-03-30T09:00:01.000Z",
        "target_bucket": "cp-hearings",
        "target_version_id": None,
        "target_etag": "e1",
        "receive_count": 1,
        "mover_version": "m1",
        "recorded_at": "2031-03-30T09:00:01.500Z",
    }
    return plain | changes


def packed(*lines: Any) -> bytes:
    return gzip.compress("".join(f"{json.dumps(each)}\n" for each in lines).encode())


class Log:
    """A log bucket: lists names in order from any name on, a page at a time, and counts what it is asked."""

    def __init__(self, files: dict[str, bytes], *, page: int = 2) -> None:
        self.files = files
        self.page = page
        self.asked: list[str] = []

    def get_paginator(self, operation: str) -> "Log":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803
        assert Bucket == "hub-log"
        names = [name for name in sorted(self.files) if name.startswith(Prefix) and name > StartAfter]
        for start in range(0, len(names), self.page) or [0]:
            self.asked.append("list")
            yield {"Contents": [{"Key": name} for name in names[start : start + self.page]]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == "hub-log"
        self.asked.append(Key)
        if Key not in self.files:
            raise refusal("NoSuchKey")
        return {"Body": io.BytesIO(self.files[Key])}


def file_at(moment: str, name: str = "x") -> str:
    return f"{PREFIX}date={moment[:4]}-{moment[4:6]}-{moment[6:8]}/{moment}-{name}.jsonl.gz"
