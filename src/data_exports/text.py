"""What is printable, and how it is written when it is not; counts, sizes and lengths of time as people read them.

In: text that anybody may have written: keys, names, reasons, paperwork, answers of AWS. Out: text that shows all of it,
in terminals, JSON, Markdown, CSV and logs. Effects: none. Nothing is ever left out: two texts that differ are shown
differently. Standard library only, and nothing of ours: every other module may import it.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

# --- what can be seen ------------------------------------------------------------------------------------------------

_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point: what a program may draw as nothing at all.
https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt"""
_BLANK = "\u2800\ufffc\U00013441\U00013442\U00016fe4\U0001d159"
"""Letters and symbols that are drawn as blanks though no category says so: the empty Braille pattern, the stand-in for
an object, the blanks of hieroglyphs, the filler of Khitan script, the musical null notehead."""

_DRAWN_AS_NOTHING = re.compile(f"[{_IGNORABLE}{_BLANK}]")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control characters move cursors, format characters turn the direction of text, separators end lines."""


def is_seen(char: str) -> bool:
    """Whether the character shows as itself everywhere; of white space the plain space alone does."""
    return char.isprintable() and not _DRAWN_AS_NOTHING.match(char)


def hidden_in(text: str) -> list[int]:
    """Where characters stand that nobody sees, or that move or turn what others see; line feeds and tabs aside.

    They are what a declaration must not hold. They are fewer than those that `is_seen` denies: white space, and what
    this version of Unicode does not know or a private font shows, is no reason to refuse a file.
    """
    hidden = {char for char in set(text) - _PLAIN if _is_hidden(char)}
    return [place for place, char in enumerate(text) if char in hidden] if hidden else []


def named_character(char: str) -> str:
    """``U+200B ZERO WIDTH SPACE``."""
    return f"U+{ord(char):04X} {_CONTROL_NAMES.get(char) or unicodedata.name(char, '')}".rstrip()


_PLAIN = frozenset(map(chr, range(0x20, 0x7F))) | {"\n", "\t"}
_CONTROL_NAMES = {"\r": "CARRIAGE RETURN", "\x1b": "ESCAPE", "\x85": "NEXT LINE"}
"""Unicode gives control characters no names; these are the ones that people meet."""


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN_CATEGORIES or _DRAWN_AS_NOTHING.match(char) is not None


# --- on terminals, in logs and mails ---------------------------------------------------------------------------------


def printable(text: str) -> str:
    """The text on one line, with everything escaped that would not show, or would move a cursor; twice is as once."""
    return _escaped(text, _as_python)


def printable_lines(text: str) -> str:
    """As `printable`, for text whose line breaks are meant."""
    return "\n".join(map(printable, text.split("\n")))


def quoted(text: str) -> str:
    """The text in double quotes that it cannot close, nor seem to close: for what stands in a sentence of ours."""
    inside = re.sub(f"[\\\\{_LIKE_QUOTES}]", lambda found: _in_quotes(found[0]), text)
    return f'"{printable(inside)}"'


_LIKE_QUOTES = '"\u02ba\u02ee\u02dd\u05f4\u201c-\u201f\u2033\u2036\u275d\u275e\u301d-\u301f\uff02\U0001f676-\U0001f678'
"""The quotation mark, and what a reader may take for it."""


def _in_quotes(char: str) -> str:
    return f"\\{char}" if char in '\\"' else _as_python(char)


def _as_python(char: str) -> str:
    return ascii(char)[1:-1]


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    if text.isprintable() and not _DRAWN_AS_NOTHING.search(text):
        return text
    return "".join(char if is_seen(char) else escape(char) for char in text)


def word(text: str) -> str:
    """The text as it is if it is one plain word, which reads like no words of ours; otherwise in quotes."""
    return text if re.fullmatch(r"[A-Za-z0-9_.@*?+=/-]+", text) else quoted(text)


def shell_word(text: str) -> str:
    """The text as one word of a command that people copy into a shell; no quote within it ends the word."""
    return "'" + printable(text).replace("'", "'\"'\"'") + "'"


# --- as JSON ---------------------------------------------------------------------------------------------------------


def json_text(value: object, *, indent: int | None = None, default: Callable[[object], object] | None = None) -> str:
    """The value as JSON in which no character is hidden: what cannot be seen stands as JSON's own escapes have it."""
    written = json.dumps(value, indent=indent, ensure_ascii=False, default=default)
    lines = written.split("\n")  # those of the layout: within its texts JSON has no line break
    return "\n".join(_escaped(line, _as_json) for line in lines)


