"""What commands share: the estate they act on, and the dataset they are given."""

from pathlib import Path

import pytest

from data_exports.cli.options import dataset_of, open_estate
from data_exports.errors import DeclarationError, UsageError
from tests.unit.estate.written import PUSH, load, write_estate


def test_an_estate_is_given_without_a_word_about_warnings_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_estate(tmp_path, push=PUSH.replace("DPIA-1", "TBD"))
    assert load(folder).findings
    assert open_estate(folder) == load(folder).estate
    assert capsys.readouterr() == ("", "")


def test_errors_stop_the_command_with_all_of_them(tmp_path: Path) -> None:
    folder = write_estate(tmp_path, push=PUSH.replace("orders", "Orders"))
    with pytest.raises(DeclarationError, match="2 errors in the declarations"):
        open_estate(folder)


def test_a_dataset_is_found_by_its_name_and_a_wrong_name_is_offered_the_nearest(tmp_path: Path) -> None:
    estate = open_estate(write_estate(tmp_path))
    assert dataset_of(estate, "orders") == estate.push_datasets[0]
    with pytest.raises(UsageError) as near:
        dataset_of(estate, "order")
    assert str(near.value) == "no dataset is named 'order'\n  next: did you mean orders?"
    with pytest.raises(UsageError) as far:
        dataset_of(estate, "zzz")
    assert str(far.value) == "no dataset is named 'zzz'\n  next: there are: orders, tables"
