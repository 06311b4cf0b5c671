"""One large file through this mover, over two runs, on a real S3 server: does every byte arrive, and what does it take?

In: its size. Out: a line for each fact on stdout, as JSON with `--json`; exit code 0 only if all is as it must be.
Effects: SeaweedFS in a folder below the one given, gone at the end; it needs twice the file's size there.

    python -m benchmarks.large_file --megabytes 6000

The first run is told that its time is up after a third of the parts; the second one is fed the message that the first
one sent itself. Nothing of the mover is replaced.
"""

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.seaweed import ACCESS_KEY, REGION, SECRET_KEY, Seaweed, seaweed
from data_exports.contract.settings import BucketSettings
from data_exports.mover.handler import handle_batch
from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.places.store import Store, open_store
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.protocol import Call, CopyPart, StoreAnswer
from data_exports.mover.settings import Settings
from data_exports.mover.wire.signing import Credentials
from data_exports.mover.wire.transport import Transport

HUB, TARGET, LOG, KEY = "hub", "recipient", "hub-log", "large/file.bin"
MB = 1000 * 1000
PIECE = 64 * 1024 * 1024
HUB_ACCOUNT = "593291632749"
MOST_RUNS = 10


@dataclass
class Counting:
    """The mover's own store, counted; its time is up once so many parts are under way."""

    store: Store
    parts_until_time_is_up: int | None = None
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def capabilities(self) -> Capabilities:
        return self.store.capabilities

    def send(self, call: Call, tag: int) -> None:
        self.calls[type(call).__name__] += 1
        self.store.send(call, tag)

    def wait(self) -> tuple[int, StoreAnswer]:
        return self.store.wait()

    def seconds_left(self) -> float:
        most = self.parts_until_time_is_up
        return 0.0 if most is not None and self.calls[CopyPart.__name__] >= most else 900.0


def main() -> int:
    """Upload, deliver in two runs, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=6000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, seaweed(Path(folder) / "seaweed") as server:
        facts = measured(server, options.megabytes * MB)
    text = json.dumps(facts, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")
    return 0 if facts["every_byte_arrived"] and not facts["left_behind"] and facts["hub_shows"] == 0 else 1


def measured(server: Seaweed, size_bytes: int) -> dict[str, Any]:
    """Deliver one file of this size."""
    client = server.client()
    for bucket in (HUB, TARGET, LOG):
        client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=HUB, VersioningConfiguration={"Status": "Enabled"})
    digest = upload(client, size_bytes)
    head = client.head_object(Bucket=HUB, Key=KEY)
    entry = {"key": KEY, "versionId": head["VersionId"], "eTag": head["ETag"].strip('"'), "size": size_bytes}
    body = json.dumps(
        {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": HUB}, "object": entry}}]}
    )
    parts = -(-size_bytes // PIECE)
    runs = [run(server, body, parts_until_time_is_up=parts // 3)]
    while (runs[-1]["sent"] or runs[-1]["failed_messages"]) and len(runs) < MOST_RUNS:
        body = runs[-1]["sent"].pop() if runs[-1]["sent"] else body  # what failed comes back as it is
        print(runs[-1]["said"], file=sys.stderr)
        runs.append(run(server, body))
    found = client.get_object(Bucket=TARGET, Key=KEY)
    arrived = hashlib.sha256()
    for piece in iter(lambda: found["Body"].read(PIECE), b""):
        arrived.update(piece)
    left = client.list_multipart_uploads(Bucket=TARGET).get("Uploads", [])
    left += client.list_objects_v2(Bucket=LOG, Prefix="checkpoints/").get("Contents", [])
    return {
        "size_bytes": size_bytes,
        "runs": [{name: fact for name, fact in each.items() if name != "sent"} for each in runs],
        "every_byte_arrived": arrived.hexdigest() == digest and found["ContentLength"] == size_bytes,
        "described": {"content_type": found["ContentType"], "metadata": found["Metadata"]},
        "left_behind": len(left),
        "hub_shows": client.list_objects_v2(Bucket=HUB).get("KeyCount", 0),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def upload(client: Any, size_bytes: int) -> str:
    """Upload a file that has no two equal parts; return its digest."""
    described = {"ContentType": "text/csv", "Metadata": {"author": "annika"}}
    upload_id = client.create_multipart_upload(Bucket=HUB, Key=KEY, **described)["UploadId"]
    digest, parts = hashlib.sha256(), []
    noise = hashlib.shake_256(b"large").digest(PIECE)
    for number, start in enumerate(range(0, size_bytes, PIECE), start=1):
        piece = (number.to_bytes(8, "big") + noise[8:])[: size_bytes - start]
        digest.update(piece)
        named = {"Bucket": HUB, "Key": KEY, "UploadId": upload_id, "PartNumber": number}
        parts.append({"PartNumber": number, "ETag": client.upload_part(**named, Body=piece)["ETag"]})
    client.complete_multipart_upload(Bucket=HUB, Key=KEY, UploadId=upload_id, MultipartUpload={"Parts": parts})
    return digest.hexdigest()


def run(server: Seaweed, body: str, *, parts_until_time_is_up: int | None = None) -> dict[str, Any]:
    """One invocation of the function with this message."""
    settings = Settings(
        dataset="large",
        hub_bucket=HUB,
        hub_account=HUB_ACCOUNT,
        destination=BucketSettings(target_bucket=TARGET),
        keep_files=False,
        log_bucket=LOG,
        mover_version="1",
        largest_copy_bytes=256 * 1024 * 1024,
        region=REGION,
        endpoint_url=server.endpoint_url,
    )
    transport = Transport(
        region=REGION,
        endpoint_url=server.endpoint_url,
        connections=CAPABILITIES.calls_at_once + CAPABILITIES.parts_at_once,
        credentials=Credentials(ACCESS_KEY, SECRET_KEY),
    )
    store = Counting(open_store(settings, way=transport), parts_until_time_is_up)
    sent: list[str] = []
    lines: list[Mapping[str, object]] = []

    started, cpu = time.monotonic(), time.process_time()
    response = handle_batch(
        {"Records": [{"messageId": "m1", "receiptHandle": "r1", "body": body, "attributes": {}}]},
        settings=settings,
        store=store,
        seconds_left=store.seconds_left,
        log=lines.append,
        send_on=sent.extend,
    )
    return {
        "wall_s": round(time.monotonic() - started, 1),
        "cpu_s": round(time.process_time() - cpu, 2),
        "calls": dict(store.calls),
        "failed_messages": len(response["batchItemFailures"]),
        "said": [str(line.get("reason", line["event"])) for line in lines],
        "sent": sent,
    }


if __name__ == "__main__":
    sys.exit(main())
