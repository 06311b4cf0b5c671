"""Git, asked for what it knows of an estate's folder.

In: a folder and git's own words. Out: its answer, as bytes. Effects: runs `git`, whose variables for hooks are taken
away, because they would name another repository. Nothing here writes; `reviews/branch` does, and nowhere but in git.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from data_exports.errors import UsageError

# Set by git for its hooks; they would name the repository that the hook is of, by a path from another folder.
_HOOK_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
_SETTINGS = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1"}


def run_git(
    folder: Path, *words: str, given: bytes = b"", variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """What git answers in this folder. Raises `UsageError` when there is no git on this machine."""
    environment = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    try:
        return subprocess.run(  # noqa: S603 - no shell; whoever calls has refused names that begin with -
            ["git", *words],  # noqa: S607 - the git that the person has
            cwd=folder,
            env={**environment, **_SETTINGS, **(variables or {})},
            input=given,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed, or not on the PATH", next_step="install git") from error


_NOBODYS_ID = "0" * 40


def read_blobs(folder: Path, names: Iterable[str]) -> Iterator[bytes | None]:
    """What git has under each of these names (`<commit>:./<path>`, or ids), in their order; None under what is no file.

    It is asked once for all of them, a line each: a name of several lines is nobody's. Raises `UsageError`. https://git-scm.com/docs/git-cat-file#_batch_output
    """
    asked = [_NOBODYS_ID if "\n" in name else name for name in names]
    answer = run_git(folder, "cat-file", "--batch", given="".join(f"{name}\n" for name in asked).encode())
    if answer.returncode:
        raise UsageError(f"git could not read the revision: {reason_of_git(answer)}", where=str(folder))
    begin, told = 0, answer.stdout
    for _ in asked:
        end = told.index(b"\n", begin) + 1
        _, kind, *size = told[begin:end].rsplit(maxsplit=2)
        if not size or not size[0].isdigit():  # "<name> missing": there is nothing behind it
            yield None
            begin = end
            continue
        yield told[end : end + int(size[0])] if kind == b"blob" else None
        begin = end + int(size[0]) + 1


def reason_of_git(answer: "subprocess.CompletedProcess[bytes]") -> str:
    """Why git did not do it, as git says it."""
    lines = answer.stderr.decode(errors="replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"git ended with {answer.returncode}"
