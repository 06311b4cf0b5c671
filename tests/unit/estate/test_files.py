"""Files and folders that cannot be read as they should: each is a finding, and nothing outside the estate is read."""

import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data_exports.errors import DeclarationError, UsageError
from data_exports.estate.findings import Place
from data_exports.estate.loader import find_estate, load_estate
from data_exports.limits import DECLARATION_BYTES
from tests.unit.estate.written import PULL, PUSH, load, said, write_estate

NOBODY = 65534


def _places(folder: Path) -> list[str]:
    return [line.split(" -> ")[0] for line in said(folder)]


@contextmanager
def _without_privileges(folder: Path) -> Iterator[None]:
    """The folder closed to us, even if the tests run as root."""
    folder.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


def test_a_folder_without_an_estate_says_what_is_missing(tmp_path: Path) -> None:
    assert _places(tmp_path / "nowhere") == [
        "exports.yaml:1:1 EX101 error: cannot be read: no such file or directory",
        "pull_datasets:1:1 EX112 warning: there is no such folder",
        "push_datasets:1:1 EX112 warning: there is no such folder",
    ]


def test_a_folder_we_may_not_read_is_a_finding(tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate")
    with _without_privileges(folder):
        lines = _places(folder)
    assert lines[0] == "exports.yaml:1:1 EX101 error: cannot be read: permission denied"


def test_a_declaration_that_is_a_folder_is_a_finding(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "push_datasets" / "c.yaml").mkdir()
    assert _places(folder) == ["push_datasets/c.yaml:1:1 EX101 error: is not a file"]


def test_a_declaration_that_is_a_pipe_is_a_finding_and_not_waited_for(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    os.mkfifo(folder / "push_datasets" / "c.yaml")
    assert _places(folder) == ["push_datasets/c.yaml:1:1 EX101 error: is not a file"]


@pytest.mark.parametrize("target", ["gone.yaml", "c.yaml", "a.yaml", "../shared.yaml", "/etc/hostname"])
def test_a_declaration_that_is_a_link_is_refused_wherever_it_leads(target: str, tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "shared.yaml").write_text(PUSH.replace("orders", "more"), encoding="utf-8")
    (folder / "push_datasets" / "c.yaml").symlink_to(target)
    assert "push_datasets/c.yaml:1:1 EX102 error: is a symbolic link" in _places(folder)
    assert load(folder).estate is None


def test_an_exports_yaml_that_is_a_link_is_refused(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "exports.yaml").rename(folder / "other.yaml")
    (folder / "exports.yaml").symlink_to("other.yaml")
    assert _places(folder) == ["exports.yaml:1:1 EX102 error: is a symbolic link"]


@pytest.mark.parametrize("place", ["shared", "../elsewhere"])
def test_a_folder_that_is_a_link_is_refused_and_not_read(place: str, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate")
    (folder / "push_datasets").rename(folder / place)
    (folder / "push_datasets").symlink_to(place)
    assert "push_datasets:1:1 EX102 error: is a symbolic link" in _places(folder)
    assert load(folder).estate is None


def test_a_folder_that_is_a_submodule_is_refused_and_not_read(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "push_datasets" / ".git").write_text("gitdir: ../.git/modules/push_datasets\n", encoding="utf-8")
    assert _places(folder) == ["push_datasets:1:1 EX102 error: is a git repository of its own, such as a submodule"]


def test_an_estate_may_itself_be_reached_through_a_link(tmp_path: Path) -> None:
    write_estate(tmp_path / "estate")
    (tmp_path / "link").symlink_to("estate")
    assert _places(tmp_path / "link") == []


def test_a_file_of_the_largest_size_is_read_and_a_larger_one_is_not(tmp_path: Path) -> None:
    most = PUSH + "#" * (DECLARATION_BYTES - len(PUSH))
    assert _places(write_estate(tmp_path, push=most)) == []
    assert _places(write_estate(tmp_path, push=most + "#")) == [
        "push_datasets/a.yaml:1:1 EX103 error: is larger than 262,144 bytes"
    ]


def test_of_files_of_many_megabytes_no_more_is_read_than_shows_that_they_are_too_large(tmp_path: Path) -> None:
    large = PUSH + "#" * 10_000_000
    folder = write_estate(tmp_path, platform=large, push=large, pull=large)
    tracemalloc.start()
    try:
        found = _places(folder)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == [
        f"{name}:1:1 EX103 error: is larger than 262,144 bytes"
        for name in ("exports.yaml", "pull_datasets/b.yaml", "push_datasets/a.yaml")
    ]
    assert peak < 4 * DECLARATION_BYTES


def test_other_files_are_mentioned_and_hidden_ones_and_readmes_only_if_they_end_like_declarations(
    tmp_path: Path,
) -> None:
    folder = write_estate(tmp_path)
    for name in ("notes.txt", "upper.YAML", "b.yaml~", ".x.yaml", ".gitkeep", "README.md", "README", "README.yml"):
        (folder / "push_datasets" / name).write_text("x", encoding="utf-8")
    (folder / "push_datasets" / "more").mkdir()
    assert _places(folder) == [
        f"push_datasets/{name}:1:1 EX111 warning: is not read"
        for name in (".x.yaml", "README.yml", "b.yaml~", "more", "notes.txt", "upper.YAML")
    ]


def test_both_endings_of_yaml_files_count(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "push_datasets" / "c.yml").write_text(PUSH.replace("orders", "more"), encoding="utf-8")
    loaded = load(folder)
    assert loaded.estate is not None
    assert len(loaded.estate.push_datasets) == 2


def test_a_folder_of_datasets_that_is_a_file_is_a_finding(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "push_datasets" / "a.yaml").unlink()
    (folder / "push_datasets").rmdir()
    (folder / "push_datasets").write_text("", encoding="utf-8")
    assert _places(folder) == ["push_datasets:1:1 EX101 error: cannot be read: not a directory"]


def test_a_misspelt_folder_is_mentioned(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "push_datasets").rename(folder / "push-datasets")
    assert said(folder) == [
        "push-datasets/a.yaml:1:1 EX111 warning: is not read -> move it to push_datasets/ or pull_datasets/",
        "push_datasets:1:1 EX112 warning: there is no such folder -> rename 'push-datasets' to 'push_datasets'",
    ]


def test_a_dataset_in_the_wrong_place_is_mentioned_and_other_files_are_not(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "datasets").mkdir()
    (folder / "datasets" / "c.yml").write_text(PUSH, encoding="utf-8")
    (folder / "d.yaml").write_text(PULL, encoding="utf-8")
    (folder / "mkdocs.yml").write_text("site_name: exports\n", encoding="utf-8")
    os.mkfifo(folder / "pipe.yaml")
    (folder / ".github").mkdir()
    (folder / ".github" / "e.yaml").write_text(PUSH, encoding="utf-8")
    hint = "is not read -> move it to push_datasets/ or pull_datasets/"
    assert said(folder) == [f"d.yaml:1:1 EX111 warning: {hint}", f"datasets/c.yml:1:1 EX111 warning: {hint}"]


def test_an_estate_may_have_one_kind_of_dataset_only(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "pull_datasets" / "b.yaml").unlink()
    (folder / "pull_datasets").rmdir()
    assert _places(folder) == []


def test_a_file_name_that_no_terminal_should_be_sent_is_shown_escaped(tmp_path: Path) -> None:
    folder = write_estate(tmp_path)
    (folder / "push_datasets" / "\x1b[2J.yaml").write_text("- a\n", encoding="utf-8")
    (finding,) = load_estate(folder).findings
    assert str(finding).startswith(f"{folder}/push_datasets/\\x1b[2J.yaml:1:1 EX201 error: ")
    assert str(Place(Path(os.fsdecode(b"\xff.yaml")))) == "\\udcff.yaml:1:1"


def test_the_estate_is_found_from_a_folder_below(tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate")
    assert find_estate(folder) == folder
    assert find_estate(folder / "push_datasets") == folder


def test_a_dangling_exports_yaml_is_found_so_that_it_can_be_reported(tmp_path: Path) -> None:
    (tmp_path / "exports.yaml").symlink_to("gone")
    assert find_estate(tmp_path) == tmp_path


def test_no_estate_anywhere_is_a_usage_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_estate(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no exports.yaml here or in any parent folder\n"
        "  next: go to an estate's folder, or name it with --estate; `exports init` makes a new one"
    )


def test_requiring_an_estate_with_errors_lists_them_all_and_no_warnings(tmp_path: Path) -> None:
    folder = write_estate(tmp_path, push=PUSH.replace("orders", "Orders").replace("paperwork", "paper"))
    with pytest.raises(DeclarationError) as caught:
        load(folder).require()
    path = folder / "push_datasets" / "a.yaml"
    assert [line for line in str(caught.value).splitlines() if "hint" not in line] == [
        "3 errors in the declarations",
        f"{path}:1:7 EX205 error: 'Orders' is not a dataset name",
        f"{path}:2:16 EX205 error: 'Orders-landing' is not an S3 bucket name",
        f"{path}:5:1 EX202 error: there is no field 'paper'",
        "  next: mend them, then see `exports check`",
    ]
