"""Connections over real sockets: requests at once, connections used again, and every way in which one ends badly."""

import socket
import ssl
import threading
import time
from contextlib import closing
from functools import partial
from queue import SimpleQueue
from typing import Any

import pytest

from data_exports.mover.wire.connections import Connections
from data_exports.mover.wire.http_connection import IDLE_SECONDS, RequestLimits
from data_exports.mover.wire.http_requests import Host
from data_exports.mover.wire.http_responses import Response
from tests.patience import PATIENCE_SECONDS
from tests.unit.mover.wire.dialogue import OK, OKAY, REQUEST, TLS, Serve, always, ask, server, work_until


def once(answer: bytes, ended: "SimpleQueue[bool] | None" = None) -> Serve:
    """Answer one request, and end the connection; tell then."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)
        if ended:
            ended.put(True)

    return serve


def test_requests_share_no_more_connections_than_allowed() -> None:
    with server(always(OK)) as (host, made), closing(Connections(max_per_host=3)) as connections:
        assert ask(connections, host, times=20) == [OKAY] * 20
        assert ask(connections, host) == [OKAY]
    assert len(made) == 3


@pytest.mark.parametrize("last", [b"", b"HTTP/1.1 408 late\r\n\r\n"], ids=["closed", "with a word"])
def test_a_connection_that_the_server_has_ended_is_not_used_again(last: bytes) -> None:
    ended: SimpleQueue[bool] = SimpleQueue()
    with server(once(OK + last, ended)) as (host, made), closing(Connections(max_per_host=1)) as connections:
        for _ in range(3):
            assert ask(connections, host) == [OKAY]
            ended.get()
    assert len(made) == 3


def test_a_function_that_slept_makes_new_connections() -> None:
    with server(always(OK)) as (host, made), closing(Connections(max_per_host=2)) as connections:
        ask(connections, host, times=4)
        connections.close_idle()
        assert ask(connections, host) == [OKAY]
    assert len(made) == 3


def test_a_connection_that_was_idle_for_long_is_not_used_again() -> None:
    with server(always(OK)) as (host, made), closing(Connections(max_per_host=1)) as connections:
        assert [ask(connections, host) for _ in range(2)] == [[OKAY]] * 2
        assert len(made) == 1
        (idle,) = connections._idle[host]
        idle._active_at -= IDLE_SECONDS
        assert ask(connections, host) == [OKAY]
    assert len(made) == 2


def test_a_request_is_sent_once_whatever_becomes_of_its_connection() -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))

    with server(serve) as (host, _), closing(Connections(max_per_host=1)) as connections:
        (answer,) = ask(connections, host)
    assert answer == Response(None, {}, b"", fault="connection closed after 0 bytes of an answer")
    assert heard == [REQUEST]


def test_a_silent_server_is_given_up_and_the_next_request_is_served() -> None:
    silent = [True]

    def serve(connection: socket.socket) -> None:
        if silent.pop() if silent else False:
            connection.recv(65536)
            connection.recv(1)  # until the other side ends it
        else:
            once(OK)(connection)

    with server(serve) as (host, _), closing(Connections(max_per_host=1)) as connections:
        answers: list[Response] = []
        connections.send(host, REQUEST, answers.append, limits=RequestLimits(read_timeout_seconds=0.1))
        connections.send(host, REQUEST, answers.append)
        work_until(connections, lambda: len(answers) == 2)
        assert answers == [Response(None, {}, b"", fault="silent for 0.1 s"), OKAY]


def test_a_port_that_nobody_serves_is_an_answer() -> None:
    with socket.socket() as held, closing(Connections(max_per_host=1)) as connections:
        held.bind(("127.0.0.1", 0))  # and nobody listens: as long as it is held, no other program can
        port = held.getsockname()[1]
        (answer,) = ask(connections, Host("http", "127.0.0.1", port))
        assert (answer.status, answer.fault.split(":")[0]) == (None, "ConnectionRefusedError")


def test_what_waits_in_line_is_sent_in_order_and_on_no_connection_that_the_server_has_ended() -> None:
    """A server that ends each connection after twenty answers, and says so to nobody."""
    asked: SimpleQueue[bool] = SimpleQueue()
    may_answer: SimpleQueue[bool] = SimpleQueue()
    ended: SimpleQueue[bool] = SimpleQueue()

    def serve(connection: socket.socket) -> None:
        for _ in range(20):
            connection.recv(65536)
            asked.put(True)
            may_answer.get(timeout=PATIENCE_SECONDS)
            connection.sendall(OK)
        connection.shutdown(socket.SHUT_RDWR)
        ended.put(True)

    with server(serve) as (host, made), closing(Connections(max_per_host=1)) as connections:
        answers: list[tuple[int, Response]] = []

        def note(number: int, response: Response) -> None:
            answers.append((number, response))

        for number in range(60):
            connections.send(host, REQUEST, partial(note, number))
        for number in range(1, 61):
            while asked.empty() and len(answers) < 60:
                connections.call_later(0.001, lambda: None)
                connections.run_once()
            asked.get(timeout=PATIENCE_SECONDS)
            may_answer.put(True)
            if number % 20 == 0:
                ended.get(timeout=PATIENCE_SECONDS)  # the end has come by the time that the answer is read
        work_until(connections, lambda: len(answers) == 60)
    assert (answers, len(made)) == ([(number, OKAY) for number in range(60)], 3)


@pytest.mark.parametrize(
    "rest", [b"1\r\n \r\n", b" "], ids=["chunks of white space", "white space before a length is reached"]
)
def test_a_server_that_goes_on_for_ever_is_given_up_at_the_deadline(rest: bytes) -> None:
    """S3 sends white space while it copies, which is no silence."""
    framing = b"transfer-encoding: chunked" if rest.startswith(b"1") else b"content-length: 1000000"

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        while True:
            connection.sendall(rest)
            time.sleep(0.01)

    limits = RequestLimits(read_timeout_seconds=30, timeout_seconds=0.2)
    with server(serve) as (host, _), closing(Connections(max_per_host=1)) as connections:
        answers = ask(connections, host, times=2, limits=limits)  # the second waits for the first one's connection
    assert answers == [Response(None, {}, b"", fault="not answered within 0.2 s")] * 2


def test_white_space_before_an_answer_that_comes_in_time_is_no_fault() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(20):
            connection.sendall(b"1\r\n \r\n")
            time.sleep(0.01)
        connection.sendall(b"2\r\nok\r\n0\r\n\r\n")

    with server(serve) as (host, _), closing(Connections(max_per_host=1)) as connections:
        (answer,) = ask(connections, host, limits=RequestLimits(read_timeout_seconds=5))
    assert (answer.status, answer.body) == (200, b" " * 20 + b"ok")


def test_a_body_larger_than_allowed_is_not_taken() -> None:
    with server(once(OK)) as (host, _), closing(Connections(max_per_host=1)) as connections:
        (answer,) = ask(connections, host, limits=RequestLimits(max_body_bytes=1))
    assert answer == Response(None, {}, b"", fault="a body of more than 1 bytes")


def test_a_large_request_goes_out_as_fast_as_it_is_taken() -> None:
    body = b"x" * 5_000_000
    heard: list[int] = []

    def serve(connection: socket.socket) -> None:
        count = 0
        while count < len(body):
            count += len(connection.recv(65536))
        heard.append(count)
        connection.sendall(OK)

    with server(serve) as (host, _), closing(Connections(max_per_host=1)) as connections:
        answers: list[Response] = []
        connections.send(host, body, answers.append)
        work_until(connections, lambda: bool(answers))
    assert (answers, heard) == ([OKAY], [len(body)])


EARLY_SUCCESS = Response(None, {}, b"", fault="a success before all of the request was sent")


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (b"401 Unauthorized", Response(401, {"content-length": "2"}, b"no")),
        (b"201 Created", EARLY_SUCCESS),
    ],
)
def test_who_answers_a_large_request_before_all_of_it_has_come_is_heard_if_it_is_a_refusal(
    said: bytes, heard: Response
) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(100)
        # What has come and was not read makes the system reset the connection.
        connection.sendall(b"HTTP/1.1 " + said + b"\r\nContent-Length: 2\r\n\r\nno")

    with server(serve) as (host, made), closing(Connections(max_per_host=1)) as connections:
        for number in range(1, 6):
            answers: list[Response] = []
            connections.send(host, REQUEST, answers.append, body=b"x" * 8_000_000)
            work_until(connections, partial(bool, answers))
            assert (answers, len(made)) == ([heard], number)


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(TLS / "certificate.pem"))


def test_https_is_spoken_with_a_server_whose_certificate_is_trusted() -> None:
    large = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"y" * 100_000
    with (
        server(always(large), tls=True) as (host, made),
        closing(Connections(max_per_host=2, tls_context=trusting)) as connections,
    ):
        answers = ask(connections, host, times=6)
        assert [(answer.status, len(answer.body)) for answer in answers] == [(200, 100_000)] * 6
    assert len(made) == 2


def test_a_server_whose_certificate_is_not_trusted_is_told_nothing() -> None:
    with server(always(OK), tls=True) as (host, _), closing(Connections(max_per_host=1)) as connections:
        (answer,) = ask(connections, host)
    assert (answer.status, answer.fault.split(":")[0]) == (None, "SSLCertVerificationError")


class Endless(ssl.SSLSocket):
    """One that always has more to give, as of a server that sends faster than anybody reads."""

    def __init__(self, plain: socket.socket) -> None:
        socket.socket.__init__(self, fileno=plain.detach())
        self.given = 0

    def do_handshake(self, block: bool = False) -> None: ...

    def send(self, data: Any, flags: int = 0) -> int:
        return super(ssl.SSLSocket, self).send(data, flags)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        del buflen, flags
        self.given += 1
        assert self.given < 100
        return b"HTTP/1.1 100 Continue\r\n\r\n" * 100


class EndlessContext(ssl.SSLContext):
    """Makes such sockets, and keeps them."""

    def wrap_socket(self, sock: socket.socket, *_: Any, **__: Any) -> ssl.SSLSocket:
        self.made = Endless(sock)
        return self.made


def test_a_server_that_sends_faster_than_anybody_reads_leaves_the_others_their_turn_and_ends_at_the_deadline() -> None:
    context = EndlessContext(ssl.PROTOCOL_TLS_CLIENT)
    limits = RequestLimits(read_timeout_seconds=30, timeout_seconds=0.2)
    with (
        server(always(OK)) as (host, _),
        closing(Connections(max_per_host=1, tls_context=lambda: context)) as connections,
    ):
        answers: list[Response] = []
        connections.send(host._replace(scheme="https"), REQUEST, answers.append, limits=limits)

        def is_answered() -> bool:
            if hasattr(context, "made"):
                context.made.given = 0
            return bool(answers)

        work_until(connections, is_answered)
    assert answers == [Response(None, {}, b"", fault="not answered within 0.2 s")]


def test_a_call_is_made_when_it_is_due_and_another_thread_may_send() -> None:
    with server(always(OK)) as (host, _), closing(Connections(max_per_host=1)) as connections:
        done: list[str] = []
        other = threading.Thread(target=connections.send, args=(host, REQUEST, lambda _: done.append("sent")))

        def later() -> None:
            done.append("later")
            other.start()

        connections.call_later(0.05, later)
        connections.call_later(0, lambda: done.append("now"))
        work_until(connections, lambda: len(done) == 3)
        other.join()
    assert done == ["now", "later", "sent"]


@pytest.mark.parametrize("said", [b"SSH-2.0-x", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1\r\n\r\n"])
def test_what_is_not_http_is_an_answer_too(said: bytes) -> None:
    with server(once(said)) as (host, _), closing(Connections(max_per_host=1)) as connections:
        (answer,) = ask(connections, host)
    assert answer == Response(None, {}, b"", fault=f"not HTTP: {said.rstrip()!r}")


def test_an_answer_comes_from_within_the_loop_even_where_nothing_can_be_sent_at_all() -> None:
    with closing(Connections(max_per_host=1)) as connections:
        answers: list[Response] = []
        connections.send(Host("http", "255.255.255.255", 80), REQUEST, answers.append)  # refused by this machine itself
        assert answers == []
        work_until(connections, lambda: bool(answers))
    assert [(answer.status, answer.body) for answer in answers] == [(None, b"")]
