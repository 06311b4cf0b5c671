"""Sending against S3-compatible servers that answer oddly: what is uploaded is told, whatever dates they write."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data_exports.aws import aws_with_keys
from data_exports.operate.send import Heard, Sent, send
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
