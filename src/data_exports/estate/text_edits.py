"""One file's text → the same with single values changed, and everything else as it was: comments, order, blank lines.

In: a text that `yaml_tree` accepts without findings, and what is to change. Out: the new text. Effects: none. Raises
`UnusualLayoutError` where a place is not to be found. Whoever edits a declaration reads it again, and sees whether it
says what was meant.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date

import yaml

from data_exports.estate.fields import EXPIRES, NAME
from data_exports.estate.formatter import SAFE_PLAIN
from data_exports.estate.formatter_layout import Container, Scalar, Slot, UnusualLayoutError, layout_of
from data_exports.estate.yaml_tree import other_reading
from data_exports.names import InvalidNameError
from data_exports.readers.kinds import reader_of

Span = tuple[tuple[int, int], tuple[int, int]]
"""From where to where, as lines and columns from 0."""


def scalar_text(text: str) -> str:
    """The text as a value of YAML that no reader takes for anything else: in quotes unless it is plain."""
    if SAFE_PLAIN.fullmatch(text) and not other_reading(text):
        return text
    if '"' in text and text.isprintable():  # easier to read than with each of its quotes escaped
        return "'" + text.replace("'", "''") + "'"
    return yaml.dump(text, default_style='"', allow_unicode=True, width=10**9).rstrip("\n")


def with_end(text: str, day: date) -> str:
    """A dataset's declaration that ends on this day: in place of the end that it has, or as its last field."""
    slots = layout_of(text).slots
    slot = slot_of(slots, EXPIRES.name)
    if slot is not None:
        return replaced(text, [(_span_of(slot), str(day))])
    last = max(slots, key=lambda each: each.start)
    return with_line_below(text, last, f"{' ' * last.start[1]}{EXPIRES.name}: {day}")


def without_items(text: str, field: str, values: Collection[str]) -> str:
    """The declaration without these items of a list, and without the list when nothing is left in it.

    An item that is a mapping goes by the name in it, a reader of tokens by its words. A comment beside an item goes
    with it, one above it stays.
    """
    for value in values:
        slot = slot_of(layout_of(text).slots, field)
        if slot is None or not isinstance(slot.value, Container):
            raise UnusualLayoutError(f"{field} is no list here")
        text = _without_item(text, slot, slot.value, value)
    return text


def slot_of(slots: Iterable[Slot], name: str) -> Slot | None:
    """The entry of this name."""
    return next((slot for slot in slots if slot.key and slot.key.text == name), None)


def slots_in(slot: Slot | None) -> Sequence[Slot]:
    """The entries or items of a mapping or list."""
    return slot.value.slots if slot and isinstance(slot.value, Container) else ()


def with_values(text: str, slots: Sequence[Slot], values: Sequence[tuple[str, str]]) -> str:
    """The text in which entries of one mapping, whose `slots` these are, have these values; they may be new there."""
    changes: list[tuple[Span, str]] = []
    for name, value in values:
        slot = slot_of(slots, name)
        if slot is None:
            last = max(slots, key=lambda each: each.start)
            line = _line_after(last)
            changes.append((((line, 0), (line, 0)), f"{' ' * last.start[1]}{name}: {scalar_text(value)}\n"))
        else:
            start, end = _span_of(slot)
            is_bare = start == end and isinstance(slot.value, Scalar) and not slot.value.style
            changes.append(((start, end), f"{' ' * is_bare}{scalar_text(value)}"))
    return replaced(text, changes)


def with_line_below(text: str, slot: Slot, line: str) -> str:
    """The text with a line below an entry, and below the comments that belong to its list."""
    number = _line_after(slot)
    lines = _lines_of(text)
    while number < len(lines) and _is_comment_within(lines[number], slot.start[1]):
        number += 1
    return replaced(text, [(((number, 0), (number, 0)), f"{line}\n")])


def replaced(text: str, changes: Iterable[tuple[Span, str]]) -> str:
    """The text with other text in these places, which do not overlap; line ends stay those of the file."""
    lines = _lines_of(text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    whole = "\n".join(lines)
    for ((first, column), (last, last_column)), new in sorted(changes, reverse=True):
        begin, end = starts[first] + column, starts[last] + last_column
        if begin > len(whole):  # below a last line without an end
            whole += "\n"
        whole = whole[:begin] + new + whole[end:]
    return whole.replace("\n", "\r\n") if "\r\n" in text else whole


def _lines_of(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


def _span_of(slot: Slot) -> Span:
    if isinstance(slot.value, Container) or slot.value.block:
        raise UnusualLayoutError(f"{slot.key.text if slot.key else 'an item'} is not one value on one line here")
    return slot.value.start, slot.value.end


def _line_after(slot: Slot) -> int:
    """The line below all that an entry holds."""
    value = slot.value
    while isinstance(value, Container) and value.slots and not value.is_flow:
        value = value.slots[-1].value
    line, column = value.end
    return line if column == 0 and line > slot.start[0] else line + 1


def _is_comment_within(line: str, column: int) -> bool:
    return line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) > column


def _without_item(text: str, field: Slot, items: Container, value: str) -> str:
    slots = items.slots
    number = next((place for place, slot in enumerate(slots) if _text_of(slot) == value), None)
    if number is None:
        raise UnusualLayoutError(f"{value} is not in the list")
    item = slots[number].value
    if len(slots) == 1:
        return replaced(text, [(((field.start[0], 0), (_line_after(field), 0)), "")])
    if not items.is_flow:
        return replaced(text, [(((item.start[0], 0), (_line_after(slots[number]), 0)), "")])
    if number + 1 < len(slots):
        return replaced(text, [((item.start, slots[number + 1].start), "")])
    return replaced(text, [((slots[number - 1].value.end if number else item.start, item.end), "")])


def _text_of(slot: Slot) -> str:
    """What an item is known by: itself, the name that stands in it, or the words for a reader of tokens."""
    named = slot_of(slot.value.slots, NAME.name) if isinstance(slot.value, Container) else slot
    if named:
        return named.value.text if isinstance(named.value, Scalar) else ""
    try:
        return reader_of(_texts_in(slot.value)).label
    except InvalidNameError:
        return ""


def _texts_in(value: Scalar | Container) -> object:
    """A value as plain texts and mappings; a list is none of a reader's."""
    if isinstance(value, Scalar):
        return value.text
    return {slot.key.text if slot.key else "": _texts_in(slot.value) for slot in value.slots}
