"""Answers of stores with tokens that look like a success and are none: nothing counts as delivered by them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import pytest

from data_exports.contract.causes import Cause
from data_exports.mover.places.google.objects import object_hashes_in
from data_exports.mover.places.token_stores import mark_in
from data_exports.mover.rules.large import parts_of
from data_exports.mover.rules.protocol import (
    Attributes,
    Call,
    Copied,
    Copy,
    CopyPart,
    Failed,
    Started,
    StartUpload,
    StoreAnswer,
)
from data_exports.mover.wire.http_responses import Response
from tests.conformance.azure_memory import BLOBS, AzureMemory
from tests.conformance.azure_world import AzureStore
from tests.conformance.google_memory import OBJECTS, GoogleMemory
from tests.conformance.google_world import GoogleStore
from tests.model.memory_s3 import Memory, etag_of

KEY, BODY = "orders/a", b"hello"
COPY, PART = Copy(KEY, etag_of(BODY)), CopyPart(KEY, "v1", "u1.", parts_of(len(BODY), 100)[0])
MD5, CRC32C = "XUFAKrxLKna5cZ2REBfFkg==", "mnG7TA=="
GOOD: Mapping[str, tuple[int, dict[str, str]]] = {
    "azure": (201, {"etag": '"0x1"', "content-md5": MD5}),
    "google": (200, {"etag": '"e1"', "x-goog-generation": "5", "x-goog-hash": f"crc32c={CRC32C},md5={MD5}"}),
}
ERROR = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>We met an error.</Message></Error>"


def answered(kind: str, call: Call, response: Response) -> StoreAnswer:
    """What a call ends with to which the store always answers so."""
    memory = Memory().upload(KEY, BODY)
    if kind == "azure":
        azure = AzureStore(AzureMemory(refusals={BLOBS: response}), memory)
        azure.send(call, 0)
        return azure.wait()[1]
    google = GoogleStore(GoogleMemory(refusals={OBJECTS: response}), memory)
    google.send(call, 0)
    return google.wait()[1]


def good(kind: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Response:
    """A success of the store, but for these headers."""
    status, usual = GOOD[kind]
    return Response(status, {**usual, **(headers or {})}, body)


@pytest.mark.parametrize("kind", GOOD)
def test_a_success_as_promised_is_one(kind: str) -> None:
    assert isinstance(answered(kind, COPY, good(kind)), Copied)


@pytest.mark.parametrize("call", [COPY, PART], ids=["whole", "part"])
@pytest.mark.parametrize("kind", GOOD)
def test_a_success_that_tells_of_an_error_or_another_success_is_none_and_may_be_carried_out_yet(
    kind: str, call: Call
) -> None:
    statuses = {200, 201, 202, 203, 204, 206, 207, 226} - {GOOD[kind][0]}
    for response in (good(kind, ERROR), *(replace(good(kind), status=status) for status in sorted(statuses))):
        reply = answered(kind, call, response)
        assert isinstance(reply, Failed)
        assert (reply.cause, reply.under_way) == (Cause.UNREADABLE, True)
        assert f"answered {response.status} otherwise than promised" in reply.reason
    if kind == "azure":
        assert isinstance(answered(kind, call, good(kind, headers={"x-ms-error-code": "InternalError"})), Failed)


@pytest.mark.parametrize("status", [502, 504])
@pytest.mark.parametrize("kind", GOOD)
def test_a_gateway_that_got_no_answer_leaves_open_whether_it_was_carried_out(kind: str, status: int) -> None:
    reply = answered(kind, COPY, Response(status, {}, b"<html>Bad Gateway</html>"))
    assert isinstance(reply, Failed)
    assert (reply.cause, reply.under_way) == (Cause.NO_ANSWER, True)
    reply = answered(kind, COPY, Response(status, {}, ERROR))
    assert isinstance(reply, Failed)
    assert (reply.cause, reply.under_way) == (Cause.UNWELL, False)


@pytest.mark.parametrize(
    "mark",
    [
        "",
        '""',
        "e" * 60_000,
        "two words",
        "\x85\x9b31m",
        "Bearer eyJhbGci.eyJpc3Mi.c2ln",
        "eyJhbGci.eyJpc3Mi.c2ln",
        "a\tb",
    ],
    ids=["none", "empty", "long", "words", "controls", "bearer", "token", "tab"],
)
@pytest.mark.parametrize("kind", GOOD)
def test_what_is_kept_of_an_answer_is_a_mark_and_nothing_else(kind: str, mark: str) -> None:
    version = "x-ms-version-id" if kind == "azure" else "x-goog-generation"
    marked = [{"etag": mark}, *([{version: mark}] if mark.strip('"') else [])]
    answers = [good(kind, headers=each) for each in marked]
    for reply in (answered(kind, COPY, answer) for answer in answers):
        assert isinstance(reply, Failed)
        assert (reply.cause, reply.under_way) == (Cause.UNREADABLE, True)
    if kind == "google":
        assert isinstance(answered(kind, PART, good(kind, headers={"etag": mark})), Failed)
        begun = f"<InitiateMultipartUploadResult><UploadId>{mark}</UploadId></InitiateMultipartUploadResult>"
        assert isinstance(answered(kind, StartUpload(KEY, Attributes(())), Response(200, {}, begun.encode())), Failed)


def test_ids_and_etags_of_the_stores_are_marks() -> None:
    for mark in ("0x8DE000000001000", "d41d8cd98f00b204e9800998ecf8427e-3", "CJjV3cLPm4oDEAE=", "A" * 400):
        assert mark_in(f'"{mark}"') == mark_in(mark) == mark
    begun = b"<InitiateMultipartUploadResult><UploadId>ABPnzm7-x_1</UploadId></InitiateMultipartUploadResult>"
    started = cast("Started", answered("google", StartUpload(KEY, Attributes(())), Response(200, {}, begun)))
    assert started.upload_id == "ABPnzm7-x_1"


@pytest.mark.parametrize(
    ("told", "hashes"),
    [
        (f"crc32c={CRC32C}, md5={MD5}", {"crc32c": CRC32C, "md5": MD5}),
        (f"md5={MD5}, crc32c={CRC32C},md5={MD5}", {"crc32c": CRC32C, "md5": MD5}),
        (f"md5=AAAAAAAAAAAAAAAAAAAAAA==, crc32c={CRC32C},md5={MD5}", {"crc32c": CRC32C, "md5": ""}),
        (f"crc32c=AAAAAA==, crc32c={CRC32C},md5={MD5}", {"crc32c": "", "md5": MD5}),
    ],
)
def test_of_hashes_that_contradict_each_other_none_is_believed(told: str, hashes: Mapping[str, str]) -> None:
    answer = good("google", headers={"x-goog-hash": told})
    assert object_hashes_in(answer) == hashes
    assert isinstance(answered("google", COPY, answer), Copied if hashes["md5"] else Failed)
    assert isinstance(answered("google", PART, answer), Failed) is ("" in hashes.values())


def test_a_condition_that_is_refused_without_a_word_is_refused() -> None:
    store = GoogleStore(GoogleMemory(), Memory().upload(KEY, BODY))
    store.google.refusals[OBJECTS] = Response(412, {}, b"")
    store.send(COPY, 0)
    store.wait()
    conditions = [each.headers.get("x-goog-if-generation-match") for each in store.google.asked if OBJECTS in each.url]
    assert conditions == ["0", None]
