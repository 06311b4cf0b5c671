"""JSON Schemas and the loader are of one mind about single files."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from data_exports.estate.fields import PLATFORM_FIELDS
from data_exports.estate.file_kinds import FILE_KINDS, PLATFORM, PUSH, FileKind
from data_exports.estate.findings import Severity
from data_exports.estate.formatter import format_declaration
from data_exports.estate.loader import files_of
from data_exports.estate.schemas import headed_texts, schema_of, schema_texts
from tests.unit.estate import written
from tests.unit.estate.refusals import VALUES

ROOT = Path(__file__).parents[3]
ESTATES = [ROOT / "examples" / "estate", ROOT / "tests" / "golden" / "shapes"]
FILES = [(path, kind) for estate in ESTATES for path, kind in files_of(estate)]

ONLY_CHECK = {
    "name too long",  # as a role's and a bucket's name, which the loader bounds elsewhere, too
    "30 February",
    "week date",
    "last date there is",
    "e-mail",
    "long address",
    "date in another order",
    "blank text",
    "escape character",
    "direction mark",
    "two lines in one",
    "recovery days octal",
    "no paperwork",
}
"""What a schema cannot tell, or tells only to a reader that checks formats."""


class _EditorsYaml(yaml.CSafeLoader):
    """YAML 1.2's core schema, as editors have it: dates are texts, `yes` is no boolean, 012 is the number 12."""


_EditorsYaml.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", "[-+]?[0-9]+", "-+0123456789"),
    ("null", "~|null|Null|NULL|", "~nN\0"),
):
    _EditorsYaml.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
_EditorsYaml.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])
_EditorsYaml.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))


def _wrong(text: str | bytes, kind: FileKind[Any]) -> bool:
    value: Any = yaml.load(text, _EditorsYaml)
    value = json.loads(json.dumps(value))  # keys become texts
    return not jsonschema.Draft7Validator(schema_of(kind)).is_valid(value)


@pytest.mark.parametrize("kind", FILE_KINDS, ids=lambda kind: kind.name)
def test_a_schema_is_one_and_describes_every_field(kind: FileKind[Any]) -> None:
    schema = schema_of(kind)
    jsonschema.Draft7Validator.check_schema(schema)
    inside = schema["properties"]["platform"] if kind is PLATFORM else schema
    assert inside["additionalProperties"] is False
    assert {name for name, each in inside["properties"].items() if not each.get("deprecated")} == {
        field.name for field in kind.fields
    }
    assert all(each["description"] for each in inside["properties"].values())
    for text in re.findall(r'"pattern": "([^"]+)"', json.dumps(schema)):
        re.compile(json.loads(f'"{text}"'))


@pytest.mark.parametrize(("path", "kind"), FILES, ids=lambda value: getattr(value, "name", ""))
def test_files_in_use_are_right(path: Path, kind: FileKind[Any]) -> None:
    text = path.read_text(encoding="utf-8")
    assert not _wrong(text.replace("012345678901", '"012345678901"'), kind)
    assert not _wrong(format_declaration(text, path, kind), kind)


@pytest.mark.parametrize("case", [case for case in VALUES if case not in ONLY_CHECK])
def test_what_the_loader_refuses_about_fields_is_wrong_in_an_editor_too(case: str, tmp_path: Path) -> None:
    folder = written.write_estate(tmp_path, **VALUES[case])
    bad = {each.place.path for each in written.load(folder).findings if each.severity is Severity.ERROR}
    # Where a name is used again, the other file is found wrong as well.
    found = {path for path, kind in files_of(folder) if _wrong(path.read_bytes(), kind)}
    assert found
    assert found <= bad


def test_what_is_only_for_check_to_say_is_right_in_an_editor(tmp_path: Path) -> None:
    for case in sorted(ONLY_CHECK & set(VALUES)):
        folder = written.write_estate(tmp_path / case, **VALUES[case])
        assert written.load(folder).errors, case


