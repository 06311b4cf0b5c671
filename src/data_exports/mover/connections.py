"""HTTP/1.1 connections, many at once, worked by whoever waits: no thread, no library but the standard one.

In: requests as bytes. Out: their responses, each handed to a callback from within `work`. Effects: the connections,
which are kept and used again. A request is sent once: a connection that is lost, or stays silent, is an answer too.

Connections to https are TLS 1.2 or newer and check the server's certificate against the system's authorities.
"""

import heapq
import random
import selectors
import socket
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from .http_responses import parse_response
from .replies import Response

Then = Callable[[Response], None]

SILENCE_SECONDS = 30.0  # the longest that a server may stay silent, unless a request allows for more
# A server closes a connection that is not used for some seconds. One that was idle for longer than this is not used
# again: a request that is lost on it could have been carried out, for all we would know.
IDLE_SECONDS = 2.0
_CHUNK = 256 * 1024


class Host(NamedTuple):
    """Whom to connect to."""

    scheme: str
    name: str
    port: int


class Connections:
    """Connections to any number of hosts. `send` is for all threads, `work` for one at a time."""

    def __init__(self, *, most: int, tls: Callable[[], ssl.SSLContext] | None = None) -> None:
        """Connect to nothing yet; keep at most so many connections to one host at once."""
        self._most = most
        self._tls = tls or _tls
        self._selector = selectors.DefaultSelector()
        self._open: defaultdict[Host, set[_Connection]] = defaultdict(set)
        self._idle: defaultdict[Host, list[_Connection]] = defaultdict(list)
        self._queued: defaultdict[Host, deque[_Sent]] = defaultdict(deque)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._asked: deque[Callable[[], None]] = deque()
        self._worker: int | None = None
        self._numbers = 0
        self._next_check = 0.0
        self._bell, self._ear = socket.socketpair()
        for end in (self._bell, self._ear):
            end.setblocking(False)  # noqa: FBT003 the library's own signature
        self._selector.register(self._ear, selectors.EVENT_READ, self._hear)

    def send(
        self,
        host: Host,
        request: bytes,
        then: Then,
        *,
        is_head: bool = False,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        """Send a request and return at once; `then` gets its response from within `work`, exactly once."""
        sent = _Sent(request, then, is_head, silence_seconds)
        if threading.get_ident() == self._worker:
            self._start(host, sent)
        else:
            self._ask(lambda: self._start(host, sent))

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have `work` make a call after so many seconds."""
        due = time.monotonic() + seconds

        def plan() -> None:
            self._numbers += 1
            heapq.heappush(self._due, (due, self._numbers, call))

        self._ask(plan)

    def _ask(self, call: Callable[[], None]) -> None:
        """Have `work` make a call first of all, or as soon as it can if it is under way in another thread."""
        self._asked.append(call)  # before the look at the worker, who looks here after having signed in
        if self._worker is not None:
            self.wake()

    def wake(self) -> None:
        """Have `work` return soon, from whatever thread."""
        if threading.get_ident() != self._worker:
            with suppress(BlockingIOError):
                self._bell.send(b"!")

    def work(self) -> None:
        """Wait until something happens on a connection, or is due, and see to it."""
        self._worker = threading.get_ident()
        try:
            while self._asked:
                self._asked.popleft()()
            for key, _ in self._selector.select(self._seconds_to_wait()):
                key.data()
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            if now >= self._next_check:
                self._next_check = now + 1
                self._give_up_the_silent(now)
        finally:
            self._worker = None

    def rest(self) -> None:
        """Close what is idle. A function sleeps between invocations, and no clock tells it for how long."""
        for connections in self._idle.values():
            while connections:
                connections.pop().close()

    def close(self) -> None:
        """End all connections; requests under way get no answer."""
        for connections in list(self._open.values()):
            for connection in list(connections):
                connection.forget()
        self._selector.close()
        self._bell.close()
        self._ear.close()

    def _seconds_to_wait(self) -> float:
        if self._asked:
            return 0
        return max(0.0, min(1.0, self._due[0][0] - time.monotonic())) if self._due else 1.0

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            self._ear.recv(4096)

    def _start(self, host: Host, sent: "_Sent") -> None:
        """Send on an idle connection, on a new one, or when one becomes free."""
        idle = self._idle[host]
        while idle:
            connection = idle.pop()
            if connection.is_fresh():
                connection.carry(sent)
                return
            connection.close()
        if len(self._open[host]) >= self._most:
            self._queued[host].append(sent)
            return
        connection = _Connection(host, self._selector, tls=self._tls, free=self._free, gone=self._gone)
        self._open[host].add(connection)
        connection.carry(sent)

    def _free(self, connection: "_Connection") -> None:
        queued = self._queued[connection.host]
        if queued:
            connection.carry(queued.popleft())
        else:
            self._idle[connection.host].append(connection)

    def _gone(self, connection: "_Connection") -> None:
        self._open[connection.host].discard(connection)
        with suppress(ValueError):
            self._idle[connection.host].remove(connection)
        queued = self._queued[connection.host]
        if queued:
            self._start(connection.host, queued.popleft())

    def _give_up_the_silent(self, now: float) -> None:
        for connection in [each for connections in self._open.values() for each in connections]:
            connection.lose_if_silent(now)


class _Sent(NamedTuple):
    request: bytes
    then: Then
    is_head: bool
    silence_seconds: float


class _Connection:
    """One connection: idle, or carrying one request."""

    def __init__(
        self,
        host: Host,
        selector: selectors.BaseSelector,
        *,
        tls: Callable[[], ssl.SSLContext],
        free: Callable[["_Connection"], None],
        gone: Callable[["_Connection"], None],
    ) -> None:
        self.host = host
        self.heard_at = time.monotonic()
        self._selector = selector
        self._tls, self._free, self._gone = tls, free, gone
        self._socket: socket.socket | None = None
        self._ready = False  # connected, and greeted if it is TLS
        self._events = 0
        self._sent: _Sent | None = None
        self._left: memoryview = memoryview(b"")  # of the request
        self._heard = bytearray()

    def is_fresh(self) -> bool:
        """Tell whether it may be used again: neither idle for long, nor closed, nor with bytes nobody asked for."""
        if self._socket is None or time.monotonic() - self.heard_at > IDLE_SECONDS:
            return False
        try:
            socket.socket.recv(self._socket, 1, socket.MSG_PEEK)  # below TLS: whether anything came at all
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def carry(self, sent: _Sent) -> None:
        """Carry one request."""
        self._sent, self._left = sent, memoryview(sent.request)
        self.heard_at = time.monotonic()
        try:
            if self._socket is None:
                self._connect()
            if self._ready:
                self._send()
        except OSError as error:
            self.lose(_words(error))

    def close(self) -> None:
        """Close it, and tell so."""
        self.forget()
        self._gone(self)

    def forget(self) -> None:
        """Close it without a word."""
        if self._socket is not None:
            if self._events:
                self._selector.unregister(self._socket)
            self._socket.close()
            self._socket, self._events = None, 0

    def lose_if_silent(self, now: float) -> None:
        """Give a request up whose answer has not come for too long."""
        if self._sent is not None and now - self.heard_at > self._sent.silence_seconds:
            self.lose(f"silent for {self._sent.silence_seconds:g} s")

    def lose(self, fault: str) -> None:
        """End it without an answer to the request that it carries."""
        sent, self._sent = self._sent, None
        self.close()
        if sent is not None:
            sent.then(Response(None, {}, b"", fault=fault))

    def _connect(self) -> None:
        known = _addresses(self.host.name, self.host.port, int(time.monotonic() // 30))
        family, address = random.choice(known)  # noqa: S311 it spreads the load, it keeps no secret
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)  # noqa: FBT003 the library's own signature
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            self._socket.connect(address)
        if self.host.scheme == "https":
            self._socket = self._tls().wrap_socket(
                self._socket, server_hostname=self.host.name, do_handshake_on_connect=False
            )
        self._watch(selectors.EVENT_WRITE)

    def _watch(self, events: int) -> None:
        if events != self._events:
            assert self._socket is not None
            if self._events:
                self._selector.modify(self._socket, events, self._happened)
            else:
                self._selector.register(self._socket, events, self._happened)
            self._events = events

    def _happened(self) -> None:
        """See to what the connection is ready for."""
        try:
            if not self._ready and not self._greet():
                return
            if self._left:
                self._send()
            self._receive()
        except OSError as error:
            self.lose(_words(error))

    def _greet(self) -> bool:
        """Finish connecting; tell whether that is done."""
        assert self._socket is not None
        problem = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise OSError(problem, "no connection")
        if isinstance(self._socket, ssl.SSLSocket):
            try:
                self._socket.do_handshake()
            except ssl.SSLWantReadError:
                self._watch(selectors.EVENT_READ)
                return False
            except ssl.SSLWantWriteError:
                self._watch(selectors.EVENT_WRITE)
                return False
        self._ready = True
        return True

    def _send(self) -> None:
        assert self._socket is not None
        try:
            while self._left:
                self._left = self._left[self._socket.send(self._left) :]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            self._watch(selectors.EVENT_READ | selectors.EVENT_WRITE)
        else:
            self._watch(selectors.EVENT_READ)

    def _receive(self) -> None:
        """Take what has come; hand it over once it is a whole response."""
        while self._socket is not None:
            try:
                chunk = self._socket.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            self.heard_at = time.monotonic()
            self._heard += chunk
            if self._sent is None:  # closed by the server, or out of step
                self.close()
                return
            self._take(ended=not chunk)
            if not isinstance(self._socket, ssl.SSLSocket):
                return  # what is left makes the selector tell again

    def _take(self, *, ended: bool) -> None:
        assert self._sent is not None
        try:
            parsed = parse_response(self._heard, is_head=self._sent.is_head, ended=ended)
        except (ValueError, IndexError):
            self.lose(f"not HTTP: {bytes(self._heard[:60])!r}")
            return
        if parsed is not None:
            response, keep = parsed
            sent, self._sent = self._sent, None
            self._heard.clear()
            if keep and not ended and not self._left:
                self._free(self)
            else:
                self.close()
            sent.then(response)
        elif ended:
            self.lose(f"connection closed after {len(self._heard)} bytes of an answer")


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


_resolved: dict[tuple[str, int], tuple[int, list[tuple[socket.AddressFamily, tuple[str, int]]]]] = {}


def _addresses(name: str, port: int, period: int) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """The host's addresses of the first family that it has, looked up once in each period."""
    known = _resolved.get((name, port))
    if known is None or known[0] != period:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        first = found[0][0]
        known = (period, [(family, (str(at[0]), int(at[1]))) for family, _, _, _, at in found if family == first])
        _resolved[name, port] = known
    return known[1]


def _words(error: OSError) -> str:
    return f"{type(error).__name__}: {error}"
