"""What happens to the mover's requests on their way: refusals, answers that lie or break off, lost connections.

In: a seed. Out: a `Faults`, which meddles with requests to one store and cuts them (`benchmarks.wire`); an `Outage`,
for those to whoever gives tokens. Effects: those on the requests.

Which fault a request meets follows from the seed, its operation and path, and how many of the same came before it: not
from when it comes. Half of the faults come before the request reaches the store, half after it has carried it out.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from random import Random

from benchmarks.wire import CutOffError, PassOn, Request


class Fault(Enum):
    """What goes wrong with one request."""

    SLOW_DOWN = "503 SlowDown"
    UNAVAILABLE = "503 ServiceUnavailable, without a body"
    TOO_MANY = "429"
    CONFLICT = "409 OperationAborted"
    EXPIRED = "400 ExpiredToken"
    ERROR_IN_200 = "200 whose body is an error"
    EMPTY_200 = "200 without a body"
    BROKEN_200 = "200 whose body breaks off"
    RESET = "connection closed without an answer"
    SLOW = "an answer that takes long"
    UNAUTHORIZED = "401"
    UNWELL = "500"
    CUT = "connection cut in the middle of a body"
    NO_TOKEN = "no token"


_EVERYWHERE = (
    *(Fault.SLOW_DOWN,) * 4,
    *(Fault.UNAVAILABLE, Fault.TOO_MANY, Fault.RESET, Fault.SLOW),
)
OF_S3 = (
    *_EVERYWHERE,
    *(Fault.CONFLICT, Fault.EXPIRED, Fault.ERROR_IN_200, Fault.EMPTY_200, Fault.BROKEN_200),
)
_IN_200 = (Fault.ERROR_IN_200, Fault.EMPTY_200, Fault.BROKEN_200)
OF_BEARER_STORES = (*_EVERYWHERE, Fault.UNAUTHORIZED, Fault.UNWELL)
"""Their refusals say when to come back."""
_SLOW_SECONDS = 1.5


@dataclass
class Faults:
    """Faults for a share of all requests, until `calm`."""

    seed: int
    share: float
    mix: tuple[Fault, ...] = OF_S3
    calm: bool = False
    met: Counter[Fault] = field(default_factory=Counter)
    _nth: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def fault_of(self, request: Request) -> tuple[Fault | None, bool]:
        """Which fault this request meets, if any, and whether the store carries it out before."""
        random = self._random_of("", request)
        if random.random() >= self.share:
            return None, False
        fault = random.choice(self.mix)
        # What is read is told whole, or breaks off: S3 begins a success before its end is known of copies alone.
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        if request.operation == "GetObject" and fault in _IN_200:
            fault = Fault.RESET
        return fault, random.random() < 0.5

    def cut(self, request: Request) -> int | None:
        """After how many bytes of its body the connection of this request ends; None if it does not."""
        length = int(request.headers.get("content-length", "0"))
        if self.calm or not length or self._random_of("cut ", request).random() >= self.share / 4:
            return None
        self.met[Fault.CUT] += 1
        return length // 2

    def _random_of(self, what: str, request: Request) -> Random:
        path = request.target.split("?")[0]
        # The names in the log bucket are made up anew each time; their folder is not.
        name = path.rsplit("/", 1)[0] if path.split("/")[1].endswith("-log") else path
        self._nth[what, request.operation, name] += 1
        return Random(f"{self.seed} {what}{request.operation} {name} {self._nth[what, request.operation, name]}")

    async def __call__(self, request: Request, pass_on: PassOn) -> bytes:
        """Do to one request what is due."""
        fault, carried_out = (None, False) if self.calm else self.fault_of(request)
        if fault is None:
            return await pass_on()
        self.met[fault] += 1
        if fault is Fault.SLOW:
            await asyncio.sleep(0 if carried_out else _SLOW_SECONDS)
            answer = await pass_on()
            await asyncio.sleep(_SLOW_SECONDS if carried_out else 0)
            return answer
        if carried_out:
            await pass_on()
        return _answer(fault)


@dataclass
class Outage:
    """Whoever gives tokens fails while `is_on`: refuses, answers without one, does not answer, in turn."""

    is_on: bool = False
    met: Counter[Fault] = field(default_factory=Counter)

    async def __call__(self, _: Request, pass_on: PassOn) -> bytes:
        """Do to one request what is due."""
        if not self.is_on:
            return await pass_on()
        self.met[Fault.NO_TOKEN] += 1
        match self.met[Fault.NO_TOKEN] % 4:
            case 0:
                return _http(503, b"")
            case 1:
                return _http(200, b"{}")
            case 2:
                return _error(500, "InternalError")
            case _:
                raise CutOffError


_ERRORS = {
    Fault.SLOW_DOWN: (503, "SlowDown"),
    Fault.TOO_MANY: (429, "TooManyRequests"),
    Fault.CONFLICT: (409, "OperationAborted"),
    Fault.EXPIRED: (400, "ExpiredToken"),
    Fault.UNAUTHORIZED: (401, "InvalidAuthenticationInfo"),
    Fault.UNWELL: (500, "InternalError"),
    Fault.ERROR_IN_200: (200, "InternalError"),
}


def _answer(fault: Fault) -> bytes:
    match fault:
        case Fault.UNAVAILABLE:
            return _http(503, b"")
        case Fault.EMPTY_200:
            return _http(200, b"")
        case Fault.BROKEN_200:
            whole = (
                b'<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult><ETag>&quot;0123456789abcdef&quot;</ETag>'
            )
            raise CutOffError(_http(200, whole + b"</CopyObjectResult>")[:-30])
        case fault if fault in _ERRORS:
            return _error(*_ERRORS[fault])
        case _:
            raise CutOffError


def _error(status: int, code: str) -> bytes:
    return _http(status, f"<Error><Code>{code}</Code><Message>A fault of the soak.</Message></Error>".encode())


def _http(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} Soak\r\ncontent-type: application/xml\r\ncontent-length: {len(body)}\r\n"
    if status in (429, 503):  # heeded where a store asks for it, and by nobody at S3
        head += "retry-after: 1\r\n"
    return head.encode() + b"\r\n" + body
