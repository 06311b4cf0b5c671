"""When a delivery is promised: `daily by 06:00 Europe/London`, and the moments that follow from it; pure.

In: what `due` says, the days that `except` leaves out. Out: a `Promise`, and each due moment with the day that it is
for. The zone's rules are Python's: the machine's own, or those of the package `tzdata`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from data_exports.names import InvalidNameError

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONGEST_MONTH_DAY = 28
"""Every month has it."""
LONGEST_GAP = timedelta(days=400)
"""Within so long each rhythm has a due day, were one in twelve left out."""

_RHYTHM = rf"daily|weekdays|weekly on (?:{'|'.join(DAYS)})|monthly on (?:[1-9]|1[0-9]|2[0-8])"
PATTERN = rf"({_RHYTHM}) by ((?:[01][0-9]|2[0-3]):[0-5][0-9]) ([A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*)"
HINT = (
    "write `daily by 06:00 Europe/London`; in place of `daily` also `weekdays`, `weekly on Monday`, "
    f"or `monthly on 3`, up to {LONGEST_MONTH_DAY}"
)


@dataclass(frozen=True, slots=True)
class Due:
    """One delivery that is promised: the day that it is for, and by when it must have come."""

    day: date
    opens: datetime
    """The beginning of the day, where the zone is: what is delivered from then on is the day's."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Promise:
    """A rhythm, a time of day, and the zone whose clocks show it."""

    rhythm: str
    by: time
    zone: str

    def __str__(self) -> str:
        """As it is declared."""
        return f"{self.rhythm} by {self.by:%H:%M} {self.zone}"

    def is_on(self, day: date) -> bool:
        """Whether the rhythm names this day."""
        match self.rhythm.split():
            case ["daily"]:
                return True
            case ["weekdays"]:
                return day.weekday() < DAYS.index("Saturday")
            case ["weekly", _, weekday]:
                return day.weekday() == DAYS.index(weekday)
            case _:
                return str(day.day) == self.rhythm.rpartition(" ")[2]

    def due_on(self, day: date) -> Due:
        """The day's delivery; of a time that the clocks show twice, or leave out, the later moment."""
        zone = ZoneInfo(self.zone)
        by = datetime.combine(day, self.by, zone)
        at = max(by.astimezone(UTC), by.replace(fold=1).astimezone(UTC))
        return Due(day, datetime.combine(day, time(), zone).astimezone(UTC), at)

    def exists_on(self, day: date) -> bool:
        """Whether the clocks show the time on this day: where they go forward, an hour is left out."""
        due = self.due_on(day).at.astimezone(ZoneInfo(self.zone))
        return (due.date(), due.time()) == (day, self.by)

    def missed(self, last: datetime | None, now: datetime, left_out: frozenset[date] = frozenset()) -> Due | None:
        """The first delivery that is overdue since the `last` one; the latest when there never was one."""
        since = now - LONGEST_GAP if last is None else max(last, now - LONGEST_GAP)
        overdue = [due for due in self._dues(since, now, left_out) if last is None or due.opens > last]
        return overdue[-1 if last is None else 0] if overdue else None

    def _dues(self, since: datetime, now: datetime, left_out: frozenset[date]) -> Iterator[Due]:
        day = since.astimezone(ZoneInfo(self.zone)).date()
        while (due := self.due_on(day)).at <= now:
            if self.is_on(day) and day not in left_out:
                yield due
            day += timedelta(days=1)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def parse_promise(text: str) -> Promise:
    """The promise, or `InvalidNameError` with what is wrong and what to write."""
    if not (found := re.fullmatch(PATTERN, text)):
        raise InvalidNameError(f"{text!r} is not a time by which a delivery is promised", hint=HINT)
    rhythm, by, zone = found.groups()
    if zone not in _zones():
        near = get_close_matches(zone, _zones(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write it as Europe/London or UTC"
        raise InvalidNameError(f"there is no time zone {zone!r}", hint=hint)
    return Promise(rhythm, time.fromisoformat(by), zone)
