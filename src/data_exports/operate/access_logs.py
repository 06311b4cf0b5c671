"""S3's own logs of who used a pull dataset's bucket: what a line says, and the lines of a time.

In: an `Aws`, a platform, a pull dataset. Out: `AccessRecord` values. Effects: reads the access-log bucket.

S3 writes them on a best-effort basis, most within a few hours; a line may come late, twice or never.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html#LogDeliveryBestEffort
https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from data_exports.aws import Aws
from data_exports.contract.receipts import Damaged
from data_exports.estate.models import Platform, PullDataset
from data_exports.json_values import json_as
from data_exports.names import ACCESS_LOG_PREFIX, DatasetName
from data_exports.operate.receipts import EVER, Period, read_files
from data_exports.operate.rights import needing

LOGS_ARE_LATE = (
    "of pull datasets as S3's access logs tell: its best effort, mostly within hours; the last day may not be whole"
)
"""S3 promises nothing; of a large estate's lines 0.001 % came more than two days late.
https://engineeringblog.yelp.com/2025/09/s3-server-access-logs-at-scale.html"""


class Doing(StrEnum):
    """What somebody did with an object, or wanted to: a request each, of which a large file may take many."""

    READ = "read"
    WROTE = "wrote"
    DELETED = "deleted"
    LISTED = "listed"
    REFUSED = "refused"
    """S3 said no: access denied."""


_DOINGS = {
    "REST.GET.OBJECT": Doing.READ,
    "REST.COPY.OBJECT_GET": Doing.READ,
    "REST.COPY.PART_GET": Doing.READ,
    "REST.PUT.OBJECT": Doing.WROTE,
    "REST.POST.BUCKET": Doing.WROTE,  # a browser's form
    "REST.COPY.OBJECT": Doing.WROTE,
    "REST.POST.UPLOAD": Doing.WROTE,  # the end of an upload in parts
    "REST.DELETE.OBJECT": Doing.DELETED,
    "BATCH.DELETE.OBJECT": Doing.DELETED,
    "REST.GET.BUCKET": Doing.LISTED,
    "REST.GET.BUCKETVERSIONS": Doing.LISTED,
}
"""Operations that tell of data; parts of uploads, settings, tags and the like are left out.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html#log-record-fields"""
_BEFORE_DATA = (
    *("REST.HEAD.OBJECT", "REST.POST.UPLOADS", "REST.PUT.PART", "REST.COPY.PART", "REST.POST.MULTI_OBJECT_DELETE"),
)
"""What clients ask for first: where that is refused they stop, and nothing of `_DOINGS` is asked for."""
_WHOLE_COPIES = ("REST.COPY.OBJECT_GET", "REST.COPY.OBJECT")

_LINE = re.compile(
    r"(?P<owner>\S+) (?P<bucket>\S+) \[(?P<time>[^\]]{1,40})\] (?P<ip>\S+) (?P<requester>\S+) (?P<request>\S+)"
    r' (?P<operation>\S+) (?P<key>\S+) (?:-|"\S*(?: \S*)?(?: \S*)?") (?P<status>[0-9]{3}|-) (?P<error>\S+)'
    r" (?P<sent>[0-9]+|-) (?P<size>[0-9]+|-) \S+ \S+"
    r'(?:.*" (?P<version>\S+) \S+ (?:SigV[0-9a-zA-Z]+|-) \S+ (?:AuthHeader|QueryString|-) .*| .*)?'
)
"""What requesters write themselves (referrer, agent) may hold quotes and blanks, so what follows it is looked for from
the end; their request's own line holds no blanks but S3's two."""
_TIME = "%d/%b/%Y:%H:%M:%S %z"


@json_as(
    "requested_at=at dataset outcome=doing key version_id bytes_sent size_bytes status error_code requester operation",
    "request_id by",
)
@dataclass(frozen=True, slots=True)
class AccessRecord:
    """One request to a pull dataset's bucket that was about data."""

    dataset: DatasetName
    at: datetime
    doing: Doing
    key: str
    """``""`` for a listing."""
    requester: str
    """An ARN; ``""`` when nobody signed; a canonical user id where S3 knows no ARN."""
    bytes_sent: int | None
    size_bytes: int | None
    version_id: str | None
    status: int | None
    error_code: str | None
    operation: str
    request_id: str
    by: str = ""
    """The requester for people, once it is held against the declarations; `bucket_history` does."""

    @property
    def moved_bytes(self) -> int:
        """How much data went out or came in, as far as is told: of a copy the object's size, of a part nothing."""
        if self.operation in _WHOLE_COPIES or self.doing is Doing.WROTE:
            return self.size_bytes or 0
        return self.bytes_sent or 0


