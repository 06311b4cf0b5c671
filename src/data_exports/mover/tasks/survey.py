"""What the sweep sees: the uploads in sight in the hub, the dataset's receipts, and the sweep's own notes.

In: settings and the way to S3. Out: pages of uploads, receipts, bytes. Effects: lists and reads the hub and the log
bucket under the dataset's own prefixes; writes the sweep's notes. Whatever cannot be read raises SweepError: a sweep
that does not see all must not conclude anything.
"""

import random
import xml.etree.ElementTree as ET
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any, NamedTuple, TypeVar

from data_exports.contract import keys
from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Receipt, receipts_in
from data_exports.mover.places.in_flight import InFlight, Way
from data_exports.mover.places.operation import Operation
from data_exports.mover.places.s3.bucket import Bucket
from data_exports.mover.places.s3.error_codes import Attempt, Where
from data_exports.mover.places.s3.replies import error_reply
from data_exports.mover.places.store import hub_and_journal_of
from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.protocol import Failed, Forbidden, Gone
from data_exports.mover.settings import Settings
from data_exports.mover.time_left import SecondsLeft, endless
from data_exports.mover.wire.http_connection import RequestLimits
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import S3Request
from data_exports.mover.wire.xml_answers import decoder_of, name_of, parse_xml, text_of

W = TypeVar("W")

REQUESTS_AT_ONCE = 32
# The notes are the only thing read that grows with the hub, by some 40 bytes for each upload in sight. These are three
# million, and half of the function's memory while they are read.
NOTES_LIMITS = RequestLimits(max_body_bytes=128 * 1024 * 1024)


class SweepError(Exception):
    """The sweep cannot see what it has to, or cannot do what follows from it."""


@dataclass(frozen=True, slots=True)
class UploadInSight:
    """An upload in sight in the hub. The version is None where the listing does not tell it."""

    key: str
    etag: str
    size_bytes: int
    last_modified: str
    version_id: str | None = None


class Recorded(NamedTuple):
    """What a receipt tells of, and when it was written."""

    key: str
    version_id: str
    etag: str
    at: str


