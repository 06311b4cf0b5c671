"""What the guides tell people to type runs as it stands there; what cannot is marked as an illustration."""

import json
import os
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from tests.guides import BLOCKS, GUIDES, ILLUSTRATION, LOCAL_AWS, ROOT, Block, consoles, run_script

SHAPES = {"console", "json", "python", "sql", "yaml"}
"""Commands and Python are run here, JSON is read. YAML is loaded by test_docs.py, or is a file of the example; SQL is
held to the table of receipts by stacks/test_receipts_table.py."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where somebody stands: the example estate as a repository of its own, in which `examples/estate` leads to it."""
    folder = tmp_path_factory.mktemp("guides") / "estate"
    shutil.copytree(ROOT / "examples" / "estate", folder)
    (folder / "examples").mkdir()
    (folder / "examples" / "estate").symlink_to(folder)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "--message=x"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    return folder


def _nobodys(home: Path) -> dict[str, str]:
    """The variables of somebody without AWS, with `exports` installed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_EC2_METADATA_DISABLED": "true"}
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **nowhere}


def test_every_block_says_how_it_is_kept_true() -> None:
    fences = sum(line.lstrip().startswith("```") for page in GUIDES for line in page.read_text().splitlines())
    assert 2 * len(BLOCKS) == fences
    assert {block.marker for block in BLOCKS} == {"", ILLUSTRATION, LOCAL_AWS}
    assert [str(each) for each in BLOCKS if each.marker != ILLUSTRATION and each.language not in SHAPES] == []
    assert [str(each) for each in BLOCKS if each.marker == LOCAL_AWS and each.language != "console"] == []
    assert [str(each) for each in BLOCKS if each.language == "console" and not each.script] == []


@pytest.mark.parametrize("block", consoles(""), ids=str)
def test_what_needs_no_aws_runs(block: Block, checkout: Path, tmp_path: Path) -> None:
    if block.script.startswith("make "):
        for line in block.script.splitlines():
            subprocess.run(["make", "-n", *line.split()[1:2]], cwd=ROOT, capture_output=True, check=True)
    else:
        done = run_script(block, checkout, _nobodys(tmp_path))
        assert done.returncode == 0, done.stdout


def test_the_python_of_the_guides_runs(checkout: Path) -> None:
    program = (ROOT / "examples" / "pulumi" / "__main__.py").read_text(encoding="utf-8")  # run by tests/emulator
    verifier = files("data_exports.views.bundle") / "assets" / "verify.py.txt"  # run by unit/operate/test_bundles.py
    apart = (program, verifier.read_text(encoding="utf-8"))
    blocks = [block for block in BLOCKS if block.language == "python"]
    found = [block for block in blocks if not any(block.text in whole for whole in apart)]
    assert [block.page for block in blocks if block.text == apart[1]] == ["evidence.md"]
    assert [block.page for block in found] == ["python.md"]
    for block in found:
        subprocess.run([sys.executable, "-c", block.text], cwd=checkout, check=True)


def test_the_json_of_the_guides_is_json() -> None:
    assert [type(json.loads(block.text)) for block in BLOCKS if block.language == "json"] == [dict] * 3
