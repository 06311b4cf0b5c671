"""Estates of any size for benchmarks, and git repositories of them.

In: a folder and a number of datasets. Out: the files. Effects: writes the folder, runs git.
"""

import os
import subprocess
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


def write_estate(folder: Path, *, datasets: int) -> Path:
    """An estate without findings: up to half of its datasets push, at most `PUSH_DATASETS`."""
    pushes = min(PUSH_DATASETS, datasets // 2)
    for name in ("push_datasets", "pull_datasets"):
        (folder / name).mkdir(parents=True)
    (folder / "exports.yaml").write_text(PLATFORM, encoding="utf-8")
    for number in range(datasets):
        kind, text = ("push", _push(number)) if number < pushes else ("pull", _pull(number))
        (folder / f"{kind}_datasets" / f"{kind}_{number:05}.yaml").write_text(text, encoding="utf-8")
    return folder


def change_one(folder: Path) -> None:
    """Let one more outsider read one dataset."""
    file = sorted((folder / "pull_datasets").iterdir())[0]
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("users:\n", "  - arn:aws:iam::754256621582:role/one-more\nusers:\n"), encoding="utf-8")


def commit_all(folder: Path) -> None:
    """Make the folder a git repository whose only commit holds everything."""
    names = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "estate"]):
        subprocess.run(["git", *words], cwd=folder, env=environment, check=True)


def _users(number: int) -> str:
    group = number // DATASETS_PER_USER
    return f"users:\n  - alpha_user_reader-{group}\n  - alpha_app_loader-{group}\n".replace(
        "alpha_app", "alpha_user_app"
    )


def _push(number: int) -> str:
    return f"""\
name: push_{number:05}
description: Daily listing number {number}
owner: Data Team {number}
target_bucket: landing-{number:05}
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
