"""What somebody else keeps of the log: heads in a file, in a folder, or in the bucket that the notary gives them to.

In: a place, an `Aws`. Out: the heads as they lie there. Effects: reads; a bucket by the rights of whoever verifies.
"""

import re
from pathlib import Path

from data_exports.aws import Aws, aws_errors
from data_exports.contract.keys import head_key_of
from data_exports.errors import UsageError
from data_exports.evidence.heads import LARGEST_HEAD_BYTES
from data_exports.names import BucketName, InvalidNameError
from data_exports.parallel import map_ordered

HEADS_READ_AT_ONCE = 16
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def read_witness(place: str, aws: Aws, evidence_bucket: BucketName) -> dict[str, bytes]:
    """The heads that lie there, each by where it lies.

    What strangers have beside them in the bucket is left out: the notary of a log puts heads into a folder of its own.
    Raises `UsageError` where there is none, and `AwsError`.
    """
    ours = re.compile(head_key_of("(?:.*/)?", re.escape(evidence_bucket), _DAY))
    found = _read_bucket(place, aws, ours) if place.startswith("s3://") else _read_files(Path(place), ours)
    if not found:
        raise UsageError("the witness keeps no head there", where=place, next_step="name its file, folder or bucket")
    return found


def _read_files(path: Path, ours: re.Pattern[str]) -> dict[str, bytes]:
    try:
        there = sorted(path.rglob("*")) if path.is_dir() else [path]
        files = [each for each in there if path in (each, each.parent) or ours.fullmatch(each.as_posix())]
        return {str(each): _read_file(each) for each in files if not each.is_dir()}
    except OSError as error:
        said = f"what the witness keeps cannot be read: {error.strerror}"
        raise UsageError(said, where=str(path), next_step="name its file, folder or bucket") from error


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_HEAD_BYTES + 1)


def _read_bucket(place: str, aws: Aws, ours: re.Pattern[str]) -> dict[str, bytes]:
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    try:
        BucketName(bucket)
    except InvalidNameError as error:
        raise UsageError(str(error), where="--witness", next_step=error.hint) from error
    s3 = aws.client("s3")

    def read(key: str) -> tuple[str, bytes]:
        return f"s3://{bucket}/{key}", s3.get_object(Bucket=bucket, Key=key)["Body"].read(LARGEST_HEAD_BYTES + 1)

    with aws_errors(where=place):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        heads = (key for key in keys if key == prefix or ours.fullmatch(key))
        return dict(map_ordered(read, heads, at_once=HEADS_READ_AT_ONCE))
