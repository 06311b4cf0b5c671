"""Files that are written while others read them."""

from pathlib import Path

from data_exports.estate.atomic_files import write_file


def test_whoever_reads_a_file_while_it_is_written_again_has_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "mover.zip"
    write_file(path, b"the first")
    with path.open("rb") as reader:
        write_file(path, b"2nd")
        assert (reader.read(), path.read_bytes()) == (b"the first", b"2nd")
    assert list(tmp_path.iterdir()) == [path]
