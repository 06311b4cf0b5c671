"""How S3's answers are read: nothing passes for a success that does not hold what its operation promises."""

from dataclasses import replace

import pytest

from data_exports.contract.causes import Cause
from data_exports.mover.places.s3.error_codes import Attempt, Where
from data_exports.mover.places.s3.replies import (
    MoreVersions,
    complete_reply,
    copy_reply,
    delete_all_reply,
    delete_reply,
    head_reply,
    put_reply,
    versioning_reply,
    versions_reply,
)
from data_exports.mover.rules.hub_version import HubVersion
from data_exports.mover.rules.protocol import (
    Copied,
    Current,
    Failed,
    Forbidden,
    Gone,
    Overtaken,
    Reply,
    Retire,
    Retired,
    RetiredAll,
    StoreAnswer,
    Versioning,
    Versions,
    Written,
)
from data_exports.mover.wire.http_responses import Response
from tests.unit.mover.places.answers import COPY_RESULT, PROLOG, XMLNS, marker, version

COPYING = Attempt("the copy", Where.BOTH, hub_bucket="hub")


def response(status: int, body: str = "", **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body.encode())


def error(status: int, code: str, message: str = "No.", *, key: str = "orders/a") -> Response:
    body = f"{PROLOG}<Error><Code>{code}</Code><Message>{message}</Message><Key>{key}</Key></Error>"
    return response(status, body, x_amz_request_id="4442587FB7D0A2F9")


def copied(answer: Response) -> Reply:
    return copy_reply(answer, doing=COPYING, at="now")


def test_a_copy_names_the_versions_on_both_sides() -> None:
    headers = {"x_amz_copy_source_version_id": "v1", "x_amz_version_id": "t1"}
    assert copied(response(200, COPY_RESULT, **headers)) == Copied("v1", "t1", "e9", "now")
    assert copied(response(200, COPY_RESULT)) == Copied("null", None, "e9", "now")


SHA256 = "FeKw09MmTw7z8F5Iz5aVvrlBdTzAxv9C4aG2w0a9rXw="


@pytest.mark.parametrize(
    ("told", "digest"),
    [
        ("<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME>", "CRC64NVME:rosUhgp5mIg="),
        (
            (
                f"<ChecksumSHA256>{SHA256}</ChecksumSHA256><ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>"
                "<ChecksumType>FULL_OBJECT</ChecksumType>"
            ),
            f"CRC32:y/Q5Jg== SHA256:{SHA256}",
        ),
        (f"<ChecksumSHA256>{SHA256}-3</ChecksumSHA256>", ""),
        (f"<ChecksumSHA256>{SHA256}</ChecksumSHA256><ChecksumType>COMPOSITE</ChecksumType>", ""),
        ("<ChecksumSHA256/><ChecksumType>FULL_OBJECT</ChecksumType>", ""),
    ],
    ids=["the usual one", "several", "of parts, by its end", "of parts, by its type", "empty"],
)
def test_a_copy_tells_the_digests_of_the_whole_file_and_no_other(told: str, digest: str) -> None:
    answer = response(200, COPY_RESULT.replace("</CopyObjectResult>", f"{told}</CopyObjectResult>"))
    assert copied(answer) == Copied("null", None, "e9", "now", digest)
    body = f"<CompleteMultipartUploadResult {XMLNS}><ETag>&quot;e9&quot;</ETag>{told}</CompleteMultipartUploadResult>"
    finished = complete_reply(response(200, body), "v1", doing=COPYING, at="now")
    assert finished == Copied("v1", None, "e9", "now", digest)


@pytest.mark.parametrize(
    "body",
    [
        "",
        COPY_RESULT[:-1],
        COPY_RESULT[:120],
        f"<CopyObjectResult {XMLNS}><ETag></ETag></CopyObjectResult>",
        f"<CopyObjectResult {XMLNS}></CopyObjectResult>",
        "<Other><ETag>e9</ETag></Other>",
        "<html>proxy</html>",
    ],
)
def test_a_200_without_the_promised_result_is_no_copy(body: str) -> None:
    assert copied(response(200, body, x_amz_request_id="4442")) == Failed(
        f"the copy: S3 answered 200 without the promised content ({len(body)} bytes, request 4442). "
        "It will be tried again",
        Cause.UNREADABLE,
    )


@pytest.mark.parametrize("status", [200, 403])
def test_errors_are_told_by_their_code_whatever_the_status(status: int) -> None:
    assert copied(error(status, "AccessDenied")) == Forbidden(
        "the copy is refused (AccessDenied, No., request 4442587FB7D0A2F9)"
    )


