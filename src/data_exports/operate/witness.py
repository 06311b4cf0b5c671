"""What somebody else keeps of the log: heads in a file, in a folder, or in the bucket that the notary gives them to.

In: a place, an `Aws`. Out: the heads as they lie there. Effects: reads; a bucket by the rights of whoever verifies.
"""

from pathlib import Path

from data_exports.aws import Aws, aws_errors
from data_exports.errors import UsageError
from data_exports.names import BucketName, InvalidNameError
from data_exports.parallel import map_ordered

HEAD_BYTES_AT_MOST = 10_000
HEADS_READ_AT_ONCE = 16


def read_witness(place: str, aws: Aws) -> dict[str, bytes]:
    """The heads that lie there, each by where it lies. Raises `UsageError` where there is none, and `AwsError`."""
    found = _read_bucket(place, aws) if place.startswith("s3://") else _read_files(Path(place))
    if not found:
        raise UsageError("the witness keeps no head there", where=place, next_step="name its file, folder or bucket")
    return found


def _read_files(path: Path) -> dict[str, bytes]:
    try:
        files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
        return {str(each): each.read_bytes()[:HEAD_BYTES_AT_MOST] for each in files}
    except OSError as error:
        said = f"what the witness keeps cannot be read: {error.strerror}"
        raise UsageError(said, where=str(path), next_step="name its file, folder or bucket") from error


def _read_bucket(place: str, aws: Aws) -> dict[str, bytes]:
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    try:
        BucketName(bucket)
    except InvalidNameError as error:
        raise UsageError(str(error), where="--witness", next_step=error.hint) from error
    s3 = aws.client("s3")

    def read(key: str) -> tuple[str, bytes]:
        return f"s3://{bucket}/{key}", s3.get_object(Bucket=bucket, Key=key)["Body"].read(HEAD_BYTES_AT_MOST)

    with aws_errors(where=place):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return dict(map_ordered(read, keys, at_once=HEADS_READ_AT_ONCE))
