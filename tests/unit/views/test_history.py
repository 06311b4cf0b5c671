"""What people read of receipts: words, and cells that no spreadsheet takes for a formula."""

import csv
from datetime import UTC, datetime, timedelta

import pytest

from data_exports.contract.receipts import COLUMNS, Receipt, receipt_of
from data_exports.errors import UsageError
from data_exports.json_values import json_shapes_of
from data_exports.names import RoleName
from data_exports.operate.history import HistoryEntry, is_like
from data_exports.operate.people import Uploader, uploader_of
from data_exports.operate.periods import parse_moment, parse_seconds
from data_exports.text import age_words, ago_words, csv_line, moment_words, printable, size_words
from data_exports.views.history import CSV_FIELDS, entry_as_row, render_entry
from tests.estates import push
from tests.json_data import json_data
from tests.unit.operate.receipt_log import line

NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)
ANA = RoleName("alpha_user_ana")


def entry(**changes: object) -> HistoryEntry:
    receipt = receipt_of(line() | changes)
    return HistoryEntry(receipt, uploader_of(receipt.uploaded_by, {"AROAANA": ANA}))


def test_an_entry_is_one_line_and_its_reason_another() -> None:
    assert render_entry(entry()) == "2031-03-30 09:00:01  delivered        3 B  hearings/a.csv  by alpha_user_ana (ana)"
    failed = entry(outcome="failed", reason="the copy is refused", uploaded_by=None, size_bytes=12_345_678)
    assert render_entry(failed) == (
        "2031-03-30 09:00:01  failed       12.3 MB  hearings/a.csv\n                     the copy is refused"
    )


def test_nothing_in_a_key_or_a_reason_reaches_the_terminal_as_a_command() -> None:
    shown = render_entry(entry(key="hearings/\x1b[2Ja\nb", reason="\x9b1m", uploaded_by="AWS:AROAX:\r"))
    assert [char for char in shown.replace("\n", "", 1) if not char.isprintable()] == []
    assert "hearings/\\x1b[2Ja\\nb" in shown


def test_a_spreadsheet_takes_no_cell_for_a_formula() -> None:
    formula = entry(reason="=HYPERLINK(1)", version_id="-x", uploaded_by="AWS:@SUM:1", etag="\tx", target_etag="+1")
    row = dict(zip(CSV_FIELDS, next(csv.reader([csv_line(entry_as_row(formula))])), strict=True))
    assert (row["reason"], row["version_id"], row["etag"]) == (r"\x3dHYPERLINK(1)", r"\x2dx", r"\tx")
    assert (row["target_etag"], row["size_bytes"], row["target_version_id"]) == (r"\x2b1", "3", "")


def test_csv_and_json_hold_every_field_of_a_receipt_and_the_role() -> None:
    assert json_data(entry()) == {
        **line(),
        "cause": None,
        "message_id": None,
        "destination": "s3://cp-hearings",
        "destination_version": None,
        "destination_etag": "e1",
        "digest": None,
        "uploaded_by_role": "alpha_user_ana",
    }
    assert set(CSV_FIELDS) == set(json_data(entry()))
    assert [tuple(types) for types in json_shapes_of(Receipt)] == [COLUMNS]


def test_uploaders_are_found_by_role_session_or_principal() -> None:
    known = Uploader("AROAANA:ana@example", ANA, "ana@example")
    assert [known.matches(each) for each in ("alpha_user_*", "ana@*", "AROAANA*", "ana", "*bo*")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert (str(known), str(Uploader("AROAX:s"))) == ("alpha_user_ana (ana@example)", "AROAX:s")


def test_a_key_is_found_with_or_without_its_prefix() -> None:
    found = [is_like("hearings/2031/a.csv", each, push()) for each in ("hearings/2031/a.csv", "2031/a.csv", "*.csv")]
    assert found == [True, True, True]
    assert is_like("hearings/[1].csv", "[1].csv", push())
    assert not is_like("hearings/a.csv", "*.txt", push())


def test_moments_are_read_as_people_write_them() -> None:
    def read(text: str) -> datetime:
        return parse_moment(text, option="--since", now=NOW)

    assert read("7d") == NOW - timedelta(days=7)
    assert read("36h") == NOW - timedelta(hours=36)
    assert read("2031-03-01") == datetime(2031, 3, 1, tzinfo=UTC)
    assert read("2031-03-01T09:30+02:00") == datetime(2031, 3, 1, 7, 30, tzinfo=UTC)
    assert read("999999w") == datetime.min.replace(tzinfo=UTC)
    for wrong in ("yesterday", "", "7 days", "31/03/2031", "-1d"):
        with pytest.raises(UsageError, match="--since: "):
            read(wrong)
    assert parse_seconds("15m", option="--timeout") == 900


def test_sizes_and_ages_are_said_in_their_largest_unit() -> None:
    sizes = [size_words(size) for size in (None, 0, 999, 1000, 999_949, 999_951, 5_000_000_000_000)]
    assert sizes == ["?", "0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "5.0 TB"]
    assert [age_words(each) for each in (-1, 59, 60, 3600, 200_000)] == ["0 s", "59 s", "1 min", "1 h", "2 d"]
    assert ago_words(NOW + timedelta(hours=1), NOW) == "0 s ago"
    assert [moment_words(each) for each in (None, "not a time", NOW)] == ["-", "not a time", "2031-03-31 12:00:00"]
    assert printable("żółć 裁判所\t") == "żółć 裁判所\\t"
