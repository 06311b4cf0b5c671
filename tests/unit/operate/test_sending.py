"""Sending against S3-compatible servers that answer oddly: what is uploaded is told, whatever dates they write."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from data_exports.aws import Aws, aws_with_keys
from data_exports.operate.send import LISTED_AT_MOST, Heard, Sent, read_waiting, send
from data_exports.operate.sources import read_sources
from tests.estates import PLATFORM, push
from tests.unit.mover.loopback import Played, serving

MOVES = push("moves")
NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
TEN = datetime(2026, 11, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dates", "began_at"),
    [
        (["Mon, 02 Nov 2026 09:00:00 GMT"], NINE),
        (["Mon, 02 Nov 2026 11:00:00 GMT"], TEN),
        (["Mon, 02 Nov 2026 09:00:00"], NINE),
        (["Mon, 02 Nov 2026 09:00:00 -0000"], NINE),
        (["Mon, 02 Nov 2026 09:00:00 GMT"] * 2, NINE),
        (["Mon, 02 Nov 99999999 09:00:00 GMT"], TEN),
        (["Mon, 02 Nov 2026 09:00:00 +9999"], TEN),
        ([""], TEN),
        (["yesterday"], TEN),
    ],
)
def test_a_date_without_a_zone_twice_or_odd_ends_no_upload(
    dates: list[str], began_at: datetime, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"case,room\n")
    sources = read_sources([tmp_path / "a.csv"], MOVES.prefix)
    headers = (("etag", '"e"'), ("x-amz-version-id", "v1"), *(("date", date) for date in dates))
    with serving(Played(200, b"", headers)) as server:
        aws = aws_with_keys("eu-west-1", endpoint_url=server.url, access_key_id="a", secret_access_key="b")
        sent = send(PLATFORM, MOVES, aws, sources.files, heard=Heard(), sent=Sent(TEN))
    assert [(each.source.key, each.version_id) for each in sent.uploaded] == [("moves/a.csv", "v1")]
    assert (sent.failed, sent.began_at) == ([], began_at)


class Hub:
    """Lists its keys in order, two a page, and keeps what it is asked for."""

    def __init__(self, *keys: str) -> None:
        self.keys = sorted(keys)
        self.asked: list[dict[str, str]] = []
        self.listed: list[str] = []

    def client(self, service: str) -> "Hub":
        assert service == "s3"
        return self

    def get_paginator(self, operation: str) -> "Hub":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, Any]]:
        self.asked.append(asked)
        keys = [key for key in self.keys if key.startswith(asked["Prefix"])]
        for start in range(0, len(keys), 2) or [0]:
            self.listed += keys[start : start + 2]
            yield {"Contents": [{"Key": key} for key in keys[start : start + 2]]} if keys else {}


def waiting_among(hub: Hub, folder: Path, *names: str) -> frozenset[str]:
    for name in names:
        (folder / name).write_bytes(b"1")
    sources = read_sources([folder / name for name in names], MOVES.prefix)
    return read_waiting(PLATFORM, MOVES, cast(Aws, hub), sources.files)


def test_uploads_that_wait_are_looked_for_from_the_first_key_to_the_last_and_no_further(tmp_path: Path) -> None:
    hub = Hub("moves/2030", "moves/2031-01", "moves/2031-02", "moves/2031-03", "moves/2031-09", "moves/2032", "other/1")
    assert waiting_among(hub, tmp_path, "2031-02", "2031-03", "2031-01") == {
        "moves/2031-01",
        "moves/2031-02",
        "moves/2031-03",
    }
    assert hub.asked == [{"Bucket": "mojap-hub-exports", "Prefix": "moves/2031-0"}]
    assert hub.listed == ["moves/2031-01", "moves/2031-02", "moves/2031-03", "moves/2031-09"]


def test_a_key_between_two_that_are_sent_is_none_of_those_that_wait(tmp_path: Path) -> None:
    hub = Hub("moves/a", "moves/b", "moves/c.csv")
    assert waiting_among(hub, tmp_path, "a", "c.csv") == {"moves/a", "moves/c.csv"}
    assert hub.asked == [{"Bucket": "mojap-hub-exports", "Prefix": "moves/"}]


def test_nothing_waits_in_an_empty_hub_and_a_single_key_is_its_own_range(tmp_path: Path) -> None:
    hub = Hub()
    assert waiting_among(hub, tmp_path, "a") == frozenset()
    assert hub.asked == [{"Bucket": "mojap-hub-exports", "Prefix": "moves/a"}]


def test_no_more_of_a_range_is_looked_through_than_is_worth_it(tmp_path: Path) -> None:
    hub = Hub("moves/a", *(f"moves/b{number:05d}" for number in range(LISTED_AT_MOST)), "moves/c")
    assert waiting_among(hub, tmp_path, "a", "c") == {"moves/a"}
    assert len(hub.listed) <= LISTED_AT_MOST + 2
