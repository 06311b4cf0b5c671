"""S3: keys of every kind, as AWS's answers write them and as IAM reads them."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4
from xml.etree.ElementTree import Element, SubElement

from ministack.core import iam_actions
from ministack.services import s3

from data_exports.local.gaps.patching import mends

_NO_CHARACTER_DATA = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
"""What an XML 1.0 document cannot hold as it is; of a carriage return a parser would make a line feed."""

_NAMES = frozenset({"Key", "Prefix", "Delimiter", "KeyMarker", "NextKeyMarker"})
"""The elements of a listing that hold keys or parts of keys."""

_STAND_IN = uuid4().hex
"""In place of a key that the emulator would lose slashes of: nobody's key."""

_encodes: ContextVar[bool] = ContextVar("encodes", default=False)
"""Whether the listing that is being written asked for `encoding-type=url`."""


@mends(s3, "_xml_body", "root")
def control_characters_are_written_as_references(original: Callable[..., bytes], root: Element) -> bytes:
    """S3 echoes a key that holds control characters as references (``&#x7;``), which parsers of XML 1.0 refuse.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html (encoding-type)
    """
    if _encodes.get():
        _encode_names(root)
    text = original(root).decode()
    return _NO_CHARACTER_DATA.sub(lambda found: f"&#x{ord(found[0]):x};", text).encode()


def _encode_names(listing: Element) -> None:
    for element in listing.iter():
        if element.tag in _NAMES and element.text:
            element.text = _as_in_addresses(element.text)
    SubElement(listing, "EncodingType").text = "url"


def _as_in_addresses(text: str) -> str:
    return quote_plus(text, safe="/")


@mends(s3, "_url_encode", "value")
def a_blank_is_encoded_as_a_plus(_original: Callable[..., str], value: str) -> str:
    """Keys in listings with `encoding-type=url` are written as forms write them.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html (encoding-type)
    """
    return _as_in_addresses(value)


def _refuses_other_encodings(name: str, *, encodes_itself: bool) -> None:
    """Mend one of S3's listings."""

    @mends(s3, name, "bucket_name query_params")
    def a_listing_is_encoded_as_asked(original: Callable[..., Any], bucket: str, query: Mapping[str, Any]) -> Any:
        """`encoding-type` is ``url`` or left out; anything else is refused.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
        """
        if "encoding-type" not in query:
            return original(bucket, query)
        asked = s3._qp(query, "encoding-type")
        if asked != "url":
            argument = {"ArgumentName": "encoding-type", "ArgumentValue": asked}
            return s3._error("InvalidArgument", "Invalid Encoding Method specified in Request", 400, extra=argument)
        token = _encodes.set(not encodes_itself)
        try:
            return original(bucket, query)
        finally:
            _encodes.reset(token)


for _name, _encodes_itself in (
    ("_list_objects_v1", True),
    ("_list_objects_v2", True),
    ("_list_object_versions", False),
    ("_list_multipart_uploads", False),
):
    _refuses_other_encodings(_name, encodes_itself=_encodes_itself)


def _parts_of(path: str) -> tuple[str, str]:
    """Bucket and key of a request's path; the key with every slash it has."""
    bucket, _, key = path.lstrip("/").partition("/")
    return bucket, key


@mends(iam_actions, "extract_resource_arn", "service method path headers body query_params region account_id")
def a_key_is_judged_with_every_slash_it_has(
    original: Callable[..., str], service: str, method: str, path: str, *arguments: Any
) -> str:
    """``/name/x``, ``name//x`` and ``name/`` are keys of their own: ``name/*`` matches the last two alone.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    bucket, key = _parts_of(path)
    if service == "s3" and bucket and key:
        return f"arn:aws:s3:::{bucket}/{key}"
    return original(service, method, path, *arguments)


@mends(iam_actions, "_s3_action", "method path query_params")
def a_key_of_slashes_alone_is_a_key(
    original: Callable[..., str | None], method: str, path: str, query_params: Mapping[str, Any]
) -> str | None:
    """A request for the key ``/`` is one for an object, not for its bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    """
    bucket, key = _parts_of(path)
    return original(method, f"/{bucket}/key" if bucket and key else path, query_params)


@mends(iam_actions, "s3_additional_checks", "method path headers body query_params")
def further_rights_are_asked_for_the_same_key(
    original: Callable[..., list[tuple[str, str]]], method: str, path: str, *arguments: Any
) -> list[tuple[str, str]]:
    """What a request needs besides its own permission, it needs on its key as it is.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
    """
    bucket, key = _parts_of(path)
    if "" not in key.split("/"):
        return original(method, path, *arguments)
    checks = original(method, f"/{bucket}/{_STAND_IN}", *arguments)
    return [(action, arn.replace(_STAND_IN, key)) for action, arn in checks]
