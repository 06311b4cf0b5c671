"""Store over HTTP: what is sent to S3, byte for byte, and that real answers, good and broken, are read right."""

import base64
import re
import zlib
from contextlib import closing
from dataclasses import replace
from xml.sax.saxutils import escape

import pytest

from data_exports.contract.causes import Cause
from data_exports.mover.places.store import open_store
from data_exports.mover.rules.hub_version import HubVersion
from data_exports.mover.rules.protocol import (
    Call,
    Copied,
    Copy,
    CopyVersion,
    Current,
    Failed,
    Forbidden,
    Gone,
    HeadObject,
    ListVersions,
    Overtaken,
    PutReceipts,
    Retire,
    RetireAll,
    Retired,
    RetiredAll,
    StoreAnswer,
    Versions,
    Written,
)
from data_exports.mover.wire.transport import S3Request, Transport, _address
from tests.unit.mover.environment import SETTINGS, delivering_to
from tests.unit.mover.loopback import Played, serving
from tests.unit.mover.places.answers import COPY_RESULT, XMLNS, marker, version
from tests.unit.mover.places.played import (
    CREDENTIALS,
    GOOD_COPY,
    ODD_KEY,
    ODD_PATH,
    OWNERS,
    Impatient,
    ask,
    error,
    sent,
)

COPY_HEADERS = {
    "x-amz-copy-source": f"/mojap-hub-exports{ODD_PATH}",
    "x-amz-copy-source-if-match": '"e1"',
    "x-amz-source-expected-bucket-owner": "593291632749",
    "x-amz-expected-bucket-owner": "754256621582",
    "x-amz-acl": "bucket-owner-full-control",
    "x-amz-object-annotation-directive": "EXCLUDE",
    "x-amz-server-side-encryption": "AES256",
    "content-length": "0",
}


def test_a_copy_is_conditional_and_names_both_owners() -> None:
    with serving(GOOD_COPY) as server:
        assert ask(server, Copy(ODD_KEY, "e1")) == Copied("v1", "t1", "e9", "now")
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("PUT", f"/recipient-bucket{ODD_PATH}", b"")
    assert sent(asked) == COPY_HEADERS
    assert asked.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert asked.headers["x-amz-security-token"] == "token-of-nobody"


def test_a_recipient_whose_account_is_unknown_is_not_checked() -> None:
    with serving(GOOD_COPY) as server:
        ask(server, Copy(ODD_KEY, "e1"), SETTINGS)
    headers = dict(COPY_HEADERS)
    del headers["x-amz-expected-bucket-owner"]
    assert sent(server.asked[0]) == headers


def test_a_recipients_key_encrypts_the_copy() -> None:
    arn = "arn:aws:kms:eu-west-1:754256621582:key/1"
    with serving(GOOD_COPY) as server:
        ask(server, Copy(ODD_KEY, "e1"), delivering_to(OWNERS, target_kms_key=arn))
    assert sent(server.asked[0]) == {
        **COPY_HEADERS,
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": arn,
    }


def test_a_version_is_copied_without_a_condition() -> None:
    with serving(GOOD_COPY) as server:
        assert ask(server, CopyVersion(ODD_KEY, "v+1/=")) == Copied("v1", "t1", "e9", "now")
    headers = {**COPY_HEADERS, "x-amz-copy-source": f"/mojap-hub-exports{ODD_PATH}?versionId=v%2B1%2F%3D"}
    del headers["x-amz-copy-source-if-match"]
    assert sent(server.asked[0]) == headers


def test_a_head_asks_the_hub() -> None:
    with serving(Played(200, b"", (("x-amz-version-id", "v1"),)), Played(404), Played(403)) as server:
        assert ask(server, HeadObject(ODD_KEY)) == Current("v1")
        assert ask(server, HeadObject(ODD_KEY)) == Gone()
        assert ask(server, HeadObject("orders/a")) == Forbidden(
            "reading 'orders/a' in the hub is refused (403)", Cause.HUB_DENIED
        )
    assert (server.asked[0].method, server.asked[0].path) == ("HEAD", f"/mojap-hub-exports{ODD_PATH}")
    assert sent(server.asked[0]) == {"x-amz-expected-bucket-owner": "593291632749"}


