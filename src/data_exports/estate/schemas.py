"""JSON Schemas of the three kinds of file, so that editors complete and check what people write; pure.

Made from the table of fields, and so of one mind with the loader; what only the whole estate shows (names that are
taken, users that the platform does not list) is for `exports check` to say. Draft 7, which YAML's language server knows
best: https://github.com/redhat-developer/yaml-language-server
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_exports.estate.declaration_file import decode_declaration, read_bytes
from data_exports.estate.file_kinds import FILE_KINDS, PLATFORM, FileKind
from data_exports.estate.formatter_layout import EDITOR_HEADER
from data_exports.estate.loader import files_of
from data_exports.estate.yaml_tree import UnparsableError

FOLDER = ".schemas"
"""Below the estate's; hidden, so that nobody looks for declarations in it."""

DRAFT = "http://json-schema.org/draft-07/schema#"

Schema = dict[str, Any]


def schema_of(kind: FileKind[Any]) -> Schema:
    """The schema of one kind of file."""
    if kind is PLATFORM:
        inside = _object_of(kind)
        top = {"type": "object", "properties": {"platform": inside}, "required": ["platform"]}
        return {"$schema": DRAFT, "title": "The platform of an estate", **top, "additionalProperties": False}
    schema = {"$schema": DRAFT, "title": f"A {kind.name} dataset", **_object_of(kind)}
    for name, why in kind.ignored.items():
        schema["properties"][name] = {"description": f"{why[0].upper()}{why[1:]}.", "deprecated": True}
    return schema


def _object_of(kind: FileKind[Any]) -> Schema:
    properties: Schema = {}
    required, either = [], []
    for field in kind.fields:
        properties[field.name] = {"description": field.meaning, **field.type.schema}
        if field.older:
            older = f"An older spelling of {field.name}."
            properties[field.older] = {"description": older, "deprecated": True, **field.type.schema}
        if field.older and field not in kind.exactly_one:
            one_of = [{"required": [name]} for name in field.names]
            either.append({"oneOf": one_of} if field.is_required else {"not": {"required": [*field.names]}})
        elif kind.needs(field):
            required.append(field.name)
    if kind.exactly_one:
        either.append({"oneOf": [{"required": [name]} for field in kind.exactly_one for name in field.names]})
    either += [{"not": {"required": [*names]}} for names in _at_odds(kind)]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    if kind.at_least_one:
        schema["anyOf"] = [{"required": [field.name]} for field in kind.at_least_one]
    return {**schema, "allOf": either} if either else schema


def _at_odds(kind: FileKind[Any]) -> Iterator[tuple[str, str]]:
    """Two fields that cannot both be there: one holds whole what the other is a part of."""
    for whole in kind.fields:
        for field in kind.fields:
            if field.attribute.startswith(f"{whole.attribute}.") and field not in kind.exactly_one:
                yield whole.name, field.name


def schema_texts(estate: Path) -> Iterator[tuple[Path, str]]:
    """The schemas' files of an estate: path and text."""
    for kind in FILE_KINDS:
        yield _path_of(estate, kind), json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"


def headed_texts(estate: Path) -> Iterator[tuple[Path, str]]:
    """Every declaration that can be read, with the line at its top that tells editors where its schema is."""
    for path, kind in files_of(estate):
        try:
            text = decode_declaration(read_bytes(path), path)
        except UnparsableError:
            continue  # for `check` to say
        yield path, with_header(text, path, kind, estate=estate)


def has_schemas(estate: Path) -> bool:
    """Whether the schemas have been put into the estate."""
    return (estate / FOLDER).is_dir()


def with_header(text: str, path: Path, kind: FileKind[Any], *, estate: Path) -> str:
    """The text with the line at its top, where there may be one already, that names the schema."""
    header = f"# yaml-language-server: $schema={os.path.relpath(_path_of(estate, kind), path.parent)}"
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if EDITOR_HEADER.match(line):
            return "".join([*lines[:number], f"{header}\n", *lines[number + 1 :]])
        if line.strip() and not line.startswith(("#", "---")):
            break
    return f"{header}\n{text}"


def _path_of(estate: Path, kind: FileKind[Any]) -> Path:
    return estate / FOLDER / f"{kind.name}.schema.json"
