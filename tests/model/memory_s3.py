"""S3 in memory, as far as the mover uses it: a value that calls turn into another value.

In: a Memory (frozen, hashable: a search can keep millions) and a call. Out: the Memory after it and the answer. What it
restates of S3, with the source of each rule, is held against an S3 interface by tests/conformance:

- Every read and listing sees every write that was answered before it.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
- A hub key has versions, and a delete without a version id puts a marker on top; the versions stay.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
- A copy without a version id reads the current version: 404 under a marker, 412 if its ETag is not the one named. It is
  not atomic: S3 reads, and writes a moment later. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
- A copy of a version id reads that version, also below a marker.
- A conditional delete looks at the current version alone: 404 if there is none or a marker is on top, 412 if its ETag
  is another. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
- Without leave to list the bucket, 403 stands for 404. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
- While versioning is not on, every upload has the version id `null` and takes the place of the one before it, and a
  delete removes it for good; versions that have an id stay. Once versioning is on, `null` is a version like others.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersioningWorkflows.html
- While versioning is suspended, the marker of a delete has the version id `null`. Asked for by its id, a marker says
  that it is one, with or without leave to list. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
- A plain bucket (the recipient's, here) keeps only the last write.
- An upload in parts shows nothing until it is completed; then its parts are the file, in their order. Completed or
  aborted it is gone, parts and all. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
- A recipient that is no S3 keeps parts until something is written under their name; what it was made of once it can be
  made of again. `tests/conformance/azure_memory` does so, too.
- The ETag of what was uploaded in parts is the digest of their digests, and how many they were.
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import gzip
import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

from data_exports.contract.causes import Cause
from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.hub_version import NULL, HubVersion
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Attributes,
    Call,
    Checkpoint,
    Checkpoints,
    CompleteUpload,
    Copied,
    CopiedPart,
    Copy,
    CopyPart,
    CopyVersion,
    Current,
    Failed,
    FindUploads,
    Forbidden,
    Gone,
    HeadObject,
    LargeCall,
    ListVersions,
    NoUpload,
    Overtaken,
    PutReceipts,
    ReadAttributes,
    ReadCheckpoints,
    ReadVersioning,
    RemoveCheckpoint,
    Removed,
    Reply,
    Request,
    Retire,
    RetireAll,
    Retired,
    RetiredAll,
    SaveCheckpoint,
    Started,
    StartUpload,
    StoreAnswer,
    Uploads,
    Versioning,
    Versions,
    Written,
)

HUB, TARGET, LOG = "hub", "target", "log"
ELSEWHERE = "begun-elsewhere"
"""The id of an upload in parts of another destination: nothing that is asked of it here makes sense."""
ANY = "*"  # an ETag condition that every current version meets
TIME = "2026-11-02T10:00:00.000Z"
ON, SUSPENDED, NEVER_ON = "Enabled", "Suspended", ""


@cache
def etag_of(body: bytes) -> str:
    """The ETag of an object put in one piece and not encrypted with KMS is its MD5."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


class Stored(NamedTuple):
    """One version of a key."""

    version_id: str
    body: bytes
    attributes: tuple[tuple[str, str], ...] = ()  # content type, metadata, tags: a copy carries them all
    at: str = TIME

    @property
    def etag(self) -> str:
        return etag_of(self.body)


class Key(NamedTuple):
    """The versions of one key, oldest first, whether a delete marker is on top, and whether `null` is a marker.

    Other markers below the top concern nobody.
    """

    versions: tuple[Stored, ...] = ()
    hidden: bool = False
    null_is_marker: bool = False

    @property
    def current(self) -> Stored | None:
        return self.versions[-1] if self.versions and not self.hidden else None


class InParts(NamedTuple):
    """An upload in parts at the recipient."""

    key: str
    attributes: tuple[tuple[str, str], ...]
    parts: tuple[tuple[int, bytes], ...] = ()


