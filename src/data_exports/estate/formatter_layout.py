"""One declaration as it is laid out: its entries with the comments and blank lines that belong to each; pure.

In: the text of a file that `yaml_tree` accepts without findings. Out: a `Layout`. A comment at the end of a line
belongs to what stands before it; one on lines of its own to what follows, or to the list above where it is indented
with it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import yaml

from data_exports.estate.yaml_tree import YAML_LOADER

EDITOR_HEADER = re.compile(r"#\s*yaml-language-server:")

BLOCK_HEADER = re.compile(r"([|>][-+]?)[ \t]*(?:[ \t](#.*))?$")


class UnusualLayoutError(Exception):
    """The file nests lists and mappings as no declaration does; `str()` says what."""


@dataclass(slots=True)
class Scalar:
    """A text: `style` is YAML's (``""`` for plain); `block` holds a literal's or folded text's lines, header first."""

    text: str
    style: str
    start: tuple[int, int]
    end: tuple[int, int]
    block: tuple[str, ...] = ()


@dataclass(slots=True)
class Slot:
    """An entry of a mapping, or (without `key`) an item of a list, with what belongs to it."""

    key: Scalar | None
    value: "Scalar | Container"
    start: tuple[int, int]
    before: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    """Comments below the last of the value's own slots."""
    blank_before: bool = False

    @property
    def comments(self) -> list[str]:
        """All of its comments."""
        return [*self.before, *self.beside, *self.after]


@dataclass(slots=True)
class Container:
    """A list or a mapping."""

    kind: Literal["list", "mapping"]
    is_flow: bool = False
    start: tuple[int, int] = (0, 0)
    end: tuple[int, int] = (0, 0)
    slots: list[Slot] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """A file: what stands above its entries for the file as a whole, the entries, and what follows them."""

    header: tuple[str, ...]
    slots: tuple[Slot, ...]
    footer: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Comment:
    line: int
    column: int
    text: str
    stands_alone: bool


def layout_of(text: str) -> Layout:
    """The layout of a file whose top is a mapping. Raises `UnusualLayoutError`."""
    text = text.replace("\r\n", "\n")
    lines = text.split("\n")
    top, scalars = _tree_of(text, lines)
    places = _Places(top, lines)
    for comment in _comments_in(lines, scalars):
        if comment.stands_alone:
            places.keep_alone(comment)
        else:
            places.keep_beside(comment)
    places.mark_blanks()
    return Layout(tuple(places.header), tuple(top.slots), tuple(places.footer))


def comments_of(layout: Layout) -> list[str]:
    """Every comment, sorted: no formatting may lose one."""
    top = Container("mapping", slots=list(layout.slots))
    inner = [text for placed in _walk(top) for text in placed.slot.comments]
    return sorted([*layout.header, *inner, *layout.footer])


# --- text → tree ---------------------------------------------------------------------------------------------------


def _tree_of(text: str, lines: list[str]) -> tuple[Container, list[Scalar]]:
    scalars: list[Scalar] = []
    open_: list[tuple[Container, list[Scalar | Container]]] = []
    top: Scalar | Container | None = None
    loader = YAML_LOADER(text)
    try:
        while (event := loader.get_event()) is not None:
            done: Scalar | Container | None = None
            start, end = _span(event)
            match event:
                case yaml.ScalarEvent():
                    block = _block_lines(lines, start, end) if event.style in ("|", ">") else ()
                    done = Scalar(event.value, event.style or "", start, end, block)
                    scalars.append(done)
                case yaml.CollectionStartEvent():
                    is_mapping = isinstance(event, yaml.MappingStartEvent)
                    opened = Container("mapping" if is_mapping else "list", bool(event.flow_style), start)
                    open_.append((opened, []))
                case yaml.CollectionEndEvent():
                    container, children = open_.pop()
                    container.end = end
                    container.slots = _slots_of(container, children)
                    done = container
                case _:
                    pass
            if done is not None:
                if open_:
                    open_[-1][1].append(done)
                else:
                    top = done
    finally:
        loader.dispose()
    if not isinstance(top, Container) or top.kind != "mapping":
        raise UnusualLayoutError("the file is no mapping")
    return top, scalars


def _span(event: yaml.Event) -> tuple[tuple[int, int], tuple[int, int]]:
    start, end = event.start_mark, event.end_mark
    assert start is not None  # every event that a parser makes has both
    assert end is not None
    return (start.line, start.column), (end.line, end.column)


