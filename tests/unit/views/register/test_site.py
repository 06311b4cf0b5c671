"""A register writes a folder of its own, and removes nothing that it has not written."""

from pathlib import Path

import pytest

from data_exports.errors import RefusedError
from data_exports.views.register.site import MANIFEST, write_site


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_it_is_written_anew_in_place_of_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "site"
    assert write_site(folder, [("index.html", "one"), ("datasets/a.html", "a")]) == {
        "index.html": 3,
        "datasets/a.html": 1,
    }
    assert write_site(folder, [("index.html", "zwölf")]) == {"index.html": 6}
    assert contents(folder) == {"index.html": "zwölf", MANIFEST: '{"files": ["index.html"], "whose": ""}'}
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_that_holds_something_else_is_refused_and_left(tmp_path: Path) -> None:
    write_site(tmp_path / "site", [("index.html", "one")])
    (tmp_path / "site" / "notes.txt").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(RefusedError, match=r"holds what no register wrote: 'notes\.txt'"):
        write_site(tmp_path / "site", [("index.html", "two")])
    assert contents(tmp_path) == before


@pytest.mark.parametrize("manifest", ["{", "[]", '{"files": 3}', "{}"])
def test_a_manifest_that_says_nothing_protects_everything(tmp_path: Path, manifest: str) -> None:
    (tmp_path / MANIFEST).write_text(manifest)
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(RefusedError):
        write_site(tmp_path, [("index.html", "ours")])
    assert (tmp_path / "index.html").read_text() == "mine"


def test_a_link_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "file").write_text("x")
    for name in ("link", "file"):
        with pytest.raises(RefusedError, match="this is no folder"):
            write_site(tmp_path / name, [("index.html", "x")])


def test_pages_that_fail_leave_the_register_before(tmp_path: Path) -> None:
    write_site(tmp_path / "site", [("index.html", "one")])
    with pytest.raises(ZeroDivisionError):
        write_site(tmp_path / "site", ((f"{1 // n}.html", "x") for n in (1, 0)))
    assert contents(tmp_path) == {
        "site/index.html": "one",
        f"site/{MANIFEST}": '{"files": ["index.html"], "whose": ""}',
    }


def test_the_register_of_one_account_and_the_whole_one_never_take_each_others_place(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    write_site(folder, [("index.html", "theirs")], whose="460183957226")
    write_site(folder, [("index.html", "theirs, newer")], whose="460183957226")
    for whose, said in (("", "of everything"), ("754256621582", "for 754256621582")):
        with pytest.raises(RefusedError, match=f"holds the register for 460183957226, and this one is {said}"):
            write_site(folder, [("index.html", "everything")], whose=whose)
    assert (folder / "index.html").read_text() == "theirs, newer"