class Survey:
    """The hub and the log bucket, as one dataset's sweep sees them."""

    def __init__(
        self, settings: Settings, way: Way, *, rng: random.Random | None = None, seconds_left: SecondsLeft = endless
    ) -> None:
        """Ask nothing yet. `rng` gives the jitter of repeated requests."""
        self._settings = settings
        hub, journal = hub_and_journal_of(settings)
        self._hub, self._log = hub.bucket, journal.bucket
        self._in_flight = InFlight[Any](way, rng=rng, seconds_left=seconds_left)
        self._tags, self._answers = count(), dict[int, Any]()  # answers that nobody has waited for yet

    def pages_in_sight(self, after: str) -> Iterator[list[UploadInSight]]:
        """The uploads that the hub shows under the dataset's prefix, in S3's order, from behind this key on.

        A hub that keeps its files has few versions out of sight, so its versions are listed, which tells their ids. One
        that does not may have very many: there the current ones alone are listed.
        """
        query = {"prefix": keys.hub_prefix_of(self._settings.dataset), "encoding-type": "url"}
        if self._settings.keep_files:
            operation = "ListObjectVersions"
            query |= {"versions": ""} | ({"key-marker": after} if after else {})
        else:
            operation = "ListObjectsV2"
            query |= {"list-type": "2"} | ({"start-after": after} if after else {})
        for page in self._pages(operation, self._hub, query):
            decode = decoder_of(page)
            yield [_waiting_of(item, decode) for item in page if _is_in_sight(item)]

    def with_versions(self, uploads: Iterable[UploadInSight]) -> Iterator[UploadInSight]:
        """The same uploads with the ids of their versions; those that are out of sight by now are left out."""
        known: list[UploadInSight] = []
        asked: list[tuple[UploadInSight, Operation[Any]]] = []
        for upload in uploads:
            if upload.version_id:
                known.append(upload)
            else:
                request = self._hub.request("HeadObject", "HEAD", upload.key)
                asked.append((upload, _operation(request, f"reading {upload.key!r} in the hub", also=(404, 403))))
        yield from known
        for upload, response in self._ask_all(asked):
            if response.status == 200 and response.headers.get("etag", "").strip('"') == upload.etag:
                yield replace(upload, version_id=response.headers.get("x-amz-version-id", NULL))

    def recorded_since(self, since: datetime) -> Iterator[Recorded]:
        """What every receipt tells of, of whatever outcome, that was written since then."""
        dataset = self._settings.dataset
        found = self._keys(keys.receipts_prefix_of(dataset), after=keys.receipts_from(dataset, since))
        asked = ((key, self._in_log("reading", "GET", key)) for key in found)
        for key, response in self._ask_all(asked):
            for each in receipts_in(key, response.body):
                if isinstance(each, Receipt):  # of what is damaged, rather one upload handed over twice than none
                    yield Recorded(each.key, each.version_id, each.etag, each.recorded_at or "")

    def read_notes(self) -> bytes | None:
        """What the last sweep noted; None before the first."""
        key = keys.sweep_notes_key_of(self._settings.dataset)
        # Looked for in a listing first: without the right to list the whole bucket S3 answers 403 to what is missing.
        if key not in self._keys(key, after=""):
            return None
        body: bytes = self._ask(self._in_log("reading", "GET", key, limits=NOTES_LIMITS)).body
        return body

    def write_notes(self, body: bytes) -> None:
        """Note something for the next sweep."""
        self._ask(self._in_log("writing", "PUT", keys.sweep_notes_key_of(self._settings.dataset), body=body))

    def renew_card(self, written_before: datetime) -> bool:
        """Write the dataset's card anew, as it is, if it was written before then; whether it was.

        Whoever writes another one meanwhile is not overwritten.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        key = keys.card_key_of(self._settings.dataset)
        found = self._ask(self._in_log("reading", "GET", key, also=(403, 404)))
        if found.status != 200 or parsedate_to_datetime(found.headers["last-modified"]) >= written_before:
            return False
        headers = {"if-match": found.headers["etag"], "content-type": "application/json"}
        written = self._ask(self._in_log("writing", "PUT", key, headers=headers, body=found.body, also=(404, 409, 412)))
        return bool(written.status == 200)

    def _keys(self, prefix: str, *, after: str) -> Iterator[str]:
        """The keys under a prefix of the log bucket, in order."""
        query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        for page in self._pages("ListObjectsV2", self._log, query | ({"start-after": after} if after else {})):
            yield from map(decoder_of(page), (text_of(item, "Key") for item in page.iterfind("{*}Contents")))

    def _pages(self, operation: str, bucket: Bucket, query: Mapping[str, str]) -> Iterator[ET.Element]:
        """The pages of a listing."""

        def read(response: Response) -> ET.Element | Failed | Forbidden:
            page = parse_xml(response.body) if response.status == 200 else None
            if page is not None and name_of(page).startswith("List"):
                return page
            return _error(response, f"listing {query['prefix']!r} in {bucket}")

        more: dict[str, str] | None = {}
        while more is not None:
            request = bucket.request(operation, "GET", query={**query, **more})
            page: ET.Element = self._ask(Operation(request, read))
            yield page
            more = _next_page(page)

    def _in_log(
        self, what: str, method: str, key: str, *, also: tuple[int, ...] = (), **request: Any
    ) -> Operation[Any]:
        """What reads or writes a file of the log bucket."""
        operation = "GetObject" if method == "GET" else "PutObject"
        return _operation(self._log.request(operation, method, key, **request), f"{what} {self._log}/{key}", also=also)

    def _ask(self, operation: Operation[Any]) -> Any:
        ((_, answer),) = self._ask_all([(None, operation)])
        return answer

    def _ask_all(self, asked: Iterable[tuple[W, Operation[Any]]]) -> Iterator[tuple[W, Any]]:
        """Carry out operations, many at once; their answers in order."""
        under_way: deque[tuple[W, int]] = deque()
        for what, operation in asked:
            tag = next(self._tags)
            self._in_flight.start(tag, operation)
            under_way.append((what, tag))
            if len(under_way) == REQUESTS_AT_ONCE:
                yield self._answer(*under_way.popleft())
        while under_way:
            yield self._answer(*under_way.popleft())

    def _answer(self, what: W, tag: int) -> tuple[W, Any]:
        while tag not in self._answers:
            ended, answer = self._in_flight.wait()
            self._answers[ended] = answer
        answer = self._answers.pop(tag)
        if isinstance(answer, Failed | Forbidden):
            raise SweepError(answer.reason)
        return what, answer


def _operation(request: S3Request, doing: str, *, also: tuple[int, ...] = ()) -> Operation[Any]:
    """What has to be answered with 200, or with one of these."""

    def read(response: Response) -> Response | Failed | Forbidden:
        return response if response.status == 200 or response.status in also else _error(response, doing)

    return Operation(request, read)


def _is_in_sight(item: ET.Element) -> bool:
    """Tell whether an item of a listing is an upload, and what a plain read would get."""
    return name_of(item) in ("Contents", "Version") and text_of(item, "IsLatest") in ("", "true")


def _waiting_of(item: ET.Element, decode: Callable[[str], str]) -> UploadInSight:
    key, size, time = decode(text_of(item, "Key")), text_of(item, "Size"), text_of(item, "LastModified")
    try:
        datetime.fromisoformat(time)
        size_bytes = int(size)
    except ValueError:
        raise SweepError(f"S3 lists {key!r} with the size {size[:40]!r} and the time {time[:40]!r}") from None
    return UploadInSight(key, text_of(item, "ETag").strip('"'), size_bytes, time, text_of(item, "VersionId") or None)


def _next_page(page: ET.Element) -> dict[str, str] | None:
    """What asks for the page after this one; None behind the last."""
    if text_of(page, "IsTruncated") != "true":
        return None
    token = text_of(page, "NextContinuationToken")
    if token:
        return {"continuation-token": token}
    markers = {"key-marker": decoder_of(page)(text_of(page, "NextKeyMarker"))}
    version = text_of(page, "NextVersionIdMarker")
    return markers | ({"version-id-marker": version} if version else {})


def _error(response: Response, doing: str) -> Failed | Forbidden:
    reply = error_reply(response, doing=Attempt(doing, Where.PLATFORM))
    if isinstance(reply, Failed | Forbidden):
        return reply
    return Failed(f"{doing}: {'missing' if reply == Gone() else type(reply).__name__}", Cause.HUB_REQUEST)
