"""Copies in parts over HTTP: what is sent to S3, byte for byte, and how real answers, good and broken, are read."""

import json
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import repeat
from urllib.parse import quote

import pytest

from data_exports.contract.causes import Cause
from data_exports.mover.places.s3.destination import PART_LIMITS, PART_POLICY
from data_exports.mover.places.store import open_store
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Attributes,
    Call,
    Checkpoint,
    Checkpoints,
    CompleteUpload,
    Copied,
    CopiedPart,
    CopyPart,
    Failed,
    FindUploads,
    Forbidden,
    Gone,
    NoUpload,
    Part,
    ReadAttributes,
    ReadCheckpoints,
    RemoveCheckpoint,
    Removed,
    SaveCheckpoint,
    Started,
    StartUpload,
    StoreAnswer,
    Uploads,
    Written,
)
from data_exports.mover.settings import Settings
from data_exports.mover.time_left import KEPT_AFTER_COPIES, KEPT_AFTER_S3
from data_exports.mover.wire.http_connection import USUAL_LIMITS
from data_exports.mover.wire.transport import Transport
from tests.unit.mover.environment import delivering_to
from tests.unit.mover.loopback import Loopback, Played, serving
from tests.unit.mover.places.answers import XMLNS
from tests.unit.mover.places.played import CREDENTIALS, ODD_KEY, ODD_PATH, OWNERS, error, sent

CHECKPOINT = Checkpoint(ODD_KEY, "v+1", "u/1", 25, 10, (CopiedPart(1, "p1"),))
PART = CopyPart(ODD_KEY, "v+1/=", "u/1+", Part(3, 20, 24))
KMS = "arn:aws:kms:eu-west-1:754256621582:key/1"
GOOD_PART = Played(200, f'<CopyPartResult {XMLNS}><ETag>"p3"</ETag></CopyPartResult>'.encode())
COMPLETED = f'<CompleteMultipartUploadResult {XMLNS}><ETag>"te-3"</ETag></CompleteMultipartUploadResult>'.encode()


class AtOnce(random.Random):
    """Never waits."""

    def random(self) -> float:
        return 0.0


def ask(
    server: Loopback, call: Call, settings: Settings = OWNERS, *, clock: Iterator[float] | None = None
) -> StoreAnswer:
    transport = Transport(region="eu-west-1", endpoint_url=server.url, connections=4, credentials=CREDENTIALS)
    settings, clock = replace(settings, endpoint_url=server.url), clock or repeat(0.0)
    store = open_store(settings, way=transport, rng=AtOnce(), clock=lambda: next(clock))
    with closing(store):
        store.send(call, 7)
        tag, answer = store.wait()
    assert tag == 7
    return replace(answer, at="now") if isinstance(answer, Copied) else answer


def test_what_describes_a_file_and_its_tags_are_read_of_its_version() -> None:
    headers = (
        ("content-type", "text/csv"),
        ("cache-control", "no-cache"),
        ("etag", '"e1-3"'),
        ("last-modified", "Mon, 02 Nov 2026 09:00:00 GMT"),
        ("x-amz-meta-author", "=?UTF-8?Q?Zo=C3=AB?="),
        ("x-amz-meta-city", "citt\xc3\xa0"),  # its last byte is white space in Latin-1
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-amz-version-id", "v+1/="),
    )
    tags = f"<Tagging {XMLNS}><TagSet>{tag_of('class', 'top&amp;x=1')}{tag_of('a b', 'é')}</TagSet></Tagging>"
    with serving(Played(200, b"x" * 25, headers), Played(200, tags.encode())) as server:
        assert ask(server, ReadAttributes(ODD_KEY, "v+1/=")) == Attributes(
            (
                ("cache-control", "no-cache"),
                ("content-type", "text/csv"),
                ("x-amz-meta-author", "=?UTF-8?Q?Zo=C3=AB?="),
                ("x-amz-meta-city", "citt\xc3\xa0"),
                ("x-amz-storage-class", "STANDARD_IA"),
                ("x-amz-tagging", "class=top%26x%3D1&a%20b=%C3%A9"),
            )
        )
    hub = f"/mojap-hub-exports{ODD_PATH}"
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("HEAD", f"{hub}?versionId=v%2B1%2F%3D"),
        ("GET", f"{hub}?tagging=&versionId=v%2B1%2F%3D"),
    ]
    assert {asked.headers["x-amz-expected-bucket-owner"] for asked in server.asked} == {"593291632749"}


