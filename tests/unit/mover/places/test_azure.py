"""Azure Blob Storage as a destination: what is asked of it, and what its answers mean."""

import zlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any, cast

import pytest

from data_exports.contract.causes import Cause
from data_exports.contract.object_names import problem_of_blob_name
from data_exports.contract.settings import MIB
from data_exports.contract.tasks import Try, Verdict
from data_exports.mover.places.azure.blobs import ServerClock, described
from data_exports.mover.places.azure.destination import AzureDestinationPlace
from data_exports.mover.places.azure.error_codes import azure_error_reply
from data_exports.mover.places.store import open_store
from data_exports.mover.places.token_stores import MOST_ANSWER_BYTES
from data_exports.mover.rules.large import parts_of
from data_exports.mover.rules.protocol import (
    Attributes,
    CompleteUpload,
    Copied,
    CopiedPart,
    Copy,
    CopyPart,
    Failed,
    Forbidden,
    NoUpload,
    Overtaken,
    Reply,
    Started,
    StartUpload,
    StoreAnswer,
)
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest
from tests.conformance.azure_memory import AZURE_SETTINGS, BLOBS, LOGIN, STS, AzureMemory
from tests.conformance.azure_world import AzureStore
from tests.model.memory_s3 import Memory, etag_of

KEY = "orders/a b.csv"
A, B = b"the first upload", b"a newer one"
COPY = Copy(KEY, etag_of(A))
DIGEST = "MD5:2z/wXyKzgLLESyQoiX5OHg== SHA256:3GYFHnyJKfYsJs3V+FK6sZ371Ptz0tOO+qF4KV7HNb0="


def store_with(body: bytes, headers: Mapping[str, str] | None = None, key: str = KEY) -> AzureStore:
    memory = Memory().upload(key, body, tuple(sorted((headers or {}).items())))
    return AzureStore(AzureMemory(), memory)


def ask(store: AzureStore, call: Any) -> StoreAnswer:
    store.send(call, 0)
    return store.wait()[1]


def to_the_store(azure: AzureMemory) -> list[HttpRequest]:
    return [request for request in azure.asked if request.url.startswith(BLOBS)]


def error(status: int, code: str) -> Response:
    body = f"<Error><Code>{code}</Code><Message>No.\nTime:x</Message></Error>".encode()
    return Response(status, {"x-ms-error-code": code, "x-ms-request-id": "r1"}, body)


def test_a_small_file_is_one_request_with_its_digest_and_what_describes_it() -> None:
    store = store_with(A, {"content-type": "text/csv", "x-amz-meta-case-id": "7", "x-amz-storage-class": "GLACIER"})
    reply = cast("Copied", ask(store, COPY))
    assert replace(reply, at="") == Copied("v1", None, "0x3", "", DIGEST)
    (request,) = to_the_store(store.azure)
    assert request.limits.max_body_bytes == MOST_ANSWER_BYTES == 64 * 1024
    headers = dict(request.headers)
    assert headers.pop("x-ms-date").endswith("GMT")
    assert (request.method, request.url, request.body) == ("PUT", f"{BLOBS}/incoming/orders/a%20b.csv", A)
    assert headers == {
        "authorization": "Bearer opens-the-container",
        "x-ms-version": "2021-12-02",
        "x-ms-blob-type": "BlockBlob",
        "content-md5": "2z/wXyKzgLLESyQoiX5OHg==",
        "x-ms-blob-content-type": "text/csv",
        "x-ms-meta-case_id": "7",
        "if-none-match": "*",
    }


def test_what_is_there_is_written_over_unless_somebody_wrote_a_moment_ago() -> None:
    store = store_with(A)
    assert isinstance(ask(store, COPY), Copied)
    assert isinstance(ask(store, COPY), Copied)
    first, second = (dict(each.headers) for each in to_the_store(store.azure))
    assert ("if-none-match" in first, "if-unmodified-since" in second) == (True, True)
    store.azure.now -= 3  # so that the next call follows at once
    reply = ask(store, COPY)
    assert isinstance(reply, Failed)
    assert reply.cause is Cause.CONFLICT
    assert [("if-none-match" in each.headers) for each in to_the_store(store.azure)[2:]] == [False, True]


