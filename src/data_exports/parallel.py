"""Several pieces of work at once, heard of in one place.

In: named pieces of work. Out: what each says and returns, in the caller's own thread, so that nothing printed there can
mix. Effects: daemon threads: an interrupted program does not wait for them.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Piece = TypeVar("Piece")
Said = TypeVar("Said")

AT_ONCE = 20
"""Stacks worked on at the same time. CloudFormation limits requests, not stacks: `Watch` asks for all of them together,
and the client slows down by itself when it is told to (`aws.py`)."""


def run_all(
    pieces: Iterable[Piece], work: Callable[[Piece], Said], *, begins: Callable[[Piece], Said], at_once: int = AT_ONCE
) -> Iterator[Said]:
    """Do `work` on every piece; yields `begins(piece)` when one starts and its result when it ends.

    An exception of `work` is raised here; `work` is expected to turn failures into results.
    """
    waiting: queue.SimpleQueue[Piece] = queue.SimpleQueue()
    said: queue.SimpleQueue[Said | BaseException] = queue.SimpleQueue()
    count = 0
    for piece in pieces:
        waiting.put(piece)
        count += 1

    def worker() -> None:
        while True:
            try:
                piece = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                said.put(begins(piece))
                said.put(work(piece))
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
                said.put(error)

    for _ in range(min(at_once, count)):
        threading.Thread(target=worker, daemon=True).start()
    for _ in range(2 * count):
        each = said.get()
        if isinstance(each, BaseException):
            raise each
        yield each
