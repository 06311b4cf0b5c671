"""A review's consequences as one commit on a new branch: in git, and nowhere else.

In: an estate's folder, the texts that files are to have. Out: a `Branch`. Effects: objects and one new reference in the
repository. The work tree, the index and the branch that is checked out stay as they are: the commit is made in an index
of its own. https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
"""

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from data_exports.errors import RefusedError, UsageError
from data_exports.estate.git import reason_of_git, run_git
from data_exports.json_values import json_as

_PLAIN_FILE = "100644"


@json_as("branch=name commit base")
@dataclass(frozen=True, slots=True)
class Branch:
    """A branch that was made."""

    name: str
    commit: str
    base: str
    """The commit that it goes on from."""


class Committed:
    """The files of an estate's folder as the commit that is checked out has them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = self._asked("rev-parse", "--show-prefix").removesuffix("\n")
        self.head = self._asked("rev-parse", "--verify", "HEAD^{commit}").strip()

    def check_is_clean(self, paths: Iterable[str]) -> None:
        """Check that what lies here is what is committed. Raises `RefusedError` that names what is not."""
        lines = self._asked("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", *paths).split(
            "\0"
        )
        if changed := [line[3:].removeprefix(self._prefix) for line in lines if len(line) > 3]:
            raise RefusedError(
                f"not committed: {', '.join(changed[:5])}",
                where=str(self._folder),
                next_step="commit it first: the commit is what binds a decision to a person",
            )

    def text(self, path: Path) -> str:
        """What a file holds; its path is from the estate's folder."""
        return self._asked("cat-file", "blob", f"{self.head}:{self._prefix}{path.as_posix()}")

    def create_branch(self, name: str, message: str, texts: Mapping[Path, str], removed: Iterable[Path]) -> Branch:
        """Make a branch with one commit, in which these files have these texts, and the `removed` ones are gone.

        Raises `RefusedError` when there is a branch of this name.
        """
        self._check_name(name)
        with tempfile.TemporaryDirectory(prefix="exports-index-") as temporary:
            variables = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
            self._asked("read-tree", self.head, variables=variables)
            for path, text in texts.items():
                blob = self._asked("hash-object", "-w", "--stdin", given=text.encode()).strip()
                where = f"{self._mode_of(path)},{blob},{self._prefix}{path.as_posix()}"
                self._asked("update-index", "--add", "--cacheinfo", where, variables=variables)
            for path in removed:
                self._asked("update-index", "--force-remove", "--", path.as_posix(), variables=variables)
            tree = self._asked("write-tree", variables=variables).strip()
        commit = self._asked("commit-tree", *self._signing(), tree, "-p", self.head, given=message.encode()).strip()
        self._asked("update-ref", "-m", "exports review close", f"refs/heads/{name}", commit, "0" * len(commit))
        return Branch(name, commit, self.head)

    def _check_name(self, name: str) -> None:
        if name.startswith("-") or run_git(self._folder, "check-ref-format", "--branch", name).returncode:
            raise UsageError(f"{name!r} is no name of a branch", where="--branch", next_step="give another one")
        if not run_git(self._folder, "show-ref", "--verify", "--quiet", f"refs/heads/{name}").returncode:
            next_step = f"remove it, `git branch -D {name}`, or give another name with --branch"
            raise RefusedError(f"there is a branch {name} already", next_step=next_step)

    def _mode_of(self, path: Path) -> str:
        listed = self._asked("ls-tree", "--full-tree", self.head, f"{self._prefix}{path.as_posix()}")
        return listed.partition(" ")[0] or _PLAIN_FILE

    def _signing(self) -> tuple[str, ...]:
        """Commits made from objects are signed only when that is said, whatever the settings."""
        wanted = run_git(self._folder, "config", "--bool", "commit.gpgsign").stdout.strip()
        return ("-S",) if wanted == b"true" else ()

    def _asked(self, *words: str, given: bytes = b"", variables: Mapping[str, str] | None = None) -> str:
        """What git answers. Raises `RefusedError` with what it says when it does not."""
        answer = run_git(self._folder, *words, given=given, variables=variables)
        if answer.returncode:
            next_step = "a review is closed in git: make the estate's folder a repository, and commit it"
            if words[0] == "commit-tree":
                next_step = "say who you are: `git config user.name` and `git config user.email`"
            raise RefusedError(f"git {words[0]}: {reason_of_git(answer)}", where=str(self._folder), next_step=next_step)
        return os.fsdecode(answer.stdout)


def git_person(folder: Path) -> str:
    """Who commits here, as git is told: ``Ana Lopez <ana@example.gov.uk>``; ``""`` when it is not."""
    name, address = (
        run_git(folder, "config", key).stdout.decode(errors="replace").strip() for key in ("user.name", "user.email")
    )
    return f"{name} <{address}>" if name and address else name or address
