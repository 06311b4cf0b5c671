"""What the sweep hands over: what nobody has heard of, once, however much there is and however often it stops."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data_exports.contract.receipts import iso_time
from data_exports.contract.tasks import SweepAnswer
from data_exports.mover.events import read_messages
from data_exports.mover.tasks.survey import Recorded, SweepError, UploadInSight
from data_exports.mover.tasks.sweep import sweep
from data_exports.mover.wire.service import ServiceError
from tests.unit.mover.environment import SETTINGS
from tests.unit.mover.notifications import message

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


@dataclass
class Hub:
    """A hub, its receipts and its queue, and a clock."""

    now: datetime = NOW
    uploads: dict[str, UploadInSight] = field(default_factory=dict)
    receipts: list[tuple[datetime, str, str, str]] = field(default_factory=list)
    notes: bytes | None = None
    sent: list[str] = field(default_factory=list)
    queued: int = 0
    refusal: str = ""
    page_size: int = 2
    pages_until_time_runs_out: int = 10**9
    read_since: list[datetime] = field(default_factory=list)

    def put(self, key: str, *, age: timedelta = HOUR, etag: str = "e", size: int = 1, version: str = "v1") -> None:
        self.uploads[key] = UploadInSight(key, etag, size, iso_time(self.now - age), version)

    def record(self, key: str, version: str = "v1", *, etag: str = "e", ago: timedelta = timedelta()) -> None:
        self.receipts.append((self.now - ago, key, version, etag))

    # What a sweep asks for

    def pages_in_sight(self, after: str) -> Iterator[list[UploadInSight]]:
        keys = sorted(key for key in self.uploads if key > after)
        for start in range(0, max(len(keys), 1), self.page_size):
            self.pages_until_time_runs_out -= 1
            page = keys[start : start + self.page_size]
            yield [replace(self.uploads[key], version_id=None) for key in page]

    def with_versions(self, uploads: Sequence[UploadInSight]) -> Iterator[UploadInSight]:
        yield from (self.uploads[upload.key] for upload in uploads if upload.key in self.uploads)

    def recorded_since(self, since: datetime) -> Iterator[Recorded]:
        self.read_since.append(since)
        yield from (
            Recorded(key, version, etag, iso_time(at)) for at, key, version, etag in self.receipts if at >= since
        )

    def read_notes(self) -> bytes | None:
        return self.notes

    def write_notes(self, body: bytes) -> None:
        self.notes = body

    def send(self, bodies: Sequence[str]) -> None:
        if self.refusal:
            raise ServiceError(self.refusal)
        self.sent += bodies

    # What a test asks for

    def sweep(self, *, uploads_at_once: int = 4, keep_files: bool = False) -> SweepAnswer:
        return sweep(
            replace(SETTINGS, hub_bucket="hub", largest_copy_bytes=1000, keep_files=keep_files),
            self,
            waiting=self.queued,
            send=self.send,
            seconds_left=lambda: 900.0 if self.pages_until_time_runs_out > 0 else 1.0,
            now=self.now,
            uploads_at_once=uploads_at_once,
        )

    def handed_over(self) -> list[str]:
        """The keys of what was sent since this was asked last."""
        bodies, self.sent = self.sent, []
        return [upload.key for body in bodies for upload in uploads_of(body)]

    def later(self, by: timedelta = HOUR) -> None:
        self.now += by


def uploads_of(body: str) -> list[Any]:
    (read,) = read_messages({"Records": [message(body=body)]})
    assert read.problems == ()
    return list(read.uploads)


def test_an_upload_that_nobody_heard_of_is_handed_over_once() -> None:
    hub = Hub()
    hub.put("orders/a b+é", age=16 * MINUTE, etag="e1", size=7)
    assert hub.sweep() == SweepAnswer(in_sight=1, late=1, handed_over=1, finished=True)
    ((upload,),) = [uploads_of(body) for body in hub.sent]
    assert (upload.bucket, upload.key, upload.version_id) == ("hub", "orders/a b+é", "v1")
    assert (upload.etag, upload.size_bytes, upload.swept, upload.uploaded_by) == ("e1", 7, True, None)
    assert hub.handed_over() == ["orders/a b+é"]
    for _ in range(30 * 24):
        hub.later()
        assert hub.sweep().handed_over == 0


def test_a_time_without_a_zone_is_utc() -> None:
    hub = Hub()
    hub.put("orders/a", age=16 * MINUTE)
    hub.put("orders/b", age=14 * MINUTE)
    hub.uploads = {
        key: replace(upload, last_modified=upload.last_modified.removesuffix("Z"))
        for key, upload in hub.uploads.items()
    }
    hub.sweep()
    assert hub.handed_over() == ["orders/a"]


def test_what_was_uploaded_less_than_a_quarter_of_an_hour_ago_is_left_to_its_event() -> None:
    hub = Hub()
    hub.put("orders/a", age=14 * MINUTE)
    assert hub.sweep() == SweepAnswer(in_sight=1, finished=True)
    hub.later()
    hub.sweep()
    assert hub.handed_over() == ["orders/a"]


def test_what_has_a_receipt_is_left_to_the_queue_or_to_people_for_ever() -> None:
    """Whether it failed and comes back, or is a dead letter, or was delivered and kept."""
    hub = Hub()
    hub.put("orders/a", age=2 * HOUR)
    hub.record("orders/a", ago=HOUR)
    for _ in range(30 * 24):
        assert hub.sweep().handed_over == 0
        hub.later()


def test_a_receipt_of_another_version_tells_nothing() -> None:
    hub = Hub()
    hub.put("orders/a", version="v2")
    hub.record("orders/a", "v1", ago=MINUTE)
    hub.sweep()
    assert hub.handed_over() == ["orders/a"]


@pytest.mark.parametrize(
    ("etag", "ago", "handed_over"),
    [("e", 30 * MINUTE, []), ("e2", 30 * MINUTE, ["orders/a"]), ("e", DAY, ["orders/a"])],
)
def test_a_receipt_of_the_upload_that_was_there_before_under_the_id_null_tells_nothing(
    etag: str, ago: timedelta, handed_over: list[str]
) -> None:
    """Known by its content, or by its age."""
    hub = Hub()
    hub.put("orders/a", version="null", age=HOUR)
    hub.put("orders/old", version="v9", age=2 * DAY)
    hub.record("orders/old", "v9", ago=2 * DAY)
    hub.record("orders/a", "null", etag=etag, ago=ago)
    hub.sweep()
    assert hub.handed_over() == handed_over


def test_a_newer_upload_of_a_key_that_is_accounted_for_is_looked_into_anew() -> None:
    hub = Hub()
    hub.put("orders/a")
    hub.sweep()
    hub.put("orders/a", etag="e2", version="v2", age=20 * MINUTE)
    hub.later()
    hub.sweep()
    assert hub.handed_over() == ["orders/a", "orders/a"]


def test_only_the_receipts_since_the_last_sweep_are_read() -> None:
    hub = Hub()
    hub.put("orders/a", age=3 * DAY)
    hub.sweep()
    hub.later()
    hub.put("orders/b", age=50 * MINUTE)
    hub.sweep()
    hub.later()
    hub.put("orders/c", age=6 * DAY)  # an upload in parts that took six days
    hub.sweep()
    first, second, third = hub.read_since
    assert NOW - first == 3 * DAY + 2 * MINUTE
    assert NOW - second == -10 * MINUTE + 2 * MINUTE  # since that upload, as no receipt of it can be older
    assert NOW - third == -HOUR + 15 * MINUTE + 2 * MINUTE
    assert hub.handed_over() == ["orders/a", "orders/b", "orders/c"]


def test_what_was_in_sight_of_the_last_sweep_needs_no_note_once_it_is_old() -> None:
    hub = Hub()
    hub.put("orders/a")
    hub.sweep()
    hub.later(10 * DAY)
    hub.sweep()
    assert len(gzip.decompress(hub.notes or b"").splitlines()) == 1  # about the sweep itself
    hub.later()
    hub.sweep()
    assert hub.handed_over() == ["orders/a"]


def test_a_large_file_may_be_under_way_for_a_day() -> None:
    hub = Hub()
    hub.put("orders/large", size=1001)
    hub.put("orders/delivered and kept", size=1001)
    hub.sweep()
    hub.record("orders/delivered and kept")
    for _ in range(22):
        hub.later()
        hub.sweep()
    assert hub.handed_over() == []
    hub.later()
    hub.sweep()
    assert hub.handed_over() == ["orders/large"]


def test_the_folder_of_the_dataset_is_no_upload() -> None:
    hub = Hub()
    hub.put("orders/", size=0)
    hub.put("orders/sub/", size=0)
    hub.sweep()
    assert hub.handed_over() == ["orders/sub/"]


def test_what_has_gone_in_the_meantime_is_forgotten() -> None:
    hub = Hub()
    hub.put("orders/a")
    hub.sweep()
    hub.handed_over()
    del hub.uploads["orders/a"]
    hub.later()
    hub.sweep()
    assert len(gzip.decompress(hub.notes or b"").splitlines()) == 1


@pytest.mark.parametrize("pages", [1, 2, 3, 5])
def test_a_sweep_that_runs_out_of_time_goes_on_where_it_stopped_and_misses_and_repeats_nothing(pages: int) -> None:
    hub = Hub()
    keys = [f"orders/{number:03}" for number in range(41)]
    for key in keys:
        hub.put(key, age=DAY)
    hub.record("orders/017", ago=HOUR)
    seen: list[str] = []
    for _ in range(40):
        hub.pages_until_time_runs_out = pages
        finished = hub.sweep().finished
        seen += hub.handed_over()
        hub.later()
        if finished:
            break
    assert seen == [key for key in keys if key != "orders/017"]
    hub.pages_until_time_runs_out = 10**9
    hub.put("orders/new", age=30 * MINUTE)
    assert hub.sweep() == SweepAnswer(in_sight=42, late=42, handed_over=1, finished=True)


def test_a_sweep_that_fails_notes_nothing_and_the_next_one_makes_up_for_it() -> None:
    hub = Hub(refusal="SendMessageBatch failed")
    hub.put("orders/a")
    with pytest.raises(SweepError, match="SendMessageBatch failed"):
        hub.sweep()
    assert hub.notes is None
    hub.refusal = ""
    hub.sweep()
    assert hub.handed_over() == ["orders/a"]


def test_a_queue_that_is_behind_is_left_alone() -> None:
    hub = Hub(queued=1001)
    hub.put("orders/a")
    assert hub.sweep() == SweepAnswer(skipped="about 1,001 messages wait in the queue")
    assert (hub.sent, hub.notes) == ([], None)


@pytest.mark.parametrize(
    "damage",
    [b"", b"not gzip", gzip.compress(b"not JSON\n"), gzip.compress(b"{}\n")],
    ids=["empty", "no gzip", "no JSON", "no notes"],
)
def test_notes_that_cannot_be_read_stop_the_sweep_with_what_to_do(damage: bytes) -> None:
    hub = Hub(notes=damage)
    hub.put("orders/a")
    with pytest.raises(SweepError, match=r"the notes of the last sweep \(sweep.jsonl.gz\) cannot be read: .*Remove"):
        hub.sweep()
    assert hub.sent == []


def test_the_message_is_shaped_like_the_one_that_s3_would_have_sent() -> None:
    hub = Hub()
    hub.put("orders/a b")
    hub.sweep()
    assert json.loads(hub.sent[0]) == {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventTime": "2026-11-02T09:00:00.000Z",
                "eventName": "ObjectCreated:Put",
                "sweptAt": "2026-11-02T10:00:00.000Z",
                "s3": {
                    "bucket": {"name": "hub"},
                    "object": {"key": "orders/a+b", "size": 1, "eTag": "e", "versionId": "v1"},
                },
            }
        ]
    }
