"""The sweep: finds the uploads whose event never came, and has them delivered.

In: a Survey of the hub, the queue, the sweep's own notes. Out: a SweepAnswer. Effects: a message to the dataset's own
queue for each upload that nobody has heard of, shaped like S3's own; the notes.

S3 delivers its events at least once, and does not prove it; and an upload may be older than its dataset's rule. So,
every hour, the sweep looks at all that the hub shows under the prefix and asks of each upload that has waited for
longer than 15 minutes: has anybody heard of it? Somebody has if it has a receipt, of whatever outcome, or if an earlier
sweep handed it over. Then its delivery is the queue's business, or a person's: a dead letter is neither revived nor
covered up. Otherwise a message is sent, and the upload goes the way of all others: with their limits, waits, receipts.

Each upload is handed over once. What the sweep has accounted for stands in its notes: the uploads in sight, in S3's
order, as lines of a gzipped file that is read and written in step with the listing, so that memory does not grow with
the hub. Only receipts written since the last sweep are read: older ones are accounted for. An upload that appears in
sight long after it was begun (its time is that of its first part) is none of that, so the notes go back as far as an
upload in parts may stay unfinished; what is older was in sight before, and needs no note.

Near the end of the function's time a sweep notes how far it came, and the next one goes on there. While the queue holds
more messages than one batch, nothing is swept: it is not lost events that uploads wait for then.
"""

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from data_exports.contract.keys import SWEEP_NOTES, hub_prefix_of
from data_exports.contract.receipts import iso_time
from data_exports.contract.tasks import SweepAnswer
from data_exports.contract.timing import ABANDONED_UPLOAD_DAYS, BATCH_SIZE
from data_exports.mover.events import event_body_of
from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.uploads import Upload
from data_exports.mover.settings import Settings
from data_exports.mover.tasks.survey import Recorded, SweepError, UploadInSight
from data_exports.mover.wire.service import SendOn, ServiceError

LARGE_PATIENCE = timedelta(days=1)
"""For what is copied in parts: its first receipt is written when it is finished."""
LONGEST_UPLOAD = timedelta(days=ABANDONED_UPLOAD_DAYS + 2)
"""An unfinished upload in parts is aborted by a rule that S3 carries out once a day."""
SLACK = timedelta(minutes=2)
"""By how much S3's clock and this one may differ."""
UPLOADS_AT_ONCE = 10_000
"""How many entries are held in memory, some 10 MB."""
SECONDS_KEPT_FOR_THE_END = 120.0

NotedUpload = tuple[str, str, str]  # key, ETag and time: one upload, as a listing shows it


class Sights(Protocol):
    """What a sweep sees: a `Survey`, or a stand-in."""

    def pages_in_sight(self, after: str) -> Iterator[list[UploadInSight]]:
        """The uploads in sight, in the order of their keys, from behind this key on."""

    def with_versions(self, uploads: Sequence[UploadInSight]) -> Iterator[UploadInSight]:
        """The same uploads with the ids of their versions, as far as they are still in sight."""

    def recorded_since(self, since: datetime) -> Iterator[Recorded]:
        """What every receipt tells of that was written since then."""

    def read_notes(self) -> bytes | None:
        """What the last sweep noted; None before the first."""

    def write_notes(self, body: bytes) -> None:
        """Note something for the next sweep."""


@dataclass
class _Notes:
    """What the last sweep left: when it began, when the one before it did, where it stopped, and the accounted for."""

    began: datetime | None = None
    before: datetime | None = None
    stopped_after: str = ""
    entries: Iterator[NotedUpload] = field(default_factory=lambda: iter(()))


def sweep(
    settings: Settings,
    sights: Sights,
    *,
    waiting: int,
    send: SendOn,
    seconds_left: Callable[[], float],
    now: datetime,
    uploads_at_once: int = UPLOADS_AT_ONCE,
) -> SweepAnswer:
    """Hand over what nobody has heard of, with `send`, unless too many messages are `waiting` in the queue.

    Raises SweepError if something cannot be seen, sent or noted.
    """
    if waiting > BATCH_SIZE:
        return SweepAnswer(skipped=f"about {waiting:,} messages wait in the queue")
    return _Sweep(settings, sights, send, now=now, uploads_at_once=uploads_at_once).run(seconds_left)


