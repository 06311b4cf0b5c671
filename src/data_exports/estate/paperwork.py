"""Whether a text names paperwork, or only stands where some is to come; pure.

In: an entry of `paperwork`. Out: yes or no. Whether the paperwork is any good nobody can tell from here; but "OneTrust
TBD" is none. Paperwork is a link, an identifier with a digit, or some words that say which; it is judged by what a
reader sees (`lookalikes`).
"""

import re

from data_exports.estate.lookalikes import folded

_LINK = re.compile(r"https?://([^\W_][\w.-]*)(?::\d+)?(?:[/?#]\S*)?")
_SPELT_OUT = re.compile(r"(?<![^\W_])([^\W_])[\W_]{1,2}(?=[^\W_](?![^\W_]))")
"""One letter, and what parts it from the next one: ``T.B.D.``, ``n/a``, ``t b c``."""
_WORD = re.compile(r"[^\W_]+")
_TOKEN = re.compile(r"[^\W_](?:[\w./#:+-]*[^\W_])?")
"""A run that may be an identifier: ``hj-2031``, ``2031/17``."""

_PLACEHOLDER = re.compile(r"(?:tb[acdns]|todo|fixme|wip|changeme|xx+)\d*")
_TO_COME = re.compile(
    rf"\b(?:{_PLACEHOLDER.pattern}|to do|change me|placeholder|lorem ipsum"
    r"|to be (?:added|advised|agreed|announced|arranged|assigned|completed|confirmed|decided|defined|determined|done"
    r"|drafted|finali[sz]ed|found|written)|being (?:agreed|drafted|prepared|reviewed|signed|written)"
    r"|to (?:come|confirm|follow)|in (?:preparation|progress)|under ?way|under review|coming soon|yet to (?:be|come)"
    r"|(?:no|no \w+|none|not|nothing) yet|not (?:applicable|available|done|known|needed|required|signed|started)"
    r"|awaiting (?:approval|confirmation|review|sign\w*)"
    r"|(?:add|enter|insert|paste|put|write) (?:\w+ ){0,4}(?:here|link|reference|url))\b"
    r"|^(?:awaiting|pending|link (?:for|of|to)) |\b(?:awaited|here|later|outstanding|pending|soon)$"
)
"""What people write while there is no paperwork."""

_KINDS = frozenset(["dpia", "dpias", "dsa", "isa", "mou", "onetrust", "pia"])
"""Initials of kinds of paperwork, and where one is kept: they say that there is to be one, and not which."""
_FILLERS = frozenset(
    re.findall(
        r"\w+",
        "a an and as ask at be by for from here in is it its my no none nothing not of off on or our please see some"
        " that the their there this to us we will with yet you your"
        " agreed approved blank complete completed done draft drafted empty exists later missing na never nobody"
        " pending ready signed soon started unknown various written"
        " doc document documents example field http https id identifier link links name number paperwork placeholder"
        " ref reference references sample team test text title url value www"
        " false nan nil null true undefined yes",
    )
)
"""Words that say nothing of the kind: of grammar, of progress, of forms, of computers."""

_DATED = re.compile(
    r"\d{1,2}(?:st|nd|rd|th)?|(?:19|20)\d\d|[hq][1-4]|(?:w|wk|week)\d+|v\d+"
    r"|\d{1,4}[./-]\d{1,2}(?:[./-]\d{1,4})?|(?:19|20)\d\d[/-](?:[hq][1-4]|w\d+|\d{2,4})"
)
"""When something is to come, which is no identifier of it."""


def is_paperwork(text: str) -> bool:
    """Whether the text names paperwork."""
    plain = folded(text)
    if any(map(_is_link, _LINK.finditer(plain))):
        return True
    said = _SPELT_OUT.sub(r"\1", _LINK.sub(" ", plain))
    words = _WORD.findall(said)
    numbers = [token for token in _TOKEN.findall(said) if re.search("[1-9]", token) and not _has_placeholder(token)]
    if _TO_COME.search(" ".join(words)):
        return any(not _DATED.fullmatch(number) for number in numbers)
    if numbers and (len(words) > 1 or len(numbers[0]) > 1):
        return True
    telling = [word for word in words if len(word) > 1 and not word.isdigit() and word not in _FILLERS]
    return len(telling) > 1 and not _KINDS.issuperset(telling)


def _is_link(found: re.Match[str]) -> bool:
    """Whether it leads somewhere: to a host with a domain, or to a path of one within an organisation."""
    has_place = "." in found[1].strip(".") or len(found[0].partition("://")[2].rstrip("/?#").split("/")) > 1
    return has_place and not _has_placeholder(found[0])


def _has_placeholder(token: str) -> bool:
    return any(map(_PLACEHOLDER.fullmatch, _WORD.findall(token)))
