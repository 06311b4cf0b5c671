"""What the register takes from what AWS told, and from an estate that holds errors."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data_exports.estate.commits import Commits
from data_exports.estate.loader import load_estate
from data_exports.names import DatasetName
from data_exports.operate.status import DatasetStatus, Status
from data_exports.views.register.facts import register_of
from data_exports.views.register.pages import pages_of
from data_exports.views.register.reading import read_register, statuses_by_name
from tests.unit.estate.refusals import REFUSALS, Files
from tests.unit.estate.written import PUSH, load, write_estate
from tests.unit.reviews.git_estate import write_repository

HEARINGS, TABLES = DatasetName("hearings"), DatasetName("tables")


def test_a_declared_dataset_is_not_the_stack_that_is_left_of_another_one_of_its_name() -> None:
    pushed = DatasetStatus(HEARINGS, "push", "as declared", amiss=("its queue",))
    pulled = DatasetStatus(TABLES, "pull", "as declared")
    left = DatasetStatus(TABLES, "", "not declared", "the stack data-exports-push-tables is still there")
    gone = DatasetStatus(DatasetName("gone"), "", "not declared", "the stack is still there")
    found = Status(datetime(2026, 11, 29, tzinfo=UTC), (pushed, pulled, left, gone), amiss=("the hub's rules",))
    assert statuses_by_name(found) == {
        "hearings": DatasetStatus(HEARINGS, "push", "as declared", amiss=("its queue", "the hub's rules")),
        "tables": pulled,
        "gone": gone,
    }


def test_warnings_are_those_of_the_files_that_the_pages_show(tmp_path: Path) -> None:
    """Also of the last commit, where errors stand in the files."""

    def warned(folder: Path) -> list[str]:
        (export,) = read_register(folder, load_estate(folder)).exports[:1]
        return [each.words for each in export.attention if "EX406" in each.words]

    bare = PUSH.replace('target_account: "754256621582"\n', "")
    folder = write_repository(tmp_path / "repository", push=bare)
    line = 1 + bare[: bare.index("target_bucket")].count("\n")
    said = [f"the account of the target bucket is not named (EX406, line {line})"]
    assert warned(folder) == said
    (folder / "push_datasets" / "orders.yaml").write_text("nonsense: true\n")
    assert warned(folder) == said


@pytest.mark.parametrize("files", REFUSALS.values(), ids=list(REFUSALS))
def test_of_whatever_is_refused_the_rest_has_a_register_without_the_files_that_are_wrong(
    files: Files, tmp_path: Path
) -> None:
    loaded = load(write_estate(tmp_path, **files))
    readable = loaded.readable()
    if readable is None:
        assert any(each.place.path == tmp_path / "exports.yaml" for each in loaded.errors)
        return
    assert {each.place.path for each in readable.datasets()} & {each.place.path for each in loaded.errors} == set()
    now = datetime(2031, 1, 15, tzinfo=UTC)
    site = dict(pages_of(register_of(readable, Commits(), (), now=now, findings=loaded.errors)))
    assert {path for path in site if path.startswith("datasets/")} == {
        f"datasets/{each.name}.html" for each in readable.datasets()
    }
