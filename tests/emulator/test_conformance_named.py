"""`make conformance SERVERS=named` against stores that the environment names as it would name Azure's and Google's own.

Azurite and fake-gcs-server stand for them. `make conformance` installs them and runs this, too; `make test` needs no
Node, and leaves out what is not there.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.azurite import azurite_is_installed
from benchmarks.fake_gcs import fake_gcs_is_installed
from tests.conformance.azure_container import AzureContainer
from tests.conformance.azurite import azurite
from tests.conformance.fake_gcs import fake_gcs
from tests.conformance.google_bucket import GoogleBucket
from tests.conformance.lacking import LACKING_ELSEWHERE
from tests.conformance.outside_world import environment_with
from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.emulator


def run_named(settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONFORMANCE_")}
    return subprocess.run(
        [sys.executable, "-m", "tests.conformance", "named"],
        cwd=ROOT,
        env={**kept, **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def settings_of(store: AzureContainer | GoogleBucket) -> dict[str, str]:
    variable, place = (
        ("CONFORMANCE_AZURE", f"{store.account}/{store.container}")
        if isinstance(store, AzureContainer)
        else ("CONFORMANCE_GOOGLE", store.bucket)
    )
    return {variable: place, f"{variable}_URL": store.url, f"{variable}_TOKEN_FILE": str(store.token.file)}


@pytest.mark.skipif(not azurite_is_installed(), reason="no Azurite here: `make conformance` installs it and runs this")
def test_a_container_that_is_named_is_held_to_all_that_azure_does(tmp_path: Path) -> None:
    with azurite(tmp_path / "azurite") as store, environment_with(**store.environment):
        said = run_named({**settings_of(store), **store.environment})
        token, listing = store.token.read(), f"{store.url}/{store.container}?restype=container&comp=list"
        left = store.token.fetch(f"{listing}&include=uncommittedblobs", {"x-ms-version": "2021-12-02"})
    assert said.stderr == ""
    assert token not in said.stdout
    # It is excused nothing, unlike Azurite under its own name.
    (excused,) = LACKING_ELSEWHERE["azurite"]
    failed = [line for line in said.stdout.splitlines() if line.startswith("FAILED by")]
    assert [line.partition(" (")[0] for line in failed] == [
        f"FAILED by azure hjresearch/incoming: {excused.replace('_', ' ')}"
    ]
    assert (said.returncode, ": 11 held, 0 left out, 1 FAILED; " in said.stdout) == (1, True)
    assert said.stdout.splitlines()[:2] == [
        "left out: AWS itself (CONFORMANCE_S3 is not set: docs/local-aws.md)",
        "left out: Google Cloud Storage itself (CONFORMANCE_GOOGLE is not set: docs/local-aws.md)",
    ]
    assert b"<Blobs/>" in left


@pytest.mark.skipif(
    not fake_gcs_is_installed(), reason="no fake-gcs-server here: `make conformance` installs it and runs this"
)
def test_a_bucket_that_is_named_is_held_to_all_that_google_does(tmp_path: Path) -> None:
    with fake_gcs(tmp_path / "fake-gcs") as store:
        said = run_named(settings_of(store))
        token = store.token.read()
        left = store.token.fetch(f"{store.url}/storage/v1/b/{store.bucket}/o?prefix=conformance-")
    assert said.stderr == ""
    assert token not in said.stdout
    assert (said.returncode, ": 12 held, 0 left out, 0 FAILED; " in said.stdout) == (0, True)
    assert said.stdout.splitlines()[:2] == [
        "left out: AWS itself (CONFORMANCE_S3 is not set: docs/local-aws.md)",
        "left out: Azure Blob Storage itself (CONFORMANCE_AZURE is not set: docs/local-aws.md)",
    ]
    assert b'"items"' not in left
