"""Every mistake is found, where it stands, with its code and what to do; nothing wrong is let through."""

from pathlib import Path

import pytest

from data_exports.estate.codes import Code
from tests.unit.estate.refusals import REFUSALS, Files, report_of, swap
from tests.unit.estate.written import PLATFORM, PULL, PUSH, load, said, write_estate

GOLDEN = Path(__file__).parents[2] / "golden" / "refusals.txt"


def _golden() -> dict[str, list[str]]:
    _, *blocks = GOLDEN.read_text(encoding="utf-8").split("\n\n")
    return {case: [line.removeprefix("  ") for line in lines] for case, *lines in (b.splitlines() for b in blocks)}


@pytest.mark.parametrize(("case", "files"), REFUSALS.items(), ids=list(REFUSALS))
def test_the_mistake_is_said_as_reviewed(case: str, files: Files) -> None:
    assert report_of(files) == _golden()[case]


def test_the_reviewed_file_holds_these_cases_and_no_others() -> None:
    assert list(_golden()) == list(REFUSALS)


@pytest.mark.parametrize("files", REFUSALS.values(), ids=list(REFUSALS))
def test_there_is_an_estate_exactly_when_no_finding_is_an_error(files: Files, tmp_path: Path) -> None:
    loaded = load(write_estate(tmp_path, **files))
    assert (loaded.estate is None) == any(finding.severity == "error" for finding in loaded.findings)
    assert loaded.findings == tuple(sorted(loaded.findings))


def test_every_finding_says_what_to_do() -> None:
    assert [line for lines in _golden().values() for line in lines if line.endswith("-> ")] == []


def test_codes_and_meanings_are_unique() -> None:
    assert len({code.value for code in Code}) == len({code.meaning for code in Code}) == len(Code.__members__)


def test_a_good_estate_has_no_findings(tmp_path: Path) -> None:
    assert said(write_estate(tmp_path)) == []


def test_a_dataset_that_ends_in_31_days_is_not_worth_a_word(tmp_path: Path) -> None:
    assert said(write_estate(tmp_path, push=PUSH + "expires: 2031-02-15\n")) == []


def test_one_entry_of_paperwork_is_enough_where_it_is_required(tmp_path: Path) -> None:
    required = PLATFORM + "  paperwork: required\n"
    folder = write_estate(tmp_path, platform=required, push=swap(PUSH, "DPIA-1", "[TBD, DPIA-1]"))
    assert [line.split(": ")[0] for line in said(folder)] == ["push_datasets/a.yaml:5:13 EX601 warning"]


def test_100_push_datasets_are_the_most_one_hub_can_notify(tmp_path: Path) -> None:
    more = {f"push_datasets__d{number:03}": swap(PUSH, "orders", f"d{number:03}") for number in range(99)}
    folder = write_estate(tmp_path, **more)
    assert said(folder) == []
    write_estate(folder, push_datasets__one_more=swap(PUSH, "orders", "more"))
    (line,) = said(folder)
    assert line == (
        "exports.yaml:4:15 EX405 error: 101 push datasets; one hub bucket can notify 100 -> "
        "remove datasets that are no longer used, or begin a second estate in another account or region"
    )


def test_a_region_of_another_partition_is_refused_as_such(tmp_path: Path) -> None:
    folder = write_estate(tmp_path, platform=swap(PLATFORM, "eu-west-1", "cn-north-1"))
    (line,) = said(folder)
    assert line == (
        "exports.yaml:3:11 EX205 error: 'cn-north-1' is a region of another AWS partition than aws (China, GovCloud, "
        "the European Sovereign Cloud ...), which alone is supported -> write a region name such as eu-west-1"
    )


def test_mistakes_in_one_file_do_not_hide_those_in_others(tmp_path: Path) -> None:
    folder = write_estate(
        tmp_path,
        platform=swap(PLATFORM, "eu-west-1", "Ireland"),
        push="- not a mapping\n",
        pull=swap(PULL, "alpha_user_ana", "somebody_else"),
    )
    assert [line.split(": ")[0] for line in said(folder)] == [
        "exports.yaml:3:11 EX205 error",
        "pull_datasets/b.yaml:3:9 EX501 error",
        "push_datasets/a.yaml:1:1 EX201 error",
    ]