def test_the_first_write_of_a_process_learns_the_time_where_something_is_there() -> None:
    store = store_with(A)
    assert isinstance(ask(store, COPY), Copied)
    later = AzureStore(store.azure, store.memory)
    assert isinstance(ask(later, COPY), Copied)
    assert [("if-none-match" in each.headers) for each in to_the_store(store.azure)] == [True, True, False]


def test_a_write_that_comes_late_is_refused_once_anything_was_written_since() -> None:
    store = store_with(A)
    assert isinstance(ask(store, COPY), Copied)
    assert isinstance(ask(store, COPY), Copied)
    late = to_the_store(store.azure)[-1]
    store.memory = store.memory.upload(KEY, B)
    assert isinstance(ask(store, Copy(KEY, etag_of(B))), Copied)
    assert store.azure.answer(late).status == 412
    assert store.azure.blobs[KEY].body == B


def test_the_time_is_that_of_the_store_a_moment_ago() -> None:
    now = 100.0
    clock = ServerClock(lambda: now)
    clock.note(Response(201, {"date": "Mon, 30 Nov 2026 10:00:00 GMT"}, b""))
    clock.note(Response(201, {"date": "yesterday"}, b""))
    clock.note(Response(201, {"date": "Mon, 30 Nov 2026 10:00:00 +99999999999999"}, b""))
    clock.note(Response(201, {}, b""))
    for never in ("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 1900 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"):
        clock.note(Response(201, {"date": never}, b""))
    now += 60
    assert clock.unmodified_since() == {"if-unmodified-since": "Mon, 30 Nov 2026 10:00:58 GMT"}


def test_the_time_of_whoever_gives_tokens_is_not_the_stores() -> None:
    store = store_with(A)
    store.azure.refusals[LOGIN] = Response(503, {"date": "Mon, 30 Nov 2020 10:00:00 GMT"}, b"")
    ask(store, COPY)
    store.azure.refusals.clear()
    ask(store, COPY)
    assert to_the_store(store.azure)[0].headers["if-none-match"] == "*"


def test_a_large_file_is_put_in_blocks_that_one_list_makes_a_file() -> None:
    body = bytes(range(256)) * 64
    store = store_with(body)
    described_so = Attributes((("content-type", "text/csv"), ("x-amz-meta-a", "1")))
    upload = cast("Started", ask(store, StartUpload(KEY, described_so))).upload_id
    assert store.azure.asked == []
    parts = parts_of(len(body), 7000)
    copied = [cast("CopiedPart", ask(store, CopyPart(KEY, "v1", upload, part))) for part in parts]
    reply = cast("Copied", ask(store, CompleteUpload(KEY, "v1", upload, tuple(copied))))
    assert replace(reply, at="", destination_etag="") == Copied("v1", None, "", "", "CRC32:6Bci8A==")
    assert store.azure.blobs[KEY].body == body
    assert store.azure.blobs[KEY].headers == {"x-ms-blob-content-type": "text/csv", "x-ms-meta-a": "1"}


def test_a_part_of_another_content_is_not_put() -> None:
    store = store_with(A)
    part = CopyPart(KEY, "v1", "u.", parts_of(len(A), 5)[0], etag_of(B))
    assert ask(store, part) == Overtaken()
    assert store.azure.asked == []


def test_bytes_that_azure_does_not_hold_as_they_were_sent_are_sent_again() -> None:
    store = store_with(A)
    store.azure.refusals[BLOBS] = Response(201, {"content-md5": "AAAA", "etag": '"e"'}, b"")
    reply = ask(store, COPY)
    assert isinstance(reply, Failed)
    assert reply.cause is Cause.UNWELL


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("orders/" + "a/" * 253 + "b", "it has more than 254 parts"),
        ("orders/" + "a/" * 252 + "b", ""),
        ("orders/" + "x" * 1017, ""),
        ("orders/a\nb", "it has a control character"),
        ("orders/a\x00b", "it has a control character"),
        ("orders/a\x7fb", "it has a control character"),
        ("orders/a\x81b", "it has a control character"),
        ("orders/a.", "a part of it ends with a dot"),
        ("orders/../secret", "a part of it ends with a dot"),
        ("orders/./a", "a part of it ends with a dot"),
        ("orders\\..\\a", "it has a backslash, which Azure takes for a slash"),
        ("orders/sub/", "it ends with a slash"),
        ("orders/.hidden..csv", ""),
        ("orders//a", ""),
    ],
)
def test_a_name_that_azure_cannot_hold_or_may_take_for_another_is_told(key: str, problem: str) -> None:
    assert problem_of_blob_name(key) == problem


