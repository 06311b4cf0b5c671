"""A dataset that is not there by the name that was written, and what is said instead."""

from dataclasses import replace
from pathlib import Path

import pytest

from data_exports.errors import UsageError
from data_exports.estate.dataset_lookup import account_of, dataset_of
from data_exports.names import AccountId
from tests.estates import PLATFORM
from tests.unit.estate.written import PUSH, load, write_estate

DIGITS = "write all 12 digits, such as 012345678901, or a name from `accounts`"


@pytest.mark.parametrize(
    ("name", "next_step"),
    [
        ("court-list", "did you mean court-lists?"),
        ("zzz", "there are: court-lists, tables"),
        (
            "court\N{EN DASH}lists",
            "a hyphen is typed as -, and here stands U+2013 EN DASH; did you mean court-lists?",
        ),
    ],
)
def test_the_nearest_name_is_offered_and_a_dash_that_is_no_hyphen_named(
    name: str, next_step: str, tmp_path: Path
) -> None:
    estate = load(write_estate(tmp_path, push=PUSH.replace("orders", "court-lists", 1))).require()
    with pytest.raises(UsageError) as stop:
        dataset_of(estate, name)
    assert stop.value.next_step == next_step


@pytest.mark.parametrize(
    ("text", "next_step"),
    [
        (
            "court\N{EN DASH}data",
            'a hyphen is typed as -, and here stands U+2013 EN DASH; did you mean "Court-Data"?',
        ),
        ("1234\N{MINUS SIGN}5678", f"a hyphen is typed as -, and here stands U+2212 MINUS SIGN; {DIGITS}"),
        ("prisons \N{EN DASH} movs", 'did you mean "Prisons \N{EN DASH} Moves"?'),
        ("court data", 'did you mean "Court-Data"?'),
    ],
)
def test_an_accounts_name_is_offered_and_a_dash_that_is_no_hyphen_named(text: str, next_step: str) -> None:
    names = ((AccountId("111122223333"), "Court-Data"), (AccountId("444455556666"), "Prisons \N{EN DASH} Moves"))
    with pytest.raises(UsageError) as stop:
        account_of(replace(PLATFORM, account_names=names), text)
    assert (stop.value.where, stop.value.next_step) == ("--account", next_step)
