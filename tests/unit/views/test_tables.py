"""Tables on a narrow terminal: nothing is cut off, however long the names are."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from data_exports.contract.receipts import receipt_of
from data_exports.destinations.destination import Lack, Party
from data_exports.estate.codes import Code
from data_exports.names import DatasetName, RoleName
from data_exports.operate.history import HistoryEntry
from data_exports.operate.people import Uploader
from data_exports.operate.probe.findings import Check, CheckAnswer, Probed
from data_exports.operate.status import DatasetStatus, Status
from data_exports.operate.who.holdings import holdings_of
from data_exports.operate.who.uses import Use, Uses
from data_exports.views.history import render_entry
from data_exports.views.probe import render_probed
from data_exports.views.reference import explain_plainly
from data_exports.views.status import render_status
from data_exports.views.tables import fitted, headed_table, table
from data_exports.views.who import render_holdings, render_uses
from tests.estates import PLATFORM, estate_of, pull
from tests.unit.operate.receipt_log import line

LONG = "exports-push-" + "a-very-long-name-" * 4
BUCKET = "s3://mojap-bail-research/"
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
    nothing = ("a-name-wider-than-that", "-", "-", "-")
    assert headed_table(headings, [nothing, *rows], width=35) == [
        nothing[0],
        "orders",
        "  state as declared, in hub 12",
    ]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_status_fits_a_narrow_terminal_and_tells_everything(width: int) -> None:
    name = DatasetName("a" * 36)
    row = DatasetStatus(name, "push", "as declared", "")
    status = Status(NOW, (row, replace(row, name=DatasetName("b" * 36))))
    lines = render_status(status, PLATFORM, width=width).splitlines()[2:]
    assert max(map(len, lines)) <= width
    assert lines[0] == name
    assert lines[1] == "  kind push, state as declared"


def test_a_line_that_is_too_wide_goes_on_in_the_next_with_whole_words() -> None:
    assert fitted("  read s3://mojap-lists/", None) == ["  read s3://mojap-lists/"]
    assert fitted("  read and write s3://mojap-bail-research/", 24) == ["  read and write", f"    {BUCKET}"]


@pytest.mark.parametrize("width", [24, 40, 60, 80])
def test_who_can_who_did_a_probe_and_receipts_fit_a_narrow_terminal_and_cut_no_name(width: int) -> None:
    user, key = RoleName("alpha_user_a-name-of-many-parts"), "hearings/2031/03/a-file-of-many-parts.csv"
    lists = pull("lists", users=(user,), paperwork=("https://example.gov.uk/dpia/987",))
    lack = Lack(Party.THEIRS, f"the policy of {BUCKET} lacks s3:PutObject for {user}", "exports handover lists")
    check = Check("put a small object", CheckAnswer.LACKING, f"AccessDenied on {BUCKET}", "s3:PutObject")
    failed = receipt_of(line(key) | {"outcome": "failed", "reason": f"the copy to {BUCKET} is refused"})
    uses = Uses(lists.name, (Use(lists.name, user, is_granted=None, uploads=0, last_upload=None),), ())
    for text in (
        render_holdings(holdings_of(estate_of(lists)), PLATFORM, now=NOW, width=width),
        render_uses(uses, since=NOW, width=width),
        render_probed(Probed("lists", f"{user} writes to {BUCKET}", (check,), (lack,)), width=width),
        render_entry(HistoryEntry(failed, Uploader("AROAANA:ana", user, "ana")), width=width),
    ):
        lines = text.splitlines()
        too_wide = [each for each in lines if len(each) > width and not each.startswith("  next: ")]
        assert [each for each in too_wide if len(each.split()) > 1 and len(each) > 45] == []
        assert width < 60 or too_wide == []
        assert any(str(user) in each.split() or key in each.split() for each in lines)


def test_what_fits_a_terminal_is_told_there_as_on_a_pipe() -> None:
    told = receipt_of(line() | {"outcome": "failed", "reason": "no"})
    assert render_entry(HistoryEntry(told, None), width=60) == render_entry(HistoryEntry(told, None))
    probed = Probed("lists", "somebody writes", (Check("listing", CheckAnswer.GOOD),), ())
    assert render_probed(probed, width=30) == render_probed(probed)


def test_where_a_row_does_not_fit_each_part_has_a_line_of_its_own() -> None:
    user = RoleName("alpha_user_ana")
    failed = receipt_of(line() | {"outcome": "failed", "reason": "the copy is refused"})
    assert render_entry(HistoryEntry(failed, Uploader("AROAANA:ana", user, "ana")), width=45) == (
        "2031-03-30 09:00:01  failed           3 B\n  hearings/a.csv\n  by alpha_user_ana (ana)\n  the copy is refused"
    )
    uses = Uses(DatasetName("lists"), (Use(DatasetName("lists"), user, True, 2, NOW),), ())
    assert render_uses(uses, since=NOW, width=40).splitlines() == [
        "lists, since 2031-03-31 12:00:00",
        "  alpha_user_ana",
        "    2 uploads, last 2031-03-31 12:00:00",
    ]
    check = Check("put a small object", CheckAnswer.LACKING, "AccessDenied: no", "s3:PutObject")
    probed = Probed("lists", "somebody writes", (check,), ())
    assert render_probed(probed, width=50).splitlines()[2:4] == [
        "  lacking    put a small object (s3:PutObject)",
        "    AccessDenied: no",
    ]


@pytest.mark.parametrize("code", Code)
def test_explanations_fit_a_narrow_terminal_but_for_what_stands_in_files(code: Code) -> None:
    own = [line for line in explain_plainly(code, width=60).splitlines()[1:] if not line.startswith("    ")]
    assert [line for line in own if len(line) > 60] == []
