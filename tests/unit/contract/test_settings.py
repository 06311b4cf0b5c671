import re
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.contract import settings
from data_exports.contract.settings import (
    MIB,
    AzureSettings,
    BucketSettings,
    DatasetSettings,
    DestinationSettings,
    EnvironmentReader,
    GoogleSettings,
    dataset_settings_in,
    longest_under_way_seconds,
)
from data_exports.contract.timing import VISIBILITY_TIMEOUT_SECONDS, visibility_timeout_seconds

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
UUID = "1b9e8c6a-0d3f-4b52-9d5e-2f3c4a5b6c7d"
PROVIDER = "projects/1234567/locations/global/workloadIdentityPools/moj/providers"
CONTAINERS = st.builds(
    AzureSettings,
    storage_account=st.from_regex(r"[a-z0-9]{3,24}", fullmatch=True),
    container=st.from_regex(r"[a-z0-9](-?[a-z0-9]){2,31}", fullmatch=True),
    tenant=st.uuids().map(str),
    client=st.uuids().map(str),
)
GOOGLES = st.builds(
    GoogleSettings,
    bucket=st.from_regex(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]", fullmatch=True),
    provider=st.from_regex(rf"{PROVIDER}/[a-z0-9-]{{3,32}}", fullmatch=True),
    service_account=st.none() | st.just("exporter@hj-data.iam.gserviceaccount.com"),
)
AZURE = AzureSettings(storage_account="hjresearch", container="incoming", tenant=UUID, client=UUID)
GOOGLE = GoogleSettings(bucket="hj-incoming", provider=f"{PROVIDER}/exports")
LEAST: dict[str, Any] = {
    "dataset": "orders",
    "hub_bucket": "the-hub",
    "hub_account": "593291632749",
    "keep_files": False,
    "log_bucket": "the-log",
    "mover_version": "1",
}


@given(SETTINGS, TARGETS | CONTAINERS | GOOGLES)
def test_what_a_stack_says_is_what_the_function_reads(settings: DatasetSettings, target: DestinationSettings) -> None:
    reader = EnvironmentReader(settings.to_environment() | target.to_environment())
    assert (dataset_settings_in(reader), reader.problems) == ((settings, target), [])


def test_each_kind_of_destination_has_variables_of_its_own() -> None:
    assert AZURE.to_environment() == {
        "TARGET_AZURE_ACCOUNT": "hjresearch",
        "TARGET_AZURE_CONTAINER": "incoming",
        "TARGET_AZURE_TENANT": UUID,
        "TARGET_AZURE_CLIENT": UUID,
    }
    assert replace(GOOGLE, service_account="x@p.iam.gserviceaccount.com").to_environment() == {
        "TARGET_GOOGLE_BUCKET": "hj-incoming",
        "TARGET_GOOGLE_PROVIDER": f"{PROVIDER}/exports",
        "TARGET_GOOGLE_SERVICE_ACCOUNT": "x@p.iam.gserviceaccount.com",
    }
    assert (AZURE.uri, GOOGLE.uri) == ("https://hjresearch.blob.core.windows.net/incoming", "gs://hj-incoming")


def test_one_kind_of_destination_is_named() -> None:
    every = {"TARGET_BUCKET": "recipient"} | AZURE.to_environment() | GOOGLE.to_environment()
    assert problems_of(every) == [
        "one kind of destination must be named, not TARGET_BUCKET and TARGET_AZURE_ACCOUNT and TARGET_GOOGLE_BUCKET"
    ]
    assert problems_of({"TARGET_ACCOUNT": "593291632749"} | AZURE.to_environment()) == [
        "one kind of destination must be named, not TARGET_BUCKET and TARGET_AZURE_ACCOUNT"
    ]
    assert problems_of({}) == ["TARGET_BUCKET is missing"]


@pytest.mark.parametrize(
    ("target", "name", "value", "problem"),
    [
        (AZURE, "TARGET_AZURE_ACCOUNT", "HJ-research", "the name of a storage account, not 'HJ-research'"),
        (AZURE, "TARGET_AZURE_CONTAINER", "a--b", "the name of a container, not 'a--b'"),
        (AZURE, "TARGET_AZURE_CONTAINER", "ab", "the name of a container, not 'ab'"),
        (AZURE, "TARGET_AZURE_TENANT", "contoso", f"an id such as {UUID}, not 'contoso'"),
        (GOOGLE, "TARGET_GOOGLE_BUCKET", "Hj", "a bucket name, not 'Hj'"),
        (
            GOOGLE,
            "TARGET_GOOGLE_PROVIDER",
            "providers/exports",
            "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER, not 'providers/exports'",
        ),
        (GOOGLE, "TARGET_GOOGLE_SERVICE_ACCOUNT", "me@x", "the address of a service account, not 'me@x'"),
    ],
)
def test_what_is_no_name_at_the_store_is_refused(
    target: DestinationSettings, name: str, value: str, problem: str
) -> None:
    assert problems_of(target.to_environment() | {name: value}) == [f"{name} must be {problem}"]


@pytest.mark.parametrize("name", [*AZURE.to_environment(), *GOOGLE.to_environment()])
def test_what_a_kind_needs_and_is_missing_is_named(name: str) -> None:
    target: DestinationSettings = AZURE if name in AZURE.to_environment() else GOOGLE
    assert problems_of(target.to_environment() | {name: ""}) == [f"{name} is missing"]


def test_a_late_request_is_late_for_as_long_as_it_opens_the_store() -> None:
    impersonating = replace(GOOGLE, service_account="x@p.iam.gserviceaccount.com")
    kinds = (BucketSettings(target_bucket="recipient"), AZURE, GOOGLE, impersonating)
    assert [kind.under_way_seconds for kind in kinds] == [960, 960, 3660, 960]
    assert [longest_under_way_seconds(kind.uri) for kind in kinds] == [960, 960, 3660, 3660]
    assert longest_under_way_seconds(None) == 960
    timeouts = [visibility_timeout_seconds(kind.under_way_seconds) for kind in kinds]
    assert timeouts == [VISIBILITY_TIMEOUT_SECONDS, VISIBILITY_TIMEOUT_SECONDS, 8100, VISIBILITY_TIMEOUT_SECONDS]


def problems_of(target: dict[str, str]) -> list[str]:
    reader = EnvironmentReader(DatasetSettings(**LEAST).to_environment() | target)
    dataset_settings_in(reader)
    return reader.problems


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
    parts = (settings.__doc__ or "").split("\n\n")
    tables = [part for part in parts if part.startswith(("DATASET", "TARGET_"))]
    rows = "\n".join(tables).splitlines()
    lines = [(line, re.findall(r"\b[A-Z]+_[A-Z_]+\b|^DATASET", line)) for line in rows]
    told = {name: line for line, names in lines for name in names}
    every = {field.name.upper(): field.default for kind in (DatasetSettings, BucketSettings) for field in fields(kind)}
    every |= dict.fromkeys((*AZURE.to_environment(), *GOOGLE.to_environment()), MISSING)
    every["TARGET_GOOGLE_SERVICE_ACCOUNT"] = None
    assert told.keys() == every.keys()
    required = {name for name, default in every.items() if default is MISSING}
    assert {name for name, line in told.items() if line.endswith("required")} == required
    usual = {name: re.search(r"default (\d+) ?([A-Za-z]*)", line) for name, line in told.items()}
    numbers = {name: int(found[1]) * _UNITS[found[2]] for name, found in usual.items() if found}
    assert numbers == {name: default for name, default in every.items() if isinstance(default, int)}