def test_a_file_of_such_a_name_is_not_even_read() -> None:
    store = store_with(A, key="orders/..")
    for call in (Copy("orders/..", etag_of(A)), StartUpload("orders/..", Attributes(()))):
        assert ask(store, call) == Failed(
            "Azure Blob Storage cannot hold a file of this name: a part of it ends with a dot. Its sender sends it "
            "again under another name",
            Cause.UPLOAD_NOT_ACCEPTED,
        )
    assert store.azure.asked == []


def test_metadata_is_carried_under_names_that_azure_takes() -> None:
    headers = {
        "x-amz-meta-case-id": "1",
        "x-amz-meta-case_id": "2",
        "x-amz-meta-9lives": "3",
        "x-amz-meta-name": "J\xfcrgen 100%",
        "expires": "0",
        "cache-control": "no-store",
    }
    assert described(headers) == {
        "x-ms-blob-cache-control": "no-store",
        "x-ms-meta-_9lives": "3",
        "x-ms-meta-case_id": "1",
        "x-ms-meta-name": "J%FCrgen 100%25",
    }


@pytest.mark.parametrize(
    ("response", "reply"),
    [
        (
            error(403, "AuthorizationPermissionMismatch"),
            Forbidden(
                "the copy is refused (AuthorizationPermissionMismatch, No., request r1). The role that may write blobs "
                "is missing, or its condition is not met; or it is not in force yet",
                Cause.RECIPIENT_DENIED,
            ),
        ),
        (
            error(404, "ContainerNotFound"),
            Failed(
                "the copy is refused (ContainerNotFound, No., request r1). The container does not exist. Check its "
                "name with its owner",
                Cause.RECIPIENT_BUCKET,
            ),
        ),
        (
            error(409, "BlobImmutableDueToPolicy"),
            Failed(
                "the copy is refused (BlobImmutableDueToPolicy, No., request r1). An immutability policy or a legal "
                "hold protects what is there",
                Cause.RECIPIENT_NOT_ACCEPTED,
            ),
        ),
        (
            error(503, "ServerBusy"),
            Failed("the copy failed (ServerBusy, No., request r1). It will be tried again", Cause.THROTTLED),
        ),
        (error(400, "InvalidBlockList"), NoUpload()),
        (
            Response(403, {}, b""),
            Forbidden(
                "the copy is refused (403). The role that may write blobs is missing, or its condition is not met; or "
                "it is not in force yet",
                Cause.RECIPIENT_DENIED,
            ),
        ),
        (
            error(418, "Novel"),
            Failed("the copy failed (Novel, No., request r1). It will be tried again", Cause.UNWELL),
        ),
        (
            Response(None, {}, b"", fault="silent for 30 s"),
            Failed(
                "the copy: no answer from Azure (silent for 30 s). It will be tried again",
                Cause.NO_ANSWER,
                under_way=True,
            ),
        ),
        (
            Response(None, {}, b"", fault="[Errno -2] Bearer eyJhbGci.a.b\n"),
            Failed(
                "the copy is impossible ([Errno -2] Bearer (a token)). There is no such storage account. Check its "
                "name with its owner",
                Cause.RECIPIENT_BUCKET,
            ),
        ),
        (
            Response(None, {}, b"", fault="gaierror: [Errno -2] Name or service not known"),
            Failed(
                "the copy is impossible (gaierror: [Errno -2] Name or service not known). There is no such storage "
                "account. Check its name with its owner",
                Cause.RECIPIENT_BUCKET,
            ),
        ),
    ],
    ids=lambda value: getattr(value, "fault", "") or str(getattr(value, "status", "")),
)
def test_what_an_error_means_and_whose_it_is(response: Response, reply: Reply) -> None:
    assert azure_error_reply(response, doing="the copy") == reply


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (401, "InvalidAuthenticationInfo", Cause.RECIPIENT_FEDERATION),
        (403, "AuthorizationFailure", Cause.RECIPIENT_DENIED),
        (403, "UnauthorizedBlobOverwrite", Cause.RECIPIENT_DENIED),
        (403, "AccountIsDisabled", Cause.RECIPIENT_BUCKET),
        (403, "KeyVaultEncryptionKeyNotFound", Cause.RECIPIENT_KEY),
        (409, "InvalidBlobType", Cause.RECIPIENT_NOT_ACCEPTED),
        (412, "LeaseIdMissing", Cause.RECIPIENT_NOT_ACCEPTED),
        (400, "InvalidMetadata", Cause.UPLOAD_NOT_ACCEPTED),
        (400, "OutOfRangeInput", Cause.UPLOAD_NOT_ACCEPTED),
        (400, "InvalidHeaderValue", Cause.RECIPIENT_NOT_ACCEPTED),
        (400, "Novel", Cause.RECIPIENT_NOT_ACCEPTED),
        (400, "InvalidXmlDocument", Cause.HUB_REQUEST),
        (400, "Md5Mismatch", Cause.UNWELL),
        (500, "OperationTimedOut", Cause.UNWELL),
        (409, "BlobAlreadyExists", Cause.CONFLICT),
    ],
)
def test_each_code_has_its_cause(status: int, code: str, cause: Cause) -> None:
    reply = azure_error_reply(error(status, code), doing="the copy")
    assert isinstance(reply, Failed | Forbidden)
    assert reply.cause is cause


