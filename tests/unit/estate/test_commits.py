"""What git's commits say of an estate's files; and what is said where git cannot tell."""

from pathlib import Path

from data_exports.estate.commits import Commits, FileChange, read_commits
from tests.unit.reviews.git_estate import commit_all, git, write_repository


def test_each_commit_names_its_files_from_the_estates_folder_its_author_and_its_pull_request(tmp_path: Path) -> None:
    folder = write_repository(tmp_path)
    (dataset,) = (folder / "pull_datasets").iterdir()
    dataset.write_text(dataset.read_text() + "# more\n")
    commit_all(tmp_path, "Say more (#17)")
    dataset.unlink()
    commit_all(tmp_path, 'Merge pull request #18 from "us"')
    (tmp_path / "README.md").write_text("not of the estate\n")
    commit_all(tmp_path, "of the repository alone")
    path = dataset.relative_to(folder).as_posix()
    removed, changed, added = read_commits(folder).commits
    assert [(each.author, each.pull_request) for each in (removed, changed, added)] == [
        ("Ana Lopez", "18"),
        ("Ana Lopez", "17"),
        ("Ana Lopez", ""),
    ]
    assert (removed.changes, changed.changes) == ((FileChange(path, "removed"),), (FileChange(path, "changed"),))
    assert FileChange("exports.yaml", "added") in added.changes
    assert added.commit_id == git(tmp_path, "rev-list", "--max-parents=0", "HEAD").strip()


def test_a_merge_is_told_by_what_it_brings(tmp_path: Path) -> None:
    folder = write_repository(tmp_path)
    git(tmp_path, "switch", "--quiet", "--create", "side")
    (folder / "exports.yaml").write_text((folder / "exports.yaml").read_text() + "# more\n")
    commit_all(tmp_path, "on the side")
    git(tmp_path, "switch", "--quiet", "main")
    git(tmp_path, "merge", "--quiet", "--no-ff", "-m", "Merge pull request #9 from side", "side")
    merged = read_commits(folder).commits[0]
    assert (merged.pull_request, merged.changes) == ("9", (FileChange("exports.yaml", "changed"),))


def test_what_is_not_committed_is_said(tmp_path: Path) -> None:
    folder = write_repository(tmp_path)
    (folder / "register").mkdir()
    (folder / "register" / "index.html").write_text("built\n")
    (tmp_path / "README.md").write_text("edited\n")
    assert not read_commits(folder).is_edited
    for path in ("exports.yaml", "push_datasets/new.yaml", "pull_datasets/b.yaml", "reviews/2026-Q4.yaml"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text("edited\n")
        assert read_commits(folder).is_edited, path
        commit_all(folder)
        assert not read_commits(folder).is_edited


def test_a_folder_in_no_repository_has_a_gap_that_says_so(tmp_path: Path) -> None:
    found = read_commits(tmp_path)
    assert found == Commits(gap=found.gap)
    assert found.gap.startswith("git has no history of this folder: ")


def test_a_shallow_clone_says_that_it_is_one(tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "whole")
    (folder / "exports.yaml").write_text((folder / "exports.yaml").read_text() + "# more\n")
    commit_all(tmp_path / "whole")
    git(tmp_path, "clone", "--quiet", "--depth=1", (tmp_path / "whole").as_uri(), "shallow")
    found = read_commits(tmp_path / "shallow" / "exports")
    assert len(found.commits) == 1
    assert found.gap.startswith("this clone is shallow: ")
