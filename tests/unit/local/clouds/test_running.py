"""What is known of the stand-ins on disk, and what is said when it is damaged."""

import subprocess
import sys
from pathlib import Path

import pytest

from data_exports.errors import LocalAwsError
from data_exports.local.cloud_addresses import state_file_of, variables_in
from data_exports.local.clouds.running import running_clouds
from data_exports.local.emulator import LocalAws, write_secret


def local_aws(folder: Path) -> LocalAws:
    (folder / "state").mkdir()
    return LocalAws(folder, 1, 1, "593291632749", "eu-west-1", secret="s")


def test_none_run_where_nothing_is_known(tmp_path: Path) -> None:
    local = local_aws(tmp_path)
    assert running_clouds(local) is None
    assert variables_in(tmp_path / "state") == {}


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "ports": {}, "owner_token": "', "\udcff"])
def test_a_damaged_file_is_one_clear_message(damaged: str, tmp_path: Path) -> None:
    local = local_aws(tmp_path)
    place = state_file_of(tmp_path / "state")
    place.write_bytes(damaged.encode("utf-8", "surrogateescape"))
    for reads in (lambda: running_clouds(local), lambda: variables_in(tmp_path / "state")):
        with pytest.raises(LocalAwsError) as stopped:
            reads()
        assert (stopped.value.where, "exports local down" in stopped.value.next_step) == (str(place), True)
        assert stopped.value.what == "what is known of the stand-ins of other clouds is damaged"


def test_a_server_that_ended_at_once_is_no_fault_of_who_tells_it_its_secret() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE) as child:
        assert child.wait() == 0
        write_secret(child, "secret")
        assert child.stdin.closed  # type: ignore[union-attr]
