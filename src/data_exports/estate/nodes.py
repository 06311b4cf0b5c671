"""YAML as a reader of the file sees it: text, lists and mappings, each with its place, and nothing guessed.

Scalars stay the text that stands in the file, because YAML 1.1 would take ``012345678901`` for an octal number, ``no``
for false and ``2031-01-02`` for a date. What a text means is for the field to say.
"""

import re
from dataclasses import dataclass

from data_exports.estate.findings import Place


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar; `plain` when it stands without quotes."""

    place: Place
    text: str
    plain: bool = True
    is_cut: bool = False
    """Whether a comment that does not begin like one follows: ``issue #42`` is the text ``issue`` for YAML."""

    @property
    def is_empty(self) -> bool:
        """Whether YAML takes this for no value at all."""
        return self.plain and self.text in {"", "~", "null", "Null", "NULL"}


_READINGS = {
    "nothing": re.compile("~|(?i:null)"),
    "true or false": re.compile("(?i:y|n|yes|no|on|off|true|false)"),
    "a number": re.compile(
        r"[-+]?(?:0b[01_]+|0o[0-7]+|0x[0-9A-Fa-f_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
        r"|(?=\.?[0-9])[0-9_]*\.?[0-9_]*(?:[Ee][-+]?[0-9]+)?|\.(?i:inf))|\.(?i:nan)"
    ),
    "a date": re.compile(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}[0-9. \tZ:+-]*)?"
    ),
}
"""What YAML 1.1 and 1.2 take a text without quotes for. https://yaml.org/type/ https://yaml.org/spec/1.2.2/#103-core-schema"""


def other_reading(text: str) -> str:
    """What some readers of YAML take this text for when it stands without quotes; "" when all take it for a text."""
    if len(text) > len("false") and text[0].isalpha():  # most are
        return ""
    return next((what for what, pattern in _READINGS.items() if pattern.fullmatch(text)), "")


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping, in the order of the file; no key stands in it twice."""

    place: Place
    entries: tuple[tuple[Text, "Node"], ...]


Node = Text | Items | Fields
