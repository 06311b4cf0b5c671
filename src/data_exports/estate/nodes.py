"""YAML as a reader of the file sees it: text, lists and mappings, each with its place, and nothing guessed.

Scalars stay the text that stands in the file, because YAML 1.1 would take ``012345678901`` for an octal number, ``no``
for false and ``2031-01-02`` for a date. What a text means is for the field to say.
"""

from dataclasses import dataclass

from data_exports.estate.models import Place


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar; `plain` when it stands without quotes."""

    place: Place
    text: str
    plain: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether YAML takes this for no value at all."""
        return self.plain and self.text in {"", "~", "null", "Null", "NULL"}


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