def tag_of(key: str, value: str) -> str:
    return f"<Tag><Key>{key}</Key><Value>{value}</Value></Tag>"


@pytest.mark.parametrize(
    ("answers", "reply"),
    [
        ([Played(404)], Gone()),
        ([Played(405, headers=(("Last-Modified", "Mon, 02 Nov 2026 10:00:00 GMT"),))], Gone()),  # a delete marker
        (
            [Played(200), error(403, "AccessDenied")],
            Forbidden("reading 'orders/a' in the hub is refused (AccessDenied, No.)", Cause.HUB_DENIED),
        ),
        ([Played(200), Played(200, f"<Tagging {XMLNS}><TagSet/></Tagging>".encode())], Attributes(())),
    ],
)
def test_attributes_that_are_missing_or_refused_are_told(answers: list[Played], reply: StoreAnswer) -> None:
    with serving(*answers) as server:
        answer = ask(server, ReadAttributes("orders/a", "v1"))
    described = [] if not isinstance(answer, Attributes) else [pair for pair in answer.headers if pair[0] != "date"]
    assert (answer if not described else Attributes(tuple(described))) == reply


def test_an_upload_begins_with_all_that_describes_the_file() -> None:
    attributes = Attributes(
        (("content-type", "text/csv"), ("x-amz-meta-author", "Zo\xc3\xab"), ("x-amz-tagging", "a=b"))
    )
    result = f"<InitiateMultipartUploadResult {XMLNS}><UploadId>u/1+</UploadId></InitiateMultipartUploadResult>"
    with serving(Played(200, result.encode())) as server:
        assert ask(server, StartUpload(ODD_KEY, attributes), delivering_to(OWNERS, target_kms_key=KMS)) == Started(
            "u/1+"
        )
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"/recipient-bucket{ODD_PATH}?uploads=")
    assert sent(asked) == {
        "content-type": "text/csv",
        "x-amz-meta-author": "Zo\xc3\xab",  # the bytes that the hub told
        "x-amz-tagging": "a=b",
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-expected-bucket-owner": "754256621582",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": KMS,
        "content-length": "0",
    }


@pytest.mark.parametrize(
    ("first", "cause"),
    [
        (Played(200, b"<InitiateMultipartUploadResult>"), Cause.UNREADABLE),
        (Played(200, b""), Cause.UNREADABLE),
        (Played(200, b"x" * 10, cut=5), Cause.NO_ANSWER),
        (error(500, "InternalError"), Cause.UNWELL),
    ],
)
def test_a_start_that_may_have_begun_an_upload_is_made_once(first: Played, cause: Cause) -> None:
    with serving(first) as server:
        answer = ask(server, StartUpload(ODD_KEY, Attributes(())))
    assert isinstance(answer, Failed)
    assert (answer.cause, len(server.asked)) == (cause, 1)


@pytest.mark.parametrize("refusal", [error(503, "SlowDown"), error(409, "OperationAborted")])
def test_a_start_that_s3_refused_for_a_moment_is_made_again(refusal: Played) -> None:
    result = b"<InitiateMultipartUploadResult><Key>t&#x7;</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
    with serving(refusal, Played(200, result)) as server:
        assert ask(server, StartUpload(ODD_KEY, Attributes(()))) == Started("u1")
    assert len(server.asked) == 2


OURS = "arn:aws:sts::593291632749:assumed-role/export_orders-move/export_orders-move"


