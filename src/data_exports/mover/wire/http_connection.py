"""One HTTP/1.1 connection: idle, or carrying one request at a time.

In: requests, and word from the selector that the socket is ready. Out: each request's response, or the fault that kept
one from coming, handed to its callback. Effects: the socket.

A request is sent once: a connection that is lost, or stays silent, is an answer too.
"""

import random
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from data_exports.mover.wire.http_requests import Host
from data_exports.mover.wire.http_responses import MAX_BODY_BYTES, InvalidResponseError, Response, ResponseReader
from data_exports.mover.wire.name_resolution import Resolved, Resolver

OnResponse = Callable[[Response], None]

# A server closes a connection that is not used for some seconds. One that was idle for longer than this is not used
# again: a request that is lost on it could have been carried out, for all we would know.
IDLE_SECONDS = 2.0
_CHUNK_BYTES = 256 * 1024
_TLS_RECORD_BYTES = 16 * 1024  # at most: https://www.rfc-editor.org/rfc/rfc8446#section-5.1
_NOTHING = memoryview(b"")


class RequestLimits(NamedTuple):
    """What a server may take and give for one request.

    `read_timeout_seconds`: the longest that it may stay silent. `timeout_seconds`: the longest until the whole response
    is there, from the moment the request is to be sent: S3 sends white space while it works, for as long as it likes.
    The most that S3 copies in one request is 5 GiB, which at the 85 MB/s that it gives one connection takes 63 s; twice
    that is allowed, and no more than lets a part be tried for a minute and still end before the function does.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-design-patterns.html
    """

    read_timeout_seconds: float = 30.0
    timeout_seconds: float = 140.0
    max_body_bytes: int = MAX_BODY_BYTES


USUAL_LIMITS = RequestLimits()


class PendingRequest(NamedTuple):
    """A request as bytes; `on_response` gets its response, exactly once. `deadline`: when it is given up."""

    data: bytes
    on_response: OnResponse
    is_head: bool
    limits: RequestLimits
    deadline: float
    body: bytes = b""  # what follows the data; apart, so that a large one is in memory once

    def fail(self, fault: str) -> None:
        """Answer it with what kept a response from coming."""
        self.on_response(Response(None, {}, b"", fault=fault))

    def fault_at(self, now: float) -> str:
        """What to fail it with if its time is over; else nothing."""
        return f"not answered within {self.limits.timeout_seconds:g} s" if now > self.deadline else ""