class Memory(NamedTuple):
    """The three buckets, each as sorted (key, content) pairs; the hub keeps versions."""

    hub: tuple[tuple[str, Key], ...] = ()
    target: tuple[tuple[str, Stored], ...] = ()
    log: tuple[tuple[str, bytes], ...] = ()
    uploads: int = 0
    in_parts: tuple[tuple[str, InParts], ...] = ()
    begun: int = 0
    completed: tuple[tuple[str, None], ...] | None = ()  # None: S3 does not remember them
    checkpoints: tuple[tuple[str, Checkpoint], ...] = ()  # by upload id
    versioning: str = ON  # of the hub
    writes: int = -1  # to a recipient that does not copy by itself, whether they are odd; -1: it is S3
    committed: str = ""  # of whose parts its file is made

    def written(self, upload_id: str = "") -> "Memory":
        """A recipient that is no S3 marks each write; parts that are not listed vanish with each of them."""
        return self if self.writes < 0 else self._replace(writes=1 - self.writes, in_parts=(), committed=upload_id)

    def hub_key(self, key: str) -> Key:
        return dict(self.hub).get(key, Key())

    def delivered(self, key: str) -> Stored | None:
        return dict(self.target).get(key)

    def receipts(self) -> list[dict[str, Any]]:
        return [json.loads(line) for _, body in self.log for line in gzip.decompress(body).splitlines()]

    def with_hub_key(self, key: str, content: Key) -> "Memory":
        return self._replace(hub=_with(self.hub, key, content))

    def upload(
        self, key: str, body: bytes, attributes: tuple[tuple[str, str], ...] = (), *, at: str = TIME
    ) -> "Memory":
        kept = self.hub_key(key).versions if self.versioning == ON else self._versions_with_ids(key)
        version_id = f"v{self.uploads + 1}" if self.versioning == ON else NULL
        null_is_marker = self.versioning == ON and self.hub_key(key).null_is_marker
        stored = Stored(version_id, body, attributes, at)
        after = self.with_hub_key(key, Key((*kept, stored), null_is_marker=null_is_marker))
        return after._replace(uploads=self.uploads + 1)

    def delete(self, key: str) -> "Memory":
        """A plain delete: a marker, also on nothing; unless versioning is on, what has no id of its own is lost."""
        kept = self.hub_key(key).versions if self.versioning == ON else self._versions_with_ids(key)
        null_is_marker = self.versioning == SUSPENDED or (self.versioning == ON and self.hub_key(key).null_is_marker)
        return self.with_hub_key(key, Key(kept, self.versioning != NEVER_ON, null_is_marker))

    def toggle(self) -> "Memory":
        """Turn versioning on, or suspend it."""
        return self._replace(versioning=SUSPENDED if self.versioning == ON else ON)

    def _versions_with_ids(self, key: str) -> tuple[Stored, ...]:
        return tuple(stored for stored in self.hub_key(key).versions if stored.version_id != NULL)

    def remove_versions(self, key: str) -> "Memory":
        return self.with_hub_key(key, Key())


def _with(pairs: tuple[tuple[str, Any], ...], key: str, value: object) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted({**dict(pairs), key: value}.items()))


def read_for_copy(memory: Memory, call: Copy | CopyVersion) -> Stored | Reply:
    """The first half of a copy: what S3 reads, or why it does not."""
    match call:
        case CopyVersion(key, version_id, etag):
            found = _version(memory, key, version_id)
        case Copy(key, etag):
            found = memory.hub_key(key).current
    if found is None:
        return Gone()
    return found if etag in (None, found.etag, ANY) else Overtaken()


def write_copy(memory: Memory, key: str, read: Stored) -> tuple[Memory, Copied]:
    """The second half of a copy: what was read is at the recipient, whatever has happened in the meantime."""
    after = memory._replace(target=_with(memory.target, key, read)).written()
    return after, Copied(read.version_id, None, read.etag, TIME)