def _as_json(char: str) -> str:
    return json.dumps(char)[1:-1]


# --- as Markdown -----------------------------------------------------------------------------------------------------


def code_span(text: str) -> str:
    """The text in a code span of Markdown that it cannot leave: no mention, link, HTML or heading comes of it.

    https://github.github.com/gfm/#code-spans
    """
    shown = printable(text)
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if not shown.strip() or shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def code_cell(text: str) -> str:
    r"""As `code_span`, for a cell of a table, which ends at a ``|`` even within code.

    Readers differ in what a backslash before ``\|`` means, so there the bar itself is written as an escape.
    https://github.github.com/gfm/#example-200
    """
    return re.sub(r"(\\*)\|", lambda found: f"{found[1]}\\x7c" if found[1] else r"\|", code_span(text))


# --- as CSV ----------------------------------------------------------------------------------------------------------

_FORMULA = re.compile("(^ *|;[ \"']*)([=+\\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20])")
"""What begins a formula, in some languages also when it is full-width: at the beginning of a cell, or behind the
semicolon that is the separator where the comma is in numbers. https://owasp.org/www-community/attacks/CSV_Injection"""


def csv_line(cells: Iterable[str]) -> str:
    r"""One record of CSV, without the line's end: every cell in quotes, on one line, and none begins a formula.

    What could be more than text for a spreadsheet, or for a reader of lines, stands as Python writes it (``\n``,
    ``\x3d``), and a backslash is doubled, so that every text can be told from every other.
    https://www.rfc-editor.org/rfc/rfc4180
    """
    return ",".join(f'"{_cell(each)}"' for each in cells)


def _cell(text: str) -> str:
    shown = printable(text.replace("\\", "\\\\"))
    harmless = _FORMULA.sub(lambda found: f"{found[1]}{_as_code(found[2])}", shown)
    return harmless.replace('"', '""')


def _as_code(char: str) -> str:
    return f"\\x{ord(char):02x}" if char.isascii() else _as_python(char)


# --- counts, sizes, lengths of time ----------------------------------------------------------------------------------

_UNITS = ("kB", "MB", "GB", "TB", "PB")


def counted(number: int, what: str, plural: str = "") -> str:
    """``1 file``, ``1,200 files``; of what has no s in the plural that is given, too."""
    return f"{number:,} {what if number == 1 else plural or f'{what}s'}"


def datasets_words(push: int, pull: int) -> str:
    """``1 push and 1 pull dataset``, ``1 push and 2 pull datasets``."""
    return f"{push:,} push and {counted(pull, 'pull dataset')}"


_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
"""What is typed, pasted or put in by a text processor where a hyphen is meant."""


def dash_in(text: str) -> str:
    """The first dash in it that is no hyphen, named; ``""`` if there is none."""
    found = _DASHES.search(text)
    return named_character(found[0]) if found else ""


def with_hyphens(text: str) -> str:
    """The text with hyphens in place of other dashes."""
    return _DASHES.sub("-", text)


def size_words(size_bytes: int | None) -> str:
    """A size in decimal units: ``0 B``, ``12.3 MB``; ``?`` when it is not known."""
    if size_bytes is None:
        return "?"
    if size_bytes < 1000:
        return f"{size_bytes} B"
    size, unit = size_bytes / 1000, 0
    while size >= 999.95 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {_UNITS[unit]}"


def age_words(seconds: float) -> str:
    """A length of time in its largest unit: ``45 s``, ``3 min``, ``2 h``, ``9 d``."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(int(seconds), 0)} s"


def ago_words(moment: datetime, now: datetime) -> str:
    """How long ago a moment was; a moment ahead of our clock counts as now."""
    return f"{age_words(max(now - moment, timedelta()).total_seconds())} ago"


def moment_words(moment: datetime | str | None) -> str:
    """A moment to the second, in UTC: ``2031-03-31 09:30:00``; text that is none stays as it is."""
    if moment is None:
        return "-"
    try:
        known = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
    except ValueError:
        return printable(str(moment))
    in_utc = known.astimezone(UTC) if known.tzinfo else known.replace(tzinfo=UTC)
    return f"{in_utc:%Y-%m-%d %H:%M:%S}"
