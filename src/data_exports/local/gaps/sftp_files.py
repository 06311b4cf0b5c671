"""What an SFTP user of Transfer Family sees of S3: paths that lead into buckets, and operations that are S3 requests.

In: a user as Transfer Family keeps it, paths, and a client of S3 with the rights of the user's role. Out: places,
files, listings. Effects: requests to S3; what S3 refuses is raised as botocore raises it.
"""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from data_exports.aws import AWS_EXCEPTIONS, code_of

_IN_MEMORY_BYTES = 8 << 20
MISSING = frozenset({"404", "NoSuchKey", "NoSuchBucket"})
"""Codes of S3 for what is not there; HEAD gives the status alone."""

TransferRecord = Mapping[str, Any]


@dataclass(frozen=True)
class S3Place:
    """Where a path leads: a bucket and a key in it, ``""`` for the bucket's own root."""

    bucket: str
    key: str

    @property
    def named(self) -> dict[str, str]:
        """As requests to S3 name it."""
        return {"Bucket": self.bucket, "Key": self.key}

    @property
    def prefix(self) -> str:
        """What the keys of a folder begin with."""
        return f"{self.key}/" if self.key else ""


@dataclass(frozen=True)
class S3Entry:
    """What is at a place: a file with its size and time, or a folder (None)."""

    name: str
    size_bytes: int | None = None
    changed: datetime | None = None


def absolute_path(user: TransferRecord, path: str) -> str:
    """The path from the user's root, without ``..`` or empty segments: nothing leads above the root."""
    start = "/" if user.get("HomeDirectoryType") == "LOGICAL" else user.get("HomeDirectory") or "/"
    return "/" + posixpath.normpath(posixpath.join("/", start, path)).lstrip("/")


def s3_place_of(user: TransferRecord, path: str) -> S3Place | None:
    """Where a path of this user leads; None above everything that is mapped.

    https://docs.aws.amazon.com/transfer/latest/userguide/logical-dir-mappings.html
    """
    wanted = absolute_path(user, path)
    for entry, target in _mappings_of(user):
        if wanted == entry or wanted.startswith(entry.rstrip("/") + "/"):
            whole = f"{target}/{wanted.removeprefix(entry)}"
            bucket, _, key = "/".join(part for part in whole.split("/") if part).partition("/")
            return S3Place(bucket, key) if bucket else None
    return None


def mapped_below(user: TransferRecord, path: str) -> list[str]:
    """The names in a folder that is there only because something below it is mapped."""
    start = absolute_path(user, path).rstrip("/") + "/"
    entries = (entry for entry, _ in _mappings_of(user) if entry.startswith(start) and entry != start)
    return sorted({entry.removeprefix(start).partition("/")[0] for entry in entries})


def _mappings_of(user: TransferRecord) -> list[tuple[str, str]]:
    """Entry and target of each mapping, the longest entry first; without any, a path names its bucket."""
    if user.get("HomeDirectoryType") != "LOGICAL":
        return [("/", "")]
    pairs = [(each["Entry"], each["Target"]) for each in user.get("HomeDirectoryMappings") or ()]
    return sorted(pairs, key=lambda pair: len(pair[0]), reverse=True)


@dataclass(frozen=True)
class S3Files:
    """Files and folders as Transfer Family makes them of objects.

    https://docs.aws.amazon.com/transfer/latest/userguide/configure-storage.html
    """

    s3: Any

    def look_up(self, place: S3Place) -> S3Entry | None:
        """What is at a place: a bucket's root and what has something below it are folders."""
        if not place.key:
            return S3Entry("")
        try:
            head = self.s3.head_object(**place.named)
        except AWS_EXCEPTIONS as error:
            if code_of(error) not in MISSING | {"403"}:
                raise
            folder = self.s3.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix, MaxKeys=1)
            return S3Entry(place.key) if folder.get("Contents") else None
        return S3Entry(place.key, head["ContentLength"], head["LastModified"])

    def listed(self, place: S3Place) -> Iterator[S3Entry]:
        """What is in a folder."""
        asked = {"Bucket": place.bucket, "Prefix": place.prefix, "Delimiter": "/"}
        for page in self.s3.get_paginator("list_objects_v2").paginate(**asked):
            for folder in page.get("CommonPrefixes", ()):
                yield S3Entry(folder["Prefix"].removeprefix(place.prefix).rstrip("/"))
            for each in page.get("Contents", ()):
                if each["Key"] != place.prefix:
                    yield S3Entry(each["Key"].removeprefix(place.prefix), each["Size"], each["LastModified"])

    def content(self, place: S3Place) -> IO[bytes]:
        """A copy of a file's content, at its start."""
        body = self.s3.get_object(**place.named)["Body"]
        copy: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - who opened the file closes it
        for piece in body.iter_chunks(1 << 20):
            copy.write(piece)
        copy.seek(0)
        return copy

    def write(self, place: S3Place, content: IO[bytes]) -> None:
        """Make a file of this, or put it in the place of the one that is there."""
        content.seek(0)
        self.s3.put_object(**place.named, Body=content)

    def replace(self, place: S3Place, other: S3Place) -> None:
        """Rename a file: a copy, and the removal of what was copied."""
        self.s3.copy_object(**other.named, CopySource=place.named)
        self.s3.delete_object(**place.named)

    def remove(self, place: S3Place) -> None:
        """Remove a file."""
        self.s3.delete_object(**place.named)

    def make_folder(self, place: S3Place) -> None:
        """Make an empty folder: an object of no bytes whose key ends in a slash."""
        self.s3.put_object(Bucket=place.bucket, Key=place.prefix, Body=b"")

    def remove_folder(self, place: S3Place) -> bool:
        """Remove a folder if nothing is in it; whether it is gone."""
        keys = self.s3.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix, MaxKeys=2).get("Contents", ())
        if any(each["Key"] != place.prefix for each in keys):
            return False
        self.s3.delete_object(Bucket=place.bucket, Key=place.prefix)
        return True


def empty_file() -> IO[bytes]:
    """A file to write into."""
    return SpooledTemporaryFile(_IN_MEMORY_BYTES)
