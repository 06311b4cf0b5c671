"""What was delivered on each day, how long it took and what failed: sums of receipts, made once and kept.

In: a platform, a push dataset, an `Aws`, a folder for what is kept. Out: `DailySums`. Effects: reads the log bucket;
reads and writes the folder, for its user alone. A day is in UTC, and holds the receipts that were recorded on it,
repeats dropped. Its sum is kept once it is two days old: until then receipts may still come, so today and yesterday are
read anew each time. A kept sum names no file and nobody.

Requests: one that lists days, and for each day that is not kept a listing and its files of receipts. So many files are
read for days to keep that a run ends within minutes; of more, the newest days come first, and the next run goes on.
Each day is kept as soon as it is summed, so that a run that is broken off has not been in vain.
"""

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, Aws, reason_of
from data_exports.contract.keys import receipts_days_of, receipts_prefix_of
from data_exports.contract.receipts import Damaged, Outcome, Receipt, moment_of, receipts_in
from data_exports.errors import ExportsError
from data_exports.estate.atomic_files import write_private
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import DatasetName
from data_exports.operate.receipts import Period, list_receipt_days, list_receipt_files, read_files
from data_exports.operate.rights import needing
from data_exports.parallel import map_ordered
from data_exports.text import counted

SUMMED_DAYS = 90
SUMMED_FILES = 20_000
"""Files of receipts that one run reads for days to keep, of all datasets together: who needs none leaves them to the
others. A day that was begun is read to its end, and a day of each dataset in any case."""
KEPT_AFTER = timedelta(days=2)
MOST_CAUSES = 5
CAUSE_LETTERS = 50
_VERSION = 1
_MOST = 2**53
"""Above every sum that there can be, and what a float holds to the unit."""


class FileBudget:
    """How many files may still be read, for threads that share them."""

    def __init__(self, files: int = SUMMED_FILES) -> None:
        self._left = files
        self._lock = threading.Lock()

    @property
    def is_spent(self) -> bool:
        """Whether no more should be begun."""
        with self._lock:
            return self._left <= 0

    def take(self, files: int) -> None:
        """Read so many, however few are left."""
        with self._lock:
            self._left -= files


@dataclass(frozen=True, slots=True)
class DaySum:
    """What one day's receipts tell."""

    day: date
    files: int = 0
    """Uploads that were delivered."""
    size_bytes: int = 0
    failed: int = 0
    """Uploads of which a try failed; most are delivered by a later one."""
    given_up: int = 0
    causes: tuple[tuple[str, int], ...] = ()
    """Why, each with how many uploads; the most frequent ones."""
    median_seconds: float | None = None
    """From upload to arrival, of half of the files at most; None where no receipt tells."""
    longest_seconds: float | None = None
    damaged: int = 0
    """What cannot be read, and is in no other figure."""


@dataclass(frozen=True, slots=True)
class DailySums:
    """The days of a dataset, from the first on that was asked for."""

    first: date
    last: date
    days: tuple[DaySum, ...]
    """Those with receipts, the oldest first; of any other day there are none."""
    not_summed: tuple[date, ...] = ()
    """Days with receipts that the next run will sum."""
    earlier: int = 0
    """How many days before the first one have receipts."""

    @property
    def damaged(self) -> int:
        """What of these days cannot be read."""
        return sum(each.damaged for each in self.days)


def read_all_daily_sums(
    platform: Platform,
    pushes: Iterable[PushDataset],
    aws: Aws,
    cache: Path,
    *,
    today: date,
    files: int = SUMMED_FILES,
) -> tuple[dict[str, DailySums], list[str]]:
    """The daily sums of these datasets, by name, and what could not be read of them."""
    wanted = list(pushes)
    budget = FileBudget(files)

    def read(push: PushDataset) -> DailySums | str:
        try:
            return read_daily_sums(platform, push, aws, cache, today=today, budget=budget)
        except (ExportsError, *AWS_EXCEPTIONS) as error:
            return f"the deliveries of {push.name} by day: not known: {reason_of(error)}"

    found = {push.name: each for push, each in zip(wanted, map_ordered(read, wanted), strict=True)}
    sums = {str(name): each for name, each in found.items() if isinstance(each, DailySums)}
    unknown = [each for each in found.values() if isinstance(each, str)]
    return sums, [*unknown, *(gap for name, each in sums.items() for gap in _gaps_in(name, each))]


def _gaps_in(name: str, sums: DailySums) -> Iterator[str]:
    if sums.damaged:
        yield f"{counted(sums.damaged, 'receipt')} of {name} since {sums.first}: damaged"
    if sums.not_summed:
        days = counted(len(sums.not_summed), "day")
        yield f"the deliveries of {name} on {days} up to {sums.not_summed[-1]}: the next run reads them"


def read_daily_sums(
    platform: Platform,
    push: PushDataset,
    aws: Aws,
    cache: Path,
    *,
    today: date,
    days: int = SUMMED_DAYS,
    budget: FileBudget | None = None,
) -> DailySums:
    """The days up to today. Raises `NotAllowedError`, `RefusedError`, `AwsError`, and botocore's exceptions."""
    s3, bucket, account = aws.client("s3"), platform.log_bucket, str(platform.account)
    first, last_settled, budget = today - timedelta(days=days - 1), today - KEPT_AFTER, budget or FileBudget()
    kept = _KeptSums(cache / _folder_of(platform, s3.meta.endpoint_url) / push.name)
    not_summed: list[date] = []
    has_kept_one = False
    with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
        there = list_receipt_days(s3, bucket, push.name, account=account)
        sums = {day: each for day, each in kept.read(first, last_settled).items() if day in there}
        for day in sorted((day for day in there if first <= day <= today and day not in sums), reverse=True):
            is_settled = day <= last_settled
            if is_settled and has_kept_one and budget.is_spent:
                not_summed.append(day)
                continue
            keys = list(_keys_of(s3, bucket, push.name, day, account))
            if is_settled:
                budget.take(len(keys))
            bodies = read_files(s3, bucket, keys, account=account)
            sums[day] = sum_of_day(day, (each for key, body in bodies for each in receipts_in(key, body)))
            if is_settled:
                kept.write(sums[day])
                has_kept_one = True
    earlier = sum(day < first for day in there)
    return DailySums(first, today, tuple(sums[day] for day in sorted(sums)), tuple(sorted(not_summed)), earlier)


