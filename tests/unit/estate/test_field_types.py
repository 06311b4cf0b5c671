"""What a field can hold, at its limits: the longest text, the smallest and the largest number, names and patterns."""

from pathlib import Path
from typing import Any

import pytest

from data_exports.estate import field_types, identifier_types
from data_exports.estate.field_types import FieldType, count_between, line_within
from data_exports.estate.fields import ACCOUNTS, OWNER, PAPERWORK
from data_exports.estate.findings import FindingCollector, Place
from data_exports.estate.yaml_tree import Fields, Items, Text

AT = Place(Path("a.yaml"), 3, 7)


def read(kind: FieldType[Any], text: str, *, plain: bool = False) -> tuple[Any, list[tuple[str, str, str]]]:
    """The value without its place, and each finding's code, message and hint."""
    report = FindingCollector()
    found = kind.read(Text(AT, text, plain=plain), report)
    assert {finding.place for finding in report.findings} <= {AT}
    said = [(str(finding.code), finding.message, finding.hint) for finding in report.findings]
    return (None if found is None else found.value), said


LONG = "put it in a document, and a short name or link here"


@pytest.mark.parametrize(("kind", "most"), [(OWNER.type, 320), (line_within(100), 100)])
def test_a_line_of_the_most_characters_is_read_and_one_more_is_not(kind: FieldType[Any], most: int) -> None:
    assert read(kind, "x" * most) == ("x" * most, [])
    said = f"the text has {most + 1} characters, more than {most}"
    assert read(kind, "x" * (most + 1)) == (None, [("EX604", said, LONG)])
    assert kind.schema["maxLength"] == most


def test_a_reference_of_paperwork_has_500_characters_at_most() -> None:
    for length, said in ((500, []), (501, ["the text has 501 characters, more than 500"])):
        report = FindingCollector()
        PAPERWORK.type.read(Text(AT, "x" * length), report)
        assert [finding.message for finding in report.findings] == said


def test_the_name_of_an_account_has_100_characters_at_most() -> None:
    for length, said in ((100, []), (101, ["the text has 101 characters, more than 100"])):
        report = FindingCollector()
        ACCOUNTS.type.read(Fields(AT, ((Text(AT, "754256621582"), Text(AT, "x" * length)),)), report)
        assert [finding.message for finding in report.findings] == said


@pytest.mark.parametrize("kind", [field_types.PROSE, field_types.LINE])
def test_free_text_has_2000_characters_at_most(kind: FieldType[Any]) -> None:
    assert read(kind, "x" * 2000) == ("x" * 2000, [])
    hint = "put it in a document, and the link here"
    assert read(kind, "x" * 2001) == (None, [("EX604", "the text has 2,001 characters, more than 2,000", hint)])
    assert kind.schema["maxLength"] == 2000


def test_prose_may_have_lines_and_a_line_may_not() -> None:
    assert read(field_types.PROSE, " one\ntwo ") == ("one\ntwo", [])
    assert read(field_types.LINE, "one\ntwo") == (
        None,
        [("EX604", "the text has several lines", "write it on one line")],
    )


@pytest.mark.parametrize("text", ["2", "10", "30"])
def test_a_number_within_its_bounds_is_read(text: str) -> None:
    assert read(count_between(2, 30), text, plain=True) == (int(text), [])


@pytest.mark.parametrize("text", ["1", "31", "02", "-2", "2.0", "1234567890", "many"])
def test_a_number_beyond_its_bounds_or_written_otherwise_is_not(text: str) -> None:
    said = f"{text!r} is not a whole number from 2 to 30"
    assert read(count_between(2, 30), text, plain=True) == (
        None,
        [("EX207", said, "write the digits, without quotes")],
    )


def test_the_schema_of_a_number_has_the_same_bounds() -> None:
    assert count_between(2, 30).schema == {"type": "integer", "minimum": 2, "maximum": 30}


def test_nine_digits_are_read_and_zero_is_a_number() -> None:
    assert read(count_between(0, 999_999_999), "999999999", plain=True) == (999_999_999, [])
    assert read(count_between(0, 5), "0", plain=True) == (0, [])


@pytest.mark.parametrize(
    ("kind", "longest"),
    [
        (identifier_types.BUCKET_PREFIX, 61),
        (identifier_types.ROLE_PATTERN, 64),
        (identifier_types.ROLE, 64),
        (identifier_types.BUCKET, 63),
    ],
)
def test_the_longest_name_is_read_and_one_letter_more_is_not(kind: FieldType[Any], longest: int) -> None:
    assert read(kind, "a" * longest) == ("a" * longest, [])
    value, said = read(kind, "a" * (longest + 1))
    assert (value, [code for code, _, _ in said]) == (None, ["EX205"])


def test_an_account_without_quotes_is_taken_for_the_number_it_looks_like_by_editors_alone() -> None:
    assert read(identifier_types.ACCOUNT, "593291632749", plain=True) == ("593291632749", [])
    assert identifier_types.ACCOUNT.schema["anyOf"] == [
        {"type": "string", "pattern": "^[0-9]{12}$"},
        {"type": "integer", "minimum": 100_000_000_000, "maximum": 999_999_999_999},
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False)],
)
def test_truth_is_read_as_yaml_writes_it(text: str, value: bool) -> None:
    assert read(field_types.BOOLEAN, text, plain=True) == (value, [])
    report = FindingCollector()
    found = field_types.BOOLEAN.read(Items(AT, (Text(AT, text),)), report)
    assert found is not None
    assert (found.value, report.findings) == (value, [])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        *(("yes", "true"), ("Y", "true"), ("on", "true"), ("no", "false"), ("N", "false"), ("off", "false")),
        *(("1", "true or false"), ("tRUE", "true or false")),
    ],
)
def test_other_words_for_truth_are_told_what_is_meant(text: str, meant: str) -> None:
    hint = f"write {meant}, without quotes"
    assert read(field_types.BOOLEAN, text, plain=True) == (
        None,
        [("EX206", f"{text!r} is neither true nor false", hint)],
    )
