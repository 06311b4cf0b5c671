"""HTTP of the stand-ins: requests read whole, answers, one thread a connection.

In: services. Out: listeners on 127.0.0.1. Effects: sockets, threads. Web pages and other hosts' names are refused, as
the local AWS does (`local.gate`).
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from data_exports.local.clouds.faults import Faults, InjectedFault
from data_exports.loopback import is_this_machine

MOST_BODY_BYTES = 512 * 1024 * 1024
"""Bodies are in memory: a larger one is refused, although the vendors would take it."""


@dataclass(frozen=True)
class CloudRequest:
    """A request, read whole. `path`: as it was sent; `headers`: names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class CloudAnswer:
    """An answer; a body of several pieces is sent one after the other. `size_bytes`: of a body that is not sent."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: tuple[bytes, ...] = ()
    size_bytes: int | None = None


class CloudRefusedError(Exception):
    """What a service refuses, as it answers it."""

    def __init__(self, answer: CloudAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class CloudService(Protocol):
    """One of the services."""

    name: str

    def serve(self, request: CloudRequest) -> CloudAnswer:
        """Carry out a request; raises `CloudRefusedError`."""
        ...

    def refusal(self, status: int, code: str, words: str, headers: Mapping[str, str]) -> CloudAnswer:
        """A refusal in this service's form."""
        ...


def start_cloud_listener(service: CloudService, faults: Faults) -> int:
    """Serve on a free port of 127.0.0.1 from now on; gives the port."""

    class Handler(_Handler):
        served = service
        injected = faults

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name=service.name, daemon=True).start()
    return server.server_port


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    served: CloudService
    injected: Faults

    def _serve(self) -> None:
        request = self._read()
        if request is None:
            return
        fault = self.injected.next_for(self.served.name)
        answer = self.served.serve(request) if fault is None or fault.after else None
        if fault is None:
            assert answer is not None
            self._send(request, answer)
        elif fault.status:
            self._send(request, _faulty(self.served, fault))
        else:
            self.close_connection = True

    def _read(self) -> CloudRequest | None:
        """The request; None if it was answered already."""
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        address = urlsplit(self.path)
        length = headers.get("content-length", "0")
        empty = CloudRequest(self.command, address.path, {}, headers, b"")
        self.close_connection = True
        if not is_this_machine(headers.get("host", "")) or "origin" in headers:
            self._send(
                empty, CloudAnswer(403, {"Content-Type": "text/plain"}, (b"for this computer's programs only\n",))
            )
        elif "transfer-encoding" in headers or not length.isdecimal():
            self._send(empty, self.served.refusal(411, "MissingContentLengthHeader", "Content-Length is needed", {}))
        elif int(length) > MOST_BODY_BYTES:
            words = f"The stand-in takes {MOST_BODY_BYTES} bytes at most"
            self._send(empty, self.served.refusal(413, "RequestBodyTooLarge", words, {}))
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):  # or the client has gone
                self.close_connection = headers.get("connection", "").lower() == "close"
                query = dict(parse_qsl(address.query, keep_blank_values=True))
                return CloudRequest(self.command, address.path, query, headers, body)
        return None

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = _serve  # noqa: N815 - the names that it looks for

    def _send(self, request: CloudRequest, answer: CloudAnswer) -> None:
        size = sum(map(len, answer.body)) if answer.size_bytes is None else answer.size_bytes
        told = {**answer.headers, **({} if answer.status in (204, 304) else {"Content-Length": str(size)})}
        if self.close_connection:
            told["Connection"] = "close"
        lines = [f"HTTP/1.1 {answer.status} {answer.status}", *(f"{name}: {value}" for name, value in told.items())]
        head = "".join(f"{line}\r\n" for line in [*lines, f"Date: {self.date_time_string()}", ""]).encode("latin-1")
        pieces = () if request.method == "HEAD" else answer.body
        first, rest = (pieces[0], pieces[1:]) if pieces and len(pieces[0]) < 65536 else (b"", pieces)
        try:
            self.wfile.write(head + first)
            for piece in rest:
                self.wfile.write(piece)
        except OSError:  # the client has gone
            self.close_connection = True

    def log_message(self, *_words: object) -> None:
        """Nothing: paths name files, and headers hold tokens."""


def _faulty(service: CloudService, fault: InjectedFault) -> CloudAnswer:
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
    return service.refusal(fault.status, fault.code, "A fault that was asked for", headers)
