"""An estate as it was at a git revision, read without touching the work tree.

In: the estate's folder and a revision. Out: `Revision`, or `UsageError` when git does not know it. Effects: runs `git`,
which only reads, and keeps the files in a temporary folder while they are read. What is in the tree is not trusted:
blobs are taken by their ids, names that are no file names are refused, a link becomes one that leads nowhere, which the
loader refuses.
"""

import hashlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter
from pathlib import Path

from data_exports.errors import DeclarationError, UsageError
from data_exports.estate.file_kinds import PLATFORM_FILE
from data_exports.estate.findings import Finding, Severity
from data_exports.estate.git import read_blobs, reason_of_git, run_git
from data_exports.estate.loader import (
    DECLARATION_SUFFIXES,
    FOLDERS,
    Loaded,
    load_estate,
)
from data_exports.estate.models import Dataset, Estate
from data_exports.limits import DECLARATION_BYTES
from data_exports.names import slug_of

BATCH_BYTES = 64 * 1024 * 1024
"""So much of a revision is held in memory at once."""
SHORT_ID = 12


@dataclass(frozen=True, slots=True)
class Revision:
    """What an estate's folder held at a revision."""

    name: str
    """For people: ``main (1f0a9c3e5d7b)``."""
    estate: Estate | None = None
    """None when there was no ``exports.yaml`` in this folder."""
    findings: tuple[Finding, ...] = ()
    """The warnings; their paths begin at the estate's folder."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a git tree."""

    mode: str
    object_id: str
    size_bytes: int
    name: str

    @property
    def is_link(self) -> bool:
        return self.mode == "120000"

    @property
    def is_file(self) -> bool:
        return self.mode.startswith("100")

    @property
    def is_submodule(self) -> bool:
        return self.mode == "160000"

    @property
    def is_folder(self) -> bool:
        return not self.is_link and not self.is_file


@dataclass(frozen=True, slots=True)
class Asked:
    """How the revision was asked for, for messages."""

    option: str = "--base"
    otherwise: str = "plan against what is deployed instead: `exports plan --live`"
    """What to do where there is no such revision."""


def load_revision(
    folder: Path, revision: str, *, here: Loaded | None = None, today: date | None = None, asked: Asked = Asked()
) -> Revision:
    """The estate of `folder` as it was at `revision`; if this branch left it, where it did so.

    `here` is what the folder holds now: files that are the same in both are not read again. Raises `UsageError` when
    git does not know the revision, `DeclarationError` when there were errors in the estate.
    """
    repository = _Repository(folder, asked)
    prefix = repository.prefix()
    tip = repository.commit(revision)
    commit = repository.common_ancestor(tip) or tip
    name = f"{revision} ({tip[:SHORT_ID]})"
    if commit != tip:
        name = f"{revision} as this branch left it ({commit[:SHORT_ID]})"
    tree = repository.tree(f"{commit}:{prefix.rstrip('/')}")
    if tree is None or not any(entry.name == PLATFORM_FILE for entry in tree):
        return Revision(name)
    loaded = _load(repository, tree, folder, here, today)
    if loaded.estate is None:
        raise _unusable(name, f"{revision}:{prefix}", loaded.findings, asked)
    return Revision(name, loaded.estate, loaded.findings)


def _load(
    repository: "_Repository", tree: Sequence[_Entry], folder: Path, here: Loaded | None, today: date | None
) -> Loaded:
    """What the tree of an estate holds; findings have paths from there."""
    with tempfile.TemporaryDirectory(prefix="exports-revision-") as temporary:
        root = Path(temporary)
        files = list(_files_of(repository, tree, root))
        same = _same_files(files, root, folder) if here and here.estate else frozenset()
        repository.write(each for each in files if each[1].name == PLATFORM_FILE or _inside(each[0], root) not in same)
        loaded = load_estate(root, today=today)
    found = Loaded(loaded.estate, tuple(_from_folder(finding, root) for finding in loaded.findings))
    if not same or not here or not here.estate or not found.estate:
        return found
    whole = _joined(found.estate, here.estate, lambda dataset: _inside(dataset.place.path, folder) in same)
    if whole is None:
        return _load(repository, tree, folder, None, today)
    kept = (_from_folder(finding, folder) for finding in here.findings if _inside(finding.place.path, folder) in same)
    return Loaded(whole, tuple(sorted({*found.findings, *kept})))


