"""What the sweep asks of S3, byte for byte, and how it reads the answers; what it cannot read stops it."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from data_exports.mover.settings import Settings
from data_exports.mover.tasks.survey import Survey, SweepError, UploadInSight
from data_exports.mover.wire.transport import Transport
from tests.conformance.azure_memory import AZURE_SETTINGS
from tests.conformance.google_memory import GOOGLE_SETTINGS
from tests.unit.mover.environment import SETTINGS
from tests.unit.mover.loopback import Loopback, Played, serving
from tests.unit.mover.places.answers import XMLNS
from tests.unit.mover.places.played import CREDENTIALS, Impatient, error, sent

TIME = "2026-11-02T09:00:00.000Z"


OPEN: list[Transport] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def survey(server: Loopback, **changes: Any) -> Survey:
    return Survey(replace(SETTINGS, endpoint_url=server.url, **changes), way_to(server), rng=Impatient())


def way_to(server: Loopback) -> Transport:
    transport = Transport(region="eu-west-1", endpoint_url=server.url, connections=4, credentials=CREDENTIALS)
    OPEN.append(transport)
    return transport


def page(items: str, more: str = "", *, kind: str = "ListBucketResult") -> Played:
    body = f"<{kind} {XMLNS}><EncodingType>url</EncodingType>{more}{items}</{kind}>"
    return Played(200, body.encode())


def listed(key: str, etag: str = "e", size: int = 1, *, tag: str = "Contents", more: str = "") -> str:
    return (
        f"<{tag}><Key>{key}</Key><LastModified>{TIME}</LastModified><ETag>&quot;{etag}&quot;</ETag>"
        f"<Size>{size}</Size>{more}</{tag}>"
    )


def version(key: str, number: str, *, latest: bool) -> str:
    more = f"<VersionId>{number}</VersionId><IsLatest>{str(latest).lower()}</IsLatest>"
    return listed(key, f"e+{number}", tag="Version", more=more)


def test_what_is_in_sight_is_listed_page_after_page() -> None:
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>a+b/=</NextContinuationToken>"
    with serving(
        page(listed("orders/a+b%2B%0A") + listed("orders/c"), more), page(listed("orders/d", "e9", 7))
    ) as server:
        assert list(survey(server).pages_in_sight("orders/A b")) == [
            [UploadInSight("orders/a b+\n", "e", 1, TIME), UploadInSight("orders/c", "e", 1, TIME)],
            [UploadInSight("orders/d", "e9", 7, TIME)],
        ]
    assert [asked.path for asked in server.asked] == [
        "/mojap-hub-exports/?encoding-type=url&list-type=2&prefix=orders%2F&start-after=orders%2FA%20b",
        (
            "/mojap-hub-exports/?continuation-token=a%2Bb%2F%3D&encoding-type=url&list-type=2&prefix=orders%2F"
            "&start-after=orders%2FA%20b"
        ),
    ]
    assert sent(server.asked[0]) == {"x-amz-expected-bucket-owner": "593291632749"}


@pytest.mark.parametrize("settings", [AZURE_SETTINGS, GOOGLE_SETTINGS], ids=["azure", "google"])
def test_what_is_in_sight_is_listed_wherever_it_is_delivered(settings: Settings) -> None:
    with serving(page(listed("orders/a"))) as server:
        seen = Survey(replace(settings, endpoint_url=server.url), way_to(server), rng=Impatient())
        assert list(seen.pages_in_sight("")) == [[UploadInSight("orders/a", "e", 1, TIME)]]
    assert [asked.path.partition("?")[0] for asked in server.asked] == ["/mojap-hub-exports/"]


def test_in_a_hub_that_keeps_its_files_the_versions_are_listed_which_tells_their_ids() -> None:
    more = (
        "<IsTruncated>true</IsTruncated><NextKeyMarker>orders/a+b</NextKeyMarker>"
        "<NextVersionIdMarker>v+1</NextVersionIdMarker>"
    )
    marker = "<DeleteMarker><Key>orders/c</Key><VersionId>m</VersionId><IsLatest>true</IsLatest></DeleteMarker>"
    first = version("orders/a+b", "v+2", latest=True) + version("orders/a+b", "v+1", latest=False)
    second = marker + version("orders/c", "v3", latest=False) + version("orders/d", "v4", latest=True)
    kind = "ListVersionsResult"
    with serving(page(first, more, kind=kind), page(second, kind=kind)) as server:
        assert list(survey(server, keep_files=True).pages_in_sight("")) == [
            [UploadInSight("orders/a b", "e+v+2", 1, TIME, "v+2")],
            [UploadInSight("orders/d", "e+v4", 1, TIME, "v4")],
        ]
    assert [asked.path for asked in server.asked] == [
        "/mojap-hub-exports/?encoding-type=url&prefix=orders%2F&versions=",
        (
            "/mojap-hub-exports/?encoding-type=url&key-marker=orders%2Fa%20b&prefix=orders%2F"
            "&version-id-marker=v%2B1&versions="
        ),
    ]


def test_keys_are_decoded_only_if_the_listing_says_that_they_are_encoded() -> None:
    plain = Played(200, f"<ListBucketResult {XMLNS}>{listed('orders/a+b%2B')}</ListBucketResult>".encode())
    with serving(plain) as server:
        assert list(survey(server).pages_in_sight("")) == [[UploadInSight("orders/a+b%2B", "e", 1, TIME)]]


def test_a_dataset_without_uploads_has_one_empty_page() -> None:
    with serving(page("")) as server:
        assert list(survey(server).pages_in_sight("")) == [[]]


def test_versions_are_asked_for_and_what_has_changed_is_left_out() -> None:
    here = Played(200, b"", (("etag", '"e"'), ("x-amz-version-id", "v7")))
    newer = Played(200, b"", (("etag", '"e2"'), ("x-amz-version-id", "v8")))
    uploads = [UploadInSight(f"orders/{number}", "e", 1, TIME) for number in range(4)]
    known = UploadInSight("orders/known", "e", 1, TIME, "v1")
    with serving(here, newer, Played(404), Played(403)) as server:
        found = list(survey(server).with_versions([*uploads, known]))
    assert len(server.asked) == 4
    assert {asked.method for asked in server.asked} == {"HEAD"}
    assert [upload.version_id for upload in found] == ["v1", "v7"]


def test_receipts_are_read_from_the_second_on_that_is_named() -> None:
    since = datetime(2026, 11, 2, 9, 30, 1, tzinfo=UTC)
    plain = {"dataset": "orders", "outcome": "failed", "version_id": "", "etag": ""}
    lines = [
        {**plain, "key": "orders/a", "version_id": "v1", "etag": "e", "recorded_at": TIME},
        {**plain, "key": "orders/b"},
        {"key": "orders/c"},
    ]
    body = gzip.compress("".join(f"{json.dumps(line)}\n" for line in lines).encode() + b"torn\n7\n")
    keys = listed("deliveries/dataset%3Dorders/1") + listed("deliveries/dataset%3Dorders/2")
    with serving(page(keys), Played(200, body), Played(200, b"damaged")) as server:
        recorded = list(survey(server).recorded_since(since))
    assert recorded == [("orders/a", "v1", "e", TIME), ("orders/b", "", "", "")]
    listing, *files = (asked.path for asked in server.asked)
    assert listing == (
        "/exports-logs/?encoding-type=url&list-type=2&prefix=deliveries%2Fdataset%3Dorders%2F"
        "&start-after=deliveries%2Fdataset%3Dorders%2Fdate%3D2026-11-02%2F20261102T093001Z"
    )
    assert sorted(files) == [
        "/exports-logs/deliveries/dataset%3Dorders/1",
        "/exports-logs/deliveries/dataset%3Dorders/2",
    ]


def test_there_are_no_notes_before_the_first_sweep() -> None:
    with serving(page("")) as server:
        assert survey(server).read_notes() is None
    prefix = "checkpoints%2Fdataset%3Dorders%2Fsweep.jsonl.gz"
    assert [a.path for a in server.asked] == [f"/exports-logs/?encoding-type=url&list-type=2&prefix={prefix}"]


def test_notes_are_kept_with_the_datasets_checkpoints() -> None:
    with serving(page(listed("checkpoints/dataset%3Dorders/sweep.jsonl.gz")), Played(200, b"noted")) as server:
        assert survey(server).read_notes() == b"noted"
        survey(server).write_notes(b"newer")
    assert [(a.method, a.path, a.body) for a in server.asked[1:]] == [
        ("GET", "/exports-logs/checkpoints/dataset%3Dorders/sweep.jsonl.gz", b""),
        ("PUT", "/exports-logs/checkpoints/dataset%3Dorders/sweep.jsonl.gz", b"newer"),
    ]


OLD_CARD = Played(200, b"{}", (("etag", '"e1"'), ("last-modified", "Mon, 02 Nov 2026 09:00:00 GMT")))
CARD = "/exports-logs/deliveries/dataset%3Dorders/card.json"


def test_an_old_card_is_written_anew_as_it_is_unless_somebody_writes_another() -> None:
    with serving(OLD_CARD, Played(200), OLD_CARD, error(412, "PreconditionFailed")) as server:
        assert survey(server).renew_card(datetime(2026, 11, 2, 9, 0, 1, tzinfo=UTC))
        assert not survey(server).renew_card(datetime(2026, 11, 2, 9, 0, 1, tzinfo=UTC))
    told = [(asked.method, asked.path, asked.body) for asked in server.asked]
    assert told == [("GET", CARD, b""), ("PUT", CARD, b"{}")] * 2
    headers = sent(server.asked[1])
    assert (headers["if-match"], headers["content-type"]) == ('"e1"', "application/json")


@pytest.mark.parametrize("played", [OLD_CARD, error(404, "NoSuchKey"), error(403, "AccessDenied")])
def test_a_card_that_is_young_or_not_there_is_left_alone(played: Played) -> None:
    with serving(played) as server:
        assert not survey(server).renew_card(datetime(2026, 11, 2, 9, 0, 0, tzinfo=UTC))
    assert [asked.method for asked in server.asked] == ["GET"]


def test_what_fails_for_a_moment_is_asked_again() -> None:
    with serving(error(503, "SlowDown"), page(listed("orders/a"))) as server:
        assert list(survey(server).pages_in_sight("")) == [[UploadInSight("orders/a", "e", 1, TIME)]]


@pytest.mark.parametrize(
    ("played", "reason"),
    [
        (error(403, "AccessDenied"), "listing 'orders/' in s3://mojap-hub-exports is refused (AccessDenied, No.)"),
        (error(404, "NoSuchBucket"), "listing 'orders/' in s3://mojap-hub-exports is refused (NoSuchBucket, No.)"),
        (error(404, "NoSuchKey"), "listing 'orders/' in s3://mojap-hub-exports: missing"),
        (error(503, "SlowDown"), "listing 'orders/' in s3://mojap-hub-exports failed (SlowDown, No.)"),
        (Played(200, b"<ListBucketResult>"), "listing 'orders/' in s3://mojap-hub-exports failed (200)"),
        (Played(200, b"<html/>"), "listing 'orders/' in s3://mojap-hub-exports failed (200)"),
    ],
    ids=["403", "no bucket", "404", "unwell", "cut off", "something else"],
)
def test_a_listing_that_cannot_be_read_stops_the_sweep(played: Played, reason: str) -> None:
    with serving(played) as server, pytest.raises(SweepError) as stopped:
        list(survey(server).pages_in_sight(""))
    assert str(stopped.value).startswith(reason)


def test_receipts_or_notes_that_cannot_be_read_or_written_stop_the_sweep() -> None:
    with serving(page(listed("deliveries/x")), error(403, "AccessDenied")) as server:
        with pytest.raises(SweepError, match="reading s3://exports-logs/deliveries/x is refused"):
            list(survey(server).recorded_since(datetime(2026, 11, 2, tzinfo=UTC)))
        with pytest.raises(SweepError, match=r"writing s3://exports-logs/\S+/sweep\.jsonl\.gz is refused"):
            survey(server).write_notes(b"x")


def test_an_upload_that_cannot_be_read_stops_the_sweep() -> None:
    with serving(Played(500)) as server, pytest.raises(SweepError, match="reading 'orders/a' in the hub failed"):
        list(survey(server).with_versions([UploadInSight("orders/a", "e", 1, TIME)]))


@pytest.mark.parametrize(
    ("size", "time"), [("", "2026-11-02T09:00:00.000Z"), ("one", "2026-11-02T09:00:00.000Z"), ("1", ""), ("1", "now")]
)
def test_an_upload_without_a_readable_size_or_time_stops_the_sweep(size: str, time: str) -> None:
    item = (
        f"<Contents><Key>orders/a</Key><ETag>e</ETag><Size>{size}</Size><LastModified>{time}</LastModified></Contents>"
    )
    with serving(page(item)) as server, pytest.raises(SweepError) as raised:
        list(survey(server).pages_in_sight(""))
    assert str(raised.value) == f"S3 lists 'orders/a' with the size {size!r} and the time {time!r}"
