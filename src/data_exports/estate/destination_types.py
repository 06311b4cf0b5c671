"""The type of a destination outside AWS: a mapping of its kind's parts; pure.

In and out as in `field_types`. What is wrong with a part is said without the part: somebody may have pasted a secret.
"""

from data_exports.declared import DeclaredPart
from data_exports.destinations.kinds import OutsideDestination
from data_exports.estate.field_types import FieldType, One, Parts, fields_of, identifier_of
from data_exports.names import Identifier, InvalidNameError


def destination_of(kind: type[OutsideDestination]) -> One[Parts]:
    """The type of the field that declares such a destination."""
    types = {name: part_type(part) for name, part in kind.parts.items()}
    required = {name: types[name] for name, part in kind.parts.items() if part.is_required}
    return fields_of(kind, optional={name: types[name] for name in types if name not in required}, **required)


def part_type(part: DeclaredPart) -> One[Identifier]:
    """The type of one of its parts."""
    parse = part.parse
    may_be_number = parse.pattern.fullmatch("1234567") is not None  # without quotes a number to editors: no harm here

    def words(_error: InvalidNameError) -> str:
        return f"what stands here {parse.reason}"

    plain = identifier_of(parse, parse.pattern.pattern, may_be_number=may_be_number, words=words)
    schema = {"anyOf": [plain.schema, {"type": "integer"}]} if may_be_number else plain.schema
    return FieldType(plain.read, {"description": part.meaning, **schema})