def answer(memory: Memory, call: Call) -> tuple[Memory, StoreAnswer]:
    """Carry out one call at one moment."""
    match call:
        case Copy() | CopyVersion():
            read = read_for_copy(memory, call)
            return write_copy(memory, call.key, read) if isinstance(read, Stored) else (memory, read)
        case HeadObject(key, version_id):
            found = memory.hub_key(key).current if version_id is None else _version(memory, key, version_id)
            if found is None:
                return memory, Gone()
            return memory, Current(NULL, found.etag, found.at) if found.version_id == NULL else Current(
                found.version_id
            )
        case ReadVersioning():
            return memory, Versioning(is_on=memory.versioning == ON)
        case ListVersions(key):
            return memory, _versions(memory.hub_key(key))
        case Retire():
            return _retire(memory, call)
        case RetireAll(retires):
            assert len({retire.key for retire in retires}) == len(retires) <= 1000
            replies: list[Reply] = []
            for retire in retires:
                memory, reply = _retire(memory, retire)
                replies.append(reply)
            return memory, RetiredAll(tuple(replies))
        case PutReceipts(key, body):
            return memory._replace(log=_with(memory.log, key, body)), Written()
        case _:
            return _answer_large(memory, call)


def _answer_large(memory: Memory, call: LargeCall) -> tuple[Memory, StoreAnswer]:
    checkpoints = memory.checkpoints
    match call:
        case ReadCheckpoints(key, version_id):
            found = tuple(c for _, c in checkpoints if (c.key, c.version_id) == (key, version_id))
            return memory, Checkpoints(found)
        case SaveCheckpoint(checkpoint):
            return memory._replace(checkpoints=_with(checkpoints, checkpoint.upload_id, checkpoint)), Written()
        case RemoveCheckpoint(checkpoint):
            return memory._replace(checkpoints=_without(checkpoints, checkpoint.upload_id)), Removed()
        case ReadAttributes(key, version_id):
            version = _version(memory, key, version_id)
            return memory, Attributes(version.attributes) if version else Gone()
        case _:
            return _answer_upload(memory, call)


def _answer_upload(memory: Memory, call: LargeCall) -> tuple[Memory, StoreAnswer]:
    match call:
        case CopyPart(upload_id=name) | CompleteUpload(upload_id=name) | AbortUpload(upload_id=name) if (
            name == ELSEWHERE
        ):
            return memory, Failed("an upload that was not begun here", Cause.UNREADABLE)
        case StartUpload(key, Attributes(attributes)):
            name = f"u{memory.begun + 1}"
            in_parts = _with(memory.in_parts, name, InParts(key, attributes))
            return memory._replace(in_parts=in_parts, begun=memory.begun + 1), Started(name)
        case FindUploads() | AbortUpload() if memory.writes >= 0:
            return memory, Removed() if isinstance(call, AbortUpload) else Uploads(())
        case FindUploads(key):
            return memory, Uploads(tuple(name for name, upload in memory.in_parts if upload.key == key))
        case CopyPart():
            return _copy_part(memory, call)
        case CompleteUpload():
            return _complete(memory, call)
        case AbortUpload(_, upload_id):
            if upload_id not in dict(memory.in_parts):
                return memory, NoUpload()
            return memory._replace(in_parts=_without(memory.in_parts, upload_id)), Removed()
        case _:
            raise AssertionError(call)


def _copy_part(memory: Memory, call: CopyPart) -> tuple[Memory, Reply]:
    version, upload = _version(memory, call.key, call.version_id), dict(memory.in_parts).get(call.upload_id)
    if version is None:
        return memory, Gone()
    if call.etag not in (None, version.etag):
        return memory, Overtaken()
    if upload is None:
        return memory, NoUpload()
    body = version.body[call.part.first_byte : call.part.last_byte + 1]
    if len(body) != call.part.last_byte - call.part.first_byte + 1:
        return memory, Failed("the range is not valid for the source (InvalidArgument)", Cause.UPLOAD_NOT_ACCEPTED)
    parts = tuple(sorted({**dict(upload.parts), call.part.number: body}.items()))
    in_parts = _with(memory.in_parts, call.upload_id, upload._replace(parts=parts))
    return memory._replace(in_parts=in_parts), CopiedPart(call.part.number, etag_of(body))