def _same_files(files: Sequence[tuple[Path, _Entry]], root: Path, folder: Path) -> frozenset[Path]:
    """The files that are here byte for byte as they were; none if the platform is not, which may judge all anew."""
    same = frozenset(
        _inside(path, root)
        for path, entry in files
        if entry.is_file and _git_id(folder / _inside(path, root), entry) == entry.object_id
    )
    return same if Path(PLATFORM_FILE) in same else frozenset()


def _git_id(path: Path, like: _Entry) -> str:
    """The id that git gives to what the file holds; ``""`` when that cannot be the entry's.

    https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    """
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size != like.size_bytes or facts.st_size > DECLARATION_BYTES:
            return ""
        content = path.read_bytes()
    except OSError:
        return ""
    digest = hashlib.new("sha1" if len(like.object_id) == 40 else "sha256", usedforsecurity=False)
    digest.update(b"blob %d\0" % len(content) + content)
    return digest.hexdigest()


def _joined(found: Estate, here: Estate, is_same: Callable[[Dataset], bool]) -> Estate | None:
    """The datasets found and those that are the same here; None if two of them cannot be in one estate."""
    push = [*found.push_datasets, *filter(is_same, here.push_datasets)]
    pull = [*found.pull_datasets, *filter(is_same, here.pull_datasets)]
    names = [slug_of(dataset.name) for dataset in (*push, *pull)]
    if len(set(names)) != len(names):
        return None
    by_name = attrgetter("name")
    return Estate(found.platform, tuple(sorted(push, key=by_name)), tuple(sorted(pull, key=by_name)))


def _files_of(repository: "_Repository", tree: Sequence[_Entry], root: Path) -> Iterator[tuple[Path, _Entry]]:
    """Each file that the loader may look at, and where it goes; makes the folders."""
    for entry in tree:
        path = root / _file_name(entry.name)
        if entry.is_folder:
            if entry.name.startswith("."):
                continue
            path.mkdir()
            if entry.is_submodule:
                (path / ".git").touch()
            inner = repository.tree(entry.object_id) if not entry.is_submodule else ()
            for each in inner or ():
                if not each.is_folder and (entry.name in FOLDERS or _is_declaration(each)):
                    yield path / _file_name(each.name), each
        elif _is_declaration(entry) or entry.name in FOLDERS:
            yield path, entry


def _is_declaration(entry: _Entry) -> bool:
    return entry.name.endswith(DECLARATION_SUFFIXES)


def _file_name(name: str) -> str:
    """The name, if a file can have it: git itself stores any bytes."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise UsageError(f"the revision holds a file of the name {name!r}, which is no file name")
    return name


def _from_folder(finding: Finding, root: Path, shown: str = "") -> Finding:
    """The finding with its path from the estate's folder, after `shown`."""
    return replace(finding, place=replace(finding.place, path=Path(f"{shown}{_inside(finding.place.path, root)}")))


def _inside(path: Path, folder: Path) -> Path:
    try:
        return path.relative_to(folder)
    except ValueError:  # of something else
        return path


def _unusable(name: str, shown: str, findings: Sequence[Finding], asked: Asked) -> DeclarationError:
    """The error for a revision that holds errors, which are named as git names files: ``main:exports.yaml``."""
    errors = [_from_folder(each, Path(), shown) for each in findings if each.severity is Severity.ERROR]
    listed = "\n".join(str(error) for error in errors)
    return DeclarationError(
        f"the declarations of {name} hold errors, so nobody can tell what they granted\n{listed}",
        next_step=f"name another revision, or {asked.otherwise}",
    )


