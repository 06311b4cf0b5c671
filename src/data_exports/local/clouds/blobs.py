"""Azure Blob Storage: block blobs written whole or in blocks, by who may; read and deleted by their owner.

In: requests, path style. Out: answers. Effects: contents on disk. https://learn.microsoft.com/rest/api/storageservices/
put-blob, put-block, put-block-list, get-blob, delete-blob, specifying-conditional-headers-for-blob-service-operations,
blob-service-error-codes
"""

import base64
import binascii
import hashlib
import itertools
import re
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from data_exports.local.clouds.bearers import OWNERS_SIDE, Bearers, CloudBearer
from data_exports.local.clouds.conditions import blob_condition_of
from data_exports.local.clouds.contents import Contents, Piece, Pieces, total_bytes
from data_exports.local.clouds.declared import BlobContainer, Declared
from data_exports.local.clouds.entra import AZURE_STORAGE
from data_exports.local.clouds.exchange import CloudAnswer, CloudRefusedError, CloudRequest

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
WRITE, ADD, READ, DELETE = (f"{_BLOBS}/{action}" for action in ("write", "add/action", "read", "delete"))
_MOST_BLOCKS = 50_000
_MOST_BLOCK_ID_BYTES = 64
_MOST_NAME_CHARACTERS = 1024
_MOST_METADATA_BYTES = 8 * 1024
_OLDEST_VERSION = "2017-11-09"
"""With which a bearer is taken.
https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory"""
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata"""
_DESCRIBING = ("content-type", "content-encoding", "content-language", "content-disposition", "cache-control")
_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
_META = "x-ms-meta-"


@dataclass(frozen=True)
class _Blob:
    pieces: Pieces
    described: Mapping[str, str]
    etag: str
    changed: int
    """Seconds: what `Last-Modified` can tell."""
    blocks: Mapping[str, Piece] = field(default_factory=dict)
    """Those that it is made of, by id."""

    @property
    def headers(self) -> dict[str, str]:
        return {"ETag": self.etag, "Last-Modified": formatdate(self.changed, usegmt=True)}


@dataclass
class _Stored:
    """What a container holds; `blocks`: those that no list has named yet, by blob and id."""

    blobs: dict[str, _Blob] = field(default_factory=dict)
    blocks: dict[str, dict[str, Piece]] = field(default_factory=dict)


class BlobStorage:
    """The service, of all accounts."""

    name = "blobs"

    def __init__(self, declared: Declared, bearers: Bearers, contents: Contents) -> None:
        self._declared, self._bearers, self._contents = declared, bearers, contents
        self._stored: dict[tuple[str, ...], _Stored] = {}
        self._lock = threading.RLock()
        self._etags = itertools.count(0x1000)

    def held(self) -> dict[str, list[str]]:
        """What there is, by ``ACCOUNT/CONTAINER``."""
        with self._lock:
            return {"/".join(place): sorted(stored.blobs) for place, stored in self._stored.items()}

    def refusal(self, status: int, code: str, words: str, headers: Mapping[str, str]) -> CloudAnswer:
        """https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2."""
        told = f'\N{BYTE ORDER MARK}<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code>'
        body = f"{told}<Message>{escape(words)}\nRequestId:{uuid.uuid4()}</Message></Error>".encode()
        return CloudAnswer(status, {"Content-Type": "application/xml", "x-ms-error-code": code, **headers}, (body,))

    def serve(self, request: CloudRequest) -> CloudAnswer:
        """Carry it out, or say why not."""
        common = {
            "x-ms-request-id": str(uuid.uuid4()),
            "x-ms-version": request.headers.get("x-ms-version", _OLDEST_VERSION),
        }
        try:
            answer = self._served(request)
        except CloudRefusedError as error:
            answer = error.answer
        return CloudAnswer(answer.status, {**common, **answer.headers}, answer.body, answer.size_bytes)

    def _refused(self, status: int, code: str, words: str, **headers: str) -> CloudRefusedError:
        return CloudRefusedError(
            self.refusal(status, code, words, {k.replace("_", "-"): v for k, v in headers.items()})
        )

    def _served(self, request: CloudRequest) -> CloudAnswer:
        named = re.fullmatch(r"/(?P<account>[^/]+)/(?P<container>[^/]+)/(?P<blob>.+)", request.path)
        if named is None:
            raise self._refused(501, "NotImplemented", "The local Azure knows blobs alone: /ACCOUNT/CONTAINER/BLOB")
        container = self._declared.find(BlobContainer, named["account"], named["container"])
        blob, call = unquote(named["blob"]), (request.method, request.query.get("comp", ""))
        bearer = self._bearer(request, container)
        with self._lock:
            stored = self._stored.setdefault((named["account"], named["container"]), _Stored())
            action = WRITE if blob in stored.blobs or call[1] else ADD
            action = {"GET": READ, "HEAD": READ, "DELETE": DELETE}.get(request.method, action)
            self._check_allowed(bearer, container, action, blob)
            self._check_name(blob)
            match call:
                case ("PUT", ""):
                    return self._put_blob(container, stored, blob, request)
                case ("PUT", "block"):
                    return self._put_block(stored, blob, request)
                case ("PUT", "blocklist"):
                    return self._put_block_list(container, stored, blob, request)
                case ("GET" | "HEAD", ""):
                    return self._get(stored, blob)
                case ("DELETE", ""):
                    self._found(stored, blob)
                    del stored.blobs[blob]
                    return CloudAnswer(202)
        raise self._refused(501, "NotImplemented", f"The local Azure knows no {call[0]} of {call[1] or 'a blob'}")

    def _bearer(self, request: CloudRequest, container: BlobContainer | None) -> CloudBearer:
        """Who asks; raises `CloudRefusedError` for nobody, or who comes from another tenant."""
        challenge = (
            f"Bearer authorization_uri=https://login.microsoftonline.com/{container.tenant if container else ''}"
        )
        challenge += f" resource_id={AZURE_STORAGE}"
        if "authorization" not in request.headers:
            words = "Server failed to authenticate the request. Please refer to the information in the header."
            raise self._refused(401, "NoAuthenticationInformation", words, WWW_Authenticate=challenge)
        bearer = self._bearers.bearer_of(request.headers)
        known = bearer is not None and (bearer.principal == OWNERS_SIDE or AZURE_STORAGE in bearer.scopes)
        if bearer is None or not known:
            words = "Server failed to authenticate the request. Please refer to the information in the header."
            raise self._refused(401, "InvalidAuthenticationInfo", words, WWW_Authenticate=challenge)
        if request.headers.get("x-ms-version", "") < _OLDEST_VERSION:
            raise self._refused(
                400, "MissingRequiredHeader", "x-ms-version of 2017-11-09 or newer is needed for a bearer"
            )
        if container and bearer.principal != OWNERS_SIDE and not bearer.principal.startswith(f"{container.tenant}/"):
            words = "Issuer validation failed. Issuer did not match."
            raise self._refused(401, "InvalidAuthenticationInfo", words, WWW_Authenticate=challenge)
        return bearer

    def _check_allowed(self, bearer: CloudBearer, container: BlobContainer | None, action: str, blob: str) -> None:
        """https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#permissions-for-blob-service-operations."""
        if container and container.firewall and bearer.principal != OWNERS_SIDE:
            raise self._refused(
                403, "AuthorizationFailure", "This request is not authorized to perform this operation."
            )
        if bearer.principal != OWNERS_SIDE and not _may(bearer, container, action, blob):
            if action == WRITE and _may(bearer, container, ADD, blob):
                words = "This request is not authorized to perform blob overwrites."
                raise self._refused(403, "UnauthorizedBlobOverwrite", words)
            words = "This request is not authorized to perform this operation using this permission."
            raise self._refused(403, "AuthorizationPermissionMismatch", words)
        if container is None or not container.exists:
            raise self._refused(404, "ContainerNotFound", "The specified container does not exist.")

    def _check_name(self, blob: str) -> None:
        if len(blob) > _MOST_NAME_CHARACTERS:
            raise self._refused(400, "InvalidResourceName", "The specified resource name length is not within limits.")
        if blob.endswith((".", "/")):
            raise self._refused(400, "InvalidUri", "The requested URI does not represent any resource on the server.")

    def _put_blob(
        self, container: BlobContainer | None, stored: _Stored, blob: str, request: CloudRequest
    ) -> CloudAnswer:
        if request.headers.get("x-ms-blob-type") != "BlockBlob":
            raise self._refused(400, "InvalidHeaderValue", "The local Azure knows x-ms-blob-type: BlockBlob alone")
        self._check_conditions(stored.blobs.get(blob), request.headers)
        self._check_mutable(container, stored, blob)
        self._check_md5(request)
        piece = self._contents.keep(request.body)
        described = {"x-ms-blob-content-md5": base64.b64encode(piece.md5).decode(), **request.headers}
        return self._committed(stored, blob, (piece,), described)

    def _put_block(self, stored: _Stored, blob: str, request: CloudRequest) -> CloudAnswer:
        block_id = request.query.get("blockid", "")
        if not 0 < len(self._decoded(block_id)) <= _MOST_BLOCK_ID_BYTES:
            raise self._refused(400, "InvalidQueryParameterValue", "Value for blockid is not valid.")
        waiting = stored.blocks.setdefault(blob, {})
        if any(len(each) != len(block_id) for each in waiting):
            raise self._refused(400, "InvalidBlobOrBlock", "The specified blob or block content is invalid.")
        self._check_md5(request)
        waiting[block_id] = self._contents.keep(request.body)
        given = {"Content-MD5": request.headers["content-md5"]} if "content-md5" in request.headers else {}
        return CloudAnswer(201, {**given, "x-ms-request-server-encrypted": "true"})

    def _decoded(self, block_id: str) -> bytes:
        try:
            return base64.b64decode(block_id, validate=True)
        except binascii.Error:
            return b""

    def _put_block_list(
        self, container: BlobContainer | None, stored: _Stored, blob: str, request: CloudRequest
    ) -> CloudAnswer:
        self._check_conditions(stored.blobs.get(blob), request.headers)
        self._check_mutable(container, stored, blob)
        self._check_md5(request)
        try:
            listed = ElementTree.fromstring(request.body)  # noqa: S314 - of our own mover's
        except ElementTree.ParseError:
            raise self._refused(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") from None
        if any(each.tag not in ("Latest", "Uncommitted") for each in listed):
            raise self._refused(501, "NotImplemented", "The local Azure takes lists of Latest and Uncommitted alone")
        if len(listed) > _MOST_BLOCKS:
            raise self._refused(400, "BlockListTooLong", "The block list may not contain more than 50,000 blocks.")
        # The latest of an id: one that waits, or else one that the blob is made of already.
        there = stored.blobs[blob].blocks if blob in stored.blobs else {}
        known = {**there, **stored.blocks.get(blob, {})}
        blocks = {each.text or "": known.get(each.text or "") for each in listed}
        pieces = [blocks[each.text or ""] for each in listed]
        if None in pieces:
            raise self._refused(400, "InvalidBlockList", "The specified block list is invalid.")
        # What describes the blob comes in headers of its own: the others are of the list.
        renamed = {name: request.headers.get(f"x-ms-blob-{name}", "") for name in _DESCRIBING}
        described = {**request.headers, **renamed}
        made_of = {block_id: piece for block_id, piece in blocks.items() if piece}
        return self._committed(stored, blob, tuple(piece for piece in pieces if piece), described, made_of)

    def _committed(
        self,
        stored: _Stored,
        blob: str,
        pieces: Pieces,
        told: Mapping[str, str],
        blocks: Mapping[str, Piece] | None = None,
    ) -> CloudAnswer:
        described = {name: told.get(f"x-ms-blob-{name}") or told.get(name) or "" for name in _DESCRIBING}
        described = {name: value for name, value in described.items() if value}
        described["content-type"] = described.get("content-type", "application/octet-stream")
        described["content-md5"] = told.get("x-ms-blob-content-md5", "")
        metadata = {name: value for name, value in told.items() if name.startswith(_META)}
        self._check_metadata(metadata)
        etag = f'"0x8DE{next(self._etags):012X}"'
        headers = {**{k: v for k, v in described.items() if v}, **metadata}
        made = _Blob(pieces, headers, etag, int(time.time()), blocks or {})
        stored.blobs[blob] = made
        stored.blocks.pop(blob, None)
        md5 = {"Content-MD5": base64.b64encode(pieces[0].md5).decode()} if len(pieces) == 1 else {}
        return CloudAnswer(201, {**made.headers, **md5, "x-ms-request-server-encrypted": "true"})

    def _check_metadata(self, metadata: Mapping[str, str]) -> None:
        if not all(_IDENTIFIER.fullmatch(name.removeprefix(_META)) for name in metadata):
            raise self._refused(
                400, "InvalidMetadata", "The metadata specified is invalid. It has characters that are not."
            )
        if sum(len(name.removeprefix(_META)) + len(value) for name, value in metadata.items()) > _MOST_METADATA_BYTES:
            raise self._refused(400, "MetadataTooLarge", "The metadata specified exceeds the maximum size permitted.")

    def _check_conditions(self, found: _Blob | None, headers: Mapping[str, str]) -> None:
        """https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations."""
        given = {name: headers[name] for name in _CONDITIONS if name in headers}
        if len(given) > 1:
            words = "Multiple condition headers are not supported."
            raise self._refused(400, "MultipleConditionHeadersNotSupported", words)
        for name, value in given.items():
            if name == "if-none-match" and value == "*" and found:
                raise self._refused(409, "BlobAlreadyExists", "The specified blob already exists.")
            if not _is_met(name, value, found):
                words = "The condition specified using HTTP conditional header(s) is not met."
                raise self._refused(412, "ConditionNotMet", words)

    def _check_mutable(self, container: BlobContainer | None, stored: _Stored, blob: str) -> None:
        if container and container.immutable and blob in stored.blobs:
            words = "This operation is not permitted as the blob is immutable due to a policy."
            raise self._refused(409, "BlobImmutableDueToPolicy", words)

    def _check_md5(self, request: CloudRequest) -> None:
        given = request.headers.get("content-md5")
        if given is None:
            return
        computed = base64.b64encode(hashlib.md5(request.body, usedforsecurity=False).digest()).decode()
        if given != computed:
            words = "The MD5 value specified in the request did not match with the MD5 value calculated by the server."
            raise self._refused(400, "Md5Mismatch", words)

    def _found(self, stored: _Stored, blob: str) -> _Blob:
        if blob not in stored.blobs:
            raise self._refused(404, "BlobNotFound", "The specified blob does not exist.")
        return stored.blobs[blob]

    def _get(self, stored: _Stored, blob: str) -> CloudAnswer:
        found = self._found(stored, blob)
        headers = {**found.headers, **found.described, "x-ms-blob-type": "BlockBlob"}
        return CloudAnswer(200, headers, tuple(piece.read() for piece in found.pieces), total_bytes(found.pieces))


def _may(bearer: CloudBearer, container: BlobContainer | None, action: str, blob: str) -> bool:
    """Whether an assignment lets the bearer do this; to write lets add, too."""
    for each in container.assignments if container else ():
        condition = blob_condition_of(each.condition)
        granted = {action, WRITE} if action == ADD else {action}
        if container and each.client == bearer.principal.partition("/")[2]:
            lets = (
                not condition or condition.lets(each_action, container.container, blob)
                for each_action in granted & set(each.data_actions)
            )
            if any(lets):
                return True
    return False


def _is_met(name: str, value: str, found: _Blob | None) -> bool:
    """Of a blob that is not there all are met but that it has this tag, as Azurite has it, too."""
    if found is None:
        return name != "if-match"
    if name in ("if-match", "if-none-match"):
        is_it = value == "*" or value.strip('"') == found.etag.strip('"')
        return is_it == (name == "if-match")
    at = parsedate_to_datetime(value).timestamp()
    return found.changed > at if name == "if-modified-since" else found.changed <= at
