"""Times as people write them on a command line: ``7d``, ``36h``, ``2031-03-31``, ``2031-03-31T09:30``.

In: text. Out: seconds or moments in UTC. Effects: none. Raises `UsageError` that says how to write it.
"""

import re
from datetime import UTC, datetime, timedelta

from data_exports.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")


def parse_seconds(text: str, *, option: str) -> int:
    """A length of time, such as ``90s``, ``15m``, ``2h`` or ``7d``."""
    found = _SPAN.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{text!r} is no length of time", where=option, next_step="write for example 90s, 15m, 2h, 7d")
    return int(found[1]) * _SECONDS[found[2]]


def parse_moment(text: str, *, option: str, now: datetime) -> datetime:
    """A moment: so long ago (``7d``), a date (its first moment, UTC) or a date with a time (UTC unless it says so)."""
    if _SPAN.fullmatch(text.strip()):
        try:
            return now - timedelta(seconds=parse_seconds(text, option=option))
        except OverflowError:
            return datetime.min.replace(tzinfo=UTC)
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is no moment",
            where=option,
            next_step="write for example 7d (so long ago), 2031-03-31, or 2031-03-31T09:30",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
