"""Connections to a server of ours that answers as it is told."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from data_exports.mover.wire.connections import Connections
from data_exports.mover.wire.http_connection import USUAL_LIMITS, RequestLimits
from data_exports.mover.wire.http_requests import Host
from data_exports.mover.wire.http_responses import Response
from tests.patience import PATIENCE_SECONDS

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


def ask(
    connections: Connections, host: Host, *, times: int = 1, limits: RequestLimits = USUAL_LIMITS
) -> list[Response]:
    answers: list[Response] = []
    for _ in range(times):
        connections.send(host, REQUEST, answers.append, limits=limits)
    work_until(connections, lambda: len(answers) == times)
    return answers


def work_until(connections: Connections, is_done: Callable[[], bool]) -> None:
    """Work; what never comes to an end is a failure, not a test that hangs."""
    hopeless = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        assert time.monotonic() < hopeless
        connections.run_once()
