"""What the sweep sees: the uploads in sight in the hub, the dataset's receipts, and the sweep's own notes.

In: settings and a Transport. Out: pages of uploads, receipts, bytes. Effects: lists and reads the hub and the log
bucket under the dataset's own prefixes; writes the sweep's notes. Whatever cannot be read raises SweepError: a sweep
that does not see all must not conclude anything.
"""

import gzip
import json
import random
import xml.etree.ElementTree as ET
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote_plus

from data_exports.contract import keys
from data_exports.mover.places.error_codes import Doing, Where
from data_exports.mover.places.replies import error_reply
from data_exports.mover.rules.protocol import Failure, Gone
from data_exports.mover.settings import Settings
from data_exports.mover.time_left import SecondsLeft, endless
from data_exports.mover.wire.connections import RequestLimits
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import retry_seconds
from data_exports.mover.wire.transport import OnResponse, S3Request
from data_exports.mover.wire.xml_answers import name_of, parse_xml, text_of

MOST_TRIES = 6
REQUESTS_AT_ONCE = 32
# The notes are the only thing read that grows with the hub, by some 40 bytes for each upload in sight. These are three
# million, and half of the function's memory while they are read.
NOTES_LIMITS = RequestLimits(max_body_bytes=128 * 1024 * 1024)


class SweepError(Exception):
    """The sweep cannot see what it has to, or cannot do what follows from it."""


@dataclass(frozen=True, slots=True)
class Waiting:
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


class Sends(Protocol):
    """Whatever carries out requests: a `Transport`, or a stand-in."""

    def send(self, request: S3Request, on_response: OnResponse, *, after_seconds: float = 0) -> None:
        """Start the request, now or later; `on_response` gets its response, exactly once, from within `run_once`."""

    def run_once(self) -> None:
        """Wait until something happens, and see to it."""


