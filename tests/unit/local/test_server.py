"""What the local AWS is started with, and that it refuses to start when it cannot be mended."""

import subprocess
import sys
from pathlib import Path

import pytest

from data_exports.local.server import SERVICES, server_settings_of
from tests.patience import PATIENCE_SECONDS


def test_iam_is_enforced_on_loopback_alone_and_nothing_else_is_opened(tmp_path: Path) -> None:
    settings = server_settings_of(port=4567, account="593291632749", region="eu-west-1", folder=tmp_path)
    assert (settings["AUTH"], settings["BIND_HOST"], settings["GATEWAY_PORT"]) == ("true", "127.0.0.1", "4567")
    assert (settings["MINISTACK_ACCOUNT_ID"], settings["MINISTACK_REGION"]) == ("593291632749", "eu-west-1")
    assert settings["IOT_MTLS_ENABLED"] == settings["SFTP_ENABLED"] == settings["PERSIST_STATE"] == "0"
    assert settings["DOCKER_HOST"] == f"unix://{tmp_path}/tmp/no-docker"
    assert settings["SERVICES"].split(",") == list(SERVICES)
    inside = [settings[name] for name in ("TMPDIR", "STATE_DIR", "S3_DATA_DIR")]
    assert all(Path(path).is_relative_to(tmp_path) for path in inside)


def test_a_server_whose_emulator_has_changed_says_so_and_does_not_serve(tmp_path: Path) -> None:
    code = (
        "import sys; from data_exports.local.gaps import patching; patching.EMULATOR_VERSION = '9.9.9'; "
        "from data_exports.local import server; sys.exit(server.run_server())"
    )
    words = [sys.executable, "-c", code, "--port", "1", "--account", "1", "--region", "r", "--folder", str(tmp_path)]
    ended = subprocess.run(
        words, input="a secret\n", capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )
    assert ended.returncode == 3
    assert ended.stderr.startswith("the local AWS refuses to start: ministack 1.5.33 is installed")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["--port", "--account", "--region", "--folder"])
def test_a_server_needs_to_be_told_everything(tmp_path: Path, missing: str) -> None:
    told = {"--port": "1", "--account": "1", "--region": "r", "--folder": str(tmp_path)}
    words = [word for name, value in told.items() if name != missing for word in (name, value)]
    started = [sys.executable, "-m", "data_exports.local.server", *words]
    ended = subprocess.run(started, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert (ended.returncode, missing in ended.stderr) == (2, True)
