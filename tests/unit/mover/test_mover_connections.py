"""Connections over real sockets: requests at once, connections used again, and every way in which one ends badly."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

import pytest

from data_exports.mover.connections import Connections, Host
from data_exports.mover.http_responses import parse_response
from data_exports.mover.replies import Response

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nok"
OKAY = Response(200, {"content-length": "2", "x-a": "1"}, b"ok")
TLS = Path(__file__).with_name("tls")

Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve, *, tls: bool = False) -> Iterator[tuple[Host, list[int]]]:
    """Serve each connection in a thread; gives the host, and one entry for each connection that was made."""
    made: list[int] = []
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")

    def run(connection: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(connection, server_side=True) if tls else connection as wrapped:
            serve(wrapped)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                made.append(len(made))
                threads.append(threading.Thread(target=run, args=(connection,)))
                threads[-1].start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    try:
        yield Host("https" if tls else "http", "localhost" if tls else "127.0.0.1", listener.getsockname()[1]), made
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join()


def always(answer: bytes) -> Serve:
    """Answer every request of a connection alike."""

    def serve(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(answer)

    return serve


def once(answer: bytes, ended: "SimpleQueue[bool] | None" = None) -> Serve:
    """Answer one request, and end the connection; tell then."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)
        if ended:
            ended.put(True)

    return serve


def ask(
    connections: Connections, host: Host, *, times: int = 1, is_head: bool = False, silence_seconds: float = 30
) -> list[Response]:
    answers: list[Response] = []
    for _ in range(times):
        connections.send(host, REQUEST, answers.append, is_head=is_head, silence_seconds=silence_seconds)
    while len(answers) < times:
        connections.work()
    return answers


def test_requests_share_no_more_connections_than_allowed() -> None:
    with server(always(OK)) as (host, made), closing(Connections(most=3)) as connections:
        assert ask(connections, host, times=20) == [OKAY] * 20
        assert ask(connections, host) == [OKAY]
    assert len(made) == 3


@pytest.mark.parametrize("last", [b"", b"HTTP/1.1 408 late\r\n\r\n"], ids=["closed", "with a word"])
def test_a_connection_that_the_server_has_ended_is_not_used_again(last: bytes) -> None:
    ended: SimpleQueue[bool] = SimpleQueue()
    with server(once(OK + last, ended)) as (host, made), closing(Connections(most=1)) as connections:
        for _ in range(3):
            assert ask(connections, host) == [OKAY]
            ended.get()
    assert len(made) == 3


def test_a_function_that_slept_makes_new_connections() -> None:
    with server(always(OK)) as (host, made), closing(Connections(most=2)) as connections:
        ask(connections, host, times=4)
        connections.rest()
        assert ask(connections, host) == [OKAY]
    assert len(made) == 3


def test_a_request_is_sent_once_whatever_becomes_of_its_connection() -> None:
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))

    with server(serve) as (host, _), closing(Connections(most=1)) as connections:
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

    with server(serve) as (host, _), closing(Connections(most=1)) as connections:
        answers = ask(connections, host, times=2, silence_seconds=0.1)
        assert answers == [Response(None, {}, b"", fault="silent for 0.1 s"), OKAY]


def test_a_port_that_nobody_serves_is_an_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with closing(Connections(most=1)) as connections:
        (answer,) = ask(connections, Host("http", "127.0.0.1", port))
        assert (answer.status, answer.fault.split(":")[0]) == (None, "ConnectionRefusedError")
        (answer,) = ask(connections, Host("http", "no-such-host.invalid", port))
        assert (answer.status, answer.fault.split(":")[0]) == (None, "gaierror")


def test_a_large_request_goes_out_as_fast_as_it_is_taken() -> None:
    body = b"x" * 5_000_000
    heard: list[int] = []

    def serve(connection: socket.socket) -> None:
        count = 0
        while count < len(body):
            count += len(connection.recv(65536))
        heard.append(count)
        connection.sendall(OK)

    with server(serve) as (host, _), closing(Connections(most=1)) as connections:
        answers: list[Response] = []
        connections.send(host, body, answers.append)
        while not answers:
            connections.work()
    assert (answers, heard) == ([OKAY], [len(body)])


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(TLS / "certificate.pem"))


def test_https_is_spoken_with_a_server_whose_certificate_is_trusted() -> None:
    large = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + b"y" * 100_000
    with server(always(large), tls=True) as (host, made), closing(Connections(most=2, tls=trusting)) as connections:
        answers = ask(connections, host, times=6)
        assert [(answer.status, len(answer.body)) for answer in answers] == [(200, 100_000)] * 6
    assert len(made) == 2


def test_a_server_whose_certificate_is_not_trusted_is_told_nothing() -> None:
    with server(always(OK), tls=True) as (host, _), closing(Connections(most=1)) as connections:
        (answer,) = ask(connections, host)
    assert (answer.status, answer.fault.split(":")[0]) == (None, "SSLCertVerificationError")


def test_a_call_is_made_when_it_is_due_and_another_thread_may_send() -> None:
    with server(always(OK)) as (host, _), closing(Connections(most=1)) as connections:
        done: list[str] = []
        connections.call_later(0.05, lambda: done.append("later"))
        connections.call_later(0, lambda: done.append("now"))
        threading.Timer(0.1, lambda: connections.send(host, REQUEST, lambda _: done.append("sent"))).start()
        while len(done) < 3:
            connections.work()
    assert done == ["now", "later", "sent"]


@pytest.mark.parametrize(
    ("heard", "response", "keep"),
    [
        (OK, OKAY, True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, OKAY, True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Response(204, {}, b""), True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            Response(200, {"transfer-encoding": "chunked"}, b"abcde"),
            True,
        ),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", None, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", Response(200, {"content-length": "0"}, b""), False),
    ],
    ids=["length", "interim", "no content", "chunked", "close", "HTTP/1.0"],
)
def test_a_response_is_read_when_it_is_whole(heard: bytes, response: Response | None, *, keep: bool) -> None:
    parsed = parse_response(bytearray(heard), is_head=False, ended=False)
    assert parsed is not None
    assert (response or parsed[0], keep) == parsed
    for length in range(len(heard)):
        assert parse_response(bytearray(heard[:length]), is_head=False, ended=True) is None


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    heard = b"HTTP/1.1 200 OK\r\n\r\nall of it"
    assert parse_response(bytearray(heard), is_head=False, ended=False) is None
    assert parse_response(bytearray(heard), is_head=False, ended=True) == (Response(200, {}, b"all of it"), False)
    assert parse_response(bytearray(heard), is_head=True, ended=False) == (Response(200, {}, b""), True)


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1\r\n\r\n"])
def test_what_is_not_http_is_an_answer_too(said: bytes) -> None:
    with server(once(said)) as (host, _), closing(Connections(most=1)) as connections:
        (answer,) = ask(connections, host)
    assert answer == Response(None, {}, b"", fault=f"not HTTP: {said!r}")