def test_either_spelling_of_the_target_bucket_will_do_and_both_will_not() -> None:
    text = "name: a\nusers: [b]\n{}"
    assert _wrong(text.format(""), PUSH)
    assert not _wrong(text.format("bucket: abc\n"), PUSH)
    assert not _wrong(text.format("target_bucket: abc\n"), PUSH)
    assert _wrong(text.format("bucket: abc\ntarget_bucket: abc\n"), PUSH)


def test_required_settings_are_required() -> None:
    inside = schema_of(PLATFORM)["properties"]["platform"]
    assert inside["required"] == [field.name for field in PLATFORM_FIELDS if field.is_required]


def test_the_line_for_editors_is_put_at_the_top_once(tmp_path: Path) -> None:
    folder = written.write_estate(
        tmp_path,
        push="---\n# about\n# yaml-language-server: $schema=old.json\n" + written.PUSH,
        pull=written.PULL + "description: |\n  # yaml-language-server: $schema=no.json\n",
    )
    assert dict(headed_texts(folder)) == {
        folder / "exports.yaml": f"# yaml-language-server: $schema=.schemas/platform.schema.json\n{written.PLATFORM}",
        folder / "push_datasets" / "a.yaml": (
            f"---\n# about\n# yaml-language-server: $schema=../.schemas/push.schema.json\n{written.PUSH}"
        ),
        folder / "pull_datasets" / "b.yaml": (
            f"# yaml-language-server: $schema=../.schemas/pull.schema.json\n{written.PULL}"
            "description: |\n  # yaml-language-server: $schema=no.json\n"
        ),
    }


def test_a_file_that_cannot_be_read_gets_no_line(tmp_path: Path) -> None:
    folder = written.write_estate(tmp_path, push=b"\xff")
    assert folder / "push_datasets" / "a.yaml" not in dict(headed_texts(folder))


def test_the_schemas_of_an_estate_are_those_of_the_kinds(tmp_path: Path) -> None:
    assert {path.relative_to(tmp_path).as_posix(): json.loads(text) for path, text in schema_texts(tmp_path)} == {
        f".schemas/{kind.name}.schema.json": schema_of(kind) for kind in FILE_KINDS
    }


@pytest.mark.parametrize(
    "word", ["true", "123", "2031-01-31", "1e3", "0x1f", "yes", "no", "0o17", "1_0", "12:30", ".5", "Off"]
)
def test_what_an_editor_takes_for_no_text_is_warned_of_and_quoted(word: str, tmp_path: Path) -> None:
    text = f"name: orders\ndescription: {word}\ntarget_bucket: abc\nowner: {word}\nusers: [alpha_user_ana]\n"
    platform = written.PLATFORM + f"  tags: {{{word}: {word}}}\n"
    folder = written.write_estate(tmp_path, push=text, platform=platform)
    for path, kind in ((folder / "push_datasets" / "a.yaml", PUSH), (folder / "exports.yaml", PLATFORM)):
        warned = [each for each in written.load(folder).findings if (each.place.path, each.code) == (path, "EX212")]
        assert len(warned) == 2
        shaped = format_declaration(path.read_text(encoding="utf-8"), path, kind)
        assert shaped.count(f'"{word}"') == 2
        assert not _wrong(shaped, kind)
        path.write_text(shaped, encoding="utf-8")
    assert [each for each in written.load(folder).findings if each.code == "EX212"] == []


@pytest.mark.parametrize(
    "word", ["orders", "1.2.3", "DPIA-1", "12 March", "t", "none", "e3", "0xg", "2031/17", "yesterday"]
)
def test_what_every_reader_takes_for_a_text_is_left_alone(word: str, tmp_path: Path) -> None:
    folder = written.write_estate(tmp_path, push=written.PUSH + f"owner: {word}\n")
    assert written.said(folder) == []
