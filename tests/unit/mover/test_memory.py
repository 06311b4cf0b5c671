"""The memory that the function needs at most, measured in a process of its own as in Lambda."""

import json
import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE_SECONDS
from tests.unit.mover.environment import ENVIRONMENT
from tests.unit.mover.loopback import Played, serving
from tests.unit.mover.places.answers import COPY_RESULT
from tests.unit.mover.sink import ETAG, serving_sink

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


LARGE_BYTES = 120 * 1024 * 1024
MOST_RESIDENT_MB_OF_PARTS = 160
"""While a large file is read and written in parts: 5 GB took 105 MB at most in one run, 113 MB in another (2026)."""
LARGE = (
    RUN[: RUN.index("records =")].replace("def event", "def unused")
    + f"""
large = notification("orders/a", bucket="mojap-hub-exports", size={LARGE_BYTES}, eTag={ETAG!r})
failed = len(handle({{"Records": [message(large)]}}, Context())["batchItemFailures"])
size = 0
"""
    + RUN[RUN.index("# On Linux") :]
)


def test_a_large_file_that_is_read_and_written_is_in_memory_a_few_parts_at_a_time() -> None:
    uuid = "1b9e8c6a-0d3f-4b52-9d5e-2f3c4a5b6c7d"
    with serving_sink(LARGE_BYTES) as sink:
        here = dict.fromkeys(("AWS_ENDPOINT_URL", "AZURE_ENDPOINT_URL_BLOB", "AZURE_ENDPOINT_URL_LOGIN"), sink.url)
        target = {"TARGET_BUCKET": "", "TARGET_AZURE_ACCOUNT": "hjresearch", "TARGET_AZURE_CONTAINER": "incoming"}
        ids = {"TARGET_AZURE_TENANT": uuid, "TARGET_AZURE_CLIENT": uuid, "PYTHONPATH": str(ROOT)}
        keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-of-nobody"}
        found = subprocess.run(
            [sys.executable, "-c", LARGE],
            env={**ENVIRONMENT, **here, **target, **ids, **keys},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )
        measured = json.loads(found.stdout.splitlines()[-1])
        assert (measured["failed"], len(sink.listed), sink.written) == (0, 15, ["incoming/orders/a"])
        assert [key for key in sink.log if not key.startswith("deliveries/")] == []
    assert measured["resident_mb"] < MOST_RESIDENT_MB_OF_PARTS
