"""An estate in a git repository of its own, below its top, and what git says of it."""

import os
import subprocess
from pathlib import Path

from tests.unit.estate import written

ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(folder: Path, *words: str, moment: str = "") -> str:
    """What git answers; what it commits was committed at this moment, or now."""
    env = ENV | ({"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment} if moment else {})
    answer = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return answer.stdout


def commit_all(folder: Path, message: str = "as it is") -> None:
    """Commit everything that lies in the repository."""
    git(folder, "add", "--all", ":/")
    git(folder, "commit", "--quiet", "-m", message)


def write_repository(top: Path, **files: str | bytes) -> Path:
    """A repository with an estate in its folder `exports`; everything is committed. The estate's folder."""
    folder = written.write_estate(top / "exports", **files)
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "config", "user.name", "Ana Lopez")
    git(top, "config", "user.email", "ana@example.gov.uk")
    (top / "README.md").write_text("ours\n")
    commit_all(top)
    return folder


def state_of(top: Path) -> tuple[str, str, str, dict[str, bytes]]:
    """What closing must leave alone: what is checked out, the index, what is not committed, and every file."""
    files = {
        str(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if ".git" not in path.parts and path.is_file()
    }
    return (
        git(top, "rev-parse", "--symbolic-full-name", "HEAD"),
        git(top, "ls-files", "--stage"),
        git(top, "status", "--short"),
        files,
    )