class _Repository:
    """The git repository that a folder is in."""

    def __init__(self, folder: Path, asked: Asked) -> None:
        self._folder = folder
        self._asked = asked

    def prefix(self) -> str:
        """The folder's path in the repository, with ``/`` at its end; ``""`` at the root."""
        answer = self._git("rev-parse", "--show-prefix")
        if answer.returncode:
            raise UsageError(
                f"this folder is in no git work tree: {reason_of_git(answer)}",
                where=str(self._folder),
                next_step=self._asked.otherwise,
            )
        return os.fsdecode(answer.stdout).removesuffix("\n")

    def commit(self, revision: str) -> str:
        """The id of the commit that the revision names."""
        found = "" if revision.startswith("-") else self._id(f"{revision}^{{commit}}")
        if found:
            return found
        message, offered = f"git knows no revision {revision!r} here", self._offer(revision)
        raise UsageError(message, where=self._asked.option, next_step=offered)

    def common_ancestor(self, commit: str) -> str:
        """Where the work tree's branch left the commit's; ``""`` when git knows no such place."""
        return self._git("merge-base", commit, "HEAD").stdout.decode().strip()

    def tree(self, name: str) -> tuple[_Entry, ...] | None:
        """The entries of a folder, or None when there is none of this name."""
        found = self._id(name)
        if not found:
            return None
        answer = self._git("ls-tree", "-z", "-l", "--full-tree", found)
        self._check(answer)
        return tuple(_entry(line) for line in answer.stdout.split(b"\0") if line)

    def write(self, files: Iterable[tuple[Path, _Entry]]) -> None:
        """Write each file with its content; one that is too large for a declaration with its size alone."""
        batch: list[tuple[Path, _Entry]] = []
        size = 0
        for path, entry in files:
            if entry.size_bytes > DECLARATION_BYTES:
                _create(path, b"\0" * (DECLARATION_BYTES + 1))
                continue
            if entry.is_link:
                path.symlink_to(path.name)
                continue
            batch.append((path, entry))
            size += entry.size_bytes
            if size > BATCH_BYTES:
                self._write_batch(batch)
                batch, size = [], 0
        self._write_batch(batch)

    def _write_batch(self, files: Sequence[tuple[Path, _Entry]]) -> None:
        contents = read_blobs(self._folder, (entry.object_id for _, entry in files))
        for (path, _), content in zip(files, contents, strict=True):
            if content is None:
                raise UsageError(
                    f"git has not got the content of {path.name!r}",
                    next_step="fetch the revision whole: `git fetch --refetch`",
                )
            _create(path, content)

    def _id(self, name: str) -> str:
        """The id of the object, or ``""`` when git knows none of this name."""
        return self._git("rev-parse", "--verify", "--quiet", "--end-of-options", name).stdout.decode().strip()

    def _offer(self, revision: str) -> str:
        """What to do about a revision that git does not know."""
        if not revision.startswith("-") and self._id(f"refs/remotes/origin/{revision}"):
            return f"did you mean origin/{revision}?"
        if self._git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
            return (
                "this clone is shallow: `git fetch --unshallow` (in GitHub Actions: actions/checkout, fetch-depth: 0)"
            )
        return "name a branch, a tag or a commit that `git log` shows, or fetch it first"

    def _check(self, answer: "subprocess.CompletedProcess[bytes]") -> None:
        if answer.returncode:
            raise UsageError(f"git could not read the revision: {reason_of_git(answer)}", where=str(self._folder))

    def _git(self, *words: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return run_git(self._folder, *words, given=given)


def _entry(line: bytes) -> _Entry:
    facts, _, name = line.partition(b"\t")
    mode, _, object_id, size = facts.decode().split()
    return _Entry(mode, object_id, int(size) if size.isdigit() else 0, os.fsdecode(name))


def _create(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except (OSError, ValueError) as error:  # such as two names that this file system takes for one
        reason = ((isinstance(error, OSError) and error.strerror) or str(error)).lower()
        raise UsageError(f"{path.name!r} of the revision cannot be kept on this machine: {reason}") from error
