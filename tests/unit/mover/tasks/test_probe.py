"""The mover's probe: what it tries, in which order, and what it makes of S3's answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from data_exports.contract.settings import BucketSettings
from data_exports.mover.settings import Settings
from data_exports.mover.tasks.probe import probe
from data_exports.mover.wire.http_connection import OnResponse
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import S3Request
from tests.unit.mover.environment import delivering_to
from tests.unit.mover.s3_alone import S3Alone

SETTINGS = Settings(
    dataset="orders",
    hub_bucket="hub-bucket",
    hub_account="593291632749",
    destination=BucketSettings(target_bucket="cp-orders", target_account="754256621582"),
    keep_files=False,
    log_bucket="hub-bucket-log",
    mover_version="0123456789abcdef",
    largest_copy_bytes=1,
    region="eu-west-1",
    endpoint_url=None,
)
KEY = "arn:aws:kms:eu-west-1:754256621582:key/11111111-2222-3333-4444-555555555555"
STARTED = b"<InitiateMultipartUploadResult><UploadId>up-1</UploadId></InitiateMultipartUploadResult>"

Answering = Callable[[S3Request], Response]


def refused(code: str, message: str = "no", status: int = 403) -> Response:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    return Response(status, {"x-amz-request-id": "R1"}, body)


@dataclass
class Stand(S3Alone):
    """A recipient that answers as it is told, and remembers what it was asked."""

    answering: Answering
    asked: list[S3Request] = field(default_factory=list)

    answers: list[Callable[[], None]] = field(default_factory=list)
    service = "S3"

    def send(self, request: S3Request, on_response: OnResponse, *, after_seconds: float = 0) -> None:
        del after_seconds
        self.asked.append(request)
        self.answers.append(lambda: on_response(self.answering(request)))

    def run_once(self) -> None:
        self.answers.pop(0)()

    def drop(self) -> None:
        self.answers.clear()

    def close_idle(self) -> None: ...
    def close(self) -> None: ...


def willing(request: S3Request) -> Response:
    """A recipient who has put everything in place."""
    if request.operation == "CreateMultipartUpload":
        return Response(200, {}, STARTED)
    if request.operation == "AbortMultipartUpload" and "no-such" in str(request.query):
        return refused("NoSuchUpload", status=404)
    return Response(204 if request.method == "DELETE" else 200, {}, b"")


def tried(answering: Answering, **settings: Any) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """What → verdict and code; and the operations in their order."""
    stand = Stand(answering)
    answer = probe(delivering_to(SETTINGS, **settings), stand)
    return (
        {each.what: (each.verdict.value, each.code) for each in answer.tries},
        [request.operation for request in stand.asked],
    )


ALL_GOOD = dict.fromkeys(("put", "tag", "acl", "start parts", "part", "abort"), ("allowed", ""))


def test_a_recipient_who_is_ready_is_asked_five_times_and_keeps_one_object() -> None:
    facts, asked = tried(willing)
    assert facts == ALL_GOOD
    assert asked == [
        "PutObject",
        "AbortMultipartUpload",
        "CreateMultipartUpload",
        "UploadPart",
        "AbortMultipartUpload",
    ]


def test_every_request_is_for_the_documented_key_names_the_owner_and_never_replaces() -> None:
    stand = Stand(willing)
    answer = probe(delivering_to(SETTINGS, target_kms_key=KEY), stand)
    assert answer.key == "orders/.exports-probe"
    assert {(each.bucket, each.key) for each in stand.asked} == {("cp-orders", "orders/.exports-probe")}
    assert {(each.headers or {}).get("x-amz-expected-bucket-owner") for each in stand.asked} == {"754256621582"}
    put = stand.asked[0].headers or {}
    assert (put["if-none-match"], put["x-amz-acl"], put["x-amz-tagging"]) == (
        "*",
        "bucket-owner-full-control",
        "exports=probe",
    )
    assert put["x-amz-server-side-encryption-aws-kms-key-id"] == KEY


def test_an_object_that_is_there_already_proves_the_right_to_write() -> None:
    def there_already(request: S3Request) -> Response:
        return refused("PreconditionFailed", status=412) if request.operation == "PutObject" else willing(request)

    assert tried(there_already)[0] == ALL_GOOD


@pytest.mark.parametrize(("header", "lacking"), [("x-amz-tagging", "tag"), ("x-amz-acl", "acl")])
def test_a_right_that_is_missing_alone_is_found(header: str, lacking: str) -> None:
    def without_one(request: S3Request) -> Response:
        return refused("AccessDenied") if header in (request.headers or {}) else willing(request)

    facts, _ = tried(without_one)
    assert facts[lacking] == ("refused", "AccessDenied")
    assert [what for what, (verdict, _) in facts.items() if verdict == "refused"] == [lacking, "start parts"]


def test_an_upload_in_parts_that_could_not_be_aborted_is_not_begun() -> None:
    def no_abort(request: S3Request) -> Response:
        return refused("AccessDenied") if request.operation == "AbortMultipartUpload" else willing(request)

    facts, asked = tried(no_abort)
    assert facts["abort"] == ("refused", "AccessDenied")
    assert asked == ["PutObject", "AbortMultipartUpload"]


def test_a_bucket_that_is_somebody_elses_is_told_from_one_that_lets_us_out() -> None:
    def others(request: S3Request) -> Response:
        named = "x-amz-expected-bucket-owner" in (request.headers or {})
        return refused("AccessDenied") if named else willing(request)

    facts, asked = tried(others)
    assert facts["owner"] == ("refused", "WrongOwner")
    assert asked[-2:] == ["AbortMultipartUpload"] * 2
    assert tried(lambda _: refused("AccessDenied"))[0]["owner"] == ("unknown", "AccessDenied")
    assert "owner" not in tried(lambda _: refused("AccessDenied"), target_account=None)[0]


def test_nothing_is_written_to_a_bucket_whose_owner_is_not_named_in_the_request() -> None:
    stand = Stand(lambda _: refused("AccessDenied"))
    probe(SETTINGS, stand)
    unnamed = [each.operation for each in stand.asked if "x-amz-expected-bucket-owner" not in (each.headers or {})]
    assert unnamed == ["AbortMultipartUpload"]


def test_a_key_that_may_not_be_used_is_told_from_a_bucket_that_may_not_be_written() -> None:
    def no_key(request: S3Request) -> Response:
        encrypted = (request.headers or {}).get("x-amz-server-side-encryption") == "aws:kms"
        return (
            refused("AccessDenied", "not authorized to perform: kms:GenerateDataKey") if encrypted else willing(request)
        )

    facts, _ = tried(no_key, target_kms_key=KEY)
    assert facts == {
        "put": ("allowed", ""),
        "tag": ("allowed", ""),
        "acl": ("allowed", ""),
        "key": ("refused", "AccessDenied"),
        "abort": ("allowed", ""),
        "start parts": ("refused", "AccessDenied"),
    }
    assert tried(willing, target_kms_key=KEY)[0] == ALL_GOOD | {"key": ("allowed", "")}


def test_a_bucket_that_does_not_exist_is_told_once() -> None:
    facts, _ = tried(lambda _: refused("NoSuchBucket", status=404))
    assert facts == {"put": ("refused", "NoSuchBucket"), "abort": ("refused", "NoSuchBucket")}


@pytest.mark.parametrize(
    "answer",
    [Response(None, {}, b"", fault="AWS_IO_SOCKET_CLOSED"), Response(503, {}, b""), refused("SlowDown", status=503)],
)
def test_an_answer_that_tells_nothing_is_asked_for_again_and_is_no_verdict(answer: Response) -> None:
    facts, asked = tried(lambda _: answer)
    assert {verdict for verdict, _ in facts.values()} == {"unknown"}
    assert asked == ["PutObject"] * 3 + ["AbortMultipartUpload"] * 3


@pytest.mark.parametrize(
    ("code", "verdict"), [("AccessDenied", "refused"), ("MethodNotAllowed", "refused"), ("InternalError", "unknown")]
)
def test_an_error_in_a_200_is_an_error(code: str, verdict: str) -> None:
    facts, _ = tried(lambda _: Response(200, {}, f"<Error><Code>{code}</Code></Error>".encode()))
    assert facts["put"] == (verdict, code)


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "NeverHeardOf"])
def test_what_is_not_the_recipients_to_mend_is_no_refusal_of_theirs(code: str) -> None:
    facts, _ = tried(lambda _: refused(code))
    assert facts["put"] == ("unknown", code)


@pytest.mark.parametrize(("status", "asked"), [(None, 1), (500, 1), (503, 3)])
def test_a_start_that_may_have_begun_an_upload_is_not_tried_again(status: int | None, asked: int) -> None:
    def answering(request: S3Request) -> Response:
        return Response(status, {}, b"") if request.operation == "CreateMultipartUpload" else willing(request)

    _, operations = tried(answering)
    assert operations.count("CreateMultipartUpload") == asked
