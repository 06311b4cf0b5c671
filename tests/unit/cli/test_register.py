"""`exports register`: a site from the declarations alone, and what is said where something is amiss."""

import json
from pathlib import Path

import pytest

from data_exports.cli.app import main
from tests.envelopes import check_printed
from tests.unit.estate import written
from tests.unit.reviews.git_estate import write_repository


@pytest.fixture(autouse=True)
def _without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


def test_the_site_is_built_and_its_first_page_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = write_repository(tmp_path / "repository"), tmp_path / "site"
    assert main(["register", "--out", str(out), "--estate", str(folder)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{out}/index.html\n"
    assert "they name people" in said.err
    assert (out / "index.html").is_file()


def test_as_json_it_says_what_was_built_and_what_could_not_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = write_repository(tmp_path / "repository"), tmp_path / "site"
    (folder / "reviews").mkdir()
    (folder / "reviews" / "2026-Q4.yaml").write_text("nonsense: [\n")
    words = ["register", "--out", str(out), "--estate", str(folder), "--json"]
    code = main(words)
    said = capsys.readouterr()
    check_printed(words, said.out, said.err, code)
    found = json.loads(said.out)
    sizes = {path.relative_to(out).as_posix(): path.stat().st_size for path in out.rglob("*.*") if path.is_file()}
    del sizes[".exports-register.json"]
    pages = {path: size for path, size in sizes.items() if path.endswith(".html")}
    assert (code, len(found["commit"]), found["account"], found["findings"]) == (4, 40, None, [])
    assert {name: found[name] for name in ("folder", "exports", "pages", "files", "size_bytes", "names_people")} == {
        "folder": str(out),
        "exports": 2,
        "pages": len(pages),
        "files": len(sizes),
        "size_bytes": sum(sizes.values()),
        "names_people": True,
    }
    assert found["largest_page_bytes"] == pages[found["largest_page"]] == max(pages.values())
    (gap,) = found["not_read"]
    assert "2026-Q4.yaml" in gap


def test_what_is_for_one_account_says_that_it_names_nobody_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = write_repository(tmp_path / "repository"), tmp_path / "site"
    words = ["register", "--out", str(out), "--for", "754256621582", "--estate", str(folder), "--json"]
    assert main(words) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["account"], found["names_people"]) == ("754256621582", False)
    assert "they name nobody but 754256621582 and this platform" in said.err


def test_without_git_it_is_built_and_says_what_it_has_not_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = write_repository(tmp_path / "repository"), tmp_path / "site"
    (tmp_path / "repository" / ".git").rename(tmp_path / "away")
    assert main(["register", "--out", str(out), "--estate", str(folder)]) == 4
    assert "git has no history of this folder" in capsys.readouterr().err
    assert "Not read: git has no history of this folder" in (out / "index.html").read_text()


def test_errors_are_shown_on_pages_of_the_last_commit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = write_repository(tmp_path / "repository"), tmp_path / "site"
    (dataset,) = (folder / "pull_datasets").iterdir()
    dataset.write_text("nonsense: [\n")
    assert main(["register", "--out", str(out), "--estate", str(folder)]) == 1
    assert "the pages show the last commit" in capsys.readouterr().err
    page = (out / "index.html").read_text()
    assert "The declarations hold errors" in page
    assert "So the pages show the last commit, and not what the files say now." in page
    assert "it holds errors" not in page
    assert page.count('href="datasets/') == 2
    for each in (out / "datasets").iterdir():
        assert "added: as it is" in each.read_text()


def test_errors_in_the_last_commit_too_leave_out_the_files_that_hold_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "site"
    folder = write_repository(
        tmp_path / "repository",
        pull="name: tables\nusers: [alpha_user_ana]\n",
        push_datasets__twice=written.PUSH,
        push_datasets__unread="nonsense: [\n",
        push_datasets__other=written.PUSH.replace("orders", "others"),
    )
    assert main(["register", "--out", str(out), "--estate", str(folder), "--json"]) == 1
    said = capsys.readouterr()
    assert "the pages show what the other files declare, and them" in said.err
    left_out = ["pull_datasets/b.yaml", "push_datasets/twice.yaml", "push_datasets/unread.yaml"]
    assert json.loads(said.out)["not_read"] == [f"{path}: it holds errors" for path in left_out]
    assert sorted(each.name for each in (out / "datasets").iterdir()) == ["orders.html", "others.html"]
    page = (out / "index.html").read_text()
    errors = page[page.index("The declarations hold errors") : page.index("</section>")]
    assert [path in errors for path in left_out] == [True] * 3
    assert "So what these files declare is missing from the pages." in errors
    for each in (out / "datasets").iterdir():
        assert "Not read: pull_datasets/b.yaml: it holds errors." in each.read_text()


def test_without_a_platform_nothing_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "site"
    folder = write_repository(tmp_path / "repository", platform="platform:\n  region: eu-west-1\n")
    assert main(["register", "--out", str(out), "--estate", str(folder)]) == 1
    said = capsys.readouterr()
    assert ("'account' is missing" in said.err, said.out, out.exists()) == (True, "", False)


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_repository(tmp_path / "repository")
    assert main(["register", "--out", str(folder), "--estate", str(folder)]) == 1
    said = capsys.readouterr()
    assert (said.out, "holds what no register wrote" in said.err) == ("", True)
    assert (folder / "exports.yaml").is_file()


def test_an_account_that_gets_nothing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = write_repository(tmp_path / "repository"), tmp_path / "site"
    assert main(["register", "--out", str(out), "--for", "999999999999", "--estate", str(folder)]) == 2
    assert "no export goes to account 999999999999" in capsys.readouterr().err
    assert not out.exists()


def test_what_aws_does_not_answer_leaves_no_site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    folder, out = write_repository(tmp_path / "repository"), tmp_path / "site"
    assert main(["register", "--out", str(out), "--live", "--estate", str(folder)]) == 3
    assert capsys.readouterr().out == ""
    assert not out.exists()


def test_one_account_and_what_aws_says_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["register", "--out", str(tmp_path / "site"), "--live", "--for", "754256621582"]) == 2
    assert "--for and --live exclude each other" in capsys.readouterr().err


def test_an_account_is_named_by_what_the_platform_calls_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    platform = f'{written.PLATFORM}  accounts:\n    "754256621582": Cloud Platform\n'
    folder, out = write_repository(tmp_path / "repository", platform=platform), tmp_path / "site"
    built = []
    # The name and the id are one: the second takes the first's folder.
    for account in ("cloud platform", "754256621582"):
        assert main(["register", "--out", str(out), "--for", account, "--estate", str(folder), "--json"]) == 0
        built.append(json.loads(capsys.readouterr().out))
    assert built[0] == built[1]
    assert built[0]["account"] == "754256621582"
    assert main(["register", "--out", str(out), "--for", "Cloud Plattform", "--estate", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "error: --for: 'Cloud Plattform' is neither an AWS account id nor one of the names in `accounts`" in said
    assert 'did you mean "Cloud Platform"?' in said


@pytest.mark.parametrize("account", ["", " "])
def test_a_for_that_names_nobody_builds_nothing(
    account: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_repository(tmp_path / "repository")
    assert main(["register", "--out", str(tmp_path / "site"), "--for", account, "--estate", str(folder)]) == 2
    assert "error: --for" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()