def test_one_key_is_retired_on_condition() -> None:
    with serving(Played(204), error(412, "PreconditionFailed"), error(404, "NoSuchKey")) as server:
        answers = [ask(server, Retire(ODD_KEY, "e1")) for _ in range(3)]
    assert answers == [Retired(), Overtaken(), Gone()]
    assert (server.asked[0].method, server.asked[0].path) == ("DELETE", f"/mojap-hub-exports{ODD_PATH}")
    assert sent(server.asked[0]) == {"if-match": '"e1"', "x-amz-expected-bucket-owner": "593291632749"}


def test_many_keys_are_retired_on_condition_with_a_checksum() -> None:
    odd = "orders/a b+c%d&<é>€\"'"
    body = f"<DeleteResult {XMLNS}><Deleted><Key>{escape(odd)}</Key></Deleted></DeleteResult>"
    with serving(Played(200, body.encode())) as server:
        assert ask(server, RetireAll((Retire(odd, "e1"),))) == RetiredAll((Retired(),))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/mojap-hub-exports/?delete=")
    assert asked.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Delete {XMLNS}><Object><Key>orders/a b+c%d&amp;&lt;é&gt;€\"'</Key>"
        "<ETag>&quot;e1&quot;</ETag></Object></Delete>"
    )
    assert sent(asked) == {
        "content-type": "application/xml",
        "content-length": str(len(asked.body)),
        "x-amz-checksum-crc32": base64.b64encode(zlib.crc32(asked.body).to_bytes(4, "big")).decode(),
        "x-amz-expected-bucket-owner": "593291632749",
    }


def deleted(*keys: str, **errors: str) -> Played:
    """What DeleteObjects answers: these keys are retired, those met an error."""
    items = [f"<Deleted><Key>orders/{key}</Key></Deleted>" for key in keys]
    items += [f"<Error><Key>orders/{key}</Key><Code>{code}</Code></Error>" for key, code in errors.items()]
    return Played(200, f"<DeleteResult {XMLNS}>{''.join(items)}</DeleteResult>".encode())


def test_of_many_keys_those_that_failed_for_a_moment_are_retired_again_without_the_others() -> None:
    retires = tuple(Retire(f"orders/{key}", f"e-{key}") for key in "abcd")
    first = deleted("a", b="SlowDown", c="AccessDenied", d="InternalError")
    with serving(first, error(503, "SlowDown"), deleted("d", b="SlowDown"), deleted("b")) as server:
        answer = ask(server, RetireAll(retires))
    assert isinstance(answer, RetiredAll)
    assert [type(reply) for reply in answer.replies] == [Retired, Retired, Forbidden, Retired]
    keys = [re.findall("<Key>orders/(.)</Key>", asked.body.decode()) for asked in server.asked]
    assert keys == [["a", "b", "c", "d"], ["b", "d"], ["b", "d"], ["b"]]
    assert all("<ETag>&quot;e-b&quot;</ETag>" in asked.body.decode() for asked in server.asked)


def test_a_key_is_retired_six_times_at_most() -> None:
    with serving(deleted(a="SlowDown")) as server:
        answer = ask(server, RetireAll((Retire("orders/a", "e1"),)))
    assert isinstance(answer, RetiredAll)
    (reply,) = answer.replies
    assert isinstance(reply, Failed)
    assert reply.cause is Cause.THROTTLED
    assert len(server.asked) == 6


