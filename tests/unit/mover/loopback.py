"""A little HTTP server on 127.0.0.1 that plays the answers it is given and remembers what it was asked."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType

from data_exports.mover.places.in_flight import InFlight, Way
from data_exports.mover.places.operation import Operation
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import S3Request


@dataclass(frozen=True)
class Played:
    """One answer. `cut` says how many bytes the connection loses at its end."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: int = 0


@dataclass(frozen=True)
class Asked:
    """One request, as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Loopback:
    """A running server: answers are played in order, the last one again and again; some queries have their own."""

    answers: list[Played]
    by_query: Mapping[str, Played]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(*answers: Played, by_query: Mapping[str, Played] = MappingProxyType({})) -> Iterator[Loopback]:
    """Serve these answers for the time of the block."""
    loopback = Loopback(list(answers), by_query)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def play(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            loopback.asked.append(Asked(self.command, self.path, headers, body))
            played = loopback.by_query.get(self.path.partition("?")[2])
            if played is None:
                played = loopback.answers.pop(0) if len(loopback.answers) > 1 else loopback.answers[0]
            self.send_response_only(played.status)
            if not any(name.lower() == "date" for name, _ in played.headers):
                self.send_header("date", self.date_time_string())
            for name, value in played.headers:
                self.send_header(name, value)
            if played.status != 204:
                self.send_header("content-length", str(len(played.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(played.body[: len(played.body) - played.cut])
            self.close_connection = bool(played.cut)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = play  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    loopback.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield loopback
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def response_to(way: Way, request: S3Request) -> Response:
    """What one request is answered, as it comes."""
    response = InFlight[Response](way).ask(Operation(request, lambda received: received))
    assert isinstance(response, Response)
    return response
