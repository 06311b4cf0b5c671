"""Google Cloud Storage by its XML API: objects written whole or in parts, by who may; read and deleted by their owner.

In: requests, path style. Out: answers. Effects: contents on disk.
https://cloud.google.com/storage/docs/xml-api/put-object-upload, post-object-multipart, put-object-multipart,
post-object-complete, delete-multipart, get-object-download; https://cloud.google.com/storage/docs/access-control/iam-xml
"""

import base64
import hashlib
import itertools
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from data_exports.local.clouds.bearers import OWNERS_SIDE, Bearers, CloudBearer
from data_exports.local.clouds.conditions import object_prefix_of
from data_exports.local.clouds.contents import Contents, Piece, Pieces, total_bytes
from data_exports.local.clouds.declared import CloudBucket, Declared
from data_exports.local.clouds.exchange import CloudAnswer, CloudRefusedError, CloudRequest
from data_exports.operate.crc import crc32c

_WRITING = {
    f"https://www.googleapis.com/auth/{scope}"
    for scope in ("devstorage.read_write", "devstorage.full_control", "cloud-platform")
}
"""https://cloud.google.com/storage/docs/oauth-scopes"""
_CREATE, _DELETE, _GET = "storage.objects.create", "storage.objects.delete", "storage.objects.get"
_PARTS, _ABORT = "storage.multipartUploads.create", "storage.multipartUploads.abort"
_SMALLEST_PART_BYTES = 5 * 1024 * 1024
_MOST_PARTS = 10_000
_MOST_NAME_BYTES = 1024
_MOST_METADATA_BYTES = 8 * 1024
"""https://cloud.google.com/storage/quotas"""
_DESCRIBING = ("content-type", "content-encoding", "content-language", "content-disposition", "cache-control")
_META = "x-goog-meta-"
_MATCH = "x-goog-if-generation-match"


@dataclass(frozen=True)
class _Object:
    pieces: Pieces
    crc32c: int
    md5: bytes | None
    described: Mapping[str, str]
    generation: int
    changed: float = field(default_factory=time.time)

    @property
    def headers(self) -> dict[str, str]:
        tag = self.md5.hex() if self.md5 else f"-{self.generation:x}"
        return {
            "ETag": f'"{tag}"',
            "x-goog-hash": _hashes(self.crc32c, self.md5),
            "x-goog-generation": str(self.generation),
            "x-goog-metageneration": "1",
            "x-goog-stored-content-length": str(total_bytes(self.pieces)),
        }


@dataclass(frozen=True)
class _Part:
    piece: Piece
    crc32c: int


@dataclass
class _Upload:
    key: tuple[str, str]
    described: Mapping[str, str]
    parts: dict[int, _Part] = field(default_factory=dict)


@dataclass(frozen=True)
class _Asked:
    """A request that may be carried out, but for what is there already. `part`: its body, if it is an object's."""

    bearer: CloudBearer
    bucket: CloudBucket
    name: str
    request: CloudRequest
    part: _Part | None

    @property
    def key(self) -> tuple[str, str]:
        return self.bucket.bucket, self.name


