"""Text as a reader takes it at a glance: invisible characters removed, look-alike letters folded, in lower case; pure.

In: text that anybody may have written. Out: text to compare or to judge, never to show. Every sign that is drawn as a
Latin letter becomes that letter, so that a word written in letters of several alphabets is the word it looks like.
"""

import re
import unicodedata

from data_exports.text import is_seen

_DRAWN_ALIKE = {
    "a": "\u0251\u0391\u03b1\u0410\u0430\u13aa\ua4ee",
    "b": "\u0184\u0392\u0412\u042c\u13cf\u13f4\ua4d0",
    "c": "\u0421\u0441\u13df\u1d04\ua4da",
    "d": "\u0501\u13a0\u13e7\ua4d2\ua4d3",
    "e": "\u0395\u0415\u0435\u04bd\u13ac\ua4f0",
    "f": "\u03dc\u0584\ua4dd",
    "g": "\u018d\u0261\u050c\u0581\u13c0\u13f3\u1d83\ua4d6",
    "h": "\u0397\u041d\u04bb\u0570\u13bb\u13c2\ua4e7",
    "i": "\u0131\u0196\u0269\u026a\u0399\u03b9\u0406\u0456\u04c0\u04cf\u13a5\ua4f2",
    "j": "\u037f\u03f3\u0408\u0458\u13ab\ua4d9",
    "k": "\u039a\u041a\u13e6\ua4d7",
    "l": "\u01c0\u13de\ua4e1",
    "m": "\u039c\u03fa\u041c\u13b7\ua4df",
    "n": "\u039d\u0578\u057c\ua4e0",
    "o": "\u039f\u03bf\u03c3\u041e\u043e\u0555\u0585\u1d0f\u1d11\ua4f3",
    "p": "\u03a1\u03c1\u0420\u0440\u13e2\ua4d1",
    "q": "\u051b\u0563\u0566",
    "r": "\u01a6\u0433\u13a1\u13d2\u1d26\ua4e3",
    "s": "\u01bd\u0405\u0455\u054f\u13d5\u13da\ua4e2",
    "t": "\u03a4\u0422\u13a2\ua4d4",
    "u": "\u028b\u03c5\u054d\u057d\u1d1c\ua4f4",
    "v": "\u03bd\u0474\u0475\u13d9\u1d20\ua4e6",
    "w": "\u026f\u0461\u051c\u051d\u0561\u13b3\u13d4\u1d21\ua4ea",
    "x": "\u03a7\u0425\u0445\ua4eb",
    "y": "\u0263\u028f\u03a5\u03b3\u0423\u0443\u04ae\u04af\u13a9\u13bd\u1d8c\ua4ec",
    "z": "\u0396\u13c3\u1d22\ua4dc",
}
"""What is drawn as a Latin letter in Latin, Greek, Cyrillic, Armenian, Cherokee and Lisu, compatibility forms aside.
Unicode Technical Standard #39: https://www.unicode.org/Public/security/latest/confusables.txt"""

_FOLDED = {ord(char): letter for letter, alike in _DRAWN_ALIKE.items() for char in alike}
# Small letters that are drawn as small capitals: Cyrillic te, en, ve ...
_FOLDED = {ord(chr(code).lower()): letter for code, letter in _FOLDED.items()} | _FOLDED

_NAMED_LETTER = re.compile(r"(?:LATIN|REGIONAL|NEGATIVE|SQUARED)\b.* (?:LETTER|CAPITAL) ([A-Z])(?: WITH .*)?")
"""Names of characters that are a letter with more to it: a stroke, a square around it, or in the size of small ones."""


def folded(text: str) -> str:
    r"""The text as it looks: ``\u0422\u0412\u200bD`` is ``tbd``."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", "".join(map(_seen, text)))
    bare = "".join(char for char in plain if unicodedata.category(char) != "Mn")
    return "".join(map(_letter, bare.translate(_FOLDED).casefold().translate(_FOLDED)))


def _seen(char: str) -> str:
    return char if is_seen(char) else " " * char.isspace()


def _letter(char: str) -> str:
    if char.isascii():
        return char
    named = _NAMED_LETTER.fullmatch(unicodedata.name(char, ""))
    return named[1].lower() if named else char
