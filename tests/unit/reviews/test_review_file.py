"""The file of a review: what is written is read again, decisions leave the rest alone, nonsense has its place."""

import hashlib
import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from data_exports.reviews.models import KEEP, NOT_LOOKED_AT, REMOVE, AccessRow, Decision
from data_exports.reviews.review_file import read_review, read_reviews
from data_exports.reviews.review_text import render_review
from data_exports.reviews.rows import review_of_estate
from tests.estates import FULL
from tests.unit.estate import written
from tests.unit.reviews.of_estates import close, decide, estate_in, review_in, write_review

HOSTILE = "a: b # c \\ \" ' | ` <b> {x} [y] *z &w !t %u @v"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written.write_estate(tmp_path, push=f"{written.PUSH}owner: {json.dumps(HOSTILE)}\n")


def test_a_new_review_has_every_access_with_its_facts(tmp_path: Path) -> None:
    path = tmp_path / "reviews" / "2026-Q4.yaml"
    review = review_of_estate(FULL, path, today=date(2026, 11, 29), due=date(2026, 12, 31))
    first = review.datasets[0]
    assert (first.dataset, [(row.role, row.who) for row in first.accesses]) == (
        "hearings",
        [("recipient", "s3://cp-hearings/hearings/"), ("sender", "alpha_user_Ben-Two"), ("sender", "alpha_user_ana")],
    )
    case_notes = next(each for each in review.datasets if each.dataset == "case_notes")
    assert (case_notes.kind, case_notes.until, case_notes.paperwork) == ("pull", "2027-03-31", ())
    assert [(row.role, row.may, row.account, row.last_use) for row in case_notes.accesses] == [
        ("user", "read, add and delete files of case_notes", "", NOT_LOOKED_AT),
        ("outside role", "read, add and delete files of case_notes", "112233445566", NOT_LOOKED_AT),
        ("outside role", "read, add and delete files of case_notes", '"Cloud Platform" (754256621582)', NOT_LOOKED_AT),
    ]
    sealed = next(each for each in review.datasets if each.dataset == "sealed-files")
    assert sealed.accesses[0].account == "not named"


def test_what_is_written_is_read_again_and_written_the_same(folder: Path) -> None:
    path = write_review(folder, due=date(2031, 3, 31))
    review = review_in(path)
    assert review == review_of_estate(estate_in(folder), path, today=written.TODAY, due=date(2031, 3, 31))
    assert render_review(review) == path.read_text()
    assert review.datasets[0].owner == HOSTILE


def test_two_writings_of_one_estate_are_the_same_to_the_byte(folder: Path) -> None:
    first = write_review(folder).read_text()
    assert write_review(folder).read_text() == first


def test_a_decision_changes_its_three_lines_and_no_others(folder: Path) -> None:
    path = write_review(folder)
    path.write_text(
        "# ours\n"
        + path.read_text()
        .replace("        by:\n", "        by:   # the head of the team\n", 1)
        .replace("        decision:\n", "        # asked in March\n        decision:\n", 1)
    )
    before = path.read_text().splitlines()
    decide(path, lambda _, row: REMOVE if row.role == "recipient" else None, reason='said "no": # gone')
    after = path.read_text().splitlines()
    assert [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]] == [
        ("        decision:", "        decision: remove"),
        ("        by:   # the head of the team", "        by: Ana Lopez   # the head of the team"),
        ("        reason:", "        reason: 'said \"no\": # gone'"),
    ]
    (row,) = (row for _, row in review_in(path).rows() if row.decision)
    assert (row.decision, row.by, row.reason) == (REMOVE, "Ana Lopez", 'said "no": # gone')


def test_a_decision_takes_the_place_of_another_also_where_lines_are_missing(folder: Path) -> None:
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    path.write_text(path.read_text().replace("        reason: asked the owner\n", "", 1))
    decide(path, lambda *_: Decision("shorten", date(2031, 6, 30)), by="Ben", reason="ends with the project")
    assert {(str(row.decision), row.by, row.reason) for _, row in review_in(path).rows()} == {
        ("shorten to 2031-06-30", "Ben", "ends with the project")
    }


