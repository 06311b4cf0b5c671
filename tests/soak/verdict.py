"""What must hold at the end of a soak, whatever went wrong in between.

In: the ground and all uploads. Out: the violations, in words; none is the promise kept. Effects: reads.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from data_exports.names import log_bucket_of
from data_exports.operate.receipts import read_receipts
from tests.soak.ground import BUCKETS, Ground
from tests.soak.schedule import DATASETS, KEPT
from tests.soak.trouble import Uploaded

Contents = dict[str, bytes]
_FINAL = {"delivered", "superseded"}


def violations(ground: Ground, uploads: Sequence[Uploaded]) -> Iterator[str]:
    """Compare what there is with what was promised."""
    newest = _newest(ground, uploads)
    yield from _recipients(ground, newest)
    yield from _recipients_outside(ground, newest)
    yield from ground.ways.confirmations.too_early
    yield from _nowhere_else(ground)
    kept = {key: body for (dataset, key), body in newest.items() if dataset == KEPT}
    seen = _contents(ground.client("s3"), ground.estate.platform.hub_bucket)
    yield from _differences("the hub shows", seen, kept)
    yield from _receipts(ground, uploads)
    yield from left_behind(ground)


def still_in_sight(ground: Ground) -> int:
    """How many undelivered files the hub shows."""
    keys = _keys(ground.client("s3"), ground.estate.platform.hub_bucket)
    return sum(not key.startswith(f"{KEPT}/") for key in keys)


def _newest(ground: Ground, uploads: Sequence[Uploaded]) -> dict[tuple[str, str], bytes]:
    """The newest content of every key. S3 alone knows which that is: several senders upload at once."""
    by_version = {(uploaded.version_id, uploaded.put.key, uploaded.etag): uploaded.put for uploaded in uploads}
    pages = ground.client("s3").get_paginator("list_object_versions").paginate(Bucket=ground.estate.platform.hub_bucket)
    newest: dict[tuple[str, str], bytes] = {}
    for page in pages:
        for version in page.get("Versions", []):
            put = by_version[version["VersionId"], version["Key"], version["ETag"].strip('"')]
            newest.setdefault((put.dataset, version["Key"]), put.body)  # the newest comes first
    return newest


def _recipients(ground: Ground, newest: dict[tuple[str, str], bytes]) -> Iterator[str]:
    for bucket, account in sorted(set(BUCKETS.values())):
        expected = {key: body for (dataset, key), body in newest.items() if bucket in BUCKETS.get(dataset, ())}
        yield from _differences(f"{bucket} holds", _contents(ground.client("s3", account), bucket), expected)


def _recipients_outside(ground: Ground, newest: dict[tuple[str, str], bytes]) -> Iterator[str]:
    """Each place outside AWS holds what goes there; no other place holds anything."""
    place_of = ground.outside()
    for service in sorted({service for service, _ in place_of.values()}):
        held = ground.clouds.held(service)
        for place in sorted(held.keys() | {place for of, place in place_of.values() if of == service}):
            found = {name: ground.clouds.stored(service, place, name) for name in held.get(place, ())}
            contents = {name: stored[1] for name, stored in found.items() if stored}
            there = {dataset for dataset, where in place_of.items() if where == (service, place)}
            expected = {key: body for (dataset, key), body in newest.items() if dataset in there}
            yield from _differences(f"{place} holds", contents, expected)


def _nowhere_else(ground: Ground) -> Iterator[str]:
    """No bucket of any account holds a file, but the hub, the log and the recipients'."""
    hub = ground.estate.platform.hub_bucket
    known = {str(hub), str(log_bucket_of(hub)), *(bucket for bucket, _ in BUCKETS.values())}
    for account in sorted({ground.estate.platform.account, *(account for _, account in BUCKETS.values())}):
        s3 = ground.client("s3", account)
        for bucket in (each["Name"] for each in s3.list_buckets()["Buckets"]):
            if bucket not in known and (keys := _keys(s3, bucket)):
                yield f"{bucket} holds {keys}, which belongs nowhere"


def _receipts(ground: Ground, uploads: Sequence[Uploaded]) -> Iterator[str]:
    """Every upload was delivered or superseded, and its receipt says so."""
    log_bucket = log_bucket_of(ground.estate.platform.hub_bucket)
    found = {
        (receipt.key, receipt.version_id, receipt.etag)
        for dataset in DATASETS
        for receipt in read_receipts(ground.client("s3"), log_bucket, ground.push(dataset).name)
        if receipt.outcome in _FINAL
    }
    for uploaded in uploads:
        if (uploaded.put.key, uploaded.version_id, uploaded.etag) not in found:
            yield f"{uploaded.put.key!r} version {uploaded.version_id} has no receipt"


def left_behind(ground: Ground) -> Iterator[str]:
    """No checkpoint, and no part of a large file; an upload that has no part may stay (docs/delivery.md)."""
    hub = ground.estate.platform.hub_bucket
    for key in _keys(ground.client("s3"), str(log_bucket_of(hub)), prefix="checkpoints/"):
        if not key.endswith("/sweep.jsonl.gz"):
            yield f"the log bucket holds {key}"
    for bucket, account in sorted(set(BUCKETS.values())):
        s3 = ground.client("s3", account)
        for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            if s3.list_parts(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]).get("Parts"):
                yield f"{bucket} holds parts of {upload['Key']!r}"
    for bucket, names in ground.clouds.held("unfinished").items():
        yield from (f"{bucket} holds parts of {name!r}" for name in names)


def _differences(where: str, found: Contents, expected: Contents) -> Iterator[str]:
    for key in sorted(found.keys() | expected.keys()):
        if key not in expected:
            yield f"{where} {key!r}, which it should not"
        elif found.get(key) != expected[key]:
            yield f"{where} {found.get(key, b'nothing')[:60]!r} as {key!r}, not {expected[key][:60]!r}"


def _contents(s3: Any, bucket: str) -> Contents:
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in _keys(s3, bucket)}


def _keys(s3: Any, bucket: str, *, prefix: str = "") -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
