"""Google Cloud Storage as a destination: what is asked of it, and what its answers mean."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, cast

import pytest

from data_exports.contract.causes import Cause
from data_exports.contract.object_names import problem_of_object_name
from data_exports.contract.settings import GoogleSettings
from data_exports.contract.tasks import Try, Verdict
from data_exports.mover.places.google.error_codes import google_error_reply
from data_exports.mover.places.google.objects import object_headers
from data_exports.mover.places.store import open_store
from data_exports.mover.places.token_stores import MOST_ANSWER_BYTES
from data_exports.mover.rules.large import parts_of
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Attributes,
    CompleteUpload,
    Copied,
    CopiedPart,
    Copy,
    CopyPart,
    Failed,
    FindUploads,
    Forbidden,
    NoUpload,
    Removed,
    Reply,
    Started,
    StartUpload,
    StoreAnswer,
)
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest
from tests.conformance.google_memory import (
    AWS,
    CREDENTIALS,
    GOOGLE_SETTINGS,
    LOGIN,
    OBJECTS,
    PROVIDER,
    GoogleMemory,
)
from tests.conformance.google_world import GoogleStore
from tests.model.memory_s3 import Memory, etag_of

KEY = "orders/a b.csv"
A = b"the first upload"
COPY = Copy(KEY, etag_of(A))
DIGEST = "CRC32C:mDDT+g== MD5:2z/wXyKzgLLESyQoiX5OHg== SHA256:3GYFHnyJKfYsJs3V+FK6sZ371Ptz0tOO+qF4KV7HNb0="


def store_with(body: bytes, headers: Mapping[str, str] | None = None, key: str = KEY) -> GoogleStore:
    memory = Memory().upload(key, body, tuple(sorted((headers or {}).items())))
    return GoogleStore(GoogleMemory(), memory)


def ask(store: GoogleStore, call: Any) -> StoreAnswer:
    store.send(call, 0)
    return store.wait()[1]


def to_the_store(google: GoogleMemory) -> list[HttpRequest]:
    return [request for request in google.asked if request.url.startswith(OBJECTS)]


def error(status: int, code: str) -> Response:
    body = f"<Error><Code>{code}</Code><Message>No.</Message><Details>x@y may not</Details></Error>".encode()
    return Response(status, {"x-guploader-uploadid": "g1"}, body)


def test_a_small_file_is_one_request_with_its_digest_and_what_describes_it() -> None:
    store = store_with(A, {"content-type": "text/csv", "x-amz-meta-case-id": "7", "x-amz-storage-class": "GLACIER"})
    reply = cast("Copied", ask(store, COPY))
    assert replace(reply, at="") == Copied("v1", "1700000000000004", "e1700000000000004", "", DIGEST)
    assert [request.url.partition("?")[0] for request in store.google.asked[:3]] == [
        f"{AWS}/",
        f"{LOGIN}/v1/token",
        f"{CREDENTIALS}/v1/projects/-/serviceAccounts/exporter@hj-data.iam.gserviceaccount.com:generateAccessToken",
    ]
    (request,) = to_the_store(store.google)
    assert request.limits.max_body_bytes == MOST_ANSWER_BYTES == 64 * 1024
    assert (request.method, request.url, request.body) == ("PUT", f"{OBJECTS}/hj-incoming/orders/a%20b.csv", A)
    assert request.headers == {
        "authorization": "Bearer opens-the-bucket",
        "content-md5": "2z/wXyKzgLLESyQoiX5OHg==",
        "content-type": "text/csv",
        "x-goog-meta-case-id": "7",
        "x-goog-if-generation-match": "0",
    }


def test_what_is_there_is_written_over_without_a_condition() -> None:
    store = store_with(A)
    assert isinstance(ask(store, COPY), Copied)
    assert isinstance(ask(store, COPY), Copied)
    assert ["x-goog-if-generation-match" in each.headers for each in to_the_store(store.google)] == [True, True, False]


def test_a_large_file_is_an_upload_in_parts_whose_crcs_make_that_of_the_whole() -> None:
    body = bytes(range(256)) * 64
    store = store_with(body)
    headers = Attributes((("content-type", "text/csv"), ("x-amz-meta-a", "1"), ("x-amz-tagging", "a=b")))
    upload = cast("Started", ask(store, StartUpload(KEY, headers))).upload_id
    calls = [CopyPart(KEY, "v1", upload, part) for part in parts_of(len(body), 7000)]
    copied = tuple(cast("CopiedPart", ask(store, call)) for call in calls)
    reply = cast("Copied", ask(store, CompleteUpload(KEY, "v1", upload, copied)))
    assert reply.digest == "CRC32C:6SwNrg=="
    assert reply.destination_version == str(store.google.objects[KEY].generation)
    assert store.google.objects[KEY].body == body
    assert store.google.objects[KEY].headers == {"content-type": "text/csv", "x-goog-meta-a": "1"}


def test_a_whole_that_is_not_what_its_parts_make_is_no_success() -> None:
    store = store_with(A)
    store.google.refusals[OBJECTS] = Response(
        200,
        {"x-goog-hash": "crc32c=AAAAAA=="},
        b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>",
    )
    reply = ask(store, CompleteUpload(KEY, "v1", "u1", (CopiedPart(1, "e.00000001.5"),)))
    assert reply == Failed(
        "the copy from s3://hub to gs://hj-incoming: Google holds other bytes than its parts make", Cause.UNREADABLE
    )


def test_of_a_whole_that_google_tells_no_crc_of_the_receipt_tells_none() -> None:
    store = store_with(A)
    store.google.refusals[OBJECTS] = Response(
        200, {}, b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
    )
    reply = cast("Copied", ask(store, CompleteUpload(KEY, "v1", "u1", (CopiedPart(1, "e.00000001.5"),))))
    assert replace(reply, at="") == Copied("v1", None, "e", "", "")


@pytest.mark.parametrize(
    "headers",
    [{"etag": '"e"'}, {"x-goog-hash": "crc32c=AAAAAA=="}, {"etag": '"e"', "x-goog-hash": "crc32c=AAAAAA==,md5=AA=="}],
)
def test_a_part_counts_once_google_tells_that_it_holds_it(headers: Mapping[str, str]) -> None:
    store = store_with(A)
    store.google.refusals[OBJECTS] = Response(200, headers, b"")
    reply = ask(store, CopyPart(KEY, "v1", "u1", parts_of(len(A), 100)[0]))
    assert isinstance(reply, Failed)
    assert reply.cause is Cause.UNREADABLE


def test_other_bytes_than_were_sent_are_no_copy() -> None:
    store = store_with(A)
    store.google.refusals[OBJECTS] = Response(200, {"x-goog-hash": "md5=AAAA"}, b"")
    reply = ask(store, COPY)
    assert isinstance(reply, Failed)
    assert reply.cause is Cause.UNWELL


@pytest.mark.parametrize("call", [StartUpload(KEY, Attributes(())), CompleteUpload(KEY, "v1", "u1", ())])
def test_an_answer_without_its_promised_content_is_no_success(call: Any) -> None:
    store = store_with(A)
    store.google.refusals[OBJECTS] = Response(200, {}, b"<Error><Code>InternalError</Code></Error>")
    assert ask(store, call) == Failed(
        "the copy from s3://hub to gs://hj-incoming: Google answered without the promised content", Cause.UNREADABLE
    )


def test_uploads_in_parts_are_aborted_and_never_looked_for() -> None:
    store = store_with(A)
    upload = cast("Started", ask(store, StartUpload(KEY, Attributes(())))).upload_id
    assert isinstance(ask(store, FindUploads(KEY)), Forbidden)
    assert ask(store, AbortUpload(KEY, upload)) == Removed()
    assert ask(store, AbortUpload(KEY, upload)) == NoUpload()


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("orders/a\nb", "it has a line break"),
        ("orders/a\rb", "it has a line break"),
        ("orders/../secret", "a part of it is `.` or `..`"),
        ("orders/.", "a part of it is `.` or `..`"),
        ("orders/a.", ""),
        ("orders/a\\b/", ""),
    ],
)
def test_a_name_that_google_cannot_hold_or_may_take_for_another_is_told(key: str, problem: str) -> None:
    assert problem_of_object_name(key) == problem


def test_a_file_of_such_a_name_is_not_even_read() -> None:
    store = store_with(A, key="orders/..")
    for call in (Copy("orders/..", etag_of(A)), StartUpload("orders/..", Attributes(()))):
        reply = ask(store, call)
        assert isinstance(reply, Failed)
        assert reply.cause is Cause.UPLOAD_NOT_ACCEPTED
        assert reply.reason.startswith("Google Cloud Storage cannot hold a file of this name: a part of it is `.`")
    assert store.google.asked == []


def test_what_describes_a_file_keeps_its_names() -> None:
    headers = {"x-amz-meta-case-id": "1", "expires": "0", "cache-control": "no-store", "x-amz-tagging": "a=b"}
    assert object_headers(headers) == {"cache-control": "no-store", "x-goog-meta-case-id": "1"}


@pytest.mark.parametrize(
    ("response", "reply"),
    [
        (
            error(403, "AccessDenied"),
            Forbidden(
                "the copy is refused (AccessDenied, No., x@y may not, request g1). The role that may write is missing, "
                "or its condition is not met",
                Cause.RECIPIENT_DENIED,
            ),
        ),
        (
            error(503, "ServiceUnavailable"),
            Failed(
                "the copy failed (ServiceUnavailable, No., x@y may not, request g1). It will be tried again",
                Cause.THROTTLED,
            ),
        ),
        (error(404, "NoSuchUpload"), NoUpload()),
        (
            Response(None, {}, b"", fault="lost"),
            Failed("the copy: no answer from Google (lost). It will be tried again", Cause.NO_ANSWER, under_way=True),
        ),
    ],
    ids=["refused", "throttled", "no upload", "no answer"],
)
def test_what_an_error_means_and_whose_it_is(response: Response, reply: Reply) -> None:
    assert google_error_reply(response, doing="the copy") == reply


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (401, "AuthenticationRequired", Cause.RECIPIENT_FEDERATION),
        (404, "NoSuchBucket", Cause.RECIPIENT_BUCKET),
        (403, "UserProjectAccountProblem", Cause.RECIPIENT_BUCKET),
        (403, "SecurityPolicyViolated", Cause.RECIPIENT_DENIED),
        (403, "Novel", Cause.RECIPIENT_DENIED),
        (403, "RetentionPolicyNotMet", Cause.RECIPIENT_NOT_ACCEPTED),
        (403, "ObjectUnderActiveHold", Cause.RECIPIENT_NOT_ACCEPTED),
        (400, "InvalidObjectName", Cause.UPLOAD_NOT_ACCEPTED),
        (400, "MetadataTooLarge", Cause.UPLOAD_NOT_ACCEPTED),
        (400, "InvalidArgument", Cause.RECIPIENT_NOT_ACCEPTED),
        (400, "Novel", Cause.RECIPIENT_NOT_ACCEPTED),
        (400, "MalformedXML", Cause.HUB_REQUEST),
        (400, "CloudKmsDisabledKey", Cause.RECIPIENT_KEY),
        (400, "BadDigest", Cause.UNWELL),
        (429, "TooManyRequests", Cause.THROTTLED),
        (500, "InternalError", Cause.UNWELL),
        (418, "Novel", Cause.UNWELL),
    ],
)
def test_each_code_has_its_cause(status: int, code: str, cause: Cause) -> None:
    reply = google_error_reply(error(status, code), doing="the copy")
    assert isinstance(reply, Failed | Forbidden)
    assert reply.cause is cause


@pytest.mark.parametrize(
    ("where", "response", "failed"),
    [
        (
            LOGIN,
            Response(400, {}, b'{"error": "invalid_target", "error_description": "The pool does not exist."}'),
            Failed(
                "exchanging AWS's token at the recipient's cloud is refused (invalid_target, The pool does not exist.)"
                ". There is no such provider, or it is disabled. Check target_google's provider with the recipient",
                Cause.RECIPIENT_FEDERATION,
            ),
        ),
        (
            LOGIN,
            Response(200, {}, b'{"id_token": "eyJh.b.c"}'),
            Failed(
                "exchanging AWS's token at the recipient's cloud: the answer holds no token. It will be tried again",
                Cause.UNREADABLE,
            ),
        ),
        (
            LOGIN,
            Response(200, {}, b'{"access_token": "t", "expires_in": true}'),
            Failed(
                "exchanging AWS's token at the recipient's cloud: the answer holds no token. It will be tried again",
                Cause.UNREADABLE,
            ),
        ),
        (
            CREDENTIALS,
            Response(403, {}, b'{"error": {"code": 403, "message": "denied on x", "status": "PERMISSION_DENIED"}}'),
            Failed(
                "acting as the recipient's service account is refused (PERMISSION_DENIED, denied on x). The role that "
                "may act as the service account (Workload Identity User) is missing, or the account is gone",
                Cause.RECIPIENT_FEDERATION,
            ),
        ),
    ],
    ids=["no provider", "no token", "a lifetime that is none", "no impersonation"],
)
def test_without_a_token_the_side_is_named_and_nothing_is_sent(where: str, response: Response, failed: Failed) -> None:
    store = store_with(A)
    store.google.refusals[where] = response
    assert ask(store, COPY) == failed
    assert to_the_store(store.google) == []


STEPS = ("token", "exchange", "impersonate", "put", "part", "overwrite")


def test_a_probe_tries_each_right_and_leaves_one_object() -> None:
    store = store_with(A)
    for _ in range(2):
        assert tries(store) == [Try(what, Verdict.ALLOWED) for what in STEPS]
    assert (list(store.google.objects), store.google.uploads) == (["orders/.probe"], {})


def test_a_probe_tells_what_is_refused() -> None:
    store = store_with(A)
    store.google.refusals[f"{OBJECTS}/hj-incoming/orders/.probe.none"] = error(403, "AccessDenied")
    store.google.refusals[f"{OBJECTS}/hj-incoming/orders/.probe?uploadId"] = error(403, "AccessDenied")
    refused = [Try(what, Verdict.REFUSED, "AccessDenied", "No., x@y may not", "g1") for what in ("part", "overwrite")]
    assert tries(store)[4:] == refused
    assert not any("uploads" in request.url for request in store.google.asked)
    refusing = store_with(A)
    refusing.google.refusals[CREDENTIALS] = Response(403, {}, b'{"error": {"message": "m", "status": "S"}}')
    assert tries(refusing) == [
        Try("token", Verdict.ALLOWED),
        Try("exchange", Verdict.ALLOWED),
        Try("impersonate", Verdict.REFUSED, "S", "m"),
    ]


def test_a_probe_begins_one_upload_puts_one_part_and_aborts_it() -> None:
    store = store_with(A)
    tries(store)
    asked = [(each.method, each.url.partition("?")[2].partition("=")[0]) for each in to_the_store(store.google)]
    of_the_upload = [("POST", "uploads"), ("PUT", "partNumber"), ("DELETE", "uploadId")]
    assert asked == [("PUT", ""), ("DELETE", "uploadId"), *of_the_upload, ("DELETE", "")]


def test_an_upload_that_may_have_begun_is_not_begun_once_more_and_one_that_was_refused_is() -> None:
    for answer, times in ((Response(500, {}, b""), 1), (Response(503, {}, b""), 3)):
        store = store_with(A)
        store.google.refusals[f"{OBJECTS}/hj-incoming/orders/.probe?uploads"] = answer
        assert tries(store)[4].verdict is Verdict.UNKNOWN
        assert sum("?uploads" in request.url for request in store.google.asked) == times


def test_a_part_that_is_refused_is_told_and_its_upload_aborted() -> None:
    store = store_with(A)
    store.google.refusals[f"{OBJECTS}/hj-incoming/orders/.probe?partNumber"] = error(403, "AccessDenied")
    assert tries(store)[4] == Try("part", Verdict.REFUSED, "AccessDenied", "No., x@y may not", "g1")
    assert store.google.uploads == {}


def tries(store: GoogleStore) -> list[Try]:
    return store.destination.probe("orders/.probe", store.in_flight.ask)


def test_what_is_late_there_is_so_for_as_long_as_the_token_lives() -> None:
    without = replace(GOOGLE_SETTINGS, destination=GoogleSettings(bucket="hj-incoming", provider=PROVIDER))
    with closing(open_store(GOOGLE_SETTINGS)) as store, closing(open_store(without)) as federated:
        assert (store.capabilities.under_way_seconds, federated.capabilities.under_way_seconds) == (960, 3660)


@pytest.mark.parametrize("etag", ["e1", "", "e.1.5", "e.00000001."])
def test_an_upload_of_which_the_checkpoint_does_not_tell_enough_is_as_good_as_gone(etag: str) -> None:
    store = store_with(A)
    assert ask(store, CompleteUpload(KEY, "v1", "u1", (CopiedPart(1, etag),))) == NoUpload()
    assert to_the_store(store.google) == []


def test_an_answer_without_an_etag_is_not_googles_and_nothing_is_taken_for_written() -> None:
    store = store_with(A)
    written = {COPY: b"<html>welcome</html>", CompleteUpload(KEY, "v1", "u1", ()): b"<CompleteMultipartUploadResult/>"}
    for call, body in written.items():
        store.google.refusals[OBJECTS] = Response(200, {}, body)
        reply = ask(store, call)
        assert isinstance(reply, Failed)
        assert (reply.cause, reply.under_way) == (Cause.UNREADABLE, True)
        assert reply.reason.endswith(": the answer does not tell what is there now. It will be tried again")
