"""The memory that the function needs at most, measured in a process of its own as in Lambda."""

import json
import os
import signal
import subprocess
import sys
from math import ceil
from pathlib import Path

import pytest

from data_exports.mover.places.azure.destination import AZURE_CAPABILITIES
from data_exports.mover.places.google.destination import GOOGLE_CAPABILITIES
from data_exports.mover.rules.capabilities import Capabilities
from tests.patience import PATIENCE_SECONDS
from tests.unit.mover.environment import ENVIRONMENT
from tests.unit.mover.loopback import Played, serving
from tests.unit.mover.places.answers import COPY_RESULT
from tests.unit.mover.sink import ETAG, Sink, serving_sink

ROOT = Path(__file__).parents[3]
MOST_RESIDENT_MB = 256
"""Of the function's 512: what a batch of 1,000 messages needs whose keys are as long as S3 allows, and as long in an
event as they can be, 6 MB together, which is all that Lambda hands over at once; and whose every delivery fails, which
leaves two receipts each."""

RUN = """
import json
import resource
import sys
from data_exports.mover.handler import handle
from tests.unit.mover.notifications import message, notification

def event(number):
    key = f"orders/{number:04}" + "%E2%82%AC" * 337 + "xx"  # 1,024 bytes, and 3,046 characters in the event
    return message(notification(key, bucket="mojap-hub-exports", padding="x" * 1700), message_id=f"m{number:04}")

class Context:
    def get_remaining_time_in_millis(self):
        return 900_000

records = {"Records": [event(number) for number in range(1000)]}
size = len(json.dumps(records))
failed = len(handle(records, Context())["batchItemFailures"])
# On Linux not getrusage's: that one begins with the memory of whoever started this process.
# https://man7.org/linux/man-pages/man2/getrusage.2.html
if sys.platform == "linux":
    (peak,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
    resident = int(peak.split()[1]) / 1024
else:  # macOS counts in bytes
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
print(json.dumps({"payload_mb": size / 1e6, "failed": failed, "resident_mb": resident}))
"""


def test_a_full_batch_of_the_longest_messages_fits_into_half_of_the_functions_memory() -> None:
    answer = Played(200, COPY_RESULT.encode(), (("x-amz-copy-source-version-id", "v1"), ("etag", '"e"')))
    refusal = Played(403, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
    # Every file is copied; then whether the hub keeps versions is refused, which is not asked again after a wait.
    with serving(answer, by_query={"versioning=": refusal}) as server:
        variables = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-of-nobody"}
        found = subprocess.run(
            [sys.executable, "-c", RUN],
            env={**ENVIRONMENT, **variables, "AWS_ENDPOINT_URL_S3": server.url, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )
    measured = json.loads(found.stdout.splitlines()[-1])
    assert measured["failed"] == 1000
    assert len({asked.path for asked in server.asked if asked.method == "PUT" and "/orders/" in asked.path}) == 1000
    assert sum("/deliveries/" in asked.path for asked in server.asked) == 2
    assert 5.5 < measured["payload_mb"] < 6.0
    assert measured["resident_mb"] < MOST_RESIDENT_MB


PART = 8 * 1024 * 1024
LARGE_BYTES, KILLED_BYTES = (int(os.environ.get("LARGE_BYTES", usual)) for usual in (15 * PART, 80 * PART))
"""Of the files below; LARGE_BYTES=5000000000 measures what docs/other-clouds.md tells."""
MOST_RESIDENT_MB_OF_PARTS = 160
"""While a large file is read and written in parts: 5 GB took 125 MB at most."""
LARGE = (
    RUN[: RUN.index("records =")].replace("def event", "def unused")
    + f"""
large = notification("orders/a", bucket="mojap-hub-exports", size=int(sys.argv[1]), eTag={ETAG!r})
failed = len(handle({{"Records": [message(large)]}}, Context())["batchItemFailures"])
size = 0
"""
    + RUN[RUN.index("# On Linux") :]
)
UUID = "1b9e8c6a-0d3f-4b52-9d5e-2f3c4a5b6c7d"
AZURE = {"ACCOUNT": "hjresearch", "CONTAINER": "incoming", "TENANT": UUID, "CLIENT": UUID}
GOOGLE = {
    "BUCKET": "hj-incoming",
    "PROVIDER": "projects/1234567/locations/global/workloadIdentityPools/moj/providers/exports",
}
STORES = {
    "azure": ({f"TARGET_AZURE_{name}": value for name, value in AZURE.items()}, ("BLOB", "LOGIN"), "incoming/orders/a"),
    "google": ({f"TARGET_GOOGLE_{name}": value for name, value in GOOGLE.items()}, ("STORAGE", "STS"), "orders/a"),
}


def mover_of(kind: str, sink: Sink) -> subprocess.Popen[str]:
    """The mover with one message of the sink's file for a store of that kind."""
    target, endpoints, _ = STORES[kind]
    here = {f"{kind.upper()}_ENDPOINT_URL_{name}": sink.url for name in endpoints}
    ours = {"TARGET_BUCKET": "", "AWS_ENDPOINT_URL": sink.url, "PYTHONPATH": str(ROOT)}
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-of-nobody"}
    return subprocess.Popen(
        [sys.executable, "-c", LARGE, str(sink.size_bytes)],
        env={**ENVIRONMENT, **here, **ours, **target, **keys},
        stdout=subprocess.PIPE,
        text=True,
    )


def check_delivered(kind: str, sink: Sink, process: subprocess.Popen[str]) -> None:
    """Wait for the mover, and hold to it what it says, what the store was told, and its memory."""
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    measured = json.loads(said.splitlines()[-1])
    assert (measured["failed"], sink.written) == (0, [STORES[kind][2]])
    assert len(sink.listed) == len(set(sink.listed)) == len(sink.parts) == ceil(sink.size_bytes / PART)
    assert [key for key in sink.log if not key.startswith("deliveries/")] == []
    assert measured["resident_mb"] < MOST_RESIDENT_MB_OF_PARTS


@pytest.mark.parametrize("kind", STORES)
def test_a_large_file_that_is_read_and_written_is_in_memory_a_few_parts_at_a_time(kind: str) -> None:
    with serving_sink(LARGE_BYTES) as sink, mover_of(kind, sink) as process:
        check_delivered(kind, sink, process)
        assert set(sink.parts.values()) == {1}


@pytest.mark.parametrize(("kind", "can"), [("azure", AZURE_CAPABILITIES), ("google", GOOGLE_CAPABILITIES)])
def test_the_run_after_one_that_was_killed_sends_what_is_not_on_record(kind: str, can: Capabilities) -> None:
    with serving_sink(KILLED_BYTES) as sink:
        nearly_all = ceil(KILLED_BYTES / PART) * 9 // 10
        with sink.holding_from(nearly_all), mover_of(kind, sink) as killed:
            sink.wait_for_parts(nearly_all)
            killed.kill()
        assert (killed.returncode, sink.written) == (-signal.SIGKILL, [])
        arrived = len(sink.parts)
        with mover_of(kind, sink) as process:
            check_delivered(kind, sink, process)
        sent_again = sum(times > 1 for times in sink.parts.values())
        assert sent_again <= arrived % can.parts_between_saves + can.parts_at_once