class ObjectStorage:
    """The service, of all buckets."""

    name = "objects"

    def __init__(self, declared: Declared, bearers: Bearers, contents: Contents) -> None:
        self._declared, self._bearers, self._contents = declared, bearers, contents
        self._objects: dict[tuple[str, str], _Object] = {}
        self._uploads: dict[str, _Upload] = {}
        self._generations = itertools.count(int(time.time() * 1_000_000))
        self._lock = threading.RLock()
        self._calls: Mapping[tuple[str, ...], tuple[Sequence[str], Callable[[_Asked], CloudAnswer]]] = {
            ("PUT",): ([_CREATE], self._put),
            ("GET",): ([_GET], self._got),
            ("HEAD",): ([_GET], self._got),
            ("DELETE",): ([_DELETE], self._deleted),
            ("POST", "uploads"): ([_PARTS, _CREATE], self._begun),
            ("PUT", "uploadId", "partNumber"): ([_PARTS, _CREATE], self._put_part),
            ("POST", "uploadId"): ([_PARTS, _CREATE], self._completed),
            ("DELETE", "uploadId"): ([_ABORT], self._aborted),
        }

    def held(self) -> dict[str, list[str]]:
        """What there is, by bucket."""
        with self._lock:
            return _by_bucket(self._objects)

    def unfinished(self) -> dict[str, list[str]]:
        """Whatever has parts that were neither completed nor aborted, by bucket."""
        with self._lock:
            return _by_bucket({upload.key for upload in self._uploads.values() if upload.parts})

    def refusal(self, status: int, code: str, words: str, headers: Mapping[str, str]) -> CloudAnswer:
        """https://cloud.google.com/storage/docs/xml-api/reference-status."""
        told = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code>"
        told += f"<Message>{escape(words)}</Message></Error>"
        return CloudAnswer(status, {"Content-Type": "application/xml; charset=UTF-8", **headers}, (told.encode(),))

    def _refused(self, status: int, code: str, words: str) -> CloudRefusedError:
        return CloudRefusedError(self.refusal(status, code, words, {}))

    def serve(self, request: CloudRequest) -> CloudAnswer:
        """Carry it out, or say why not."""
        try:
            answer = self._served(request)
        except CloudRefusedError as error:
            answer = error.answer
        common = {"X-GUploader-UploadID": uuid.uuid4().hex}
        return CloudAnswer(answer.status, {**common, **answer.headers}, answer.body, answer.size_bytes)

    def _served(self, request: CloudRequest) -> CloudAnswer:
        named = re.fullmatch(r"/(?P<bucket>[^/]+)(/(?P<name>.*))?", request.path)
        bucket, name = (named["bucket"], unquote(named["name"] or "")) if named else ("", "")
        query = request.query
        call = (request.method, *(part for part in ("uploads", "uploadId", "partNumber") if part in query))
        bearer = self._bearer(request)
        found = self._declared.find(CloudBucket, bucket)
        if found is None:
            raise self._refused(404, "NoSuchBucket", "The specified bucket does not exist.")
        self._check_name(name)
        if call not in self._calls:
            raise self._refused(501, "NotImplemented", f"The local Google knows no {' '.join(call)}")
        # Hashes of large bodies take their time: nobody else waits for them.
        part = self._kept(request) if request.method == "PUT" else None
        permissions, carry_out = self._calls[call]
        with self._lock:
            self._check_allowed(bearer, found, name, *permissions)
            return carry_out(_Asked(bearer, found, name, request, part))

    def _bearer(self, request: CloudRequest) -> CloudBearer:
        bearer = self._bearers.bearer_of(request.headers)
        if bearer is None:
            raise self._refused(401, "AuthenticationRequired", "Authentication required.")
        if bearer.principal != OWNERS_SIDE and not bearer.scopes & _WRITING:
            raise self._refused(403, "AccessDenied", "Provided scope(s) are not authorized")
        return bearer

    def _check_allowed(self, bearer: CloudBearer, bucket: CloudBucket, name: str, *permissions: str) -> None:
        """https://cloud.google.com/storage/docs/access-control/iam-xml."""
        for permission in permissions:
            if bearer.principal != OWNERS_SIDE and not any(
                permission in each.permissions
                and each.member == bearer.principal
                and _lets(each.condition, bucket, name)
                for each in bucket.bindings
            ):
                words = f"{bearer.principal} does not have {permission} access to the Google Cloud Storage object."
                raise self._refused(403, "AccessDenied", f"Access denied. {words}")

    def _check_name(self, name: str) -> None:
        """https://cloud.google.com/storage/docs/objects#naming."""
        if not 0 < len(name.encode()) <= _MOST_NAME_BYTES or name in (".", "..") or set(name) & {"\r", "\n"}:
            raise self._refused(400, "InvalidObjectName", "The specified object name is not valid.")

    def _kept(self, request: CloudRequest) -> _Part:
        """The body, if it is the one whose hashes were sent."""
        given = dict(each.partition("=")[::2] for each in request.headers.get("x-goog-hash", "").split(",") if each)
        md5 = request.headers.get("content-md5") or given.get("md5")
        computed = _in_base64(hashlib.md5(request.body, usedforsecurity=False).digest())
        if md5 is not None and md5 != computed:
            raise self._refused(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        checksum = crc32c(request.body).value
        if given.get("crc32c", _in_base64(checksum.to_bytes(4, "big"))) != _in_base64(checksum.to_bytes(4, "big")):
            raise self._refused(400, "BadDigest", "The CRC32C you specified did not match what we received.")
        return _Part(self._contents.keep(request.body), checksum)

    def _check_replaceable(self, asked: _Asked) -> None:
        """What is there may be taken away, if something is."""
        if asked.key in self._objects:
            self._check_allowed(asked.bearer, asked.bucket, asked.name, _DELETE)
            if asked.bucket.retained:
                words = "Object is subject to the bucket's retention policy and cannot be deleted or overwritten."
                raise self._refused(403, "RetentionPolicyNotMet", words)

    def _put(self, asked: _Asked) -> CloudAnswer:
        found, wanted = self._objects.get(asked.key), asked.request.headers.get(_MATCH)
        if wanted is not None and wanted != str(found.generation if found else 0):
            words = "At least one of the pre-conditions you specified did not hold."
            raise self._refused(412, "PreconditionFailed", words)
        self._check_replaceable(asked)
        assert asked.part is not None  # it is a PUT
        piece, described = asked.part.piece, self._described(asked.request.headers)
        made = _Object((piece,), asked.part.crc32c, piece.md5, described, next(self._generations))
        self._objects[asked.key] = made
        return CloudAnswer(200, made.headers)

    def _described(self, headers: Mapping[str, str]) -> dict[str, str]:
        metadata = {name: value for name, value in headers.items() if name.startswith(_META)}
        if sum(len(name.removeprefix(_META)) + len(value) for name, value in metadata.items()) > _MOST_METADATA_BYTES:
            raise self._refused(
                400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size."
            )
        return {name: headers[name] for name in _DESCRIBING if headers.get(name)} | metadata

    def _begun(self, asked: _Asked) -> CloudAnswer:
        if any(header.startswith("x-goog-if-") for header in asked.request.headers):
            # https://cloud.google.com/storage/docs/multipart-uploads#considerations
            raise self._refused(501, "NotImplemented", "Preconditions are not supported by uploads in parts")
        upload_id = secrets.token_urlsafe(40)
        self._uploads[upload_id] = _Upload(asked.key, self._described(asked.request.headers))
        told = f"<Bucket>{asked.bucket.bucket}</Bucket><Key>{escape(asked.name)}</Key><UploadId>{upload_id}</UploadId>"
        return _xml("InitiateMultipartUploadResult", told)

    def _upload(self, asked: _Asked) -> _Upload:
        upload = self._uploads.get(asked.request.query["uploadId"])
        if upload is None or upload.key != asked.key:
            raise self._refused(404, "NoSuchUpload", "The requested upload was not found.")
        return upload

    def _put_part(self, asked: _Asked) -> CloudAnswer:
        number = asked.request.query["partNumber"]
        if not number.isdecimal() or not 1 <= int(number) <= _MOST_PARTS:
            raise self._refused(400, "InvalidArgument", "Part number must be an integer between 1 and 10000.")
        assert asked.part is not None  # it is a PUT
        self._upload(asked).parts[int(number)] = asked.part
        md5 = asked.part.piece.md5
        return CloudAnswer(200, {"ETag": f'"{md5.hex()}"', "x-goog-hash": _hashes(asked.part.crc32c, md5)})

    def _completed(self, asked: _Asked) -> CloudAnswer:
        upload = self._upload(asked)
        whole = self._parts_in(asked.request.body, upload)
        self._check_replaceable(asked)
        pieces, checksum = tuple(part.piece for part in whole), crc32c()
        for piece in pieces:  # of the bytes themselves: the mover puts it together of the parts' checksums
            checksum.update(piece.read())
        made = _Object(pieces, checksum.value, None, upload.described, next(self._generations))
        self._objects[asked.key] = made
        del self._uploads[asked.request.query["uploadId"]]
        told = f"<Bucket>{asked.bucket.bucket}</Bucket><Key>{escape(asked.name)}</Key>"
        told += f"<ETag>{escape(made.headers['ETag'])}</ETag>"
        return _xml("CompleteMultipartUploadResult", told, made.headers)

    def _parts_in(self, listing: bytes, upload: _Upload) -> Sequence[_Part]:
        """The parts that a request to complete an upload lists; raises `CloudRefusedError`."""
        try:
            listed = [
                (int(each.findtext("{*}PartNumber") or ""), (each.findtext("{*}ETag") or "").strip('"'))
                for each in ElementTree.fromstring(listing)  # noqa: S314 - of our own mover's
            ]
        except (ElementTree.ParseError, ValueError):
            raise self._refused(400, "MalformedXML", "The XML you provided was not well-formed.") from None
        whole = [part for number, tag in listed if (part := upload.parts.get(number)) and part.piece.md5.hex() == tag]
        if not whole or len(whole) != len(listed):
            raise self._refused(400, "InvalidPart", "One or more of the specified parts could not be found.")
        if [number for number, _ in listed] != sorted({number for number, _ in listed}):
            raise self._refused(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        if any(part.piece.size_bytes < _SMALLEST_PART_BYTES for part in whole[:-1]):
            raise self._refused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed part.")
        return whole

    def _aborted(self, asked: _Asked) -> CloudAnswer:
        self._upload(asked)
        del self._uploads[asked.request.query["uploadId"]]
        return CloudAnswer(204)

    def _got(self, asked: _Asked) -> CloudAnswer:
        found = self._objects.get(asked.key)
        if found is None:
            raise self._refused(404, "NoSuchKey", "The specified key does not exist.")
        headers = {**found.headers, **found.described, "Last-Modified": formatdate(found.changed, usegmt=True)}
        return CloudAnswer(200, headers, tuple(piece.read() for piece in found.pieces), total_bytes(found.pieces))

    def _deleted(self, asked: _Asked) -> CloudAnswer:
        self._got(asked)
        del self._objects[asked.key]
        return CloudAnswer(204)


def _by_bucket(keys: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for bucket, name in sorted(keys):
        found.setdefault(bucket, []).append(name)
    return found


def _lets(condition: str, bucket: CloudBucket, name: str) -> bool:
    held = object_prefix_of(condition)
    return held is None or (held[0] == bucket.bucket and name.startswith(held[1]))


def _hashes(checksum: int, md5: bytes | None) -> str:
    """https://cloud.google.com/storage/docs/xml-api/reference-headers#xgooghash."""
    told = f"crc32c={_in_base64(checksum.to_bytes(4, 'big'))}"
    return f"{told},md5={_in_base64(md5)}" if md5 else told


def _in_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _xml(root: str, told: str, headers: Mapping[str, str] | None = None) -> CloudAnswer:
    document = (
        f"<?xml version='1.0' encoding='UTF-8'?><{root} xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>{told}</{root}>"
    )
    return CloudAnswer(200, {"Content-Type": "application/xml; charset=UTF-8", **(headers or {})}, (document.encode(),))
