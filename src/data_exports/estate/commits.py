"""What git's commits say of an estate's declarations: which files each one added, changed or removed.

In: the estate's folder. Out: `Commits`; where git cannot tell, it says why. Effects: runs `git`, which only reads. What
a commit says of itself, its author and its pull request, is named here and proven by nobody.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from data_exports.contract.change_sets import ClaimedCommit
from data_exports.errors import UsageError
from data_exports.estate.file_kinds import ESTATE_PATHS
from data_exports.estate.git import reason_of_git, run_git

_PULL_REQUEST = re.compile(r"\(#(\d{1,9})\)\s*$|^Merge pull request #(\d{1,9})\b")
"""How GitHub writes it: at the end of a squashed commit's subject, or at the beginning of a merge's.
https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request"""
_DOINGS: dict[str, Literal["added", "removed"]] = {"A": "added", "D": "removed"}
_FORMAT = "%x01%H%x00%cI%x00%an%x00%s%x00"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file in one commit."""

    path: str
    """From the estate's folder, with ``/``."""
    doing: Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, in its own words."""

    commit_id: str
    moment: datetime
    author: str
    subject: str
    changes: tuple[FileChange, ...] = ()

    @property
    def pull_request(self) -> str:
        """The number of the pull request that it names, or ``""``."""
        found = _PULL_REQUEST.search(self.subject)
        return next(filter(None, found.groups()), "") if found else ""


@dataclass(frozen=True, slots=True)
class Commits:
    """The commits of an estate, the newest first."""

    commits: tuple[Commit, ...] = ()
    gap: str = ""
    """What of the history could not be read, and why."""
    is_edited: bool = False
    """Whether declarations or reviews are not as the last commit has them."""


def checkout_of(folder: Path) -> ClaimedCommit | None:
    """The commit that is checked out, and whether the declarations are as it has them; None where git cannot tell."""
    try:
        commit = run_git(folder, "rev-parse", "--verify", "HEAD^{commit}")
        edited = run_git(folder, "status", "--porcelain", "--", *ESTATE_PATHS)
    except (UsageError, OSError):
        return None
    if commit.returncode or edited.returncode:
        return None
    return ClaimedCommit(commit.stdout.decode().strip(), bool(edited.stdout.strip()))


def commit_here(folder: Path) -> str:
    """The id of the commit that is checked out, or ``""`` where git cannot tell."""
    found = checkout_of(folder)
    return found.commit_id if found else ""


def read_commits(folder: Path) -> Commits:
    """Every commit that touched a file of the estate. Merges are told by what they bring to the branch they end in."""
    try:
        answer = run_git(
            folder,
            *("-c", "core.quotePath=false", "log", "--first-parent", "-m", "--no-renames", "--name-status", "-z"),
            *("--relative", f"--format={_FORMAT}", "--", "."),
        )
        if answer.returncode:
            return Commits(gap=f"git has no history of this folder: {reason_of_git(answer)}")
        shallow = run_git(folder, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
        edited = run_git(folder, "status", "--porcelain", "--", *ESTATE_PATHS).stdout
    except UsageError as error:
        return Commits(gap=str(error))
    gap = "this clone is shallow: commits before its oldest are not seen, and what stood there counts as added by it"
    return Commits(tuple(_parsed(os.fsdecode(answer.stdout))), gap if shallow else "", bool(edited.strip()))


def _parsed(text: str) -> Iterator[Commit]:
    for record in text.split("\x01")[1:]:
        commit_id, moment, author, subject, *words = record.split("\0")
        words = [word.lstrip("\n") for word in words if word.strip("\n")]
        changes = tuple(
            FileChange(path, _DOINGS.get(letter[:1], "changed"))
            for letter, path in zip(words[::2], words[1::2], strict=False)
        )
        yield Commit(commit_id, datetime.fromisoformat(moment).astimezone(UTC), author, subject, changes)