def _complete(memory: Memory, call: CompleteUpload) -> tuple[Memory, Reply]:
    upload = dict(memory.in_parts).get(call.upload_id)
    if upload is None:
        if memory.writes >= 0 and call.upload_id == memory.committed:
            return memory.written(call.upload_id), Copied(call.version_id, None, "as before", TIME)
        if memory.completed is not None and call.upload_id in dict(memory.completed):
            return memory, Copied(call.version_id, None, "as before", TIME)
        return memory, NoUpload()
    parts = dict(upload.parts)
    if [part.etag for part in call.parts] != [etag_of(parts.get(part.number, b"none")) for part in call.parts]:
        return memory, NoUpload()
    body = b"".join(parts[part.number] for part in call.parts)
    etag = f"{etag_of(b''.join(bytes.fromhex(part.etag) for part in call.parts))}-{len(call.parts)}"
    completed = memory.completed if memory.completed is None else _with(memory.completed, call.upload_id, None)
    after = memory._replace(
        target=_with(memory.target, call.key, Stored(call.version_id, body, upload.attributes)),
        in_parts=_without(memory.in_parts, call.upload_id),
        completed=completed,
    )
    return after.written(call.upload_id), Copied(call.version_id, None, etag, TIME)


def _version(memory: Memory, key: str, version_id: str) -> Stored | None:
    return next((stored for stored in memory.hub_key(key).versions if stored.version_id == version_id), None)


def _without(pairs: tuple[tuple[str, Any], ...], key: str) -> tuple[tuple[str, Any], ...]:
    return tuple(pair for pair in pairs if pair[0] != key)


def _retire(memory: Memory, call: Retire) -> tuple[Memory, Reply]:
    current = memory.hub_key(call.key).current
    if current is None:
        return memory, Gone()
    if call.etag not in (current.etag, ANY):
        return memory, Overtaken()
    return memory.delete(call.key), Retired()


def _versions(content: Key) -> Versions:
    if not content.versions:
        return Versions(None, current=False)
    newest = content.versions[-1]
    version = HubVersion(newest.version_id, newest.etag, len(newest.body), newest.at)
    return Versions(version, current=content.current is not None)


@dataclass
class MemoryStore:
    """An ObjectStore over a Memory that answers at once. It remembers every call, and refuses where it is told to."""

    memory: Memory = field(default_factory=Memory)
    capabilities: Capabilities = CAPABILITIES
    calls: list[Call] = field(default_factory=list)
    refusals: dict[type[Call], Reply] = field(default_factory=dict)
    may_list: bool = True  # without it, S3 answers 403 where it would answer 404
    _answers: list[tuple[int, StoreAnswer]] = field(default_factory=list)

    def send(self, call: Call, tag: int) -> None:
        self.calls.append(call)
        reply = self.refusals.get(type(call))
        if reply is None:
            self.memory, result = answer(self.memory, call)
        else:
            result = reply
        may_be_told = self.may_list or names_a_marker(self.memory, call)
        self._answers.append((tag, result if may_be_told else _without_leave_to_list(result)))

    def wait(self) -> tuple[int, StoreAnswer]:
        return self._answers.pop(0)

    def asked(self, *kinds: type[Call]) -> list[Call]:
        return [call for call in self.calls if isinstance(call, kinds)]


def names_a_marker(memory: Memory, request: Request | Call) -> bool:
    """Tell whether a delete marker is asked for by its id, which is answered without leave to list, too."""
    match request:
        case HeadObject(key, version_id) | ReadAttributes(key, version_id):
            return version_id == NULL and memory.hub_key(key).null_is_marker
        case _:
            return False


def _without_leave_to_list(reply: StoreAnswer) -> StoreAnswer:
    match reply:
        case Gone():
            return Forbidden("AccessDenied")
        case RetiredAll(replies):
            return replace(reply, replies=tuple(Forbidden("AccessDenied") if r == Gone() else r for r in replies))
        case _:
            return reply
