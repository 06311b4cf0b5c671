"""Faults that somebody asked for: the next requests to a service are refused, or their answers are lost.

In: what to do to how many requests. Out: what to do to the next one. Effects: counts down.
"""

import threading
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class InjectedFault:
    """What the next so many requests to a service meet.

    `status`: 0 cuts the connection instead of an answer. `after`: the request is carried out first.
    `retry_after`: in seconds.
    """

    service: str
    status: int
    code: str = "ServerBusy"
    times: int = 1
    after: bool = False
    retry_after: int | None = None


class Faults:
    """Those that are yet to come, in their order."""

    def __init__(self) -> None:
        self._waiting: list[InjectedFault] = []
        self._lock = threading.Lock()

    def add(self, fault: InjectedFault) -> None:
        """Have it come after those that wait already."""
        with self._lock:
            self._waiting.append(fault)

    def next_for(self, service: str) -> InjectedFault | None:
        """What the request that is here now meets, or None."""
        with self._lock:
            for number, fault in enumerate(self._waiting):
                if fault.service == service:
                    rest = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    self._waiting[number : number + 1] = rest
                    return fault
        return None