def sts_error(code: str) -> bytes:
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>No.</Message></Error></ErrorResponse>".encode()


NO_SUBJECT = (
    b'{"error": "invalid_request", "error_description": "AADSTS700213: No matching record eyJh.b.c.\\r\\nTrace"}'
)


@pytest.mark.parametrize(
    ("where", "response", "failed"),
    [
        (
            STS,
            Response(403, {}, sts_error("OutboundWebIdentityFederationDisabledException")),
            Failed(
                "asking AWS for a token for the recipient's cloud is refused "
                "(OutboundWebIdentityFederationDisabledException, No.). Our account gives no tokens for other clouds: "
                "aws iam enable-outbound-web-identity-federation",
                Cause.HUB_FEDERATION,
            ),
        ),
        (
            STS,
            Response(403, {}, sts_error("AccessDenied")),
            Failed(
                "asking AWS for a token for the recipient's cloud is refused (AccessDenied, No.). The mover's role may "
                "not ask for it. Deploy the dataset's stack again",
                Cause.HUB_FEDERATION,
            ),
        ),
        (
            LOGIN,
            Response(401, {}, NO_SUBJECT),
            Failed(
                "exchanging AWS's token at the recipient's cloud is refused (invalid_request, AADSTS700213: No "
                "matching record (a token). Trace). The application has no federated credential for the mover: "
                "issuer, subject or audience differ",
                Cause.RECIPIENT_FEDERATION,
            ),
        ),
        (
            LOGIN,
            Response(503, {}, b"<html>"),
            Failed(
                "exchanging AWS's token at the recipient's cloud failed (503). It will be tried again", Cause.UNWELL
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
            Response(201, {}, b'{"access_token": "eyJh.b.c"}'),
            Failed(
                "exchanging AWS's token at the recipient's cloud: the answer holds no token. It will be tried again",
                Cause.UNREADABLE,
            ),
        ),
        (
            STS,
            Response(200, {}, b'<?xml version="1.0" encoding="martian"?><WebIdentityToken>t</WebIdentityToken>'),
            Failed(
                "asking AWS for a token for the recipient's cloud: the answer holds no token. It will be tried again",
                Cause.UNREADABLE,
            ),
        ),
        (
            LOGIN,
            Response(None, {}, b"", fault="lost"),
            Failed(
                "exchanging AWS's token at the recipient's cloud: no answer (lost). It will be tried again",
                Cause.NO_ANSWER,
            ),
        ),
    ],
    ids=[
        "switched off",
        "not allowed",
        "no subject",
        "unwell",
        "no token",
        "another success",
        "no encoding",
        "no answer",
    ],
)
def test_without_a_token_the_side_is_named_and_nothing_is_sent(where: str, response: Response, failed: Failed) -> None:
    store = store_with(A)
    store.azure.refusals[where] = response
    assert ask(store, COPY) == failed
    assert to_the_store(store.azure) == []


def test_a_probe_tells_what_is_refused_and_what_is_not_known() -> None:
    store = store_with(A)
    place = store.destination
    assert tries(place, store) == [
        Try(what, Verdict.ALLOWED) for what in ("token", "exchange", "put", "block", "overwrite")
    ]
    assert tries(place, store)[2:] == [Try(what, Verdict.ALLOWED) for what in ("put", "block", "overwrite")]
    store.azure.refusals[f"{BLOBS}/incoming/orders/.probe?comp=block"] = error(403, "AuthorizationPermissionMismatch")
    assert tries(place, store)[3] == Try("block", Verdict.REFUSED, "AuthorizationPermissionMismatch", "No.", "r1")
    refusing = store_with(A)
    refusing.azure.refusals[LOGIN] = Response(401, {}, NO_SUBJECT)
    assert tries(refusing.destination, refusing) == [
        Try("token", Verdict.ALLOWED),
        Try(
            "exchange",
            Verdict.REFUSED,
            "invalid_request",
            "AADSTS700213: No matching record (a token). Trace",
        ),
    ]


def tries(place: AzureDestinationPlace, store: AzureStore) -> list[Try]:
    return place.probe("orders/.probe", store.in_flight.ask)


def test_a_mover_of_a_container_opens_it_and_reads_and_writes_a_few_files_at_once() -> None:
    with closing(open_store(AZURE_SETTINGS)) as store:
        can = store.capabilities
    assert (can.service, can.copies_by_itself) == ("Azure Blob Storage", False)
    assert can.calls_at_once * can.largest_copy_bytes <= 64 * MIB
    assert can.part_bytes_at_once == 48 * MIB


def packed(text: str) -> str:
    return f"u1.{urlsafe_b64encode(zlib.compress(text.encode())).decode()}"


@pytest.mark.parametrize(
    ("upload_id", "etag"),
    [
        ("u1", "e1"),
        (packed(" " * (MIB + 1) + "{}"), "00000001.5"),  # of one KiB
        (packed('{"content-type": "a\\r\\nb: c"}'), "00000001.5"),
        (packed('{"content-type": "\\u20ac"}'), "00000001.5"),
        ("u1", ""),
        ("u1.AAAA", "00000001.5"),
        ("u1.%", "00000001.5"),
        ("u1.eJyLjgUAARUAuQ==", "00000001.5"),
    ],
)
def test_an_upload_of_which_the_checkpoint_does_not_tell_enough_is_as_good_as_gone(upload_id: str, etag: str) -> None:
    store = store_with(A)
    assert ask(store, CompleteUpload(KEY, "v1", upload_id, (CopiedPart(1, etag),))) == NoUpload()
    assert to_the_store(store.azure) == []


def test_an_answer_without_an_etag_is_not_azures_and_nothing_is_taken_for_written() -> None:
    store = store_with(A)
    store.azure.refusals[BLOBS] = Response(201, {}, b"<html>welcome</html>")
    written = (COPY, CompleteUpload(KEY, "v1", "u1", (CopiedPart(1, "00000001.5"),)))
    for reply in (ask(store, call) for call in written):
        assert isinstance(reply, Failed)
        assert (reply.cause, reply.under_way) == (Cause.UNREADABLE, True)
        assert reply.reason.endswith(": the answer does not tell what is there now. It will be tried again")
