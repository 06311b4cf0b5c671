"""Estates of any size for benchmarks, and git repositories of them.

In: a folder and a number of datasets. Out: the files. Effects: writes the folder, runs git.
"""

import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

PUSH_DATASETS = 100
"""The most that one hub can notify; all others are pull datasets."""

DATASETS_PER_USER = 8
"""Few enough for every user's role to hold its policies."""

PLATFORM = """\
platform:
  account: "593291632749"
  region: eu-west-1
  hub_bucket: bench-hub-exports
  pull_bucket_prefix: bench-
  user_roles:
    - alpha_user_*
  accounts:
    "754256621582": Cloud Platform
  alerts:
    - exports@example.gov.uk
"""


def write_estate(folder: Path, *, datasets: int, buckets: int = PUSH_DATASETS) -> Path:
    """An estate without findings: up to half of its datasets push, at most `PUSH_DATASETS`, to so many buckets."""
    pushes = min(PUSH_DATASETS, datasets // 2)
    for name in ("push_datasets", "pull_datasets"):
        (folder / name).mkdir(parents=True)
    (folder / "exports.yaml").write_text(PLATFORM, encoding="utf-8")
    for number in range(datasets):
        kind, text = ("push", _push(number, number % buckets)) if number < pushes else ("pull", _pull(number))
        (folder / f"{kind}_datasets" / f"{kind}_{number:05}.yaml").write_text(text, encoding="utf-8")
    return folder


def change_one(folder: Path) -> None:
    """Let one more outsider read one dataset."""
    file = sorted((folder / "pull_datasets").iterdir())[0]
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("users:\n", "  - arn:aws:iam::754256621582:role/one-more\nusers:\n"), encoding="utf-8")


def commit_all(folder: Path) -> None:
    """Make the folder a git repository whose only commit holds everything."""
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "estate"]):
        _run_git(folder, words)


def commit_history(folder: Path, *, now: datetime, days: int, commits: int) -> None:
    """Make the folder a git repository of so many commits over so many days.

    Every file is added by one and changed by others, as often as they suffice for, and ends up as it lies there.
    """
    files = sorted(path for path in folder.rglob("*.yaml") if ".git" not in path.parts)
    rounds = max(1, -(-commits // len(files)))
    edits = [(path, left) for left in reversed(range(rounds)) for path in files]
    commits = min(commits, len(edits))
    _run_git(folder, ["init", "-q", "-b", "main"])
    stream = b"".join(_imported(folder, edits, now=now, days=days, commits=commits))
    _run_git(folder, ["fast-import", "--quiet"], stream)
    _run_git(folder, ["reset", "-q"])


def _imported(
    folder: Path, edits: list[tuple[Path, int]], *, now: datetime, days: int, commits: int
) -> Iterator[bytes]:
    """The commits as ``git fast-import`` reads them. https://git-scm.com/docs/git-fast-import"""
    for number in range(commits):
        moment = now - timedelta(days) * (1 - (number + 1) / commits)
        subject = f"Change what is granted (#{number + 1})"
        committer = f"Ana Lopez {number % 40} <ana@example.gov.uk> {moment.timestamp():.0f} +0000"
        yield f"commit refs/heads/main\ncommitter {committer}\ndata {len(subject)}\n{subject}\n".encode()
        for path, left in edits[number * len(edits) // commits : (number + 1) * len(edits) // commits]:
            text = path.read_bytes() + (f"# {left} more changes\n".encode() if left else b"")
            yield f"M 100644 inline {path.relative_to(folder).as_posix()}\ndata {len(text)}\n".encode() + text + b"\n"


def _run_git(folder: Path, words: list[str], stdin: bytes = b"") -> None:
    names = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *words], cwd=folder, env=environment, input=stdin, check=True)


def _users(number: int) -> str:
    group = number // DATASETS_PER_USER
    return f"users:\n  - alpha_user_reader-{group}\n  - alpha_app_loader-{group}\n".replace(
        "alpha_app", "alpha_user_app"
    )


def _push(number: int, bucket: int) -> str:
    return f"""\
name: push_{number:05}
description: Daily listing number {number}
owner: Data Team {number}
target_bucket: landing-{bucket:05}
target_account: "754256621582"
{_users(number)}paperwork: https://example.gov.uk/dpia/{number}
"""


def _pull(number: int) -> str:
    return f"""\
name: pull_{number:05}
description: Published tables number {number}
owner: Data Team {number}
pull_arns:
  - arn:aws:iam::754256621582:role/exports/reader-{number:05}
{_users(number)}paperwork: https://example.gov.uk/dpia/{number}
expires: 2035-03-31
"""