@pytest.mark.parametrize(
    ("status", "code", "reply"),
    [
        (404, "NoSuchKey", Gone()),
        (404, "NoSuchVersion", Gone()),
        (412, "PreconditionFailed", Overtaken()),
        (
            404,
            "NoSuchBucket",
            Failed(
                "the copy is refused (NoSuchBucket, No., request 4442587FB7D0A2F9). "
                "The bucket does not exist. Check its name with its owner",
                Cause.RECIPIENT_BUCKET,
            ),
        ),
        (
            403,
            "InvalidObjectState",
            Failed(
                "the copy is refused (InvalidObjectState, No., request 4442587FB7D0A2F9). "
                "The upload is archived. Its sender sends it again in the storage class STANDARD",
                Cause.UPLOAD_ARCHIVED,
            ),
        ),
        (
            503,
            "SlowDown",
            Failed(
                "the copy failed (SlowDown, No., request 4442587FB7D0A2F9). It will be tried again", Cause.THROTTLED
            ),
        ),
        (
            400,
            "ExpiredToken",
            Failed(
                "the copy failed (ExpiredToken, No., request 4442587FB7D0A2F9). "
                "The function's credentials are not valid any more. It will be tried again",
                Cause.CREDENTIALS,
            ),
        ),
    ],
)
def test_an_error_is_told_by_its_code(status: int, code: str, reply: Reply) -> None:
    assert copied(error(status, code)) == reply


@pytest.mark.parametrize(
    ("status", "cause"), [(503, Cause.THROTTLED), (429, Cause.THROTTLED), (409, Cause.CONFLICT), (500, Cause.UNWELL)]
)
def test_without_a_body_the_status_tells_the_class(status: int, cause: Cause) -> None:
    reply = copied(response(status))
    assert isinstance(reply, Failed)
    assert (reply.cause, reply.under_way) == (cause, False)


def test_an_error_that_quotes_a_key_that_xml_cannot_carry_is_still_read() -> None:
    assert copied(error(404, "NoSuchKey", key="orders/\x01")) == Gone()
    assert copied(error(200, "AccessDenied", "You &amp; I", key="orders/\x01")) == Forbidden(
        "the copy is refused (AccessDenied, You & I, request 4442587FB7D0A2F9)"
    )


def test_an_error_without_a_body_is_told_by_its_status() -> None:
    assert copied(response(403)) == Forbidden("the copy is refused (403)")
    assert copied(response(412)) == Overtaken()
    for status in (502, 504):
        unanswered = f"the copy: no answer from S3 ({status}). It will be tried again"
        assert copied(response(status, "<html>bad gateway</html>")) == Failed(
            unanswered, Cause.NO_ANSWER, under_way=True
        )
        assert copied(response(status, "<Error><Code>InternalError</Code></Error>")) == Failed(
            "the copy failed (InternalError). It will be tried again", Cause.UNWELL
        )
    assert copied(response(500, "<html>")) == Failed("the copy failed (500). It will be tried again")


def test_without_an_answer_s3_may_carry_the_request_out_even_now() -> None:
    assert copied(Response(None, {}, b"", fault="silent for 30 s")) == Failed(
        "the copy: no answer from S3 (silent for 30 s). It will be tried again", Cause.NO_ANSWER, under_way=True
    )


@pytest.mark.parametrize("named", [{}, {"x_amz_version_id": "null"}])
def test_a_version_null_is_known_by_its_content_and_its_time(named: dict[str, str]) -> None:
    answer = response(200, etag='"e1"', last_modified="Mon, 02 Nov 2026 09:00:00 GMT", **named)
    reading = Attempt("reading", Where.UPLOAD)
    assert head_reply(answer, doing=reading) == Current("null", "e1", "2026-11-02T09:00:00.000Z")
    assert head_reply(response(200, etag='"e1"', last_modified="now"), doing=reading) == Current("null", "e1", None)


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        ("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>", Versioning(is_on=True)),
        ("<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", Versioning(is_on=False)),
        ('<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>', Versioning(is_on=False)),
    ],
)
def test_only_a_hub_whose_versioning_is_on_keeps_versions(body: str, reply: Reply) -> None:
    assert versioning_reply(response(200, body), doing=Attempt("reading", Where.UPLOAD)) == reply
    assert not isinstance(
        versioning_reply(response(200, "<Other/>"), doing=Attempt("reading", Where.UPLOAD)), Versioning
    )


@pytest.mark.parametrize(("version_id", "current"), [("v1", Current("v1")), ("null", Current("null"))])
def test_a_head_tells_the_digests_of_the_whole_file_and_no_other(version_id: str, current: Current) -> None:
    reading = Attempt("reading", Where.UPLOAD)
    whole = {"x_amz_checksum_sha256": SHA256, "x_amz_checksum_type": "FULL_OBJECT"}
    of_parts = {"x_amz_checksum_sha256": f"{SHA256}-3", "x_amz_checksum_type": "COMPOSITE"}
    seen = [head_reply(response(200, x_amz_version_id=version_id, **told), doing=reading) for told in (whole, of_parts)]
    assert seen == [replace(current, digest=f"SHA256:{SHA256}"), current]