def _slots_of(container: Container, children: list[Scalar | Container]) -> list[Slot]:
    if container.kind == "list":
        return [Slot(None, child, child.start) for child in children]
    slots = []
    for key, value in zip(children[::2], children[1::2], strict=True):
        if not isinstance(key, Scalar):
            raise UnusualLayoutError("a key is a list or a mapping")
        slots.append(Slot(key, value, key.start))
    return slots


def _block_lines(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> tuple[str, ...]:
    """The header and the content of a literal or folded text, content without its indentation; () if that is given."""
    header = BLOCK_HEADER.match(lines[start[0]][start[1] :])
    if header is None:  # it names its indentation
        return ()
    last = end[0] if end[1] == 0 else end[0] + 1
    content = lines[start[0] + 1 : last]
    while content and not content[-1].strip(" "):
        content.pop()
    indent = next((len(line) - len(line.lstrip(" ")) for line in content if line.strip(" ")), 0)
    # No field minds how many line ends follow its text.
    return (header[1].rstrip("+"), *(line[indent:] for line in content))


# --- comments ------------------------------------------------------------------------------------------------------


def _comments_in(lines: list[str], scalars: list[Scalar]) -> list[_Comment]:
    """Every comment: what follows a `#` that is in no text."""
    masked = [list(line) for line in lines]
    for scalar in scalars:
        for number in range(scalar.start[0], min(scalar.end[0], len(masked) - 1) + 1):
            line = masked[number]
            first = scalar.start[1] if number == scalar.start[0] else 0
            last = scalar.end[1] if number == scalar.end[0] else len(line)
            if scalar.style in ("|", ">") and number == scalar.start[0]:
                last = first + 1  # a comment may follow the mark
            line[first:last] = "x" * (last - first)
    found = []
    for number, masked_line in enumerate(masked):
        if "#" in masked_line:
            column = masked_line.index("#")
            before, text = lines[number][:column], lines[number][column:].rstrip()
            found.append(_Comment(number, column, text, not before.strip()))
    return found


@dataclass(frozen=True, slots=True)
class _Placed:
    """A slot in the file's order; `owner` is the one whose value holds it, `depth` the number of those above it."""

    slot: Slot
    owner: "_Placed | None"
    depth: int


def _walk(container: Container, owner: _Placed | None = None) -> Iterator[_Placed]:
    for slot in container.slots:
        placed = _Placed(slot, owner, 0 if owner is None else owner.depth + 1)
        yield placed
        if isinstance(slot.value, Container):
            yield from _walk(slot.value, placed)


class _Places:
    """Where comments are kept."""

    def __init__(self, top: Container, lines: list[str]) -> None:
        self.header: list[str] = []
        self.footer: list[str] = []
        self._slots = list(_walk(top))
        self._lines = lines

    def keep_beside(self, comment: _Comment) -> None:
        """A comment at the end of a line."""
        place = (comment.line, comment.column)
        earlier = [placed for placed in self._slots if placed.slot.start < place]
        if not earlier:
            self.header.append(comment.text)  # beside `---`
            return
        slot, owner = earlier[-1].slot, earlier[-1].owner
        # What closes a flow list stands between its last item and the comment: it speaks of the list.
        while owner and isinstance(value := owner.slot.value, Container) and value.is_flow and value.end <= place:
            slot, owner = owner.slot, owner.owner
        (slot.before if slot.beside else slot.beside).append(comment.text)

    def keep_alone(self, comment: _Comment) -> None:
        """A comment on a line of its own."""
        place = (comment.line, comment.column)
        earlier = [placed for placed in self._slots if placed.slot.start < place]
        later = next((placed for placed in self._slots if placed.slot.start > place), None)
        if not earlier and self._is_of_file(comment):
            self.header.append(comment.text)
            return
        owner = earlier[-1].owner if earlier else None
        while owner is not None:
            is_open = not (isinstance(value := owner.slot.value, Container) and value.is_flow and value.end <= place)
            if is_open and owner.depth >= (later.depth if later else 0) and comment.column > owner.slot.start[1]:
                owner.slot.after.append(comment.text)
                return
            owner = owner.owner
        (later.slot.before if later else self.footer).append(comment.text)

    def _is_of_file(self, comment: _Comment) -> bool:
        """A comment directly above the first entry speaks of it; one set off by a blank line, of the file."""
        if not self._slots or EDITOR_HEADER.match(comment.text):
            return True
        between = self._lines[comment.line + 1 : self._slots[0].slot.start[0]]
        return any(not line.strip() or line.startswith("---") for line in between)

    def mark_blanks(self) -> None:
        """Note which slots, with the comments above them, are set off by a blank line."""
        for placed in self._slots:
            above = placed.slot.start[0] - 1 - len(placed.slot.before)
            placed.slot.blank_before = above >= 0 and not self._lines[above].strip()
