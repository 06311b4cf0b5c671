"""What an installed command prints with --json, held against the schemas in docs/schemas."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).parents[1] / "docs" / "schemas"


def read_json(text: str) -> Any:
    """The one JSON document of a command, which must be what its schema says, and no more."""
    found = json.loads(text)
    check_envelope(found)
    return found


def check_envelope(found: Any) -> None:
    """Raise unless the value is an envelope whose schema is published, and it has every field that that names."""
    assert next(iter(found)) == "schema", f"the first key is {next(iter(found))!r}"
    product, question, version = found["schema"].split("/")
    assert product == "data-exports"
    jsonschema.Draft202012Validator(_strict(question, version)).validate(json.loads(json.dumps(found)))


def check_printed(words: Sequence[str], out: str, err: str, code: int) -> None:
    """Hold all JSON that a command has printed against its schemas, and an error against that of errors."""
    if "--json" not in words:
        return
    if out:
        documents = out.splitlines() if words[0] == "history" else [out]
        for document in documents:
            read_json(document)
    if code > 1 or (code and not out):
        assert read_json(err.splitlines()[-1])["error"]["exit_code"] == code


@cache
def _strict(question: str, version: str) -> Any:
    return _closed(json.loads((SCHEMAS / f"{question}-{version}.json").read_text()))


def _closed(schema: Any) -> Any:
    """The schema without room for what it does not name; moments as we write them."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _closed(each) for key, each in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        inner["additionalProperties"] = False
    if schema.get("format") == "date-time":
        inner["pattern"] = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"
    return inner
