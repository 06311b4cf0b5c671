"""YAML text → a tree of texts, lists and mappings, each with its place, and what it took offence at on the way; pure.

YAML is taken as a stream of events, so that anchors, tags and second documents can be refused where they stand, and no
nesting can exhaust the stack. What stops the reading is raised as `UnparsableError`; the rest is collected. Nothing is
guessed: scalars stay the text that stands in the file, because YAML 1.1 would take ``012345678901`` for an octal
number, ``no`` for false and ``2031-01-02`` for a date. What a text means is for the field to say.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from data_exports.estate.codes import Code
from data_exports.estate.findings import Finding, Place
from data_exports.text import counted, hidden_in, named_character

DEPTH = 8
"""Levels of lists and mappings in one file; declarations need four."""

# The C parser is some ten times quicker, and not built everywhere.
YAML_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LIKE_NO_COMMENT = re.compile(r"(?<=\S)[ \t]+#[^\s#]")
"""What ends a text for YAML, and looks as if it went on: ``issue #42``. https://yaml.org/spec/1.2.2/#66-comments"""

REVIEWABLE = "write the value out: a reviewer must see it where it applies"


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


class UnparsableError(Exception):
    """Reading cannot go on in this file; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def parse_yaml(
    text: str, path: Path, *, loader: type[yaml.SafeLoader | yaml.CSafeLoader] = YAML_LOADER
) -> tuple[Node | None, list[Finding]]:
    """The node of the one document, ``None`` when there is none, and the findings.

    `path` is for the places only. Raises `UnparsableError`.
    """
    _refuse_hidden(text, path)
    parser = _Parser(path, text)
    try:
        events = loader(text)
        try:
            while (event := events.get_event()) is not None:
                parser.take(event)
        finally:
            events.dispose()
    except yaml.MarkedYAMLError as error:
        raise UnparsableError(_syntax_finding(error, path)) from error
    except yaml.reader.ReaderError as error:
        # The position counts characters in the pure parser, bytes in the C one.
        pure = loader is yaml.SafeLoader
        before = text[: error.position] if pure else text.encode()[: error.position].decode(errors="ignore")
        message = "not valid YAML: a character that YAML does not allow"
        place = place_after(before, path)
        raise UnparsableError(Finding(place, Code.NOT_YAML, message, "remove the character")) from error
    except (ValueError, OverflowError) as error:  # the pure parser, for "\U00110000"
        message = f"not valid YAML: {error}"
        raise UnparsableError(Finding(Place(path), Code.NOT_YAML, message, "look for a wrong \\U escape")) from error
    return parser.top, parser.findings


def place_after(text: str, path: Path) -> Place:
    """The place of the character that follows this text."""
    return Place(path, text.count("\n") + 1, len(text) - text.rfind("\n"))


def _refuse_hidden(text: str, path: Path) -> None:
    """Stop at a character that nobody sees, wherever it stands: a comment may hold a line of YAML behind one.

    YAML ends lines also at U+0085, U+2028, U+2029 and a carriage return alone, where `git diff` and GitHub end none.
    https://yaml.org/spec/1.1/#b-char
    """
    found = hidden_in(text.replace("\r\n", " \n"))
    if not found:
        return
    first = text[found[0]]
    does = "which ends a line for YAML, but not in a diff" if first in "\r\x85\u2028\u2029" else "which cannot be seen"
    more = f"; and {counted(len(found) - 1, 'other such character')}" if found[1:] else ""
    hint = "remove it, from a comment, too; emoji and copied text often bring some along"
    message = f"holds {named_character(first)}, {does}{more}"
    raise UnparsableError(Finding(place_after(text[: found[0]], path), Code.HIDDEN_TEXT, message, hint))


def _syntax_finding(error: yaml.MarkedYAMLError, path: Path) -> Finding:
    mark = error.problem_mark or error.context_mark
    place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
    said = ", ".join(part for part in (error.context, error.problem) if part)
    hint = "check indentation (spaces, no tabs), colons and quotes here and on the line above"
    return Finding(place, Code.NOT_YAML, f"not valid YAML: {said}", hint)


class _Parser:
    """Builds nodes from YAML events."""

    def __init__(self, path: Path, text: str) -> None:
        self.top: Node | None = None
        self.findings: list[Finding] = []
        self._path = path
        self._documents = 0
        self._open: list[tuple[Place, list[Node]]] = []
        self._anchored: dict[str, Text] = {}
        # Few files have such a place, so that the lines are worth having in few.
        self._lines = text.split("\n") if _LIKE_NO_COMMENT.search(text) else []

    def take(self, event: yaml.Event) -> None:
        """Add what one event says."""
        match event:  # the most frequent first
            case yaml.ScalarEvent():
                place = self._place_of(event)
                node = Text(place, event.value, not event.style, self._is_cut(event))
                if event.anchor is not None or event.tag is not None:
                    self._refuse_tricks(event, place)
                    self._anchored[str(event.anchor)] = node
                self._add(node)
            case yaml.MappingEndEvent():
                start, items = self._open.pop()
                self._add(self._fields(start, items))
            case yaml.SequenceEndEvent():
                start, items = self._open.pop()
                self._add(Items(start, tuple(items)))
            case yaml.CollectionStartEvent():
                place = self._place_of(event)
                self._refuse_tricks(event, place)
                self._check_depth(place)
                self._open.append((place, []))
            case yaml.DocumentStartEvent():
                self._count_document(self._place_of(event))
            case yaml.AliasEvent():
                place = self._place_of(event)
                self._note(place, Code.YAML_TRICK, f"an alias (*{event.anchor}) is used", REVIEWABLE)
                # The value it stands for keeps the fields' own checks quiet.
                meant = self._anchored.get(str(event.anchor), Text(place, "", plain=False))
                self._add(Text(place, meant.text, plain=meant.plain))
            case _:
                pass

    def _is_cut(self, event: yaml.ScalarEvent) -> bool:
        mark = event.end_mark
        if not self._lines or event.style or mark is None or mark.line >= len(self._lines):
            return False
        return _LIKE_NO_COMMENT.match(self._lines[mark.line], mark.column) is not None

    def _place_of(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        assert mark is not None  # every event that a parser makes has one
        return Place(self._path, mark.line + 1, mark.column + 1)

    def _count_document(self, place: Place) -> None:
        self._documents += 1
        if self._documents > 1:
            hint = "one file per dataset: move what follows `---` to a file of its own"
            raise UnparsableError(Finding(place, Code.TWO_DOCUMENTS, "a second document begins here", hint))

    def _check_depth(self, place: Place) -> None:
        if len(self._open) == DEPTH:
            message = f"more than {DEPTH} levels of lists and mappings"
            raise UnparsableError(Finding(place, Code.TOO_DEEP, message, "a declaration is a flat list of fields"))

    def _add(self, node: Node) -> None:
        if self._open:
            self._open[-1][1].append(node)
        else:
            self.top = node

    def _fields(self, place: Place, flat: list[Node]) -> Fields:
        seen: dict[str, Place] = {}
        entries = []
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if not isinstance(key, Text):
                self._note(key.place, Code.WRONG_SHAPE, "a key must be a text", "write `name: value`")
            elif key.plain and key.text == "<<":
                self._note(key.place, Code.YAML_TRICK, "a merge key (<<) is used", REVIEWABLE)
            elif key.text in seen:
                message = f"{key.text!r} stands twice; first on line {seen[key.text].line}"
                self._note(key.place, Code.DUPLICATE_KEY, message, "keep one of the two")
            else:
                seen[key.text] = key.place
                entries.append((key, value))
        return Fields(place, tuple(entries))

    def _refuse_tricks(self, event: yaml.NodeEvent, place: Place) -> None:
        if event.anchor is not None:
            self._note(place, Code.YAML_TRICK, f"an anchor (&{event.anchor}) is used", REVIEWABLE)
        if (tag := getattr(event, "tag", None)) is not None:
            self._note(place, Code.YAML_TRICK, f"a tag ({tag}) is used", "remove it: fields know their type")

    def _note(self, place: Place, code: Code, message: str, hint: str) -> None:
        self.findings.append(Finding(place, code, message, hint))