class _Sweep:
    def __init__(
        self, settings: Settings, sights: Sights, send: SendOn, *, now: datetime, uploads_at_once: int
    ) -> None:
        self._settings = settings
        self._sights = sights
        self._send = send
        self._now = now
        self._patience = timedelta(seconds=settings.sweep_patience_seconds)
        self._uploads_at_once = uploads_at_once
        notes = _read_notes(sights.read_notes())
        resumed = notes.stopped_after and notes.began
        self._began = notes.began if resumed and notes.began else now
        self._before = notes.before if resumed else notes.began
        self._after = notes.stopped_after
        self._old = _Peekable(notes.entries)
        self._new = _Writer()
        self._answer = SweepAnswer()

    def run(self, seconds_left: Callable[[], float]) -> SweepAnswer:
        """Look at everything, round after round, until there is no more of it, or no more time."""
        kept = min(SECONDS_KEPT_FOR_THE_END, seconds_left() / 4)
        for entry in self._old.until(self._after):  # accounted for before the last run of this sweep stopped
            self._new.add(entry)
        stopped_after, round_of = "", list[UploadInSight]()
        for page in self._sights.pages_in_sight(self._after):
            round_of += page
            if len(round_of) >= self._uploads_at_once:
                self._settle(round_of)
                stopped_after, round_of = round_of[-1].key, []
                if seconds_left() <= kept:
                    break
        else:
            self._settle(round_of)
            stopped_after = ""
        if stopped_after:
            for entry in self._old:
                self._new.add(entry)
        self._sights.write_notes(self._new.body(self._began, self._before, stopped_after))
        return replace(self._answer, finished=not stopped_after)

    def _settle(self, uploads: Sequence[UploadInSight]) -> None:
        """Account for some uploads, which follow each other in the listing."""
        noted = [self._old.has(_entry(upload)) for upload in uploads]
        asked = [
            upload for upload, known in zip(uploads, noted, strict=True) if not known and self._may_be_unheard(upload)
        ]
        found = list(self._sights.with_versions(asked)) if asked else []
        unheard = self._unheard(found)
        overdue = [
            upload for upload in found if (upload.key, upload.version_id) in unheard and self._is_overdue(upload)
        ]
        if overdue:
            try:
                self._send([self._message_of(upload) for upload in overdue])
            except ServiceError as error:
                raise SweepError(str(error)) from error
        left = {_entry(upload) for upload in found if (upload.key, upload.version_id) in unheard}
        left -= {_entry(upload) for upload in overdue}
        accounted = {_entry(upload) for upload in found} - left
        for upload, known in zip(uploads, noted, strict=True):
            if (known or _entry(upload) in accounted) and _time(upload) >= self._began - LONGEST_UPLOAD:
                self._new.add(_entry(upload))
        so_far = self._answer
        self._answer = SweepAnswer(
            in_sight=so_far.in_sight + len(uploads),
            late=so_far.late + sum(map(self._is_late, uploads)),
            handed_over=so_far.handed_over + len(overdue),
        )

    def _message_of(self, upload: UploadInSight) -> str:
        """What S3 would have sent, and when the sweep sent it instead. Who uploaded it is not known."""
        where = (self._settings.hub_bucket, upload.key, upload.version_id or NULL, upload.etag, upload.size_bytes)
        told = Upload(*where, None, upload.last_modified, None, received_before=False)
        return event_body_of(
            told, safe="/", eventSource="aws:s3", eventName="ObjectCreated:Put", sweptAt=iso_time(self._now)
        )

    def _may_be_unheard(self, upload: UploadInSight) -> bool:
        """Tell whether an upload that no note tells of has to be looked into."""
        folder = (upload.key, upload.size_bytes) == (hub_prefix_of(self._settings.dataset), 0)
        seen_before = self._before is not None and _time(upload) < self._before - LONGEST_UPLOAD
        return self._is_late(upload) and not folder and not seen_before

    def _is_late(self, upload: UploadInSight) -> bool:
        return _time(upload) + self._patience <= self._now

    def _is_overdue(self, upload: UploadInSight) -> bool:
        """Tell whether to wait no longer for a receipt."""
        large = upload.size_bytes > self._settings.largest_copy_bytes
        return _time(upload) + (LARGE_PATIENCE if large else self._patience) <= self._now

    def _unheard(self, uploads: Sequence[UploadInSight]) -> set[tuple[str, str | None]]:
        """Those of the uploads, by key and version, that no receipt tells of.

        What the sweep before this one could have found is in its notes. So it is enough to read what was written since
        that began, and while an upload was too young for it.
        """
        unheard = {(upload.key, upload.version_id): upload for upload in uploads}
        if not unheard:
            return set()
        since = min(_time(upload) for upload in uploads)
        if self._before is not None:
            since = max(since, self._before - self._patience)
        for recorded in self._sights.recorded_since(since - SLACK):
            upload = unheard.get(recorded[:2])
            if upload and _tells_of(recorded, upload):
                del unheard[recorded[:2]]
        return set(unheard)


