"""What the benchmarks rest on: what a process used, which request is which, what a file costs, the shape of figures."""

import json
import os
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from benchmarks import cold_start
from benchmarks.contenders import CONTENDERS, mover_settings
from benchmarks.estates import commit_history, write_estate
from benchmarks.files import Upload, batches_of
from benchmarks.mover import Case, figures_of, targets
from benchmarks.register import figures_of as register_figures
from benchmarks.register import write_receipts
from benchmarks.requests import SURROUNDINGS_OF_OLD, our_price_in_batches_of, price
from benchmarks.tables import show, write_json
from benchmarks.usage import BenchmarkError, Usage, usage_of
from benchmarks.wire import PassOn, Request, wire
from data_exports.contract.receipts import receipts_in
from data_exports.contract.settings import DestinationSettings
from data_exports.estate.commits import read_commits
from data_exports.estate.loader import load_estate
from data_exports.local.world import bucket_of
from data_exports.mover.events import read_messages
from data_exports.mover.settings import read_settings
from data_exports.operate.daily_sums import DaySum, sum_of_day
from tests.estates import estate_of, pull, push
from tests.unit.mover.loopback import Played, serving

UPLOADS = [Upload(f"orders/a b/{number}.csv", f"v{number}", f"e{number}", 1000) for number in range(2_500)]


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def test_what_all_copies_of_a_process_used_is_added_up() -> None:
    code = "import os, time\nwhile time.process_time() < 0.2: pass\n"
    code += "x = b'x' * (int(os.environ['BENCH_COPY']) * 50_000_000)"
    one, two = (usage_of(python(code), os.environ, copies=copies) for copies in (1, 2))
    assert (one.cpu_s >= 0.2, two.cpu_s >= 0.4) == (True, True)
    assert two.peak_bytes >= one.peak_bytes + 50_000_000
    assert one.wall_s > 0.2


def test_a_small_process_started_by_a_large_one_is_still_small() -> None:
    ballast = bytearray(100_000_000)
    assert usage_of(python("pass"), os.environ).peak_bytes < len(ballast) / 2


def test_a_command_that_fails_ends_the_benchmark_with_what_it_said() -> None:
    with pytest.raises(BenchmarkError, match=r"ended with \[3\]:\nno room"):
        usage_of(python("print('no room'); raise SystemExit(3)"), os.environ)


def test_the_mover_is_fed_batches_of_a_thousand_messages_that_it_understands() -> None:
    batches = [read_messages(batch) for batch in batches_of(UPLOADS)]
    assert [len(batch) for batch in batches] == [1000, 1000, 500]
    uploads = [upload for batch in batches for message in batch for upload in message.uploads]
    assert [(upload.key, upload.version_id, upload.etag) for upload in uploads] == [
        (upload.key, upload.version_id, upload.etag) for upload in UPLOADS
    ]
    assert not any(upload.received_before for upload in uploads)
    assert read_settings({**mover_settings(), "AWS_REGION": "us-east-1"}).dataset == "orders"


@pytest.mark.parametrize(
    ("method", "target", "headers", "operation"),
    [
        ("PUT", "/target/orders/a", {"x-amz-copy-source": "/hub/orders/a"}, "CopyObject"),
        ("PUT", "/target/orders/a", {}, "PutObject"),
        ("PUT", "/t/a?partNumber=1&uploadId=u", {"x-amz-copy-source": "/hub/a"}, "UploadPartCopy"),
        ("POST", "/hub/?delete=", {}, "DeleteObjects"),
        ("DELETE", "/hub/orders/a", {}, "DeleteObject"),
        ("GET", "/hub/?prefix=orders%2Fa&versions=", {}, "ListObjectVersions"),
        ("GET", "/hub?list-type=2", {}, "ListObjectsV2"),
        ("GET", "/hub/orders/a", {}, "GetObject"),
        ("HEAD", "/hub/orders/a", {}, "HeadObject"),
        ("POST", "/t/a?uploads=", {}, "CreateMultipartUpload"),
        ("POST", "/t/a?uploadId=u", {}, "CompleteMultipartUpload"),
    ],
)
def test_requests_are_counted_as_what_they_are(
    method: str, target: str, headers: dict[str, str], operation: str
) -> None:
    assert Request(method, target, headers, b"").operation == operation


def test_the_wire_passes_on_what_it_counts_unchanged() -> None:
    with serving(Played(200, b"{}", (("x-a", "1"),))) as server, wire(server.url) as counted:
        code = f"import http.client, sys\nc = http.client.HTTPConnection('{counted.url[7:]}')\n"
        code += (
            "for _ in range(2): c.request('PUT', '/t/a', body=b'abc'); r = c.getresponse(); print(r.status, r.read())"
        )
        usage_of(python(code), os.environ)
    assert [(asked.method, asked.path, asked.body) for asked in server.asked] == [("PUT", "/t/a", b"abc")] * 2
    assert [request.operation for request in counted.seen] == ["PutObject"] * 2