def test_only_the_uploads_of_this_very_key_that_this_function_began_are_found() -> None:
    def upload(key: str, upload_id: str, initiator: str = OURS) -> str:
        named = f"<Key>{key}</Key><UploadId>{upload_id}</UploadId>"
        return f"<Upload>{named}<Initiator><ID>{initiator}</ID></Initiator></Upload>"

    key = quote(ODD_KEY)
    items = [
        upload(key, "u1"),
        upload(f"{key}x", "longer key"),
        upload(key, "theirs", "arn:aws:sts::754256621582:assumed-role/etl/etl"),
        upload(key, "another dataset's", OURS.replace("orders-move", "orders_private-move")),
        upload(key, "nobody's", ""),
        upload(key, "u2"),
    ]
    body = f"<ListMultipartUploadsResult><EncodingType>url</EncodingType>{''.join(items)}</ListMultipartUploadsResult>"
    settings = replace(OWNERS, function_name="export_orders-move")
    with serving(Played(200, body.encode())) as server:
        assert ask(server, FindUploads(ODD_KEY), settings) == Uploads(("u1", "u2"))
    (asked,) = server.asked
    assert (asked.method, asked.path) == (
        "GET",
        f"/recipient-bucket/?encoding-type=url&prefix={quote(ODD_KEY, safe='~')}&uploads=",
    )
    assert asked.headers["x-amz-expected-bucket-owner"] == "754256621582"


@pytest.mark.parametrize(
    ("played", "answer"),
    [
        (
            error(403, "AccessDenied"),
            Forbidden("listing uploads in parts in s3://recipient-bucket is refused (AccessDenied, No.)"),
        ),
        (Played(200, b"<ListMultipartUploadsResult/>"), Uploads(())),
    ],
)
def test_a_recipient_may_keep_its_uploads_to_itself(played: Played, answer: StoreAnswer) -> None:
    with serving(played) as server:
        assert ask(server, FindUploads(ODD_KEY)) == answer


def test_a_part_is_pinned_to_its_version_and_names_both_owners() -> None:
    with serving(GOOD_PART) as server:
        assert ask(server, PART) == CopiedPart(3, "p3")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PUT", f"/recipient-bucket{ODD_PATH}?partNumber=3&uploadId=u%2F1%2B")
    assert sent(asked) == {
        "x-amz-copy-source": f"/mojap-hub-exports{ODD_PATH}?versionId=v%2B1%2F%3D",
        "x-amz-copy-source-range": "bytes=20-24",
        "x-amz-source-expected-bucket-owner": "593291632749",
        "x-amz-expected-bucket-owner": "754256621582",
        "content-length": "0",
    }


@pytest.mark.parametrize(
    ("played", "answer"),
    [
        (error(404, "NoSuchUpload"), NoUpload()),
        (error(404, "NoSuchVersion"), Gone()),
        (
            error(403, "AccessDenied"),
            Forbidden(
                "the copy of part 3 from s3://mojap-hub-exports to s3://recipient-bucket is refused (AccessDenied, No.)"
            ),
        ),
        (
            error(404, "NoSuchBucket"),
            Failed(
                "the copy of part 3 from s3://mojap-hub-exports to s3://recipient-bucket is refused "
                "(NoSuchBucket, No.). The bucket does not exist. Check its name with its owner",
                Cause.RECIPIENT_BUCKET,
            ),
        ),
    ],
    ids=["no upload", "no version", "denied", "no bucket"],
)
def test_why_a_part_is_not_copied_is_told_by_its_code(played: Played, answer: StoreAnswer) -> None:
    with serving(played) as server:
        assert ask(server, PART) == answer
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "played",
    [
        error(503, "SlowDown"),
        error(200, "InternalError"),
        error(500, "InternalError"),
        Played(200),
        Played(200, GOOD_PART.body, cut=20),
        Played(200, f"<CopyPartResult {XMLNS}></CopyPartResult>".encode()),
    ],
    ids=["throttled", "200 with an error", "500", "empty 200", "cut off 200", "200 without an ETag"],
)
def test_a_part_that_is_not_copied_for_a_moment_is_copied_again(played: Played) -> None:
    with serving(played, GOOD_PART) as server:
        assert ask(server, PART) == CopiedPart(3, "p3")
    assert len(server.asked) == 2