def test_a_closed_review_that_is_changed_does_not_fit_its_seal(folder: Path) -> None:
    path = write_review(folder)
    decide(path, lambda *_: KEEP)
    close(path)
    review = review_in(path)
    assert (review.closed, review.seal[:7], len(review.seal)) == (written.TODAY, "sha256:", 71)
    path.write_text(path.read_text() + "# a comment is no fact\n")
    assert review_in(path) == review
    path.write_text(path.read_text().replace(" decision: keep\n", " decision: remove\n", 1))
    assert [each.code for each in read_review(path)[1]] == ["EX906"]


NONSENSE = {
    "decision: maybe": ("EX905", "'maybe' is no decision"),
    "decision: shorten to 2031-02-30": ("EX905", "'shorten to 2031-02-30' is no decision"),
    "decision: shorten": ("EX905", "'shorten' is no decision"),
    "decision: [keep]": ("EX201", "a list stands where one value is meant"),
    "decison: keep": ("EX202", "there is no field 'decison'"),
}


@pytest.mark.parametrize("line", NONSENSE)
def test_nonsense_is_found_where_it_stands(line: str, folder: Path) -> None:
    path = write_review(folder)
    text = path.read_text().replace("decision:\n", f"{line}\n", 1)
    path.write_text(text)
    review, findings = read_review(path)
    code, message = NONSENSE[line]
    number = text.splitlines().index(f"        {line}") + 1
    assert review is None
    assert [(each.place.line, each.code, each.message, bool(each.hint)) for each in findings] == [
        (number, code, message, True)
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "EX106"),
        ("- a\n", "EX201"),
        ("platform: x\nstarted: 2031-01-15\ndigest: y\ndatasets: 3\n", "EX201"),
        ("platform: x\nstarted: 2031-01-15\ndigest: y\ndatasets: [3]\n", "EX201"),
        ("platform: x\nstarted: soon\ndigest: y\ndatasets: []\n", "EX208"),
        ("platform: x\nstarted: 2031-01-15\ndatasets: []\n", "EX203"),
        ("a: [\n", "EX105"),
        ("a: 1\na: 2\n", "EX108"),
    ],
)
def test_a_file_that_is_no_review_is_a_finding(text: str, code: str, folder: Path) -> None:
    path = folder / "reviews" / "x.yaml"
    path.parent.mkdir()
    path.write_text(text)
    found = read_reviews(folder)
    assert (found.reviews, code in {each.code for each in found.findings}) == ((), True)


def test_what_people_keep_beside_a_review_is_no_mistake_and_a_link_is_one(folder: Path) -> None:
    write_review(folder)
    (folder / "reviews" / "2031-Q1.pdf").touch()
    assert read_reviews(folder).findings == ()
    (folder / "reviews" / "2030-Q4.yaml").symlink_to(folder / "exports.yaml")
    assert [each.code for each in read_reviews(folder).findings] == ["EX102"]


def test_an_access_is_decided_when_all_three_are_there() -> None:
    row = AccessRow(who="x", role="user", may="read", access="sha256:0")
    assert not row.is_decided


def test_digests_can_be_worked_out_by_the_page_of_the_documentation(folder: Path) -> None:
    mine = {
        "dataset": "tables",
        "role": "outsider",
        "principal": "arn:aws:iam::754256621582:role/reader",
        "where": "s3://mojap-tables",
        "recipient": None,
        "read": True,
        "write": False,
        "key": None,
        "keeps_files": None,
        "last_day": None,
        "paperwork": ["DPIA-2"],
    }
    path = write_review(folder)
    (row,) = (row for _, row in review_in(path).rows() if row.role == "outside role")
    assert row.access == f"sha256:{_sha256_of(mine)[:16]}"
    decide(path, lambda *_: KEEP, reason="é")
    close(path)
    text = yaml.safe_load(path.read_text())
    names = ("who", "role", "account", "may", "last_use", "access", "decision", "by", "reason")
    datasets = [
        {
            **{name: dataset.get(name, "") for name in ("dataset", "kind", "owner", "until")},
            "paperwork": [dataset["paperwork"]],
            "accesses": [{name: each.get(name, "") for name in names} for each in dataset["accesses"]],
        }
        for dataset in text["datasets"]
    ]
    whole = {"platform": text["platform"], "started": "2031-01-15", "due": None, "digest": text["digest"]}
    assert text["seal"] == f"sha256:{_sha256_of({**whole, 'closed': '2031-01-15', 'datasets': datasets})}"


def _sha256_of(value: object) -> str:
    written = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()
