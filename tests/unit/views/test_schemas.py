"""Every answer in JSON is an envelope whose schema is published; so is every error."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from data_exports.__main__ import INTERRUPTED_AS_JSON
from data_exports.cli.app import main
from data_exports.destinations.kinds import AnyDestination
from data_exports.errors import ExportsError
from data_exports.operate.handover.halves import halves_of
from data_exports.views.envelope import enveloped, line_of
from data_exports.views.error import error_as_data
from data_exports.views.handover.data import handover_as_data
from data_exports.views.redrive import RedriveData
from data_exports.views.schemas import QUESTIONS, json_schema_of, write_schemas
from tests.envelopes import SCHEMAS, check_envelope, check_printed
from tests.estates import at_azure, at_google, at_s3, estate_of, push
from tests.json_data import json_data

ROOT = Path(__file__).parents[3]
ESTATE = str(ROOT / "examples" / "estate")
COMMANDS = sorted((ROOT / "src" / "data_exports" / "cli").glob("*.py"))


def test_the_published_schemas_are_those_of_the_code(tmp_path: Path) -> None:
    write_schemas(tmp_path)
    assert {path.name: path.read_text() for path in SCHEMAS.iterdir()} == {
        path.name: path.read_text() for path in tmp_path.iterdir()
    }


def test_the_guide_lists_every_schema() -> None:
    guide = (ROOT / "docs" / "json.md").read_text()
    assert [path.name for path in SCHEMAS.iterdir() if f"(schemas/{path.name})" not in guide] == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_schema_is_one_and_wants_its_own_name_first(question: str) -> None:
    schema: Any = json_schema_of(question)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert next(iter(schema["properties"].items())) == ("schema", {"const": f"data-exports/{question}/1"})


def test_every_question_that_a_command_answers_has_a_schema() -> None:
    assert set(_questions_answered()) == set(QUESTIONS) - {"plan-file"}


def _questions_answered() -> Iterator[str]:
    for path in COMMANDS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                question = node.args[0]
                if node.func.id in ("write_json", "write_answer", "line_of") and isinstance(question, ast.Constant):
                    yield str(question.value)


@pytest.mark.parametrize(
    "words",
    [
        ["check", "--json"],
        ["fmt", "--check", "--json"],
        ["who", "--json"],
        ["plan", "--base", "HEAD", "--json"],
        *(
            ["handover", name, "--offline", "--json"]
            for name in ("court_hearings", "custody_dashboard", "prison_population")
        ),
    ],
    ids=" ".join,
)
def test_what_a_command_prints_is_what_its_schema_says(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code = main([*words, "--estate", ESTATE])
    out, err = capsys.readouterr()
    assert out
    check_printed(words, out, err, code)


MOVED = {"dataset": "a", "dead_letters": 0, "moved": 0, "failing": 0, "handed_over": 0, "uploads": []}


@pytest.mark.parametrize(
    "facts",
    [
        {name: value for name, value in MOVED.items() if name != "moved"},
        MOVED | {"dead_letters": "0"},
        MOVED | {"more": 0},
    ],
    ids=["lacking", "of another type", "unnamed"],
)
def test_facts_that_are_not_as_the_schema_says_are_noticed(facts: dict[str, object]) -> None:
    check_envelope(enveloped("redrive", RedriveData("a", 0, 0, 0, 0, [])))
    with pytest.raises(jsonschema.ValidationError):
        check_envelope({"schema": "data-exports/redrive/1", **facts})


@pytest.mark.parametrize("there", [at_s3(), at_azure(), at_google()], ids=lambda there: type(there).__name__)
def test_the_half_of_every_kind_of_recipient_is_as_the_schema_says_whole_and_of_one_kind(there: AnyDestination) -> None:
    dataset = push(destination=there)
    said: Any = json_data(enveloped("handover", handover_as_data(halves_of(estate_of(dataset), dataset))))
    check_envelope(said)
    (half,) = said["handovers"]
    for wrong in (half | {"another": 1}, {name: value for name, value in half.items() if name != "probe_object"}):
        with pytest.raises(jsonschema.ValidationError):
            check_envelope(said | {"handovers": [wrong]})


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["who", "--nope"],
            {
                "kind": "usage",
                "message": "No such option: --nope (Possible options: --no-paperwork, --since)",
                "where": None,
                "next_step": "`exports COMMAND --help` shows how it is called",
                "exit_code": 2,
            },
        ),
        (
            ["status", "--estate", "/nonexistent"],
            {
                "kind": "usage",
                "message": "no such folder",
                "where": "/nonexistent",
                "next_step": "give --estate the folder of exports.yaml",
                "exit_code": 2,
            },
        ),
        (
            ["check", "--format", "json", "--estate", "/nonexistent"],
            {
                "kind": "usage",
                "message": "no such folder",
                "where": "/nonexistent",
                "next_step": "give --estate the folder of exports.yaml",
                "exit_code": 2,
            },
        ),
    ],
    ids=["typer", "ours", "with --format"],
)
def test_an_error_is_one_line_of_json_on_stderr(
    words: list[str], problem: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(words if "json" in words else [*words, "--json"])
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (problem["exit_code"], "", 1)
    assert json.loads(err) == {
        "schema": "data-exports/error/1",
        "error": {**problem, "aws_code": None, "request_id": None},
    }
    check_envelope(json.loads(err))


@pytest.mark.parametrize("words", [["check", "--format=json"], ["handover", "x", "--as=json"]], ids=" ".join)
def test_an_option_and_its_value_in_one_word_ask_for_json(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--estate", "/nonexistent"]) == 2
    assert json.loads(capsys.readouterr().err)["error"]["where"] == "/nonexistent"


def test_words_behind_two_dashes_and_words_that_others_take_ask_for_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--nope", "--", "--json"]) == 2
    assert "Usage: exports check" in capsys.readouterr().err


def test_an_interruption_before_anything_is_imported_is_told_as_any_other() -> None:
    class StoppedError(ExportsError):
        exit_code = 130
        kind = "interrupted"

    written = line_of("error", error_as_data(StoppedError("interrupted")))
    assert INTERRUPTED_AS_JSON.decode() == f"{written}\n"
