"""What the guides tell people to type on AWS runs on the local AWS, as those whom the page is for."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulator.deployed import DeployedEstate
from tests.emulator.installed import EXAMPLE, EXPORTS, owner_of, user_of
from tests.guides import LOCAL_AWS, Block, consoles, run_script

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("example")]

FILES = ("hearings.csv", "summary.csv", "tables.csv", "july/first.csv")
EMPTY_IS_FINE = 'aws() { command aws "$@" || test $? = 1; }'
"""`aws s3 ls` ends with 1 where nothing is there, as in the hub once all is delivered."""
UNTIL_THERE = 'aws() { until command aws "$@"; do test "$2" = ls; sleep 0.2; done; }'
"""A listing is asked for again until the file has arrived; anything else has to succeed at once."""


def _walked(block: Block) -> bool:
    """Whether test_walkthrough.py types it, test_notary.py, or the test of the local AWS's page below."""
    return block.page in ("local-aws.md", "evidence.md") or "referrals" in block.text


BLOCKS = [block for block in consoles(LOCAL_AWS) if not _walked(block)]


def test_no_other_block_is_left_to_the_walk_through() -> None:
    assert len(consoles(LOCAL_AWS)) == len(BLOCKS) + 8 + 1 + 1


def _person_of(block: Block) -> str:
    """Senders read how to request an export; everything else is read by who owns the account."""
    if block.page != "request-an-export.md":
        return ""
    return "alpha_user_Tomasz-Wrobel" if "reoffending" in block.script else "alpha_user_annika-lindqvist"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A copy of the example estate, with files to send."""
    folder = tmp_path / "estate"
    shutil.copytree(EXAMPLE, folder)
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("a,b\n1,2\n")
    return folder


def _path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_what_a_guide_says_runs(block: Block, deployed_example: DeployedEstate, desk: Path) -> None:
    if "jq" in block.script and not shutil.which("jq"):
        pytest.skip("needs jq")
    name = _person_of(block)
    person = user_of(deployed_example, name) if name else owner_of(deployed_example)
    before = EMPTY_IS_FINE if block.script.startswith("aws s3 ls") else ""
    environment = person.environment(PATH=_path(), HOME=str(desk.parent), XDG_CONFIG_HOME="")
    done = run_script(block, desk, environment, before=before)
    assert done.returncode == 0, done.stdout


def test_the_page_of_the_local_aws_is_right_from_up_to_down(tmp_path: Path) -> None:
    (block,) = [each for each in consoles(LOCAL_AWS) if each.page == "local-aws.md"]
    shutil.copytree(EXAMPLE, tmp_path / "examples" / "estate")
    variables = {"PATH": _path(), "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    try:
        done = run_script(block, tmp_path, variables, before=UNTIL_THERE)
    finally:
        down = [EXPORTS, "local", "down", "--estate", "examples/estate"]
        subprocess.run(down, cwd=tmp_path, env=variables, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r" 6 hello\.txt$", done.stdout, flags=re.MULTILINE)
