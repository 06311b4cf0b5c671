"""`exports init` as a platform's owner meets it: from their credentials to an estate that deploys."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from data_exports.estate.loader import load_estate
from data_exports.local.clients import environment_of
from data_exports.local.emulator import LocalAws
from tests.emulator.steps import Steps
from tests.envelopes import read_json
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.emulator

EXPORTS = str(Path(sys.executable).parent / "exports")


def test_an_estate_of_the_account_and_region_of_the_credentials_is_checked_and_deployed(
    local_aws: LocalAws, steps: Steps, unique: Callable[[str], str], unique_account: Callable[[], str], tmp_path: Path
) -> None:
    account, hub = unique_account(), unique("hub")
    steps.role(name="alpha_user_ana", account=account)
    environment = {**os.environ, **environment_of(local_aws), "AWS_ACCESS_KEY_ID": account}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [EXPORTS, *words],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    words = ["--hub-bucket", hub, "--pull-bucket-prefix", f"{hub}-pull-", "--user-role", "alpha_user_*"]
    made = run(
        "init",
        "ours",
        *words,
        "--alert",
        "exports@example.gov.uk",
        "--contact",
        "exports@example.gov.uk",
        "--no-github",
        "--json",
    )
    assert (made.returncode, made.stderr.splitlines()) == (
        0,
        [
            f"your credentials: arn:aws:iam::{account}:root, in account {account}",
            "next: exports check --estate ours; README.md says how to go on",
        ],
    )
    assert read_json(made.stdout)["made"][-1] == "ours/exports.yaml"
    platform = load_estate(tmp_path / "ours").require().platform
    assert (str(platform.account), str(platform.region)) == (account, local_aws.region)

    arn = "arn:aws:iam::754256621582:role/reader"
    dataset = ["--pull-arn", arn, "--user", "alpha_user_ana", "--paperwork", "DPIA-1"]
    for command in (["new", "pull", "tables", *dataset], ["check", "--strict"], ["deploy", "--yes"], ["drift"]):
        done = run(*command, "--estate", "ours")
        assert done.returncode == 0, done.stdout + done.stderr
