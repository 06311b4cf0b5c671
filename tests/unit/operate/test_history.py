"""A history holds what is asked for: by outcome, key and sender, each alone and together; repeats are dropped."""

from typing import Any

import pytest

from data_exports.contract.receipts import Damaged, Receipt, receipt_of
from data_exports.names import RoleName
from data_exports.operate.history import OUTCOMES, History, HistoryEntry, Wanted, is_like
from data_exports.operate.people import Uploader
from tests.estates import push
from tests.unit.operate.receipt_log import line

ANA = {"AROAANA": RoleName("alpha_user_ana")}
A = receipt_of(line("hearings/a.csv"))
B = receipt_of(line("hearings/b.csv", outcome="superseded", uploaded_by="AWS:AROABEN:ben"))
C = receipt_of(line("hearings/2031/c.csv", outcome="cancelled", uploaded_by=None))


def keys_of(wanted: Wanted, *found: Receipt | Damaged) -> list[str]:
    history = History(iter(found or (A, B, C)), push(), wanted, ANA)
    return [entry.receipt.key for entry in history]


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ({}, ["hearings/a.csv", "hearings/b.csv", "hearings/2031/c.csv"]),
        ({"outcomes": ("delivered",)}, ["hearings/a.csv"]),
        ({"outcomes": ("cancelled", "superseded")}, ["hearings/b.csv", "hearings/2031/c.csv"]),
        ({"outcomes": ("given_up",)}, []),
        ({"key": "a.csv"}, ["hearings/a.csv"]),
        ({"key": "hearings/?.csv"}, ["hearings/a.csv", "hearings/b.csv"]),
        ({"by": "alpha_user_*"}, ["hearings/a.csv"]),
        ({"by": "ben"}, ["hearings/b.csv"]),
        ({"by": "*"}, ["hearings/a.csv", "hearings/b.csv"]),
        ({"by": "ben", "key": "a.csv"}, []),
        ({"by": "ben", "key": "b.csv", "outcomes": ("superseded",)}, ["hearings/b.csv"]),
    ],
)
def test_what_is_asked_for_is_all_that_is_told(wanted: dict[str, Any], keys: list[str]) -> None:
    assert keys_of(Wanted(**wanted)) == keys


def test_an_entry_holds_the_receipt_and_who_uploaded_the_file() -> None:
    assert list(History(iter([A, C]), push(), Wanted(), ANA)) == [
        HistoryEntry(A, Uploader("AROAANA:ana", RoleName("alpha_user_ana"), "ana")),
        HistoryEntry(C, None),
    ]


def test_a_repeat_is_dropped_and_another_outcome_version_or_content_without_a_version_is_none() -> None:
    other_version = receipt_of(line("hearings/a.csv", version_id="v2"))
    other_outcome = receipt_of(line("hearings/a.csv", outcome="superseded"))
    null = [receipt_of(line("hearings/a.csv", version_id="null", etag=etag)) for etag in ("e1", "e2", "e1")]
    history = History(iter([A, A, other_version, other_outcome, *null, A]), push(), Wanted(), ANA)
    assert [entry.receipt for entry in history] == [A, other_version, other_outcome, *null[:2]]


def test_a_repeat_that_is_not_asked_for_hides_nothing() -> None:
    by_ben = receipt_of(line("hearings/a.csv", uploaded_by="AWS:AROABEN:ben"))
    assert keys_of(Wanted(by="ana"), by_ben, A) == ["hearings/a.csv"]


def test_what_is_damaged_is_kept_apart() -> None:
    damaged = Damaged("file", 3, "it is no JSON object")
    history = History(iter([A, damaged, B]), push(), Wanted(), ANA)
    assert [entry.receipt for entry in history] == [A, B]
    assert history.damaged == [damaged]


def test_the_outcomes_that_can_be_asked_for_are_those_that_have_a_receipt() -> None:
    assert OUTCOMES == ("delivered", "superseded", "cancelled", "failed", "given_up")


@pytest.mark.parametrize(
    ("pattern", "alike"),
    [
        ("hearings/2031/c.csv", True),
        ("2031/c.csv", True),
        ("2031/*", True),
        ("*.csv", True),
        ("hearings/2031/?.csv", True),
        ("c.csv", False),
        ("2031/C.csv", False),
        ("moves/*", False),
    ],
)
def test_a_key_is_named_with_or_without_its_prefix_or_by_a_pattern(pattern: str, alike: bool) -> None:
    assert is_like("hearings/2031/c.csv", pattern, push()) is alike
