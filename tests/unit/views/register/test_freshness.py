"""What makes a register out of date."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from data_exports.views.register.freshness import freshness_of
from tests.unit.reviews.git_estate import commit_all, git, write_repository


def _edit_keeping_time_and_size(folder: Path) -> None:
    (path,) = (folder / "pull_datasets").iterdir()
    before = path.stat()
    new = path.with_name(".new")
    new.write_bytes(path.read_bytes()[::-1])
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)


def _review(folder: Path) -> None:
    (folder / "reviews").mkdir()
    (folder / "reviews" / "2026-Q4.yaml").write_text("review:\n")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a declaration is edited": lambda folder: (folder / "pull_datasets/b.yaml").write_text("name: b\n"),
    "as long and as old as it was": _edit_keeping_time_and_size,
    "one is added": lambda folder: (folder / "push_datasets" / "new.yaml").write_text("x"),
    "one is removed": lambda folder: next((folder / "pull_datasets").iterdir()).unlink(),
    "one is renamed": lambda folder: next((folder / "pull_datasets").iterdir()).rename(folder / "pull_datasets/z.yaml"),
    "the platform is edited": lambda folder: (folder / "exports.yaml").write_text("platform:\n"),
    "a review is begun": _review,
    "git's HEAD moves": lambda folder: git(folder, "commit", "--allow-empty", "--quiet", "-m", "nothing"),
    "there is no git any more": lambda folder: (folder.parent / ".git").rename(folder.parent / "away"),
    "the folder is gone": lambda folder: folder.rename(folder.with_name("elsewhere")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_out_of_date_once(change: str, tmp_path: Path) -> None:
    folder = write_repository(tmp_path)
    before = freshness_of(folder)
    assert freshness_of(folder) == before
    CHANGES[change](folder)
    after = freshness_of(folder)
    assert after != before
    assert freshness_of(folder) == after


def test_what_no_page_shows_leaves_it_as_it_is(tmp_path: Path) -> None:
    folder = write_repository(tmp_path)
    before = freshness_of(folder)
    (folder / "notes.txt").write_text("x")
    (tmp_path / "README.md").write_text("other")
    assert freshness_of(folder) == before
    commit_all(folder)
    assert freshness_of(folder) != before
