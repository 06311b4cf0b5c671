"""The type of a reader outside AWS: one kind, and below it what tells who it is; pure.

In and out as in `field_types`.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from data_exports.declared import DeclaredPart
from data_exports.estate.codes import Code
from data_exports.estate.field_types import FieldType, Located, One, identifier_of, text_in
from data_exports.estate.findings import FindingCollector
from data_exports.estate.yaml_tree import Fields, Node, Text
from data_exports.names import Identifier, InvalidNameError
from data_exports.readers.identifiers import AzureVersion, Issuer, OtherKindError, TransferSubject, UniqueId
from data_exports.readers.kinds import READER_KINDS, AnyReader

_FORM = "write a kind, and below it what tells who it is, such as `google: {service_account: ..., unique_id: ...}`"


def _identity(node: Node, report: FindingCollector) -> Located[AnyReader] | None:
    if not isinstance(node, Fields) or not node.entries:
        report.error(node.place, Code.WRONG_SHAPE, "a reader outside AWS must be a mapping of one kind", _FORM)
        return None
    if len(node.entries) > 1:
        second, kinds = node.entries[1][0], ", ".join(key.text for key, _ in node.entries)
        report.error(second.place, Code.WRONG_SHAPE, f"one entry holds {kinds}", "write an entry for each reader")
        return None
    ((name, parts),) = node.entries
    kind = READER_KINDS.get(name.text)
    if kind is None:
        hint = _nearest(name.text, READER_KINDS) or f"the kinds are: {', '.join(READER_KINDS)}"
        report.error(name.place, Code.UNKNOWN_FIELD, f"there is no kind of reader {name.text!r}", hint)
        return None
    if not isinstance(parts, Fields):
        report.error(
            parts.place, Code.WRONG_SHAPE, f"{name.text!r} must be a mapping", f"write {_parts_of(kind)} below it"
        )
        return None
    values = _values_in(parts, kind, report)
    try:
        return None if values is None else Located(kind(**values), name.place)
    except InvalidNameError as error:  # one part does not fit another
        report.error(parts.place, Code.BAD_NAME, str(error), error.hint)
        return None


def _values_in(parts: Fields, kind: type[AnyReader], report: FindingCollector) -> dict[str, Any] | None:
    """What stands below a kind; ``None``, and reported, when not all of it is right."""
    values: dict[str, Any] = {}
    is_whole = True
    for key, node in parts.entries:
        part = kind.parts.get(key.text)
        if part is None:
            hint = _nearest(key.text, kind.parts) or f"it has: {_parts_of(kind)}"
            report.error(key.place, Code.UNKNOWN_FIELD, f"{kind.kind!r} has no {key.text!r}", hint)
            is_whole = False
            continue
        found = READER_PART_TYPES[part.parse].read(node, report)
        is_whole = is_whole and found is not None
        values[key.text] = found and found.value
    for name, part in kind.parts.items():
        if part.is_required and name not in values:
            message = f"{kind.kind!r} lacks {name!r}"
            report.error(parts.place, Code.MISSING_FIELD, message, f"add `{name}:`. {part.meaning}")
            is_whole = False
    return values if is_whole else None


def _part_type(parse: type[Identifier]) -> One[Identifier]:
    """The type of one part: a value that looks like a pattern is told as such, before anything else."""
    plain = identifier_of(parse, parse.pattern.pattern, may_be_number=parse is AzureVersion, code=_code_of(parse))

    def read(node: Node, report: FindingCollector) -> Located[Identifier] | None:
        if (text := text_in(node, report)) is None:
            return None
        if set(text.text) & set("*" if parse is Issuer else "*?"):
            message = f"{text.text!r} lets in everybody who fits a pattern"
            report.error(text.place, Code.WILD_OUTSIDER, message, "write out whom it is for, an entry for each")
            return None
        if hint := _other_kind(parse, text):
            report.error(text.place, Code.OTHER_ISSUER, f"{text.text!r} cannot be declared as an issuer", hint)
            return None
        return plain.read(node, report)

    if parse is AzureVersion:
        return FieldType(read, {"enum": [1, 2, "1", "2"]})
    if parse in (UniqueId, TransferSubject):  # without quotes a number to editors, and a warning here
        return FieldType(read, {"anyOf": [plain.schema, {"type": "integer", "minimum": 10**14, "maximum": 10**25 - 1}]})
    return FieldType(read, plain.schema)


def _other_kind(parse: type[Identifier], text: Text) -> str:
    """What to write instead of an issuer that is not declared by its address."""
    try:
        parse(text.text)
    except OtherKindError as error:
        return error.hint
    except InvalidNameError:
        pass  # for the type itself to say
    return ""


def _code_of(parse: type[Identifier]) -> Code:
    return Code.BAD_ISSUER if parse is Issuer else Code.BAD_NAME


def _nearest(word: str, names: Mapping[str, object]) -> str:
    near = get_close_matches(word.lower().replace("-", "_"), names, n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def _parts_of(kind: type[AnyReader]) -> str:
    return ", ".join(kind.parts)


READER_PART_TYPES = {
    part.parse: _part_type(part.parse) for kind in READER_KINDS.values() for part in kind.parts.values()
}


def _schema_of(parts: Mapping[str, DeclaredPart]) -> dict[str, Any]:
    properties = {
        name: {"description": part.meaning, **READER_PART_TYPES[part.parse].schema} for name, part in parts.items()
    }
    required = [name for name, part in parts.items() if part.is_required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


IDENTITY: One[AnyReader] = FieldType(
    _identity,
    {
        "type": "object",
        "properties": {name: _schema_of(kind.parts) for name, kind in READER_KINDS.items()},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    },
)
