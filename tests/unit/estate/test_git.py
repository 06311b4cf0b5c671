"""Files as git has them: each name gets its own file's content, whatever the names are."""

import subprocess
from pathlib import Path

import pytest

from data_exports.errors import UsageError
from data_exports.estate.git import read_blobs

FILES = {"a.yaml": b"one\n", "b\nc.yaml": b"two", "with blank.yaml": b"", "empty missing": b"three"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def test_each_name_gets_its_own_content_and_one_of_several_lines_nobodys(repository: Path) -> None:
    names = ["a.yaml", "b\nc.yaml", "none.yaml", "with blank.yaml", "empty missing", "a.yaml"]
    found = list(read_blobs(repository, [f"HEAD:./{name}" for name in names]))
    assert found == [b"one\n", None, None, b"", b"three", b"one\n"]
    assert list(read_blobs(repository, ["HEAD", "HEAD:./a.yaml"])) == [None, b"one\n"]
    assert list(read_blobs(repository, [])) == []


def test_where_there_is_no_repository_git_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git could not read the revision"):
        list(read_blobs(tmp_path, ["HEAD:./a.yaml"]))
