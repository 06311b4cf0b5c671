"""A dataset that is not there by the name that was written, and what is said instead."""

from pathlib import Path

import pytest

from data_exports.errors import UsageError
from data_exports.estate.dataset_lookup import dataset_of
from tests.unit.estate.written import PUSH, load, write_estate


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