def sum_of_day(day: date, found: Iterable[Receipt | Damaged]) -> DaySum:
    """The sum of a day's receipts."""
    delivered: dict[tuple[str, str, str], tuple[int, float | None]] = {}
    failures: dict[tuple[str, str], str] = {}
    given_up: set[tuple[str, str, str]] = set()
    damaged = 0
    for each in found:
        if isinstance(each, Damaged):
            damaged += 1
        elif each.outcome == Outcome.DELIVERED:
            delivered.setdefault(each.identity, (max(each.size_bytes or 0, 0), _seconds_to_arrival(each)))
        elif each.outcome in (Outcome.FAILED, Outcome.GIVEN_UP):
            failures[each.identity[:2]] = (each.cause or "not told")[:CAUSE_LETTERS]
            given_up.update([each.identity] if each.outcome == Outcome.GIVEN_UP else [])
    took = [seconds for _, seconds in delivered.values() if seconds is not None]
    return DaySum(
        day,
        files=len(delivered),
        size_bytes=min(sum(size for size, _ in delivered.values()), _MOST),
        failed=len(failures),
        given_up=len(given_up),
        causes=tuple(sorted(Counter(failures.values()).items(), key=lambda each: (-each[1], each[0]))[:MOST_CAUSES]),
        median_seconds=round(median(took), 3) if took else None,
        longest_seconds=round(max(took), 3) if took else None,
        damaged=damaged,
    )


def _seconds_to_arrival(receipt: Receipt) -> float | None:
    """None where the times are not known, or the clocks disagree."""
    uploaded, delivered = moment_of(receipt.uploaded_at), moment_of(receipt.delivered_at)
    if uploaded is None or delivered is None or delivered < uploaded:
        return None
    return (delivered - uploaded).total_seconds()


def _keys_of(s3: Any, bucket: str, dataset: DatasetName, day: date, account: str) -> Iterator[str]:
    """The day's files of receipts."""
    begins = datetime.combine(day, time(), UTC)
    folder = f"{receipts_days_of(dataset)}{day}/"
    period = Period(begins, begins + timedelta(days=1))
    for file in list_receipt_files(s3, bucket, dataset, period, account=account):  # type: ignore[arg-type]
        if file.key.startswith(folder):
            yield file.key


# --- what is kept -----------------------------------------------------------------------------------------------------


def _folder_of(platform: Platform, endpoint_url: str) -> str:
    """Of this log bucket and no other: on the local AWS there may be one of the same name."""
    digest = hashlib.sha256(f"{endpoint_url} {platform.account}".encode()).hexdigest()[:12]
    return f"{platform.log_bucket}-{digest}"


class _KeptSums:
    """The sums of one dataset that are kept, a file a month. One that cannot be read, or written, counts as empty."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, first: date, last: date) -> dict[date, DaySum]:
        """Those of days from the first to the last."""
        months = dict.fromkeys(f"{first + timedelta(days=n):%Y-%m}" for n in range((last - first).days + 1))
        kept = (day_sum for month in months for day_sum in self._month(month).values())
        return {each.day: each for each in kept if first <= each.day <= last}

    def write(self, new: DaySum) -> None:
        """Keep this beside those that are."""
        month = f"{new.day:%Y-%m}"
        sums = self._month(month) | {new.day: new}
        days = {str(day): _without_day(sums[day]) for day in sorted(sums)}
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self._path(month), json.dumps({"version": _VERSION, "days": days}) + "\n")

    def _path(self, month: str) -> Path:
        return self._folder / f"{month}.json"

    def _month(self, month: str) -> dict[date, DaySum]:
        try:
            held = json.loads(self._path(month).read_text(encoding="utf-8"))
            if held["version"] != _VERSION:
                return {}
            sums = [_kept_sum(date.fromisoformat(day), each) for day, each in held["days"].items()]
            if any(f"{each.day:%Y-%m}" != month for each in sums):
                return {}
            return {each.day: each for each in sums}
        except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
            return {}


def _without_day(day_sum: DaySum) -> dict[str, object]:
    return {name: value for name, value in asdict(day_sum).items() if name != "day"}


def _kept_sum(day: date, held: Any) -> DaySum:
    """Raises `ValueError`, `KeyError` or `TypeError` for what is no sum."""
    counts = {name: held[name] for name in ("files", "size_bytes", "failed", "given_up", "damaged")}
    seconds = held["median_seconds"], held["longest_seconds"]
    causes = tuple((cause, count) for cause, count in held["causes"])
    are_counts = all(_is_number(each, int) for each in [*counts.values(), *(count for _, count in causes)])
    are_seconds = seconds == (None, None) or (
        all(_is_number(each, int, float) for each in seconds) and seconds[0] <= seconds[1]
    )
    if not are_counts or not are_seconds or not all(isinstance(cause, str) for cause, _ in causes):
        raise ValueError("this is no sum of a day")
    return DaySum(day, **counts, median_seconds=seconds[0], longest_seconds=seconds[1], causes=causes)


def _is_number(held: Any, *kinds: type) -> bool:
    """Whether it is one of these, and a size that anything real has."""
    return type(held) in kinds and 0 <= held <= _MOST
