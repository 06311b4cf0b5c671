"""`exports check`: what it prints, where paths begin, and when it fails."""

from pathlib import Path

import pytest

from data_exports.cli.app import main
from tests.envelopes import read_json
from tests.unit.estate.written import PULL, PUSH, write_estate

EXAMPLE = Path(__file__).parents[3] / "examples" / "estate"
LINE = "push_datasets/a.yaml:1:7 EX205 error: 'Orders!' is not a dataset name"
HINT = (
    "did you mean 'orders'? use lower case letters, digits, _ and -, starting and ending with a letter or digit, "
    "at most 52 characters"
)


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("EXPORTS_ESTATE", raising=False)
    monkeypatch.chdir(tmp_path)
    return write_estate(tmp_path / "estate")


def _break(estate: Path) -> None:
    write_estate(estate, push=PUSH.replace("name: orders", "name: Orders!"))


def test_a_good_estate_prints_no_data_and_ends_with_0(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--estate", str(estate)]) == 0
    assert capsys.readouterr() == ("", "1 push and 1 pull dataset: no findings\n")


def test_errors_are_data_with_paths_from_here_and_end_with_1(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _break(estate)
    assert main(["check", "--estate", str(estate)]) == 1
    assert capsys.readouterr() == (
        f"estate/{LINE}\n    hint: {HINT}\n",
        "1 error: this estate cannot be deployed\n",
    )


def test_the_estate_of_the_current_folder_or_a_parent_is_checked(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _break(estate)
    monkeypatch.chdir(estate / "push_datasets")
    assert main(["check"]) == 1
    assert capsys.readouterr().out.startswith("a.yaml:1:7 EX205 error: ")


def test_the_environment_may_name_the_estate(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXPORTS_ESTATE", str(estate))
    assert main(["check"]) == 0
    assert capsys.readouterr().err == "1 push and 1 pull dataset: no findings\n"


def test_json_gives_the_same_facts(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _break(estate)
    assert main(["check", "--json", "--estate", "estate"]) == 1
    assert read_json(capsys.readouterr().out) == {
        "schema": "data-exports/check/1",
        "findings": [
            {
                "path": "estate/push_datasets/a.yaml",
                "line": 1,
                "column": 7,
                "code": "EX205",
                "severity": "error",
                "message": "'Orders!' is not a dataset name",
                "next_step": HINT,
            }
        ],
    }


def test_warnings_fail_with_strict_only(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_estate(estate, push=PUSH.replace("DPIA-1", "TBD"))
    assert main(["check", "--estate", "estate"]) == 0
    assert capsys.readouterr().err == "1 push and 1 pull dataset: 1 warning\n"
    assert main(["check", "--strict", "--estate", "estate"]) == 1


def test_a_named_folder_is_not_replaced_by_a_parent(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--estate", "estate/push_datasets"]) == 2
    next_step = "  next: give --estate the folder of exports.yaml\n"
    assert capsys.readouterr() == ("", f"error: estate/push_datasets: no exports.yaml in this folder\n{next_step}")


def test_a_folder_that_is_not_there_is_a_usage_error(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--estate", str(estate / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {estate}/nowhere: no such folder\n")


def test_the_example_estate_is_accepted_with_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--estate", str(EXAMPLE)]) == 0
    assert capsys.readouterr().err == "5 push and 4 pull datasets: 7 warnings\n"


def test_policies_that_would_be_too_large_are_errors(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_estate(estate)
    for number in range(40):
        file = estate / "push_datasets" / f"orders_{number}.yaml"
        file.write_text(PUSH.replace("name: orders", f"name: orders_{number}"))
    assert main(["check", "--estate", "estate"]) == 1
    out, err = capsys.readouterr()
    assert "EX701 error: role alpha_user_ana would carry" in out
    assert err == "1 error: this estate cannot be deployed\n"


@pytest.fixture
def mistaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An estate with a warning in one file and an error in another, which is the current folder."""
    monkeypatch.delenv("EXPORTS_ESTATE", raising=False)
    folder = write_estate(
        tmp_path / "estate", push=PUSH.replace("DPIA-1", "TBD"), pull=PULL.replace("alpha_user_ana", "root")
    )
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.usefixtures("mistaken")
@pytest.mark.parametrize(
    ("words", "code", "found", "said"),
    [
        (["push_datasets/a.yaml"], 0, ["EX601"], "1 file: 1 warning; and 1 error in other files\n"),
        (["push_datasets/a.yaml", "--strict"], 1, ["EX601"], "1 file: 1 warning; and 1 error in other files\n"),
        (["pull_datasets/../pull_datasets/b.yaml"], 1, ["EX501"], "1 file: 1 error; and 1 warning in other files\n"),
        (["push_datasets/a.yaml", "pull_datasets/b.yaml"], 1, ["EX501", "EX601"], "2 files: 1 error, 1 warning\n"),
        (["exports.yaml"], 0, [], "1 file: no findings; and 1 error, 1 warning in other files\n"),
        (["exports.yaml", "--estate", "."], 0, [], "1 file: no findings; and 1 error, 1 warning in other files\n"),
    ],
)
def test_of_named_files_their_own_findings_are_told_and_decide(
    words: list[str], code: int, found: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *words]) == code
    out, err = capsys.readouterr()
    assert ([line.split()[1] for line in out.splitlines() if not line.startswith(" ")], err) == (found, said)


@pytest.mark.usefixtures("mistaken")
def test_a_named_file_is_checked_from_anywhere_in_its_own_estate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", "estate/push_datasets/a.yaml"]) == 0
    write_estate(tmp_path / "other")
    capsys.readouterr()
    for words, said in (
        (["estate/push_datasets/zzz.yaml"], "error: estate/push_datasets/zzz.yaml: there is no such file\n"),
        (["estate/exports.yaml", "other/exports.yaml"], f"two estates: {tmp_path}/estate and {tmp_path}/other\n"),
        (["estate/exports.yaml", "--estate", "other"], "this is no declaration of the estate\n"),
    ):
        assert main(["check", *words]) == 2
        out, err = capsys.readouterr()
        assert (out, said in err) == ("", True), err