def test_a_part_is_not_tried_again_when_a_try_could_outlast_the_function() -> None:
    with serving(error(503, "SlowDown")) as server:
        answer = ask(server, PART, clock=iter([0.0, 20.0, 59.0, 61.0]))
    assert len(server.asked) == 3
    assert isinstance(answer, Failed)
    assert answer.cause is Cause.THROTTLED


def test_a_part_may_be_silent_for_longer_than_other_calls_and_is_put_on_record_before_the_function_ends() -> None:
    assert PART_LIMITS.read_timeout_seconds > USUAL_LIMITS.read_timeout_seconds
    last = KEPT_AFTER_COPIES - KEPT_AFTER_S3 - PART_LIMITS.timeout_seconds
    assert last > PART_POLICY.seconds_kept > USUAL_LIMITS.read_timeout_seconds


def test_completion_lists_the_parts_and_sends_no_checksum_that_would_be_taken_for_the_files() -> None:
    parts = (CopiedPart(1, "p1"), CopiedPart(2, "p2"))
    with serving(Played(200, b"  \n" + COMPLETED, (("x-amz-version-id", "t1"),))) as server:
        assert ask(server, CompleteUpload(ODD_KEY, "v1", "u/1+", parts)) == Copied("v1", "t1", "te-3", "now")
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", f"/recipient-bucket{ODD_PATH}?uploadId=u%2F1%2B")
    assert asked.body.decode() == (
        f"<CompleteMultipartUpload {XMLNS}><Part><ETag>&quot;p1&quot;</ETag><PartNumber>1</PartNumber></Part>"
        "<Part><ETag>&quot;p2&quot;</ETag><PartNumber>2</PartNumber></Part></CompleteMultipartUpload>"
    )
    assert sent(asked) == {
        "content-type": "application/xml",
        "content-length": str(len(asked.body)),
        "x-amz-expected-bucket-owner": "754256621582",
    }


@pytest.mark.parametrize(
    ("played", "answer"),
    [
        (error(404, "NoSuchUpload"), NoUpload()),
        (error(400, "InvalidPart"), NoUpload()),
        (
            error(200, "AccessDenied"),
            Forbidden(
                "the copy in parts from s3://mojap-hub-exports to s3://recipient-bucket is refused (AccessDenied, No.)"
            ),
        ),
    ],
    ids=["no upload", "other parts", "200 with an error"],
)
def test_why_an_upload_is_not_completed_is_told_by_its_code(played: Played, answer: StoreAnswer) -> None:
    with serving(played) as server:
        assert ask(server, CompleteUpload("orders/a", "v1", "u1", ())) == answer


@pytest.mark.parametrize(
    "played",
    [error(200, "InternalError"), Played(200), Played(200, COMPLETED[:40])],
    ids=["200 with an error", "empty 200", "cut off 200"],
)
def test_a_completion_that_promises_nothing_is_asked_for_again(played: Played) -> None:
    with serving(played, Played(200, COMPLETED)) as server:
        answer = ask(server, CompleteUpload("orders/a", "v1", "u1", ()))
    assert answer == Copied("v1", None, "te-3", "now")


def test_an_upload_is_aborted_at_the_recipient() -> None:
    with serving(Played(204), error(404, "NoSuchUpload")) as server:
        assert [ask(server, AbortUpload(ODD_KEY, "u/1+")) for _ in range(2)] == [Removed(), NoUpload()]
    assert (server.asked[0].method, server.asked[0].path) == (
        "DELETE",
        f"/recipient-bucket{ODD_PATH}?uploadId=u%2F1%2B",
    )
    assert sent(server.asked[0]) == {"x-amz-expected-bucket-owner": "754256621582"}


