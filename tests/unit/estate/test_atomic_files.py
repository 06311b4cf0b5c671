"""Files that are written while others read them."""

from pathlib import Path

import pytest

from data_exports.estate.atomic_files import create_files, write_file


def test_whoever_reads_a_file_while_it_is_written_again_has_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "mover.zip"
    write_file(path, b"the first")
    with path.open("rb") as reader:
        write_file(path, b"2nd")
        assert (reader.read(), path.read_bytes()) == (b"the first", b"2nd")
    assert list(tmp_path.iterdir()) == [path]


def test_of_several_files_all_are_made_with_their_folders(tmp_path: Path) -> None:
    create_files({tmp_path / "a" / "b" / "one": "1", tmp_path / "a" / "two": "2"})
    assert (tmp_path / "a" / "b" / "one").read_text() + (tmp_path / "a" / "two").read_text() == "12"


def test_of_several_files_none_is_made_if_one_cannot_be_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "two").write_text("somebody's")
    before = sorted(tmp_path.rglob("*"))
    texts = {tmp_path / "a" / "b" / "one": "1", tmp_path / "there" / "new": "", tmp_path / "there" / "two": "2"}
    with pytest.raises(FileExistsError):
        create_files(texts)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "there" / "two").read_text() == "somebody's"
