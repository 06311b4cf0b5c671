"""Reads the XML of S3's answers, also where it holds what XML forbids: S3 echoes keys as they are.

In: the bytes of a body. Out: its root element, or None for what is not well-formed or not whole; the names and texts of
elements. No effects. Texts are read with `text_of` alone.

A key may hold any character. S3 writes the control characters among them as references such as `&#x7;`, which XML 1.0
has no place for, and every parser refuses the whole answer for one key that nobody wants to read. So before parsing,
such a character is written as an escape of our own; `text_of` turns it back. White space around the document, which
S3-compatible servers send, is no part of it.

https://www.w3.org/TR/xml/#charsets
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from urllib.parse import unquote_plus

_ESCAPE = "\U0010ffff"  # no character has this number, but a key may hold it, so it is escaped itself
_FORBIDDEN = r"\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff"
_TO_ESCAPE = re.compile(rf"&#(?:x([0-9A-Fa-f]{{1,6}})|([0-9]{{1,7}}));|[{_FORBIDDEN}{_ESCAPE}]")
_NEEDS_ESCAPE = re.compile(f"[{_FORBIDDEN}{_ESCAPE}]")
_ESCAPED = re.compile(rf"{_ESCAPE}([0-9a-f]+);")
# Whether there may be anything to escape at all: most answers are read as they came.
_SUSPECT = re.compile(rb"&#|[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]|\xf4\x8f\xbf\xbf")


def parse_xml(body: bytes) -> ET.Element | None:
    """Return the root element, if the body is one well-formed and whole document."""
    document = body.strip()
    try:
        if not _SUSPECT.search(document):
            return ET.fromstring(document)  # noqa: S314 - the answer is S3's own
        return ET.fromstring(_TO_ESCAPE.sub(_escaped, document.decode()))  # noqa: S314
    except (ET.ParseError, LookupError, ValueError):  # of an encoding that nobody knows, or that its text is not in
        return None


def _escaped(found: re.Match[str]) -> str:
    hexadecimal, decimal = found.groups()
    number = int(hexadecimal, 16) if hexadecimal else int(decimal) if decimal else ord(found[0])
    is_character = number <= 0x10FFFF and _NEEDS_ESCAPE.match(chr(number))
    return f"{_ESCAPE}{number:x};" if is_character else found[0]


def name_of(element: ET.Element | None) -> str:
    """Return the name of an element without its namespace; nothing for none."""
    return "" if element is None else element.tag.rpartition("}")[2]


def text_of(element: ET.Element | None, name: str) -> str:
    """Return the text of a child element, or nothing."""
    return "" if element is None else _unescaped(element.findtext(f"{{*}}{name}"))


def decoder_of(listing: ET.Element) -> Callable[[str], str]:
    """What reads the keys of a listing: it says itself whether they are encoded."""
    return unquote_plus if text_of(listing, "EncodingType") == "url" else str


def found_in(body: bytes, name: str) -> str:
    """Return the text of the first element of this name in a body, without white space around it, or nothing."""
    root = parse_xml(body)
    texts = () if root is None else (each.text for each in root.iter() if name_of(each) == name)
    return _unescaped(next(iter(texts), None)).strip()


def _unescaped(text: str | None) -> str:
    if not text or _ESCAPE not in text:
        return text or ""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
