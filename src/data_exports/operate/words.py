"""Moments as people read them.

In: values. Out: text. Effects: none. Sizes, lengths of time and counts: `data_exports.text`.
"""

from datetime import UTC, datetime

from data_exports.operate.receipts import moment_of
from data_exports.text import printable


def moment_words(moment: datetime | str | None) -> str:
    """A moment to the second, in UTC: ``2031-03-31 09:30:00``; text that is none stays as it is."""
    if moment is None:
        return "-"
    known = moment if isinstance(moment, datetime) else moment_of(moment)
    return printable(str(moment)) if known is None else known.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
