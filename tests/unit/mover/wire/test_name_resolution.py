"""Looking names up: nothing waits for it but what needs the name, and what failed is not asked for again at once."""

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from queue import SimpleQueue
from typing import Any

import pytest

from data_exports.mover.wire.connections import Connections
from data_exports.mover.wire.http_connection import RequestLimits
from data_exports.mover.wire.http_requests import Host
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.name_resolution import (
    FAILURE_REMEMBERED_SECONDS,
    REMEMBERED_SECONDS,
    Address,
    Resolved,
    Resolver,
)
from tests.unit.mover.wire.dialogue import OK, OKAY, REQUEST, always, ask, server, work_until

Found = Sequence[tuple[socket.AddressFamily, Any, int, str, tuple[Any, ...]]]
FAILURE = socket.gaierror(socket.EAI_AGAIN, "no name server answers")
FAULT = f"gaierror: {FAILURE}"
SHORT = RequestLimits(read_timeout_seconds=0.05)
FOUND: Found = [
    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 443, 0, 0)),
    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::2", 443, 0, 0)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443)),
]
ADDRESSES = [
    Address(socket.AF_INET6, ("2001:db8::1", 443, 0, 0)),
    Address(socket.AF_INET6, ("2001:db8::2", 443, 0, 0)),
]


class Names:
    """A resolver of the system that answers when it is told to, and notes what it was asked."""

    def __init__(self, answer: Found | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, int]] = []
        self.threads: list[threading.Thread] = []
        self.may_answer = threading.Event()

    def __call__(self, name: str, port: int, **_: object) -> Found:
        self.asked.append((name, port))
        self.threads.append(threading.current_thread())
        assert self.may_answer.wait(timeout=60)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Loop:
    """Makes the calls that others want made, and stands for the time that passes."""

    def __init__(self, names: Names) -> None:
        self.calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.now = 1000.0
        self.names = names
        self.resolver = Resolver(self.calls.put, look_up=names, clock=lambda: self.now)

    def resolve(self, *, times: int = 1) -> list[Resolved]:
        answers: list[Resolved] = []
        for _ in range(times):
            self.resolver.resolve("bucket.example.org", 443, answers.append)
        self.names.may_answer.set()
        while len(answers) < times:
            self.calls.get(timeout=60)()
        return answers


def test_requests_to_a_name_that_nobody_knows_fail_together_and_hold_up_no_other() -> None:
    names = Names(FAILURE)
    answers: list[Response] = []
    opened = closing(Connections(max_per_host=64, look_up=names))
    with server(always(OK)) as (host, _), opened as connections:
        for _ in range(64):
            connections.send(Host("http", "no-such-host.invalid", 80), REQUEST, answers.append)
        assert ask(connections, host, times=2) == [OKAY] * 2
        assert answers == []
        names.may_answer.set()
        work_until(connections, lambda: len(answers) == 64)
    assert answers == [Response(None, {}, b"", fault=FAULT)] * 64
    assert names.asked == [("no-such-host.invalid", 80)]


@pytest.mark.parametrize(
    "answer",
    [FAILURE, [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("255.255.255.255", 1))]],
    ids=["not found", "nothing that one could connect to"],
)
def test_what_waits_in_line_for_a_host_that_fails_at_once_is_answered_too(answer: Found | Exception) -> None:
    names = Names(answer)
    names.may_answer.set()
    with closing(Connections(max_per_host=2, look_up=names)) as connections:
        answers = ask(connections, Host("http", "no-such-host.invalid", 80), times=5000)
    assert {answer.status for answer in answers} == {None}
    assert len(answers) == 5000


def test_a_request_that_its_time_ran_out_for_is_not_sent_once_the_name_is_found() -> None:
    names = Names(FOUND)
    with server(always(OK)) as (host, made), closing(Connections(max_per_host=1, look_up=names)) as connections:
        names.answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", host.port))]
        answers: list[Response] = []
        named = Host("http", "bucket.example.org", host.port)
        connections.send(named, REQUEST, answers.append, limits=SHORT)
        work_until(connections, lambda: bool(answers))
        names.may_answer.set()
        names.threads[0].join()
        assert ask(connections, named) == [OKAY]
    assert answers == [Response(None, {}, b"", fault="silent for 0.05 s")]
    assert (len(made), len(names.asked)) == (1, 1)


def test_all_who_ask_share_one_look_up_whose_thread_ends_with_it() -> None:
    loop = Loop(Names(FOUND))
    assert loop.resolve(times=64) == [ADDRESSES] * 64
    assert loop.names.asked == [("bucket.example.org", 443)]
    (thread,) = loop.names.threads
    thread.join()
    assert thread.daemon


@pytest.mark.parametrize(
    ("found", "answer", "seconds"),
    [(FOUND, ADDRESSES, REMEMBERED_SECONDS), (FAILURE, FAILURE, FAILURE_REMEMBERED_SECONDS)],
    ids=["found", "not found"],
)
def test_an_answer_is_remembered_for_its_time(found: Found | Exception, answer: Resolved, seconds: float) -> None:
    loop = Loop(Names(found))
    loop.resolve()
    loop.now += seconds
    assert loop.resolve(times=3) == [answer] * 3
    assert len(loop.names.asked) == 1
    loop.now += 0.001
    assert loop.resolve() == [answer]
    assert len(loop.names.asked) == 2


def test_a_name_that_cannot_be_one_is_an_answer() -> None:
    loop = Loop(Names(UnicodeError("label too long")))
    (answer,) = loop.resolve()
    assert repr(answer) == "UnicodeError('label too long')"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("127.0.0.1", Address(socket.AF_INET, ("127.0.0.1", 80))),
        ("::1", Address(socket.AF_INET6, ("::1", 80, 0, 0))),
    ],
)
def test_an_address_is_not_looked_up(name: str, address: Address) -> None:
    names = Names(FAILURE)
    answers: list[Resolved] = []
    Resolver(lambda _: None, look_up=names).resolve(name, 80, answers.append)
    assert (answers, names.asked) == ([[address]], [])
