"""HTTP/1.1 connections, many at once, worked by whoever waits: no thread but for names, the standard library alone.

In: requests as bytes. Out: their responses, each handed to a callback from within `run_once`. Effects: the connections
(`http_connection`), which are kept and used again.

Connections to https are TLS 1.2 or newer and check the server's certificate against the system's authorities.
"""

import heapq
import selectors
import socket
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress

from data_exports.mover.wire.endpoints import default_tls_context
from data_exports.mover.wire.http_connection import (
    USUAL_LIMITS,
    HttpConnection,
    OnResponse,
    PendingRequest,
    RequestLimits,
)
from data_exports.mover.wire.http_requests import Host
from data_exports.mover.wire.name_resolution import LookUp, Resolver


class Connections:
    """Connections to any number of hosts. `send` is for all threads, `run_once` for one at a time."""

    def __init__(
        self,
        *,
        max_per_host: int,
        tls_context: Callable[[], ssl.SSLContext] | None = None,
        look_up: LookUp = socket.getaddrinfo,
    ) -> None:
        """Connect to nothing yet; keep at most so many connections to one host at once."""
        self._max_per_host = max_per_host
        self._tls_context = tls_context or default_tls_context
        self._selector = selectors.DefaultSelector()
        self._resolver = Resolver(self._call_soon, look_up=look_up)
        self._open: defaultdict[Host, set[HttpConnection]] = defaultdict(set)
        self._idle: defaultdict[Host, list[HttpConnection]] = defaultdict(list)
        self._queued: defaultdict[Host, deque[PendingRequest]] = defaultdict(deque)
        self._scheduled: list[tuple[float, int, Callable[[], None]]] = []
        self._calls: deque[Callable[[], None]] = deque()
        self._worker: int | None = None
        self._schedule_count = 0
        self._next_check = 0.0
        self._wakeup_receiver, self._wakeup_sender = socket.socketpair()
        for end in (self._wakeup_receiver, self._wakeup_sender):
            end.setblocking(False)  # noqa: FBT003 the library's own signature
        self._selector.register(self._wakeup_receiver, selectors.EVENT_READ, self._drain_wakeups)

    def send(
        self,
        host: Host,
        data: bytes,
        on_response: OnResponse,
        *,
        is_head: bool = False,
        limits: RequestLimits = USUAL_LIMITS,
        body: bytes = b"",
    ) -> None:
        """Send a request and return at once; `on_response` gets its response from within `run_once`, exactly once.

        `body` follows the data, and is not copied.
        """
        request = PendingRequest(data, on_response, is_head, limits, time.monotonic() + limits.timeout_seconds, body)
        if threading.get_ident() == self._worker:
            self._start(host, request)
        else:
            self._call_soon(lambda: self._start(host, request))

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have `run_once` make a call after so many seconds."""
        due = time.monotonic() + seconds

        def schedule() -> None:
            self._schedule_count += 1
            heapq.heappush(self._scheduled, (due, self._schedule_count, call))

        self._call_soon(schedule)

    def _call_soon(self, call: Callable[[], None]) -> None:
        """Have `run_once` make a call first of all, or as soon as it can if it is under way in another thread."""
        self._calls.append(call)  # before the look at the worker, who looks here after having signed in
        if self._worker is not None:
            self.wake()

    def wake(self) -> None:
        """Have `run_once` return soon, from whatever thread."""
        if threading.get_ident() != self._worker:
            with suppress(BlockingIOError):
                self._wakeup_sender.send(b"!")

    def run_once(self) -> None:
        """Wait until something happens on a connection, or is due, and see to it."""
        self._worker = threading.get_ident()
        try:
            while self._calls:
                self._calls.popleft()()
            for key, _ in self._selector.select(self._seconds_to_wait()):
                key.data()
            now = time.monotonic()
            while self._scheduled and self._scheduled[0][0] <= now:
                heapq.heappop(self._scheduled)[2]()
            if now >= self._next_check:
                self._next_check = now + 1
                self._check_times(now)
        finally:
            self._worker = None

    def close_idle(self) -> None:
        """Close what is idle. A function sleeps between invocations, and no clock tells it for how long."""
        for connections in self._idle.values():
            while connections:
                connections.pop().close()

    def close(self) -> None:
        """End all connections; requests under way get no answer."""
        for connections in list(self._open.values()):
            for connection in list(connections):
                connection.discard()
        self._selector.close()
        self._wakeup_receiver.close()
        self._wakeup_sender.close()

    def _seconds_to_wait(self) -> float:
        if self._calls:
            return 0
        return max(0.0, min(1.0, self._scheduled[0][0] - time.monotonic())) if self._scheduled else 1.0

    def _drain_wakeups(self) -> None:
        with suppress(BlockingIOError):
            self._wakeup_receiver.recv(4096)

    def _start(self, host: Host, request: PendingRequest) -> None:
        """Send on an idle connection, on a new one, or when one becomes free."""
        idle = self._idle[host]
        while idle:
            connection = idle.pop()
            if connection.is_usable():
                connection.carry(request)
                return
            connection.close()
        if len(self._open[host]) >= self._max_per_host:
            self._queued[host].append(request)
            return
        connection = HttpConnection(
            host,
            self._selector,
            self._resolver,
            tls_context=self._tls_context,
            on_idle=self._on_idle,
            on_closed=self._on_closed,
        )
        self._open[host].add(connection)
        connection.carry(request)

    def _on_idle(self, connection: HttpConnection) -> None:
        self._idle[connection.host].append(connection)
        self._start_queued_soon(connection.host)

    def _on_closed(self, connection: HttpConnection) -> None:
        self._open[connection.host].discard(connection)
        with suppress(ValueError):
            self._idle[connection.host].remove(connection)
        self._start_queued_soon(connection.host)

    def _start_queued_soon(self, host: Host) -> None:
        """Start what waits for a connection: from the loop, since what fails at once makes room for the next."""
        if self._queued[host]:
            self._calls.append(lambda: self._start_queued(host))

    def _start_queued(self, host: Host) -> None:
        queued = self._queued[host]
        if queued and (self._idle[host] or len(self._open[host]) < self._max_per_host):
            self._start(host, queued.popleft())

    def _check_times(self, now: float) -> None:
        """Give up what takes too long, also what waits for a connection."""
        for connection in [each for connections in self._open.values() for each in connections]:
            connection.check_time(now)
        for queued in list(self._queued.values()):
            late = [request for request in queued if request.fault_at(now)]
            for request in late:
                queued.remove(request)
            for request in late:
                request.fail(request.fault_at(now))
