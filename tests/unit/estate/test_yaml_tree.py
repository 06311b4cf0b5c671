"""The C parser and the pure one, which takes its place where it is missing, give the same nodes."""

from pathlib import Path

import pytest
import yaml

from data_exports.estate.findings import Place
from data_exports.estate.yaml_tree import Fields, Items, Text, UnparsableError, parse_yaml

PATH = Path("x.yaml")
LOADERS = [yaml.CSafeLoader, yaml.SafeLoader]


def _at(line: int, column: int) -> Place:
    return Place(PATH, line, column)


@pytest.mark.parametrize("loader", LOADERS)
def test_scalars_stay_the_text_that_stands_in_the_file(loader: type[yaml.SafeLoader | yaml.CSafeLoader]) -> None:
    text = " a: 012345678901 # id\n b: [no, 'yes', 2031-01-02]\n c:\n"
    node, findings = parse_yaml(text, PATH, loader=loader)
    items = (Text(_at(2, 6), "no"), Text(_at(2, 10), "yes", plain=False), Text(_at(2, 17), "2031-01-02"))
    assert node == Fields(
        _at(1, 2),
        (
            (Text(_at(1, 2), "a"), Text(_at(1, 5), "012345678901")),
            (Text(_at(2, 2), "b"), Items(_at(2, 5), items)),
            (Text(_at(3, 2), "c"), Text(_at(3, 4), "")),
        ),
    )
    assert findings == []


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "place"),
    [("é: \uffff", _at(1, 4)), ("a: 1\né: \uffff", _at(2, 4)), ('a: "\\U00110000"', None), ("a: [\n", None)],
)
def test_what_cannot_be_parsed_is_said_with_its_place(
    loader: type[yaml.SafeLoader | yaml.CSafeLoader], text: str, place: Place | None
) -> None:
    with pytest.raises(UnparsableError) as caught:
        parse_yaml(text, PATH, loader=loader)
    assert caught.value.finding.code == "EX105"
    assert place is None or caught.value.finding.place == place


def test_references_that_would_grow_without_end_do_not() -> None:
    lists = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
    node, findings = parse_yaml(f"l0: &l0 [x]\n{lists}\n", PATH)
    assert isinstance(node, Fields)
    assert {finding.code for finding in findings} == {"EX109"}


@pytest.mark.parametrize("loader", LOADERS)
def test_a_text_is_cut_where_a_comment_follows_that_looks_like_text(
    loader: type[yaml.SafeLoader | yaml.CSafeLoader],
) -> None:
    text = "a: issue #42\nb: é d #e\nc: x # see #42\nd: 'y' #z\ne:\n  - f\n    g #h\ni: |\n  j #k\nl: m#n\no: p\n"
    top, findings = parse_yaml(text, Path("x.yaml"), loader=loader)
    assert findings == []
    assert isinstance(top, Fields)
    leaves = [value.items[0] if isinstance(value, Items) else value for _, value in top.entries]
    assert [each.text for each in leaves if isinstance(each, Text) and each.is_cut] == ["issue", "é d", "f g"]
