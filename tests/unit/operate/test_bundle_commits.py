"""From which commit a deployment came: as it says itself, or as git here has its declaration."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data_exports.contract.change_sets import ClaimedCommit
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Dataset
from data_exports.operate.bundles.commits import AskedDeployment, NamedCommit, commits_of_deployments
from data_exports.stacks.stack import declaration_of, plain_of
from tests.unit.reviews.git_estate import git, write_repository

EARLY, LATE = datetime(2031, 1, 1, tzinfo=UTC), datetime(2031, 3, 1, tzinfo=UTC)


def deployed(dataset: Dataset) -> Any:
    return json.loads(json.dumps(plain_of({"of": declaration_of(dataset)})))["of"]


def first_push(folder: Path) -> Dataset:
    return load_estate(folder).require().push_datasets[0]


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, list[str], list[Any]]:
    """An estate whose push dataset had three declarations, the third as the first; commits and declarations."""
    folder = write_repository(tmp_path)
    dataset = first_push(folder)
    text = dataset.place.path.read_text()
    commits, declarations = [git(tmp_path, "rev-parse", "HEAD").strip()], [deployed(dataset)]
    for moment, description in (("2031-02-01T00:00:00Z", "another"), ("2031-02-20T00:00:00Z", "")):
        dataset.place.path.write_text(f"{text}description: {description}\n" if description else text)
        git(tmp_path, "add", "--all", ":/")
        git(tmp_path, "commit", "--quiet", "-m", f"to <{description}>", moment=moment)
        commits.append(git(tmp_path, "rev-parse", "HEAD").strip())
        declarations.append(deployed(first_push(folder)))
    assert declarations[0] == declarations[2] != declarations[1]
    return folder, commits, declarations


def found(folder: Path, *asked: AskedDeployment) -> list[tuple[str, bool, bool, bool | None] | None]:
    told = commits_of_deployments(folder, first_push(folder), asked)
    return [
        (each.commit_id, each.is_named, each.is_edited, each.has_declaration) if each else None for each in told.commits
    ]


def test_the_commit_that_a_deployment_names_is_held_against_git(repository: tuple[Path, list[str], list[Any]]) -> None:
    folder, commits, declarations = repository
    unknown = "0" * 40
    assert found(
        folder,
        AskedDeployment(LATE, declarations[1], ClaimedCommit(commits[1])),
        AskedDeployment(LATE, declarations[1], ClaimedCommit(commits[0], is_edited=True)),
        AskedDeployment(LATE, declarations[1], ClaimedCommit(unknown)),
    ) == [(commits[1], True, False, True), (commits[0], True, True, False), (unknown, True, False, None)]


def test_one_that_names_none_is_the_last_before_it_that_has_its_declaration(
    repository: tuple[Path, list[str], list[Any]],
) -> None:
    folder, commits, declarations = repository
    told = commits_of_deployments(folder, first_push(folder), [AskedDeployment(LATE, declarations[1], None)])
    (named,) = told.commits
    assert isinstance(named, NamedCommit)
    assert named.commit is not None
    assert (named.commit.subject, named.commit.author) == ("to <another>", "Ana Lopez")
    assert found(
        folder,
        AskedDeployment(datetime(2031, 2, 10, tzinfo=UTC), declarations[1], None),
        AskedDeployment(LATE, declarations[2], None),
        AskedDeployment(EARLY, declarations[1], None),
        AskedDeployment(LATE, {"name": "other"}, None),
        AskedDeployment(LATE, {}, None),
    ) == [
        (commits[1], False, False, True),
        (commits[2], False, False, True),
        (commits[1], False, False, True),
        None,
        None,
    ]


def test_without_git_nothing_is_found_and_it_says_why(tmp_path: Path) -> None:
    folder = write_repository(tmp_path)
    dataset = first_push(folder)
    (tmp_path / ".git").rename(tmp_path / "not-git")
    told = commits_of_deployments(folder, dataset, [AskedDeployment(LATE, deployed(dataset), None)])
    assert told.commits == (None,)
    assert "git has no history of this folder" in told.gap
