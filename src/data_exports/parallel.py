"""Several pieces of work at once, heard of in one place.

In: pieces of work. Out: what each says and returns, in the caller's own thread, so that nothing printed there can mix.
Effects: daemon threads: an interrupted program does not wait for them.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from typing import TypeVar

Piece = TypeVar("Piece")
Said = TypeVar("Said")
_Jobs = queue.SimpleQueue[tuple[Piece, Future[Said]] | None]

QUESTIONS_AT_ONCE = 8
"""Questions to AWS that are asked at the same time."""

AT_ONCE = 20
"""Stacks worked on at the same time. CloudFormation limits requests, not stacks: `StackPoller` asks for all of them
together, and the client slows down by itself when it is told to (`aws.py`)."""


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


def map_ordered(
    work: Callable[[Piece], Said], pieces: Iterable[Piece], *, at_once: int = QUESTIONS_AT_ONCE, finish: bool = False
) -> Iterator[Said]:
    """What `work` gives for each piece, in the pieces' order; pieces are asked for as results are taken.

    The first exception in that order is raised here. When this ends early, by an exception, Ctrl-C, or because nobody
    takes more, what has not begun never does; what has begun is waited for only with `finish`.
    """
    waiting: _Jobs[Piece, Said] = queue.SimpleQueue()
    ahead: deque[Future[Said]] = deque()
    begun = 0

    try:
        for piece in pieces:
            ahead.append(Future())
            waiting.put((piece, ahead[-1]))
            if begun < at_once:
                begun += 1
                threading.Thread(target=_work_off, args=(work, waiting), daemon=True).start()
            # What has ended is told soon; otherwise so many go ahead that a slow one does not keep others from working.
            if ahead[0].done() or len(ahead) >= 4 * at_once:
                yield ahead[0].result()
                ahead.popleft()
        while ahead:
            yield ahead[0].result()
            ahead.popleft()
    finally:
        working = [future for future in ahead if not future.cancel()]
        for _ in range(begun):
            waiting.put(None)
        if finish:
            wait(working)


def _work_off(work: Callable[[Piece], Said], waiting: _Jobs[Piece, Said]) -> None:
    while job := waiting.get():
        piece, future = job
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work(piece))
            except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
                future.set_exception(error)
