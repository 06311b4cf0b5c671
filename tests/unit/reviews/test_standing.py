"""When a review is late, when one is due again, and what was not carried out."""

from datetime import date
from pathlib import Path

import pytest

from data_exports.reviews.checking import check_reviews, check_reviews_in
from data_exports.reviews.models import KEEP, Decision
from data_exports.reviews.review_file import Reviews, read_reviews
from data_exports.reviews.standing import months_before
from tests.unit.estate import written
from tests.unit.reviews.git_estate import commit_all, git, write_repository
from tests.unit.reviews.of_estates import close, decide, estate_in, write_review


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written.write_estate(tmp_path)


def said(folder: Path, today: date) -> list[str]:
    return [
        f"{each.code} {each.message}" for each in check_reviews(read_reviews(folder), estate_in(folder), today=today)
    ]


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2031, 1, 15), 12, date(2030, 1, 15)),
        (date(2031, 3, 31), 1, date(2031, 2, 28)),
        (date(2032, 3, 31), 1, date(2032, 2, 29)),
        (date(2031, 1, 31), 2, date(2030, 11, 30)),
        (date(2031, 12, 31), 12, date(2030, 12, 31)),
        (date(2031, 1, 1), 1, date(2030, 12, 1)),
    ],
)
def test_months_end_where_the_month_ends(day: date, months: int, before: date) -> None:
    assert months_before(day, months) == before


def test_a_dataset_counts_from_its_last_review_and_a_new_one_from_that_of_the_others(folder: Path) -> None:
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    close(path, date(2030, 1, 15))
    written.write_estate(folder, push_datasets__new=written.PUSH.replace("orders", "newer"))
    assert said(folder, date(2031, 1, 15)) == []
    assert said(folder, date(2031, 1, 16)) == ["EX901 nobody has reviewed newer, orders, tables for 12 months"]


def test_an_estate_without_reviews_is_one_line_with_a_count_once_it_is_old_enough(folder: Path) -> None:
    more = {f"push_datasets__m{number}": written.PUSH.replace("orders", f"m{number}") for number in range(9)}
    estate = estate_in(written.write_estate(folder, **more))
    (late,) = check_reviews(Reviews(), estate, today=date(2031, 1, 15), declared_since=date(2029, 1, 1))
    assert late.message == "nobody has reviewed m0, m1, m2, m3, m4 and 6 more for 12 months"
    assert late.place == estate.platform.place
    assert list(check_reviews(Reviews(), estate, today=date(2031, 1, 15), declared_since=date(2030, 1, 15))) == []
    assert list(check_reviews(Reviews(), estate, today=date(2031, 1, 15))) == []


def test_how_old_an_estate_is_git_knows(tmp_path: Path) -> None:
    folder = write_repository(tmp_path)
    (tmp_path / "more.txt").touch()
    commit_all(folder)
    born = date.fromisoformat(git(folder, "log", "--format=%cs", "--reverse").split()[0])
    loaded = written.load(folder)
    assert check_reviews_in(folder, loaded, months_before(born, -12)) == ()
    (late,) = check_reviews_in(folder, loaded, months_before(born, -13))
    assert late.code == "EX901"


def test_without_git_nobody_knows_and_the_rest_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert check_reviews_in(folder, written.load(folder), date(2041, 1, 15)) == ()


def test_the_platform_says_how_often(tmp_path: Path) -> None:
    folder = written.write_estate(tmp_path, platform=f"{written.PLATFORM}  review_every: 3\n")
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    close(path)
    assert said(folder, date(2031, 4, 15)) == []
    assert said(folder, date(2031, 4, 16)) == ["EX901 nobody has reviewed orders, tables for 3 months"]


def test_a_review_is_late_when_its_day_has_passed_and_until_it_is_closed(folder: Path) -> None:
    path = write_review(folder, due=date(2031, 1, 31))
    decide(path, lambda dataset, _: KEEP if dataset == "orders" else None)
    assert said(folder, date(2031, 1, 31)) == []
    late = "EX902 the review was due on 2031-01-31, and is not closed: 2 decisions to come"
    assert said(folder, date(2031, 2, 1)) == [late]
    decide(path, lambda *_: KEEP)
    close(path)
    assert said(folder, date(2031, 2, 1)) == []


def test_an_end_that_is_not_set_or_set_later_is_not_carried_out(folder: Path) -> None:
    path = write_review(folder)
    decide(path, lambda dataset, _: Decision("shorten", date(2031, 6, 30)) if dataset == "tables" else KEEP)
    close(path)
    without = "EX903 alpha_user_ana, user of tables, is granted without an end; decided was: shorten to 2031-06-30"
    assert said(folder, written.TODAY)[0] == without
    for day, expected in (("2031-07-01", 2), ("2031-06-30", 0), ("2031-05-01", 0)):
        written.write_estate(folder, pull=f"{written.PULL}expires: {day}\n")
        assert len(said(folder, written.TODAY)) == expected


def test_a_decision_that_is_not_whole_is_found_where_it_stands(folder: Path) -> None:
    path = write_review(folder)
    path.write_text(path.read_text().replace("        decision:\n", "        decision: remove\n", 1))
    (found,) = check_reviews(read_reviews(folder), estate_in(folder), today=written.TODAY)
    line = path.read_text().splitlines().index("      - who: s3://orders-landing/orders/") + 1
    assert (found.code, found.place.line, found.place.column) == ("EX905", line, 9)
    assert found.message == "what is decided about s3://orders-landing/orders/ lacks by and reason"


@pytest.mark.parametrize(
    ("day", "said_of_it"),
    [
        (date(2031, 1, 14), "is shortened to 2031-01-14, before the review was started"),
        (date(2031, 1, 15), ""),
        (date(2035, 3, 30), ""),
        (date(2035, 3, 31), "is shortened to 2035-03-31, and its access ends with 2035-03-31 already"),
        (date(2036, 1, 1), "is shortened to 2036-01-01, and its access ends with 2035-03-31 already"),
    ],
)
def test_a_new_end_is_before_the_old_one_and_to_come(day: date, said_of_it: str, tmp_path: Path) -> None:
    folder = written.write_estate(tmp_path, pull=f"{written.PULL}expires: 2035-03-31\n")
    path = write_review(folder)
    decide(path, lambda _, row: Decision("shorten", day) if row.role == "user" else None)
    assert said(folder, written.TODAY) == ([f"EX905 alpha_user_ana {said_of_it}"] if said_of_it else [])
