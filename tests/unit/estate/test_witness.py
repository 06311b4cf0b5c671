"""Where the heads of the evidence go: a bucket of somebody else's, with or without a folder."""

from pathlib import Path

import pytest

from data_exports.estate.evidence_lock import EvidenceLock, parse_witness
from data_exports.names import InvalidNameError
from tests.unit.estate.written import PLATFORM, said, write_estate


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://their-heads", "their-heads", ""),
        ("s3://their-heads/", "their-heads", ""),
        ("s3://their-heads/a/b=c", "their-heads", "a/b=c/"),
    ],
)
def test_a_place_is_a_bucket_and_perhaps_a_folder(text: str, bucket: str, prefix: str) -> None:
    lock = EvidenceLock(30, witness=parse_witness(text))
    assert (lock.witness_bucket, lock.witness_prefix) == (bucket, prefix)


@pytest.mark.parametrize(
    "text",
    [
        "their-heads",
        "s3://",
        "s3://Their",
        "s3://x/*",
        "s3://heads/${a}",
        "s3://heads//a",
        "s3://heads/a b",
        "s3://a..b",
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidNameError):
        parse_witness(text)


@pytest.mark.parametrize(
    ("bucket", "whose"), [("mojap-hub-exports", "the hub"), ("mojap-hub-exports-log", "log"), ("their-heads", "")]
)
def test_a_bucket_of_the_estate_cannot_be_its_witness(bucket: str, whose: str, tmp_path: Path) -> None:
    platform = f"{PLATFORM}  evidence: {{lock_days: 30, witness: s3://{bucket}/heads}}\n"
    found = [line for line in said(write_estate(tmp_path, platform=platform)) if "EX403" in line]
    assert len(found) == bool(whose)
    assert all(f"'{bucket}' is" in line and whose in line for line in found)
