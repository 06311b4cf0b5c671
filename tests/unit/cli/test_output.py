"""What leaves the program: nothing of others reaches a terminal as a command, and nothing of it is left out."""

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from data_exports.cli.output import painted, wants_colour, write_data, write_json, write_progress
from data_exports.views.local import LocalEnvData

KEY = "report\x1b[2m-old\x1b[0m.csv"
SHOWN = r"report\x1b[2m-old\x1b[0m.csv"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=[io.StringIO, Terminal], ids=["pipe", "terminal"])
def stream(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    made: io.StringIO = request.param()
    return made


def test_a_key_that_holds_a_command_for_terminals_is_shown_whole_on_and_off_one(stream: io.StringIO) -> None:
    with redirect_stdout(stream), redirect_stderr(stream):
        write_data(f"a {KEY}\nb")
        write_progress(KEY)
        write_json("local-env", LocalEnvData({KEY: "\x9b\u202e"}))
    assert stream.getvalue() == (
        f"a {SHOWN}\nb\n{SHOWN}\n"
        '{\n  "schema": "data-exports/local-env/1",\n'
        '  "variables": {\n    "report\\u001b[2m-old\\u001b[0m.csv": "\\u009b\\u202e"\n  }\n}\n'
    )


def test_colours_of_ours_reach_a_terminal_alone(stream: io.StringIO) -> None:
    with redirect_stdout(stream):
        write_data(painted("error", "red", bold=True), styled=True)
    assert stream.getvalue() == ("\x1b[31m\x1b[1merror\x1b[0m\n" if stream.isatty() else "error\n")


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, True),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "TERM": "dumb"}, False),
    ],
)
def test_a_terminal_gets_colour_unless_its_environment_asks_for_none(
    variables: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"TERM": "xterm", **variables}.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(Terminal()) is wanted
    assert wants_colour(io.StringIO()) is False
    assert wants_colour(None) is False
