"""Tables on a narrow terminal: nothing is cut off, however long the names are."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from data_exports.estate.codes import Code
from data_exports.names import DatasetName
from data_exports.operate.status import DatasetStatus, Status
from data_exports.views.reference import explain_plainly
from data_exports.views.status import render_status
from data_exports.views.tables import headed_table, table
from tests.estates import PLATFORM

LONG = "exports-push-" + "a-very-long-name-" * 4
NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)


def test_on_a_terminal_words_wider_than_their_column_go_on_in_the_next_line() -> None:
    text = table([["create, blocked", LONG, "x" * 70], ["update", "b"]], width=60, colours={"create": "green"})
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert max(map(len, plain)) <= 60
    assert "…" not in text
    assert sorted("".join("".join(plain).split())) == sorted(f"create,blocked{LONG}{'x' * 70}updateb")


def test_columns_wider_than_the_terminal_become_a_few_lines_for_each_row() -> None:
    headings, rows = ("dataset", "state", "in hub", "oldest"), [("orders", "as declared", "12", "-")]
    columns = ["dataset  state        in hub  oldest", "orders   as declared  12      -"]
    assert headed_table(headings, rows) == headed_table(headings, rows, width=36) == columns
    assert headed_table(headings, rows, width=35) == ["orders", "  state as declared, in hub 12"]
    assert headed_table(headings, rows, width=20) == ["orders", "  state as declared,", "  in hub 12"]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_status_fits_a_narrow_terminal_and_tells_everything(width: int) -> None:
    name = DatasetName("a" * 36)
    row = DatasetStatus(name, "push", "as declared", "")
    status = Status(NOW, (row, replace(row, name=DatasetName("b" * 36))))
    lines = render_status(status, PLATFORM, width=width).splitlines()[2:]
    assert max(map(len, lines)) <= width
    assert lines[0] == name
    assert lines[1] == "  kind push, state as declared"


@pytest.mark.parametrize("code", Code)
def test_explanations_fit_a_narrow_terminal_but_for_what_stands_in_files(code: Code) -> None:
    own = [line for line in explain_plainly(code, width=60).splitlines()[1:] if not line.startswith("    ")]
    assert [line for line in own if len(line) > 60] == []
