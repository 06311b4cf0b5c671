"""All JSON in one envelope, ``{"schema": "data-exports/<question>/1", …}``, and its values as JSON has them.

In: a question and the data that answer it. Out: plain values. Effects: none. Lists never stand at the top: so every
answer can say what it is, and can get more fields. What is not known, or does not apply, is null.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any


def schema_name_of(question: str) -> str:
    """What the field `schema` holds."""
    return f"data-exports/{question}/1"


def enveloped(question: str, data: object) -> dict[str, object]:
    """The data below their schema's name. They are a mapping, or a dataclass."""
    whole: Any = data if isinstance(data, Mapping) else json_value_of(data)
    return {"schema": schema_name_of(question), **whole}


def json_value_of(value: object) -> object:
    """What JSON has for values of ours: moments in UTC, dates, paths, and the fields of dataclasses."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"no JSON for {type(value).__name__}")
