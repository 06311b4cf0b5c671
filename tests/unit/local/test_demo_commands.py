"""What the demo's commands are forked from: each is a process of its own, with its words, variables and output."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_exports import __version__
from tests.patience import PATIENCE_SECONDS
from tests.unit.estate.written import write_estate


@pytest.fixture(params=[(), ("--spawn",)], ids=["forked", "spawned"])
def process(request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[str]"]:
    """The process; ended by the end of what it is told."""
    words = [sys.executable, "-m", "data_exports.local.demo.forking", *request.param]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        yield started
        assert started.stdin is not None
        started.stdin.close()
        assert started.wait(PATIENCE_SECONDS) == 0


def test_each_command_has_words_variables_a_folder_and_output_of_its_own(
    process: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    estate = write_estate(tmp_path / "estate")

    def run(*words: str, **variables: str) -> tuple[int, str, str]:
        out, err = tmp_path / "out", tmp_path / "err"
        for path in (out, err):
            path.unlink(missing_ok=True)
        asked = {"words": words, "variables": variables, "here": str(estate), "out": str(out), "err": str(err)}
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps(asked)}\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        return code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")

    assert run("--version") == (0, f"exports {__version__}\n", "")
    assert run("check") == (0, "", "1 push and 1 pull dataset: no findings\n")
    code, out, err = run("check", EXPORTS_ESTATE=str(tmp_path))
    assert (code, out, err.startswith(f"error: {tmp_path}: ")) == (2, "", True), err
    assert run("nothing")[0] == 2
    assert run("check")[0] == 0
