"""What follows from decisions, and that new declarations which say anything else are refused."""

from datetime import date
from pathlib import Path

import pytest

from data_exports.errors import RefusedError
from data_exports.reviews.consequences import check_consequences, consequences_of, text_after
from data_exports.reviews.models import KEEP, REMOVE, Decision
from tests.unit.estate import written
from tests.unit.reviews.of_estates import Decide, decide, estate_in, review_in, write_review

END = Decision("shorten", date(2031, 6, 30))
TEXTS = {
    Path("exports.yaml"): written.PLATFORM,
    Path("push_datasets/a.yaml"): written.PUSH,
    Path("pull_datasets/b.yaml"): written.PULL,
}


def refusal_of(tmp_path: Path, decision_of: Decide, **texts: str) -> str:
    """What is said against these declarations; nothing where they say what was decided."""
    folder = written.write_estate(tmp_path)
    path = write_review(folder)
    decide(path, decision_of)
    changed = {**TEXTS, **{next(each for each in TEXTS if each.stem == name): text for name, text in texts.items()}}
    try:
        check_consequences(folder, changed, review_in(path), estate_in(folder))
    except RefusedError as error:
        return error.what
    return ""


def end_of_tables(dataset: str, _: object) -> Decision:
    return END if dataset == "tables" else KEEP


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"b": f"{written.PULL}expires: 2031-06-30\n"}, ""),
        (
            {},
            "2 times: tables outside role arn:aws:iam::754256621582:role/reader, tables user alpha_user_ana",
        ),
        (
            {"b": f"{written.PULL}expires: 2031-07-01\n"},
            "2 times: tables outside role arn:aws:iam::754256621582:role/reader, tables user alpha_user_ana",
        ),
        (
            {"b": f"{written.PULL}expires: 2031-06-30\n", "a": written.PUSH.replace("_ana", "_mallory")},
            "2 times: orders sender alpha_user_ana, orders sender alpha_user_mallory",
        ),
    ],
)
def test_what_says_anything_but_what_was_decided_is_refused_by_name(
    texts: dict[str, str], said: str, tmp_path: Path
) -> None:
    expected = f"the declarations would not say what was decided, {said}" if said else ""
    assert refusal_of(tmp_path, end_of_tables, **texts) == expected


def test_declarations_that_would_hold_errors_are_refused_with_them(tmp_path: Path) -> None:
    said = refusal_of(tmp_path, lambda *_: KEEP, a=written.PUSH.replace("users: [alpha_user_ana]\n", ""))
    assert "EX203 error: the required field 'users' is missing" in said


def test_a_file_that_nobody_should_edit_blindly_is_refused_with_a_way(tmp_path: Path) -> None:
    pull = written.PULL.replace("users: [alpha_user_ana]", "users: [alpha_user_ana, alpha_user_b]")
    folder = written.write_estate(tmp_path, pull=pull)
    path = write_review(folder)
    decide(path, lambda _, row: REMOVE if row.who == "alpha_user_b" else KEEP)
    (found,) = consequences_of(review_in(path), estate_in(folder))
    assert (found.dataset, found.removed, found.last_day) == ("tables", (("user", "alpha_user_b"),), None)
    with pytest.raises(RefusedError, match="cannot be edited: alpha_user_b is not in the list") as stop:
        text_after(found, written.PULL)
    assert "exports fmt" in stop.value.next_step