class _Peekable:
    """Noted entries, which are in the order of their keys, read in step with a listing."""

    def __init__(self, entries: Iterator[NotedUpload]) -> None:
        self._entries = entries
        self._next = next(entries, None)

    def __iter__(self) -> Iterator[NotedUpload]:
        while self._next is not None:
            yield self._next
            self._next = next(self._entries, None)

    def until(self, key: str) -> Iterator[NotedUpload]:
        """The entries up to this key, itself among them."""
        while self._next is not None and self._next[0] <= key:
            yield self._next
            self._next = next(self._entries, None)

    def has(self, entry: NotedUpload) -> bool:
        """Tell whether this is noted. What comes before it is passed over: it is out of sight by now."""
        noted = list(self.until(entry[0]))
        return entry in noted


class _Writer:
    """Notes, compressed as they come."""

    def __init__(self) -> None:
        self._packed = io.BytesIO()
        self._file = gzip.GzipFile(fileobj=self._packed, mode="wb", mtime=0)

    def add(self, entry: NotedUpload) -> None:
        self._file.write(f"{json.dumps(entry)}\n".encode())

    def body(self, began: datetime, before: datetime | None, stopped_after: str) -> bytes:
        """All notes, behind a first line that tells of the sweep itself."""
        self._file.close()
        first = {"began": iso_time(began), "before": before and iso_time(before), "stopped_after": stopped_after}
        return gzip.compress(f"{json.dumps(first)}\n".encode(), mtime=0) + self._packed.getvalue()


def _read_notes(body: bytes | None) -> _Notes:
    if body is None:
        return _Notes()
    lines = _parsed_lines(body)
    first: Any = next(lines, None)
    try:
        before = first["before"]
        began, earlier = datetime.fromisoformat(first["began"]), before and datetime.fromisoformat(before)
        return _Notes(began, earlier, first["stopped_after"], ((key, etag, time) for key, etag, time in lines))
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(error) from error


def _parsed_lines(body: bytes) -> Iterator[Any]:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            yield from map(json.loads, file)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> SweepError:
    return SweepError(f"the notes of the last sweep ({SWEEP_NOTES}) cannot be read: {error}. Remove them")


def _tells_of(recorded: Recorded, upload: UploadInSight) -> bool:
    """Tell whether a receipt is of this upload. Of the id `null` it may be of the one before it in that place."""
    if recorded.version_id != NULL:
        return True
    return recorded.etag == upload.etag and recorded.at >= iso_time(_time(upload) - SLACK)


def _entry(upload: UploadInSight) -> NotedUpload:
    return upload.key, upload.etag, upload.last_modified


def _time(upload: UploadInSight) -> datetime:
    moment = datetime.fromisoformat(upload.last_modified)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # S3 writes Z; servers like it may leave it out
