"""What happens to the mover's requests on their way to S3: refusals, answers that lie or break off, lost connections.

In: a seed. Out: a `Faults`, a meddler for `benchmarks.wire`. Effects: those on the requests.

Which fault a request meets follows from the seed, its operation and path, and how many of the same came before it: not
from when it comes. Half of the faults come before the request reaches S3, half after S3 has carried it out.
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


_MIX = (Fault.SLOW_DOWN,) * 3 + tuple(Fault)
_SLOW_SECONDS = 1.5


@dataclass
class Faults:
    """Faults for a share of all requests, until `calm`."""

    seed: int
    share: float
    calm: bool = False
    met: Counter[Fault] = field(default_factory=Counter)
    _nth: Counter[tuple[str, str]] = field(default_factory=Counter)

    def fault_of(self, request: Request) -> tuple[Fault | None, bool]:
        """Which fault this request meets, if any, and whether S3 carries it out before."""
        path = request.target.split("?")[0]
        self._nth[request.operation, path] += 1
        nth = self._nth[request.operation, path]
        # The receipts' names are made up anew each time; their folder is not.
        name = path.rsplit("/", 1)[0] if request.operation == "PutObject" else path
        random = Random(f"{self.seed} {request.operation} {name} {nth}")
        if random.random() >= self.share:
            return None, False
        return random.choice(_MIX), random.random() < 0.5

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
        return _answer(fault, request)


def _answer(fault: Fault, request: Request) -> bytes:
    match fault:
        case Fault.SLOW_DOWN:
            return _error(503, "SlowDown")
        case Fault.UNAVAILABLE:
            return _http(503, b"")
        case Fault.TOO_MANY:
            return _error(429, "TooManyRequests")
        case Fault.CONFLICT:
            return _error(409, "OperationAborted")
        case Fault.EXPIRED:
            return _error(400, "ExpiredToken")
        case Fault.ERROR_IN_200:
            return _error(200, "InternalError")
        case Fault.EMPTY_200:
            return _http(200, b"")
        case Fault.BROKEN_200:
            whole = (
                b'<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult><ETag>&quot;0123456789abcdef&quot;</ETag>'
            )
            raise CutOffError(_http(200, whole + b"</CopyObjectResult>")[:-30])
        case _:
            raise CutOffError


def _error(status: int, code: str) -> bytes:
    return _http(status, f"<Error><Code>{code}</Code><Message>A fault of the soak.</Message></Error>".encode())


def _http(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} Soak\r\ncontent-type: application/xml\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body
