"""A folder as the destination of a hub in memory: a world of scenarios, and a store for the model's schedules.

In: calls. Out: answers. Effects: files below one folder. The hub is read over HTTP's words, so that what a kind makes
of S3's answers is tried as well.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from data_exports.contract.tasks import Try
from data_exports.mover.places.destination import DestinationPlace
from data_exports.mover.places.hub import Hub
from data_exports.mover.places.in_flight import InFlight
from data_exports.mover.places.journal import Journal
from data_exports.mover.places.operation import Operation
from data_exports.mover.places.s3.bucket import Bucket
from data_exports.mover.places.store import Places
from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Call,
    CompleteUpload,
    Copy,
    CopyPart,
    CopyVersion,
    FindUploads,
    StartUpload,
    StoreAnswer,
)
from data_exports.mover.wire.http_connection import OnResponse
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest, S3Request
from tests.conformance.folder import Disk, FolderDestination
from tests.conformance.memory_world import MemoryWorld
from tests.conformance.steps import Scenario
from tests.model.memory_s3 import HUB, LOG, Memory, Stored, answer

DestinationCall = Copy | CopyVersion | CopyPart | StartUpload | FindUploads | CompleteUpload | AbortUpload


@dataclass
class HubWay:
    """The mover's way to a hub that is in memory: what it is asked is answered when its turn comes."""

    memory: Callable[[], Memory]
    pending: deque[Callable[[], None]] = field(default_factory=deque)
    others: Callable[[HttpRequest], Response] = lambda _: Response(None, {}, b"", fault="nobody is there")
    service: str = "S3"
    drops: int = 0

    def send(self, request: S3Request, on_response: OnResponse, /, *, after_seconds: float = 0) -> None:
        del after_seconds
        self.pending.append(lambda: on_response(read_over_http(self.memory(), request)))

    def send_http(self, request: HttpRequest, on_response: OnResponse) -> None:
        """What is known at last is known when it is sent; what it is answered, when its turn comes."""
        sent = replace(request, headers={**request.headers, **request.headers_at_last()})
        self.pending.append(lambda: on_response(self.others(sent)))

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        del seconds
        self.pending.append(call)

    def run_once(self) -> None:
        self.pending.popleft()()

    def drop(self) -> None:
        self.pending.clear()

    def close_idle(self) -> None: ...
    def close(self) -> None: ...


def read_over_http(memory: Memory, request: S3Request) -> Response:
    """What S3 answers to a GetObject."""
    assert request.operation == "GetObject"
    headers, content = request.headers or {}, memory.hub_key(request.key)
    wanted = (request.query or {}).get("versionId")
    found = content.current if wanted is None else _of(content.versions, wanted)
    if found is None:
        return Response(404, {}, b"<Error><Code>NoSuchKey</Code></Error>")
    if headers.get("if-match", f'"{found.etag}"') != f'"{found.etag}"':
        return Response(412, {}, b"<Error><Code>PreconditionFailed</Code></Error>")
    named = {**dict(found.attributes), "etag": f'"{found.etag}"'}
    if found.version_id != NULL:
        named["x-amz-version-id"] = found.version_id
    if "range" not in headers:
        return Response(200, named, found.body)
    first, _, last = headers["range"].removeprefix("bytes=").partition("-")
    told = {**named, "content-range": f"bytes {first}-{last}/{len(found.body)}"}
    return Response(206, told, found.body[int(first) : int(last) + 1])


def _of(versions: tuple[Stored, ...], version_id: str) -> Stored | None:
    return next((each for each in versions if each.version_id == version_id), None)


P = TypeVar("P", bound=DestinationPlace)


class ReadingStore(Generic[P]):
    """An ObjectStore: hub and journal in memory, and a destination that reads the hub."""

    def __init__(self, memory: Memory, make: Callable[[Hub, HubWay], P]) -> None:
        self.memory = memory
        self.way = HubWay(lambda: self.memory)
        hub = Hub(Bucket(HUB, None))
        self.destination = make(hub, self.way)
        self._steps = Places(hub, Journal(Bucket(LOG, None), "orders"), self.destination).steps()
        self.capabilities = self.destination.capabilities
        self.in_flight = InFlight[StoreAnswer](self.way)

    def send(self, call: Call, tag: int) -> None:
        self.in_flight.start(tag, self.step_of(call))

    def wait(self) -> tuple[int, StoreAnswer]:
        return self.in_flight.wait()

    def step_of(self, call: Call) -> StoreAnswer | Operation[StoreAnswer]:
        """What is done first: the hub and the journal answer at once."""
        if isinstance(call, DestinationCall):
            return self._steps[type(call)](call)
        self.memory, told = answer(self.memory, call)
        return told


class FolderStore(ReadingStore[FolderDestination]):
    """Where the destination is on disk."""

    def __init__(self, folder: Path, memory: Memory) -> None:
        super().__init__(memory, lambda hub, way: FolderDestination(folder, hub, Disk(way.pending)))


class FolderWorld(MemoryWorld):
    """A World whose recipient is a folder."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        super().__init__(scenario, may_list=True)
        self._store: Any = FolderStore(folder, Memory(versioning=scenario.versioning))

    def arrived(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        arrived: tuple[bytes, Mapping[str, str]] | None = self._store.destination.arrived(key)
        return arrived

    def probe(self, key: str) -> list[Try]:
        tries: list[Try] = self._store.destination.probe(key, self._store.in_flight.ask)
        return tries