def test_versions_are_listed_page_after_page() -> None:
    first = (
        f"<ListVersionsResult {XMLNS}><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
        f"<NextKeyMarker>orders/a%0Ab</NextKeyMarker><NextVersionIdMarker>m 1</NextVersionIdMarker>"
        f"{marker('orders/a%0Ab', latest=True)}</ListVersionsResult>"
    )
    second = (
        f"<ListVersionsResult {XMLNS}><EncodingType>url</EncodingType>"
        f"{version('orders/a%0Ab', 'v1', latest=False)}</ListVersionsResult>"
    )
    with serving(Played(200, first.encode()), Played(200, second.encode())) as server:
        answer = ask(server, ListVersions("orders/a\nb"))
    assert answer == Versions(HubVersion("v1", "e-v1", 5, "2026-11-02T09:00:00.000Z"), current=False)
    path = "/mojap-hub-exports/?encoding-type=url&"
    what = "max-keys=100&prefix=orders%2Fa%0Ab"
    assert [asked.path for asked in server.asked] == [
        f"{path}{what}&versions=",
        f"{path}key-marker=orders%2Fa%0Ab&{what}&version-id-marker=m%201&versions=",
    ]
    assert sent(server.asked[0]) == {"x-amz-expected-bucket-owner": "593291632749"}


def test_receipts_go_to_the_log_bucket() -> None:
    with serving(Played(200, b"", (("etag", '"e"'),))) as server:
        assert ask(server, PutReceipts("deliveries/dataset=orders/x.jsonl.gz", b"zipped")) == Written()
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PUT", "/exports-logs/deliveries/dataset%3Dorders/x.jsonl.gz")
    assert asked.body == b"zipped"
    assert sent(asked) == {
        "content-type": "application/gzip",
        "content-length": "6",
        "x-amz-checksum-crc32": base64.b64encode(zlib.crc32(b"zipped").to_bytes(4, "big")).decode(),
        "x-amz-expected-bucket-owner": "593291632749",
    }


COPYING = "the copy from s3://mojap-hub-exports to s3://recipient-bucket"


def not_promised(size: int) -> Failed:
    return Failed(
        f"{COPYING}: S3 answered 200 without the promised content ({size} bytes). It will be tried again",
        Cause.UNREADABLE,
    )


EXPIRED = "The function's credentials are not valid any more. "
CLOCK_IS_OFF = "The function's clock is off by more than 15 minutes. "


def passing(said: str, cause: Cause, advice: str = "") -> Failed:
    return Failed(f"{COPYING} failed ({said}). {advice}It will be tried again", cause)


@pytest.mark.parametrize(
    ("played", "answer"),
    [
        (Played(200), not_promised(0)),
        (Played(200, COPY_RESULT[:100].encode()), not_promised(100)),
        (error(200, "AccessDenied"), Forbidden(f"{COPYING} is refused (AccessDenied, No.)")),
        (error(403, "AccessDenied"), Forbidden(f"{COPYING} is refused (AccessDenied, No.)")),
        (error(412, "PreconditionFailed"), Overtaken()),
        (error(404, "NoSuchKey"), Gone()),
        (error(409, "OperationAborted"), passing("OperationAborted, No.", Cause.CONFLICT)),
        (error(429, "TooManyRequests"), passing("TooManyRequests, No.", Cause.THROTTLED)),
        (error(503, "SlowDown"), passing("SlowDown, No.", Cause.THROTTLED)),
        (error(500, "InternalError"), passing("InternalError, No.", Cause.UNWELL)),
        (error(200, "InternalError"), passing("InternalError, No.", Cause.UNWELL)),
        (
            error(403, "RequestTimeTooSkewed"),
            passing("RequestTimeTooSkewed, No.", Cause.CLOCK, CLOCK_IS_OFF),
        ),
        (error(400, "ExpiredToken"), passing("ExpiredToken, No.", Cause.CREDENTIALS, EXPIRED)),
        (
            replace(GOOD_COPY, cut=50),
            Failed(
                f"{COPYING}: no answer from S3 (connection closed after 287 bytes of an answer). "
                "It will be tried again",
                Cause.NO_ANSWER,
                under_way=True,
            ),
        ),
    ],
    ids=[
        *["empty 200", "truncated 200", "200 with an error", "403", "412", "404", "409", "429", "503", "500"],
        *["200 with InternalError", "clock", "expired", "connection lost in the answer"],
    ],
)
def test_a_copy_is_sent_once_and_only_a_real_one_passes_for_one(played: Played, answer: StoreAnswer) -> None:
    with serving(played) as server:
        assert ask(server, Copy("orders/a", "e1")) == answer
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "played",
    [
        error(503, "SlowDown"),
        error(500, "InternalError"),
        error(409, "OperationAborted"),
        error(429, "TooManyRequests"),
        Played(200),
        replace(Played(200, b"x" * 100), cut=50),
    ],
    ids=["503", "500", "409", "429", "empty 200", "connection lost in the answer"],
)
def test_any_other_call_that_fails_for_a_moment_is_made_again(played: Played) -> None:
    with serving(played, Played(200, b"", (("etag", '"e"'),))) as server:
        assert ask(server, PutReceipts("deliveries/x", b"zipped")) == Written()
    assert [asked.body for asked in server.asked] == [b"zipped", b"zipped"]


