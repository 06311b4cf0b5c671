"""From which commit a deployment came: the one that it names, held against git here, or one that has its declaration.

In: the estate's folder, a dataset, deployments as the log has them. Out: commits, found by making of each what a
deployment would hold. Effects: runs git, which only reads. That a deployment names a commit is logged; that it came of
it is a claim, and so is what a commit says of itself. Anybody with the repository can look.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from data_exports.contract.change_sets import ClaimedCommit
from data_exports.errors import UsageError
from data_exports.estate.commits import Commit, read_commits
from data_exports.estate.file_kinds import PLATFORM_FILE, PULL, PUSH
from data_exports.estate.git import read_blobs
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Dataset, PushDataset
from data_exports.stacks.stack import declaration_of, plain_of
from data_exports.stacks.written import NOWHERE

MOST_COMMITS = 500
"""So many commits of the file are looked at, the newest first."""
Declaration = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NamedCommit:
    """A commit that a deployment is said to come from."""

    commit_id: str
    is_named: bool
    """Whether the deployment itself names it; otherwise it was found here, by its declaration."""
    is_edited: bool = False
    """Whether the deployment says that its files were not all as the commit has them."""
    has_declaration: bool | None = None
    """Whether git here has this very declaration in it; None where git does not know the commit, or cannot read it."""
    commit: Commit | None = None
    """What it says of itself, where it has touched the estate."""


@dataclass(frozen=True, slots=True)
class DeclaredCommits:
    """What git tells."""

    commits: tuple[NamedCommit | None, ...]
    """Of each deployment that was asked about; None where it names none, and none has its declaration."""
    gap: str = ""
    """What of the history could not be read, and why."""


@dataclass(frozen=True, slots=True)
class AskedDeployment:
    """What is known of a deployment."""

    moment: datetime | None
    declaration: Declaration
    claim: ClaimedCommit | None


def commits_of_deployments(folder: Path, dataset: Dataset, asked: Iterable[AskedDeployment]) -> DeclaredCommits:
    """The commit that each names; of one that names none the last before it with its declaration, or the first."""
    history = read_commits(folder)
    path = f"{(PUSH if isinstance(dataset, PushDataset) else PULL).folder}/{dataset.place.path.name}"
    touching = [each for each in history.commits if any(change.path == path for change in each.changes)][:MOST_COMMITS]
    by_id = {each.commit_id: each for each in history.commits}
    every = [*asked]
    sought = [each.commit_id for each in touching] if any(each.claim is None for each in every) else []
    sought += [each.claim.commit_id for each in every if each.claim]
    declared_at = _declared_at(folder, path, str(dataset.name), sought)

    def named(each: AskedDeployment) -> NamedCommit | None:
        if each.claim:
            found, ident = declared_at.get(each.claim.commit_id), each.claim.commit_id
            has = None if found is None else found == each.declaration
            return NamedCommit(
                ident, is_named=True, is_edited=each.claim.is_edited, has_declaration=has, commit=by_id.get(ident)
            )
        same = [one for one in touching if each.declaration and declared_at.get(one.commit_id) == each.declaration]
        return _last_before(same, each.moment)

    return DeclaredCommits(tuple(map(named, every)), history.gap)


def _last_before(same: Sequence[Commit], moment: datetime | None) -> NamedCommit | None:
    before = [each for each in same if moment is None or each.moment <= moment]
    found = next(iter(before), same[-1] if same else None)
    return None if found is None else NamedCommit(found.commit_id, is_named=False, has_declaration=True, commit=found)


def _declared_at(folder: Path, path: str, name: str, commits: Iterable[str]) -> dict[str, Declaration]:
    """The declaration as a deployment of each of these commits would hold it; nothing of one that cannot be read."""
    ids, files = list(dict.fromkeys(commits)), (PLATFORM_FILE, path)
    try:
        contents = list(read_blobs(folder, (f"{each}:./{file}" for each in ids for file in files)))
    except UsageError:
        return {}
    declared = cache(partial(_declared_in, path, name))
    found = dict(zip(ids, map(declared, contents[::2], contents[1::2]), strict=True))
    return {each: declaration for each, declaration in found.items() if declaration is not None}


def _declared_in(path: str, name: str, platform: bytes | None, dataset: bytes | None) -> Declaration | None:
    if platform is None or dataset is None:
        return None
    texts = {
        NOWHERE / PLATFORM_FILE: platform.decode(errors="replace"),
        NOWHERE / path: dataset.decode(errors="replace"),
    }
    estate = load_estate(NOWHERE, proposed=texts).estate
    declared = [each for each in estate.datasets() if each.name == name] if estate else []
    found = [json.loads(json.dumps(plain_of({"of": declaration_of(each)})))["of"] for each in declared]
    return next(iter(found), None)
