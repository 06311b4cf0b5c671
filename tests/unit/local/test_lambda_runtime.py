"""What functions find where they run is made once and whole, also when many of them start at the same moment."""

import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from ministack.services import sts

from data_exports.local.gaps import lambda_functions


def test_functions_that_start_at_once_all_find_the_whole_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    start = threading.Barrier(8)

    def found(_: int) -> list[str]:
        start.wait()
        return sorted(path.name for path in lambda_functions.runtime_folder().iterdir())

    with ThreadPoolExecutor(8) as threads:
        seen = list(threads.map(found, range(8)))
    modules = [f"{name}.py" if name == "six" else name for name in lambda_functions.RUNTIME_PACKAGES]
    assert seen == [sorted(modules)] * 8
    assert [path.name for path in tmp_path.iterdir()] == ["lambda-runtime"]


def test_sessions_that_begin_at_once_do_not_hinder_each_other() -> None:
    """As many threads as functions; each session is looked at by every one that comes after it."""
    register = partial(lambda_functions.sessions_begin_beside_each_other, sts.register_session)
    before, switches = dict(sts._sessions), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: register(f"ASIA{number}", {}), range(600)))
        assert set(sts._sessions) - set(before) == {f"ASIA{number}" for number in range(600)}
    finally:
        sys.setswitchinterval(switches)
        sts._sessions.clear()
        sts._sessions.update(before)
