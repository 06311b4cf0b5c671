"""What anybody may write stays text: nothing is hidden, nothing is left out, nothing gets out of its quotes."""

import csv
import io
import json
import re
import shlex
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.mover.places.alerts import GivenUp, alert_of
from data_exports.text import (
    code_cell,
    code_span,
    csv_line,
    hidden_in,
    is_seen,
    json_text,
    named_character,
    printable,
    printable_lines,
    quoted,
    shell_word,
    word,
)

EVERY = [chr(code) for code in (*range(0x20000), *range(0xE0000, 0xE2000))]
"""All but ideographs, and what is not assigned."""
HOSTILE = "\x00\x07\t\n\x0b\r\x1b\x7f\x85\x9b\xa0\u00ad\u034f\u061c"
HOSTILE += "\u115f\u180e\u200b\u200f\u2028\u2029\u202e\u2066\u2800\u3164"
HOSTILE += "\ufe0f\ufeff\uffa0\ufffc\ud800\U0001d159\U000e0001\U000e0100"
TEXTS = st.text(st.one_of(st.sampled_from(HOSTILE + "\"'\\`|;,=+-@＝“”<>[]()*_#"), st.characters()), max_size=30)


@pytest.mark.parametrize("char", HOSTILE, ids=lambda char: f"U+{ord(char):04X}")
def test_what_nobody_sees_or_what_moves_a_cursor_is_not_seen(char: str) -> None:
    assert not is_seen(char)


def test_letters_digits_and_signs_of_any_script_are_seen() -> None:
    text = " aZ09~éßøŁЖωאبक漢字한😀€→"
    assert [char for char in text if not is_seen(char)] == []


def test_a_declaration_may_hold_white_space_and_what_unicode_has_no_name_for_and_nothing_else_unseen() -> None:
    hidden = {EVERY[place] for place in hidden_in("".join(EVERY))}
    unseen = [char for char in EVERY if not is_seen(char) and char not in hidden]
    categories = {unicodedata.category(char) for char in unseen}
    assert categories <= {"Zs", "Cn", "Co", "Cc"}
    assert [char for char in unseen if unicodedata.category(char) == "Cc"] == ["\t", "\n"]
    assert [char for char in hidden if is_seen(char)] == []


def test_the_places_of_hidden_characters_are_told() -> None:
    assert hidden_in("a\u200bb\n\t\rc\u3164") == [1, 5, 7]
    assert hidden_in("plain\ttext\n") == []
    assert [named_character(char) for char in "\u200b\r\x85\x07"] == [
        "U+200B ZERO WIDTH SPACE",
        "U+000D CARRIAGE RETURN",
        "U+0085 NEXT LINE",
        "U+0007",
    ]


def test_nothing_is_left_out_of_a_key_that_would_colour_a_terminal() -> None:
    assert printable("report\x1b[2m-old\x1b[0m.csv") == r"report\x1b[2m-old\x1b[0m.csv"
    assert printable("a\n\t\x9b\u202e\U000e0100é") == r"a\n\t\x9b\u202e\U000e0100é"
    assert printable_lines("a\u2028\nb\r\n") == "a\\u2028\nb\\r\n"


@given(TEXTS)
def test_what_is_printable_is_on_one_line_all_seen_and_stays_as_it_is(text: str) -> None:
    shown = printable(text)
    assert [char for char in shown if not is_seen(char)] == []
    assert printable(shown) == shown
    assert [each.count("\n") for each in (printable_lines(text), text)] == [text.count("\n")] * 2


def test_a_plain_word_needs_no_quotes() -> None:
    assert [word(each) for each in ("alpha_user_*", "a@b.org", "", "a b", "a; will be x", "é")] == [
        "alpha_user_*", "a@b.org", '""', '"a b"', '"a; will be x"', '"é"',
    ]  # fmt: skip


def test_a_word_of_a_command_cannot_be_left_in_a_shell() -> None:
    assert [shell_word(each) for each in ("a/b c.csv", "a'; rm -rf ~ #\x1b")] == [
        "'a/b c.csv'",
        "'a'\"'\"'; rm -rf ~ #\\x1b'",
    ]
    assert shlex.split(shell_word('a\'; $(b) `c` "d"')) == ['a\'; $(b) `c` "d"']


def test_the_mails_of_the_mover_which_brings_no_list_along_hide_no_character_either() -> None:
    doubtful = [char for char in EVERY if char < "\u0600" or (char.isprintable() and not is_seen(char))]
    told = [alert_of("hearings", [GivenUp(char, "é λ Ж", None, "m")]).text for char in doubtful]
    assert [text for text in told if any(not is_seen(char) for char in text.replace("\n", ""))] == []
    assert all("    é λ Ж\n" in text for text in told)
    assert len(set(told)) == len(doubtful)


