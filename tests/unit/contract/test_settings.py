import re
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.contract import settings
from data_exports.contract.settings import (
    MIB,
    BucketSettings,
    DatasetSettings,
    EnvironmentReader,
    dataset_settings_in,
)

BUCKETS = st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True)
ACCOUNTS = st.from_regex(r"[0-9]{12}", fullmatch=True)
SIZES = st.integers(min_value=5 * 2**20, max_value=5 * 2**30)
COUNTS = st.integers(min_value=0, max_value=10**6)
ARNS = st.from_regex(r"arn:[a-z0-9:/]{1,20}", fullmatch=True)
SETTINGS = st.builds(
    DatasetSettings,
    dataset=st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True),
    hub_bucket=BUCKETS.map("h".__add__).map(lambda name: name[:63].rstrip(".-") or "hub"),
    hub_account=ACCOUNTS,
    keep_files=st.booleans(),
    log_bucket=st.just("the-log"),
    mover_version=st.from_regex(r"[0-9a-f.]{1,16}", fullmatch=True),
    largest_copy_bytes=SIZES,
    part_bytes=SIZES,
    queue_url=st.none() | st.just("https://sqs.eu-west-1.amazonaws.com/1/q"),
    most_receives=st.integers(min_value=1, max_value=1000),
    longest_wait_seconds=COUNTS,
    sweep_patience_seconds=COUNTS,
    alert_topics=st.lists(ARNS, max_size=3).map(tuple),
)
TARGETS = st.builds(
    BucketSettings,
    target_bucket=st.just("recipient"),
    target_account=st.none() | ACCOUNTS,
    target_kms_key=st.none() | ARNS,
)
LEAST: dict[str, Any] = {
    "dataset": "orders",
    "hub_bucket": "the-hub",
    "hub_account": "593291632749",
    "keep_files": False,
    "log_bucket": "the-log",
    "mover_version": "1",
}


@given(SETTINGS, TARGETS)
def test_what_a_stack_says_is_what_the_function_reads(settings: DatasetSettings, target: BucketSettings) -> None:
    reader = EnvironmentReader(settings.to_environment() | target.to_environment())
    assert (dataset_settings_in(reader), reader.problems) == ((settings, target), [])


def test_a_stack_says_nothing_of_what_is_empty_or_as_usual() -> None:
    assert DatasetSettings(**LEAST).to_environment() == {
        "DATASET": "orders",
        "HUB_BUCKET": "the-hub",
        "HUB_ACCOUNT": "593291632749",
        "KEEP_FILES": "false",
        "LOG_BUCKET": "the-log",
        "MOVER_VERSION": "1",
        "LARGEST_COPY_BYTES": "268435456",
        "MOST_RECEIVES": "8",
    }


@pytest.mark.parametrize("name", ["longest_wait_seconds", "sweep_patience_seconds"])
def test_no_wait_at_all_is_said(name: str) -> None:
    assert DatasetSettings(**(LEAST | {name: 0})).to_environment()[name.upper()] == "0"


_UNITS = {"": 1, "MiB": MIB, "minutes": 60, "h": 3600}


def test_the_table_of_variables_tells_each_field_what_is_required_and_what_is_usual() -> None:
    table = next(part for part in (settings.__doc__ or "").split("\n\n") if part.startswith("DATASET"))
    lines = [(line, re.findall(r"\b[A-Z]+_[A-Z_]+\b|^DATASET", line)) for line in table.splitlines()]
    told = {name: line for line, names in lines for name in names}
    every = {field.name.upper(): field.default for kind in (DatasetSettings, BucketSettings) for field in fields(kind)}
    assert told.keys() == every.keys()
    required = {name for name, default in every.items() if default is MISSING}
    assert {name for name, line in told.items() if line.endswith("required")} == required
    usual = {name: re.search(r"default (\d+) ?([A-Za-z]*)", line) for name, line in told.items()}
    numbers = {name: int(found[1]) * _UNITS[found[2]] for name, found in usual.items() if found}
    assert numbers == {name: default for name, default in every.items() if isinstance(default, int)}
