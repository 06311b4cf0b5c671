"""No file of the repository holds a path of somebody's machine, and no lock file an address."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (".github", "src", "tests", "docs", "examples", "benchmarks", "requirements")
OTHERS = {"__pycache__", "node_modules"}
FILES = sorted(
    path
    for path in [*ROOT.iterdir(), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    if path.is_file() and not OTHERS & set(path.parts) and path.name != ".git"  # a file, in a linked work tree
)
MACHINE_PATH = re.compile(r"(?<![\w.<>{}*-])/(?:" + "|".join(["home", "Users", "root", "work"]) + r")/[\w.-]+")


def test_no_file_holds_a_path_of_a_machine() -> None:
    lines = [
        (str(path.relative_to(ROOT)), line)
        for path in FILES
        for line in path.read_bytes().decode(errors="replace").splitlines()
        if MACHINE_PATH.search(line)
    ]
    assert lines == []


def test_what_npm_locks_names_no_host() -> None:
    """Not where packages came from (`.npmrc` leaves that out), nor whom to fund, nor a licence by its address.

    Take `funding`, and a `license` that is an address, out of the file: npm installs without them.
    """
    locks = [path for path in FILES if path.name == "package-lock.json"]
    assert len(locks) == 3
    lines = [(path.parent.name, line.strip()) for path in locks for line in path.read_text().splitlines()]
    named = [each for each in lines if "://" in each[1] or each[1].startswith(('"resolved":', '"funding":'))]
    assert named == []