def test_quotes_cannot_be_closed_from_inside() -> None:
    assert quoted('+1); and "x" \\" can write') == r'"+1); and \"x\" \\\" can write"'
    assert quoted("“a” ＂b″") == r'"\u201ca\u201d \uff02b\u2033"'
    assert quoted("a\nb") == r'"a\nb"'


@given(TEXTS)
def test_quoted_text_is_one_string_and_can_be_read_back(text: str) -> None:
    assert re.fullmatch(r'"(?:[^"\\]|\\.)*"', quoted(text))
    assert _read_back(quoted(text)[1:-1]) == text


@given(st.dictionaries(TEXTS, TEXTS), st.sampled_from([None, 2]))
def test_json_holds_no_raw_hidden_character_and_means_the_same(value: dict[str, str], indent: int | None) -> None:
    written = json_text(value, indent=indent)
    assert [char for char in written.replace("\n", "") if not is_seen(char)] == []
    assert written.count("\n") == (0 if indent is None or not value else len(value) + 1)
    assert json.loads(written) == value


@given(TEXTS)
def test_a_code_span_holds_any_text_on_one_line_and_cannot_be_left(text: str) -> None:
    span = code_span(text)
    fence = re.match("`+", span)
    assert fence
    assert [char for char in span if not is_seen(char)] == []
    assert [run for run in re.findall("`+", span[len(fence[0]) : -len(fence[0])]) if len(run) == len(fence[0])] == []


@given(TEXTS)
def test_a_code_span_in_a_cell_ends_no_cell_for_any_reader_of_tables(text: str) -> None:
    cell = code_cell(text)
    assert re.findall(r"(?<!\\)\|", cell) == []
    assert re.findall(r"\\\\\|", cell) == []  # read as an escaped backslash, and the end of the cell


# --- CSV -------------------------------------------------------------------------------------------------------------

FORGED = 'a.csv"\r\n"2031-01-01","hearings","delivered","a.csv'


def test_a_key_with_line_breaks_makes_no_record_of_its_own() -> None:
    line = csv_line(["failed", FORGED, ""])
    assert line == r'"failed","a.csv""\r\n""2031-01-01"",""hearings"",""delivered"",""a.csv",""'
    assert list(csv.reader(io.StringIO(line))) == [["failed", FORGED.replace("\r\n", r"\r\n"), ""]]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", r"\x3d1+1"),
        ("  @SUM(A1)", r"  \x40SUM(A1)"),
        ("\t=1", r"\t=1"),
        ("\r\n-1", r"\r\n-1"),
        ("＝1", r"\uff1d1"),
        ("a;=1;b", r"a;\x3d1;b"),
        ('a; "+1', r'a; "\x2b1'),
        (r"a\n", r"a\\n"),
        ("2031-01-02 a=b,c-d", "2031-01-02 a=b,c-d"),
    ],
)
def test_no_cell_begins_a_formula(text: str, cell: str) -> None:
    assert list(csv.reader([csv_line([text])])) == [[cell]]


@given(st.lists(TEXTS, min_size=1))
def test_every_reader_finds_the_cells_that_were_written_and_none_begins_a_formula(cells: list[str]) -> None:
    line = csv_line(cells)
    assert [char for char in line if not is_seen(char)] == []
    (read,) = csv.reader(io.StringIO(f"{line}\n", newline=""), strict=True)
    assert list(map(_read_back, read)) == cells
    for separator in ",;\t":
        starts = [_start_of(cell) for cell in _as_libreoffice(line, separator)]
        assert [start for start in starts if unicodedata.normalize("NFKC", start) in set("=+-@\t\r\n")] == []


def _start_of(cell: str) -> str:
    return cell.lstrip(" ")[:1]


def _as_libreoffice(line: str, separator: str) -> list[str]:
    """The cells as LibreOffice's import of text finds them: a quote begins a cell only at its start, a doubled one is
    one, and what follows the closing quote up to the next separator belongs to the cell.

    https://help.libreoffice.org/latest/en-US/text/shared/00/00000208.html
    """
    cells, place = [], 0
    while place <= len(line):
        cell = ""
        if line[place : place + 1] == '"':
            place += 1
            while place < len(line):
                if line[place] == '"':
                    if line[place + 1 : place + 2] != '"':
                        place += 1
                        break
                    place += 1
                cell += line[place]
                place += 1
        end = line.find(separator, place)
        end = len(line) if end < 0 else end
        cells.append(cell + line[place:end])
        place = end + 1
    return cells


def _read_back(text: str) -> str:
    """What stands behind the escapes, each of which begins with a backslash that is not doubled."""

    def char_of(found: re.Match[str]) -> str:
        escape = found[1]
        return chr(int(escape[1:], 16)) if escape[0] in "xuU" else {"n": "\n", "r": "\r", "t": "\t"}.get(escape, escape)

    return re.sub(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)", char_of, text)
