"""`exports fmt`: which files it rewrites, what it leaves, and how it ends."""

import stat
from pathlib import Path

import pytest

from data_exports.cli.app import main
from tests.envelopes import read_json
from tests.unit.estate.written import PUSH, write_estate

PLAIN = PUSH.replace("[alpha_user_ana]", "\n  - alpha_user_ana").replace(": \n", ":\n")


def test_files_are_rewritten_once(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = estate / "push_datasets" / "a.yaml"
    file.chmod(0o640)
    assert main(["fmt"]) == 0
    assert capsys.readouterr() == (
        "changed exports.yaml\nchanged push_datasets/a.yaml\nchanged pull_datasets/b.yaml\n",
        "3 files, 3 changed\n",
    )
    assert file.read_text(encoding="utf-8") == PLAIN
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert main(["fmt"]) == 0
    assert capsys.readouterr() == ("", "3 files, 0 changed\n")
    assert sorted(path.name for path in file.parent.iterdir()) == ["a.yaml"]


def test_check_changes_nothing_and_fails_while_a_file_would_change(
    estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", "--check"]) == 1
    assert capsys.readouterr().out.splitlines()[1] == "would change push_datasets/a.yaml"
    assert (estate / "push_datasets" / "a.yaml").read_text(encoding="utf-8") == PUSH
    main(["fmt"])
    assert main(["fmt", "--check"]) == 0


def test_named_files_alone_are_rewritten_wherever_their_estate_is(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(estate.parent)
    assert main(["fmt", "estate/push_datasets/a.yaml"]) == 0
    assert capsys.readouterr() == ("changed estate/push_datasets/a.yaml\n", "1 file, 1 changed\n")


def test_a_file_with_errors_is_left_and_stops_no_other(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = PUSH.replace("orders", "Orders!", 1)
    write_estate(estate, push=wrong)
    assert main(["fmt"]) == 1
    out, err = capsys.readouterr()
    assert out == "changed exports.yaml\nchanged pull_datasets/b.yaml\n"
    assert err.startswith(
        "left as it is: push_datasets/a.yaml: it holds errors\n"
        "push_datasets/a.yaml:1:7 EX205 error: 'Orders!' is not a dataset name\n"
    )
    assert err.endswith("3 files, 2 changed, 1 left as they are\n")
    assert (estate / "push_datasets" / "a.yaml").read_text(encoding="utf-8") == wrong


def test_json_gives_the_same_facts(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_estate(estate, push="", pull=PLAIN)
    assert main(["fmt", "--json", "--check"]) == 1
    facts = read_json(capsys.readouterr().out)["files"]
    assert [(each["path"], each["changed"], each["reason"]) for each in facts] == [
        ("exports.yaml", True, None),
        ("push_datasets/a.yaml", False, "it is no mapping of fields"),
        ("pull_datasets/b.yaml", False, "it holds errors"),
    ]
    assert "EX203" in [each["code"] for each in facts[2]["findings"]]


@pytest.mark.parametrize("name", ["README.md", "push_datasets/x.txt", "other/x.yaml", ".schemas/push.schema.json"])
def test_what_is_no_declaration_is_a_usage_error(name: str, estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", "push_datasets/a.yaml", name]) == 2
    assert capsys.readouterr().err.startswith(f"error: {name}: this is no declaration of the estate\n")
    assert (estate / "push_datasets" / "a.yaml").read_text(encoding="utf-8") == PUSH


def test_a_link_is_never_written_through(estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(PUSH, encoding="utf-8")
    (estate / "push_datasets" / "c.yaml").symlink_to(outside)
    assert main(["fmt"]) == 1
    assert "left as it is: push_datasets/c.yaml: it cannot be read\n" in capsys.readouterr().err
    assert outside.read_text(encoding="utf-8") == PUSH
