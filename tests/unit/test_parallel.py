"""Pieces of work at once: results in order, the first exception, and an end that waits or does not."""

import threading
from collections.abc import Iterator

import pytest

from data_exports.parallel import map_ordered
from tests.patience import PATIENCE_SECONDS


def test_results_come_in_the_order_of_the_pieces_whatever_ends_first() -> None:
    second_is_done = threading.Event()

    def work(piece: int) -> int:
        if piece == 1:
            assert second_is_done.wait(PATIENCE_SECONDS)
        if piece == 2:
            second_is_done.set()
        return piece * 10

    assert list(map_ordered(work, [1, 2, 3], at_once=2)) == [10, 20, 30]


def test_no_more_pieces_are_worked_on_at_once_than_allowed_nor_asked_for_long_before_their_turn() -> None:
    asked: list[int] = []
    all_there, twelve_asked = threading.Barrier(3), threading.Event()
    threads: set[int] = set()

    def pieces() -> Iterator[int]:
        for number in range(300):
            asked.append(number)
            if number == 11:
                twelve_asked.set()
            yield number

    def work(piece: int) -> int:
        if piece < 3:
            all_there.wait(PATIENCE_SECONDS)
        if piece == 0:
            assert twelve_asked.wait(PATIENCE_SECONDS)
        threads.add(threading.get_ident())
        return piece

    results = map_ordered(work, pieces(), at_once=3)
    assert next(results) == 0
    assert asked == list(range(12))
    assert list(results) == list(range(1, 300))
    assert len(threads) == 3


def test_what_has_ended_is_told_before_many_more_pieces_are_asked_for() -> None:
    asked: list[int] = []
    first_has_ended = threading.Event()

    def pieces() -> Iterator[int]:
        for number in range(100):
            if number == 2:
                assert first_has_ended.wait(PATIENCE_SECONDS)
            asked.append(number)
            yield number

    def work(piece: int) -> int:
        if piece == 1:  # there is one worker, so the first piece's result is known
            first_has_ended.set()
        return piece

    assert next(map_ordered(work, pieces(), at_once=1)) == 0
    assert len(asked) < 4


def test_where_no_thread_can_be_started_nobody_waits_for_what_was_to_be_done() -> None:
    before = threading.stack_size(1 << 46)  # more than there is
    try:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            list(map_ordered(str, [1], finish=True))
    finally:
        threading.stack_size(before)


def test_the_first_exception_in_the_order_of_pieces_is_raised_after_the_results_before_it() -> None:
    late_has_failed = threading.Event()

    def work(piece: str) -> str:
        if piece == "late":
            late_has_failed.set()
            raise ValueError(piece)
        assert late_has_failed.wait(PATIENCE_SECONDS)
        if piece == "early":
            raise KeyError(piece)
        return piece

    results = map_ordered(work, ["fine", "early", "late"])
    assert next(results) == "fine"
    with pytest.raises(KeyError, match="early"):
        next(results)


def test_what_has_not_begun_when_the_work_is_interrupted_never_begins() -> None:
    has_begun, may_end = threading.Event(), threading.Event()
    begun: list[int] = []

    def work(piece: int) -> None:
        begun.append(piece)
        has_begun.set()
        assert may_end.wait(PATIENCE_SECONDS)

    def pieces() -> Iterator[int]:
        yield from (1, 2, 3)
        assert has_begun.wait(PATIENCE_SECONDS)
        raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        list(map_ordered(work, pieces(), at_once=1))
    may_end.set()
    for worker in set(threading.enumerate()) - before:
        worker.join(PATIENCE_SECONDS)
    assert begun == [1]


@pytest.mark.parametrize("finish", [True, False])
def test_on_ctrl_c_what_has_begun_is_waited_for_only_where_it_must_finish(*, finish: bool) -> None:
    has_begun, may_end = threading.Event(), threading.Event()
    ended: list[int] = []

    def work(piece: int) -> None:
        has_begun.set()
        assert may_end.wait(PATIENCE_SECONDS)
        ended.append(piece)

    def pieces() -> Iterator[int]:
        yield 1
        assert has_begun.wait(PATIENCE_SECONDS)
        if finish:
            may_end.set()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(map_ordered(work, pieces(), finish=finish))
    assert ended == ([1] if finish else [])
    may_end.set()
