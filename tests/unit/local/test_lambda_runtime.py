"""What functions find where they run is made once and whole, also when many of them start at the same moment."""

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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
