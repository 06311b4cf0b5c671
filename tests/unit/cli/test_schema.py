"""`exports schema`: what it prints, and how it puts schemas to use."""

import json
from pathlib import Path

import pytest

from data_exports.cli.app import main
from data_exports.estate.file_kinds import FILE_KINDS
from data_exports.estate.schemas import schema_of
from tests.envelopes import read_json
from tests.unit.estate.written import PUSH, load


def test_one_schema_or_all_are_printed_without_an_estate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["schema"]) == 0
    schemas = {kind.name: schema_of(kind) for kind in FILE_KINDS}
    assert read_json(capsys.readouterr().out) == {"schema": "data-exports/schema/1", **schemas}
    for kind in FILE_KINDS:
        assert main(["schema", kind.name]) == 0
        assert json.loads(capsys.readouterr().out) == schema_of(kind)


def test_writing_puts_schemas_and_their_line_into_the_estate_once(
    estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load(estate).estate
    assert main(["schema", "--check"]) == 1
    assert capsys.readouterr().err == "6 files would change\n"
    assert not (estate / ".schemas").exists()
    assert main(["schema", "--write"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "changed .schemas/platform.schema.json",
        "changed .schemas/push.schema.json",
        "changed .schemas/pull.schema.json",
        "changed exports.yaml",
        "changed push_datasets/a.yaml",
        "changed pull_datasets/b.yaml",
    ]
    file = estate / "push_datasets" / "a.yaml"
    assert file.read_text(encoding="utf-8") == f"# yaml-language-server: $schema=../.schemas/push.schema.json\n{PUSH}"
    assert (file.parent / "../.schemas/push.schema.json").is_file()
    assert main(["schema", "--check"]) == 0
    assert main(["fmt"]) == 0
    assert main(["schema", "--check"]) == 0
    after = load(estate)
    assert (after.estate, after.findings) == (before, ())


def test_a_schema_of_another_version_is_replaced(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["schema", "--write"])
    capsys.readouterr()
    (estate / ".schemas" / "pull.schema.json").write_text("{}", encoding="utf-8")
    assert main(["schema", "--write"]) == 0
    assert capsys.readouterr() == ("changed .schemas/pull.schema.json\n", "1 file changed\n")


def test_a_new_declaration_names_its_schema_where_others_do(estate: Path) -> None:
    main(["schema", "--write"])
    words = ["--target-bucket", "landing", "--user", "alpha_user_ana"]
    assert main(["new", "push", "more", *words]) == 0
    assert (estate / "push_datasets" / "more.yaml").read_text(encoding="utf-8").startswith("# yaml-language-server: ")
    assert main(["schema", "--check"]) == 0


def test_a_kind_cannot_be_written_alone(estate: Path) -> None:
    assert main(["schema", "push", "--write"]) == 2
    assert not (estate / ".schemas").exists()


def test_an_estate_that_cannot_be_written_to_is_said(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (estate / ".schemas").write_text("in the way", encoding="utf-8")
    assert main(["schema", "--write"]) == 1
    assert ".schemas/platform.schema.json: cannot be written: " in capsys.readouterr().err