class HttpConnection:
    """A connection to one host, which tells its owner when it is free again and when it is closed."""

    def __init__(
        self,
        host: Host,
        selector: selectors.BaseSelector,
        resolver: Resolver,
        *,
        tls_context: Callable[[], ssl.SSLContext],
        on_idle: Callable[["HttpConnection"], None],
        on_closed: Callable[["HttpConnection"], None],
    ) -> None:
        """Connect with the first request."""
        self.host = host
        self._active_at = time.monotonic()
        self._selector = selector
        self._resolver = resolver
        self._tls_context, self._on_idle, self._on_closed = tls_context, on_idle, on_closed
        self._socket: socket.socket | None = None
        self._is_ready = False  # connected, and past the TLS handshake
        self._is_refused = False  # nothing more can be sent; what was said about that is still read
        self._events = 0
        self._request: PendingRequest | None = None
        self._unsent = self._unsent_body = _NOTHING
        self._reader = ResponseReader(is_head=False)

    def is_usable(self) -> bool:
        """Tell whether it may be used again: neither idle for long, nor closed, nor with bytes nobody asked for."""
        if self._socket is None or time.monotonic() - self._active_at > IDLE_SECONDS:
            return False
        try:
            socket.socket.recv(self._socket, 1, socket.MSG_PEEK)  # below TLS: whether anything came at all
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def carry(self, request: PendingRequest) -> None:
        """Carry one request."""
        self._request, self._unsent, self._unsent_body = request, memoryview(request.data), memoryview(request.body)
        self._reader = ResponseReader(is_head=request.is_head, max_body_bytes=request.limits.max_body_bytes)
        self._active_at = time.monotonic()
        if self._socket is None:
            self._resolver.resolve(self.host.name, self.host.port, self._connect)
        elif self._is_ready:
            try:
                self._send()
            except OSError as error:
                self._fail(_text_of(error))

    def close(self) -> None:
        """Close it, and tell so."""
        self.discard()
        self._on_closed(self)

    def discard(self) -> None:
        """Close it without a word."""
        if self._socket is not None:
            if self._events:
                self._selector.unregister(self._socket)
            self._socket.close()
            self._socket, self._events = None, 0

    def check_time(self, now: float) -> None:
        """Give its request up if the answer has not come for too long."""
        request = self._request
        if request is None:
            return
        seconds = request.limits.read_timeout_seconds
        is_silent = now - self._active_at > seconds
        if fault := request.fault_at(now) or (f"silent for {seconds:g} s" if is_silent else ""):
            self._fail(fault)

    def _fail(self, fault: str) -> None:
        """Close it without an answer to the request that it carries."""
        request, self._request = self._request, None
        self.close()
        if request is not None:
            request.fail(fault)

    def _connect(self, resolved: Resolved) -> None:
        if self._request is None:  # given up meanwhile
            return
        if isinstance(resolved, Exception):
            self._fail(_text_of(resolved))
            return
        try:
            self._open(*random.choice(resolved))  # noqa: S311 it spreads the load, it keeps no secret
        except OSError as error:
            self._fail(_text_of(error))

    def _open(self, family: socket.AddressFamily, sockaddr: tuple[object, ...]) -> None:
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)  # noqa: FBT003 the library's own signature
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            self._socket.connect(sockaddr)
        if self.host.scheme == "https":
            self._socket = self._tls_context().wrap_socket(
                self._socket, server_hostname=self.host.name, do_handshake_on_connect=False
            )
        self._watch(selectors.EVENT_WRITE)

    def _watch(self, events: int) -> None:
        if events != self._events:
            assert self._socket is not None
            if self._events:
                self._selector.modify(self._socket, events, self._on_ready)
            else:
                self._selector.register(self._socket, events, self._on_ready)
            self._events = events

    def _on_ready(self) -> None:
        """See to what the socket is ready for."""
        try:
            if not self._is_ready and not self._finish_connecting():
                return
            if self._unsent and not self._is_refused:
                self._send()
            self._receive()
        except OSError as error:
            self._fail(_text_of(error))

    def _finish_connecting(self) -> bool:
        """Go on with connecting; tell whether that is done."""
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
        self._is_ready = True
        return True

    def _send(self) -> None:
        assert self._socket is not None
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
                if not self._unsent:
                    self._unsent, self._unsent_body = self._unsent_body, _NOTHING
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            self._watch(selectors.EVENT_READ | selectors.EVENT_WRITE)
        except OSError:
            # Who refuses a request may say so before all of it has come, and end the connection: that is an answer.
            # https://www.rfc-editor.org/rfc/rfc9112#name-tear-down
            self._is_refused = True
            self._watch(selectors.EVENT_READ)
        else:
            self._watch(selectors.EVENT_READ)

    def _receive(self) -> None:
        """Take what has come; hand it over once it is a whole response.

        A server may send faster than this reads. So no more than a buffer's worth is taken at a time: then it is the
        others' turn, and the clock's.
        """
        for _ in range(_CHUNK_BYTES // _TLS_RECORD_BYTES):
            if self._socket is None:
                return
            try:
                data = self._socket.recv(_CHUNK_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            self._active_at = time.monotonic()
            if self._request is None:  # closed by the server, or out of step
                self.close()
                return
            self._read(self._request, data)
            if not isinstance(self._socket, ssl.SSLSocket):
                return  # what is left makes the selector tell again; of TLS each turn takes a whole record

    def _read(self, request: PendingRequest, data: bytes) -> None:
        try:
            received = self._reader.feed(data)
        except InvalidResponseError as error:
            self._fail(str(error))
            return
        if received is not None:
            if self._unsent and (received.response.status or 0) < 300:
                self._fail("a success before all of the request was sent")
                return
            self._request = None
            if received.keep_alive and not self._unsent:
                self._on_idle(self)
            else:
                self.close()
            request.on_response(received.response)


def _text_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
