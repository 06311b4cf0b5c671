"""What the benchmarks of other clouds rest on: figures, prices, what they take for delivered, what fake-gcs is told."""

import json
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import pytest

from benchmarks.contenders import mover_settings
from benchmarks.fake_gcs import XmlInJson
from benchmarks.files import Upload
from benchmarks.mover import Case
from benchmarks.other_clouds import check_arrived, figures_of, ratios
from benchmarks.outside_price import CASES, Counted, price
from benchmarks.recipients import AZURE, GOOGLE
from benchmarks.usage import BenchmarkError, Usage
from benchmarks.wire import wire
from data_exports.contract.settings import DestinationSettings
from data_exports.mover.settings import read_settings
from data_exports.prices import EGRESS_TERABYTE_USD
from tests.unit.mover.loopback import Played, serving

SMALL = Counted({"GetObject": 1.0, "PutObject": 0.001, "DeleteObjects": 0.01}, google_writes=1.0, log_bytes=16.0)
LARGE = Counted({"GetObject": 32.0, "HeadObject": 2.0, "PutObject": 2.0}, google_writes=34.0, log_bytes=661.0)


def test_figures_are_medians_with_what_the_machine_made_of_them() -> None:
    runs = [Usage(wall_s=wall, cpu_s=wall / 4, peak_bytes=30_000_000) for wall in (4.0, 2.0, 9.0)]
    many = figures_of(runs, Case(1_000, 4_096))
    assert many == {
        "wall_s": 4.0,
        "least_s": 2.0,
        "most_s": 9.0,
        "files_per_s": 250.0,
        "cpu_ms_per_file": 1.0,
        "peak_mb": 30.0,
    }
    one = figures_of(runs, Case(1, 1_000_000_000))
    assert (one["mb_per_s"], one["cpu_ms_per_mb"]) == (250.0, 1.0)
    assert ratios({"ours": many, "rclone": {**many, "wall_s": 6.0, "cpu_ms_per_file": 4.0}}) == [
        "rclone: 1.50 times its speed, 0.25 of its CPU"
    ]
    assert ratios({"rclone": many}) == []


UPLOADS = [Upload("orders/a", "v1", "0cc175b9", 1), Upload("orders/b", "v2", "92eb5ffe-2", 2)]
WHOLE = {"orders/a": (1, "0cc175b9"), "orders/b": (2, "other")}


def test_what_is_there_whole_has_arrived() -> None:
    check_arrived(UPLOADS, WHOLE)
    check_arrived(UPLOADS, {**WHOLE, "orders/a": (1, "")})


@pytest.mark.parametrize(
    "found",
    [
        {"orders/a": WHOLE["orders/a"]},
        {**WHOLE, "orders/a": (2, "0cc175b9")},
        {**WHOLE, "orders/a": (1, "92eb5ffe")},
        {**WHOLE, "orders/c": (1, "")},
    ],
    ids=["missing", "another size", "another content", "one too many"],
)
def test_what_is_not_there_whole_ends_the_benchmark(found: dict[str, tuple[int, str]]) -> None:
    with pytest.raises(BenchmarkError):
        check_arrived(UPLOADS, found)


def test_what_a_million_files_and_a_terabyte_cost_is_mostly_what_leaves_aws() -> None:
    assert price(CASES["a million files of 4 KiB"], SMALL) == {
        "S3": 0.41,
        "SQS, Lambda": 0.57,
        "STS": 0.0,
        "logs": 0.01,
        "egress": 0.34,
        "in all": 1.32,
        "recipient, Azure": 5.5,
        "recipient, Google": 5.0,
    }
    terabyte = price(CASES["a terabyte in files of 256 MiB"], LARGE)
    assert terabyte["egress"] == EGRESS_TERABYTE_USD == 92.16
    assert (terabyte["recipient, Azure"], terabyte["recipient, Google"]) == (0.74, 0.7)


@pytest.mark.parametrize("destination", [AZURE, GOOGLE])
def test_the_mover_understands_where_the_benchmark_has_it_deliver(destination: DestinationSettings) -> None:
    told = read_settings({**mover_settings(destination), "AWS_REGION": "us-east-1"})
    assert told.destination == destination


def test_what_is_asked_in_xml_is_said_in_json() -> None:
    facts = {"md5Hash": "CY9rzUYh03PK3k6DJie09g==", "crc32c": "mnG7TA==", "generation": "7"}
    with serving(Played(200, json.dumps(facts).encode())) as server, wire(server.url, XmlInJson()) as before:
        asked = UrlRequest(
            f"{before.url}/incoming/orders/a%20b",
            b"hello",
            {"x-goog-if-generation-match": "0", "content-type": "text/plain", "x-goog-meta-case": "5"},
            method="PUT",
        )
        with urlopen(asked, timeout=60) as reply:
            told = dict(reply.headers)
    assert told == {
        "ETag": '"098f6bcd4621d373cade4e832627b4f6"',
        "x-goog-hash": "crc32c=mnG7TA==,md5=CY9rzUYh03PK3k6DJie09g==",
        "x-goog-generation": "7",
        "Content-Length": "0",
    }
    (seen,) = server.asked
    assert (seen.method, seen.path) == (
        "POST",
        "/upload/storage/v1/b/incoming/o?uploadType=multipart&ifGenerationMatch=0",
    )
    described, body = seen.body.split(b"\r\n\r\n")[1:]
    assert json.loads(described.split(b"\r\n")[0]) == {
        "name": "orders/a b",
        "contentType": "text/plain",
        "metadata": {"case": "5"},
    }
    assert body.split(b"\r\n")[0] == b"hello"
