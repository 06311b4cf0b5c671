"""A folder of a process's own: for its user alone, gone with it, and with a killed one at the next start."""

import subprocess
import sys
from pathlib import Path

import pytest

from data_exports.errors import UsageError
from data_exports.views.register.scratch import scratch_folder

HOLD = """
import sys
from pathlib import Path
from data_exports.views.register.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as made:
    print(made, flush=True)
    sys.stdin.read()
"""


def folders(above: Path) -> list[str]:
    return sorted(str(each) for each in above.iterdir() if each.is_dir())


def test_it_is_for_its_user_alone_and_gone_afterwards(tmp_path: Path) -> None:
    above = tmp_path / "cache" / "registers"
    with scratch_folder(above) as made:
        (made / "0").mkdir()
        assert (made.stat().st_mode & 0o777, above.stat().st_mode & 0o777) == (0o700, 0o700)
        assert folders(above) == [str(made)]
    assert folders(above) == []


def test_that_of_a_process_that_runs_stays_and_that_of_a_killed_one_goes(tmp_path: Path) -> None:
    running, killed = (
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    )
    with running, killed:
        kept, left = (each.stdout.readline().strip() for each in (running, killed) if each.stdout)
        killed.kill()
        killed.wait()
        assert folders(tmp_path) == sorted([kept, left])
        with scratch_folder(tmp_path) as made:
            assert folders(tmp_path) == sorted([kept, str(made)])
    assert folders(tmp_path) == []


def test_a_link_that_lies_there_is_followed_nowhere(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "link").symlink_to(tmp_path / "mine")
    with scratch_folder(tmp_path / "above"):
        assert list((tmp_path / "mine").iterdir()) == []
    assert (tmp_path / "above" / "link").is_symlink()


def test_where_none_can_be_made_it_says_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="XDG_CACHE_HOME"), scratch_folder(tmp_path / "file" / "registers"):
        pass
