"""Looks host names up without holding up whoever waits for something else.

In: a host's name. Out: its addresses, or the error that kept them from being found, handed to a callback. Effects: the
look-up, in a thread that lives no longer; answers and, for a moment, failures are remembered.

The standard library can only wait for a look-up, for many seconds when no name server answers. So each name that is not
known has a thread of its own, and all who ask for it meanwhile share its answer.
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

# S3 moves its load by changing what a name stands for: such an answer is not kept for long.
REMEMBERED_SECONDS = 30.0
# Calls that failed together are repeated within fractions of a second: one look-up is enough for all of them.
FAILURE_REMEMBERED_SECONDS = 1.0


class Address(NamedTuple):
    """Where to connect to."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]


Resolved = Sequence[Address] | Exception
OnResolved = Callable[[Resolved], None]
LookUp = Callable[..., Sequence[tuple[socket.AddressFamily, Any, int, str, tuple[Any, ...]]]]


class Resolver:
    """Addresses by host and port. For one thread, whose loop takes calls from others."""

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], None],
        *,
        look_up: LookUp = socket.getaddrinfo,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look nothing up yet. `call_soon` has the loop make a call, from whatever thread."""
        self._call_soon = call_soon
        self._look_up = look_up
        self._clock = clock
        self._known: dict[tuple[str, int], tuple[float, Resolved]] = {}
        self._waiting: dict[tuple[str, int], list[OnResolved]] = {}

    def resolve(self, name: str, port: int, on_resolved: OnResolved) -> None:
        """Hand over the addresses of a host: at once if they are known, else from within the loop."""
        until, known = self._known.get((name, port), (0.0, None))
        if known is None or until < self._clock():
            known = _numeric(name, port)
        if isinstance(known, Exception):
            failure = known
            self._call_soon(lambda: on_resolved(failure))
        elif known:
            on_resolved(known)
        else:
            waiting = self._waiting.setdefault((name, port), [])
            waiting.append(on_resolved)
            if len(waiting) == 1:
                self._start(name, port)

    def _start(self, name: str, port: int) -> None:
        thread = threading.Thread(target=self._ask, args=(name, port), name=f"look up {name}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # there are as many threads as there may be
            failure = error
            self._call_soon(lambda: self._answer((name, port), failure))

    def _ask(self, name: str, port: int) -> None:
        """Wait for the answer, in a thread of its own."""
        answer: Resolved
        try:
            answer = _first_family(self._look_up(name, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 somebody waits for an answer
            answer = error
        self._call_soon(lambda: self._answer((name, port), answer))

    def _answer(self, host: tuple[str, int], answer: Resolved) -> None:
        seconds = FAILURE_REMEMBERED_SECONDS if isinstance(answer, Exception) else REMEMBERED_SECONDS
        self._known[host] = (self._clock() + seconds, answer)
        for on_resolved in self._waiting.pop(host):
            on_resolved(answer)


def _numeric(name: str, port: int) -> Sequence[Address]:
    """The address that a name is already; nothing if it is a name."""
    with suppress(OSError, UnicodeError):
        return _first_family(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    return ()


def _first_family(found: Sequence[tuple[socket.AddressFamily, Any, int, str, tuple[Any, ...]]]) -> Sequence[Address]:
    """The addresses of the first family that the host has: the system puts first what it can reach."""
    return [Address(family, sockaddr) for family, _, _, _, sockaddr in found if family == found[0][0]]