def test_a_checkpoint_is_saved_found_and_removed_under_its_versions_folder() -> None:
    with serving(Played(200, b"", (("etag", '"e"'),))) as server:
        assert ask(server, SaveCheckpoint(CHECKPOINT)) == Written()
    (saved,) = server.asked
    # What an earlier mover knows of a checkpoint, and no more: should it be put back, it goes on with the copy.
    known = ["copied", "key", "part_bytes", "size_bytes", "upload_id", "version_id"]
    assert sorted(json.loads(saved.body)) == known
    assert (saved.method, saved.headers["x-amz-expected-bucket-owner"]) == ("PUT", "593291632749")
    folder, _, _ = saved.path.rpartition("/")
    assert folder.startswith("/exports-logs/checkpoints/dataset%3Dorders/")
    listed = f"<ListBucketResult {XMLNS}><Contents><Key>one.json</Key></Contents></ListBucketResult>".encode()
    with serving(Played(200, listed), Played(200, saved.body)) as server:
        assert ask(server, ReadCheckpoints(ODD_KEY, "v+1")) == Checkpoints((CHECKPOINT,))
    prefix = folder.removeprefix("/exports-logs/").replace("/", "%2F") + "%2F"
    assert [asked.path for asked in server.asked] == [
        f"/exports-logs/?list-type=2&prefix={prefix}",
        "/exports-logs/one.json",
    ]
    with serving(Played(204)) as server:
        assert ask(server, RemoveCheckpoint(CHECKPOINT)) == Removed()
    assert (server.asked[0].method, server.asked[0].path) == ("DELETE", saved.path)


def test_versions_and_uploads_have_checkpoints_of_their_own() -> None:
    names = set()
    for other in (
        CHECKPOINT,
        replace(CHECKPOINT, key="orders/b"),
        replace(CHECKPOINT, version_id="v2"),
        replace(CHECKPOINT, upload_id="u2"),
    ):
        with serving(Played(200, b"", (("etag", '"e"'),))) as server:
            ask(server, SaveCheckpoint(other))
        names.add(server.asked[0].path)
    assert len(names) == 4


def test_a_checkpoint_of_another_cloud_names_its_destination() -> None:
    there = replace(CHECKPOINT, destination="gs://hj-incoming")
    with serving(Played(200, b"", (("etag", '"e"'),))) as server:
        ask(server, SaveCheckpoint(there))
    (saved,) = server.asked
    listed = f"<ListBucketResult {XMLNS}><Contents><Key>one.json</Key></Contents></ListBucketResult>".encode()
    with serving(Played(200, listed), Played(200, saved.body)) as server:
        assert ask(server, ReadCheckpoints(ODD_KEY, "v+1")) == Checkpoints((there,))


FACTS = {"key": "k", "version_id": "v", "upload_id": "u", "size_bytes": 1, "part_bytes": 1, "copied": []}
NO_CHECKPOINTS = [
    *(b"no json", b'"text"', b"[]", b"7", b"[" * 100_000, b'{"key": "x"}'),
    *(
        json.dumps(FACTS | wrong).encode()
        for wrong in (
            {"unknown": 1},
            {"size_bytes": "1"},
            {"part_bytes": 0},
            {"upload_id": None},
            {"copied": [{"number": 1, "etag": 5}]},
            {"copied": [{"number": True, "etag": "e"}]},
            {"key": "another"},
            {"version_id": "v2"},
        )
    ),
]


@pytest.mark.parametrize(
    "second",
    [error(404, "NoSuchKey"), error(403, "AccessDenied"), *(Played(200, body) for body in NO_CHECKPOINTS)],
    ids=["gone", "gone, without leave to list the bucket", *(body[:100].decode() for body in NO_CHECKPOINTS)],
)
def test_a_checkpoint_that_has_gone_or_is_none_is_left_out(second: Played) -> None:
    names = "<Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents>"
    listed = f"<ListBucketResult {XMLNS}>{names}</ListBucketResult>"
    body = json.dumps(FACTS)
    with serving(Played(200, listed.encode()), second, Played(200, body.encode())) as server:
        assert ask(server, ReadCheckpoints("k", "v")) == Checkpoints((Checkpoint("k", "v", "u", 1, 1),))


def test_checkpoints_that_cannot_be_looked_for_are_told() -> None:
    with serving(error(403, "AccessDenied")) as server:
        answer = ask(server, ReadCheckpoints("k", "v"))
    assert answer == Forbidden(
        "looking for checkpoints in s3://exports-logs is refused (AccessDenied, No.)", Cause.HUB_DENIED
    )
