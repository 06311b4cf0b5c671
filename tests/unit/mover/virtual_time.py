"""S3 and the other services without a network and without waiting: a clock that moves when somebody waits.

`VirtualTransport` stands in for `Transport`: each request is answered as S3 answers it when all goes well, or meets
the trouble that a test gives it. Waiting moves the clock to what happens next, at most by the second for which a real
one waits.
"""

import heapq
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from data_exports.mover.wire.http_connection import OnResponse, RequestLimits
from data_exports.mover.wire.http_requests import Host
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import S3Request
from tests.unit.mover.s3_alone import S3Alone

Trouble = Callable[[S3Request], "Answered | None"]

XML = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
ANSWERS = {
    "CopyObject": f"<CopyObjectResult {XML}><ETag>&quot;e9&quot;</ETag></CopyObjectResult>",
    "ListObjectVersions": f"<ListVersionsResult {XML}><Version><Key>orders/large</Key><VersionId>v1</VersionId>"
    "<IsLatest>true</IsLatest><LastModified>2026-11-02T09:00:00.000Z</LastModified><ETag>e</ETag><Size>200</Size>"
    "</Version></ListVersionsResult>",
    "ListObjectsV2": f"<ListBucketResult {XML}/>",
    "GetObjectTagging": f"<Tagging {XML}><TagSet/></Tagging>",
    "GetBucketVersioning": f"<VersioningConfiguration {XML}><Status>Enabled</Status></VersioningConfiguration>",
    "CreateMultipartUpload": f"<InitiateMultipartUploadResult {XML}><UploadId>u1</UploadId>"
    "</InitiateMultipartUploadResult>",
    "UploadPartCopy": f"<CopyPartResult {XML}><ETag>&quot;p&quot;</ETag></CopyPartResult>",
    "CompleteMultipartUpload": f"<CompleteMultipartUploadResult {XML}><ETag>&quot;e9&quot;</ETag>"
    "</CompleteMultipartUploadResult>",
}
HEADERS = {"x-amz-copy-source-version-id": "v1", "x-amz-version-id": "v1", "etag": '"e"'}


@dataclass(frozen=True)
class Answered:
    """What a request is answered, and after how many seconds."""

    response: Response
    after_seconds: float = 0.05


def silent(request: S3Request) -> Answered:
    """Nothing comes, until the transport gives the request up."""
    return Answered(Response(None, {}, b"", fault="silent"), request.limits.read_timeout_seconds)


def endless_white_space(request: S3Request) -> Answered:
    """White space comes and comes, until the transport gives the request up."""
    return Answered(Response(None, {}, b"", fault="not answered"), request.limits.timeout_seconds)


def unwell(_: S3Request) -> Answered:
    """S3 throttles at once."""
    return Answered(Response(503, {}, b"<Error><Code>SlowDown</Code></Error>"))


def slow(request: S3Request) -> Answered:
    """The answer comes just before the request would be given up."""
    return Answered(good(request).response, request.limits.read_timeout_seconds - 1)


def good(request: S3Request) -> Answered:
    """What S3 answers when all goes well."""
    if request.method == "DELETE":
        return Answered(Response(204, {}, b""))
    body = ANSWERS.get(request.operation, "")
    if request.operation == "DeleteObjects":
        keys = re.findall("<Key>.*?</Key>", request.body.decode())
        body = f"<DeleteResult>{''.join(f'<Deleted>{key}</Deleted>' for key in keys)}</DeleteResult>"
    return Answered(Response(200, HEADERS, body.encode()))


@dataclass
class Clock:
    """Seconds since the invocation began."""

    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Timetable:
    """What happens at which moment; waiting moves the clock, at most by the second that a real wait takes."""

    clock: Clock
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def plan(self, after_seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.clock.now + after_seconds, next(self._numbers), call))

    def run_once(self) -> None:
        soonest = self._due[0][0] if self._due else self.clock.now + 1
        self.clock.now = max(self.clock.now, min(soonest, self.clock.now + 1))
        while self._due and self._due[0][0] <= self.clock.now:
            heapq.heappop(self._due)[2]()

    def drop(self) -> None:
        self._due.clear()

    def close_idle(self) -> None:
        pass

    def close(self) -> None:
        pass


class VirtualConnections(Timetable):
    """`Connections` to services that all answer alike, after so many seconds; with no answer they stay silent."""

    def __init__(self, clock: Clock, answer: Response | None, after_seconds: float = 0.02) -> None:
        super().__init__(clock)
        self.answer, self.after_seconds = answer, after_seconds
        self.asked: list[bytes] = []

    def send(self, host: Host, data: bytes, on_response: OnResponse, *, limits: RequestLimits) -> None:
        self.asked.append(data)
        silence = Response(None, {}, b"", fault="silent")
        answer = silence if self.answer is None or self.after_seconds > limits.timeout_seconds else self.answer
        seconds = limits.timeout_seconds if answer is silence else self.after_seconds
        self.plan(seconds, lambda: on_response(answer))


class VirtualTransport(S3Alone, Timetable):
    """A `Transport` over virtual time. `trouble` says what a request meets; None is: all goes well."""

    service = "S3"

    def __init__(self, clock: Clock, trouble: Trouble = lambda _: None) -> None:
        super().__init__(clock)
        self.trouble = trouble
        self.asked: list[S3Request] = []

    def send(self, request: S3Request, on_response: OnResponse, *, after_seconds: float = 0) -> None:
        def start() -> None:
            self.asked.append(request)
            answered = self.trouble(request) or good(request)
            self.plan(answered.after_seconds, lambda: on_response(answered.response))

        self.plan(after_seconds, start)
