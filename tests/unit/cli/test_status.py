"""`exports status --watch`: what it shows, look by look."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from data_exports.cli.status import show_looks
from data_exports.errors import AwsError
from data_exports.names import DatasetName
from data_exports.operate.status import DatasetStatus, Status
from tests.estates import estate_of, push

NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)
ROW = DatasetStatus(DatasetName("hearings"), "push", "different", "[red]:x:[/red]")
FIRST = Status(NOW, (ROW,))
CHANGED = Status(NOW, (replace(ROW, reason="b"),))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def looks(*found: Status | AwsError) -> Callable[[], Status]:
    """What gives these, and then Ctrl-C."""
    left = list(found)

    def look() -> Status:
        if not left:
            raise KeyboardInterrupt
        each = left.pop(0)
        if isinstance(each, AwsError):
            raise each
        return each

    return look


def show(*found: Status | AwsError, as_json: bool) -> None:
    with pytest.raises(KeyboardInterrupt):
        show_looks(estate_of(push()), looks(*found), 0, as_json=as_json, every_row=False)


def test_as_json_each_change_is_a_line_and_so_is_an_error_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    show(FIRST, FIRST, AwsError("no\nanswer", code="Throttling"), CHANGED, as_json=True)
    out, err = capsys.readouterr()
    answers = [json.loads(line) for line in out.splitlines()]
    assert [(each["schema"], each["datasets"][0]["reason"]) for each in answers] == [
        ("data-exports/status/1", "[red]:x:[/red]"),
        ("data-exports/status/1", "b"),
    ]
    (error,) = map(json.loads, err.splitlines())
    assert (error["schema"], error["error"]["message"], error["error"]["aws_code"]) == (
        "data-exports/error/1",
        "no\nanswer",
        "Throttling",
    )


def test_on_a_terminal_it_shows_what_others_wrote_as_it_is_and_goes_on_without_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with redirect_stdout(Terminal()) as shown:
        show(FIRST, AwsError("no\nanswer", next_step="wait"), as_json=False)
    text = shown.getvalue()
    assert "! hearings: different: [red]:x:[/red]" in text
    assert "as of " in text
    assert "again every 0 s; Ctrl-C ends it" in text
    assert r"UTC: AWS did not answer this time: no\nanswer" in text


def test_on_a_narrow_terminal_nothing_of_a_look_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    with redirect_stdout(Terminal()) as shown:
        show(FIRST, as_json=False)
    text = shown.getvalue()
    assert "…" not in text
    assert "hearings\n  kind push, state different\n" in text.replace("\r", "")
