"""Sizes, ages, moments and names as people read them.

In: values. Out: text. Effects: none.
"""

from datetime import UTC, datetime, timedelta

from data_exports.operate.receipts import moment_of

_UNITS = ("kB", "MB", "GB", "TB", "PB")


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
    known = moment if isinstance(moment, datetime) else moment_of(moment)
    return printable(str(moment)) if known is None else known.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def printable(text: str) -> str:
    """The text with everything escaped that would not show, or would move a terminal's cursor.

    A key, a reason or a session's name may hold any character, whoever chose it.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def counted(number: int, what: str) -> str:
    """``1 file``, ``1,200 files``."""
    return f"{number:,} {what}{'s' * (number != 1)}"