class Survey:
    """The hub and the log bucket, as one dataset's sweep sees them."""

    def __init__(
        self,
        settings: Settings,
        transport: Sends,
        *,
        rng: random.Random | None = None,
        seconds_left: SecondsLeft = endless,
    ) -> None:
        """Ask nothing yet. `rng` gives the jitter of repeated requests."""
        self._seconds_left = seconds_left
        self._settings = settings
        self._transport = transport
        self._rng = rng or random.Random()  # noqa: S311 it keeps no secret

    def pages_in_sight(self, after: str) -> Iterator[list[Waiting]]:
        """The uploads that the hub shows under the dataset's prefix, in S3's order, from behind this key on.

        A hub that keeps its files has few versions out of sight, so its versions are listed, which tells their ids. One
        that does not may have very many: there the current ones alone are listed.
        """
        prefix = keys.hub_prefix_of(self._settings.dataset)
        query = {"prefix": prefix, "encoding-type": "url"}
        if self._settings.keep_files:
            query |= {"versions": ""} | ({"key-marker": after} if after else {})
        else:
            query |= {"list-type": "2"} | ({"start-after": after} if after else {})
        operation = "ListObjectVersions" if self._settings.keep_files else "ListObjectsV2"
        more: dict[str, str] | None = {}
        while more is not None:
            page = self._listing(operation, self._settings.hub_bucket, query | more)
            decode = _decoder(page)
            yield [_waiting_of(item, decode) for item in page if _is_in_sight(item)]
            more = _next_page(page)

    def with_versions(self, uploads: Iterable[Waiting]) -> Iterator[Waiting]:
        """The same uploads with the ids of their versions; those that are out of sight by now are left out."""
        known: list[Waiting] = []
        asked: list[tuple[Waiting, S3Request]] = []
        for upload in uploads:
            if upload.version_id:
                known.append(upload)
            else:
                asked.append((upload, self._hub("HeadObject", "HEAD", upload.key)))
        yield from known
        for upload, response in self._ask_all(asked):
            if response.status == 200 and response.headers.get("etag", "").strip('"') == upload.etag:
                yield replace(upload, version_id=response.headers.get("x-amz-version-id", "null"))
            elif response.status not in (200, 404, 403):
                raise _error(response, f"reading {upload.key!r} in the hub")

    def recorded_since(self, since: datetime) -> Iterator[Recorded]:
        """What every receipt tells of, of whatever outcome, that was written since then."""
        dataset = self._settings.dataset
        found = self._keys(keys.receipts_prefix_of(dataset), after=keys.receipts_from(dataset, since))
        asked = ((key, self._log("GetObject", "GET", key)) for key in found)
        for key, response in self._ask_all(asked):
            if response.status != 200:
                raise _error(response, f"reading s3://{self._settings.log_bucket}/{key}")
            for line in _lines(response.body):
                yield Recorded(*(str(line.get(name) or "") for name in ("key", "version_id", "etag", "recorded_at")))

    def read_notes(self) -> bytes | None:
        """What the last sweep noted; None before the first."""
        key = keys.sweep_notes_key_of(self._settings.dataset)
        # Looked for in a listing first: without the right to list the whole bucket S3 answers 403 to what is missing.
        if key not in self._keys(key, after=""):
            return None
        response = self._ask(replace(self._log("GetObject", "GET", key), limits=NOTES_LIMITS))
        if response.status != 200:
            raise _error(response, f"reading s3://{self._settings.log_bucket}/{key}")
        return response.body

    def write_notes(self, body: bytes) -> None:
        """Note something for the next sweep."""
        key = keys.sweep_notes_key_of(self._settings.dataset)
        response = self._ask(self._log("PutObject", "PUT", key, body=body))
        if response.status != 200:
            raise _error(response, f"writing s3://{self._settings.log_bucket}/{key}")

    def _keys(self, prefix: str, *, after: str) -> Iterator[str]:
        """The keys under a prefix of the log bucket, in order."""
        query = {
            "list-type": "2",
            "prefix": prefix,
            "encoding-type": "url",
            **({"start-after": after} if after else {}),
        }
        more: dict[str, str] | None = {}
        while more is not None:
            page = self._listing("ListObjectsV2", self._settings.log_bucket, query | more)
            yield from map(_decoder(page), (text_of(item, "Key") for item in page.iterfind("{*}Contents")))
            more = _next_page(page)

    def _listing(self, operation: str, bucket: str, query: Mapping[str, str]) -> ET.Element:
        response = self._ask(self._on(bucket, operation, "GET", query=query))
        doing = f"listing {query['prefix']!r} in s3://{bucket}"
        page = parse_xml(response.body) if response.status == 200 else None
        if page is None or not name_of(page).startswith("List"):
            raise _error(response, doing)
        return page

    def _ask(self, request: S3Request) -> Response:
        ((_, response),) = self._ask_all([(None, request)])
        return response

    def _ask_all(self, asked: Iterable[tuple[Any, S3Request]]) -> Iterator[tuple[Any, Response]]:
        """Carry out requests, many at once; their responses in order. What fails for a moment is asked again."""
        under_way: deque[tuple[Any, S3Request, list[Response]]] = deque()
        for what, request in asked:
            answers: list[Response] = []
            self._transport.send(request, answers.append)
            under_way.append((what, request, answers))
            if len(under_way) == REQUESTS_AT_ONCE:
                yield self._answer(*under_way.popleft())
        while under_way:
            yield self._answer(*under_way.popleft())

    def _answer(self, what: Any, request: S3Request, answers: list[Response]) -> tuple[Any, Response]:
        for tries in range(1, MOST_TRIES + 1):
            while not answers:
                if self._seconds_left() <= 0:
                    raise SweepError(f"the function's time ran out before S3 answered a {request.operation}")
                self._transport.run_once()
            response = answers.pop()
            reply = error_reply(response, doing=Doing("", Where.PLATFORM)) if response.status != 200 else None
            if tries == MOST_TRIES or not isinstance(reply, Failure) or not reply.cause.is_momentary:
                break
            self._transport.send(request, answers.append, after_seconds=retry_seconds(tries, rng=self._rng))
        return what, response

    def _hub(self, operation: str, method: str, key: str) -> S3Request:
        return self._on(self._settings.hub_bucket, operation, method, key)

    def _log(self, operation: str, method: str, key: str, *, body: bytes = b"") -> S3Request:
        return self._on(self._settings.log_bucket, operation, method, key, body=body)

    def _on(
        self,
        bucket: str,
        operation: str,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> S3Request:
        owner = {"x-amz-expected-bucket-owner": self._settings.hub_account}
        return S3Request(operation, method, bucket, key, query, owner, body)


def _is_in_sight(item: ET.Element) -> bool:
    """Tell whether an item of a listing is an upload, and what a plain read would get."""
    return name_of(item) in ("Contents", "Version") and text_of(item, "IsLatest") in ("", "true")


def _waiting_of(item: ET.Element, decode: Callable[[str], str]) -> Waiting:
    key, size, time = decode(text_of(item, "Key")), text_of(item, "Size"), text_of(item, "LastModified")
    try:
        datetime.fromisoformat(time)
        size_bytes = int(size)
    except ValueError:
        raise SweepError(f"S3 lists {key!r} with the size {size[:40]!r} and the time {time[:40]!r}") from None
    return Waiting(key, text_of(item, "ETag").strip('"'), size_bytes, time, text_of(item, "VersionId") or None)


def _next_page(page: ET.Element) -> dict[str, str] | None:
    """What asks for the page after this one; None behind the last."""
    if text_of(page, "IsTruncated") != "true":
        return None
    token = text_of(page, "NextContinuationToken")
    if token:
        return {"continuation-token": token}
    markers = {"key-marker": _decoder(page)(text_of(page, "NextKeyMarker"))}
    version = text_of(page, "NextVersionIdMarker")
    return markers | ({"version-id-marker": version} if version else {})


def _decoder(page: ET.Element) -> Callable[[str], str]:
    """What reads the keys of a page: it says itself whether they are encoded."""
    return unquote_plus if text_of(page, "EncodingType") == "url" else str


def _lines(body: bytes) -> Iterator[dict[str, Any]]:
    """The receipts of a file; of a damaged one, none: rather one upload handed over twice than one not at all."""
    try:
        lines = gzip.decompress(body).splitlines()
    except (OSError, EOFError, zlib.error):
        return
    for line in lines:
        try:
            content = json.loads(line)
        except ValueError:
            continue
        if isinstance(content, dict):
            yield content


def _error(response: Response, doing: str) -> SweepError:
    reply = error_reply(response, doing=Doing(doing, Where.PLATFORM))
    return SweepError(getattr(reply, "reason", f"{doing}: {'missing' if reply == Gone() else type(reply).__name__}"))