def test_a_million_files_are_priced_by_their_requests_queue_and_function() -> None:
    assert round(price({"CopyObject": 1, "DeleteObject": 1}, SURROUNDINGS_OF_OLD), 2) == 5.62
    assert [round(our_price_in_batches_of(size), 2) for size in (1_000, 100, 10, 1)] == [5.5, 5.56, 6.2, 13.4]


def test_the_wire_passes_on_another_request_in_place_of_one() -> None:
    async def renamed(request: Request, pass_on: PassOn) -> bytes:
        head = b"GET /other HTTP/1.1\r\nhost: here\r\n\r\n"
        return await pass_on(replace(request, raw=head)) if request.target == "/one" else await pass_on()

    with serving(Played(200, b"{}")) as server, wire(server.url, renamed) as before:
        for target in ("/one", "/two"):
            with urlopen(f"{before.url}{target}", timeout=60) as reply:
                assert reply.read() == b"{}"
    assert [asked.path for asked in server.asked] == ["/other", "/two"]


def test_figures_have_the_promised_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = Case(2_000, 1_000)
    results = {
        name: figures_of(Usage(wall_s=4.0 * n, cpu_s=1.0 * n, peak_bytes=30_000_000), case)
        for n, name in enumerate(CONTENDERS, start=1)
    }
    assert results["ours"] == {"wall_s": 4.0, "files_per_s": 500.0, "cpu_ms_per_file": 0.5, "peak_mb": 30.0}
    assert list(results) == ["ours", "old", "aws", "s5cmd", "rclone"]
    assert targets(results) == [
        "CPU a file: 0.25 of s5cmd's (to reach: at most 0.50)",
        "CPU a file: 0.50 of the least of all others' (to reach: below 1)",
        "files a second: 2.00 times those of the quickest other, old (to reach: at least 1.00)",
    ]
    show(str(case), {"ours": results["ours"]})
    write_json(tmp_path / "figures.json", results)
    assert json.loads((tmp_path / "figures.json").read_text()) == results
    assert capsys.readouterr().out.splitlines() == [
        "",
        "2,000 files of 1,000 bytes",
        "      wall_s  files_per_s  cpu_ms_per_file  peak_mb",
        "ours    4.00       500.00             0.50    30.00",
    ]


@pytest.mark.parametrize("destination", cold_start.DESTINATIONS.values(), ids=cold_start.DESTINATIONS)
def test_a_fresh_process_with_the_movers_code_alone_can_work(
    tmp_path: Path, destination: DestinationSettings | None
) -> None:
    cold_start.unpack_mover(tmp_path)
    took = cold_start.start_ours(tmp_path, destination)
    assert took.keys() == {"wall_ms", "cpu_ms"}


def test_a_history_has_so_many_commits_over_so_many_days_and_ends_with_the_files_as_they_lie(tmp_path: Path) -> None:
    estate = write_estate(tmp_path / "estate", datasets=8, buckets=2)
    commit_history(estate, now=datetime(2026, 11, 29, tzinfo=UTC), days=100, commits=20)
    history = read_commits(estate)
    assert (len(history.commits), history.is_edited) == (20, False)
    assert [f"{each.moment:%Y-%m-%d}" for each in (history.commits[0], history.commits[-1])] == [
        "2026-11-29",
        "2026-08-26",
    ]
    doings = Counter(change.doing for commit in history.commits for change in commit.changes)
    assert doings == {"added": 9, "changed": 18}
    declared = load_estate(estate).require()
    assert {bucket_of(each) for each in declared.push_datasets} == {"landing-00000", "landing-00001"}


def test_the_receipts_of_90_days_are_written_and_add_up() -> None:
    files: dict[str, bytes] = {}

    class Bucket:
        def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
            assert Bucket == "mojap-hub-exports-log"
            files[Key] = Body

    today = datetime(2026, 11, 29, tzinfo=UTC).date()
    estate = estate_of(push("one"), push("two"), pull())
    assert write_receipts(estate, Bucket(), 900, today=today) == 900
    assert len(files) == 2 * 90
    body = files["deliveries/dataset=one/date=2026-11-29/20261129T000500Z-bench.jsonl.gz"]
    assert sum_of_day(today, receipts_in("", body)) == DaySum(
        today, files=5, size_bytes=5_010, median_seconds=3.0, longest_seconds=5.0
    )


def test_a_registers_heaviest_page_is_told_and_its_index_apart(tmp_path: Path) -> None:
    for name, size in (("index.html", 10), ("datasets/a.html", 3_000), ("search-index.js", 5_000)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * size)
    figures = register_figures(Usage(1.5, 1.25, 30_000_000), tmp_path)
    assert figures == {
        "wall_s": 1.5,
        "cpu_s": 1.25,
        "peak_mb": 30.0,
        "files": 3,
        "page_kb": 3.0,
        "index_kb": 5.0,
        "page": "datasets/a.html",
    }
