"""All JSON in one envelope, ``{"schema": "data-exports/<question>/1", …}``.

In: a question and the values that answer it. Out: plain values. Effects: none. Lists never stand at the top: so every
answer can say what it is, and can get more fields. What is not known, or does not apply, is null.
"""

from data_exports.json_values import json_object_of, json_value_of
from data_exports.text import json_text


def schema_name_of(question: str) -> str:
    """What the field `schema` holds."""
    return f"data-exports/{question}/1"


def enveloped(question: str, answer: object) -> dict[str, object]:
    """The answer, a dataclass, below its schema's name."""
    return {"schema": schema_name_of(question), **json_object_of(answer)}


def line_of(question: str, answer: object) -> str:
    """The whole envelope as one line of JSON."""
    return json_text(enveloped(question, answer), default=json_value_of)