@pytest.mark.parametrize(("length", "size"), [("536870912000", 536_870_912_000), ("0", 0), ("", None), ("-5", None)])
def test_a_head_tells_how_many_bytes_there_are(length: str, size: int | None) -> None:
    for version_id in ("v1", "null"):
        told = response(200, x_amz_version_id=version_id, content_length=length)
        current = head_reply(told, doing=Attempt("reading", Where.UPLOAD))
        assert isinstance(current, Current)
        assert current.size_bytes == size


def test_a_head_tells_the_current_version() -> None:
    assert head_reply(response(200, x_amz_version_id="v1"), doing=Attempt("reading", Where.UPLOAD)) == Current("v1")
    assert head_reply(response(404), doing=Attempt("reading", Where.UPLOAD)) == Gone()
    assert head_reply(response(403), doing=Attempt("reading", Where.UPLOAD)) == Forbidden(
        "reading is refused (403)", Cause.HUB_DENIED
    )


@pytest.mark.parametrize(
    ("headers", "reply"),
    [
        ({"last_modified": "Mon, 02 Nov 2026 10:00:00 GMT"}, Gone()),  # what AWS promises
        ({"x_amz_delete_marker": "true"}, Gone()),
        ({"x_amz_delete_marker": "true", "last_modified": "Mon, 02 Nov 2026 10:00:00 GMT"}, Gone()),
        (
            {"x_amz_delete_marker": "false"},
            Failed("reading is refused (405). S3 does not allow the operation there", Cause.HUB_REQUEST),
        ),
        ({}, Failed("reading is refused (405). S3 does not allow the operation there", Cause.HUB_REQUEST)),
    ],
)
def test_a_delete_marker_that_is_asked_for_by_its_id_is_gone_and_a_bare_405_proves_nothing(
    headers: dict[str, str], reply: Reply
) -> None:
    assert head_reply(response(405, **headers), doing=Attempt("reading", Where.UPLOAD)) == reply


def test_a_time_proves_nothing_with_another_status() -> None:
    refused = response(403, last_modified="Mon, 02 Nov 2026 10:00:00 GMT")
    told = Forbidden("reading is refused (403)", Cause.HUB_DENIED)
    assert head_reply(refused, doing=Attempt("reading", Where.UPLOAD)) == told


def test_a_delete_is_done_only_with_204() -> None:
    assert delete_reply(response(204), doing=Attempt("retiring", Where.PLATFORM)) == Retired()
    assert delete_reply(error(412, "PreconditionFailed"), doing=Attempt("retiring", Where.PLATFORM)) == Overtaken()
    assert delete_reply(error(404, "NoSuchKey"), doing=Attempt("retiring", Where.PLATFORM)) == Gone()
    assert delete_reply(response(200), doing=Attempt("retiring", Where.PLATFORM)) == Failed(
        "retiring failed (200). It will be tried again"
    )


def test_receipts_are_written_only_with_an_etag() -> None:
    assert put_reply(response(200, etag='"e"'), doing=Attempt("writing", Where.PLATFORM)) == Written()
    assert put_reply(response(200), doing=Attempt("writing", Where.PLATFORM)) == Failed(
        "writing: S3 answered 200 without the promised content (0 bytes). It will be tried again",
        Cause.UNREADABLE,
    )
    assert put_reply(error(403, "AccessDenied"), doing=Attempt("writing", Where.PLATFORM)) == Forbidden(
        "writing is refused (AccessDenied, No., request 4442587FB7D0A2F9)", Cause.HUB_DENIED
    )


def deleted(answer: Response, *keys: str) -> StoreAnswer:
    return delete_all_reply(answer, tuple(Retire(key, "e") for key in keys), doing=Attempt("retiring", Where.PLATFORM))


UNACCOUNTED = Failed(
    "retiring: S3 answered 200 without the promised content (0 bytes). It will be tried again",
    Cause.UNREADABLE,
)


