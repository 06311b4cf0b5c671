"""This mover as a process of its own, fed as Lambda feeds it. A program by itself: `contenders` starts it.

In: a folder of SQS events, one JSON file an invocation, with the files' version ids; the function's environment
variables. Out: exit code 0 if no message came back. Effects: the mover's own, through its own code, one batch after
another: one function environment.

SeaweedFS, unlike S3, does not name the version that a copy took, and the mover refuses to remove a file without knowing
it. So the header is put into each answer here: one look-up more in this process, not one request less.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from data_exports.mover.handler import handle_batch
from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.places.store import open_store
from data_exports.mover.settings import read_settings
from data_exports.mover.wire.http_connection import OnResponse
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import S3Request, Transport

SECONDS_OF_AN_INVOCATION = 900.0
VERSION_IDS = "version-ids"


class NamingTransport(Transport):
    """Names the version that was copied, as S3 does."""

    def __init__(self, version_ids: dict[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.version_ids = version_ids

    def send(self, request: S3Request, on_response: OnResponse, *, after_seconds: float = 0) -> None:
        if request.operation != "CopyObject":
            super().send(request, on_response, after_seconds=after_seconds)
            return
        named = {"x-amz-copy-source-version-id": self.version_ids[request.key]}
        super().send(
            request,
            lambda r: on_response(Response(r.status, {**named, **r.headers}, r.body, r.fault)),
            after_seconds=after_seconds,
        )


def main(folder: Path) -> int:
    """Handle every event of the folder; return how many messages came back."""
    settings = read_settings(os.environ)
    version_ids = json.loads((folder / VERSION_IDS).read_bytes())
    where = {"region": settings.region, "endpoint_url": settings.endpoint_url}
    transport = NamingTransport(version_ids, **where, connections=CAPABILITIES.calls_at_once)
    store = open_store(settings, way=transport)
    failed = 0
    for file in sorted(folder.glob("*.json")):
        event = json.loads(file.read_bytes())
        answer = handle_batch(
            event,
            settings=settings,
            store=store,
            seconds_left=lambda: SECONDS_OF_AN_INVOCATION,
            log=lambda line: print(json.dumps(line)),
        )
        failed += len(answer["batchItemFailures"])
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(Path(sys.argv[1]))))
