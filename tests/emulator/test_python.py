"""The package from Python on the local AWS: as a sender's notebook, and as a pipeline with a session of its own."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

import data_exports
from data_exports.errors import RefusedError
from data_exports.local.clients import environment_of
from tests.emulator.deployed import DeployedEstate
from tests.emulator.installed import EXAMPLE, owner_of

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("example")]

NOTEBOOK = Path(__file__).parents[2] / "examples" / "python" / "quarterly_review.py"


def test_the_example_notebook_runs_from_start_to_end(deployed_example: DeployedEstate) -> None:
    environment = owner_of(deployed_example).environment(EXPORTS_ESTATE=str(EXAMPLE))
    run = subprocess.run(
        [sys.executable, str(NOTEBOOK), "court_hearings"], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert "deployed as declared" in lines
    assert "court_hearings/reviews/summary.csv has arrived" in lines
    assert "871026394550 bail_research 2033-07-01 00:00:00+00:00" in lines
    assert any(line.startswith("slowest delivery: ") for line in lines)


def test_a_sender_sends_waits_and_reads_the_history(
    deployed_example: DeployedEstate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = deployed_example.stage.push("court_hearings").users[0]
    role = deployed_example.estate.platform.user_role_arn(sender)
    for name, value in environment_of(deployed_example.local, role).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "inner").mkdir()
    for name in ("a.csv", "inner/b.csv"):
        (tmp_path / name).write_text(name)
    estate = data_exports.open_estate(EXAMPLE)
    sent = estate.send([tmp_path], "court_hearings", prefix="python", wait=True)
    keys = ["court_hearings/python/a.csv", "court_hearings/python/inner/b.csv"]
    assert [(each.key, each.is_delivered) for each in sent] == [(key, True) for key in keys]
    since = datetime.now(UTC) - timedelta(hours=1)
    entries = estate.history("court_hearings", key="python/*", since=since)
    assert {(entry.receipt.key, entry.receipt.outcome) for entry in entries} == {(key, "delivered") for key in keys}
    assert {entry.receipt.version_id for entry in entries} == {each.version_id for each in sent}
    with pytest.raises(RefusedError, match="may not send for probation_caseload"):
        estate.send(tmp_path / "a.csv", "probation_caseload")


def test_a_session_of_the_callers_own_is_used(
    deployed_example: DeployedEstate, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, local = deployed_example.estate.platform.account, deployed_example.local
    for name in environment_of(local):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", local.endpoint_url)
    session = boto3.Session(str(account), local.secret, region_name="eu-west-1")
    assert data_exports.open_estate(EXAMPLE, session=session).plan().changes == ()
