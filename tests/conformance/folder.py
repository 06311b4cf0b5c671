"""A folder on disk as a kind of destination: the plainest one that cannot copy by itself. In tests only.

It shows what a kind takes: it reads a version of the hub, and writes it over a way of its own (`Disk`). A file holds
what describes it in its first line; it appears whole, by a rename.

In: calls. Out: operations; `Disk` carries out the writes. Effects: files below one folder.
"""

import hashlib
import json
import shutil
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from data_exports.contract.tasks import Try, Verdict
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.hub import Hub, describing, reading
from data_exports.mover.places.operation import ONCE, CallStep, Operation
from data_exports.mover.places.s3.replies import error_reply
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.protocol import (
    AbortUpload,
    CompleteUpload,
    Copied,
    CopiedPart,
    Copy,
    CopyPart,
    CopyVersion,
    FindUploads,
    NoUpload,
    Removed,
    Started,
    StartUpload,
    StoreAnswer,
    Uploads,
    Written,
)
from data_exports.mover.wire.http_connection import USUAL_LIMITS, OnResponse, RequestLimits
from data_exports.mover.wire.http_responses import Response
from tests.model.memory_s3 import TIME

CAPABILITIES = Capabilities(
    service="the folder",
    copies_by_itself=False,
    writes_on_condition=True,
    largest_copy_bytes=8 * 1024 * 1024,
    smallest_part_bytes=1,
    largest_part_bytes=8 * 1024 * 1024,
    most_parts=1000,
    calls_at_once=4,
    parts_at_once=2,
)
DONE, MISSING = Response(200, {}, b""), Response(404, {}, b"")


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@dataclass(frozen=True)
class DiskRequest:
    """Something to be done on the disk, at one moment."""

    do: Callable[[], Response]
    limits: RequestLimits = USUAL_LIMITS


@dataclass
class Disk:
    """Does what is asked of it when its turn comes."""

    pending: deque[Callable[[], None]]
    service: str = "the folder"

    def send(self, request: DiskRequest, on_response: OnResponse, /, *, after_seconds: float = 0) -> None:
        del after_seconds
        self.pending.append(lambda: on_response(request.do()))


@dataclass
class FolderDestination:
    """One recipient's folder."""

    folder: Path
    hub: Hub
    disk: Disk
    capabilities: Capabilities = field(default=CAPABILITIES)

    def copy(self, call: Copy) -> CallStep:
        return self._copy(call.key, None, call.etag, call.tries)

    def copy_version(self, call: CopyVersion) -> CallStep:
        return self._copy(call.key, call.version_id, call.etag, call.tries)

    def _copy(self, key: str, version_id: str | None, etag: str | None, tries: int) -> CallStep:
        def read(response: Response) -> CallStep:
            if response.status != 200:
                return error_reply(response, doing=reading(key))
            version, body = response.headers.get("x-amz-version-id") or NULL, response.body
            copied = Copied(version, None, digest_of(body), TIME)
            return self._on_disk(lambda: self._put(key, describing(response.headers), body), lambda _: copied)

        return Operation(self.hub.read(key, version_id=version_id, etag=etag), read, ONCE, tries)

    def start_upload(self, call: StartUpload) -> CallStep:
        upload_id = uuid.uuid4().hex

        def do() -> Response:
            self._upload(upload_id).mkdir(parents=True)
            facts = {"key": call.key, "headers": dict(call.attributes.headers)}
            (self._upload(upload_id) / "begun").write_text(json.dumps(facts))
            return DONE

        return self._on_disk(do, lambda _: Started(upload_id))

    def find_uploads(self, call: FindUploads) -> CallStep:
        def do() -> Response:
            begun = {each.parent.name: json.loads(each.read_text()) for each in self._uploads.glob("*/begun")}
            names = [name for name, facts in begun.items() if facts["key"] == call.key]
            return Response(200, {}, " ".join(sorted(names)).encode())

        return self._on_disk(do, lambda response: Uploads(tuple(response.body.decode().split())))

    def copy_part(self, call: CopyPart) -> CallStep:
        def read(response: Response) -> CallStep:
            if response.status not in (200, 206):
                return error_reply(response, doing=reading(call.key))
            body = response.body

            def do() -> Response:
                if not self._upload(call.upload_id).is_dir():
                    return MISSING
                (self._upload(call.upload_id) / f"{call.part.number:05}").write_bytes(body)
                return DONE

            return self._on_disk(do, _or_no_upload(CopiedPart(call.part.number, digest_of(body))))

        return Operation(self.hub.read(call.key, version_id=call.version_id, etag=call.etag, part=call.part), read)

    def complete_upload(self, call: CompleteUpload) -> CallStep:
        def do() -> Response:
            upload = self._upload(call.upload_id)
            files = [upload / f"{part.number:05}" for part in call.parts]
            if not all(file.is_file() for file in files):
                return MISSING
            bodies = [file.read_bytes() for file in files]
            if [digest_of(body) for body in bodies] != [part.etag for part in call.parts]:
                return MISSING
            begun = json.loads((upload / "begun").read_text())
            self._put(begun["key"], begun["headers"], b"".join(bodies))
            shutil.rmtree(upload)
            return DONE

        return self._on_disk(do, _or_no_upload(Copied(call.version_id, None, call.upload_id, TIME)))

    def abort_upload(self, call: AbortUpload) -> CallStep:
        def do() -> Response:
            if not self._upload(call.upload_id).is_dir():
                return MISSING
            shutil.rmtree(self._upload(call.upload_id))
            return DONE

        return self._on_disk(do, _or_no_upload(Removed()))

    def probe(self, key: str, ask: Ask) -> list[Try]:
        def do() -> Response:
            return DONE if self._file(key).exists() else self._put(key, {}, b"a probe")

        reply = ask(self._on_disk(do, lambda _: Written()))
        return [Try("put", Verdict.ALLOWED if reply == Written() else Verdict.UNKNOWN)]

    def arrived(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        """What the recipient finds."""
        if not self._file(key).exists():
            return None
        headers, _, body = self._file(key).read_bytes().partition(b"\n")
        return body, json.loads(headers)

    def _on_disk(self, do: Callable[[], Response], read: Callable[[Response], StoreAnswer]) -> Operation[StoreAnswer]:
        return Operation(DiskRequest(do), read, ONCE, sender=self.disk)

    def _put(self, key: str, headers: Mapping[str, str], body: bytes) -> Response:
        self.folder.mkdir(exist_ok=True)
        new = self.folder / f".new-{uuid.uuid4().hex}"
        new.write_bytes(json.dumps(dict(headers)).encode() + b"\n" + body)
        new.replace(self._file(key))
        return DONE

    def _file(self, key: str) -> Path:
        return self.folder / quote(key, safe="")

    @property
    def _uploads(self) -> Path:
        return self.folder / ".uploads"

    def _upload(self, upload_id: str) -> Path:
        return self._uploads / upload_id


def _or_no_upload(answer: StoreAnswer) -> Callable[[Response], StoreAnswer]:
    return lambda response: answer if response.status == 200 else NoUpload()