def parse_access_line(line: str, dataset: DatasetName) -> AccessRecord | None:
    """What a line tells, or None when it is about no data. Raises `ValueError` when it is no line of S3's."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("it is no line of an access log")
    operation = found["operation"]
    doing, status, error = _DOINGS.get(operation), _number(found["status"]), _text(found["error"])
    if status == 403 and (doing or operation in _BEFORE_DATA):
        doing = Doing.REFUSED
    if doing is None or (status is not None and status >= 300 and doing is not Doing.REFUSED):
        return None  # about no data; or nothing was there, or nothing had changed
    key = found["key"] if found["key"] != "-" else ""
    for _ in range(1 if operation.startswith(("BATCH.", "S3.")) else 2):  # requests' keys are encoded twice
        key = unquote(key.replace("+", " "), errors="replace")
    return AccessRecord(
        dataset,
        datetime.strptime(found["time"], _TIME).astimezone(UTC),
        doing,
        key,
        _text(found["requester"]) or "",
        _number(found["sent"]),
        _number(found["size"]),
        _text(found["version"]),
        status,
        error,
        operation,
        found["request"],
    )


def _text(field: str | None) -> str | None:
    return None if field in (None, "-") else field


def _number(field: str) -> int | None:
    return None if field == "-" else int(field)


def read_access_records(
    platform: Platform, pull: PullDataset, aws: Aws, days: Iterable[date], period: Period = EVER
) -> Iterator[AccessRecord | Damaged]:
    """Who used the dataset's bucket in this time, in order, each line once; a day's lines are held in memory.

    `days` are those of `read_log_days`. Raises as that.
    """
    bucket, account, folder = platform.access_log_bucket, str(platform.account), log_folder_of(platform, pull)
    s3 = aws.client("s3")
    for day in days:
        if period.since and day < period.since.astimezone(UTC).date():
            continue
        if period.until and day > period.until.astimezone(UTC).date():
            break
        with _needing_logs(aws, platform, folder):
            keys = _keys_below(s3, bucket, f"{folder}{day:%Y/%m/%d}/", account)
            yield from _in_order(read_files(s3, bucket, keys, account=account), pull.name, period)


def _needing_logs(aws: Aws, platform: Platform, folder: str) -> AbstractContextManager[None]:
    return needing(aws, "s3:ListBucket and s3:GetObject", f"{platform.access_log_bucket}/{folder}")


def _in_order(
    files: Iterable[tuple[str, bytes]], dataset: DatasetName, period: Period
) -> Iterator[AccessRecord | Damaged]:
    found: dict[tuple[str, str, str, str | None], AccessRecord] = {}
    for file, body in files:
        for number, line in enumerate(body.decode(errors="replace").split("\n"), start=1):
            if not line.strip():
                continue
            try:
                access = parse_access_line(line, dataset)
            except ValueError as error:
                yield Damaged(file, number, str(error))
                continue
            if access and _is_in(access.at, period):
                found.setdefault((access.request_id, access.operation, access.key, access.version_id), access)
    yield from sorted(found.values(), key=lambda access: access.at)


def _is_in(moment: datetime, period: Period) -> bool:
    return (period.since is None or period.since <= moment) and (period.until is None or moment < period.until)


def log_folder_of(platform: Platform, pull: PullDataset) -> str:
    """Where S3 puts the logs of the dataset's bucket: a folder for each day is below it.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PartitionedPrefix.html
    """
    return f"{ACCESS_LOG_PREFIX}{platform.account}/{platform.region}/{pull.bucket(platform)}/"


def read_log_days(platform: Platform, pull: PullDataset, aws: Aws) -> list[date]:
    """The days of which there are logs, oldest first: a request for each month of them.

    Raises `NotAllowedError` and `AwsError` when the logs cannot be read, `RefusedError` when none are kept.
    """
    s3, bucket, account = aws.client("s3"), platform.access_log_bucket, str(platform.account)
    top = log_folder_of(platform, pull)
    folders = [top]
    with _needing_logs(aws, platform, top):
        for _ in ("years", "months", "days"):
            folders = [below for folder in folders for below in _folders_below(s3, bucket, folder, account)]
    return sorted(day for folder in folders if (day := _day_in(folder.removeprefix(top))))


def _day_in(folder: str) -> date | None:
    try:
        return datetime.strptime(folder, "%Y/%m/%d/").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def _folders_below(s3: Any, bucket: str, prefix: str, account: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=str(bucket), Prefix=prefix, Delimiter="/", ExpectedBucketOwner=account
    )
    return [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]


def _keys_below(s3: Any, bucket: str, prefix: str, account: str) -> Iterator[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=str(bucket), Prefix=prefix, ExpectedBucketOwner=account)
    return (each["Key"] for page in pages for each in page.get("Contents", []))
