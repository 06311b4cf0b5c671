"""The mover as a process of its own, as Lambda runs it, which may be killed in the middle of a large file.

In: the function's environment; an event on stdin; after how many parts that have arrived it is killed, or nothing. Out:
the numbers of the parts that it sent, as JSON. Effects: the delivery.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace

from data_exports.mover.handler import handle_batch
from data_exports.mover.places.store import Store, open_store
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.protocol import Call, CopiedPart, CopyPart, StoreAnswer
from data_exports.mover.settings import read_settings

PART_BYTES = 64 * 1024


class Watched:
    """A store that notes which parts are sent, and has the process killed once so many have arrived."""

    def __init__(self, store: Store, killed_after: int | None) -> None:
        self.sent: list[int] = []
        self._store = store
        self._killed_after = killed_after
        self._arrived = 0

    @property
    def capabilities(self) -> Capabilities:
        return self._store.capabilities

    def send(self, call: Call, tag: int) -> None:
        if isinstance(call, CopyPart):
            self.sent.append(call.part.number)
        self._store.send(call, tag)

    def wait(self) -> tuple[int, StoreAnswer]:
        answer = self._store.wait()
        self._arrived += isinstance(answer[1], CopiedPart)
        if self._arrived == self._killed_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def main(killed_after: int | None) -> None:
    settings = replace(read_settings(os.environ), part_bytes=PART_BYTES)
    lines: list[Mapping[str, object]] = []
    with closing(open_store(settings)) as store:
        watched = Watched(store, killed_after)
        event = json.load(sys.stdin)
        back = handle_batch(event, settings=settings, store=watched, seconds_left=lambda: 900, log=lines.append)
    if back["batchItemFailures"]:
        sys.exit(str(lines))
    sys.stdout.write(json.dumps(watched.sent))


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else None)
