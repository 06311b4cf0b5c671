"""The type of a destination outside AWS: a mapping of its kind's parts; pure.

In and out as in `field_types`. What is wrong with a part is said without the part: somebody may have pasted a secret.
"""

from typing import Any

from data_exports.declared import DeclaredPart
from data_exports.destinations.kinds import OutsideDestination
from data_exports.estate.codes import Code
from data_exports.estate.field_types import FieldType, Located, One, Parts, fields_of, hint_on_dashes, text_in
from data_exports.estate.findings import FindingCollector
from data_exports.estate.yaml_tree import Node
from data_exports.names import Identifier, InvalidNameError


def destination_of(kind: type[OutsideDestination]) -> One[Parts]:
    """The type of the field that declares such a destination."""
    types = {name: _part_type(part) for name, part in kind.parts.items()}
    required = {name: types[name] for name, part in kind.parts.items() if part.is_required}
    return fields_of(kind, optional={name: types[name] for name in types if name not in required}, **required)


def _part_type(part: DeclaredPart) -> One[Identifier]:
    parse = part.parse

    def read(node: Node, report: FindingCollector) -> Located[Identifier] | None:
        if (text := text_in(node, report)) is None:
            return None
        try:
            return Located(parse(text.text), text.place)
        except InvalidNameError:
            hint = hint_on_dashes(text.text, parse) or parse.hint
            report.error(text.place, Code.BAD_NAME, f"what stands here {parse.reason}", hint)
            return None

    schema: dict[str, Any] = {"type": "string", "pattern": f"^{parse.pattern.pattern}$"}
    if parse.pattern.fullmatch("1234567"):  # without quotes a number to editors, which is no harm here
        schema = {"anyOf": [schema, {"type": "integer"}]}
    return FieldType(read, {"description": part.meaning, **schema})
