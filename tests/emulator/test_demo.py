"""The demo, run as people run it; and that it tells when something is not as it must be."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from data_exports.cli.demo import ExpectationsError, TerminalNarrator, conclude
from data_exports.local.clients import client
from data_exports.local.demo.scenes import SCENES, everyone_else_is_refused
from data_exports.local.demo.stage import Expectation
from tests.emulator.deployed import DeployedEstate
from tests.envelopes import read_json
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.emulator

EXPORTS = [sys.executable, "-m", "data_exports"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with an empty home and its own folder for temporary files."""
    (tmp_path / "tmp").mkdir()
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EXPORTS_"))}
    yield plain | {"HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp")}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_demo_holds_every_expectation_and_leaves_nothing_behind(home: dict[str, str]) -> None:
    run = subprocess.run([*EXPORTS, "demo"], capture_output=True, text=True, env=home, check=False)
    assert (run.returncode, "FAILED" in run.stdout + run.stderr) == (0, False), run.stderr
    rows = re.findall(r"^(\S.*?) +(\d+)/(\d+) ", run.stdout, flags=re.MULTILINE)
    told = [title for title, _, _ in rows]
    assert [title for title, _ in SCENES] == told[1:-2]
    assert all(held == total for _, held, total in rows)
    assert int(rows[-1][2]) == sum(int(total) for _, _, total in rows[:-1]) > 30
    assert "\x1b" not in run.stdout + run.stderr


def _running_in(folder: str) -> list[str]:
    """The processes that have this folder for temporary files, as far as the system tells."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # somebody else's, or it has ended
            if f"TMPDIR={folder}\0" in f"{path.read_text(errors='replace')}\0":
                found.append(path.parent.name)
    return found


@pytest.mark.parametrize("scene", ["Files are delivered", "A file is followed to its receipt"])
def test_the_demo_interrupted_ends_what_it_started(scene: str, home: dict[str, str]) -> None:
    """The second scene begins with a command, which waits for its file."""
    running = subprocess.Popen([*EXPORTS, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=home)
    assert running.stderr is not None
    for line in running.stderr:
        if scene in line:
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=PATIENCE_SECONDS)
    assert (running.returncode, out) == (130, "")
    assert err.endswith("error: interrupted\n")
    assert "Traceback" not in err
    assert _running_in(home["TMPDIR"]) == []


def test_an_expectation_that_does_not_hold_is_told_and_fails_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    narrator = TerminalNarrator(quiet=True)
    narrator.begin("Files are delivered")
    narrator.expect(Expectation("a.csv arrives", held=False, found="it did not arrive in time"))
    narrator.expect(Expectation("b.csv arrives", held=True))
    narrator.end()
    with pytest.raises(ExpectationsError, match="1 of 2 expectations did not hold"):
        conclude(narrator, as_json=True)
    assert read_json(capsys.readouterr().out)["expectations"] == [
        {
            "scene": "Files are delivered",
            "expected": "a.csv arrives",
            "held": False,
            "found": "it did not arrive in time",
        },
        {"scene": "Files are delivered", "expected": "b.csv arrives", "held": True, "found": ""},
    ]
    with pytest.raises(ExpectationsError):
        conclude(narrator, as_json=False)
    assert "FAILED  Files are delivered: a.csv arrives  (it did not arrive in time)" in capsys.readouterr().out


def test_a_demo_that_checked_nothing_is_no_success() -> None:
    with pytest.raises(ExpectationsError):
        conclude(TerminalNarrator(quiet=True), as_json=True)


@pytest.mark.xdist_group("example")
def test_a_refusal_that_does_not_happen_is_noticed(deployed_example: DeployedEstate) -> None:
    stage = deployed_example.stage
    platform, push = stage.estate.platform, stage.push("prison_population")
    iam = client(stage.local, "iam", account=platform.account)
    wide = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{platform.hub_bucket.arn}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [wide]})
    stage.as_owner(platform.account).put_object(Bucket=platform.hub_bucket, Key=f"{push.prefix}2031/january.csv")
    iam.put_role_policy(RoleName=push.users[0], PolicyName="too-much", PolicyDocument=document)
    try:
        parts = [part for part in everyone_else_is_refused(stage) if isinstance(part, Expectation)]
    finally:
        iam.delete_role_policy(RoleName=push.users[0], PolicyName="too-much")
    failed = [part.text for part in parts if not part.held]
    assert failed == ["refused: a sender reads back a file from the hub"]
