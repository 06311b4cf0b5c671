"""Single values of a file are changed, and nothing else in it: any layout, line ends, comments."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from data_exports.estate.formatter_layout import UnusualLayoutError, layout_of
from data_exports.estate.text_edits import scalar_text, slots_in, with_end, with_values, without_items
from data_exports.estate.yaml_tree import Fields, Text, parse_yaml

DAY = date(2031, 6, 30)


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a: 1\n", "a: 1\nexpires: 2031-06-30\n"),
        ("a: 1", "a: 1\nexpires: 2031-06-30\n"),
        (" a: 1\n b:\n", " a: 1\n b:\n expires: 2031-06-30\n"),
        ("a: 1\r\n", "a: 1\r\nexpires: 2031-06-30\r\n"),
        ("a: |\n  x\n\n  y\n", "a: |\n  x\n\n  y\nexpires: 2031-06-30\n"),
        ("a:\n- x\n- y # z\n", "a:\n- x\n- y # z\nexpires: 2031-06-30\n"),
        (
            "a:\n  - x\n  # of the list\n# of the file\n",
            "a:\n  - x\n  # of the list\nexpires: 2031-06-30\n# of the file\n",
        ),
        ("a: [x,\n  y] # z\n", "a: [x,\n  y] # z\nexpires: 2031-06-30\n"),
        ("expires: 2035-03-31 # agreed\na: 1\n", "expires: 2031-06-30 # agreed\na: 1\n"),
        ('expires: "2035-03-31"\n', "expires: 2031-06-30\n"),
    ],
)
def test_an_end_takes_the_place_of_another_or_is_the_last_field(text: str, after: str) -> None:
    assert with_end(text, DAY) == after
    assert parse_yaml(after, Path("x"))[1] == []


@pytest.mark.parametrize(
    ("text", "gone", "after"),
    [
        ("users:\n  - a\n  - b\n", ["a"], "users:\n  - b\n"),
        ("users:\n  - a\n  - b # x\n  - c\n", ["b"], "users:\n  - a\n  - c\n"),
        ("users:\n  # x\n  - a\n  - b", ["b"], "users:\n  # x\n  - a\n"),
        ("users: [a, b, c]\n", ["a"], "users: [b, c]\n"),
        ("users: [a, b, c] # x\n", ["b", "c"], "users: [a] # x\n"),
        ("users: ['a', b]\r\nc: d\r\n", ["a"], "users: [b]\r\nc: d\r\n"),
        ("users: [\n  a,\n  b,\n]\n", ["b"], "users: [\n  a,\n]\n"),
    ],
)
def test_items_go_with_what_stands_beside_them(text: str, gone: list[str], after: str) -> None:
    assert without_items(text, "users", gone) == after
    assert parse_yaml(after, Path("x"))[1] == []


@pytest.mark.parametrize(
    ("text", "field"), [("users: a\n", "users"), ("users: [a]\n", "others"), ("users: [b]\n", "users")]
)
def test_what_is_not_there_cannot_be_taken_out(text: str, field: str) -> None:
    with pytest.raises(UnusualLayoutError):
        without_items(text, field, ["a"])


@given(value=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1))
def test_any_text_is_written_so_that_it_is_read_as_itself(value: str) -> None:
    written = scalar_text(value)
    assert "\n" not in written
    try:
        top, findings = parse_yaml(f"a: {written}\n", Path("x"))
    except Exception:  # noqa: BLE001 - a character that nobody sees is refused wherever it stands
        return
    assert findings == []
    assert isinstance(top, Fields)
    ((_, node),) = top.entries
    assert isinstance(node, Text)
    assert node.text == value
    assert yaml.safe_load(f"a: {written}") == {"a": value}


def test_values_are_put_where_they_belong_and_new_ones_below() -> None:
    text = "a:   # x\nb: old # y\n# z\n"
    slots = layout_of(text).slots
    assert with_values(text, slots, [("a", "1 2"), ("b", "new"), ("c", "d")]) == (
        'a: "1 2"   # x\nb: new # y\nc: d\n# z\n'
    )
    assert slots_in(None) == ()