def test_a_call_is_made_six_times_at_most() -> None:
    with serving(error(503, "SlowDown")) as server:
        assert ask(server, Retire("orders/a", "e1")) == Failed(
            "retiring from s3://mojap-hub-exports failed (SlowDown, No.). It will be tried again",
            Cause.THROTTLED,
        )
    assert len(server.asked) == 6


def test_a_call_that_time_does_not_help_is_made_once() -> None:
    with serving(error(404, "NoSuchBucket")) as server:
        ask(server, Retire("orders/a", "e1"))
    assert len(server.asked) == 1


@pytest.mark.parametrize("call", [Copy("orders/a", "e1", tries=1), CopyVersion("orders/a", "v1", tries=1)], ids=str)
def test_a_copy_that_was_tried_before_is_sent_after_a_little_while(call: Call) -> None:
    with serving(GOOD_COPY) as server:
        assert ask(server, call) == Copied("v1", "t1", "e9", "now")
    assert len(server.asked) == 1


def test_an_answer_that_reading_stumbles_over_is_a_failure_and_not_a_silence() -> None:
    body = f"<ListVersionsResult {XMLNS}><Version><Key>orders/a</Key><Size>many</Size></Version></ListVersionsResult>"
    with serving(Played(200, body.encode())) as server:
        assert ask(server, ListVersions("orders/a")) == Failed(
            "S3's answer could not be read: ValueError: invalid literal for int() with base 10: 'many'",
            Cause.UNREADABLE,
        )


@pytest.mark.parametrize(
    ("bucket", "region", "endpoint", "address"),
    [
        ("b", "eu-west-1", None, ("https", "b.s3.eu-west-1.amazonaws.com", "/k%20")),
        ("b.c", "eu-west-1", None, ("https", "s3.eu-west-1.amazonaws.com", "/b.c/k%20")),
        ("b", "eu-west-1", "http://127.0.0.1:4566", ("http", "127.0.0.1:4566", "/b/k%20")),
        ("b", "eu-west-1", "https://s3.example", ("https", "s3.example", "/b/k%20")),
    ],
)
def test_where_a_bucket_is_reached(bucket: str, region: str, endpoint: str | None, address: tuple[str, ...]) -> None:
    assert _address(S3Request("GetObject", "GET", bucket, "k "), region=region, endpoint_url=endpoint) == address


def test_answers_that_an_earlier_invocation_left_answer_nothing_of_the_next_one() -> None:
    """An invocation that ends by an error of ours leaves calls under way, and tags begin anew with each invocation."""
    with serving(GOOD_COPY, GOOD_COPY, error(403, "AccessDenied")) as server:
        settings = replace(OWNERS, endpoint_url=server.url)
        transport = Transport(region="eu-west-1", endpoint_url=server.url, connections=4, credentials=CREDENTIALS)
        with closing(open_store(settings, way=transport, rng=Impatient())) as store:
            store.begin(lambda: 60)
            store.send(Copy("orders/theirs", "e1"), 0)
            store.send(Copy("orders/theirs", "e1"), 1)
            store.wait()
            while len(server.asked) < 2:
                transport.run_once()
            store.begin(lambda: 60)
            store.send(Copy("orders/ours", "e2"), 0)
            tag, answer = store.wait()
    assert (tag, type(answer)) == (0, Forbidden)
    assert server.asked[-1].path == "/recipient-bucket/orders/ours"
