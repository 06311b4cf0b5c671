"""The notary's log, verified: against itself, and the receipts that there are against it.

In: an estate, an `Aws`, the keys that the estate keeps, and a head that somebody has kept. Out: a `Verification`.
Effects: reads; the evidence bucket with every version of its head, and every file of receipts. The key is never asked
of AWS: whoever could change the log could give another key.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, Aws, aws_errors, reason_of
from data_exports.contract.keys import RECEIPTS
from data_exports.deploy.evidence_keys import check_keeps_evidence, log_of
from data_exports.deploy.remote import check_account, read_stored
from data_exports.errors import UsageError
from data_exports.estate.models import Estate, Platform
from data_exports.evidence.checking import (
    Deviation,
    DeviationKind,
    FileThere,
    HeadVersion,
    check_of_receipts,
    check_of_records,
    heads_kept_by,
    heads_of,
)
from data_exports.evidence.entries import DEPLOYMENTS, HEAD, is_receipts_file
from data_exports.evidence.heads import LARGEST_HEAD_BYTES, head_in
from data_exports.evidence.notes import NotOursError, NotSignedError, VerifierKey
from data_exports.evidence.reading import check_of_log
from data_exports.json_values import json_as
from data_exports.names import FOUNDATION_STACK, BucketName
from data_exports.parallel import map_ordered

FILES_READ_AT_ONCE = 16


@json_as("log size root? signed_by? heads kept_heads receipts files deployments last_run late_files deviations seconds")
@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and what is not as it was logged."""

    log: str
    size: int
    """Leaves."""
    root: str
    """Of the head in force, in hexadecimal digits; "" when there is none."""
    signed_by: str
    """The key of that head, by its id."""
    heads: int
    """So many heads were signed, and each is the beginning of the log."""
    kept_heads: int
    """So many heads that somebody keeps are the beginning of the log, too."""
    receipts: int
    files: int
    deployments: int
    last_run: datetime | None
    """When the notary last found something new."""
    late_files: int
    """Files that were logged more than a day after the time in their names."""
    deviations: tuple[Deviation, ...]
    seconds: float
    head: bytes = b""
    """The head in force, to be kept."""

    def of_kind(self, *kinds: DeviationKind) -> tuple[Deviation, ...]:
        """The deviations of these kinds."""
        return tuple(each for each in self.deviations if each.kind in kinds)


def read_kept_head(path: Path, keys: Collection[VerifierKey]) -> bytes:
    """A head of the log that somebody has kept in a file; whether it is to be believed is seen where it is compared.

    Raises `UsageError` for another file.
    """
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST_HEAD_BYTES + 1)
        head_in(body, keys)
    except (OSError, NotOursError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        next_step = f"give a file that --keep wrote, or that lay under {HEAD} in the evidence bucket"
        raise UsageError(f"this is no head of the log: {said}", where=str(path), next_step=next_step) from error
    except NotSignedError:
        pass  # which is told where the log is held against it
    return body


def verify(
    estate: Estate,
    aws: Aws,
    keys: Collection[VerifierKey],
    kept: Mapping[str, bytes] | None = None,
) -> Verification:
    """Look at all of it, and hold it against the heads that somebody keeps, by where each lies.

    Raises `RefusedError` where the platform has no evidence, `AwsError` where all is refused.
    """
    platform, began = estate.platform, time.monotonic()
    check_keeps_evidence(platform)
    check_account(aws, platform)
    s3, account = aws.client("s3"), str(platform.account)
    read_evidence = partial(_read, aws, platform.evidence_bucket, account, None)
    unread: list[Deviation] = []
    kept_heads, of_kept = heads_kept_by(kept or {}, keys)
    with aws_errors(where=f"s3://{platform.evidence_bucket}"):
        records = _files(s3, platform.evidence_bucket, account, DEPLOYMENTS)  # before the heads, which come after them
        versions = _head_versions(s3, platform)
        there = _files(s3, platform.log_bucket, account, RECEIPTS)  # before the log: what comes later cannot be in it
        heads, deviations = heads_of(versions, keys)
        contents, of_log = check_of_log(heads, read_evidence, kept_heads, platform_stack=FOUNDATION_STACK)
        of_records = check_of_records(contents, heads, records, now=datetime.now(UTC))
        of_receipts = check_of_receipts(
            contents,
            {each.key: each for each in there if is_receipts_file(each.key)},
            partial(_read, aws, platform.log_bucket, account, unread.append),
            now=datetime.now(UTC),
        )
    newest = heads[-1] if heads else None
    return Verification(
        log=log_of(platform),
        size=newest.size if newest else 0,
        root=newest.root.hex() if newest else "",
        signed_by=newest.key.identifier.hex() if newest else "",
        heads=len(heads),
        kept_heads=len(set(kept_heads) - {each.where for each in of_log}),
        receipts=contents.receipts,
        files=len(contents.files),
        deployments=len(contents.records),
        last_run=contents.last_run,
        late_files=contents.late_files,
        deviations=(*deviations, *of_kept, *of_log, *of_records, *of_receipts, *unread),
        seconds=round(time.monotonic() - began, 3),
        head=next((each.body for each in reversed(versions) if each.body), b""),
    )


def _head_versions(s3: Any, platform: Platform) -> list[HeadVersion]:
    """Every head that was ever written, the oldest first, and when it was deleted."""
    where = {"Bucket": str(platform.evidence_bucket), "ExpectedBucketOwner": str(platform.account)}
    found: list[tuple[datetime, str | None]] = []
    for page in s3.get_paginator("list_object_versions").paginate(**where, Prefix=HEAD):
        of_head = [each for each in page.get("Versions", []) if each["Key"] == HEAD]
        found += [(each["LastModified"], each["VersionId"]) for each in of_head]
        gone = [each for each in page.get("DeleteMarkers", []) if each["Key"] == HEAD]
        found += [(each["LastModified"], None) for each in gone]
    found.reverse()  # of one second, S3 lists the newest first
    found.sort(key=lambda each: each[0])

    def read(version: tuple[datetime, str | None]) -> HeadVersion:
        at, identifier = version
        if identifier is None:
            return HeadVersion(None, at)
        return HeadVersion(s3.get_object(**where, Key=HEAD, VersionId=identifier)["Body"].read(), at)

    return list(map_ordered(read, found, at_once=FILES_READ_AT_ONCE))


def _files(s3: Any, bucket: str, account: str, prefix: str) -> list[FileThere]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, ExpectedBucketOwner=account, Prefix=prefix)
    return [FileThere(each["Key"], each["LastModified"]) for page in pages for each in page.get("Contents", [])]


def _read(
    aws: Aws, bucket: BucketName, account: str, note: Callable[[Deviation], None] | None, keys: Iterable[str]
) -> Iterator[tuple[str, bytes | None]]:
    """The files, several at once; one that is refused is noted and left out, or, where nobody notes it, raises."""

    def read(key: str) -> tuple[str, bytes | None] | Deviation:
        try:
            return key, read_stored(aws, bucket, key, account=account)
        except AWS_EXCEPTIONS as error:
            if note is None:
                raise
            return Deviation(DeviationKind.UNREAD, key, reason_of(error))

    for each in map_ordered(read, keys, at_once=FILES_READ_AT_ONCE):
        if not isinstance(each, Deviation):
            yield each
        elif note:
            note(each)