def test_every_key_of_a_delete_is_accounted_for() -> None:
    errors = {
        "b": "PreconditionFailed",
        "c": "412 Precondition Failed",
        "d": "NoSuchKey",
        "e": "Not Found",
        "f": "AccessDenied",
        "g": "InternalError",
        "h": "NotImplemented",
    }
    body = f"{PROLOG}<DeleteResult {XMLNS}>"
    body += "<Deleted><Key>a &amp; &lt;a&gt;</Key><DeleteMarker>true</DeleteMarker></Deleted>"
    body += "".join(f"<Error><Key>{k}</Key><Code>{c}</Code><Message>No.</Message></Error>" for k, c in errors.items())
    answer = deleted(response(200, body + "</DeleteResult>"), "a & <a>", "b", "c", "d", "e", "f", "g", "h", "left out")
    assert answer == RetiredAll(
        (
            Retired(),
            Overtaken(),
            Overtaken(),
            Gone(),
            Gone(),
            Forbidden("retiring is refused (AccessDenied, No.)", Cause.HUB_DENIED),
            Failed("retiring failed (InternalError, No.). It will be tried again"),
            Failed(
                "retiring is refused (NotImplemented, No.). This S3 does not know a condition that the mover relies on",
                Cause.HUB_REQUEST,
            ),
            Failed(
                f"retiring: S3 answered 200 without the promised content ({len(body) + 15} bytes). "
                "It will be tried again",
                Cause.UNREADABLE,
            ),
        )
    )


def test_an_empty_or_truncated_answer_to_a_delete_retires_nothing() -> None:
    assert deleted(response(200), "a", "b") == RetiredAll((UNACCOUNTED, UNACCOUNTED))
    cut = "<DeleteResult><Deleted><Key>a</Key></Deleted>"
    assert deleted(response(200, cut), "a") == RetiredAll(
        (
            Failed(
                "retiring: S3 answered 200 without the promised content (45 bytes). It will be tried again",
                Cause.UNREADABLE,
            ),
        )
    )


def test_a_delete_refused_as_a_whole_is_one_answer() -> None:
    assert deleted(error(200, "AccessDenied"), "a", "b") == Forbidden(
        "retiring is refused (AccessDenied, No., request 4442587FB7D0A2F9)", Cause.HUB_DENIED
    )


def listed(*items: str, key: str = "orders/a", encoded: bool = True, more: str = "") -> Reply | MoreVersions:
    encoding = "<EncodingType>url</EncodingType>" if encoded else ""
    body = f"{PROLOG}<ListVersionsResult {XMLNS}>{encoding}{more}{''.join(items)}</ListVersionsResult>"
    return versions_reply(response(200, body), key, doing=Attempt("listing", Where.PLATFORM))


def found(number: str) -> HubVersion:
    return HubVersion(number, f"e-{number}", 5, "2026-11-02T09:00:00.000Z")


def test_the_newest_version_is_the_first_of_exactly_this_key() -> None:
    a, longer = version("orders/a", "v2", latest=True), version("orders/ab", "v9", latest=True)
    assert listed(a, version("orders/a", "v1", latest=False), longer) == Versions(found("v2"), current=True)
    assert listed(longer) == Versions(None, current=False)


def test_a_marker_on_top_hides_the_newest_version() -> None:
    hidden = listed(marker("orders/a", latest=True), version("orders/a", "v1", latest=False))
    assert hidden == Versions(found("v1"), current=False)
    below = listed(version("orders/a", "v2", latest=True), marker("orders/a", latest=False))
    assert below == Versions(found("v2"), current=True)
    assert listed(marker("orders/a", latest=True)) == Versions(None, current=False)


@pytest.mark.parametrize(
    ("written", "encoded", "key"),
    [
        ("orders/a+b%2Bc%0A%01%25", True, "orders/a b+c\n\x01%"),
        ("orders/%E2%82%AC", True, "orders/€"),
        ("orders/a+b%2B", False, "orders/a+b%2B"),
    ],
)
def test_keys_in_a_listing_are_decoded_if_it_says_that_they_are_encoded(written: str, encoded: bool, key: str) -> None:
    assert listed(version(written, "v1", latest=True), key=key, encoded=encoded) == Versions(found("v1"), current=True)


def test_an_empty_listing_that_does_not_say_how_it_encodes_keys_tells_nothing() -> None:
    reply = listed(version("orders/ab", "v9", latest=True), encoded=False)
    assert isinstance(reply, Failed)
    assert reply.cause is Cause.UNREADABLE


def test_a_page_of_markers_only_asks_for_the_next_page() -> None:
    more = (
        "<IsTruncated>true</IsTruncated><NextKeyMarker>orders/a</NextKeyMarker>"
        "<NextVersionIdMarker>m7</NextVersionIdMarker>"
    )
    assert listed(marker("orders/a", latest=True), more=more) == MoreVersions("orders/a", "m7")
    past = more.replace("orders/a", "orders/ab")
    assert listed(marker("orders/a", latest=True), more=past) == Versions(None, current=False)


def test_an_unreadable_listing_is_no_empty_listing() -> None:
    assert versions_reply(response(200), "orders/a", doing=Attempt("listing", Where.PLATFORM)) == Failed(
        "listing: S3 answered 200 without the promised content (0 bytes). It will be tried again",
        Cause.UNREADABLE,
    )
